"""Keeping an observable silent for a while: what that would hide, making it so, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot import audit, cases, snoozes
from bot.database import Database
from bot.intake.secret_guard import remove_secrets
from bot.model import Actor, Hidden, Observable, Operation, Refusal, Snooze
from bot.networks import WIDEST, too_wide
from bot.operations.permitted import NO_REASON, Permitted

PREVIEW = timedelta(days=30)
"""How far back a preview looks."""
LONGEST = timedelta(days=90)
MOST_CANDIDATES = 6


class Snoozing(Permitted):
    """Whoever may triage may do it. Nothing is dropped: alerts are kept, judged, counted; what is grave is shown."""

    def preview_snooze(
        self, observables: Sequence[Observable], actor: Actor, *, environment: str = ""
    ) -> tuple[Hidden, ...] | Refusal:
        """What a snooze of each observable would have hidden in the last 30 days."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if refusal := next(filter(None, map(_too_wide, observables)), None):
            return refusal
        db, now = self._state.read(), self._clock()

        def is_grave(case: int) -> bool:
            return self._pipeline.quiet.is_grave(cases.load(db, case))

        return tuple(
            snoozes.would_hide(db, each, environment, now - PREVIEW, now, is_grave)
            for each in observables[:MOST_CANDIDATES]
        )

    def preview_snooze_of(self, case: int, actor: Actor) -> tuple[str, tuple[Hidden, ...]] | Refusal:
        """The same for everything that the alerts of ``case`` name, with its environment. Raises ``LookupError``."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        known = cases.load(self._state.read(), case)
        named = [observable for alert in known.alerts for observable in alert.observables]
        own = [known.subject] if known.subject is not None else []
        candidates = list(dict.fromkeys([*own, *snoozes.candidates(named)]))
        if not candidates:
            return Refusal(f"Case #{case} names nothing that could be snoozed.")
        hidden = self.preview_snooze(candidates, actor, environment=known.environment)
        return hidden if isinstance(hidden, Refusal) else (known.environment, hidden)

    def snooze(
        self, observable: Observable, lasting: timedelta, actor: Actor, reason: str, *, environment: str = ""
    ) -> Snooze | Refusal:
        """Keep what names ``observable`` silent for ``lasting``; in every environment if none is named."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if refusal := _too_wide(observable):
            return refusal
        if not reason.strip():
            return NO_REASON
        if remove_secrets(f"{observable.value} {reason}")[1]:
            return Refusal("That holds a secret access key. It was not kept.")
        if not timedelta(minutes=1) <= lasting <= LONGEST:
            return Refusal(f"A snooze lasts between a minute and {LONGEST.days} days.")
        now = self._clock()

        def commit(db: Database) -> Snooze:
            made = snoozes.add(db, environment, observable, now + lasting, actor, reason.strip(), now)
            where = f" in {environment}" if environment else ""
            result = f"silent until {made.until:%Y-%m-%d %H:%M} UTC{where}"
            audit.append(
                db,
                actor=actor,
                operation="snooze",
                target=f"{observable.kind.value} {observable.value}",
                reason=reason,
                result=result,
                at=now,
            )
            return made

        return self._state.write(commit)

    def snoozes(self, actor: Actor) -> tuple[Snooze, ...] | Refusal:
        """Those that hold, the one that ends first at the front."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        return snoozes.holding(self._state.read(), self._clock())

    def lift_snooze(self, number: int, actor: Actor, reason: str) -> Snooze | Refusal:
        """End a snooze; what it hid of open cases is shown like anything else. Raises ``LookupError``."""
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        if not reason.strip():
            return NO_REASON
        now = self._clock()

        def commit(db: Database) -> Snooze | Refusal:
            known = snoozes.load(db, number)
            if not known.holds(now):
                return Refusal(f"Snooze {number} of {known.observable} does not hold any more.")
            uncovered = snoozes.lift(db, number, actor, now)
            audit.append(
                db,
                actor=actor,
                operation="lift snooze",
                target=f"{known.observable.kind.value} {known.observable.value}",
                reason=reason,
                result=f"lifted; {len(uncovered)} open cases are shown again",
                at=now,
            )
            for case in uncovered:
                snoozes.uncover(db, case)
                self._pipeline.show(db, case)
            return snoozes.load(db, number)

        return self._state.write(commit)


def _too_wide(observable: Observable) -> Refusal | None:
    if not snoozes.is_network(observable) or not too_wide(observable.value):
        return None
    return Refusal(
        f"{observable.value} is too wide to be kept silent: at most a /{WIDEST[4]}, or a /{WIDEST[6]} of IPv6. "
        "Name the network that the noise comes from."
    )
