"""The page: its files, the state one person sees, what they do on it, and a stream that says "look again".

Only this page may ask: every request needs the run's token and a Host (and Origin, where there is one) of this
server, so that no other site in the same browser can act here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.demo.slack import workspace
from bot.demo.slack.delivery import Delivered
from bot.demo.slack.gestures import Gestures, NotPossible
from bot.demo.slack.story import Story
from bot.demo.slack.views import PNG, PNG_MAGIC
from bot.demo.slack.workspace import SOC, Channel, Json, SlackError, Workspace

STATIC = Path(__file__).parent.parent / "page" / "static"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STREAM_SECONDS = 20.0
ANALYSTS = frozenset({workspace.ANALYST, workspace.SECOND_ANALYST, workspace.THIRD_ANALYST})
WATCHERS = ANALYSTS | {workspace.GUEST, workspace.STRANGER, workspace.KEY_OWNER}
NOWHERE = Channel("", "no conversation yet", set())
"""What somebody sees whom the app has not written to."""
Act = Callable[[str, Json], Awaitable[Delivered]]


class Page:
    """Serves the browser. Lives on the server's event loop."""

    def __init__(
        self, space: Workspace, gestures: Gestures, story: Story, shortcuts: Mapping[str, str], port: Callable[[], int]
    ) -> None:
        self._space, self._gestures, self._story, self._port = space, gestures, story, port
        self._shortcuts = shortcuts
        self._token = secrets.token_urlsafe(18)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._closed = False

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._index),
            Route("/page/state", self._state),
            Route("/page/stream", self._stream),
            Route("/page/act", self._act, methods=["POST"]),
            Route("/page/file/{file_id}", self._file),
            Mount("/static", _Files(directory=STATIC, check_dir=False)),
        ]

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start to tell the streams of every change."""
        self._loop, self._changed = loop, asyncio.Event()
        self._space.listeners.append(self._pulse)

    def close(self) -> None:
        """End the streams, so that the server can stop."""
        self._closed = True
        self._pulse()

    def _pulse(self) -> None:
        if self._loop is not None and self._changed is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    # -------------------------------------------------------------------------------------- guard

    def _hosts(self) -> set[str]:
        return {f"127.0.0.1:{self._port()}", f"localhost:{self._port()}"}

    def _refused(self, request: Request, *, token: bool = True) -> Response | None:
        host, origin = request.headers.get("host"), request.headers.get("origin")
        if host not in self._hosts() or origin not in (None, *(f"http://{name}" for name in self._hosts())):
            return JSONResponse({"error": "this page answers on its own address only"}, 403)
        given = request.headers.get("x-page-token") or request.query_params.get("token") or ""
        if token and not secrets.compare_digest(given.encode(), self._token.encode()):
            return JSONResponse({"error": "this page belongs to another run: reload it"}, 403)
        return None

    async def _index(self, request: Request) -> Response:
        refused = self._refused(request, token=False)
        if refused is not None:
            return refused
        html = (STATIC / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(html.replace("%TOKEN%", self._token), headers=HEADERS)

    # -------------------------------------------------------------------------------------- state

    async def _state(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        user = request.query_params.get("user", workspace.ANALYST)
        if user not in WATCHERS:
            return JSONResponse({"error": f"nobody here is {user}"}, 404)
        with self._space.changed:
            return JSONResponse(self._seen_by(user, request.query_params.get("channel", "")), headers=HEADERS)

    def _conversations(self, user: str) -> list[Channel]:
        """Where ``user`` and the app are both in: channels, private ones, direct messages."""
        both = {user, workspace.BOT_USER}
        return [channel for channel in self._space.channels.values() if both <= channel.members]

    def _seen_by(self, user: str, wanted: str) -> Json:
        """What ``user`` sees of the conversation ``wanted``, or of the first they are in."""
        space, conversations = self._space, self._conversations(user)
        chosen = [channel for channel in conversations if channel.id == wanted] or conversations
        channel = chosen[0] if chosen else NOWHERE
        own = [message for message in space.ephemeral if message["to"] == user and message["channel"] == channel.id]
        notices = [each for each in space.notices if each["to"] == user and each["channel"] == channel.id]
        return {
            "revision": space.revision,
            "me": user,
            "bot": workspace.BOT_USER,
            "people": [person.as_json() for person in space.people.values()],
            "watchers": [one for one in space.people if one in WATCHERS],
            "channel": _told(channel),
            "conversations": [_told(each) for each in conversations],
            "groups": [{"id": group, "name": "soc-analysts"} for group in space.groups],
            "shortcuts": dict(self._shortcuts),
            "messages": channel.messages,
            "ephemeral": own,
            "notices": notices,
            "views": [space.views[view_id] for view_id in space.modals.get(user, [])],
            "home": space.homes.get(user),
            "story": self._story.as_json(),
        }

    async def _file(self, request: Request) -> Response:
        """A picture that was shared, for the page to show."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        upload = self._space.uploads.get(request.path_params["file_id"])
        if upload is None or upload.content is None or not upload.content.startswith(PNG_MAGIC):
            return JSONResponse({"error": "there is no such picture"}, 404)
        return Response(upload.content, media_type=PNG, headers=HEADERS)

    async def _stream(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        return StreamingResponse(self._revisions(), media_type="text/event-stream", headers=HEADERS)

    async def _revisions(self) -> AsyncIterator[str]:
        told = -1
        while not self._closed:
            if told != self._space.revision:
                told = self._space.revision
                yield f"data: {told}\n\n"
                continue
            assert self._changed is not None  # noqa: S101 - open() ran before the first request
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), STREAM_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"

    # ---------------------------------------------------------------------------------------- acts

    async def _act(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        try:
            asked = await request.json()
            done = await self._do(asked)
        except (NotPossible, SlackError) as why:
            return JSONResponse({"refused": str(why)}, headers=HEADERS)
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"error": "not understood"}, 400)
        return JSONResponse({"milliseconds": done.milliseconds, "error": done.error}, headers=HEADERS)

    async def _do(self, asked: Json) -> Delivered:
        if asked["do"] == "offer":
            await asyncio.to_thread(self._story.take, asked["label"])
            return Delivered(0)
        if asked["user"] not in WATCHERS:
            raise NotPossible(f"nobody here is {asked['user']}")
        acts: dict[str, Act] = {
            "type": self._type,
            "click": self._click,
            "click_view": self._click_view,
            "submit": self._submit,
            "close": self._close_view,
            "shortcut": self._shortcut,
            "home": self._home,
        }
        return await acts[asked["do"]](asked["user"], asked)

    async def _type(self, user: str, asked: Json) -> Delivered:
        text, thread = _escaped(str(asked["text"])), asked.get("thread_ts")
        if text.startswith("/"):
            if thread:
                raise NotPossible(
                    f"{text.split(maxsplit=1)[0]} cannot be used in a thread; mention @Triage there instead"
                )
            return await self._gestures.type_command(user, _where(asked), text)
        mention = text.replace("@Triage", f"<@{workspace.BOT_USER}>").replace("@triage", f"<@{workspace.BOT_USER}>")
        return await self._gestures.say(user, _where(asked), mention, thread)

    async def _click(self, user: str, asked: Json) -> Delivered:
        return await self._gestures.click(
            user, _where(asked), asked["ts"], asked["action_id"], asked.get("block_id"), asked.get("value")
        )

    async def _click_view(self, user: str, asked: Json) -> Delivered:
        return await self._gestures.click_view(
            user, asked["view_id"], asked["action_id"], asked.get("block_id"), asked.get("value")
        )

    async def _submit(self, user: str, asked: Json) -> Delivered:
        return await self._gestures.submit_view(user, asked["view_id"], asked.get("values"))

    async def _close_view(self, user: str, asked: Json) -> Delivered:
        return await self._gestures.close_view(user, asked["view_id"])

    async def _shortcut(self, user: str, asked: Json) -> Delivered:
        return await self._gestures.message_shortcut(user, _where(asked), asked["ts"], asked["callback_id"])

    async def _home(self, user: str, asked: Json) -> Delivered:
        return await self._gestures.open_home(user)


def _where(asked: Json) -> str:
    """The conversation an act is done in."""
    return str(asked.get("channel") or SOC)


def _told(channel: Channel) -> Json:
    """A conversation as the page shows it: ``kind`` is ``channel``, ``private`` or ``direct``."""
    kind = "direct" if channel.direct else "private" if channel.private else "channel"
    name = "Triage" if channel.direct else channel.name
    return {"id": channel.id, "name": name, "kind": kind, "members": len(channel.members)}


def _escaped(text: str) -> str:
    """What a person types is text: Slack escapes it before an app sees it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Files(StaticFiles):
    """The built page, never cached across runs and never read as anything but what it is."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response
