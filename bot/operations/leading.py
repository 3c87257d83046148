"""Who leads a case, and what they make of it: handed over, declared an incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot import audit, cases, custody
from bot.access import decide
from bot.database import Database
from bot.model import Actor, Case, Handover, Operation, Refusal, RoomAsked
from bot.operations.permitted import NO_REASON, Permitted

FURTHEST_CHECK = timedelta(days=7)


class Leading(Permitted):
    """Whoever may triage may do it; a case is given only to somebody who may, too."""

    def hand_over(
        self, case: int, to: Actor, actor: Actor, note: str, *, check_in: timedelta | None = None
    ) -> Handover | Refusal:
        """Give ``case`` to somebody else, with what they need to go on; the next check is due in ``check_in``.

        Raises ``LookupError`` if there is no such case.
        """
        if refusal := self._refused(actor, Operation.TRIAGE) or self._not_open(case) or _too_late(check_in):
            return refusal
        self._access.refresh([to])
        next_ = self._access.named(to)
        if not decide(next_, Operation.TRIAGE, self._access).allowed:
            named = f"they are not named under [access] {Operation.TRIAGE.value} in config.toml, or may do nothing here"
            return Refusal(f"{next_.name} cannot have case #{case}: {named}. Nothing was handed over.")
        now = self._clock()
        handover = Handover(actor, next_, note.strip(), now + check_in if check_in else None, now)

        def commit(db: Database) -> Handover | Refusal:
            before = cases.load(db, case).owner
            if before is not None and self._access.person(before) == self._access.person(next_):
                return Refusal(f"Case #{case} is {next_.name}'s already.")
            number = custody.hand_over(db, case, handover)
            audit.append(
                db,
                actor=actor,
                operation="hand over",
                target=f"case {case}",
                reason=handover.note,
                before={"owner": before.id if before else ""},
                after={"owner": next_.id},
                result=f"handed over to {next_.name}",
                at=now,
            )
            self._pipeline.handed_over(db, case, number, handover)
            return handover

        return self._state.write(commit)

    def declare(self, case: int, actor: Actor, reason: str, *, room: RoomAsked | None = None) -> Case | Refusal:
        """Say that ``case`` is an incident, whatever the bot's verdict; with ``room``, open a private channel for it.

        Who declares it is invited in any case. Raises ``LookupError`` if there is no such case.
        """
        if refusal := self._refused(actor, Operation.TRIAGE) or self._not_open(case):
            return refusal
        if not reason.strip():
            return NO_REASON
        now = self._clock()
        asked = room and replace(room, invited=tuple(dict.fromkeys([*_slack_id(actor), *room.invited])))

        def commit(db: Database) -> Refusal | None:
            known = cases.load(db, case).declared
            if known is not None:
                if asked is None or known.room:
                    return Refusal(f"{known.by.name} declared case #{case} an incident already: {known.reason}")
                self._declared(db, case, actor, reason, "private channel asked for", now)
                self._pipeline.ask_for_room(db, case, asked, actor.name)
                return None
            custody.declare(db, case, actor, reason.strip(), now)
            self._declared(db, case, actor, reason, "declared an incident", now)
            self._pipeline.declared(db, case, room=asked, by=actor.name)
            return None

        refused = self._state.write(commit)
        return refused or cases.load(self._state.read(), case)

    @staticmethod
    def _declared(db: Database, case: int, actor: Actor, reason: str, result: str, at: datetime) -> None:
        audit.append(db, actor=actor, operation="declare", target=f"case {case}", reason=reason, result=result, at=at)

    def _not_open(self, case: int) -> Refusal | None:
        known = cases.load(self._state.read(), case)
        return None if known.open else Refusal(f"Case #{case} is closed: a new alert of the next days opens it again.")


def _slack_id(actor: Actor) -> list[str]:
    return [actor.id.rpartition(":")[2]] if actor.id.startswith("slack:") else []


def _too_late(check_in: timedelta | None) -> Refusal | None:
    if check_in is None or timedelta(minutes=1) <= check_in <= FURTHEST_CHECK:
        return None
    return Refusal("The next check is due between a minute and 7 days from now.")
