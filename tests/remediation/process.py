"""A process of its own for the crash tests: carries out one execution, and dies by SIGKILL at a named point."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.aws import Aws
from bot.model import Change
from bot.remediation import records, remediations
from bot.remediation.disable_access_key import DisableAccessKey
from bot.remediation.run import Remediations
from bot.store import jobs
from bot.store.state import State
from tests.remediation.bench import ANA, RULES, SETTINGS, bot_session

Step = Callable[..., Any]
POINTS: dict[str, tuple[object, str, str]] = {
    "claimed, before AWS is read": (DisableAccessKey, "observe", "before"),
    "before the undo record is committed": (records, "keep_undo_record", "after"),
    "undo record committed, before the call": (DisableAccessKey, "execute", "before"),
    "after the call, before anything is read": (DisableAccessKey, "execute", "after"),
    "read back, before the result is committed": (records, "release", "after"),
    "result committed, before the job is finished": (Remediations, "execute", "after"),
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str) -> None:
    owner, name, when = POINTS[point]
    step: Step = getattr(owner, name)

    def fatal(*args: object, **kwargs: object) -> object:
        if when == "before":
            die()
        result = step(*args, **kwargs)
        die()
        return result

    setattr(owner, name, fatal)


def main(state: str, doing: str, subject: str, point: str) -> None:
    def clock() -> datetime:
        return datetime.now(UTC)

    carrying_out = Remediations(State(Path(state)), Aws(SETTINGS, clock, bot_session()), RULES, clock, remediations())
    if point:
        arm(point)
    if doing == "approve":
        approved = carrying_out.approve(subject, ANA, "from a process of its own")
        print("approved" if isinstance(approved, Change) else "refused")  # noqa: T201
        if isinstance(approved, Change):
            carrying_out.execute(approved.execution)
    else:
        jobs_of_act_pool(carrying_out, Path(state))


def jobs_of_act_pool(carrying_out: Remediations, path: Path) -> None:
    with State(path) as state:
        job = state.write(lambda db: jobs.claim(db, "act", datetime.now(UTC)))
        assert job is not None
        carrying_out.execute(job.payload["execution"])


if __name__ == "__main__":
    main(*sys.argv[1:])
