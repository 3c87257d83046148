"""The HTTP side of ``triage serve``: verify, store, answer. Nothing here thinks about what an alert means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import counts, intake
from bot.intake import signatures, sns
from bot.intake.payload import MAX_BYTES, Payload
from bot.store.inbox import Receipt
from bot.store.state import StateUnavailable
from bot.topics import CertificateUnavailable

BODY_SECONDS = 10.0
"""A sender that takes longer to send its body is cut off."""
MOST_AT_ONCE = 128
"""Authentic alerts on their way to the disk; whoever comes then is told to send again. Strangers take no place here."""

Clock = Callable[[], datetime]
Endpoint = Callable[[Request], Awaitable[Response]]
log = structlog.get_logger("web")


class Accept(Protocol):
    """Makes payloads durable, all or none, before it returns, with a receipt for each alert in them.

    Raises :class:`StateUnavailable`, :class:`intake.Unreadable`.
    """

    def __call__(self, source: str, payloads: Sequence[Payload]) -> Sequence[Receipt]: ...


@dataclass(frozen=True, slots=True)
class TopicDoor:
    """Lets in what SNS sends from some topics. ``certificate`` gives that of a region and a name, and may block.

    ``confirm`` sees to it that the subscription of a topic is confirmed, and returns once that is on disk.
    """

    topics: tuple[str, ...]
    certificate: Callable[[str, str], bytes]
    confirm: Callable[[str, str], None]

    def verified(self, body: bytes, now: datetime) -> sns.Message:
        """The message in ``body``. Raises :class:`signatures.NotAuthentic`, :class:`topics.CertificateUnavailable`."""
        from bot.intake import sns_certificate  # noqa: PLC0415 - only a bot that has topics pays for its import

        message = sns.message_of(body)
        sns.expect(message, self.topics, now)
        sns_certificate.verify(message, self.certificate(message.topic.region, message.certificate), now)
        return message


@dataclass(frozen=True, slots=True)
class Door:
    """How a source shows who it is. Its secrets are never part of its ``repr``."""

    auth: Literal["hmac", "bearer", "api_key"]
    secrets: tuple[str, ...] = field(repr=False)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises :class:`signatures.NotAuthentic`."""
        match self.auth:
            case "hmac":
                signatures.verify_hmac(self.secrets, headers, body, now)
            case "bearer":
                signatures.verify_bearer(self.secrets, headers)
            case "api_key":
                signatures.verify_api_key(self.secrets, headers)


class TooLarge(Exception):
    """The body is over the cap; the rest of it was not read."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def build(
    doors: Mapping[str, Door | TopicDoor],
    accept: Accept,
    *,
    clock: Clock = utc_now,
    slack: Endpoint | None = None,
    body_seconds: float = BODY_SECONDS,
    most_at_once: int = MOST_AT_ONCE,
) -> Starlette:
    """The public application: ``POST /alerts/{source}``, and ``POST /slack/events`` if ``slack`` is handed in.

    Whatever is not taken leaves one line in the log, without its body and its headers.
    """
    under_way = 0

    def _count(result: str, source: str) -> None:
        counts.ALERTS.add(source if source in doors else "unknown", result)

    async def alerts(request: Request) -> Response:
        source = request.path_params["source"]
        try:
            return await _receive(request, source)
        except signatures.NotAuthentic as reason:
            log.warning("alert refused", source=source[:64], reason=str(reason))
            _count("refused", source)
            return Response(status_code=401)
        except TooLarge:
            _count("unusable", source)
            return _unfit(source, 413, f"The body is over {MAX_BYTES} bytes.")
        except TimeoutError:
            _count("unusable", source)
            return _unfit(source, 408, f"The body took longer than {body_seconds:g} s.")

    async def _receive(request: Request, source: str) -> Response:
        door = doors.get(source)
        limit = sns.MAX_BYTES if isinstance(door, TopicDoor) else MAX_BYTES
        body = await read_body(request, limit, body_seconds)
        # Refused only now, so that a stranger cannot tell which sources there are.
        if door is None:
            raise signatures.NotAuthentic("no such source")
        if isinstance(door, TopicDoor):
            return await _of_topic(door, source, body)
        door.verify(request.headers, body, clock())
        if not _is_json(request.headers.get("Content-Type", "")):
            return _unfit(source, 415, "Send application/json.")
        return await _kept(source, body, MAX_BYTES)

    async def _of_topic(door: TopicDoor, source: str, body: bytes) -> Response:
        try:
            message = await run_in_threadpool(door.verified, body, clock())
        except CertificateUnavailable as reason:
            log.warning("message of a topic not verified", source=source, reason=str(reason))
            return _refuse(503, "The signature could not be verified now; send it again.", {"Retry-After": "30"})
        match message.type:
            case "Notification":
                return await _kept(source, body, sns.MAX_BYTES)
            case "SubscriptionConfirmation":
                return await _later(door, source, message)
        log.warning("a subscription was taken away", source=source, topic=message.topic.arn)
        return JSONResponse({"deliveries": []}, status_code=202)

    async def _kept(source: str, body: bytes, limit: int) -> Response:
        nonlocal under_way
        if under_way >= most_at_once:
            _count("unavailable", source)
            return _unfit(source, 503, "Too many alerts at once; send it again.", {"Retry-After": "5"})
        under_way += 1
        try:
            return await _store(accept, source, intake.read(body, limit))
        except intake.Unreadable as reason:
            log.warning("alert unreadable", source=source, reason=str(reason))
            _count("unusable", source)
            return _refuse(400, str(reason))
        finally:
            under_way -= 1

    routes = [Route("/alerts/{source}", alerts, methods=["POST"])]
    if slack is not None:
        routes.append(Route("/slack/events", slack, methods=["POST"]))
    app = Starlette(routes=routes, exception_handlers={404: _nothing_here, 405: _nothing_here})
    # A redirect would lose a signed body; a wrong address is said at once.
    app.router.redirect_slashes = False
    return app


def health(problems: Callable[[], Sequence[str]], metrics: Callable[[], bytes] | None = None) -> Starlette:
    """The private application: ``/healthz`` says the process lives, ``/readyz`` whether it can do its work.

    ``problems`` gives a sentence for each thing that keeps it from that, ``metrics`` the text of ``/metrics``; both may
    block.
    """

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        reasons = list(await run_in_threadpool(problems))
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    async def measured(_: Request) -> Response:
        text = await run_in_threadpool(metrics) if metrics is not None else b""
        return Response(text, media_type="text/plain; version=0.0.4")

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", measured)])


async def read_body(request: Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The body, read no further than ``limit`` bytes and ``seconds``, whatever its headers say.

    Raises :class:`TooLarge`, ``TimeoutError``, or :class:`signatures.NotAuthentic` if the sender went away.
    """
    declared = request.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise TooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise TooLarge
    except ClientDisconnect:
        raise signatures.NotAuthentic("the sender went away") from None
    return bytes(body)


async def _later(door: TopicDoor, source: str, message: sns.Message) -> Response:
    """Have a subscription confirmed, once that is on disk."""
    try:
        await run_in_threadpool(door.confirm, message.topic.arn, message.token)
    except StateUnavailable as reason:
        log.error("subscription not kept", source=source, reason=str(reason))  # noqa: TRY400 - the reason says it all
        return _refuse(503, "The subscription could not be kept; send it again.", {"Retry-After": "5"})
    return JSONResponse({"deliveries": []}, status_code=202)


async def _store(accept: Accept, source: str, payloads: Sequence[Payload]) -> Response:
    try:
        receipts = await run_in_threadpool(accept, source, payloads)
    except StateUnavailable as reason:
        log.error("alert not stored", source=source, reason=str(reason))  # noqa: TRY400 - the reason says it all
        counts.ALERTS.add(source, "unavailable")
        return _refuse(503, "The alert could not be stored; send it again.", {"Retry-After": "5"})
    deliveries = [{"delivery": one.delivery, "duplicate_of": one.duplicate_of} for one in receipts]
    return JSONResponse({"deliveries": deliveries}, status_code=202)


def _refuse(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=headers)


def _unfit(source: str, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """Refuse what was not looked into, with a line that says so."""
    log.warning("alert refused", source=source[:64], reason=sentence)
    return _refuse(status, sentence, headers)


async def _nothing_here(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    log.warning("request refused", method=request.method[:16], path=request.url.path[:64], status=status)
    return Response(status_code=status)


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
