"""GitHub's code search: ``bot.model.CodeSearch`` over ``bot.http``, with the user's own token.

Only what is searched for goes there, and of the answer only the place of a file is kept: not what stands in it, which
may be a secret. GitHub searches default branches, takes 10 searches a minute and 256 characters ("REST API endpoints
for search"); one search is not repeated within an hour. Nothing is raised: whatever keeps it from answering is an
``Unread`` with the reason.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from bot.http import Outbound, Page, Unfetched, origin_of
from bot.model import CodeFound, CodePlace, Unread

API = "https://api.github.com"
VERSION = "2022-11-28"
LONGEST_QUERY = 256
A_MINUTE = 10
MINUTE = 60.0
SECONDS = 4.0
MOST_BYTES = 1_000_000
MOST_PLACES = 10
LONGEST_PATH = 200
KEPT = timedelta(hours=1)
MOST_KEPT = 256

_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,64}/[A-Za-z0-9._-]{1,128}")
_LINK = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?/[!-~]{1,500}")
_REFUSED = {
    401: "GitHub does not take the token: put a valid one where [exposure] github_token says",
    403: "GitHub refused the search: the token may not search code",
    422: "GitHub did not take the query: it is malformed, or names what the token may not read",
}


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _Item(msgspec.Struct, frozen=True):
    path: str
    repository: _Repository
    html_url: str = ""


class _Answer(msgspec.Struct, frozen=True):
    total_count: int
    items: list[_Item]
    incomplete_results: bool = False


class GithubCodeSearch:
    """``bot.model.CodeSearch``. Safe from several threads; ``ticks`` is a clock that never goes back, in seconds."""

    def __init__(
        self,
        token: str,
        clock: Callable[[], datetime],
        base: str = API,
        *,
        seconds: float = SECONDS,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base.rstrip("/")
        self._headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {token}",
            "x-github-api-version": VERSION,
        }
        self._outbound = Outbound([origin_of(base)], seconds=seconds, most_bytes=MOST_BYTES)
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=A_MINUTE)
        self._kept: OrderedDict[str, CodeFound] = OrderedDict()

    def find(self, query: str) -> CodeFound | Unread:
        """The first places that have ``query``, and how many there are."""
        if not 0 < len(query) <= LONGEST_QUERY:
            return Unread(f"GitHub takes queries of 1 to {LONGEST_QUERY} characters")
        with self._lock:
            kept = self._kept.get(query)
            if kept is not None and self._clock() - kept.at < KEPT:
                return kept
            wait = self._wait()
            if wait > 0:
                return Unread(f"GitHub takes {A_MINUTE} searches a minute: ask again in {wait:.0f} seconds")
            self._sent.append(self._ticks())
        found = self._asked(query)
        if isinstance(found, CodeFound):
            self._keep(query, found)
        return found

    def _wait(self) -> float:
        """Seconds until another search may be sent."""
        return self._sent[0] + MINUTE - self._ticks() if len(self._sent) == A_MINUTE else 0.0

    def _asked(self, query: str) -> CodeFound | Unread:
        url = f"{self._base}/search/code?q={quote(query, safe='')}&per_page={MOST_PLACES}"
        try:
            page = self._outbound.get(url, self._headers)
        except Unfetched as error:
            return Unread(str(error))
        if page.status != 200:
            return Unread(_refusal(page))
        try:
            answer = msgspec.json.decode(page.body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return Unread("what GitHub answered is no result of a search")
        places = [place for item in answer.items[:MOST_PLACES] if (place := _place(item)) is not None]
        return CodeFound(self._clock(), answer.total_count, tuple(places), complete=not answer.incomplete_results)

    def _keep(self, query: str, found: CodeFound) -> None:
        with self._lock:
            self._kept[query] = found
            self._kept.move_to_end(query)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _refusal(page: Page) -> str:
    if page.status == 429 or (page.status == 403 and _used_up(page.headers)):
        after = page.headers.get("retry-after", "")
        when = f"in {after} seconds" if after.isascii() and after.isdigit() else "in a minute"
        return f"GitHub's limit of searches is used up: ask again {when}"
    return _REFUSED.get(page.status, f"GitHub answered with status {page.status}")


def _used_up(headers: Mapping[str, str]) -> bool:
    return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers


def _place(item: _Item) -> CodePlace | None:
    """Where a file is; whoever made the repository chose its names."""
    if not _REPOSITORY.fullmatch(item.repository.full_name):
        return None
    link = item.html_url if _LINK.fullmatch(item.html_url) else None
    return CodePlace(item.repository.full_name, item.path[:LONGEST_PATH], link)
