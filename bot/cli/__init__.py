"""The ``triage`` command: parses, delegates to operations, prints.

With ``--json`` one JSON document goes to stdout and nothing else; logs and sentences go to stderr. Exit codes: 0 done,
1 refused or failed with a sentence, 2 usage or config error, 3 done but a question that feeds the verdict failed or
timed out, or the history does not cover the window. Imports stand inside the commands, because boto3 and Slack cost
more to import than reading a history takes.
"""

from __future__ import annotations

import sys

# Each module registers its commands as it is imported: in the order of ``triage --help``.
from bot.cli import loading  # isort: skip
from bot.cli import reading  # isort: skip
from bot.cli import looking  # isort: skip
from bot.cli import searching  # isort: skip
from bot.cli import backtesting  # isort: skip
from bot.cli import ordinary  # isort: skip
from bot.cli import casework  # isort: skip
from bot.cli import leading  # isort: skip
from bot.cli import snoozing  # isort: skip
from bot.cli import digest  # isort: skip
from bot.cli import changing  # isort: skip
from bot.cli import auditing  # isort: skip
from bot.cli import addresses  # isort: skip
from bot.cli import queued  # isort: skip
from bot.cli import keeping  # isort: skip
from bot.cli import serving  # isort: skip
from bot.cli import doctoring  # isort: skip
from bot.cli import beginning  # isort: skip
from bot.cli.terminal import INCOMPLETE, REFUSED, USAGE, app, say

__all__ = (
    "INCOMPLETE",
    "REFUSED",
    "USAGE",
    "addresses",
    "app",
    "auditing",
    "backtesting",
    "beginning",
    "casework",
    "changing",
    "digest",
    "doctoring",
    "keeping",
    "leading",
    "loading",
    "looking",
    "main",
    "ordinary",
    "queued",
    "reading",
    "searching",
    "serving",
    "snoozing",
)


def main() -> None:
    """Run the command line; every expected failure ends in a sentence, never in a traceback."""
    try:
        app()
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        say(str(error))
        sys.exit(code)


def _exit_code(error: Exception) -> int | None:
    """The exit code of a failure that is somebody's to put right; ``None`` for one that is ours."""
    from bot.app import CannotListen
    from bot.config import ConfigError
    from bot.config.secret_ref import MissingSecret
    from bot.hunts.library import PlaybookError
    from bot.ipdata.origin import AddressDataUnreadable
    from bot.model import HistoryUnavailableError
    from bot.plugins import PluginError
    from bot.store.state import StateUnavailable
    from bot.weights import WeightsError

    ours_to_mend = AddressDataUnreadable | ConfigError | MissingSecret | PlaybookError | PluginError | WeightsError
    if isinstance(error, ours_to_mend):
        return USAGE
    return REFUSED if isinstance(error, CannotListen | HistoryUnavailableError | StateUnavailable) else None
