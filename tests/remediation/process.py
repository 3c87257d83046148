"""A process of its own for the crash tests: carries out what is queued, and dies by SIGKILL at a named point.

The product has no hooks for this: the functions named here are wrapped in that process alone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from bot.aws import Aws
from bot.model import Change
from bot.remediation import records, remediations
from bot.remediation.chronicle import Chronicle
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.run import Remediations
from bot.store import jobs
from bot.store.state import State
from tests.forks import processes
from tests.remediation.bench import ANA, RULES, SETTINGS, bot_session
from tests.remediation.door import READING

Step = Callable[..., Any]
CALL = "the remediation's call"
POINTS: dict[str, tuple[object, str, str]] = {
    "claimed, before AWS is read": (Chronicle, "observe", "before"),
    "before the undo record is committed": (records, "keep_undo_record", "after"),
    "undo record committed, before the call": (CALL, "", "before"),
    "after the call, before anything is read": (CALL, "", "after"),
    "read back, before the result is committed": (records, "release", "after"),
    "result committed, before the job is finished": (Remediations, "execute", "after"),
}
AFTER_THE_FIRST = "after the first of several calls"
REFUSED = 3
"""Its exit code where the approval was refused."""
SESSION = bot_session()
"""One for all processes: what it has read of the service models they are forked with."""


@dataclass(frozen=True)
class Errand:
    """What the process is to do: ``approve`` the plan ``subject``, or carry out what is queued."""

    state: str
    aws_url: str
    subject: str = ""
    point: str = ""
    remediation: str = ""
    """At whose call it dies, where the point is one."""
    offer: Offer = PLAIN
    workers: int = 0
    """With some it does at its start what ``triage serve`` does, and ends when nothing is due."""


def start(errand: Errand) -> ForkServerProcess:
    process = processes.Process(target=run, args=(errand,), daemon=True)
    process.start()
    return process


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(errand: Errand) -> None:
    if errand.point == AFTER_THE_FIRST:
        _wrap(BaseClient, "_make_api_call", "after", lambda client, name, *_: not name.startswith((*READING, "Assume")))
        return
    owner, name, when = POINTS[errand.point]
    if owner is not CALL:
        _wrap(owner, name, when)
        return
    (remedy,) = [type(each) for each in remediations(errand.offer) if each.name == errand.remediation]
    for call in ("execute", "undo"):
        _wrap(remedy, call, when)


def _wrap(owner: object, name: str, when: str, is_it: Callable[..., bool] = lambda *_: True) -> None:
    step: Step = getattr(owner, name)

    def fatal(*args: object, **kwargs: object) -> object:
        if when == "before":
            die()
        result = step(*args, **kwargs)
        if is_it(*args):
            die()
        return result

    setattr(owner, name, fatal)


def now() -> datetime:
    return datetime.now(UTC)


def run(errand: Errand) -> None:
    os.environ["AWS_ENDPOINT_URL"] = errand.aws_url
    state = State(Path(errand.state))
    carrying_out = Remediations(state, Aws(SETTINGS, now, SESSION), RULES, now, remediations(errand.offer, now))
    if errand.point:
        arm(errand)
    if errand.subject:
        approve(carrying_out, errand.subject)
    elif errand.workers:
        serve(carrying_out, state, errand.workers)
    else:
        work(carrying_out, state)
    state.close()


def approve(carrying_out: Remediations, plan: str) -> None:
    approved = carrying_out.approve(plan, ANA, "from a process of its own")
    if not isinstance(approved, Change):
        raise SystemExit(REFUSED)
    carrying_out.execute(approved.execution)


def serve(carrying_out: Remediations, state: State, workers: int) -> None:
    state.write(jobs.release_all)
    carrying_out.recover()
    threads = [threading.Thread(target=work, args=(carrying_out, state)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work(carrying_out: Remediations, state: State) -> None:
    """What a worker of the ``act`` pool does, until nothing is due."""
    does = carrying_out.handlers()
    while job := state.write(lambda db: jobs.claim(db, "act", now())):
        does[job.kind](job)
        state.write(lambda db, job=job: jobs.finish(db, job, now()))  # type: ignore[misc]
