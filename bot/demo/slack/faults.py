"""Faults of the Web API on demand: the next calls of a method are answered as a test says."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.demo.slack.workspace import Json


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer in place of Slack's own.

    With ``processed`` the call takes effect first and its answer is lost; with ``hang_up`` there is no answer at all,
    the connection is cut; with ``silent`` there is none and the connection stays, until the client has had enough.
    """

    status: int = 200
    body: Json | str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    processed: bool = False
    hang_up: bool = False
    silent: bool = False


RATE_LIMITED = Fault(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"})
SERVER_ERROR = Fault(500, "<html><body>Server Error</body></html>", {"Content-Type": "text/html"})
LOST_ANSWER = Fault(processed=True, hang_up=True)

Next = Fault | Callable[[Json], Fault | None]
"""A fault, or what decides on one from a call's arguments (it runs inside the server and must not call back)."""


class Faults:
    """Queues of faults by method; each is used once, in order."""

    def __init__(self) -> None:
        self._queued: dict[str, deque[Next]] = defaultdict(deque)

    def add(self, method: str, *faults: Next) -> None:
        self._queued[method].extend(faults)

    def take(self, method: str, args: Json) -> Fault | None:
        """The fault of this call, if there is one."""
        if not self._queued[method]:
            return None
        following = self._queued[method].popleft()
        return following if isinstance(following, Fault) else following(args)
