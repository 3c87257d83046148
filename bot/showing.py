"""What the channel shows of a case: its card, one line, a place in a list of many, or nothing but the digest.

Every method that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from bot import cases, paging, storms
from bot.database import Database
from bot.model import Case
from bot.quiet import Manner, Quiet
from bot.slack.card import card, line
from bot.slack.details import decided, details
from bot.slack.storm import crowd_message
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.telling import CARD, Telling, slot_of, thread_of
from bot.workers import Commit

DECIDED = "decided"


class Showing(Telling):
    """Draws cases anew at every change; what needs nobody now (``bot.quiet``), and more than a channel can bear
    (``bot.storms``), gets no card."""

    quiet: Quiet

    def show(self, db: Database, case: int, *, asked: bool = False, waited: bool = False) -> None:
        """Have the channel say of ``case`` what is known now. ``asked``: somebody wants to see this one; ``waited``:
        its first card was held for a moment."""
        known, now = self.load(db, case), self._clock()
        slot = slot_of(known, CARD)
        paging.settle(db, known, now)
        shown = outbox.is_known(db, slot)
        manner = Manner.CARD if asked else self.quiet.manner(known, shown=shown, waited=waited)
        finished = known.triage is not None and not known.triage.pending
        if finished or manner is Manner.CARD:
            cases.hush(db, case, quiet=finished and manner is not Manner.CARD)
        if manner is Manner.CARD:
            self._show_card(db, known, slot, now, asked=asked, new=finished and not shown)
        elif manner is Manner.LINE:
            outbox.show(db, slot, known.channel, line(known).payload(), now, under=known.thread or None)
        elif digest := storms.list_of(db, known):
            self._show_list(db, known, digest)
        else:
            self._hold(db, known, now)

    def _show_card(self, db: Database, case: Case, slot: str, now: datetime, *, asked: bool, new: bool) -> None:
        """The card, or the list that stands for many unless somebody ``asked`` for this one; a ``new`` one of a judged
        case brings its thread."""
        if not asked and storms.is_folded(db, case, slot, now):
            self._show_list(db, case, storms.list_of(db, case) or storms.fold(db, case, now))
            return
        unfolded = storms.unfold(db, case)
        urgency, payload = outbox.ASKED if asked else storms.urgency(case), card(case, now=now).payload()
        outbox.show(db, slot, case.channel, payload, now, under=case.thread or None, urgency=urgency)
        self._show_decided(db, case, now)
        if unfolded:
            self._show_list(db, case, unfolded)
        if unfolded or new:
            self._show_details(db, case.id)

    def _show_decided(self, db: Database, case: Case, now: datetime) -> None:
        """Have the thread hold what people decided."""
        if message := decided(case):
            outbox.show(db, slot_of(case, DECIDED), case.channel, message.payload(), now, under=thread_of(case))

    def _show_list(self, db: Database, case: Case, digest: str) -> None:
        storms.judge(db, case)
        message = crowd_message(storms.crowd(db, digest)).payload()
        outbox.show(db, digest, case.channel, message, self._clock(), urgency=outbox.LOUD)

    def _hold(self, db: Database, case: Case, now: datetime) -> None:
        """A first card that looks calm waits a moment, because most of those end in the digest."""
        if case.open and not case.snoozed and not case.quiet and (case.triage is None or case.triage.pending):
            once, due_at = f"held:{case.id}:{case.reopened}", now + self.quiet.hold
            jobs.add(db, "held", {"case": case.id}, now, pool="triage", once=once, due_at=due_at)

    def held(self, job: Job) -> Commit:
        """The moment is over: what is not judged by now gets its card."""
        return lambda db: self.show(db, job.payload["case"], waited=True)

    def _show_details(self, db: Database, case: int) -> None:
        """Have the thread hold every answer; of a case that has a card."""
        known = self.load(db, case)
        if known.triage is None or storms.list_of(db, known) or not outbox.is_known(db, slot_of(known, CARD)):
            return
        for part, message in details(known):
            place = slot_of(known, part)
            outbox.show(db, place, known.channel, message.payload(), self._clock(), under=thread_of(known))
