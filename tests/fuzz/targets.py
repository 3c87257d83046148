"""What is fuzzed: the parser of every kind of source, SNS's messages, and the doors with all that guards them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from slack_bolt import App, BoltResponse

from bot import intake, web
from bot.intake import FORMS, shipped, signatures, sns
from bot.intake.observables import MAX_FOUND
from bot.intake.payload import MAX_ALERTS, MAX_BYTES
from bot.intake.signatures import NotAuthentic
from bot.model import Alert
from bot.settled import source_of_kind
from bot.slack.http import endpoint
from bot.store.inbox import Receipt
from tests.intake.samples import SECRET
from tests.signing import Signer

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
STAMP = int(NOW.timestamp())
KEY = "fuzz-secret"
TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"
REFUSED = frozenset({401, 404, 405, 413})
TAKEN = frozenset({202, 400, 413, 415})

Try = Callable[[bytes, Random], str]
"""One body, tried; what became of it, in a word. Raises whatever a fault raises."""


def targets() -> Iterator[tuple[str, Try]]:
    """Every target by its name."""
    for kind in ("auto", "generic", *FORMS, *shipped.names()):
        yield kind, partial(parsed, kind)
    yield "sns", message
    yield "doors", Doors().knock


def parsed(kind: str, sent: bytes, _: Random) -> str:
    """A body for the parser of ``kind``: alerts that can be kept, or a sentence why there are none."""
    try:
        alerts = intake.parse(source_of_kind("s", kind), sent, NOW)
    except intake.Unreadable:
        return "unreadable"
    assert len(alerts) <= MAX_ALERTS * MAX_ALERTS
    for alert in alerts:
        sound(alert)
    return "read"


def sound(alert: Alert) -> None:
    """An alert is one that can be stored and shown, and holds no secret."""
    stored = msgspec.json.encode(alert)
    assert msgspec.json.decode(stored, type=Alert) == alert
    assert len(alert.observables) <= MAX_FOUND + 10
    assert alert.title
    assert len(alert.title) <= 300
    assert len(alert.id) <= 200
    assert alert.at.tzinfo is UTC
    assert SECRET.encode() not in stored


def message(sent: bytes, _: Random) -> str:
    """A body for SNS's reader: a message to be verified, or a refusal."""
    try:
        sns.expect(sns.message_of(sent), [TOPIC], NOW)
    except NotAuthentic:
        return "refused"
    return "read"


class Doors:
    """The public application with a door of each kind, and a Bolt that only counts."""

    def __init__(self) -> None:
        self.taken = 0
        self.dispatched = 0
        signer = Signer("sns.amazonaws.com", NOW)
        doors: Mapping[str, web.Door | web.TopicDoor] = {
            "hmac": web.Door("hmac", (KEY, "older")),
            "bearer": web.Door("bearer", (KEY,)),
            "api_key": web.Door("api_key", (KEY,)),
            "shut": web.Door("hmac", ()),
            "topic": web.TopicDoor((TOPIC,), lambda region, name: signer.certificate, self._confirm),
        }
        slack = endpoint(cast("App", SimpleNamespace(dispatch=self._dispatch)), (KEY,), clock=lambda: NOW)
        self._app = web.build(doors, self._accept, clock=lambda: NOW, slack=slack)
        self._loop = asyncio.new_event_loop()

    def knock(self, sent: bytes, random: Random) -> str:
        """One request; one in five is authentic, by a signature over its very bytes."""
        sent, authentic = sent[: MAX_BYTES + 100], random.random() < 0.2
        path, headers = self._addressed(random, sent, authentic=authentic)
        before = self.taken, self.dispatched
        status = self._loop.run_until_complete(self._ask(path, headers, sent))
        if authentic:
            assert status in TAKEN, (status, path)
            return "taken" if status == 202 else "refused"
        assert status in REFUSED, (status, path)
        assert (self.taken, self.dispatched) == before, path
        return "refused"

    def _addressed(self, random: Random, sent: bytes, *, authentic: bool) -> tuple[str, list[tuple[bytes, bytes]]]:
        if authentic:
            signature = signatures.sign(KEY, STAMP, sent)
            return "/alerts/hmac", [
                (b"content-type", random.choice((b"application/json", b"text/html", b"application/x+json; a=b"))),
                (b"x-triage-timestamp", str(STAMP).encode()),
                (b"x-triage-signature", signature.encode()),
            ]
        places = ("hmac", "bearer", "api_key", "shut", "topic", "none", "../hmac", "%00", "h" * 3_000)
        path = random.choice((*(f"/alerts/{place}" for place in places), "/slack/events", "/", "/alerts", "//"))
        return path, [(random.choice(_NAMES), _value(random)) for _ in range(random.randrange(12))]

    async def _ask(self, path: str, headers: list[tuple[bytes, bytes]], sent: bytes) -> int:
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        chunks = iter([{"type": "http.request", "body": sent, "more_body": False}])
        statuses: list[int] = []

        async def receive() -> Any:
            return next(chunks, {"type": "http.disconnect"})

        async def send(told: Any) -> None:
            if told["type"] == "http.response.start":
                statuses.append(told["status"])

        await self._app(scope, receive, send)
        return statuses[0]

    def _accept(self, source: str, payloads: Sequence[Any]) -> list[Receipt]:
        kept = [part for payload in payloads for part in intake.parts(source_of_kind(source, "auto"), payload)]
        self.taken += len(kept)
        return [Receipt("d", None) for _ in kept]

    def _confirm(self, topic: str, token: str) -> None:
        self.taken += 1

    def _dispatch(self, request: Any) -> BoltResponse:
        self.dispatched += 1
        return BoltResponse(status=200)


_NAMES = tuple(
    name.lower().encode()
    for name in (
        *("X-Triage-Timestamp", "X-Triage-Signature", "X-Api-Key", "Authorization", "Content-Type", "Content-Length"),
        *("X-Slack-Request-Timestamp", "X-Slack-Signature", "X-Amz-Sns-Message-Type", "Transfer-Encoding", "\x00"),
    )
)


def _value(random: Random) -> bytes:
    near = (
        str(STAMP),
        f"{STAMP}.5",
        "9" * 400,
        "-1",
        "",
        "v1=",
        "v0=",
        "v1=" + "0" * 64,
        "v1=é",
        "Bearer ",
        "Bearer x",
    )
    return random.choice((random.randbytes(random.randrange(60)), random.choice(near).encode("latin-1")))
