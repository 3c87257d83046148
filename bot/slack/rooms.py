"""Private channels for declared incidents: made, filled with people, linked with the card.

Making one is no call that may be made twice. So its name is chosen when it is asked for, and where an answer was lost
the channel of that name is looked for. https://docs.slack.dev/reference/methods/conversations.create/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import custody
from bot.database import Database
from bot.model import Case
from bot.slack.client import FAULTS
from bot.slack.whom import Whom
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.store.state import State
from bot.telling import CARD, ROOM, Telling, slot_of
from bot.workers import Commit, Handler

PAGE, PAGES = 200, 25
THERE = frozenset({"already_in_channel", "cant_invite_self"})
NOT_ALLOWED = "this workspace does not let the app open channels: an administrator can allow it"
REFUSALS = {
    "missing_scope": "the app lacks groups:write or groups:read: install it again with deploy/slack-manifest.yaml",
    "restricted_action": NOT_ALLOWED,
    "no_permission": NOT_ALLOWED,
    "user_is_restricted": NOT_ALLOWED,
}
"""What Slack says no to for good, and what helps."""
OWNER_LEFT_OUT = "they own the key, and whoever holds it may read along"

log = structlog.get_logger()


class Rooms:
    """The job behind “Declare incident…” with a private channel."""

    def __init__(self, state: State, client: WebClient, telling: Telling, whom: Whom) -> None:
        self._state = state
        self._client = client
        self._telling = telling
        self._whom = whom

    def handlers(self) -> dict[str, Handler]:
        """The job of the pool ``ask``."""
        return {ROOM: self.open}

    def open(self, job: Job) -> Commit:
        """Open the channel that was asked for; where Slack refuses, say so in the case's thread."""
        number, asked_by = job.payload["case"], job.payload["by"]
        case = self._telling.load(self._state.read(), number)
        try:
            channel = self._made(job.payload["name"])
            left_out = self._invited(case, channel, job.payload["invited"], with_owner=job.payload["with_owner"])
            link = self._card(case)
        except FAULTS as error:
            why = _why(error)
            if why is None and job.attempts < jobs.ATTEMPTS:
                raise
            log.warning("a private channel could not be opened", case=number, why=_code(error))
            told = f"{asked_by} asked for a private channel, and Slack opens none: {why or _code(error)}."
            return lambda db: self._telling.room_refused(db, number, told)

        def commit(db: Database) -> None:
            custody.give_room(db, number, channel)
            self._telling.room_opened(db, number, channel, link, left_out)

        return commit

    def _made(self, name: str) -> str:
        try:
            return _id(self._client.conversations_create(name=name, is_private=True).get("channel"))
        except SlackApiError as error:
            if _code(error) != "name_taken":
                raise
        found = self._named(name)
        if found is None:
            raise LookupError(name)
        return found

    def _named(self, name: str) -> str | None:
        """The channel that an earlier attempt made; the app sees those it is in."""
        cursor = ""
        for _ in range(PAGES):
            page = self._client.conversations_list(
                types="private_channel", exclude_archived=True, cursor=cursor, limit=PAGE
            )
            for channel in page.get("channels") or []:
                if channel.get("name") == name:
                    return _id(channel)
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None
        return None

    def _invited(self, case: Case, channel: str, people: Sequence[str], *, with_owner: bool) -> list[str]:
        """Invite each by themselves, so that one who cannot come keeps nobody out; who was left out, and why."""
        owner = "" if with_owner else self._whom.owner(case).user
        left_out = []
        for person in people:
            why = OWNER_LEFT_OUT if person == owner else self._invite(channel, person)
            if why:
                left_out.append(f"{person}: {why}")
        return left_out

    def _invite(self, channel: str, person: str) -> str | None:
        try:
            self._client.conversations_invite(channel=channel, users=person)
        except SlackApiError as error:
            code = _code(error)
            if code in THERE:
                return None
            if error.response.status_code != 200 or code in REFUSALS:
                raise
            return code
        return None

    def _card(self, case: Case) -> str:
        """The address of the card; empty where there is none yet, or Slack does not say."""
        posted = outbox.posted(self._state.read(), slot_of(case, CARD))
        if posted is None:
            return ""
        try:
            answer = self._client.chat_getPermalink(channel=posted.channel, message_ts=posted.ts)
        except SlackApiError:
            return ""
        return str(answer.get("permalink") or "")


def _why(error: BaseException) -> str | None:
    return REFUSALS.get(_code(error))


def _code(error: BaseException) -> str:
    said = error.response.get("error") if isinstance(error, SlackApiError) else None
    return str(said or type(error).__name__)


def _id(channel: Any) -> str:
    return str(channel["id"])
