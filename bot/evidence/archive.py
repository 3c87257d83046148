"""The evidence of cases, for whoever may see them: what a case rests on, exported and reckoned again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import structlog

from bot import audit, cases
from bot.access import AccessRules, decide
from bot.database import Database
from bot.evidence import shelf
from bot.evidence.bundle import ASKED, bundle
from bot.evidence.gathering import MOST_EVENTS, about_scope
from bot.evidence.shelf import Piece, Shelf
from bot.model import Actor, Case, Event, History, HistoryUnavailableError, Operation, Refusal
from bot.remediation.records import changes_of
from bot.store.state import State

log = structlog.get_logger()

EXPORT = "export case"


class Archive:
    """Over one state file and its folder of evidence."""

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        access: AccessRules,
        place: Shelf,
        history: Callable[[], History | None],
    ) -> None:
        self._state = state
        self._clock = clock
        self._access = access
        self._shelf = place
        self._history = history

    def keep_asked(self, case: int, asked: bytes) -> Callable[[Database], None]:
        """Put what a triage was told on the shelf; what is returned keeps it, in the transaction of the triage itself.

        A disk that is full is no reason not to show a verdict: then the piece is a gap.
        """
        try:
            self._shelf.sweep(case, ASKED, shelf.pieces(self._state.read(), case))
            piece = self._shelf.put(case, ASKED, asked)
        except OSError as error:
            log.warning("what a triage was told could not be kept", case=case, why=error.strerror)
            piece = Piece(ASKED, gap=f"what the triage was told could not be kept: {error.strerror}")

        return lambda db: shelf.keep(db, case, piece, self._clock())

    def export(self, number: int, actor: Actor) -> bytes | Refusal:
        """The bundle of a case. Raises ``LookupError`` if there is none of that number."""
        decision = decide(actor, Operation.TRIAGE, self._access)
        if not decision.allowed:
            return Refusal(decision.sentence)
        db = self._state.read()
        case = cases.with_changes(cases.load(db, number), changes_of(db, number))
        if case.triage is not None and case.triage.pending:
            return Refusal(f"Case #{number} is being asked right now: export it when the last answer is in.")
        made = bundle(case, self._shelf, shelf.pieces(db, number), self._events(case), _entries(db, case))

        def commit(db: Database) -> None:
            target, now = f"case {number}", self._clock()
            audit.append(db, actor=actor, operation=EXPORT, target=target, result=f"{len(made)} bytes", at=now)

        self._state.write(commit)
        return made

    def _events(self, case: Case) -> Iterable[Event]:
        history, found = self._history(), dict[str, Event]()
        if history is None:
            return ()
        for observable in about_scope(case):
            try:
                events = history.events(observable, case.window.span, limit=MOST_EVENTS)
            except HistoryUnavailableError as error:
                log.warning("events are missing in an export", case=case.id, why=str(error))
                continue
            found.update((event.id, event) for event in events)
        return found.values()


def _entries(db: Database, case: Case) -> list[audit.Entry]:
    """The entries about a case and about what was planned for it; without its exports, so that two are the same."""
    planned = {row[0] for row in db.execute("SELECT target FROM plans WHERE case_id = ?", [case.id])}
    name = f"case {case.id}"
    return [
        entry
        for entry in audit.entries(db)
        if entry.operation != EXPORT
        and (entry.target in planned or entry.target == name or entry.target.startswith(f"{name}:"))
    ]
