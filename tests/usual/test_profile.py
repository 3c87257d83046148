"""What the bot believes is ordinary, and where it has that from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.history.sqlite import SqliteHistory
from bot.model import Actor, AddressOrigin, Correction, Environment, Ordinary
from bot.usual.corrections import corrected
from bot.usual.countries import Learner
from bot.usual.profile import Profile, profile
from bot.usual.telling import profile_document, profile_text
from tests.fakes import FakeAddresses
from tests.usual.made import AT, HOME, OFFICE, SERVER, THIEF, history

WHERE = FakeAddresses(
    (
        AddressOrigin(OFFICE, country="DE", organisation="Acme"),
        AddressOrigin(HOME, country="PT"),
        AddressOrigin(SERVER, country="US", provider="DigitalOcean", hosting=True),
        AddressOrigin(THIEF, country="NL"),
    )
)
HERE = Environment("payments", frozenset({"111122223333"}))
ANA = Actor("slack:T0MADE:U0ANA", "Ana")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> SqliteHistory:
    return history(tmp_path_factory.mktemp("history"))


def said(kind: Ordinary, value: str, *, usual: bool) -> Correction:
    return Correction("payments", kind, value, usual, "so it is", ANA, AT)


def asked(kept: SqliteHistory, *corrections: Correction, environment: Environment = HERE) -> Profile:
    return profile(corrected(environment, corrections), kept, WHERE, AT, Learner())


def test_an_organisation_is_known_by_its_last_weeks_but_not_by_yesterday(kept: SqliteHistory) -> None:
    found = asked(kept)
    assert (sorted(found.countries.names), found.countries.source) == (["DE"], "history")
    assert found.countries.words == "DE, PT make 100 % of 73 sampled calls since 2026-11-08"
    assert [(each.place, each.source, each.seen.principals if each.seen else 0) for each in found.exits] == [
        (OFFICE, "history", 3)
    ]
    assert [(each.principal, each.source) for each in found.machines] == [("111122223333:user/svc-metrics", "history")]
    assert [(each.event, each.principals) for each in found.rare] == [
        ("iam:CreateUser", ("111122223333:user/carol",)),
        ("iam:ListRoles", ("111122223333:user/svc-metrics",)),
    ]
    assert [(each.name, each.hosting) for each in found.providers] == [
        *(("Acme", None), ("DigitalOcean", True), ("unknown", None))
    ]


def test_config_stands_beside_what_was_learned(kept: SqliteHistory) -> None:
    stated = replace(HERE, usual_countries=("PT",), own_networks=("203.0.113.0/28",), automation=("svc-*",))
    found = asked(kept, environment=stated)
    assert (sorted(found.countries.names), found.countries.source) == (["PT"], "config")
    assert [(each.place, each.source) for each in found.exits] == [("203.0.113.0/28", "config")]
    assert [(each.principal, each.source) for each in found.machines] == [("svc-*", "config")]


def test_an_analysts_word_stands_before_both(kept: SqliteHistory) -> None:
    found = asked(
        kept,
        said(Ordinary.COUNTRY, "PT", usual=True),
        said(Ordinary.COUNTRY, "DE", usual=False),
        said(Ordinary.NETWORK, HOME + "/32", usual=True),
        said(Ordinary.AUTOMATION, "svc-metrics", usual=False),
        said(Ordinary.AUTOMATION, "carol", usual=True),
    )
    assert sorted(found.countries.names) == ["PT"]
    assert found.countries.words.endswith(
        "PT is usual, says Ana since 2026-11-20; DE is not usual, says Ana since 2026-11-20"
    )
    assert [(each.place, each.source) for each in found.exits] == [(HOME + "/32", "analyst"), (OFFICE, "history")]
    assert [(each.principal, each.source) for each in found.machines] == [("carol", "analyst")]


def test_another_environment_has_its_own(kept: SqliteHistory) -> None:
    found = asked(kept, environment=Environment("shop", frozenset({"444455556666"})))
    assert (found.exits, found.machines, found.countries.source) == ((), (), None)
    assert "too few calls" in found.gaps[-1].why


def test_before_there_was_a_history_nothing_is_believed(kept: SqliteHistory) -> None:
    found = profile(HERE, kept, WHERE, AT - timedelta(days=100), Learner())
    assert (found.searched, found.exits, found.machines, found.rare) == (None, (), (), ())
    assert found.gaps[0].why == "the history holds nothing of these 30 days"


def test_the_document_and_the_text_say_the_same(kept: SqliteHistory) -> None:
    found = asked(kept, said(Ordinary.COUNTRY, "PT", usual=True))
    document, text = profile_document(found), profile_text(found)
    assert list(document) == [
        *("environment", "at", "window", "searched", "population", "countries", "providers", "exits"),
        *("automation", "rare_events", "corrections", "gaps"),
    ]
    assert document["at"] == "2026-11-19T15:00:00Z"
    assert document["countries"]["usual"] == ["DE", "PT"]
    assert document["exits"][0] | {"since": None} == {
        "place": OFFICE, "from": "history", "principals": 3, "days": 12, "since": None,
    }  # fmt: skip
    assert document["corrections"][0]["by"] == ANA.id
    for line in (
        "What is usual in payments",
        f"- {OFFICE} (history: 3 principals on 12 days since 2026-11-08)",
        "- 111122223333:user/svc-metrics (history: at work on 12 days since 2026-11-08)",
        "- iam:CreateUser: 111122223333:user/carol",
        "- country PT: usual, says Ana since 2026-11-20 (so it is)",
    ):
        assert line in text.splitlines()


def test_what_principals_of_open_cases_did_since_is_not_usual(kept: SqliteHistory) -> None:
    doubted = {f"111122223333:user/{user}": AT - timedelta(days=7) for user in ("bob", "carol")}
    found = profile(HERE, kept, WHERE, AT, Learner(), doubted)
    assert [each.event for each in found.rare] == ["iam:ListRoles"], "carol made a user four days ago"
    assert "PT" not in found.countries.words
    assert found.providers[0].calls < asked(kept).providers[0].calls
    always = {f"111122223333:user/{user}": AT - timedelta(days=40) for user in ("bob", "carol", "svc-metrics")}
    cleared = profile(HERE, kept, WHERE, AT, Learner(), always)
    assert (cleared.exits, cleared.machines) == ((), ())
