"""What the thread of a case is told beside its triage: handed over, declared, a room of its own.

Every method that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot import owners
from bot.database import Database
from bot.digests import Digest
from bot.model import Actor, Alert, Case, Handover, OwnerAsked, RoomAsked, rfc3339
from bot.slack import handing, incidents, owner, replies
from bot.slack.digest import digest_message
from bot.slack.elements import Message
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.workers import Commit

CARD = "card"
REPORT = "send_report"
"""The job that shares a report as files."""
ASK_OWNER = "ask_owner"
"""The job that asks a key's owner."""
ROOM = "open_room"
"""The job that opens a private channel; whoever may call Slack carries it out."""


class Telling:
    """What the pipeline is built on, and what people do with cases speaks through."""

    _clock: Callable[[], datetime]
    _on_call: Callable[[str], str]
    asks_owners: timedelta | None
    """How long an answer is waited for; ``None``: owners are not asked."""

    def load(self, db: Database, case: int) -> Case:
        raise NotImplementedError

    def show(self, db: Database, case: int, *, asked: bool = False) -> None:
        raise NotImplementedError

    def tell(self, db: Database, case: int, alert: Alert) -> int:
        raise NotImplementedError

    def post(self, db: Database, case: Case, part: str, message: Message, *, loud: bool = False) -> None:
        """Have the thread of ``case`` say ``message`` in the slot ``part``; ``loud``: in the channel, too."""
        place, under = slot_of(case, part), thread_of(case)
        outbox.show(db, place, case.channel, message.payload(), self._clock(), under=under, loud=loud)

    # ------------------------------------------------------------------------------------------ handed over

    def handed_over(self, db: Database, case: int, number: int, handover: Handover) -> None:
        """The next one hears of it with all they need, and again when the next check is due."""
        self.show(db, case)
        known, now = self.load(db, case), self._clock()
        self.post(db, known, f"handover:{number}", handing.handed_over(known, handover))
        if handover.next_check is not None:
            payload = {"case": case, "handover": number}
            jobs.add(db, "check_due", payload, now, pool="triage", due_at=handover.next_check)

    def check_due(self, job: Job) -> Commit:
        """Say that it is time to look again, if the case is still open; to whoever has it then."""

        def commit(db: Database) -> None:
            case = self.load(db, job.payload["case"])
            if case.open:
                self.post(db, case, f"check:{job.payload['handover']}", handing.check_due(case))

        return commit

    # --------------------------------------------------------------------------------------------- declared

    def declared(self, db: Database, case: int, *, room: RoomAsked | None, by: str) -> None:
        """A person says that it is real: the channel hears of it; a private ``room`` is opened if asked for."""
        self.show(db, case)
        known = self.load(db, case)
        self.post(db, known, "declared", incidents.declared(known, self._on_call(known.environment)), loud=True)
        if room is not None:
            self.ask_for_room(db, case, room, by)

    def ask_for_room(self, db: Database, case: int, room: RoomAsked, by: str) -> None:
        """Queue the private channel of a declared incident."""
        now = self._clock()
        asked = {"invited": list(room.invited), "by": by, "with_owner": room.with_owner}
        payload = {"case": case, "name": room_name(case, now), **asked}
        jobs.add(db, ROOM, payload, now, pool="ask", once=f"{ROOM}:{payload['name']}")

    def room_opened(self, db: Database, case: int, channel: str, link: str, left_out: Sequence[str]) -> None:
        """The private channel is there: it begins with the case as it stands, and each leads to the other."""
        known, now = self.load(db, case), self._clock()
        message = incidents.summary_of(known, link).payload()
        outbox.show(db, slot_of(known, "room"), channel, message, now)
        self.post(db, known, "room_link", incidents.room_link(channel, left_out))

    def room_refused(self, db: Database, case: int, sentence: str) -> None:
        """Slack does not open one; why, and what to do about it."""
        known = self.load(db, case)
        self.post(db, known, f"room_refused:{rfc3339(self._clock())}", replies.say(sentence))

    # ------------------------------------------------------------------------------------------- the owner

    def patience(self) -> timedelta:
        """How long an owner's answer is waited for."""
        return self.asks_owners or timedelta(hours=4)

    def ask_for_owner(self, db: Database, case: int, actor: Actor) -> None:
        """Queue the question to the owner of the key of a case."""
        payload = {"case": case, "actor": {"id": actor.id, "name": actor.name}}
        jobs.add(db, ASK_OWNER, payload, self._clock(), pool="ask")

    def owner_asked(self, db: Database, asked: OwnerAsked, channel: str) -> None:
        """The question goes out; the thread hears of it, and of its end."""
        case, now = self.load(db, asked.case), self._clock()
        outbox.show(db, f"owner:{asked.id}", channel, owner.question(case, asked).payload(), now)
        self.post(db, case, f"owner:{asked.id}:asked", owner.asking(asked))
        payload = {"question": asked.id, "channel": channel}
        jobs.add(db, "owner_silent", payload, now, pool="triage", due_at=asked.until)
        self.show(db, asked.case)

    def owner_not_asked(self, db: Database, case: int, why: str) -> None:
        """Nobody could be asked; the thread says why."""
        told = f"The key's owner was not asked: {why}."
        self.post(db, self.load(db, case), f"owner_not_asked:{rfc3339(self._clock())}", replies.say(told))

    def owner_answered(self, db: Database, asked: OwnerAsked, who: Actor) -> None:
        """An answer is evidence of its case, which is judged again with it."""
        case = self.load(db, asked.case)
        posted = outbox.posted(db, f"owner:{asked.id}")
        if posted is not None:
            outbox.show(db, f"owner:{asked.id}", posted.channel, owner.answered(asked).payload(), self._clock())
        self.post(db, case, f"owner:{asked.id}:said", owner.outcome(asked, who.name))
        if case.open:
            self.tell(db, asked.case, owners.alert_of(asked, case, who.name))

    def owner_silent(self, job: Job) -> Commit:
        """The time for an answer is over; that nobody answered says nothing."""

        def commit(db: Database) -> None:
            asked = owners.load(db, job.payload["question"])
            if asked.said is None:
                ended = owner.answered(asked).payload()
                outbox.show(db, f"owner:{asked.id}", job.payload["channel"], ended, self._clock())
                self.post(db, self.load(db, asked.case), f"owner:{asked.id}:said", owner.outcome(asked, ""))
                self.show(db, asked.case)

        return commit

    # ---------------------------------------------------------------------------------------------- reports

    def ask_for_report(self, db: Database, case: int, actor: Actor) -> None:
        """Queue the report of a case, to be shared in its thread."""
        now = self._clock()
        name = f"case-{case}-{now:%Y%m%d-%H%M%S}"
        payload = {"case": case, "name": name, "actor": {"id": actor.id, "name": actor.name}}
        jobs.add(db, REPORT, payload, now, pool="ask", once=f"{REPORT}:{name}")

    def report_refused(self, db: Database, case: int, sentence: str) -> None:
        """Slack takes no file; why, and what else there is."""
        known = self.load(db, case)
        self.post(db, known, f"report_refused:{rfc3339(self._clock())}", replies.say(sentence))

    # ---------------------------------------------------------------------------------------------- digests

    def tell_digest(self, db: Database, slot: str, channel: str, digest: Digest) -> None:
        """Show a digest in a channel; once for a ``slot``."""
        outbox.show(db, slot, channel, digest_message(digest).payload(), self._clock())


def room_name(case: int, at: datetime) -> str:
    """What the private channel of a case is called: no two requests ask for the same."""
    return f"incident-{case}-{at:%Y%m%d-%H%M%S}"


def thread_of(case: Case) -> str:
    """The slot of the message whose thread holds what is said beside the card."""
    return case.thread or slot_of(case, CARD)


def slot_of(case: Case, part: str) -> str:
    """Where a part of a case is shown. One that was opened again has a new card: nobody looks at last week's."""
    return f"case:{case.id}:{part}" + (f":{case.reopened}" if case.reopened else "")
