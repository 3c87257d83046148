"""A change is looked at again as soon as something touches its target, and what came loose is said aloud."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot import cases, closings
from bot.model import ChangeState, Conclusion, Detail, Event, History, HistoryUnavailableError, Outcome, Principal
from bot.remediation.touching import Touching
from tests.fakes import FakeHistory, event
from tests.remediation.bench import ANA, Bench
from tests.remediation.cloud import ACCOUNT
from tests.remediation.test_evidence import case, disable

__all__ = ("case",)

THIEF = Principal(f"{ACCOUNT}:user/thief", "IAMUser", None, ACCOUNT)


def looks(bench: Bench) -> int:
    """How many looks were queued because of an event."""
    rows = bench.state.read().execute("SELECT count(*) FROM jobs WHERE once LIKE 'verify:%:touched:%'").fetchone()
    return int(rows[0])


def happens(bench: Bench, name: str, user: str | None = None, **changes: Any) -> Event:
    detail = Detail(user=user) if user else None
    made = event(name=name, at=bench.clock(), account=ACCOUNT, principal=THIEF, key=None, detail=detail, **changes)
    bench.events.append(made)
    return made


def notice(bench: Bench, history: History | None = None) -> Touching:
    touching = Touching(bench.state, lambda: history or FakeHistory(bench.events), bench.clock)
    touching.step()
    return touching


@pytest.mark.parametrize(
    ("name", "whose"), [("iam:CreateAccessKey", "own"), ("iam:DetachUserPolicy", "own"), ("iam:UpdateAccessKey", None)]
)
def test_whatever_touches_the_target_has_it_looked_at(bench: Bench, case: int, name: str, whose: str | None) -> None:
    disable(bench, case)
    bench.clock.forward(minutes=5)
    happens(bench, name, bench.seat.user if whose else None)
    notice(bench)
    assert looks(bench) == 1


def test_as_long_as_the_case_is_open_a_change_is_looked_at_every_day(bench: Bench, case: int) -> None:
    execution = disable(bench, case)

    def due() -> list[float]:
        rows = "SELECT due_at FROM jobs WHERE kind = 'verify' AND state = 'ready' ORDER BY due_at"
        return [at - bench.clock().timestamp() for (at,) in bench.state.read().execute(rows).fetchall()]

    assert due() == [10, 60, 15 * 60]
    bench.clock.forward(minutes=15)
    bench.carry_out_due_jobs()
    for _ in range(3):
        assert due() == [24 * 60 * 60]
        bench.clock.forward(days=1)
        bench.carry_out_due_jobs()
    bench.cloud.set_status(bench.seat, "Active")
    bench.clock.forward(days=1)
    bench.carry_out_due_jobs()
    (loose,) = bench.loose
    assert (loose.execution, loose.state) == (execution, ChangeState.FAILED)


def test_a_key_made_active_again_is_found_within_minutes_and_said_aloud(bench: Bench, case: int) -> None:
    execution = disable(bench, case)
    bench.carry_out_due_jobs()
    bench.cloud.set_status(bench.seat, "Active")
    bench.clock.forward(minutes=5)
    happens(bench, "iam:UpdateAccessKey")
    notice(bench)
    bench.carry_out_due_jobs()
    (loose,) = bench.loose
    assert (loose.execution, loose.state) == (execution, ChangeState.FAILED)
    assert loose.sentence.startswith("It no longer holds: AWS shows")


def test_a_new_key_of_the_same_user_is_said_aloud_once(bench: Bench, case: int) -> None:
    disable(bench, case)
    bench.cloud.iam().delete_access_key(UserName=bench.seat.user, AccessKeyId=bench.seat.other.id)
    bench.clock.forward(minutes=5)
    bench.cloud.iam().create_access_key(UserName=bench.seat.user)
    happens(bench, "iam:CreateAccessKey", bench.seat.user)
    notice(bench)
    bench.carry_out_due_jobs()
    happens(bench, "iam:CreateAccessKey", bench.seat.user)
    bench.clock.forward(minutes=2)
    notice(bench)
    bench.carry_out_due_jobs()
    assert [each.state for each in bench.loose] == [ChangeState.CONFIRMED]


def test_a_call_that_the_stopped_key_makes_is_looked_at(bench: Bench, case: int) -> None:
    disable(bench, case)
    bench.clock.forward(minutes=5)
    bench.events.append(event(key=bench.seat.stolen.id, at=bench.clock(), outcome=Outcome.OK))
    notice(bench)
    assert looks(bench) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "iam:CreateAccessKey", "user": "somebody-else"},
        {"name": "iam:CreateAccessKey"},
        {"name": "iam:ListUsers"},
        {"name": "iam:UpdateAccessKey", "outcome": Outcome.DENIED},
    ],
)
def test_what_is_about_others_or_was_refused_is_no_touch(bench: Bench, case: int, changes: dict[str, Any]) -> None:
    disable(bench, case)
    bench.clock.forward(minutes=5)
    happens(bench, **changes)
    notice(bench)
    assert looks(bench) == 0


def test_what_was_before_the_change_is_no_touch(bench: Bench, case: int) -> None:
    happens(bench, "iam:UpdateAccessKey")
    bench.clock.forward(minutes=1)
    disable(bench, case)
    notice(bench)
    assert looks(bench) == 0


def test_a_closed_case_and_a_change_taken_back_are_left_alone(bench: Bench, case: int) -> None:
    execution = disable(bench, case)
    bench.clock.forward(minutes=5)
    happens(bench, "iam:UpdateAccessKey")
    known, now = cases.load(bench.state.read(), case), bench.clock()
    bench.undone(execution)
    notice(bench)
    assert looks(bench) == 0
    again = disable(bench, case)
    bench.clock.forward(minutes=5)
    happens(bench, "iam:UpdateAccessKey")
    bench.state.write(lambda db: closings.close(db, known, Conclusion.TRUE, ANA, "done", now, None))
    notice(bench)
    assert looks(bench) == 0
    assert again != execution


def test_it_asks_once_a_minute_and_a_flood_is_one_look_a_minute(bench: Bench, case: int) -> None:
    disable(bench, case)
    bench.clock.now = bench.clock.now.replace(second=0) + timedelta(minutes=5)
    for _ in range(50):
        happens(bench, "iam:CreateAccessKey", bench.seat.user)
    touching = notice(bench)
    assert looks(bench) == 1
    bench.clock.forward(seconds=59)
    touching.step()
    bench.clock.forward(seconds=1)
    happens(bench, "iam:CreateAccessKey", bench.seat.user)
    assert looks(bench) == 1
    touching.step()
    assert looks(bench) == 2


def test_without_a_history_or_with_one_that_fails_nothing_is_said(bench: Bench, case: int) -> None:
    disable(bench, case)

    class Gone(FakeHistory):
        def events(self, *_: Any, **__: Any) -> Any:
            raise HistoryUnavailableError("gone")

    notice(bench, Gone([]))
    Touching(bench.state, lambda: None, bench.clock).step()
    assert (looks(bench), bench.loose) == (0, [])
