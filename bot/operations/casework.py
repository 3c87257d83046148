"""What people do with cases: look at them, rule on their scope, say what they were, and learn from that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot import audit, cases, closings, leaks, rehunt
from bot.calibration import Calibration, calibrate
from bot.database import Database
from bot.digests import Digest, gather
from bot.intake.secret_guard import remove_secrets
from bot.measures import Times, times_of
from bot.model import Actor, Case, Conclusion, Kind, Operation, Refusal
from bot.operations.permitted import NO_REASON, Permitted
from bot.weights import Weights

MOST_LISTED = 100
SECRET = Refusal("That holds a secret access key. It was not kept; say where the key id was seen, without the secret.")


class Casework(Permitted):
    """Everything about cases but the changes they lead to. Whoever may triage may do it."""

    def open_cases(self, actor: Actor) -> tuple[Case, ...] | Refusal:
        """The open cases, the gravest first."""
        return self._looked_up(actor, lambda _: cases.open_cases(self._state.read()))

    def newest_cases(self, actor: Actor) -> tuple[Case, ...] | Refusal:
        """The newest 100 cases, open or closed, the newest first."""
        return self._looked_up(actor, lambda _: cases.newest_cases(self._state.read(), MOST_LISTED))

    def case(self, number: int, actor: Actor) -> Case | Refusal:
        """One case, open or closed, with its changes. Raises ``LookupError`` if there is none of that number."""

        return self._looked_up(actor, lambda _: self._loaded(number))

    def ask_again(self, case: int, actor: Actor) -> int | Refusal:
        """Ask every question of a case once more; its number. Raises ``LookupError`` if there is no such case."""
        if refusal := self._refused(actor, Operation.TRIAGE) or self._closed(case):
            return refusal
        self._state.write(lambda db: self._pipeline.ask_again(db, case, asked=True))
        return case

    def take(self, case: int, actor: Actor) -> Case | Refusal:
        """Make ``case`` that of ``actor``, whosever it was. Raises ``LookupError`` if there is no such case."""
        if refusal := self._refused(actor, Operation.TRIAGE) or self._closed(case):
            return refusal
        now = self._clock()

        def commit(db: Database) -> None:
            if cases.take(db, case, actor, now):
                audit.append(db, actor=actor, operation="take", target=f"case {case}", result="taken", at=now)
                self._pipeline.show(db, case)

        self._state.write(commit)
        return self._loaded(case)

    def rule(self, case: int, key: str, actor: Actor, reason: str, *, belongs: bool) -> int | Refusal:
        """Count ``key`` into the scope of ``case``, or set it aside; the case's questions are asked again.

        Returns the case. Raises ``LookupError`` if it is not open.
        """
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if not reason.strip():
            return NO_REASON
        now = self._clock()

        def commit(db: Database) -> None:
            if not cases.rule(db, case, key, actor, reason, now, belongs=belongs):
                return
            what = "counted into the scope" if belongs else "set aside from the scope"
            target, result = f"case {case}: {key}", f"{what} of case #{case}"
            audit.append(db, actor=actor, operation="rule", target=target, reason=reason, result=result, at=now)
            self._pipeline.ask_again(db, case, asked=True)

        self._state.write(commit)
        return case

    def close(
        self, case: int, conclusion: Conclusion, actor: Actor, reason: str, *, duplicate_of: int | None = None
    ) -> Case | Refusal:
        """Say what ``case`` was, and close it; a new alert of the next days opens it again.

        Raises ``LookupError`` if there is no such case.
        """
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if not reason.strip():
            return NO_REASON
        if refusal := self._wrong_duplicate(case, conclusion, duplicate_of):
            return refusal
        now = self._clock()

        def commit(db: Database) -> Refusal | None:
            known = cases.load(db, case)
            if not known.open:
                return _closed(known)
            closings.close(db, known, conclusion, actor, reason, now, duplicate_of)
            of = f" of case #{duplicate_of}" if duplicate_of else ""
            audit.append(
                db,
                actor=actor,
                operation="close",
                target=f"case {case}",
                reason=reason,
                result=f"closed as {conclusion}{of}",
                before={"state": "open"},
                after={"state": "closed", "verdict": conclusion.value},
                at=now,
            )
            if conclusion is Conclusion.TRUE:
                rehunt.begin(db, case, now)
            self._pipeline.show(db, case)
            return None

        return self._state.write(commit) or self._loaded(case)

    def leak(self, case: int, place: str, actor: Actor, reason: str, *, key: str | None = None) -> Case | Refusal:
        """Keep that ``actor`` saw a key of ``case`` in public at ``place``; its questions are asked again.

        ``key`` is the one the case is about, if not named. Raises ``LookupError`` if there is no such case.
        """
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        subject = cases.load(self._state.read(), case).subject
        seen = key or (subject.value if subject is not None and subject.kind is Kind.ACCESS_KEY else None)
        if seen is None:
            return Refusal(f"Case #{case} is not about a key: name the key that was seen.")
        if not place.strip():
            return Refusal("Say where it was seen: a URL, or a few words.")
        if remove_secrets(f"{place} {reason}")[1]:
            return SECRET
        now = self._clock()

        def commit(db: Database) -> int:
            alert = leaks.keep(db, seen, place.strip(), reason, actor, now)
            target, result = f"case {case}: {seen}", f"seen in public: {place.strip()}"
            audit.append(db, actor=actor, operation="leak", target=target, reason=reason, result=result, at=now)
            return self._pipeline.tell(db, case, alert)

        return self._loaded(self._state.write(commit))

    def calibration(self, actor: Actor, weights: Weights) -> Calibration | Refusal:
        """The bot's verdicts beside those of its analysts."""
        return self._looked_up(actor, lambda _: calibrate(closings.newest_closings(self._state.read()), weights))

    def digest(
        self, since: datetime, until: datetime, actor: Actor, environments: Sequence[str] = ()
    ) -> Digest | Refusal:
        """What happened from ``since`` to ``until`` in ``environments``, or in all."""
        return self._looked_up(actor, lambda _: gather(self._state.read(), since, until, environments))

    def times(self, case: int, actor: Actor) -> Times | Refusal:
        """When each step of ``case`` first happened. Raises ``LookupError`` if there is no such case."""
        return self._looked_up(actor, lambda _: times_of(self._state.read(), case))

    def ask_for_report(self, case: int, actor: Actor) -> int | Refusal:
        """Have the report of ``case`` shared in its thread. Raises ``LookupError`` if there is no such case."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        cases.load(self._state.read(), case)
        self._state.write(lambda db: self._pipeline.ask_for_report(db, case, actor))
        return case

    def _wrong_duplicate(self, case: int, conclusion: Conclusion, duplicate_of: int | None) -> Refusal | None:
        if (conclusion is Conclusion.DUPLICATE) != (duplicate_of is not None):
            return Refusal("A duplicate, and only that, names the case that tells its story.")
        if duplicate_of is None:
            return None
        if duplicate_of == case:
            return Refusal("A case is no duplicate of itself.")
        try:
            cases.load(self._state.read(), duplicate_of)
        except LookupError:
            return Refusal(f"There is no case #{duplicate_of}.")
        return None

    def _closed(self, case: int) -> Refusal | None:
        known = cases.load(self._state.read(), case)
        return None if known.open else _closed(known)

    def _loaded(self, case: int) -> Case:
        return self._pipeline.load(self._state.read(), case)


def _closed(case: Case) -> Refusal:
    last = case.closings[-1] if case.closings else None
    how = f", as {last.conclusion} by {last.by.name}" if last else ""
    return Refusal(f"Case #{case.id} is closed{how}. A new alert of the next days opens it again.")
