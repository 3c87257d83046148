from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import PREVALENCE_SAMPLE, Answer, Event, Kind, Observable
from enrichers import prevalence
from enrichers.prevalence import enrich
from tests.fakes import ALICE, LEAD, context, event, ordinary

QUOTA = "ses:GetSendQuota"


def by(name: str, minutes_ago: float = 5 * 24 * 60, call: str = QUOTA, **changes: Any) -> Event:
    principal = replace(ALICE, id=f"111122223333:user/{name}")
    return event(minutes_ago, name=call, **({"principal": principal, "key": f"AKIA{name}"} | changes))


def answer(events: Sequence[Event], observable: Observable = LEAD, **changes: Any) -> Answer:
    return enrich(observable, context(events, **changes))


def test_a_call_hardly_anybody_makes() -> None:
    call = event(name=QUOTA)
    given = answer([*ordinary(), by("mailer"), call])
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("api.first", (call.id,))]
    assert given.signals[0].sentence == (
        "ses:GetSendQuota is rare here: 1 principal of 2 used it in the 30 days before; alice never did."
    )
    assert given.data["events"] == [
        {
            "event": QUOTA,
            "count": 1,
            "principals": 1,
            "who": ["111122223333:user/mailer"],
            "first_seen": "2026-11-15T14:00:00Z",
            "exact": True,
            "new": True,
        }
    ]
    assert given.data["population"] == 2


@pytest.mark.parametrize(
    ("before", "fires"),
    [
        ([], True),
        ([by("a"), by("b")], True),
        ([by("a"), by("b"), by("c")], False),
        ([by("a", 20), by("b", 20), by("c", 20)], True),  # today's calls are what is judged, not what is usual
        ([by("a", 40 * 24 * 60), by("b", 40 * 24 * 60), by("c", 40 * 24 * 60)], True),
        ([by(name, by_service=True) for name in "abcdef"], True),
        ([by("alice")], False),
        ([by("alice", 20 * 24 * 60)], False),  # older than the baseline, but hers
    ],
)
def test_what_counts_as_rare(before: list[Event], fires: bool) -> None:
    assert bool(answer([*ordinary(), *before, event(name=QUOTA)]).signals) is fires


@pytest.mark.parametrize(
    ("principals", "users", "fires"),
    [(20, 2, True), (20, 3, False), (120, 6, True), (120, 8, False), (300, 10, True), (300, 11, False)],
)
def test_rare_grows_with_the_organisation_up_to_ten(principals: int, users: int, fires: bool) -> None:
    others = [by(f"u{n}", call=QUOTA if n < users else "s3:GetObject") for n in range(principals)]
    assert bool(answer([*ordinary(), *others, event(name=QUOTA)]).signals) is fires


def test_the_rarest_of_its_usual_calls_are_told_too() -> None:
    given = answer([*ordinary(name="s3:GetObject"), *ordinary(name="sqs:Usual"), event(name="sqs:Usual")])
    assert [(row["event"], row["new"]) for row in given.data["events"]] == [("sqs:Usual", False)]


def test_the_rarest_is_told_first() -> None:
    given = answer([*ordinary(), by("mailer"), event(name=QUOTA), event(name="iam:ListUsers")])
    assert [row["event"] for row in given.data["events"]] == ["iam:ListUsers", QUOTA]
    assert given.headline == (
        "Rare here and new to this principal: iam:ListUsers (nobody before), ses:GetSendQuota (1 principal before)"
    )


def test_many_calls_of_many_are_not_all_read() -> None:
    crowd = [by(f"u{number % 20}", 3 * 24 * 60 + number) for number in range(PREVALENCE_SAMPLE + 5)]
    given = answer([*ordinary(), *crowd, event(name=QUOTA)])
    assert (given.signals, given.data["events"][0]["principals"], given.data["events"][0]["exact"]) == ((), 20, False)
    assert "at least 20 principals" in given.facts[0].value


def test_many_calls_of_one_are_counted_in_full() -> None:
    robot = [by("mailer", 3 * 24 * 60 + number) for number in range(PREVALENCE_SAMPLE + 5)]
    given = answer([*ordinary(), *robot, event(name=QUOTA)])
    assert given.data["events"][0]["count"] == PREVALENCE_SAMPLE + 5
    assert [signal.kind for signal in given.signals] == ["api.first"]


def test_nothing_new_is_an_answer() -> None:
    given = answer([*ordinary(), event()])
    assert given.headline == (
        "Rare calls new to this principal: none between 2026-11-10 11:59 and 2026-11-20 13:50 UTC"
    )
    assert (given.found, given.unknowns) == (False, ())


def test_a_thin_baseline_is_said() -> None:
    given = answer([*ordinary(days=1), event(name=QUOTA)])
    assert given.signals == ()
    assert [unknown.kind for unknown in given.unknowns] == ["api.first"]
    assert given.headline == "Rare calls: too little history to say what is new"


def test_what_was_not_counted_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prevalence, "MOST_CALLS", 1)
    common = [by(name, call="a:Common") for name in "abc"]
    given = answer([*ordinary(), *common, event(name="a:Common"), event(name=QUOTA)])
    assert [unknown.why for unknown in given.unknowns] == ["only 1 of 2 calls new to this principal were counted"]


def test_who_uses_one_call() -> None:
    given = answer([by("mailer"), by("mailer", 6 * 24 * 60), by("thief", 20)], Observable(Kind.EVENT, QUOTA))
    assert given.headline == f"{QUOTA}: rare here; 1 principal in the 30 days before, 1 recently"
    assert [(fact.label, fact.value) for fact in given.facts] == [
        ("Before", "2 calls by 1 principal: 111122223333:user/mailer"),
        ("Recently", "1 principals: 111122223333:user/thief"),
    ]
    assert given.signals == ()


def test_a_call_nobody_makes() -> None:
    given = answer([], Observable(Kind.EVENT, "ses:NoSuchCall"))
    assert given.headline == "ses:NoSuchCall: rare here; nobody in the 30 days before, 0 recently"
