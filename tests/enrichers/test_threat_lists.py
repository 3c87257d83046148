from __future__ import annotations

import pytest

from bot.model import Environment, Fact, Kind, NotAnswered, Observable, Reputation, Unread
from bot.plugins import load_enrichers
from bot.weights import shipped
from enrichers.threat_lists import enrich, judge
from tests.fakes import RENTED, FakeThreatLists, context

ADDRESS = Observable(Kind.IP, RENTED)
ABUSED = Reputation(listed=True, words="97 % sure that it is abusive", score=97, reports=312, last_seen="2026-11-19")
QUIET = Reputation(listed=False, words="not seen scanning the internet")
REFUSED = Unread("its limit is used up until 2026-11-21 00:00 UTC")


def test_what_each_list_says() -> None:
    given = judge(RENTED, {"AbuseIPDB": ABUSED, "GreyNoise": QUIET}, {"AlienVault OTX": "otx"})
    assert given.headline == f"{RENTED}: reported on AbuseIPDB"
    assert given.facts == (
        Fact("AbuseIPDB", "97 % sure that it is abusive; last 2026-11-19"),
        Fact("GreyNoise", "not seen scanning the internet"),
        Fact("AlienVault OTX", 'not asked: needs a key, [threat_lists] otx = "env:…"'),
    )
    assert given.data["lists"][0] == {
        "name": "AbuseIPDB",
        "listed": True,
        "words": "97 % sure that it is abusive",
        "score": 97,
        "reports": 312,
        "last_seen": "2026-11-19",
    }
    assert (given.data["not_asked"], given.found) == (["AlienVault OTX"], True)


def test_not_reported_is_not_cleared() -> None:
    given = judge(RENTED, {"AbuseIPDB": QUIET, "GreyNoise": QUIET}, {})
    assert (given.headline, given.found) == (
        f"{RENTED}: not reported on AbuseIPDB or GreyNoise, which does not clear it",
        False,
    )


def test_a_list_that_could_not_be_asked_is_told_from_one_that_was_not() -> None:
    given = judge(RENTED, {"AbuseIPDB": ABUSED, "GreyNoise": REFUSED}, {"AlienVault OTX": "otx"})
    assert Fact("GreyNoise", f"could not be asked: {REFUSED.why}") in given.facts
    assert given.data["could_not_ask"] == {"GreyNoise": REFUSED.why}


def test_where_none_answers_the_question_fails_with_the_reasons() -> None:
    with pytest.raises(NotAnswered, match="AbuseIPDB: its limit is used up until 2026-11-21 00:00 UTC"):
        judge(RENTED, {"AbuseIPDB": REFUSED}, {})


def test_what_others_reported_weighs_nothing() -> None:
    given = judge(RENTED, {"AbuseIPDB": ABUSED}, {})
    assert (given.signals, given.unknowns) == ((), ())
    (plugin,) = load_enrichers(["threat_lists"])
    assert plugin.declaration.raises.isdisjoint(shipped().signals)


def test_an_own_network_is_nobodys_business() -> None:
    lists = FakeThreatLists({"AbuseIPDB": ABUSED})
    own = Environment(own_networks=("159.89.0.0/16",))
    assert enrich(ADDRESS, context([], threat_lists=lists, environment=own)).found is False
    assert lists.asked == []
    assert enrich(ADDRESS, context([], threat_lists=lists)).found is True
    assert lists.asked == [RENTED]


def test_an_address_of_nobodys_is_on_no_list() -> None:
    assert enrich(ADDRESS, context([], threat_lists=FakeThreatLists())).headline.endswith("no address for any list")
