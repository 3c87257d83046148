from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.model import Answer, Detail, Event, Kind, Observable, Outcome
from enrichers.denied_calls import enrich
from tests.fakes import KALI_AGENT, LEAD, RENTED, context, event, ordinary


def answer(events: Sequence[Event], observable: Observable = LEAD) -> Answer:
    return enrich(observable, context(events))


def refused(minutes_ago: float = 10, name: str = "iam:ListUsers", **changes: Any) -> Event:
    return event(minutes_ago, name=name, outcome=Outcome.DENIED, **changes)


def kinds(given: Answer) -> list[str]:
    return [signal.kind for signal in given.signals]


def test_the_calls_as_a_responder_reads_them() -> None:
    calls = [
        refused(30, user_agent="one", ip=RENTED),
        refused(20, user_agent=KALI_AGENT),
        refused(10, "ses:GetSendQuota", error_code=None),
    ]
    given = answer([*ordinary(), *calls, refused(5, by_service=True)])
    assert given.headline == "Refused calls: 2 × iam:ListUsers, 1 × ses:GetSendQuota"
    assert given.data["total"] == 3
    assert given.data["calls"][0] == {
        "event": "iam:ListUsers",
        "count": 2,
        "by_containment": 0,
        "error_codes": ["AccessDenied"],
        "reasons": [],
        "source_ips": ["198.51.100.10", RENTED],
        "user_agents": [KALI_AGENT, "one"],
        "first_seen": "2026-11-20T13:30:00Z",
        "last_seen": "2026-11-20T13:40:00Z",
    }
    assert [signal.kind for signal in given.signals] == ["denied.recon"]
    assert given.signals[0].sentence == (
        "3 discovery calls were refused (iam:ListUsers, ses:GetSendQuota): "
        "someone is trying the key to see what it opens."
    )
    assert set(given.signals[0].evidence) == {call.id for call in calls}


@pytest.mark.parametrize(
    ("before", "now", "fires"),
    [
        ({}, {}, True),
        ({}, {"name": "s3:PutObject"}, False),  # not a discovery call
        ({"name": "iam:ListUsers"}, {}, False),  # the user lists users on other days
        ({}, {"key": "ASIARTX3GSDSQAAAAAAA"}, False),  # a session, such as a person's in the console
        ({}, {"key": None}, False),
        ({}, {"by_service": True}, False),
        ({}, {"minutes_ago": 25 * 60}, False),  # not recent
    ],
)
def test_refused_discovery(before: dict[str, Any], now: dict[str, Any], fires: bool) -> None:
    given = enrich(
        Observable(Kind.PRINCIPAL, "111122223333:user/alice"), context([*ordinary(**before), refused(**now)])
    )
    assert ("denied.recon" in kinds(given)) is fires


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.DENIED])
def test_only_refusals_count(outcome: Outcome) -> None:
    given = answer([*ordinary(), event(name="iam:ListUsers", outcome=outcome)])
    assert (given.data["total"], given.signals) == (0, ())
    assert given.headline == "Refused calls: none between 2026-11-10 11:59 and 2026-11-20 13:50 UTC"


def burst(count: int, names: int, spread: float = 9.0, **changes: Any) -> list[Event]:
    return [
        refused(10 + spread * number / count, f"ec2:Describe{number % names}", **changes) for number in range(count)
    ]


@pytest.mark.parametrize(
    ("before", "now", "fires"),
    [
        ([], burst(5, 3), True),
        ([], burst(4, 3), False),
        ([], burst(5, 2), False),
        ([], burst(15, 1), True),
        ([], burst(14, 2), False),
        ([], burst(5, 3, spread=30), False),
        ([], burst(15, 1, spread=30), False),
        ([], burst(20, 4, family="console"), False),
        ([], burst(20, 4, family="browser|windows"), False),
        ([], burst(20, 4, by_service=True), False),
        ([refused(3 * 24 * 60, "ec2:Describe0")], burst(6, 3), False),  # one of the three is refused on other days
    ],
)
def test_a_burst_of_refusals(before: list[Event], now: list[Event], fires: bool) -> None:
    assert ("denied.burst" in kinds(answer([*ordinary(), *before, *now]))) is fires


def test_a_burst_says_how_many() -> None:
    given = answer([*ordinary(), *burst(5, 3)])
    assert given.signals[0].sentence == "5 calls of 3 kinds were refused within 7 minutes."
    assert len(given.signals[0].evidence) == 5


def test_the_largest_burst_is_told() -> None:
    given = answer(
        [*ordinary(), *burst(29, 1, spread=2), *[refused(200 + number / 10, "ec2:Other") for number in range(16)]]
    )
    assert given.signals[0].sentence == "29 calls of one kind were refused within 2 minutes."


def test_a_thin_baseline_leaves_open_only_what_could_be() -> None:
    assert [unknown.kind for unknown in answer([*ordinary(days=1), refused()]).unknowns] == ["denied.recon"]
    assert [unknown.kind for unknown in answer([*ordinary(days=1), *burst(6, 3)]).unknowns] == ["denied.burst"]
    assert answer([*ordinary(days=1), event()]).unknowns == ()


def test_a_great_burst_needs_no_baseline() -> None:
    assert kinds(answer([*ordinary(days=1), *burst(15, 1)])) == ["denied.burst"]


# ----------------------------------------------------------------------------------------- containment

IDENTITY, BOUNDARY, SCP = "identity-based policy", "permissions boundary", "service control policy"
QUARANTINE = "AWSCompromisedKeyQuarantineV3"


def deny(policy: str | None = None, by: str = IDENTITY) -> dict[str, Any]:
    return {"detail": Detail(denied_by=by, explicit=True, denying_policy=policy)}


def put_on(minutes_ago: float, policy: str = "AWSDenyAll", name: str = "iam:AttachUserPolicy") -> Event:
    return event(minutes_ago, name=name, key="AKIARTX3GSDSQBBBBBBB", detail=Detail(user="alice", policy=policy))


@pytest.mark.parametrize(
    ("why", "changes", "reason", "contained"),
    [
        ("AWS names its quarantine", [], deny(QUARANTINE), True),
        ("AWS names our deny", [], deny("AWSDenyAll", BOUNDARY), True),
        ("another policy's Deny", [], deny("no-deletions"), False),
        ("a Deny, and nothing was put on", [], deny(), False),
        ("a Deny after ours was put on", [put_on(30)], deny(), True),
        ("a Deny of a boundary of ours", [put_on(30, name="iam:PutUserPermissionsBoundary")], deny(by=BOUNDARY), True),
        ("a Deny after a quarantine", [put_on(30, QUARANTINE)], deny(), True),
        ("before ours was put on", [put_on(5)], deny(), False),
        ("after it was taken off", [put_on(30), put_on(20, name="iam:DetachUserPolicy")], deny(), False),
        ("after another was taken off", [put_on(30), put_on(20, "x", "iam:DetachUserPolicy")], deny(), True),
        ("another policy was put on", [put_on(30, "ReadOnlyAccess")], deny(), False),
        ("the organisation's Deny", [put_on(30)], deny(by=SCP), False),
        ("nothing allowed it", [put_on(30)], {"detail": Detail(denied_by=IDENTITY)}, False),
        ("its message says nothing", [put_on(30)], {}, False),
    ],
)
def test_what_a_containment_refuses_is_no_attack(
    why: str, changes: list[Event], reason: dict[str, Any], contained: bool
) -> None:
    given = answer([*ordinary(), *changes, *(refused(10 - n / 10, **reason) for n in range(20))])
    assert kinds(given) == ([] if contained else ["denied.recon", "denied.burst"]), why
    assert (given.data["total"], given.data["by_containment"]) == (20, 20 if contained else 0)
    assert ("all by a containment: it works" in given.headline) is contained


def test_both_kinds_of_refusals_are_told_apart() -> None:
    given = answer([*ordinary(), refused(8, **deny(QUARANTINE)), refused(9, "ses:GetSendQuota")])
    assert given.headline == "Refused calls: 1 × ses:GetSendQuota; besides, 1 by a containment"
    assert given.signals[0].sentence.startswith("1 discovery call was refused (ses:GetSendQuota)")
    [row] = [row for row in given.data["calls"] if row["event"] == "iam:ListUsers"]
    assert row["reasons"] == [f"a Deny in the identity-based policy ({QUARANTINE})"]
    assert given.facts[0].value.startswith("1 × AccessDenied: a Deny in the")


def test_an_address_has_refusals_but_no_habits() -> None:
    given = enrich(Observable(Kind.IP, RENTED), context([refused(ip=RENTED)], principal=None))
    assert given.data["total"] == 1
    assert [unknown.kind for unknown in given.unknowns] == ["denied.recon", "denied.burst"]
