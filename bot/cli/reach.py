"""What a command works on: settings, history, the bot's state, and who is asking."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.terminal import fail, time_of
from bot.model import Actor

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.config.settings import Settings
    from bot.history.sqlite import SqliteHistory
    from bot.investigator import Investigator


def settings_of(config: Path | None) -> Settings:
    from bot.config import find, load

    return load(find(config))


def history_path(given: Path | None, settings: Settings) -> Path:
    return given or settings.history.path


def investigator_of(settings: Settings, history: Path | None) -> Investigator:
    """What looks into the history: a file that is named for this command alone, or what the settings say."""
    from bot.app import now
    from bot.histories import remote_of
    from bot.history.looking import Told
    from bot.investigator import Investigator
    from bot.outside import aws_of, outside_at_hand
    from bot.store.state import reader_of

    remote = None if history else remote_of(settings, lambda: aws_of(settings, os.environ, now), now, Told(sys.stderr))
    path: Path | None = history_path(history, settings)
    if path is not None and ((settings.history.kind != "sqlite" and not history) or not path.is_file()):
        if remote is None:
            fail(f"There is no history {path}: make one with `triage ingest PATH... --history {path}`.")
        path = None
    state, outside = reader_of(settings.store.path), outside_at_hand(settings, now)
    return Investigator(settings, path, state=state, outside=outside, remote=remote)


def store_of(investigator: Investigator) -> SqliteHistory:
    from bot.investigator import NOTHING_KEPT

    if investigator.kept is None:
        fail(
            f"This cannot be asked here: {NOTHING_KEPT}." if investigator.history else "There is no history to search."
        )
    return investigator.kept


def desk_of(config: Path | None, *, outside: bool = True) -> Desk:
    """``outside``: AWS or others are asked. Where not, no secret needs to be there."""
    from bot.app import Desk

    return Desk(settings_of(config), at_hand=not outside)


def history_desk_of(config: Path | None) -> Desk:
    """For what asks the history and nobody else."""
    return desk_of(config, outside=bool(settings_of(config).history.remote))


def me() -> Actor:
    user = getpass.getuser()
    return Actor(f"local:{user}", user)


def moment_of(at: str | None, investigator: Investigator) -> datetime:
    from bot.app import now

    if at == "latest":
        newest = investigator.history.newest() if investigator.history is not None else None
        return newest or now()
    return time_of(at) or now()


def source_of(settings: Settings, name: str) -> Any:
    from bot.intake import FORMS, shipped
    from bot.settled import source_of_kind, sources_of

    known = name in FORMS or name in shipped.names()
    return sources_of(settings).get(name) or source_of_kind(name, name if known else "auto")
