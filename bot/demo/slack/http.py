"""The HTTP surface the app sees: ``/api/<method>``, ``/link/`` (Socket Mode), ``/actions/…`` and ``/upload/…``."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from bot.demo.slack import conversations, responses, views, webapi
from bot.demo.slack.delivery import Sockets
from bot.demo.slack.faults import Fault, Faults
from bot.demo.slack.webapi import Method
from bot.demo.slack.workspace import Json, SlackError, Workspace, snapshot

METHODS = webapi.METHODS | views.METHODS | conversations.METHODS
_NEEDED = {method.scope for method in METHODS.values() if method.scope}
SCOPES = tuple(sorted({"commands", "app_mentions:read"} | _NEEDED))
CONNECT = "apps.connections.open"
MESSAGES = frozenset({"chat.postMessage", "chat.update", "chat.postEphemeral"})
VIEWS = frozenset({"views.open", "views.push", "views.update", "views.publish"})


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of the Web API: its arguments without the token, and Slack's error code if it was refused."""

    method: str
    args: Json
    error: str | None


class HungUp(Response):
    """Cuts the connection instead of answering."""

    def __init__(self, cut: Callable[[tuple[str, int]], None]) -> None:
        super().__init__()
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._cut(tuple(scope["client"]))


class Silent(Response):
    """Answers nothing until the client goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


class Api:
    """Answers the app. ``origin()`` is ``http://127.0.0.1:<port>``; ``cut`` drops a client's connection."""

    def __init__(
        self,
        space: Workspace,
        sockets: Sockets,
        faults: Faults,
        tokens: Json,
        scopes: Collection[str],
        origin: Callable[[], str],
        cut: Callable[[tuple[str, int]], None],
    ) -> None:
        self.calls: list[ApiCall] = []
        self._space, self._sockets, self._faults = space, sockets, faults
        self._tokens, self._scopes = tokens, scopes
        self._origin, self._cut = origin, cut

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/{method}", self._call, methods=["GET", "POST"]),
            Route("/actions/{token:path}", self._respond, methods=["POST"]),
            Route("/upload/v1/{file_id}", self._upload, methods=["POST"]),
            WebSocketRoute("/link/", self._sockets.serve),
        ]

    async def _call(self, request: Request) -> Response:
        name = request.path_params["method"]
        try:
            form = await _form(request)
        except (ValueError, RecursionError):
            return JSONResponse({"ok": False, "error": "invalid_json"})
        token = _token(request, form)
        fault = self._faults.take(name, form)
        if fault is not None and not fault.processed:
            self._record(name, form, f"fault {fault.status}")
            return self._faulty(fault)
        answer = self._answer(name, token, form)
        self._record(name, form, answer.get("error"))
        if fault is not None:
            return self._faulty(fault)
        return JSONResponse(answer, headers={"X-OAuth-Scopes": ",".join(sorted(self._scopes))})

    def _record(self, name: str, form: Json, error: str | None) -> None:
        with self._space.changed:
            self.calls.append(ApiCall(name, form, error))
            self._space.asked_to_show.extend(_shown(name, form))
            self._space.touch()

    def _faulty(self, fault: Fault) -> Response:
        if fault.hang_up:
            return HungUp(self._cut)
        if fault.silent:
            return Silent()
        body = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
        return Response(body, fault.status, dict(fault.headers))

    def _answer(self, name: str, token: str, form: Json) -> Json:
        try:
            if name == CONNECT:
                self._authorize(token, "xapp", None)
                ticket = self._sockets.new_ticket()
                return {"ok": True, "url": f"{self._origin().replace('http', 'ws', 1)}/link/?ticket={ticket}"}
            method = self._method(name)
            self._authorize(token, "xoxb", method.scope)
            with self._space.changed:
                args = webapi.arguments(form) | {"origin": self._origin()}
                return {"ok": True, **method.call(self._space, args)}
        except SlackError as refusal:
            return {"ok": False, "error": refusal.code, **refusal.more}

    @staticmethod
    def _method(name: str) -> Method:
        if name not in METHODS:
            raise SlackError("unknown_method", req_method=name)
        return METHODS[name]

    def _authorize(self, token: str, kind: str, scope: str | None) -> None:
        if not token:
            raise SlackError("not_authed")
        if token not in self._tokens.values():
            raise SlackError("invalid_auth")
        if token != self._tokens[kind]:
            raise SlackError("not_allowed_token_type")
        if scope is not None and scope not in self._scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self._scopes)))

    async def _respond(self, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            with self._space.changed:
                self._space.asked_to_show.append(body)
                responses.respond(self._space, request.path_params["token"], body)
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        except SlackError as refusal:
            status = 404 if refusal.code.endswith("_url") else 400
            return JSONResponse({"ok": False, "error": refusal.code}, status)
        return PlainTextResponse("ok")

    async def _upload(self, request: Request) -> Response:
        upload = self._space.uploads.get(request.path_params["file_id"])
        content = await request.body()
        if upload is None or len(content) != upload.length:
            return PlainTextResponse("the file is unknown or not as long as announced", 400)
        self._space.uploads[upload.id] = replace(upload, content=content)
        return PlainTextResponse(f"OK - {len(content)}")

    def called(self, method: str | None) -> list[ApiCall]:
        with self._space.changed:
            return [snapshot(call) for call in self.calls if method in (None, call.method)]


async def _form(request: Request) -> Json:
    """The arguments of a call: query, form or JSON body. Raises ``ValueError`` for a body that is no object."""
    body = await request.body()
    given: dict[str, Any] = dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        read = json.loads(body or b"{}")
        if not isinstance(read, dict):
            raise ValueError("the body is no object")
        return given | read
    return given | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _shown(method: str, form: Json) -> list[Json]:
    """The message or view that a call asks to have shown, as far as it can be read."""
    if method not in MESSAGES | VIEWS:
        return []
    try:
        args = webapi.arguments(form)
    except SlackError:
        return []
    return [args if method in MESSAGES else args.get("view") or {}]


def _token(request: Request, form: Json) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    in_body = str(form.pop("token", ""))
    return token if scheme.lower() == "bearer" else in_body
