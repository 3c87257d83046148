from __future__ import annotations

from datetime import timedelta

from bot.model import AddressClass, EarlierCase, Kind, Observable
from enrichers.earlier_cases import enrich
from tests.fakes import ALICE, KEY, LEAD, NOW, RENTED, FakeCases, context, event

ADDRESS = Observable(Kind.IP, RENTED)


def past(
    number: int, verdict: str | None = "incident", score: int | None = 80, concluded: str | None = None
) -> EarlierCase:
    return EarlierCase(number, KEY, "Kali", verdict, score, NOW - timedelta(days=40), open=False, concluded=concluded)


def test_cases_that_had_the_key_its_owner_or_an_address_of_its() -> None:
    owner = Observable(Kind.PRINCIPAL, ALICE.id)
    cases = FakeCases({LEAD: [past(3)], owner: [past(3)], ADDRESS: [past(5, None, None)]})
    given = enrich(LEAD, context([event(ip=RENTED)], cases=cases))
    assert given.headline == f"{KEY}: in case #5 (no verdict, 2026-10-11), case #3 (incident, 2026-10-11)"
    assert [(fact.label, fact.value) for fact in given.facts] == [
        ("Case #5", f"no verdict, closed, 2026-10-11T14:00:00Z, about {KEY}: Kali; shares {RENTED}"),
        ("Case #3", f"incident (80/100), closed, 2026-10-11T14:00:00Z, about {KEY}: Kali; shares {KEY}, {ALICE.id}"),
    ]
    assert given.data["cases"][0]["shared"] == [RENTED]


def test_an_analysts_word_stands_before_the_bots() -> None:
    given = enrich(LEAD, context([], cases=FakeCases({LEAD: [past(3, concluded="benign")]})))
    assert given.headline == f"{KEY}: in case #3 (closed as benign, 2026-10-11)"
    assert given.facts[0].value.startswith("incident (80/100), closed as benign, ")
    assert given.data["cases"][0]["concluded"] == "benign"


def test_an_address_is_asked_for_itself() -> None:
    given = enrich(ADDRESS, context([event(ip=RENTED)], cases=FakeCases({LEAD: [past(3)]})))
    assert given.headline == f"{RENTED}: in no other case of this bot"
    assert (given.found, given.facts) == (False, ())


def test_without_a_history_the_key_itself_is_still_asked_for() -> None:
    given = enrich(LEAD, context([], history=None, principal=None, cases=FakeCases({LEAD: [past(1)]})))
    assert given.found


def test_addresses_of_nobody_are_not_asked_for() -> None:
    inside = event(ip="10.0.0.1", address_class=AddressClass.PRIVATE)
    having = FakeCases({Observable(Kind.IP, "10.0.0.1"): [past(1)]})
    assert not enrich(LEAD, context([inside], cases=having)).found


def test_many_are_counted() -> None:
    given = enrich(ADDRESS, context([], cases=FakeCases({ADDRESS: [past(number) for number in range(5)]})))
    assert given.headline.endswith("and 2 more")
