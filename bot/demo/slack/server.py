"""``LocalSlack``: the server on its own thread, and the same gestures and views for tests and the demo."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType, TracebackType
from typing import Any, TypeVar

import uvicorn
from starlette.applications import Starlette

from bot.demo.slack import workspace
from bot.demo.slack.delivery import ACK_SECONDS, Delivered, Sockets, envelope, post_signed
from bot.demo.slack.faults import Faults, Next
from bot.demo.slack.gestures import Gestures
from bot.demo.slack.http import SCOPES, Api, ApiCall
from bot.demo.slack.page import Page
from bot.demo.slack.story import Story
from bot.demo.slack.workspace import Json, Workspace, snapshot

T = TypeVar("T")
START_SECONDS = 10.0
PING_SECONDS = 5.0


class LocalSlack:
    """See the package's docstring. Start with ``with`` or ``start()`` and ``stop()``."""

    def __init__(
        self,
        *,
        port: int = 0,
        request_url: str | None = None,
        scopes: Collection[str] = SCOPES,
        ack_seconds: float = ACK_SECONDS,
        shortcuts: Mapping[str, str] = MappingProxyType({}),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.port = port
        self.request_url = request_url
        self.ack_seconds = ack_seconds
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self._space = Workspace(clock)
        self._sockets = Sockets(self._space.touch)
        self._faults = Faults()
        self._story = Story(self._space)
        self._gestures = Gestures(self._space, self._deliver, lambda: self.url.rstrip("/"))
        tokens = {"xoxb": self.bot_token, "xapp": self.app_token}
        self._api = Api(
            self._space, self._sockets, self._faults, tokens, scopes, lambda: self.url.rstrip("/"), self._cut
        )
        self._page = Page(self._space, self._gestures, self._story, shortcuts, lambda: self.port)
        self._newest: tuple[str, Json] = ("events_api", {})
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()

    # ------------------------------------------------------------------------------------ life

    def start(self) -> LocalSlack:
        """Listen on 127.0.0.1. Raises ``OSError`` if the port is taken."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        routes = [*self._api.routes(), *self._page.routes()]
        config = uvicorn.Config(
            Starlette(routes=routes, lifespan=self._lifespan),
            ws="websockets-sansio",
            ws_ping_interval=PING_SECONDS,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve([listener])), name="local-slack", daemon=True
        )
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise OSError("the local Slack did not start")
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._server.should_exit = True
        self._page.close()
        self._thread.join(START_SECONDS)

    def __enter__(self) -> LocalSlack:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._page.open(self._loop)
        self._started.set()
        yield

    def _cut(self, client: tuple[str, int]) -> None:
        for connection in list(self._server.server_state.connections):
            if getattr(connection, "client", None) == client:
                connection.transport.abort()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def api_url(self) -> str:
        return f"{self.url}api/"

    @property
    def connections(self) -> int:
        return len(self._sockets)

    # --------------------------------------------------------------------------------- people act

    async def _deliver(self, kind: str, payload: Json, retry: int) -> Delivered:
        self._newest = kind, payload
        if self.request_url is not None:
            return await post_signed(self.request_url, self.signing_secret, kind, payload, self.ack_seconds, retry)
        return await self._sockets.send(envelope(kind, payload, retry), self.ack_seconds)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None, "start the server first"  # noqa: S101 - a mistake of the caller's program
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def type_command(self, user: str, channel: str, text: str) -> Delivered:
        """Type ``/name …``. Raises ``NotPossible`` for what is no command or a channel ``user`` is not in."""
        return self._run(self._gestures.type_command(user, channel, text))

    def click(
        self, user: str, channel: str, ts: str, action_id: str, block_id: str | None = None, value: str | None = None
    ) -> Delivered:
        """Click a button or pick the option ``value`` of a menu; a ``confirm`` counts as confirmed."""
        return self._run(self._gestures.click(user, channel, ts, action_id, block_id, value))

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Delivered:
        """Post an ordinary message; ``<@BOT_USER>`` in it sends the app an ``app_mention``."""
        return self._run(self._gestures.say(user, channel, text, thread_ts))

    def mention(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Delivered:
        """``say`` with the bot's mention in front."""
        return self.say(user, channel, f"<@{workspace.BOT_USER}> {text}", thread_ts)

    def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Delivered:
        return self._run(self._gestures.message_shortcut(user, channel, ts, callback_id))

    def open_home(self, user: str) -> Delivered:
        return self._run(self._gestures.open_home(user))

    def click_view(
        self, user: str, view_id: str, action_id: str, block_id: str | None = None, value: str | None = None
    ) -> Delivered:
        return self._run(self._gestures.click_view(user, view_id, action_id, block_id, value))

    def submit_view(self, user: str, view_id: str, values: Mapping[str, Any] | None = None) -> Delivered:
        """Submit an open modal; ``values`` are by ``action_id``."""
        return self._run(self._gestures.submit_view(user, view_id, values))

    def close_view(self, user: str, view_id: str) -> Delivered:
        return self._run(self._gestures.close_view(user, view_id))

    # --------------------------------------------------------------------------------- tests look

    def messages(self, channel: str = workspace.SOC) -> list[Json]:
        """Every message of a channel, replies included, in the order they were posted."""
        with self._space.changed:
            return list(snapshot(self._space.channel(channel).messages))

    def thread(self, channel: str, ts: str) -> list[Json]:
        """A message and its replies."""
        return [message for message in self.messages(channel) if ts in (message["ts"], message.get("thread_ts"))]

    def ephemeral(self, user: str) -> list[Json]:
        """What only ``user`` sees."""
        with self._space.changed:
            return [snapshot(message) for message in self._space.ephemeral if message["to"] == user]

    def notices(self, user: str) -> list[str]:
        """What Slack itself told ``user``, e.g. that the app did not respond."""
        with self._space.changed:
            return [notice["text"] for notice in self._space.notices if notice["to"] == user]

    def open_views(self, user: str) -> list[Json]:
        """The modals open for ``user``, the topmost last."""
        with self._space.changed:
            return [snapshot(self._space.views[view_id]) for view_id in self._space.modals.get(user, [])]

    def file(self, file_id: str) -> bytes:
        """What an uploaded file holds. Raises ``KeyError`` if there is none."""
        with self._space.changed:
            return self._space.uploads[file_id].content or b""

    def conversations(self, user: str) -> list[Json]:
        """The channels and direct messages that ``user`` is in, in the order they were made."""
        with self._space.changed:
            return [channel.as_json() for channel in self._space.channels.values() if user in channel.members]

    def home(self, user: str) -> Json | None:
        """The Home tab published for ``user``."""
        with self._space.changed:
            return snapshot(self._space.homes.get(user))  # type: ignore[no-any-return]

    def calls(self, method: str | None = None) -> list[ApiCall]:
        """The Web API calls so far."""
        return self._api.called(method)

    def asked_to_show(self) -> list[Json]:
        """Every message and view the app has sent so far, by whatever way and whether it was taken or not."""
        with self._space.changed:
            return [snapshot(shape) for shape in self._space.asked_to_show]

    @property
    def groups(self) -> dict[str, list[str]]:
        """The user groups, each with its members: to be changed as an administrator of Slack would."""
        return self._space.groups

    def wait_until(self, condition: Callable[[], T | None], seconds: float = 10.0) -> T:
        """The first true answer of ``condition``, asked again at every change. Raises ``TimeoutError``."""
        until = time.monotonic() + seconds
        with self._space.changed:
            while not (answer := condition()):
                if not self._space.changed.wait(until - time.monotonic()):
                    raise TimeoutError("the local Slack did not come to what was waited for")
        return answer

    # -------------------------------------------------------------------------------- the demo's hooks

    def fail_next(self, method: str, *faults: Next) -> None:
        """Answer the next calls of ``method`` with these faults, one each."""
        self._faults.add(method, *faults)

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Close the Socket Mode connections as Slack does; a client comes back by itself."""
        self._run(self._sockets.disconnect(reason))

    def deliver_again(self) -> Delivered:
        """Send the newest event or interaction once more, as Slack does where an acknowledgement was lost."""
        kind, payload = self._newest
        return self._run(self._deliver(kind, payload, 1))

    def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or bring it back, as an administrator does."""
        with self._space.changed:
            self._space.channel(channel).archived = archived

    def invite_bot(self, channel: str) -> None:
        with self._space.changed:
            self._space.channel(channel).members.add(workspace.BOT_USER)

    def remove_bot(self, channel: str) -> None:
        with self._space.changed:
            self._space.channel(channel).members.discard(workspace.BOT_USER)

    def cut_off(self) -> None:
        """Drop the Socket Mode connections without a word, as a broken network does."""

        async def cut() -> None:
            for client in self._sockets.clients:
                self._cut(client)

        self._run(cut())

    def narrate(self, text: str) -> None:
        """Add a line to the story beside the channel."""
        self._story.narrate(text)

    def offer(self, label: str, act: Callable[[], str]) -> None:
        """Put a button beside the channel; ``act()`` runs on a thread and what it returns is narrated."""
        self._story.offer(label, act)

    def withdraw(self, label: str) -> None:
        """Take a button away."""
        self._story.withdraw(label)
