"""GitHub's code search, against a server on loopback that answers as GitHub does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.github import A_MINUTE, MOST_KEPT, MOST_PLACES, GithubCodeSearch
from bot.model import CodeFound, CodePlace, Unread
from tests.publisher import Publisher, Told, publishing

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
TOKEN = "github_pat_made_up"
PATH = "/api/v3/search/code"
QUERY = '"parcelhub-api-mira" AWS_ACCESS_KEY_ID'
LIMIT = "GitHub's limit of searches is used up: ask again in"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def github() -> Iterator[Publisher]:
    with publishing() as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def search(github: Publisher, clock: Clock) -> GithubCodeSearch:
    return GithubCodeSearch(TOKEN, clock, f"{github.origin}/api/v3/", ticks=clock.ticks)


def told(*items: Any, **changes: Any) -> Told:
    answer = {"total_count": len(items), "incomplete_results": False, "items": list(items)}
    return Told(json.dumps(answer | changes).encode())


def item(repository: str = "parcelhub/api", path: str = "deploy/.env", **changes: Any) -> dict[str, Any]:
    url = f"https://github.com/{repository}/blob/0f1e/{path}"
    fragments = [{"fragment": "AWS_SECRET_ACCESS_KEY=made-up"}]
    made = {"name": path, "path": path, "html_url": url, "repository": {"full_name": repository}, "score": 1.0}
    return {**made, "text_matches": fragments, **changes}


def test_a_search_as_github_gets_it(github: Publisher, search: GithubCodeSearch) -> None:
    github.pages[PATH] = told(item(), total_count=41, incomplete_results=True)
    place = CodePlace("parcelhub/api", "deploy/.env", "https://github.com/parcelhub/api/blob/0f1e/deploy/.env")
    assert search.find(QUERY) == CodeFound(NOW, 41, (place,), complete=False)
    (asked,) = github.asked
    assert parse_qs(urlsplit(asked.path).query) == {"q": [QUERY], "per_page": [str(MOST_PLACES)]}
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert "text-match" not in asked.headers["accept"], "what stands in a file may be a secret"


def test_nothing_found_is_an_answer(github: Publisher, search: GithubCodeSearch) -> None:
    github.pages[PATH] = told()
    assert search.find(QUERY) == CodeFound(NOW, 0, ())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Told(b"{}", 401), "GitHub does not take the token: put a valid one where [exposure] github_token says"),
        (Told(b"{}", 403), "GitHub refused the search: the token may not search code"),
        (Told(b"{}", 403, {"x-ratelimit-remaining": "0"}), f"{LIMIT} a minute"),
        (Told(b"{}", 403, {"Retry-After": "17"}), f"{LIMIT} 17 seconds"),
        (Told(b"{}", 429, {"Retry-After": "soon"}), f"{LIMIT} a minute"),
        (Told(b"{}", 422), "GitHub did not take the query: it is malformed, or names what the token may not read"),
        (Told(b"", 503), "GitHub answered with status 503"),
        (Told(b"<html>"), "what GitHub answered is no result of a search"),
        (Told(b'{"total_count": "many", "items": []}'), "what GitHub answered is no result of a search"),
        (Told(b"[" * 9000), "what GitHub answered is no result of a search"),
        (Told(b" " * 1_000_001), "127.0.0.1 sent more than 1,000,000 bytes"),
        (Told(b"", 302, {"location": "https://elsewhere.example/"}), "elsewhere.example is not a host this bot asks"),
    ],
)
def test_whatever_keeps_it_from_answering_is_said(
    github: Publisher, search: GithubCodeSearch, answer: Told, why: str
) -> None:
    github.pages[PATH] = answer
    found = search.find(QUERY)
    assert isinstance(found, Unread)
    assert found.why.startswith(why)
    assert TOKEN not in found.why


def test_a_github_that_hangs_is_given_up(github: Publisher, clock: Clock) -> None:
    hold = threading.Event()
    github.pages[PATH] = Told(b"{", promised=100, hold=hold)
    found = GithubCodeSearch(TOKEN, clock, f"{github.origin}/api/v3", seconds=0.2).find(QUERY)
    hold.set()
    assert found == Unread("127.0.0.1 did not answer within 0.2 seconds")


def test_a_github_that_is_not_there(clock: Clock) -> None:
    found = GithubCodeSearch(TOKEN, clock, "http://127.0.0.1:1").find(QUERY)
    assert found == Unread("127.0.0.1 could not be reached or broke off (ConnectError)")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"html_url": "javascript:alert(1)"}, CodePlace("parcelhub/api", "deploy/.env")),
        ({"html_url": "https://github.com/a b"}, CodePlace("parcelhub/api", "deploy/.env")),
        ({"repository": "<!channel>/x"}, None),
        ({"path": "x" * 900, "html_url": ""}, CodePlace("parcelhub/api", "x" * 200)),
    ],
)
def test_names_of_strangers_are_kept_short_and_plain(
    github: Publisher, search: GithubCodeSearch, changes: Any, place: CodePlace | None
) -> None:
    github.pages[PATH] = told(item(**changes))
    assert search.find(QUERY) == CodeFound(NOW, 1, (place,) if place else ())


def test_no_more_than_github_takes_in_a_minute(github: Publisher, search: GithubCodeSearch, clock: Clock) -> None:
    github.pages[PATH] = told()
    for number in range(A_MINUTE):
        assert isinstance(search.find(f"query {number}"), CodeFound)
    clock.now += timedelta(seconds=20)
    assert search.find("one more") == Unread("GitHub takes 10 searches a minute: ask again in 40 seconds")
    assert len(github.asked) == A_MINUTE
    clock.now += timedelta(seconds=40)
    assert isinstance(search.find("one more"), CodeFound)


def test_a_search_is_not_repeated_within_an_hour(github: Publisher, search: GithubCodeSearch, clock: Clock) -> None:
    github.pages[PATH] = told()
    first = search.find(QUERY)
    clock.now += timedelta(minutes=59)
    assert search.find(QUERY) is first
    clock.now += timedelta(minutes=2)
    assert isinstance(search.find(QUERY), CodeFound)
    assert len(github.asked) == 2


def test_a_failure_is_not_kept(github: Publisher, search: GithubCodeSearch) -> None:
    github.pages[PATH] = Told(b"", 503)
    assert isinstance(search.find(QUERY), Unread)
    github.pages[PATH] = told()
    assert isinstance(search.find(QUERY), CodeFound)


def test_what_is_kept_has_an_end(github: Publisher, search: GithubCodeSearch, clock: Clock) -> None:
    github.pages[PATH] = told()
    for number in range(MOST_KEPT + 1):
        clock.now += timedelta(seconds=7)
        search.find(f"query {number}")
    before = len(github.asked)
    search.find(f"query {MOST_KEPT}")
    assert len(github.asked) == before


@pytest.mark.parametrize("query", ["", "x" * 257])
def test_a_query_github_would_not_take_is_not_sent(github: Publisher, search: GithubCodeSearch, query: str) -> None:
    assert search.find(query) == Unread("GitHub takes queries of 1 to 256 characters")
    assert github.asked == []
