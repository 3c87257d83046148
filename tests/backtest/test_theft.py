"""The theft that is laid over a history is that of the story, whatever it has to steal."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from bot.backtest.theft import ADDRESSES, KALI, LASTS, QUOTA, SENDING, USERS, WHO, Victim, theft
from bot.model import Event, Outcome, Principal
from tests.scope.made import ACCOUNT, AT, key_of, user


def victims(count: int) -> list[Victim]:
    return [Victim(key_of(n), Principal(f"{ACCOUNT}:user/{user(n)}", "IAMUser", None, ACCOUNT)) for n in range(count)]


def stolen(count: int = 7) -> tuple[Event, ...]:
    return theft(victims(count), AT, ADDRESSES[:2])


def test_it_is_the_theft_of_the_story() -> None:
    events = stolen()
    lead, *others, last = victims(7)
    of_lead = [event for event in events if event.key == lead.key]
    refused = [event.name for event in of_lead if event.outcome is Outcome.DENIED]
    assert Counter(refused) == {USERS: 2, QUOTA: 1}
    assert len({event.user_agent for event in of_lead if event.outcome is Outcome.DENIED}) == 3
    assert sum(event.name.startswith("ses:") for event in of_lead) / len(of_lead) > 0.9
    switched = {event.key for event in events if event.name == SENDING}
    assert switched == {each.key for each in (lead, *others)}
    assert [(event.name, event.ip) for event in events if event.key == last.key] == [(WHO, ADDRESSES[1])]
    assert events[-1].at <= AT
    assert events[0].at >= AT - LASTS
    assert any(event.user_agent == KALI for event in of_lead)


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7])
def test_a_key_bridges_both_addresses_however_many_there_are(count: int) -> None:
    events = stolen(count)
    assert {event.key for event in events} == {each.key for each in victims(count)}
    places = [{event.ip for event in events if event.key == each.key} for each in victims(count)]
    assert set(ADDRESSES[:2]) in places
    assert len({event.id for event in events}) == len(events)
    assert events == theft(victims(count), AT, ADDRESSES[:2])
    assert max(events, key=lambda event: event.at).at > AT - timedelta(minutes=5)
