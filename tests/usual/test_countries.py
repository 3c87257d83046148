"""Countries are learned once, and again when the history has gone on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.model import AddressOrigin, Environment, Event, Observable, Span
from bot.usual.countries import Learner, UsualHere
from tests.fakes import NOW, OFFICE, FakeAddresses, FakeHistory, event, ordinary

WHERE = FakeAddresses((AddressOrigin(OFFICE, country="DE"),))
HERE = Environment(accounts=frozenset({"111122223333"}))


class Counting(FakeHistory):
    """Counts how often it is asked for events. It has no sample of its own: the protocol's is used."""

    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__(events)
        self.asked = 0

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        self.asked += 1
        return super().events(observable, span, limit=limit)


def names(history: FakeHistory, learner: Learner, until: datetime = NOW) -> list[str]:
    return sorted(UsualHere(HERE, history, WHERE, learner).countries(None, until).names)


def test_what_was_learned_is_kept_for_the_hour_and_learned_again_after(monkeypatch: object) -> None:
    learner, history = Learner(), Counting(ordinary(days=12))
    assert names(history, learner) == ["DE"]
    first = history.asked
    assert 0 < first < 100
    assert names(history, learner, NOW + timedelta(minutes=59)) == ["DE"]
    assert history.asked == first
    names(history, learner, NOW + timedelta(minutes=61))
    assert history.asked == 2 * first
    grown = Counting([*ordinary(days=12), event(-90)])
    names(grown, learner, NOW)
    assert grown.asked == first


def test_the_hour_under_way_teaches_nothing() -> None:
    attack = [event(minutes, ip="198.51.100.66") for minutes in range(1, 100)]
    where = FakeAddresses((*WHERE.origins, AddressOrigin("198.51.100.66", country="NL")))
    late = [each for each in attack if each.at >= NOW.replace(minute=0) - timedelta(minutes=40)]
    found = UsualHere(HERE, FakeHistory([*ordinary(days=12), *late]), where, Learner()).countries(
        None, NOW - timedelta(minutes=1)
    )
    assert sorted(found.names) == ["DE"]
