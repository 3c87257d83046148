"""What the record of a making call tells of the thing, and what a look at it in AWS comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.made.kinds import MadeKind
from bot.model import Event, Standing

Client = Callable[[str, str, str], Any]
"""A boto3 client that may only look: of a service, in an account and a region. Raises as ``bot.aws.Aws.reader``."""


class State(NamedTuple):
    """``told`` is what AWS says, in few words. Where only AWS knew what to name: ``commands``, and ``target``, that of
    the change that disables it."""

    standing: Standing
    told: str = ""
    commands: tuple[str, ...] = ()
    target: str = ""


class Answer(NamedTuple):
    """The change that answers a thing, or the commands that a person runs."""

    remediation: str | None = None
    target: str | None = None
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """One making call. ``asked`` is what stands in its request; not ``is_read``: its record is out of reach."""

    event: Event
    asked: Mapping[str, Any] = field(default_factory=dict)
    is_read: bool = True

    def text(self, name: str) -> str:
        value = self.asked.get(name)
        return value if isinstance(value, str) else ""

    @property
    def account(self) -> str:
        """Where the thing is: whose log holds the record."""
        return self.event.account

    @property
    def region(self) -> str:
        return self.event.region

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def user(self) -> str:
        """The user the call is about: named, or where the request names none, the caller."""
        named = self.text("userName") or (self.event.detail.user if self.event.detail else None)
        kind, _, name = self.event.principal.id.partition("/")
        return named or (name if self.is_read and kind.endswith(":user") else "")

    def id_of(self, kind: str, name: str) -> str:
        """A principal's id: ``111122223333:user/alice``."""
        return f"{self.account}:{kind}/{name}"

    def arn(self, service: str, rest: str, region: str = "") -> str:
        """An ARN in this account, in the partition of the caller's."""
        partition = (self.event.principal.arn or "").split(":")[1:2] or ["aws"]
        return f"arn:{partition[0]}:{service}:{region}:{self.account}:{rest}"


@dataclass(frozen=True, slots=True)
class Tracing:
    """How things of one kind are named, looked at and answered.

    ``named`` is empty where the record does not tell; then nothing is asked. ``look`` raises ``ClientError``,
    ``BotoCoreError`` or ``NoWayIn``; what AWS does not find is gone. ``concerns`` leaves out calls that make nothing.
    """

    kind: MadeKind
    named: Callable[[Trace], str]
    look: Callable[[Trace, Client], State]
    answer: Callable[[Trace], Answer]
    concerns: Callable[[Trace], bool] = lambda _: True


def listed(*words: str) -> tuple[str, ...]:
    """Without the empty ones."""
    return tuple(word for word in words if word)
