"""The state of the local workspace: people, channels, messages, views, and what may still be exchanged or answered.

Everything lives in memory. Callers hold ``Workspace.changed`` (a condition) while they read or change it.
"""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
TEAM_ID = "T0LOCAL001"
TEAM_NAME = "Local stand-in"
TEAM_DOMAIN = "local-stand-in"
APP_ID = "A0TRIAGE01"
BOT_ID = "B0TRIAGE01"
BOT_USER = "U0TRIAGE01"
ANALYST = "U0ANALYST1"
SECOND_ANALYST = "U0ANALYST2"
THIRD_ANALYST = "U0ANALYST3"
GUEST = "U0GUEST001"
STRANGER = "U0STRANGER"
FORMER = "U0FORMER01"
KEY_OWNER = "U0KEYOWNER"
SOC = "C0SOC00001"
OTHER_CHANNEL = "C0NOBOT001"
SOC_GROUP = "S0SOC00001"


class SlackError(Exception):
    """An answer ``{"ok": false, "error": code}``; ``more`` is merged into it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True, slots=True)
class Person:
    """A member as ``users.info`` shows one."""

    id: str
    name: str
    real_name: str
    team_id: str = TEAM_ID
    guest: bool = False
    stranger: bool = False
    bot: bool = False
    deleted: bool = False
    email: str = ""

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "tz": "Etc/UTC",
            "tz_label": "UTC",
            "tz_offset": 0,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.guest,
            "is_ultra_restricted": self.guest,
            "is_stranger": self.stranger,
            "is_bot": self.bot,
            "is_app_user": False,
            "updated": 0,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "team": self.team_id,
                **({"email": self.email} if self.email else {}),
            },
        }


PEOPLE = (
    Person(ANALYST, "sam", "Sam Rivera"),
    Person(SECOND_ANALYST, "noor", "Noor Haddad"),
    Person(THIRD_ANALYST, "ines", "Ines Duarte"),
    Person(GUEST, "pat-guest", "Pat Ellis (guest)", guest=True),
    Person(STRANGER, "kim-partner", "Kim Ode (other company)", team_id="T0PARTNER1", stranger=True),
    Person(FORMER, "lee", "Lee Former", deleted=True),
    Person(KEY_OWNER, "robin", "Robin Okafor (works with the key)", email="robin@parcelhub.example"),
    Person(BOT_USER, "triage", "Triage", bot=True),
)


@dataclass(slots=True)
class Channel:
    """A conversation; ``messages`` are in the order of their ``ts``."""

    id: str
    name: str
    members: set[str]
    messages: list[Json] = field(default_factory=list)
    archived: bool = False
    private: bool = False
    direct: bool = False
    """Between the app and one person."""

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.direct and not self.private,
            "is_group": self.private,
            "is_im": self.direct,
            "is_mpim": False,
            "is_private": self.private or self.direct,
            "is_archived": self.archived,
            "is_general": False,
            "is_shared": False,
            "is_ext_shared": False,
            "is_member": BOT_USER in self.members,
            "created": 0,
            "creator": ANALYST,
            "num_members": len(self.members),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass(slots=True)
class Trigger:
    user: str
    expires: float
    exchanged: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Where an interaction may be answered, and what it would replace: a message ``ts`` or an ephemeral one."""

    user: str
    channel: str
    expires: float
    message_ts: str | None = None
    ephemeral: bool = False
    thread_ts: str | None = None
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    name: str
    length: int
    content: bytes | None = None
    alt: str = ""


class Workspace:
    """One team with its SOC channel. ``clock`` gives Unix seconds; tests may move it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())
        self.revision = 0
        self.listeners: list[Callable[[], None]] = []
        self.people = {person.id: person for person in PEOPLE}
        self.groups = {SOC_GROUP: [ANALYST, SECOND_ANALYST]}
        self.channels = {
            SOC: Channel(SOC, "soc", {ANALYST, SECOND_ANALYST, THIRD_ANALYST, GUEST, STRANGER, BOT_USER}),
            OTHER_CHANNEL: Channel(OTHER_CHANNEL, "payroll", {ANALYST}),
        }
        self.ephemeral: list[Json] = []
        self.notices: list[Json] = []
        self.views: dict[str, Json] = {}
        self.modals: dict[str, list[str]] = {}
        self.homes: dict[str, Json] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.uploads: dict[str, Upload] = {}
        self.asked_to_show: list[Json] = []
        self._last_ts = 0

    def touch(self) -> None:
        """Say that something changed; the page and whoever waits look again."""
        with self.changed:
            self.revision += 1
            self.changed.notify_all()
        for listener in self.listeners:
            listener()

    # ------------------------------------------------------------------------------------------ names

    def next_ts(self) -> str:
        """A message's identity: Unix seconds with six decimals, never the same twice."""
        self._last_ts = max(self._last_ts + 1, int(self.clock() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    @staticmethod
    def new_id(prefix: str) -> str:
        return prefix + secrets.token_hex(5).upper()

    # ------------------------------------------------------------------------------- people and channels

    def person(self, user: str) -> Person:
        """Raises ``user_not_found``."""
        if user not in self.people:
            raise SlackError("user_not_found")
        return self.people[user]

    def channel(self, name: str) -> Channel:
        """By id or ``#name``. Raises ``channel_not_found``."""
        wanted = name.removeprefix("#")
        for channel in self.channels.values():
            if name == channel.id or wanted == channel.name:
                return channel
        raise SlackError("channel_not_found")

    def joined(self, name: str) -> Channel:
        """The same, for what needs the bot to be a member. Raises ``not_in_channel``."""
        channel = self.channel(name)
        if BOT_USER not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    # ------------------------------------------------------------------------------------------ messages

    def message(self, channel: Channel, ts: str) -> Json:
        """Raises ``message_not_found``."""
        for message in channel.messages:
            if message["ts"] == ts:
                return message
        raise SlackError("message_not_found")

    def add_message(self, channel: Channel, user: str, body: Json, thread_ts: str | None = None) -> Json:
        """Put a message in a channel and keep the counts of its thread."""
        message: Json = {"type": "message", "user": user, "ts": self.next_ts(), "team": TEAM_ID, **body}
        if user == BOT_USER:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": bot_profile()}
        if thread_ts is not None:
            parent = self.message(channel, thread_ts)
            parent.setdefault("thread_ts", thread_ts)
            parent["reply_count"] = parent.get("reply_count", 0) + 1
            parent["latest_reply"] = message["ts"]
            message |= {"thread_ts": thread_ts, "parent_user_id": parent["user"]}
        channel.messages.append(message)
        self.touch()
        return message

    def add_ephemeral(self, channel: str, user: str, body: Json, thread_ts: str | None = None) -> Json:
        """Show something to one person only; it is in no history."""
        message: Json = {"type": "message", "user": BOT_USER, "ts": self.next_ts(), **body}
        message |= {"channel": channel, "to": user, "is_ephemeral": True}
        if thread_ts is not None:
            message["thread_ts"] = thread_ts
        self.ephemeral.append(message)
        self.touch()
        return message

    def delete(self, channel: Channel, ts: str) -> None:
        channel.messages.remove(self.message(channel, ts))
        self.touch()

    def notice(self, user: str, text: str, *, channel: str = SOC, thread_ts: str | None = None) -> None:
        """What Slack itself tells one person, e.g. that an app did not respond."""
        note: Json = {"ts": self.next_ts(), "channel": channel, "to": user, "text": text}
        if thread_ts is not None:
            note["thread_ts"] = thread_ts
        self.notices.append(note)
        self.touch()

    # ------------------------------------------------------------------------- what may be exchanged once

    def new_trigger(self, user: str) -> str:
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, self.clock() + TRIGGER_SECONDS)
        return trigger_id

    def exchange_trigger(self, trigger_id: str) -> str:
        """The user behind a trigger. Raises ``invalid_…``, ``exchanged_…`` or ``expired_trigger_id``."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.exchanged:
            raise SlackError("exchanged_trigger_id")
        if self.clock() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.exchanged = True
        return trigger.user

    def new_response_url(
        self, user: str, channel: str, message: Json | None = None, *, thread_ts: str | None = None
    ) -> str:
        """The path of a new response URL; it replaces ``message`` where the app asks for that."""
        token = f"{TEAM_ID}/{secrets.randbelow(10**12)}/{secrets.token_urlsafe(18)}"
        self.response_urls[token] = ResponseUrl(
            user,
            channel,
            self.clock() + RESPONSE_URL_SECONDS,
            message["ts"] if message else None,
            bool(message and message.get("is_ephemeral")),
            thread_ts or (message or {}).get("thread_ts"),
        )
        return f"/actions/{token}"

    def use_response_url(self, token: str) -> ResponseUrl:
        """Raises ``invalid_url``, ``expired_url`` or ``used_url``."""
        found = self.response_urls.get(token)
        if found is None:
            raise SlackError("invalid_url")
        if self.clock() > found.expires:
            raise SlackError("expired_url")
        if found.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        found.uses += 1
        return found


def bot_profile() -> Json:
    return {"id": BOT_ID, "app_id": APP_ID, "name": "Triage", "team_id": TEAM_ID, "deleted": False, "updated": 0}


def snapshot(value: Any) -> Any:
    """A copy nobody else changes."""
    return copy.deepcopy(value)


def with_ids(blocks: Sequence[Json], new_id: Callable[[str], str] = Workspace.new_id) -> list[Json]:
    """Blocks as Slack keeps them: every block has a ``block_id`` and every interactive element an ``action_id``."""
    kept = copy.deepcopy(list(blocks))
    for block in kept:
        block.setdefault("block_id", new_id("")[:5])
        for element in elements_of(block):
            if "action_id" not in element and element.get("type") in INTERACTIVE:
                element["action_id"] = new_id("")
    return kept


INTERACTIVE = frozenset(
    {
        "button",
        "overflow",
        "static_select",
        "users_select",
        "multi_users_select",
        "multi_static_select",
        "checkboxes",
        "radio_buttons",
        "plain_text_input",
        "datepicker",
        "number_input",
    }
)


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of a block, wherever its type keeps them."""
    if block.get("type") == "actions":
        return [element for element in block.get("elements", []) if isinstance(element, dict)]
    return [element for name in ("accessory", "element") if isinstance(element := block.get(name), dict)]
