"""Evidence first: before the first change of a target its case keeps what IAM says of it, and what it did.

Capped in time and never an obstacle: a thief is not left at work because a log could not be read. What could not be
had is a gap on record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import structlog

from bot import audit, cases
from bot.aws import Aws
from bot.database import Database
from bot.document import triage_document
from bot.evidence import shelf
from bot.evidence.iam import Sayings, ask_all
from bot.evidence.shelf import Piece, Shelf
from bot.model import Case, Change, Event, History, HistoryUnavailableError, Kind, Observable, Plan
from bot.scope.telling import scope_document
from bot.store.state import State
from bot.threads import Threads, done_within

log = structlog.get_logger()

SECONDS = 60.0
"""DOMAIN 5.4: seconds, never blocking; then the change is made with what there is."""
MOST_EVENTS = 10_000
"""Of one key, the newest."""
MOST_KEYS = 50


@dataclass
class _Gathered:
    """What threads have brought so far."""

    sayings: Sayings
    events: dict[str, Event] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


class Collector:
    """Collects before a change. ``history`` gives the one that is asked; ``None`` where there is none."""

    def __init__(
        self,
        state: State,
        aws: Aws,
        clock: Callable[[], datetime],
        place: Shelf,
        history: Callable[[], History | None],
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._state = state
        self._aws = aws
        self._clock = clock
        self._shelf = place
        self._history = history
        self._seconds = seconds
        self._threads = Threads()

    def before(self, change: Change, plan: Plan) -> None:
        """Keep what there is about the target of ``plan``, the first time it is changed for its case. Never raises."""
        try:
            if plan.case is not None and not self._has(plan.case, plan.target):
                self._collect(cases.load(self._state.read(), plan.case), change, plan)
        except Exception:  # whatever it is, the change is not to wait for it
            log.exception("evidence could not be kept", case=plan.case, execution=change.execution)

    def _has(self, case: int, target: str) -> bool:
        return any(piece.about == target for piece in shelf.pieces(self._state.read(), case))

    def _has_any(self, case: int) -> bool:
        return any(piece.about for piece in shelf.pieces(self._state.read(), case))

    def _collect(self, case: Case, change: Change, plan: Plan) -> None:
        gathered = _Gathered(Sayings(self._clock))
        works: list[Callable[[], None]] = [
            lambda: ask_all(self._aws, plan.account, plan.target, plan.principal, gathered.sayings),
            lambda: self._gather(case, plan, gathered),
        ]
        ended = done_within(self._threads, self._seconds, [_ending(work) for work in works])
        late = [what for what, one in zip(("IAM", "the history"), ended, strict=True) if one is None]
        failed = [f"{type(one).__name__}: {one}" for one in ended if isinstance(one, Exception)]
        gaps = [
            *(f"{what} had not answered everything after {self._seconds:g} seconds" for what in late),
            *(failed + gathered.gaps + gathered.sayings.gaps),
        ]
        self._keep(case, change, plan, gathered, gaps)

    def _gather(self, case: Case, plan: Plan, gathered: _Gathered) -> None:
        history = self._history()
        if history is None:
            gathered.gaps.append("there is no history to take events from")
            return
        for observable in _about(case, plan, first=not self._has_any(case.id)):
            try:
                found = history.events(observable, case.window.span, limit=MOST_EVENTS)
            except HistoryUnavailableError as error:
                gathered.gaps.append(f"events of {observable.value}: {error}")
                continue
            if len(found) >= MOST_EVENTS:
                gathered.gaps.append(f"of {observable.value} only the newest {MOST_EVENTS} events were kept")
            gathered.events.update((event.id, event) for event in found)

    def _keep(self, case: Case, change: Change, plan: Plan, gathered: _Gathered, gaps: list[str]) -> None:
        folder, now = f"before/{change.execution}", self._clock()
        contents = {
            "iam.json": _lines(list(gathered.sayings.said)),
            "events.jsonl": events_written(dict(gathered.events).values()),
            **({"triage.json": _lines(triage_document(case.triage))} if case.triage else {}),
            **({"scope.json": _lines(scope_document(case.triage.scope))} if case.triage and case.triage.scope else {}),
        }
        kept: list[Piece] = []
        for name, content in contents.items():
            try:
                kept.append(self._shelf.put(case.id, f"{folder}/{name}", content, plan.target))
            except OSError as error:
                gaps.append(f"{name} could not be written: {error.strerror}")
        manifest = {"target": plan.target, "files": {each.name: each.sha256 for each in kept}, "gaps": gaps}
        digest = hashlib.sha256(_lines(manifest)).hexdigest()
        kept += [Piece(f"{folder}/gap-{n}", about=plan.target, gap=gap) for n, gap in enumerate(gaps, 1)]
        told = f"{len(contents)} pieces, {len(gaps)} gaps; manifest {digest}"

        def commit(db: Database) -> None:
            for piece in kept:
                shelf.keep(db, case.id, piece, now)
            actor, result = change.approved_by, told + "".join(f"; {gap}" for gap in gaps)
            audit.append(db, actor=actor, operation="keep evidence", target=plan.target, result=result, at=now)

        self._state.write(commit)


def events_written(events: Iterable[Event]) -> bytes:
    """Events as JSON lines, the oldest first."""
    ordered = sorted(events, key=lambda event: (event.at, event.id))
    return b"".join(msgspec.json.encode(event) + b"\n" for event in ordered)


def about_scope(case: Case) -> tuple[Observable, ...]:
    """The subject of a case and the keys in the same hands."""
    scope = case.triage.scope if case.triage else None
    keys = [each.key for each in (*scope.confirmed, *scope.suspects)] if scope else []
    scoped = (Observable(Kind.ACCESS_KEY, key) for key in keys[:MOST_KEYS])
    return tuple(dict.fromkeys([*([case.subject] if case.subject else []), *scoped]))


def _about(case: Case, plan: Plan, *, first: bool) -> Iterable[Observable]:
    """Whose events are kept: of what the change is about, and the first time of all the case is about."""
    own = [plan.stops] if plan.stops is not None else []
    return dict.fromkeys([*own, *(about_scope(case) if first else ())])


def _ending(work: Callable[[], None]) -> Callable[[], bool]:
    """``work`` with a result, so that its end can be told from its running out of time."""

    def run() -> bool:
        work()
        return True

    return run


def _lines(document: Any) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
