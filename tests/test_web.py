"""The door for alerts, over a real server: who gets in, what is refused, and that nothing refused is kept."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from bot import web
from bot.intake.payload import MAX_BYTES
from bot.intake.signatures import sign
from bot.store.inbox import Receipt
from bot.store.state import StateUnavailable
from tests.serving import serving

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
STAMP = int(NOW.timestamp())
SECRET, OLD_SECRET = "canary-new", "canary-old"
ALERT = b'{"id": "1", "title": "Odd"}'


@dataclass
class Inbox:
    """Keeps what it is handed, in memory; ``down`` makes it fail as a full disk would."""

    kept: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def accept(self, source: str, payloads: Sequence[Mapping[str, Any]]) -> list[Receipt]:
        if self.down:
            raise StateUnavailable("disk full")
        receipts = []
        for payload in payloads:
            identity = source + json.dumps(payload, sort_keys=True)
            first = self.kept.setdefault(identity, f"d{len(self.kept)}")
            receipts.append(Receipt(first, first if first != f"d{len(self.kept) - 1}" else None))
        return receipts


@pytest.fixture(scope="module")
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture(scope="module")
def address(inbox: Inbox) -> Iterator[str]:
    doors = {
        "siem": web.Door("hmac", (SECRET, OLD_SECRET)),
        "edr": web.Door("bearer", (SECRET,)),
        "aws": web.Door("api_key", (SECRET,)),
        "shut": web.Door("hmac", ()),
    }
    with serving(web.build(doors, inbox.accept, clock=lambda: NOW)) as address:
        yield address


@pytest.fixture(autouse=True)
def _empty(inbox: Inbox) -> None:
    inbox.kept.clear()
    inbox.down = False


def signed(
    body: bytes, *, secret: str = SECRET, at: int = STAMP, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    headers = {"X-Triage-Timestamp": str(at), "X-Triage-Signature": sign(secret, at, body)}
    return {"Content-Type": "application/json", **headers, **(more or {})}


def post(address: str, body: bytes, headers: Mapping[str, str | bytes], source: str = "siem") -> httpx.Response:
    sent = [(name.encode(), value.encode() if isinstance(value, str) else value) for name, value in headers.items()]
    return httpx.post(f"{address}/alerts/{source}", content=body, headers=sent, trust_env=False)


def test_an_authentic_alert_is_kept_before_it_is_answered(address: str, inbox: Inbox) -> None:
    answer = post(address, ALERT, signed(ALERT))
    assert (answer.status_code, answer.json()) == (202, {"deliveries": [{"delivery": "d0", "duplicate_of": None}]})
    assert len(inbox.kept) == 1


def test_the_same_delivery_again_is_told_its_first(address: str, inbox: Inbox) -> None:
    post(address, ALERT, signed(ALERT))
    again = post(
        address, b'[{"id": "2"}, {"title": "Odd", "id": "1"}]', signed(b'[{"id": "2"}, {"title": "Odd", "id": "1"}]')
    )
    assert again.status_code == 202
    assert [one["duplicate_of"] for one in again.json()["deliveries"]] == [None, "d0"]
    assert len(inbox.kept) == 2


@pytest.mark.parametrize(
    ("source", "headers"),
    [
        ("siem", signed(ALERT, secret=OLD_SECRET)),
        ("siem", signed(ALERT, at=STAMP - 300)),
        ("siem", signed(ALERT, at=STAMP + 300)),
        ("siem", signed(ALERT, more={"Content-Type": "application/cloudevents+json; charset=utf-8"})),
        ("edr", {"Authorization": f"bearer {SECRET}", "Content-Type": "application/json"}),
        ("aws", {"X-Api-Key": SECRET, "Content-Type": "application/json"}),
    ],
)
def test_every_way_in(address: str, source: str, headers: Mapping[str, str]) -> None:
    assert post(address, ALERT, headers, source).status_code == 202


NO_TIME = "no timestamp, or one that is no Unix time"
STRANGERS: list[tuple[str, str, Mapping[str, str | bytes], str]] = [
    ("wrong secret", "siem", signed(ALERT, secret="guess"), "wrong signature"),
    ("other body", "siem", signed(b"{}"), "wrong signature"),
    ("stale", "siem", signed(ALERT, at=STAMP - 301), f"timestamp {STAMP - 301} is more than 300 s off"),
    ("from the future", "siem", signed(ALERT, at=STAMP + 301), f"timestamp {STAMP + 301} is more than 300 s off"),
    ("no headers", "siem", {}, NO_TIME),
    (
        "odd timestamp",
        "siem",
        signed(ALERT, more={"X-Triage-Timestamp": "1e9"}),
        "no timestamp, or one that is no Unix time",
    ),
    (
        "odd digits",
        "siem",
        {"X-Triage-Timestamp": "\u00b2".encode("latin-1")},
        "no timestamp, or one that is no Unix time",
    ),
    ("long timestamp", "siem", {"X-Triage-Timestamp": "9" * 5000}, NO_TIME),
    ("no signature", "siem", {"X-Triage-Timestamp": str(STAMP)}, "no signature"),
    (
        "no prefix",
        "siem",
        signed(ALERT, more={"X-Triage-Signature": sign(SECRET, STAMP, ALERT)[3:]}),
        "wrong signature",
    ),
    ("not ASCII", "siem", {**signed(ALERT), "X-Triage-Signature": b"v1=\xff\xfe"}, "wrong signature"),
    ("unknown source", "nobody", signed(ALERT), "no such source"),
    ("source without secret", "shut", signed(ALERT, secret=""), "no signature is configured"),
    ("other scheme", "edr", {"Authorization": f"Basic {SECRET}"}, "no bearer token"),
    ("wrong token", "edr", {"Authorization": "Bearer guess"}, "wrong bearer token"),
    ("empty token", "edr", {"Authorization": "Bearer"}, "no bearer token"),
    ("signed where a token is asked", "edr", signed(ALERT), "no bearer token"),
    ("wrong key", "aws", {"X-Api-Key": "guess"}, "wrong API key"),
    ("no key", "aws", {}, "no API key"),
]


@pytest.mark.parametrize(
    ("source", "headers", "reason"),
    [one[1:] for one in STRANGERS],
    ids=[one[0] for one in STRANGERS],
)
def test_a_stranger_learns_nothing(
    address: str, inbox: Inbox, source: str, headers: Mapping[str, str | bytes], reason: str
) -> None:
    with capture_logs() as logs:
        answer = post(address, ALERT, headers, source)
    assert (answer.status_code, answer.content) == (401, b"")
    assert [(one["event"], one["source"], one["reason"]) for one in logs] == [("alert refused", source, reason)]
    assert SECRET not in str(logs)
    assert inbox.kept == {}


UNREADABLE = {
    "not JSON": b"{",
    "NaN": b'{"a": NaN}',
    "deep": b"[" * 100_000,
    "empty list": b"[]",
    "number": b"7",
    "one of a list": b'[{"id": "1"}, 7]',
    "not UTF-8": b"\xff",
    "empty": b"",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_alert_is_refused_with_a_sentence(address: str, inbox: Inbox, name: str) -> None:
    body = UNREADABLE[name]
    answer = post(address, body, signed(body))
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert inbox.kept == {}


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(address: str, inbox: Inbox, content_type: str) -> None:
    answer = post(address, ALERT, signed(ALERT, more={"Content-Type": content_type}))
    assert (answer.status_code, answer.json()) == (415, {"error": "Send application/json."})
    assert inbox.kept == {}


def test_each_request_that_is_not_taken_leaves_one_line_and_nothing_of_its_body(address: str) -> None:
    mark = b'{"canary-body": "\\n{\\"event\\": \\"forged\\"}"}'
    long = mark + b" " * MAX_BYTES
    refused: list[tuple[int, str, bytes, Mapping[str, str | bytes]]] = [
        (401, "siem", mark, {}),
        (401, "x" * 9_000, mark, {}),
        (400, "siem", mark[:-1], signed(mark[:-1])),
        (413, "siem", long, signed(long)),
        (415, "siem", mark, signed(mark, more={"Content-Type": "text/plain"})),
        (404, "siem/more", mark, signed(mark)),
    ]
    for status, source, body, headers in refused:
        with capture_logs() as logs:
            answer = post(address, body, headers, source)
        assert (answer.status_code, len(logs)) == (status, 1)
        assert "canary" not in str(logs) + answer.text
        assert len(str(logs)) < 400


def test_who_comes_while_the_disk_is_busy_is_told_to_send_again_and_a_stranger_takes_no_place() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def accept(source: str, payloads: Sequence[Mapping[str, Any]]) -> list[Receipt]:
        begun.set()
        assert go_on.wait(30)
        return [Receipt("d0", None)]

    door = {"siem": web.Door("hmac", (SECRET,))}
    with (
        serving(web.build(door, accept, clock=lambda: NOW, most_at_once=1)) as address,
        ThreadPoolExecutor() as senders,
        socket.create_connection((urlsplit(address).hostname or "", urlsplit(address).port or 0)) as stranger,
    ):
        stranger.sendall(HEAD + b"Content-Length: 10\r\n\r\n")
        first = senders.submit(post, address, ALERT, signed(ALERT))
        assert begun.wait(30)
        second = post(address, ALERT, signed(ALERT))
        go_on.set()
        assert first.result().status_code == 202
        assert (second.status_code, second.headers["Retry-After"]) == (503, "5")
        assert post(address, ALERT, signed(ALERT)).status_code == 202


@pytest.mark.parametrize("source", ["siem", "nobody"])
def test_too_large_is_refused_whoever_sends_it(address: str, inbox: Inbox, source: str) -> None:
    body = b" " * (MAX_BYTES + 1)
    answer = post(address, body, signed(body), source)
    assert (answer.status_code, answer.json()) == (413, {"error": f"The body is over {MAX_BYTES} bytes."})
    assert inbox.kept == {}


def raw(address: str, *parts: bytes) -> bytes:
    """Send ``parts`` as they are and give back the first bytes of the answer."""
    at = urlsplit(address)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(1000)


HEAD = b"POST /alerts/siem HTTP/1.1\r\nHost: x\r\n"


def test_a_chunked_body_is_cut_off_at_the_limit_and_not_at_its_end(address: str) -> None:
    chunk = b"%x\r\n%s\r\n" % (MAX_BYTES + 1, b" " * (MAX_BYTES + 1))
    assert b" 413 " in raw(address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk)


def test_a_declared_length_over_the_limit_is_refused_before_the_body(address: str) -> None:
    assert b" 413 " in raw(address, HEAD + b"Content-Length: 999999999999\r\n\r\n")


def test_a_body_that_never_ends_is_cut_off(inbox: Inbox) -> None:
    with serving(web.build({}, inbox.accept, body_seconds=0.1)) as address:
        assert b" 408 " in raw(address, HEAD + b"Content-Length: 10\r\n\r\n{")
    assert inbox.kept == {}


def test_what_cannot_be_stored_is_not_acknowledged(address: str, inbox: Inbox) -> None:
    inbox.down = True
    answer = post(address, ALERT, signed(ALERT))
    assert answer.status_code == 503
    assert answer.json() == {"error": "The alert could not be stored; send it again."}
    assert answer.headers["Retry-After"] == "5"


def test_other_methods_and_paths_are_none_of_ours(address: str) -> None:
    assert httpx.get(f"{address}/alerts/siem", trust_env=False).status_code == 405
    assert httpx.get(f"{address}/healthz", trust_env=False).status_code == 404
    assert httpx.post(f"{address}/slack/events", trust_env=False).status_code == 404


def test_health_says_what_is_wrong() -> None:
    problems = ["The state file cannot be written."]
    with serving(web.health(lambda: problems)) as address:
        alive = httpx.get(f"{address}/healthz", trust_env=False)
        unready = httpx.get(f"{address}/readyz", trust_env=False)
        problems.clear()
        ready = httpx.get(f"{address}/readyz", trust_env=False)
    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert (unready.status_code, unready.json()) == (
        503,
        {"ready": False, "reasons": ["The state file cannot be written."]},
    )
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})


def test_a_door_never_shows_its_secrets() -> None:
    assert SECRET not in repr(web.Door("hmac", (SECRET,)))


def test_a_wrong_address_is_refused_instead_of_redirected(address: str) -> None:
    assert httpx.post(f"{address}/alerts/siem/", content=b"{}").status_code == 404
