"""Sends what the outbox holds, so that Slack shows each message once and in its newest form.

Nothing is dropped: what Slack cannot take now is tried again later, and what was cut off half-way is looked for in
the channel before it is posted a second time. Only a closed modal and a used-up answer address are given up.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient
from structlog.contextvars import bound_contextvars

from bot import counts
from bot.database import Database
from bot.measures import times_of
from bot.slack import troubles
from bot.slack.client import FAULTS, TIMEOUT_SECONDS, logger
from bot.slack.elements import flattened
from bot.store import outbox
from bot.store.concerning import case_of_slot
from bot.store.outbox import FILE, Outgoing, Posted
from bot.store.state import State

PACE = timedelta(seconds=1)
"""Slack takes about one message a second and channel. https://docs.slack.dev/apis/web-api/rate-limits/"""

EDITS = 3
"""A message is edited once in so many paces: somebody is reading it."""

LONGEST_WAIT = timedelta(minutes=5)
LONGEST_RETRY_AFTER = 3600.0
UNCERTAIN = frozenset({"HTTP 200", "ratelimited", "internal_error", "fatal_error", "service_unavailable"})
"""What Slack (or a proxy before it) says when it may think otherwise in a moment."""

VIEW_ATTEMPTS = 6
"""A modal may still be opening when its first change is sent; later than this it was closed."""

PAGES, PAGE = 5, 200
"""How far back a message of a lost answer is looked for."""

EVENT = "triage_slot"
MESSAGES = frozenset({"message", "reply"})
FILE_ATTEMPTS = 6
"""A picture that Slack does not take in these is not worth more: its words stand in the thread."""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
MALFORMED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_attachments"}
)
REFUSED = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "not_in_channel",
        "missing_scope",
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "restricted_action",
        "no_permission",
        "ekm_access_denied",
        "team_access_not_granted",
        "no_text",
        "rate_limited",
        "ratelimited",
        "message_limit_exceeded",
        *MALFORMED,
        *GONE,
    }
)
"""Slack said no: the message is certainly not there. Any other failure leaves that open."""

_WORD = re.compile(r"[A-Za-z0-9_ ]{1,40}")

Clock = Callable[[], datetime]

log = structlog.get_logger()


class Sender:
    """Sends one row at a time; several threads may share one. ``fallback`` is the channel that hears of a channel
    which takes nothing."""

    def __init__(
        self, state: State, client: WebClient, clock: Clock, pace: timedelta = PACE, fallback: str = ""
    ) -> None:
        self._state = state
        self._client = client
        self._clock = clock
        self._pace = pace
        self._fallback = fallback
        self._free: dict[str, datetime] = {}

    def send_next(self, *, personal: bool = False) -> bool:
        """Send the next row that is due; False if there is none. ``personal``: only what one person waits for."""
        if not outbox.waiting(self._state.read(), self._clock(), **self._asked(personal)):
            return False
        outgoing = self._state.write(lambda db: self._claim(db, personal))
        if outgoing is None:
            return False
        self._send(outgoing)
        return True

    def _claim(self, db: Database, personal: bool) -> Outgoing | None:
        """The next row, with the turn of its lane; on the one writing thread, so that nobody takes it as well."""
        now = self._clock()
        outgoing = outbox.claim(db, now, **self._asked(personal))
        if outgoing is not None and outgoing.kind in MESSAGES:
            resting = {lane: free for lane, free in self._free.items() if free > now}
            self._free = {**resting, outgoing.lane: now + self._pace}
        return outgoing

    def _asked(self, personal: bool) -> dict[str, Any]:
        now = self._clock()
        resting = {lane for lane, free in self._free.items() if free > now}
        return {"resting": resting, "edits": EDITS * self._pace, "personal": personal}

    def _send(self, outgoing: Outgoing) -> None:
        case = case_of_slot(outgoing.slot, outgoing.payload.get("under"))
        with bound_contextvars(**({} if case is None else {"case": case})):
            self._try(outgoing)

    def _try(self, outgoing: Outgoing) -> None:
        send = (
            self._message
            if outgoing.kind in MESSAGES
            else {"respond": self._respond, "view": self._view, "home": self._home, FILE: self._files}[outgoing.kind]
        )
        try:
            posted = send(outgoing)
        except SlackApiError as error:
            self._failed(outgoing, error)
        except _Later as error:
            self._postpone(outgoing, str(error), maybe_sent=True, seconds=error.seconds)
        except _GivenUp as error:
            self._give_up(outgoing, str(error))
        except FAULTS as error:
            self._postpone(outgoing, type(error).__name__, maybe_sent=True)
        else:
            self._state.write(lambda db: self._sent(db, outgoing, posted))

    def _sent(self, db: Database, outgoing: Outgoing, posted: Posted | None) -> None:
        self._count(db, outgoing.slot)
        outbox.sent(db, outgoing, self._clock(), at=posted)
        if outgoing.kind in MESSAGES:
            troubles.relieve(db, outgoing.lane, self._clock())

    def _count(self, db: Database, slot: str | None) -> None:
        """Note how long the first card of a case took. What is sent is sent, whether or not that can be told."""
        case = case_of_slot(slot)
        if case is not None and slot == f"case:{case}:card" and not outbox.posted(db, slot):
            with suppress(LookupError):
                counts.CARDS.add((self._clock() - times_of(db, case).began).total_seconds())

    # ------------------------------------------------------------------------------------------ messages

    def _message(self, outgoing: Outgoing) -> Posted:
        try:
            return self._place(outgoing, outgoing.payload["message"])
        except SlackApiError as error:
            if _code(error) not in MALFORMED:
                raise
            log.warning("Slack refused a layout; sending the words alone", slot=outgoing.slot, why=_code(error))
            return self._place(outgoing, {"text": flattened(outgoing.payload["message"].get("blocks", []))})

    def _place(self, outgoing: Outgoing, message: Mapping[str, Any]) -> Posted:
        """Update the slot's message where there is one, else post it."""
        known = outbox.posted(self._state.read(), outgoing.slot or "")
        if known is None and outgoing.interrupted:
            known = self._look_for(outgoing)
        if known is None:
            return self._post(outgoing, message)
        try:
            self._client.chat_update(
                channel=known.channel, ts=known.ts, parse="none", metadata=_metadata(outgoing), **_content(message)
            )
        except SlackApiError as error:
            if _code(error) not in GONE:
                raise
            return self._post(outgoing, message)
        return known

    def _post(self, outgoing: Outgoing, message: Mapping[str, Any]) -> Posted:
        try:
            return self._post_under(self._thread(outgoing), outgoing, message)
        except SlackApiError as error:
            if _code(error) != "thread_not_found":
                raise
            return self._post_under(None, outgoing, message)

    def _post_under(self, thread: str | None, outgoing: Outgoing, message: Mapping[str, Any]) -> Posted:
        answer = self._client.chat_postMessage(
            channel=outgoing.payload["channel"],
            thread_ts=thread,
            reply_broadcast=bool(thread and outgoing.payload.get("loud")) or None,
            metadata=_metadata(outgoing),
            parse="none",
            unfurl_links=False,
            unfurl_media=False,
            **_content(message),
        )
        return Posted(str(answer.get("channel") or outgoing.payload["channel"]), str(answer["ts"]))

    def _thread(self, outgoing: Outgoing) -> str | None:
        under = outgoing.payload.get("under")
        parent = outbox.posted(self._state.read(), under) if under else None
        return parent.ts if parent else None

    def _look_for(self, outgoing: Outgoing) -> Posted | None:
        """The message of an attempt whose answer was lost, if Slack has it."""
        channel, cursor = outgoing.payload["channel"], ""
        for _ in range(PAGES):
            try:
                found = self._page(channel, self._thread(outgoing), cursor)
            except SlackApiError as error:
                if _code(error) not in {"missing_scope", "thread_not_found"}:
                    raise
                log.warning("cannot look for an earlier attempt; a message may appear twice", slot=outgoing.slot)
                return None
            for message in found.get("messages") or []:
                if _slot(message) == outgoing.slot:
                    return Posted(channel, str(message["ts"]))
            cursor = (found.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return None

    def _page(self, channel: str, thread: str | None, cursor: str) -> SlackResponse:
        if thread:
            return self._client.conversations_replies(
                channel=channel, ts=thread, cursor=cursor, limit=PAGE, include_all_metadata=True
            )
        return self._client.conversations_history(channel=channel, cursor=cursor, limit=PAGE, include_all_metadata=True)

    # -------------------------------------------------------------------------------------------- files

    def _files(self, outgoing: Outgoing) -> None:
        """Put files into their thread: https://docs.slack.dev/messaging/working-with-files/#upload"""
        channel, thread, files = outgoing.payload["channel"], self._thread(outgoing), outgoing.payload["files"]
        if thread is None or outgoing.attempts > FILE_ATTEMPTS:
            raise _GivenUp(f"not taken in {FILE_ATTEMPTS} attempts" if thread else "its thread is not there")
        try:
            if outgoing.interrupted and self._has_file(channel, thread, files[0]["filename"]):
                return
            self._client.files_upload_v2(
                channel=channel,
                thread_ts=thread,
                file_uploads=[{**file, "content": base64.b64decode(file["content"])} for file in files],
            )
        except SlackApiError as error:
            if error.response.status_code == 200 and _code(error) not in UNCERTAIN:
                raise _GivenUp(_code(error)) from error
            raise

    def _has_file(self, channel: str, thread: str, name: str) -> bool:
        found = self._page(channel, thread, "").get("messages") or []
        return any(file.get("name") == name for message in found for file in message.get("files") or [])

    # ------------------------------------------------------------------------------- answers and modals

    def _respond(self, outgoing: Outgoing) -> None:
        client = WebhookClient(
            outgoing.payload["response_url"], timeout=TIMEOUT_SECONDS, retry_handlers=[], logger=logger
        )
        client.proxy = None
        said = {"response_type": "ephemeral", "replace_original": False, **outgoing.payload["message"]}
        answer = client.send_dict(said)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Later(_retry_after(answer.headers), f"HTTP {answer.status_code}")
        if answer.status_code != 200:
            raise _GivenUp(f"HTTP {answer.status_code}")

    def _view(self, outgoing: Outgoing) -> None:
        external_id = outgoing.payload["external_id"]
        try:
            # Slack forgets the id of a view that is updated without it.
            self._client.views_update(
                external_id=external_id, view={**outgoing.payload["view"], "external_id": external_id}
            )
        except SlackApiError as error:
            code = _code(error)
            if code in {"not_found", "view_not_found"} and outgoing.attempts < VIEW_ATTEMPTS:
                raise _Later(1.0, code) from error
            if error.response.status_code == 200 and code not in UNCERTAIN:
                raise _GivenUp(code) from error
            raise

    def _home(self, outgoing: Outgoing) -> None:
        try:
            self._client.views_publish(user_id=outgoing.payload["user"], view=outgoing.payload["view"])
        except SlackApiError as error:
            if error.response.status_code == 200 and _code(error) not in UNCERTAIN | {"ratelimited"}:
                raise _GivenUp(_code(error)) from error
            raise

    # ------------------------------------------------------------------------------------------ failures

    def _failed(self, outgoing: Outgoing, error: SlackApiError) -> None:
        code, response = _code(error), error.response
        if response.status_code == 429 or code in {"ratelimited", "rate_limited"}:
            self._postpone(outgoing, code, maybe_sent=outgoing.interrupted, seconds=_retry_after(response.headers))
            return
        refused = response.status_code == 200 and code in REFUSED
        if refused:
            log.error("Slack refuses a message; it is kept and tried again", slot=outgoing.slot, why=code)
        self._postpone(outgoing, code, maybe_sent=outgoing.interrupted if refused else True)

    def _postpone(self, outgoing: Outgoing, why: str, *, maybe_sent: bool, seconds: float | None = None) -> None:
        wait = min(timedelta(seconds=2.0 ** min(outgoing.attempts, 10)), LONGEST_WAIT)
        until = self._clock() + (wait if seconds is None else timedelta(seconds=seconds))

        counts.SLACK_FAILURES.add(why if _WORD.fullmatch(why) else "other")

        def commit(db: Database) -> None:
            outbox.postpone(db, outgoing, until, why, maybe_sent=maybe_sent)
            troubles.tell(db, outgoing.lane, self._fallback, self._clock())

        self._state.write(commit)

    def _give_up(self, outgoing: Outgoing, why: str) -> None:
        log.warning("Slack takes an answer no more", kind=outgoing.kind, why=why)
        self._state.write(lambda db: outbox.give_up(db, outgoing, why, self._clock()))


class _GivenUp(Exception):
    """Slack will never take it."""


class _Later(Exception):
    """Slack will take it in so many seconds."""

    def __init__(self, seconds: float, why: str) -> None:
        self.seconds = seconds
        super().__init__(why)


def _content(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": message["text"], "blocks": message.get("blocks") or []}


def _metadata(outgoing: Outgoing) -> dict[str, Any]:
    return {"event_type": EVENT, "event_payload": {"slot": outgoing.slot}}


def _slot(message: Mapping[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT:
        return None
    slot = (metadata.get("event_payload") or {}).get("slot")
    return slot if isinstance(slot, str) else None


def _code(error: SlackApiError) -> str:
    """Slack's word for what went wrong; for a page of somebody else's (a proxy, an outage), its status."""
    response = error.response
    said = response.get("error") if isinstance(response.data, Mapping) else None
    named = isinstance(said, str) and said.replace("_", "").isalnum()
    return said if named and isinstance(said, str) else f"HTTP {response.status_code}"


def _retry_after(headers: Mapping[str, Any]) -> float:
    """Seconds to wait: whole or broken, 30 where Slack (or a proxy) says nothing readable."""
    said = {name.lower(): value for name, value in headers.items()}.get("retry-after")
    try:
        seconds = float(said[0] if isinstance(said, list) else said or "")
    except (TypeError, ValueError, IndexError):
        return 30.0
    return 30.0 if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
