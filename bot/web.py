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
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import intake
from bot.intake import signatures
from bot.intake.payload import MAX_BYTES, Payload
from bot.store.inbox import Receipt
from bot.store.state import StateUnavailable

BODY_SECONDS = 10.0
"""A sender that takes longer to send its body is cut off."""

Clock = Callable[[], datetime]
Endpoint = Callable[[Request], Awaitable[Response]]
log = structlog.get_logger("web")


class Accept(Protocol):
    """Makes payloads durable, all or none, before it returns, with a receipt for each alert in them.

    Raises :class:`StateUnavailable`, :class:`intake.Unreadable`.
    """

    def __call__(self, source: str, payloads: Sequence[Payload]) -> Sequence[Receipt]: ...


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
    doors: Mapping[str, Door],
    accept: Accept,
    *,
    clock: Clock = utc_now,
    slack: Endpoint | None = None,
    body_seconds: float = BODY_SECONDS,
) -> Starlette:
    """The public application: ``POST /alerts/{source}``, and ``POST /slack/events`` if ``slack`` is handed in."""

    async def alerts(request: Request) -> Response:
        source = request.path_params["source"]
        try:
            return await _receive(request, source)
        except signatures.NotAuthentic as reason:
            log.warning("alert refused", source=source[:64], reason=str(reason))
            return Response(status_code=401)
        except TooLarge:
            return _refuse(413, f"The body is over {MAX_BYTES} bytes.")
        except TimeoutError:
            return _refuse(408, f"The body took longer than {body_seconds:g} s.")

    async def _receive(request: Request, source: str) -> Response:
        body = await read_body(request, MAX_BYTES, body_seconds)
        # Looked at only now, so that a stranger cannot tell which sources there are.
        if (door := doors.get(source)) is None:
            raise signatures.NotAuthentic("no such source")
        door.verify(request.headers, body, clock())
        if not _is_json(request.headers.get("Content-Type", "")):
            return _refuse(415, "Send application/json.")
        try:
            return await _store(accept, source, intake.read(body))
        except intake.Unreadable as reason:
            log.warning("alert unreadable", source=source, reason=str(reason))
            return _refuse(400, str(reason))

    routes = [Route("/alerts/{source}", alerts, methods=["POST"])]
    if slack is not None:
        routes.append(Route("/slack/events", slack, methods=["POST"]))
    app = Starlette(routes=routes)
    # A redirect would lose a signed body; a wrong address is said at once.
    app.router.redirect_slashes = False
    return app


def health(problems: Callable[[], Sequence[str]]) -> Starlette:
    """The private application: ``/healthz`` says the process lives, ``/readyz`` whether it can do its work.

    ``problems`` gives a sentence for each thing that keeps it from that; it may block.
    """

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        reasons = list(await run_in_threadpool(problems))
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    return Starlette(routes=[Route("/healthz", alive), Route("/readyz", ready)])


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


async def _store(accept: Accept, source: str, payloads: Sequence[Payload]) -> Response:
    try:
        receipts = await run_in_threadpool(accept, source, payloads)
    except StateUnavailable as reason:
        log.error("alert not stored", source=source, reason=str(reason))  # noqa: TRY400 - the reason says it all
        return _refuse(503, "The alert could not be stored; send it again.", {"Retry-After": "5"})
    deliveries = [{"delivery": one.delivery, "duplicate_of": one.duplicate_of} for one in receipts]
    return JSONResponse({"deliveries": deliveries}, status_code=202)


def _refuse(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=headers)


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
