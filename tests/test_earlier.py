from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import cases
from bot.earlier import CasesBefore, doubted
from bot.model import Alert, Environment, Kind, Observable, Window
from bot.store.state import State

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
KEY = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAA")
OTHER = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAB")
ADDRESS = Observable(Kind.IP, "159.89.100.10")
ALERT = Alert("a1", "siem", "Kali", "high", NOW, (KEY, ADDRESS))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "state.db")
    yield made
    made.close()


def opened(state: State, alert: Alert, subject: Observable) -> int:
    window = Window.ending(alert.at)
    return state.write(lambda db: cases.open_or_join(db, alert, subject, Environment(), window))[0]


def test_a_case_is_found_by_its_subject_and_by_what_its_alerts_name(state: State) -> None:
    first = opened(state, ALERT, KEY)
    later = opened(state, replace(ALERT, id="a2", at=NOW + timedelta(days=1), observables=(OTHER, ADDRESS)), OTHER)
    before = CasesBefore(state, [])
    assert [case.id for case in before.with_observable(KEY)] == [first]
    assert [case.id for case in before.with_observable(ADDRESS)] == [later, first]
    (case,) = before.with_observable(KEY)
    assert (case.subject, case.title, case.verdict, case.score, case.open) == (KEY.value, "Kali", None, None, True)
    assert case.opened_at == NOW


def test_the_case_being_triaged_is_not_an_earlier_one(state: State) -> None:
    opened(state, ALERT, KEY)
    opened(state, ALERT, OTHER)
    assert CasesBefore(state, ["a1"]).with_observable(ADDRESS) == []


@pytest.mark.parametrize("value", ["", "159.89.100.1", "AKIARTX3GSDSQAAAAAAA"])
def test_only_the_very_observable_counts(state: State, value: str) -> None:
    opened(state, ALERT, KEY)
    assert CasesBefore(state, []).with_observable(Observable(Kind.IP, value)) == []


def test_principals_of_open_cases_are_in_doubt_since_the_part_that_is_judged(state: State) -> None:
    case = opened(state, ALERT, KEY)
    assert doubted(state.read()) == {}, "before anybody knows whose key it is"
    triage = {
        "principal": {"id": "111122223333:user/alice"},
        "scope": {"confirmed": [{"principal": "111122223333:user/bob"}, {"principal": None}]},
    }
    set_triage = "UPDATE cases SET triage = ? WHERE id = ?"
    state.write(lambda db: db.execute(set_triage, [json.dumps(triage), case]))
    since = Window.ending(NOW).recent_since
    assert doubted(state.read()) == {"111122223333:user/alice": since, "111122223333:user/bob": since}
    state.write(lambda db: db.execute("UPDATE cases SET state = 'closed'"))
    assert doubted(state.read()) == {}
