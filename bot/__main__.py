"""``python -m bot`` is ``triage``."""

from bot.cli import main

main()
