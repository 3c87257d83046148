"""Who somebody is in Slack: a full member, and of which user groups. What Slack did not confirm lately is a no.

https://docs.slack.dev/reference/methods/users.info/, https://docs.slack.dev/reference/methods/usergroups.users.list/
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from bot.plain import clean
from bot.slack.client import FAULTS

FRESH = timedelta(minutes=5)
"""For so long an answer of Slack's holds: somebody who left the group an hour ago approves nothing."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    """What Slack said of a person: why they may do nothing, or ``None``."""

    at: datetime
    problem: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    at: datetime
    members: frozenset[str]


@dataclass
class People:
    """``bot.access.Directory`` over Slack. From any thread; only :meth:`refresh` waits for Slack."""

    client: WebClient
    clock: Callable[[], datetime]
    _people: dict[str, _Known] = field(default_factory=dict)
    _groups: dict[str, _Group] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, person: str, groups: Iterable[str]) -> None:
        """Ask Slack about ``person`` (``slack:<team>:<user>``) and ``groups`` where the last answer is not fresh.

        Never raises: whom Slack does not confirm stays unconfirmed.
        """
        kind, _, user = person.rpartition(":")
        if kind.startswith("slack:") and not self._is_fresh(self._people.get(person)):
            answer = self._ask(lambda: self.client.users_info(user=user))
            if answer is not None:
                said = answer.get("user")
                self._keep(self._people, person, _Known(self.clock(), _problem(said), _name(said)))
        for group in groups:
            if not self._is_fresh(self._groups.get(group)):
                self._refresh_group(group)

    def _refresh_group(self, group: str) -> None:
        team, _, name = group.rpartition(":")
        answer = self._ask(lambda: self.client.usergroups_users_list(usergroup=name))
        if answer is not None:
            members = frozenset(f"{team}:{member}" for member in answer.get("users") or [])
            self._keep(self._groups, group, _Group(self.clock(), members))

    def problem(self, person: str) -> str | None:
        """Why ``person`` may do nothing at all; ``None`` for a full member as Slack said within the last 5 minutes."""
        known = self._people.get(person)
        if known is None or not self._is_fresh(known):
            return "Slack could not be asked whether you are still a full member; try again, or use the terminal."
        return known.problem

    def name(self, person: str) -> str | None:
        """What ``person`` is called, as Slack said at some time; a name decides nothing."""
        known = self._people.get(person)
        return known.name if known is not None else None

    def members(self, group: str) -> frozenset[str]:
        """The people of a user group (``slack:<team>:<group>``); none if Slack did not say so lately."""
        known = self._groups.get(group)
        return known.members if known is not None and self._is_fresh(known) else frozenset()

    def _is_fresh(self, known: _Known | _Group | None) -> bool:
        return known is not None and self.clock() - known.at <= FRESH

    def _keep(self, where: dict[str, Any], name: str, known: _Known | _Group) -> None:
        with self._lock:
            where[name] = known

    def _ask(self, call: Callable[[], SlackResponse]) -> Mapping[str, Any] | None:
        try:
            answer = call().data
        except FAULTS as error:
            log.warning("Slack did not say who somebody is", why=type(error).__name__)
            return None
        return answer if isinstance(answer, Mapping) else None


def _problem(user: Any) -> str | None:
    """Guests see a channel, strangers share it, bots can be made to press buttons, and who is deleted has left."""
    if not isinstance(user, Mapping):
        return "Slack does not know you."
    reasons = {
        "deleted": "this account was deactivated",
        "is_bot": "bots may do nothing here",
        "is_restricted": "guests may do nothing here",
        "is_ultra_restricted": "guests may do nothing here",
        "is_stranger": "people of other organisations may do nothing here",
    }
    found = next((reason for name, reason in reasons.items() if user.get(name)), None)
    return f"Refused: {found}." if found else None


def _name(user: Any) -> str | None:
    told = user.get("real_name") or user.get("name") if isinstance(user, Mapping) else None
    return clean(str(told), 80) if told else None
