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
