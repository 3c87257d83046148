"""Our record of one story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.alert import Alert
from bot.model.change import Actor, Change, Waiting
from bot.model.judgement import Verdict
from bot.model.observable import Observable
from bot.model.owner import OwnerAsked
from bot.model.scope import Ruling
from bot.model.task import Task
from bot.model.times import Window
from bot.model.triage import Triage


class Conclusion(StrEnum):
    """What an analyst says a case was. ``DUPLICATE`` says nothing of the key: another case tells its story."""

    TRUE = "true"
    BENIGN = "benign"
    EXPECTED = "expected"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Closing:
    """An analyst's own verdict, beside what the bot's was at that moment."""

    case: int
    conclusion: Conclusion
    reason: str
    by: Actor
    at: datetime
    duplicate_of: int | None = None
    verdict: Verdict | None = None
    """``None`` if the bot had none yet, as ``score``."""
    score: int | None = None
    signals: tuple[str, ...] = ()
    """The kinds of signals that counted."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Somebody gave a case to somebody else."""

    by: Actor
    to: Actor
    note: str
    """What the next one should know; may be empty."""
    next_check: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DeclaredIncident:
    """A person's word that a case is real, whatever the bot's verdict is."""

    by: Actor
    reason: str
    at: datetime
    room: str = ""
    """The private channel that was opened for it, by Slack's id; empty without one."""


@dataclass(frozen=True, slots=True)
class RoomAsked:
    """A private channel that somebody wants for an incident."""

    invited: tuple[str, ...] = ()
    """By Slack's ids."""
    with_owner: bool = False
    """Whether the key's owner may be among them."""


@dataclass(frozen=True, slots=True)
class Link:
    """Another case that tells of this one, or of which this one tells. ``why`` is half a sentence."""

    case: int
    subject: Observable
    why: str


@dataclass(frozen=True, slots=True)
class Case:
    """Our record of one story about one observable, and everything its card shows."""

    id: int
    environment: str
    subject: Observable | None
    """``None`` where the alert names nothing that can be looked up."""
    title: str
    channel: str
    open: bool
    opened_at: datetime
    window: Window
    alerts: tuple[Alert, ...]
    """Oldest first."""
    triage: Triage | None = None
    """``None`` until the first answer is in."""
    changes: tuple[Change, ...] = ()
    """Oldest first."""
    rulings: tuple[Ruling, ...] = ()
    """What analysts decided about keys of its scope, the newest for each key."""
    waiting: tuple[Waiting, ...] = ()
    """Plans that need another person's approval, oldest first."""
    closings: tuple[Closing, ...] = ()
    """Oldest first; a case that is open and has some was opened again by a new alert."""
    reopened: int = 0
    """How often."""
    armed: bool = True
    """Whether changes are made; otherwise they are rehearsed."""
    owner: Actor | None = None
    """Who took it."""
    containment: str = ""
    """The newest containment of it of which something stands; empty if there is none."""
    tasks: tuple[Task, ...] = ()
    """Steps that failed and are a person's to do, oldest first; done ones, too."""
    handovers: tuple[Handover, ...] = ()
    """Oldest first."""
    snoozed: bool = False
    """Whether every alert of it came while a snooze covered it."""
    quiet: bool = False
    """Whether it was last judged calm enough for the digest."""
    askable: bool = False
    """Whether owners of keys may be asked."""
    questions: tuple[OwnerAsked, ...] = ()
    """What its owner was asked, oldest first."""
    declared: DeclaredIncident | None = None
    """``None`` unless a person declared it an incident."""
    links: tuple[Link, ...] = ()
    """Other cases that tell of it or it of them, in the order they were opened."""
    thread: str = ""
    """The slot of the message whose thread holds the card; empty where the card stands in the channel itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """A message in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What one person sees of the bot as a whole."""

    actor: Actor
    open: tuple[Case, ...]
    """The gravest first."""
    newest: datetime | None
    """Of the history's records."""
    last_alert: datetime | None
    waiting: tuple[Waiting, ...] = ()
    """What their approval would bring further, if they may give it."""
    with_others: tuple[Waiting, ...] = ()
    """What they asked for or approved already, and others must approve."""
