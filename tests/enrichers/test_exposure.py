from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from bot.model import Answer, CodeFound, CodePlace, Kind, Observable, Principal, Searching, Unread
from enrichers.exposure import MOST_ASKED, PLACES, enrich
from tests.fakes import ALICE, KEY, LEAD, NOW, FakeCodeSearch, context

MIRA = Principal("111122223333:user/parcelhub-api-mira", "IAMUser", None, "111122223333")
CANARY = "AKIAQYLPMN5HAAAAAAAA"
"""Made by encoding an account of canary tokens."""
OURS = Searching(words=("parcelhub.example",), organisations=("parcelhub",))


def answer(
    search: FakeCodeSearch | None = None,
    about: Observable = LEAD,
    principal: Principal | None = MIRA,
    searching: Searching | None = None,
) -> tuple[Answer, dict[str, str]]:
    changes: dict[str, Any] = {"searching": searching} if searching is not None else {}
    given = enrich(about, context([], code_search=search, principal=principal, history=None, **changes))
    return given, {fact.label: fact.value for fact in given.facts}


def links(given: Answer) -> list[tuple[str, str]]:
    """Every ready-made search: its query, and its address."""
    return [(each["query"], each["url"]) for there in given.data["searches"].values() for each in there]


def test_searches_are_made_from_the_pattern_of_the_name() -> None:
    given, facts = answer()
    assert given.data["patterns"] == ["parcelhub-api-mira", "parcelhub"]
    assert set(given.data["searches"]) == set(PLACES)
    assert ('site:postman.com "parcelhub"', "https://www.google.com/search?q=site%3Apostman.com%20%22parcelhub%22") in (
        links(given)
    )
    assert facts["GitHub code"].startswith(
        '"parcelhub-api-mira" AWS_ACCESS_KEY_ID https://github.com/search?type=code&q='
    )
    assert given.headline == "In public: GitHub was not asked; 16 searches are ready"
    assert (given.found, given.signals) == (False, ())


def test_own_words_and_organisations_are_searched_too() -> None:
    given, facts = answer(searching=OURS)
    queries = [query for query, _ in links(given)]
    assert "org:parcelhub parcelhub-api-mira" in queries
    assert '"parcelhub.example" AWS_ACCESS_KEY_ID' in queries
    assert facts["Secret scanning"].endswith("https://github.com/orgs/parcelhub/security/secret-scanning")


@pytest.mark.parametrize("allowed", [False, True])
def test_a_whole_key_id_leaves_the_house_only_when_that_is_allowed(allowed: bool) -> None:
    search = FakeCodeSearch()
    given, facts = answer(search, searching=Searching(send_key_ids=allowed))
    outgoing = [*search.sent, *(query for query, _ in links(given)), *(url for _, url in links(given))]
    assert any(KEY in each for each in outgoing) is allowed
    assert ("searched for as well" in facts["Whole key id"]) is allowed
    assert not any(MIRA.account in each for each in outgoing if MIRA.account)


def test_of_a_principal_there_is_no_key_id_to_send() -> None:
    search = FakeCodeSearch()
    answer(search, Observable(Kind.PRINCIPAL, MIRA.id), searching=Searching(send_key_ids=True))
    assert search.sent == ['"parcelhub-api-mira" AWS_ACCESS_KEY_ID']


def test_what_the_bot_sends_itself_is_little() -> None:
    search = FakeCodeSearch()
    many = Searching(words=("one.example", "two.example"), organisations=("a", "b", "c"), send_key_ids=True)
    answer(search, searching=many)
    assert search.sent == [f'"{KEY}"', '"parcelhub-api-mira" AWS_ACCESS_KEY_ID', "org:a parcelhub-api-mira"]
    assert len(search.sent) == MOST_ASKED


# ---------------------------------------------------------------------------- what GitHub says


FOUND = CodeFound(NOW, 7, (CodePlace("a/b", ".env", "https://github.com/a/b/blob/1/.env"), CodePlace("c/d", "x y.txt")))


@pytest.mark.parametrize(
    ("found", "headline", "said"),
    [
        (
            FOUND,
            "In public: GitHub shows 7 files to look at, which need not hold the key; 16 searches are ready",
            "7 files: https://github.com/a/b/blob/1/.env; c/d: x y.txt and 2 more (2026-11-20T14:00:00Z)",
        ),
        (
            CodeFound(NOW, 0, ()),
            "In public: GitHub's default branches show nothing; 16 searches are ready",
            "no file in a default branch (2026-11-20T14:00:00Z)",
        ),
        (
            CodeFound(NOW, 0, (), complete=False),
            "In public: GitHub's default branches show nothing; 16 searches are ready",
            "no file in a default branch, as far as the search got (2026-11-20T14:00:00Z)",
        ),
        (
            Unread("GitHub does not take the token"),
            "In public: GitHub did not answer (GitHub does not take the token); 16 searches are ready",
            "unknown, GitHub does not take the token",
        ),
    ],
)
def test_found_nothing_and_no_answer_are_told_apart(found: CodeFound | Unread, headline: str, said: str) -> None:
    given, facts = answer(FakeCodeSearch(found))
    assert given.headline == headline
    assert facts["On GitHub"] == f'"parcelhub-api-mira" AWS_ACCESS_KEY_ID: {said}'
    assert given.found is (found is FOUND)


def test_a_hit_is_a_lead_and_no_signal() -> None:
    given, _ = answer(FakeCodeSearch(FOUND))
    assert given.signals == ()
    (row,) = given.data["github"].values()
    assert (row["total"], row["at"]) == (7, "2026-11-20T14:00:00Z")
    assert row["places"][0] == {"repository": "a/b", "path": ".env", "url": "https://github.com/a/b/blob/1/.env"}


def test_without_a_token_the_remedy_is_said() -> None:
    given, facts = answer()
    assert facts["On GitHub"] == "not asked: name a token under [exposure] github_token in config.toml"
    assert given.data["github"] is None


# ------------------------------------------------------------------------- what everybody may know


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (CANARY, "bait: its account is one of canary tokens, and who laid it out learns of every use"),
        ("AKIAIOSFODNN7EXAMPLE", "an id of AWS's own documentation: nobody's key"),
        ("AKIAJ366LIPB4IJKT7SA", "published for training: flaws.cloud, level 3"),
    ],
)
def test_a_key_everybody_knows_is_told(key: str, said: str) -> None:
    given, facts = answer(about=Observable(Kind.ACCESS_KEY, key), principal=None)
    assert given.headline == f"In public: the key is {said}"
    assert (facts["Known in public"], given.found) == (said, True)


@pytest.mark.parametrize(
    "principal",
    [
        None,
        Principal("111122223333:root", "Root", None, "111122223333"),
        Principal("111122223333:user/svc-prod", "IAMUser", None, "111122223333"),
        Principal("service:ses.amazonaws.com", "AWSService", None, None),
        Principal("111122223333:user/HIDDEN_DUE_TO_SECURITY_REASONS", "IAMUser", None, "111122223333"),
    ],
)
def test_nothing_to_search_for_is_said(principal: Principal | None) -> None:
    search = FakeCodeSearch()
    given, facts = answer(search, principal=principal)
    assert facts["Search for"] == "nothing in the name tells it apart"
    assert given.headline == "In public: no search is ready: nothing in the name tells it apart"
    assert search.sent == []


@for_any(st.text(max_size=60))
def test_a_hostile_name_stays_inside_its_query(name: str) -> None:
    search = FakeCodeSearch()
    given, _ = answer(search, principal=Principal(f"111122223333:user/{name}", "IAMUser", None, "111122223333"))
    for query, url in links(given):
        parts = urlsplit(url)
        assert (
            parts.scheme,
            parts.fragment,
            parts.netloc in {urlsplit(each).netloc for each, _ in PLACES.values()},
        ) == (
            *("https", ""),
            True,
        )
        assert parse_qs(parts.query)["q"] == [query]
        assert query.count('"') in {0, 2}
    assert all(len(query) <= 256 for query in search.sent)


def test_alice_has_a_name_of_her_own() -> None:
    given, _ = answer(principal=ALICE)
    assert given.data["patterns"] == ["alice"]
