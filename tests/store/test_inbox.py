"""What came in is kept once, and a copy is recognised."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.store import inbox
from bot.store.state import State

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_the_same_payload_again_is_a_copy_of_the_first(state: State) -> None:
    first = state.write(lambda db: inbox.keep(db, "siem", {"a": 1, "b": 2}, NOW))
    again = state.write(lambda db: inbox.keep(db, "siem", {"b": 2, "a": 1}, NOW))
    assert first.duplicate_of is None
    assert again.duplicate_of == first.delivery
    assert again.delivery != first.delivery


def test_the_same_payload_from_another_source_is_another_delivery(state: State) -> None:
    state.write(lambda db: inbox.keep(db, "siem", {"a": 1}, NOW))
    assert state.write(lambda db: inbox.keep(db, "edr", {"a": 1}, NOW)).duplicate_of is None


def test_a_delivery_comes_back_as_it_was_kept(state: State) -> None:
    payload = {"title": "Kali – ☠", "nested": [{"x": None}]}
    kept = state.write(lambda db: inbox.keep(db, "siem", payload, NOW))
    assert inbox.delivery(state.read(), kept.delivery) == inbox.Delivery(kept.delivery, "siem", NOW, payload)


def test_an_unknown_delivery_is_said(state: State) -> None:
    with pytest.raises(LookupError):
        inbox.delivery(state.read(), "nothing")
