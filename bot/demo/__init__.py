"""The demo: a made organisation, a local AWS and a local Slack. Imported by the ``demo`` command alone."""
