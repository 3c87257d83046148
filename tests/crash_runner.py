"""`triage serve` in a process of its own that dies by SIGKILL at a named point of its work.

The product has no hooks for this: the functions named here are wrapped in that process alone.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bot import app as composition
from bot import cases
from bot.cli import app
from bot.history import queue
from bot.history.queue import Queue
from bot.history.writing import HistoryWriter
from bot.operations import Operations
from bot.pipeline import Pipeline
from bot.remediation import records
from bot.remediation.disable_access_key import DisableAccessKey
from bot.slack import answers, listeners, post
from bot.slack.post import Sender
from bot.store import inbox, jobs, outbox, state

Step = Callable[..., Any]


@dataclass(frozen=True)
class Point:
    """Around the ``nth`` call of ``owner.name``; ``committed`` is right after the transaction it was made in."""

    owner: Any
    name: str
    when: Literal["before", "after", "committed"]
    nth: int = 1
    pool: str | None = None
    """Count only the calls for this pool: the bot gives itself work, too."""


ALERT = {
    "alert kept, not committed": Point(inbox, "keep", "after"),
    "alert committed, not answered": Point(inbox, "keep", "committed"),
    "answered, job not claimed": Point(jobs, "claim", "before"),
    "job claimed": Point(jobs, "claim", "committed"),
    "alert read, case not opened": Point(Pipeline, "open_cases", "before"),
    "case opened, not committed": Point(cases, "open_or_join", "after"),
    "first card queued, not committed": Point(inbox, "settle", "after"),
    "case and first card committed": Point(inbox, "settle", "committed"),
    "questions claimed": Point(jobs, "claim", "committed", 2),
    "first look settled, not committed": Point(cases, "settle", "after"),
    "first look committed": Point(cases, "settle", "committed"),
    "an answer settled, not committed": Point(cases, "settle", "after", 3),
    "an answer committed": Point(cases, "settle", "committed", 3),
    "last answer and thread queued, not committed": Point(Pipeline, "_show_details", "after"),
    "last answer and thread committed": Point(Pipeline, "_show_details", "committed"),
    "card taken up, not sent": Point(outbox, "claim", "committed"),
    "card sent, answer not seen": Point(Sender, "_post", "after"),
    "card sent, not recorded": Point(outbox, "sent", "after"),
    "card recorded": Point(outbox, "sent", "committed"),
    "card updated, not recorded": Point(outbox, "sent", "after", 2),
    "a reply sent, answer not seen": Point(Sender, "_post", "after", 3),
}
"""The way of an alert, stop by stop."""

COMMAND = {
    "command kept, not committed": Point(jobs, "add", "after", pool=listeners.POOL),
    "command committed, not acknowledged": Point(jobs, "add", "committed", pool=listeners.POOL),
    "command claimed": Point(jobs, "claim", "committed"),
    "case opened, not committed": Point(cases, "open_or_join", "after"),
    "case opened, job not ended": Point(Operations, "triage", "after"),
    "answer queued, not committed": Point(outbox, "respond", "after"),
    "answer queued, job ended": Point(outbox, "respond", "committed"),
    "answer sent, not recorded": Point(Sender, "_respond", "after"),
}
CLICK = {
    "click kept, not committed": Point(jobs, "add", "after", pool=listeners.POOL),
    "click committed, window not opened": Point(jobs, "add", "committed", pool=listeners.POOL),
    "window open, AWS not read": Point(DisableAccessKey, "plan", "before"),
    "plan made, not committed": Point(records, "keep_plan", "after"),
    "plan committed, job not ended": Point(records, "keep_plan", "committed"),
    "preview queued, not committed": Point(outbox, "change_view", "after"),
    "preview queued, job ended": Point(outbox, "change_view", "committed"),
    "preview shown, not recorded": Point(Sender, "_view", "after"),
}
SUBMIT = {
    "approval kept, not committed": Point(jobs, "add", "after", pool=listeners.POOL),
    "approval committed, not acknowledged": Point(jobs, "add", "committed", pool=listeners.POOL),
    "approval claimed": Point(Operations, "approve", "before"),
    "execution queued, not committed": Point(records, "add_execution", "after"),
    "execution committed, job not ended": Point(records, "add_execution", "committed"),
    "window's answer committed": Point(outbox, "change_view", "committed"),
    "way back committed, AWS not called": Point(records, "keep_undo_record", "committed"),
    "AWS called, nothing recorded": Point(DisableAccessKey, "execute", "after"),
    "outcome recorded, not committed": Point(records, "release", "after"),
    "outcome committed, job not ended": Point(records, "release", "committed"),
}
FOLLOW = {
    "messages taken, nothing stored": Point(HistoryWriter, "store", "before"),
    "stored, not deleted": Point(Queue, "delete", "before"),
    "deleted": Point(Queue, "delete", "after"),
}
TAKE_IN = {
    "messages taken, nothing kept": Point(inbox, "keep", "before"),
    "alert kept, not committed": Point(inbox, "keep", "after"),
    "alert committed, not deleted": Point(inbox, "keep", "committed"),
    "all kept, not deleted": Point(Queue, "delete", "before"),
    "deleted": Point(Queue, "delete", "after"),
}
"""The way of an alert out of a queue."""
POINTS = {
    **{f"alert: {name}": point for name, point in ALERT.items()},
    **{f"command: {name}": point for name, point in COMMAND.items()},
    **{f"click: {name}": point for name, point in CLICK.items()},
    **{f"submit: {name}": point for name, point in SUBMIT.items()},
    **{f"follow: {name}": point for name, point in FOLLOW.items()},
    **{f"take in: {name}": point for name, point in TAKE_IN.items()},
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Armed:
    """Counts the calls of one function and ends the process at the right one."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self._step: Step = getattr(point.owner, point.name)
        self._calls = 0
        self.reached = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        counts = self._point.pool in {None, kwargs.get("pool")}
        self._calls += counts
        mine = counts and self._calls == self._point.nth
        if mine and self._point.when == "before":
            die()
        result = self._step(*args, **kwargs)
        if mine and self._point.when == "after":
            die()
        self.reached = self.reached or mine
        return result


def arm(point: Point) -> None:
    armed = _Armed(point)

    def step(*args: Any, **kwargs: Any) -> Any:  # a function, so that a class binds it as its method
        return armed(*args, **kwargs)

    setattr(point.owner, point.name, step)
    if point.when == "committed":
        _die_after_commit(armed)


def _die_after_commit(armed: _Armed) -> None:
    transaction: Step = state._in_transaction

    def fatal(*args: Any) -> Any:
        result = transaction(*args)
        if armed.reached:
            die()
        return result

    setattr(state, transaction.__name__, fatal)


def serve(config: str, environ: Mapping[str, str], log: str, point: str | None) -> None:
    """Run `triage serve`; with ``point``, until it is reached. It waits for nothing but its work."""
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environ)
    answers.AFTER_ACKNOWLEDGEMENT = timedelta(0)
    post.VIEW_ATTEMPTS = 2
    queue.HELD, queue.WAIT_SECONDS = timedelta(seconds=1), 1
    composition.Bot = partial(composition.Bot, pace=timedelta(0))  # type: ignore[assignment,misc]
    if point is not None:
        arm(POINTS[point])
    sys.argv = ["triage", "serve", "--config", config]
    app()
