"""The way of an alert, as a list of stops.

1. ``accept``       verified payloads -> kept, then acknowledged
2. ``receive``      payload -> alerts (``bot.intake``)
3. ``open_cases``   alert -> cases, and a first card that says "checking…"
4. ``investigate``  case -> enrichments, assessment (``bot.triage``), as the answers come
5. ``show``         case -> card and thread (``bot.slack.blocks``), handed to the outbox

Each stop commits what it made together with the job that carries on, so a killed process resumes at the stop it died
in and repeats nothing that was seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from bot import anchors, cases, counts, intake, links, rehunt, snoozes
from bot.access import AccessRules
from bot.database import Database
from bot.hearing import Hearing
from bot.hunts import remains
from bot.model import (
    Alert,
    Case,
    Change,
    ChangeState,
    Environment,
    Observable,
    Place,
    Ruling,
    Triage,
    Waiting,
    Window,
    rfc3339,
)
from bot.news import LATE, news
from bot.quiet import Quiet
from bot.receiving import Receiving
from bot.remediation import containments
from bot.remediation.approvals import waiting_in
from bot.remediation.arming import is_armed
from bot.remediation.records import changes_of
from bot.showing import Showing
from bot.slack import replies
from bot.slack.card import broken_glass
from bot.slack.details import anchored
from bot.slack.pictures import files_of
from bot.slack.todo import tasks_message
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.store.state import State
from bot.telling import CARD
from bot.telling import slot_of as _slot
from bot.telling import thread_of as _thread
from bot.workers import Commit, Handler, nothing

log = structlog.get_logger()

AUDIT = "audit"
TASKS = "tasks"
PICTURES = "pictures"


class Investigate(Protocol):
    """Ask every question about one observable; ``on_progress`` is told as the answers come."""

    def __call__(
        self,
        observable: Observable,
        window: Window,
        *,
        alerts: Sequence[Alert],
        rulings: Sequence[Ruling] = (),
        on_progress: Callable[[Triage], None] | None = None,
        on_record: Callable[[bytes], None] | None = None,
    ) -> Triage: ...


class Pipeline(Showing, Receiving, Hearing):
    """The stops of an alert over one state file. ``keep_asked`` puts what a triage was told somewhere safe;
    ``on_call`` says which Slack user group an environment calls, if any, ``pages`` whether a paging service is told.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        investigate: Investigate,
        environment_of: Callable[[Alert, Observable | None], Environment],
        sources: Mapping[str, intake.Source],
        window_of: Callable[[datetime], Window],
        access: AccessRules | None = None,
        channel: str = "",
        keep_asked: Callable[[int, bytes], Callable[[Database], None]] | None = None,
        on_call: Callable[[str], str] = lambda environment: "",
        *,
        pages: bool = False,
        quiet: Quiet | None = None,
        asks_owners: timedelta | None = None,
    ) -> None:
        self._state = state
        self._clock = clock
        self._investigate = investigate
        self._environment_of = environment_of
        self._sources = sources
        self._window_of = window_of
        self._access = access or AccessRules()
        self._channel = channel
        self._on_call = on_call
        self._pages = pages
        self.quiet = quiet or Quiet()
        self.asks_owners = asks_owners
        self._keep_asked = keep_asked

    def handlers(self) -> dict[str, Handler]:
        """The jobs of the pool ``triage``."""
        return {
            "receive": self.receive,
            "read": self.read_again,
            "triage": self.investigate,
            "look_again": self.look_again,
            "untaken": self.untaken,
            "check_due": self.check_due,
            "held": self.held,
            "owner_silent": self.owner_silent,
        }

    def open_cases(
        self, db: Database, alert: Alert, *, delivery: str = "", under: Place | None = None, asked: bool = False
    ) -> list[tuple[int, bool]]:
        """Open or join the case of everything ``alert`` is to be triaged for; each case's id, and whether it is new.

        A new case's card stands in the thread of the message ``under``, if given. ``asked``: a person waits for it.
        """
        thread = (under.channel, outbox.at_message(db, under)) if under else ("", "")
        subjects: Sequence[Observable | None] = cases.subjects(alert) or [None]
        window = self._window_of(alert.at)
        opened = []
        for subject in subjects:
            environment = self._environment_of(alert, subject)
            opened.append(cases.open_or_join(db, alert, subject, environment, window, delivery=delivery, thread=thread))
        linked = [other for case, _ in opened for other in links.link(db, case)]
        now = self._clock()
        for case, _ in opened:
            cases.stamp(db, case, now)
            covering = snoozes.covering(db, cases.environment_of(db, case), alert, now)
            if covering is not None:
                snoozes.cover(db, case, alert.id, covering, now)
            if cases.is_open(db, case):
                self._ask(db, case, asked=asked)
                self._ask_later(db, case, alert)
        for other in dict.fromkeys(linked):
            if other not in dict(opened):
                self.show(db, other)
        return opened

    def detected(self, alerts: Iterable[Alert]) -> None:
        """Open or join the cases of what our own detections found; an alert that a case has already changes nothing.

        Nor does what is left of yesterday's story.
        """
        for alert in alerts:
            self._state.write(lambda db, alert=alert: self._detected(db, alert))  # type: ignore[misc]

    def _detected(self, db: Database, alert: Alert) -> None:
        if remains.is_left_of_another(db, alert):
            return
        remains.keep(db, alert)
        if not cases.has_alert(db, alert.id):
            self.open_cases(db, alert)

    def look_again(self, job: Job) -> Commit:
        """Ask a case once more because CloudTrail delivers late; a case that was closed meanwhile is left alone."""

        def commit(db: Database) -> None:
            with suppress(LookupError):
                self.ask_again(db, job.payload["case"])

        return commit

    def ask_again(self, db: Database, case: int, *, asked: bool = False) -> None:
        """Ask a case's questions once more, up to this moment; ``asked``: a person waits for it.

        Raises ``LookupError`` if it is not open.
        """
        cases.look_until(db, case, self._clock())
        self._ask(db, case, asked=asked)

    def tell(self, db: Database, case: int, alert: Alert) -> int:
        """Have an open case know what a person saw, or else the one that ``alert`` opens; it is asked again.

        Returns the case.
        """
        if not cases.is_open(db, case):
            return self.open_cases(db, alert, asked=True)[0][0]
        cases.add(db, case, alert)
        self.ask_again(db, case, asked=True)
        return case

    def _ask(self, db: Database, case: int, *, asked: bool) -> None:
        """Queue a case's questions, and show at once that they are being asked."""
        jobs.add_unless_waiting(
            db, "triage", {"case": case}, self._clock(), pool="triage", urgent=asked, lane=f"case:{case}"
        )
        self.show(db, case, asked=asked)

    def _ask_later(self, db: Database, case: int, alert: Alert) -> None:
        """Have the questions asked again when more of CloudTrail is in; once for an alert, however often it comes."""
        for wait in LATE:
            once = f"look_again:{case}:{alert.id}:{rfc3339(alert.at)}:{wait.total_seconds():.0f}"
            now = self._clock()
            jobs.add(db, "look_again", {"case": case}, now, pool="triage", once=once, due_at=now + wait)

    def investigate(self, job: Job) -> Commit:
        """Ask every question about a case; its card fills in as the answers come."""
        case = cases.load(self._state.read(), job.payload["case"])
        if case.subject is None:
            return nothing
        told: list[bytes] = []
        began = time.monotonic()
        triage = self._investigate(
            case.subject,
            case.window,
            alerts=case.alerts,
            rulings=case.rulings,
            on_progress=lambda partial: self._state.write(lambda db: self._settle(db, case.id, partial)),
            on_record=told.append if self._keep_asked is not None else None,
        )
        counts.TRIAGES.add(time.monotonic() - began)
        drawn = files_of(triage.scope)
        keep = self._keep_asked(case.id, told[0]) if self._keep_asked is not None and told else nothing

        def commit(db: Database) -> None:
            keep(db)
            self._settle(db, case.id, replace(triage, news=news(case.triage, triage)))
            self._be_heard(db, case, triage.assessment.verdict)
            self._show_details(db, case.id)
            self._show_pictures(db, case.id, drawn)

        return commit

    def changed(self, db: Database, change: Change) -> None:
        """A remediation has come further: its card says so in the same transaction."""
        if change.case is not None:
            self.show(db, change.case)
            self._show_tasks(db, change.case)
            self._anchor(db, change.case)
            if rehunt.begins_with(change):
                rehunt.begin(db, change.case, self._clock())
        if change.broke_glass and change.state is ChangeState.APPROVED:
            self._tell_of_glass(db, change)

    def waiting(self, db: Database, waiting: Waiting) -> None:
        """Somebody approved and another must: the card says so, and has the button, in the same transaction."""
        if waiting.plan.case is not None:
            self.show(db, waiting.plan.case)

    def say(self, db: Database, slot: str, sentence: str) -> None:
        """Tell the channel something that is of no case; once for a ``slot``."""
        if self._channel:
            outbox.show(db, slot, self._channel, replies.say(sentence).payload(), self._clock())

    def tasks_changed(self, db: Database, case: int) -> None:
        """Somebody took a task of ``case``, or did it: card and thread say so."""
        self.show(db, case)
        self._show_tasks(db, case)
        self._anchor(db, case)

    def _show_tasks(self, db: Database, case: int) -> None:
        """Have the thread hold what is left for people to do, with commands and buttons."""
        known = cases.load(db, case)
        if known.tasks:
            message = tasks_message(known.tasks).payload()
            outbox.show(db, _slot(known, TASKS), known.channel, message, self._clock(), under=_thread(known))

    def _anchor(self, db: Database, case: int) -> None:
        """Have the thread of ``case`` say where the audit record is: what Slack shows cannot be rewritten here."""
        known, now = cases.load(db, case), self._clock()
        message = anchored(anchors.keep(db, case, now))
        outbox.show(db, _slot(known, AUDIT), known.channel, message.payload(), now, under=_thread(known))

    def _tell_of_glass(self, db: Database, change: Change) -> None:
        """One person alone decided what more must: everybody in the channel hears of it."""
        channel = cases.load(db, change.case).channel if change.case is not None else self._channel
        if channel:
            slot = f"glass:{change.execution}"
            outbox.show(db, slot, channel, broken_glass(change).payload(), self._clock())

    def _settle(self, db: Database, case: int, triage: Triage) -> None:
        cases.settle(db, case, triage)
        self.show(db, case)

    def _show_pictures(self, db: Database, case: int, drawn: Sequence[Mapping[str, Any]]) -> None:
        """Have the thread hold the pictures of the scope; the same ones are not shown again."""
        known = cases.load(db, case)
        if drawn and outbox.is_known(db, _slot(known, CARD)):
            slot = _slot(known, PICTURES)
            outbox.upload(db, slot, known.channel, drawn, self._clock(), under=_thread(known))

    def load(self, db: Database, case: int) -> Case:
        """A case with its changes and what waits for approval. Raises ``LookupError`` if there is none."""
        known = cases.with_changes(cases.load(db, case), changes_of(db, case))
        waiting = waiting_in(db, case, self._access, self._clock())
        armed = is_armed(db, known.environment)
        return replace(
            known,
            waiting=waiting,
            armed=armed,
            askable=self.asks_owners is not None,
            containment=containments.standing(db, case),
        )
