"""What the thread of a case is told beside its triage: handed over, declared, a room of its own.

Every method that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.database import Database
from bot.digests import Digest
from bot.model import Actor, Case, Handover, RoomAsked, rfc3339
from bot.slack import handing, incidents, replies
from bot.slack.digest import digest_message
from bot.slack.elements import Message
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.workers import Commit

CARD = "card"
REPORT = "send_report"
"""The job that shares a report as files."""
ROOM = "open_room"
"""The job that opens a private channel; whoever may call Slack carries it out."""


class Telling:
    """What the pipeline is built on, and what people do with cases speaks through."""

    _clock: Callable[[], datetime]
    _on_call: Callable[[str], str]

    def load(self, db: Database, case: int) -> Case:
        raise NotImplementedError

    def show(self, db: Database, case: int, *, asked: bool = False) -> None:
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
