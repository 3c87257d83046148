"""People, and the changes they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.observable import Observable


@dataclass(frozen=True, slots=True)
class Actor:
    """The person using the bot: ``slack:<team>:<user>`` or ``local:<os user>``."""

    id: str
    name: str


class Operation(StrEnum):
    """What a person may be allowed to do; each a separate right in ``[access]``."""

    TRIAGE = "triage"
    APPROVE = "approve"
    UNDO = "undo"
    BREAK_GLASS = "break_glass"


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    sentence: str
    """Why, in words for the person who asked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The preview of one change: made from reading AWS, never from the alert. Nothing has been changed yet."""

    id: str
    remediation: str
    target: str
    account: str | None
    case: int | None
    undo_of: str | None
    """The execution this plan takes back; ``None`` for a change."""
    title: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    warnings: tuple[str, ...]
    """Sentences: what this breaks, and what it does not stop."""
    requested_by: Actor
    created_at: datetime
    expires_at: datetime
    principal: str = ""
    """The id of the user or role it is about; empty if it is about none."""
    shares: str = ""
    """What in AWS it writes that other changes write too; they are carried out one after the other."""
    stops: Observable | None = None
    """Whose calls AWS refuses once it is made."""
    approvers: int = 1
    """How many different people must approve it; where two or more must, its requester is none of them."""
    rehearsal: bool = False
    """Nothing will be changed: the environment is not armed yet."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A plan that was put before others, and is not approved by enough of them."""

    plan: Plan
    approved_by: tuple[Actor, ...]
    """Those whose approval counts; the one who planned is none of them."""
    missing: int
    """How many more people must approve it."""
    containment: str = ""
    """The containment it is a row of; empty if it stands alone."""
    own: bool = False
    """Whether this answers the one who planned it, whose own yes counts for nothing."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was done, in a sentence someone can act on, with the commands a person can run instead."""

    sentence: str
    commands: tuple[str, ...] = ()
    settled: bool = False
    """There was nothing to do: what was asked for is so already."""
    task: str = ""
    """What is left for a person, in a few words, where only a person can do it; empty where nothing is."""


class ChangeState(StrEnum):
    """How far an approved change has come.

    ``REHEARSED``: all of the way was gone but the last step, because the environment is not armed; nothing was changed.
    ``UNKNOWN``: AWS may have applied it, and could not be asked. ``PARTIAL``: some of its calls were made, the rest
    was refused; what was made can be taken back.
    """

    APPROVED = "approved"
    STARTED = "started"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    REHEARSED = "rehearsed"


@dataclass(frozen=True, slots=True)
class Change:
    """One execution of an approved plan. An undo is a change of its own, with ``undo_of``."""

    execution: str
    plan: str
    case: int | None
    remediation: str
    target: str
    state: ChangeState
    undo_of: str | None
    undone: bool
    """A later, confirmed undo took it back."""
    approved_by: Actor
    reason: str
    at: datetime
    """When it reached this state."""
    sentence: str
    broke_glass: bool = False
    """One person approved alone what more people must."""
