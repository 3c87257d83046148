"""``POST /slack/events``: Slack's requests, verified, handed to Bolt on a thread."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bot.intake.signatures import SLACK_SIGNATURE, NotAuthentic, expect_slack, verify_slack
from bot.slack.guard import Replays
from bot.web import Clock, Endpoint, TooLarge, read_body, utc_now

MAX_BYTES = 1024 * 1024
"""Slack's largest payload is a modal of 100 blocks: far below a megabyte."""

log = structlog.get_logger("slack")


def endpoint(app: App, signing_secrets: Sequence[str], *, clock: Clock = utc_now) -> Endpoint:
    """What :func:`bot.web.build` mounts: lets each request signed with one of ``signing_secrets`` through to ``app``
    once.

    A refused request gets 401 without a body, most of them before theirs is read; a replayed one 200, without anything
    being done again. ``app`` verifies nothing itself.
    """
    replays = Replays()

    async def handle(request: Request) -> Response:
        try:
            return await _answer(request)
        except NotAuthentic as reason:
            log.warning("request refused", reason=str(reason))
            return Response(status_code=401)
        except TooLarge:
            log.warning("request refused", reason=f"over {MAX_BYTES} bytes")
            return Response(status_code=413)
        except TimeoutError:
            log.warning("request refused", reason="its body did not come in time")
            return Response(status_code=408)

    async def _answer(request: Request) -> Response:
        expect_slack(request.headers, clock())
        body = await read_body(request, MAX_BYTES)
        verify_slack(signing_secrets, request.headers, body, clock())
        signature = request.headers[SLACK_SIGNATURE]
        if not replays.first(signature, clock()):
            log.warning("request replayed")
            return Response(status_code=200)
        answer = await run_in_threadpool(_dispatch, app, request, body)
        if answer.status >= 500:
            replays.forget(signature)
        return Response(answer.body, answer.status, answer.first_headers_without_set_cookie())

    return handle


def _dispatch(app: App, request: Request, body: bytes) -> BoltResponse:
    try:
        return app.dispatch(BoltRequest(body=body.decode(), headers=dict(request.headers)))
    except Exception:
        log.exception("request failed")
        return BoltResponse(status=500)
