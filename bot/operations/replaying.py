"""Work that failed for good, and what people do about it."""

from __future__ import annotations

from bot import audit
from bot.database import Database
from bot.model import Actor, Operation, Refusal
from bot.operations.permitted import NO_REASON, Permitted
from bot.store import job_list
from bot.store.job_list import CHANGES, KeptJob

NO_CHANGE = Refusal(
    "This job is a change in AWS, or looks after one: it is not replayed. Plan the change anew: AWS is read first then."
)


class Replaying(Permitted):
    """Jobs that nobody will do any more. Whoever may triage may see them, and have one done again."""

    def jobs(self, state: str, actor: Actor) -> tuple[KeptJob, ...] | Refusal:
        """The jobs in a state (``dead``, ``ready``, ``leased``, ``done``), the newest first, at most 200."""
        return self._looked_up(actor, lambda _: job_list.in_state(self._state.read(), state))

    def job(self, number: int, actor: Actor) -> KeptJob | Refusal:
        """One job with what it is about. Raises ``LookupError`` if there is none of that number."""
        return self._looked_up(actor, lambda _: job_list.load(self._state.read(), number))

    def replay(self, number: int, actor: Actor, reason: str) -> KeptJob | Refusal:
        """Have a dead job done again by the bot that serves. Raises ``LookupError``."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if not reason.strip():
            return NO_REASON
        now = self._clock()

        def commit(db: Database) -> KeptJob | Refusal:
            known = job_list.load(db, number)
            if known.pool == CHANGES:
                return NO_CHANGE
            if known.state != "dead":
                return Refusal(f"Job {number} is {known.state}, not dead: there is nothing to replay.")
            audit.append(
                db,
                actor=actor,
                operation="replay job",
                target=f"job {number}",
                reason=reason.strip(),
                result=f"{known.kind}: {known.error or ''}",
                at=now,
            )
            return job_list.replay(db, number, now)

        return self._state.write(commit)
