"""What people teach the bot: what is ordinary here, and what is not."""

from __future__ import annotations

from bot import audit
from bot.database import Database
from bot.intake.secret_guard import remove_secrets
from bot.model import Actor, Correction, Operation, Ordinary, Refusal
from bot.operations.permitted import NO_REASON, Permitted
from bot.usual import corrections


class Teaching(Permitted):
    """Corrections of what the bot believes is usual. Whoever may triage may make them."""

    def correct(
        self, environment: str, kind: Ordinary, value: str, actor: Actor, reason: str, *, usual: bool
    ) -> Correction | Refusal:
        """Say that something is usual in ``environment``, or is not; the newest word on it counts."""
        known = self._meant(kind, value, actor, reason)
        if isinstance(known, Refusal):
            return known
        said = Correction(environment, kind, known, usual, reason.strip(), actor, self._clock())

        def commit(db: Database) -> Correction:
            corrections.keep(db, said)
            self._record(db, said.environment, kind, known, actor, reason, "usual" if usual else "not usual")
            return said

        return self._state.write(commit)

    def forget(self, environment: str, kind: Ordinary, value: str, actor: Actor, reason: str) -> str | Refusal:
        """Take every word on a thing back, so that config and history speak again; the thing, as it was kept."""
        known = self._meant(kind, value, actor, reason)
        if isinstance(known, Refusal):
            return known

        def commit(db: Database) -> str | Refusal:
            if not corrections.forget(db, environment, kind, known):
                return Refusal(f"Nobody has said anything of {kind} {known} in {environment}.")
            self._record(db, environment, kind, known, actor, reason, "taken back")
            return known

        return self._state.write(commit)

    def _meant(self, kind: Ordinary, value: str, actor: Actor, reason: str) -> str | Refusal:
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if not reason.strip():
            return NO_REASON
        if remove_secrets(f"{value} {reason}")[1]:
            return Refusal("That holds a secret access key. It was not kept.")
        return corrections.meant(kind, value)

    def _record(
        self, db: Database, environment: str, kind: Ordinary, value: str, actor: Actor, reason: str, result: str
    ) -> None:
        target = f"{environment}: {kind} {value}"
        audit.append(
            db, actor=actor, operation="correct", target=target, reason=reason, result=result, at=self._clock()
        )
