"""Asking the owner of a key whether it was them, and taking their answer."""

from __future__ import annotations

from bot import audit, cases, owners
from bot.database import Database
from bot.model import Actor, Operation, OwnerAsked, Refusal, Said
from bot.operations.permitted import NO_REASON, Permitted

OFF = Refusal("Owners are not asked here: [owners] ask in config.toml switches it on.")


class Owning(Permitted):
    """Whoever may triage may have the owner asked. Only the person who was asked may answer; that needs no right."""

    def ask_owner(self, case: int, actor: Actor, reason: str) -> int | Refusal:
        """Have the owner of the key of ``case`` asked in Slack. Raises ``LookupError`` if there is no such case."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if self._pipeline.asks_owners is None:
            return OFF
        if not reason.strip():
            return NO_REASON
        now = self._clock()

        def commit(db: Database) -> int | Refusal:
            if not cases.load(db, case).open:
                return Refusal(f"Case #{case} is closed.")
            if any(each.waits(now) for each in owners.of_case(db, case)):
                return Refusal(f"The owner was asked about case #{case} already, and has not answered yet.")
            target = f"case {case}"
            audit.append(
                db, actor=actor, operation="ask owner", target=target, reason=reason, result="asked for", at=now
            )
            self._pipeline.ask_for_owner(db, case, actor)
            return case

        return self._state.write(commit)

    def answer_as_owner(self, number: int, actor: Actor, said: Said) -> OwnerAsked | Refusal:
        """Take the answer of whoever was asked; nobody else's. Raises ``LookupError`` if there is no such question."""
        now = self._clock()

        def commit(db: Database) -> OwnerAsked | Refusal:
            asked = owners.load(db, number)
            if asked.person != actor.id:
                return Refusal("This was asked of somebody else: only they can answer.")
            if asked.said is not None:
                return Refusal(f"You have answered already: {owners.IN_WORDS[asked.said]}. Call the security team.")
            if not asked.waits(now):
                return Refusal("This question has ended. Call the security team if you know something.")
            answered = owners.answer(db, number, said, now)
            audit.append(
                db,
                actor=actor,
                operation="answer as owner",
                target=f"case {asked.case}",
                result=f"says: {owners.IN_WORDS[said]}",
                at=now,
            )
            self._pipeline.owner_answered(db, answered, self._access.named(actor))
            return answered

        return self._state.write(commit)
