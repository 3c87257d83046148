"""What the bot asks of the web, over real HTTP on loopback."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator

import pytest

from bot.http import AGENT, Outbound, Unfetched, origin_of
from tests.publisher import Publisher, Told, publishing


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as one:
        yield one


def outbound(publisher: Publisher, *others: str, seconds: float = 5.0, most_bytes: int = 1000) -> Outbound:
    return Outbound([publisher.origin, *others], seconds=seconds, most_bytes=most_bytes)


def test_an_answer_of_any_status_is_an_answer(publisher: Publisher) -> None:
    publisher.pages["/list"] = Told(b"10 20", headers={"ETag": '"1"'})
    publisher.pages["/gone"] = Told(b"no", 410)
    asking = outbound(publisher)
    page = asking.get(f"{publisher.origin}/list", {"accept": "text/plain"})
    assert (page.status, page.body, page.headers["etag"]) == (200, b"10 20", '"1"')
    assert asking.get(f"{publisher.origin}/gone").status == 410
    assert (publisher.asked[0].headers["user-agent"], publisher.asked[0].headers["accept"]) == (AGENT, "text/plain")
    asking.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/list",
        "http://127.0.0.1:1/list",
        "http://127.0.0.1/list",
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1/list",
        "",
        "http://[",
    ],
)
def test_another_origin_is_never_asked(publisher: Publisher, url: str) -> None:
    with pytest.raises(Unfetched, match="nothing was sent there"):
        outbound(publisher).get(url)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_inside_the_origins_is_followed(publisher: Publisher, status: int) -> None:
    publisher.pages["/old"] = Told(status=status, headers={"Location": "/new"})
    publisher.pages["/new"] = Told(b"here")
    assert outbound(publisher).get(f"{publisher.origin}/old").body == b"here"


@pytest.mark.parametrize("location", ["https://elsewhere.example/", "//elsewhere.example/", "http://["])
def test_a_redirect_elsewhere_is_refused(publisher: Publisher, location: str) -> None:
    publisher.pages["/old"] = Told(status=302, headers={"Location": location})
    with pytest.raises(Unfetched, match="nothing was sent there"):
        outbound(publisher).get(f"{publisher.origin}/old")


def test_redirects_come_to_an_end(publisher: Publisher) -> None:
    publisher.pages["/round"] = Told(status=302, headers={"Location": "/round"})
    with pytest.raises(Unfetched, match="redirects again and again"):
        outbound(publisher).get(f"{publisher.origin}/round")
    assert len(publisher.asked) == 4


@pytest.mark.parametrize(
    "told",
    [
        Told(b"x" * 1001),
        Told(gzip.compress(b"x" * 100_000), headers={"Content-Encoding": "gzip"}),
    ],
)
def test_a_body_too_long_is_refused(publisher: Publisher, told: Told) -> None:
    publisher.pages["/list"] = told
    with pytest.raises(Unfetched, match="more than 1,000 bytes"):
        outbound(publisher).get(f"{publisher.origin}/list")


def test_a_body_cut_short_is_refused(publisher: Publisher) -> None:
    publisher.pages["/list"] = Told(b"10.0.0.0/8\n", promised=500)
    with pytest.raises(Unfetched, match="broke off"):
        outbound(publisher).get(f"{publisher.origin}/list")


def test_who_hangs_is_given_up(publisher: Publisher) -> None:
    release = threading.Event()
    publisher.pages["/list"] = Told(b"10", promised=20, hold=release)
    with pytest.raises(Unfetched, match=r"127\.0\.0\.1 did not answer within 0\.2 seconds"):
        outbound(publisher, seconds=0.2).get(f"{publisher.origin}/list?key=secret")
    release.set()


def test_who_is_not_there_is_named() -> None:
    with pytest.raises(Unfetched, match=r"127\.0\.0\.1 could not be reached"):
        Outbound(["http://127.0.0.1:9"], seconds=1, most_bytes=10).get("http://127.0.0.1:9/secret")


@pytest.mark.parametrize("odd", ["", "example.com", "ftp://example.com", "https://", "https://a@b"])
def test_what_is_no_origin_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match="is no https address"):
        origin_of(odd)


def test_what_is_posted_arrives_and_goes_nowhere_else(publisher: Publisher) -> None:
    publisher.pages["/in"] = Told(b"taken", 202)
    publisher.pages["/moved"] = Told(status=307, headers={"Location": "/in"})
    asking = outbound(publisher)
    page = asking.post(f"{publisher.origin}/in", '{"a": 1}', {"content-type": "application/json"})
    assert (page.status, page.body, publisher.asked[0].body) == (202, b"taken", b'{"a": 1}')
    assert asking.post(f"{publisher.origin}/moved", "secret").status == 307
    assert len(publisher.asked) == 2, "a body is not sent on to where a redirect points"
    with pytest.raises(Unfetched, match="nothing was sent there"):
        asking.post("https://elsewhere.example/in", "secret")
