"""What the bot asks of the web: the one place that imports ``httpx``.

An ``Outbound`` asks the origins it was built with and no other, follows no redirect out of them, reads no more than it
was told to, and gives up after a while. Proxies and certificates are those of the environment (``HTTPS_PROXY``,
``NO_PROXY``, ``SSL_CERT_FILE``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

AGENT = "triage-bot"
MOST_REDIRECTS = 3


class Unfetched(Exception):
    """Nothing usable came back; the text says from whom and why, for people."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of any status. ``headers`` have lower-case names; ``body`` is without its content encoding."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def origin_of(url: str) -> str:
    """``scheme://host[:port]`` of ``url``, in lower case. Raises ``ValueError`` if it has none, or holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError(f"{url!r} is no https address")
    return f"{parts.scheme}://{parts.netloc.lower()}"


class Outbound:
    """GET from, and POST to, ``origins`` (such as ``https://api.example.com``): answers of at most ``most_bytes``
    within about ``seconds``.

    Safe to use from several threads. Looking up a host's name is the system's, and not counted in ``seconds``.
    """

    def __init__(self, origins: Iterable[str], *, seconds: float, most_bytes: int) -> None:
        self._origins = frozenset(origin_of(origin) for origin in origins)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._opened: httpx.Client | None = None

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Page:
        """The answer to a GET, whatever its status. Raises :class:`Unfetched`."""
        until = time.monotonic() + self._seconds
        for _ in range(MOST_REDIRECTS + 1):
            self._allow(url)
            page = self._answer(url, headers or {}, until)
            if page.status not in {301, 302, 303, 307, 308} or "location" not in page.headers:
                return page
            url = _joined(url, page.headers["location"])
        raise Unfetched(f"{_host(url)} redirects again and again")

    def post(self, url: str, body: str, headers: Mapping[str, str] | None = None) -> Page:
        """The answer to a POST, whatever its status; a redirect is an answer, too. Raises :class:`Unfetched`."""
        self._allow(url)
        return self._answer(url, headers or {}, time.monotonic() + self._seconds, "POST", body.encode())

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()

    def _client(self) -> httpx.Client:
        """Opened at the first question: reading the certificates takes longer than most of them."""
        with self._lock:
            if self._opened is None:
                limit = httpx.Timeout(self._seconds)
                self._opened = httpx.Client(headers={"user-agent": AGENT}, timeout=limit, follow_redirects=False)
            return self._opened

    def _allow(self, url: str) -> None:
        try:
            allowed = origin_of(url) in self._origins
        except ValueError:
            allowed = False
        if not allowed:
            raise Unfetched(f"{_host(url)} is not a host this bot asks; nothing was sent there")

    def _answer(
        self, url: str, headers: Mapping[str, str], until: float, method: str = "GET", content: bytes | None = None
    ) -> Page:
        try:
            with self._client().stream(method, url, headers=dict(headers), content=content) as response:
                return Page(response.status_code, dict(response.headers), self._body(response, url, until))
        except httpx.TimeoutException:
            raise Unfetched(self._too_slow(url)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unfetched(f"{_host(url)} could not be reached or broke off ({type(error).__name__})") from None

    def _body(self, response: httpx.Response, url: str, until: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._most_bytes:
                raise Unfetched(f"{_host(url)} sent more than {self._most_bytes:,} bytes")
            if time.monotonic() > until:
                raise Unfetched(self._too_slow(url))
        return bytes(body)

    def _too_slow(self, url: str) -> str:
        return f"{_host(url)} did not answer within {self._seconds:g} seconds"


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except (httpx.InvalidURL, UnicodeError):
        return ""


def _host(url: str) -> str:
    """Who was asked, without the path: addresses and keys stand there."""
    try:
        return urlsplit(url).hostname or "an address without a host"
    except ValueError:
        return "an address without a host"
