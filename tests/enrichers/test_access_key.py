from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Answer, Event, KeyRecord, Kind, Observable, Principal, Unread
from enrichers.access_key import enrich
from tests.fakes import KEY, LEAD, NOW, FakeIam, context, event

RECORD = KeyRecord(
    KEY,
    "alice",
    status="Active",
    created_at=NOW - timedelta(days=400, hours=3),
    last_used_at=NOW - timedelta(hours=2),
    last_used_for="ses in us-east-1",
    others=(("AKIARTX3GSDSQAAAAAAB", "Inactive"),),
)
ROOT = Principal("111122223333:root", "Root", "arn:aws:iam::111122223333:root", "111122223333")


def answer(iam: FakeIam | None, events: Sequence[Event] = (), key: str = KEY, **changes: Any) -> Answer:
    return enrich(Observable(Kind.ACCESS_KEY, key), context(events, iam=iam, **changes))


def test_what_iam_says_of_a_key() -> None:
    given = answer(FakeIam(RECORD))
    assert given.headline == f"{KEY}: active, of alice, other key AKIARTX3GSDSQAAAAAAB (inactive)"
    assert [(fact.label, fact.value) for fact in given.facts] == [
        ("Kind", "long-term access key"),
        ("Account", "111122223333"),
        ("Owner", "alice"),
        ("Status", "Active"),
        ("Age", "400 days"),
        ("Last used", "2026-11-20T12:00:00Z, ses in us-east-1"),
        ("Other key AKIARTX3GSDSQAAAAAAB", "Inactive"),
        ("IAM", "asked"),
    ]
    assert given.data["age_days"] == 400


@pytest.mark.parametrize(
    ("iam", "key", "said"),
    [
        (None, KEY, "not asked: name a reading role in config.toml"),
        (FakeIam(None), KEY, "knows no such key: deleted, or of another account"),
        (
            FakeIam(Unread("AccessDenied on GetAccessKeyLastUsed")),
            KEY,
            "could not be asked: AccessDenied on GetAccessKeyLastUsed",
        ),
        (FakeIam(RECORD), "ASIARTX3GSDSQAAAAAAA", "knows long-term keys only"),
    ],
)
def test_the_account_is_told_whatever_iam_says(iam: FakeIam | None, key: str, said: str) -> None:
    given = answer(iam, key=key)
    assert (given.data["iam"], given.data["account"], given.found) == (said, "111122223333", False)
    assert said in given.headline


def test_an_old_key_does_not_tell_its_account() -> None:
    given = answer(None, key="AKIAIQHE2AAAAAAAAAAA")
    assert given.data["account"] is None
    assert "older ids do not tell it" in given.facts[1].value


def test_a_key_never_used() -> None:
    given = answer(FakeIam(KeyRecord(KEY, "alice", status="Active")))
    assert ("Last used", "no use on record in IAM") in [(fact.label, fact.value) for fact in given.facts]
    assert given.data["last_used_at"] is None


LONG_AGO = 24 * 60 * 120


def bystander(minutes_ago: float) -> Event:
    """A call of somebody else's: how far back the history goes."""
    return event(minutes_ago, key="AKIARTX3GSDSQBBBBBBB", principal=ROOT)


@pytest.mark.parametrize(
    ("why", "events", "created", "said"),
    [
        ("used all along", [event(24 * 60 * 10), event()], None, None),
        ("used 50 days before", [event(24 * 60 * 50), event()], None, None),
        ("silent for 120 days", [event(LONG_AGO), event()], None, "signal"),
        ("silent as far as the history goes, and old", [bystander(LONG_AGO), event()], timedelta(days=300), "signal"),
        ("silent as far as the history goes, and new", [bystander(LONG_AGO), event()], timedelta(days=2), None),
        ("silent, and its age is not known", [bystander(LONG_AGO), event()], None, "unknown"),
        ("the history is short", [bystander(24 * 60 * 20), event()], timedelta(days=300), "unknown"),
        ("the history is new", [event()], timedelta(days=300), "unknown"),
        ("not used lately", [event(LONG_AGO)], None, None),
    ],
)
def test_a_key_that_wakes_up(why: str, events: list[Event], created: timedelta | None, said: str | None) -> None:
    record = KeyRecord(KEY, "alice", created_at=NOW - created) if created else None
    given = enrich(LEAD, context(events, iam=FakeIam(of_key=record) if created else None))
    dormant = [signal.kind for signal in given.signals]
    assert dormant == (["key.dormant"] if said == "signal" else []), why
    assert [unknown.kind for unknown in given.unknowns] == (["key.dormant"] if said == "unknown" else []), why


def test_a_session_cannot_sleep() -> None:
    session = Observable(Kind.ACCESS_KEY, "ASIARTX3GSDSQAAAAAAA")
    assert enrich(session, context([bystander(LONG_AGO), event(key=session.value)])).unknowns == ()


def test_an_access_key_of_the_root_user_in_the_records() -> None:
    call = event(principal=ROOT)
    given = answer(None, [call], principal=ROOT)
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("root.key", (call.id,))]
    assert given.signals[0].sentence == f"{KEY} is an access key of the root user: no policy limits it."


def test_an_access_key_of_the_root_user_in_iam() -> None:
    given = answer(FakeIam(KeyRecord(KEY, "<root_account>")))
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("root.key", (f"iam:{KEY}",))]


@pytest.mark.parametrize("changes", [{"key": "ASIARTX3GSDSQAAAAAAA"}, {"by_service": True}])
def test_a_root_session_is_no_access_key(changes: dict[str, Any]) -> None:
    call = event(**({"principal": ROOT} | changes))
    assert answer(None, [call], key=call.key or "").signals == ()


def test_a_users_key_is_no_root_key() -> None:
    assert enrich(LEAD, context([event()])).signals == ()
