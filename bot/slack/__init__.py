"""Slack: listeners, blocks, posting."""
