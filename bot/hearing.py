"""What must be heard: said aloud in Slack, with whoever is on call, and told to a paging service where there is one.

Every method that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from datetime import timedelta

from bot import paging, storms, summary
from bot.database import Database
from bot.model import Case, Change, RoomAsked, Verdict
from bot.quiet import Quiet
from bot.slack import replies
from bot.slack.elements import Message
from bot.slack.heard import found_again, has_risen, loose, risen, untaken
from bot.slack.storm import grave_among
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.telling import Telling
from bot.workers import Commit

UNTAKEN = timedelta(minutes=5)
"""How long an incident may lie there before somebody is called again."""
AGAIN = "again"


class Hearing(Telling):
    """``_pages`` says whether there is a paging service."""

    _pages: bool
    quiet: Quiet

    def untaken(self, job: Job) -> Commit:
        """Call again where nobody has taken an incident."""

        def commit(db: Database) -> None:
            case = self.load(db, job.payload["case"])
            verdict = case.triage.assessment.verdict if case.triage else None
            folded = storms.list_of(db, case)
            if case.open and case.owner is None and verdict is Verdict.INCIDENT and not folded:
                minutes = int(UNTAKEN.total_seconds() // 60)
                message = untaken(case, self._on_call(case.environment), minutes)
                self._say_loudly(db, case, "untaken", message)
                self._page(db, case, f"Nobody has taken it for {minutes} minutes: {summary.headline(case)}.")

        return commit

    def _be_heard(self, db: Database, before: Case, verdict: Verdict) -> None:
        """A card is edited in silence: what has become grave is said anew, once for each verdict."""
        told = before.triage.assessment.verdict if before.triage and not before.triage.pending else None
        if not has_risen(told, verdict):
            return
        case, now = self.load(db, before.id), self._clock()
        if case.snoozed and not self.quiet.is_grave(case):
            return
        if digest := storms.list_of(db, case):
            if not outbox.is_known(db, f"{digest}:grave"):
                self._page(db, case, f"One of many grave cases at once: {summary.headline(case)}.")
            message = grave_among(self._on_call(case.environment)).payload()
            outbox.show(db, f"{digest}:grave", case.channel, message, now, under=digest, loud=True)
            return
        self._say_loudly(db, case, f"heard:{verdict}", risen(case, self._on_call(case.environment)))
        self._page(db, case, f"{summary.headline(case)}.")
        if verdict is Verdict.INCIDENT:
            once = f"untaken:{case.id}:{case.reopened}"
            jobs.add(db, "untaken", {"case": case.id}, now, pool="triage", once=once, due_at=now + UNTAKEN)

    def declared(self, db: Database, case: int, *, room: RoomAsked | None, by: str) -> None:
        """A person says that it is real: whoever is on call hears of that, too."""
        super().declared(db, case, room=room, by=by)
        known = self.load(db, case)
        if known.owner is None and known.declared is not None:
            self._page(db, known, f"Declared an incident by {by}: {known.declared.reason}")

    def drifted(self, db: Database, change: Change) -> None:
        """What was contained is loose again: a card that is edited in silence is not enough."""
        if change.case is not None:
            case = self.load(db, change.case)
            part = f"drift:{change.execution}:{change.at:%Y-%m-%dT%H:%M:%SZ}"
            self._say_loudly(db, case, part, loose(case, change, self._on_call(case.environment)))

    def hunted_again(self, db: Database, case: int, story: str, news: str | None) -> None:
        """What hunting the playbook of ``case`` again has brought: its thread says it, and ``news`` is said aloud."""
        known, now = self.load(db, case), self._clock()
        if storms.list_of(db, known):
            self.show(db, case, asked=True)
        self.post(db, known, AGAIN, replies.say(story))
        if news:
            part = f"{AGAIN}:{now:%Y-%m-%dT%H:%M:%SZ}"
            self._say_loudly(db, known, part, found_again(known, news, self._on_call(known.environment)))

    def paged(self, db: Database, case: Case, part: str, sentence: str) -> None:
        """What became of telling the paging service: the thread says it."""
        self.post(db, case, part, replies.say(sentence))

    def _page(self, db: Database, case: Case, why: str) -> None:
        if self._pages:
            paging.call(db, case, why, self._clock())

    def _say_loudly(self, db: Database, case: Case, part: str, message: Message) -> None:
        self.post(db, case, part, message, loud=True)
