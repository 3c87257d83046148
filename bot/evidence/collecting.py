"""Evidence first: before the first change of a target its case keeps what IAM says of it, and what it did.

Capped in time and never an obstacle: a thief is not left at work because a log could not be read. What could not be
had is a gap on record. Changes that are approved together are collected for together, so that a slow AWS delays the
last of them no longer than the first.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
import structlog

from bot import audit, cases
from bot.aws import Aws
from bot.database import Database
from bot.document import triage_document
from bot.evidence import shelf
from bot.evidence.gathering import Gathered, gather, gathered
from bot.evidence.shelf import Piece, Shelf
from bot.model import Case, Change, Event, History, Plan
from bot.remediation import containments, records
from bot.scope.telling import scope_document
from bot.store.state import State
from bot.threads import Threads

log = structlog.get_logger()

SECONDS = 60.0
"""DOMAIN 5.4: seconds, never blocking; then the change is made with what there is."""


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
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._tried: set[str] = set()

    def before(self, change: Change, plan: Plan) -> None:
        """Keep what there is about the target of ``plan``, the first time it is changed for its case. Never raises.

        With it what there is about everything else of its containment: each of those changes waits for the same
        collection, and none for another one.
        """
        if plan.case is None:
            return
        try:
            together, plans = containments.together(self._state.read(), plan)
            with self._turn(together):
                if together not in self._tried:
                    self._tried.add(together)
                    self._collect(cases.load(self._state.read(), plan.case), change, plans)
        except Exception:  # whatever it is, the change is not to wait for it
            log.exception("evidence could not be kept", case=plan.case, execution=change.execution)

    def _turn(self, together: str) -> threading.Lock:
        with self._guard:
            return self._turns.setdefault(together, threading.Lock())

    def _collect(self, case: Case, change: Change, plans: Iterable[Plan]) -> None:
        had = {target for piece in shelf.pieces(self._state.read(), case.id) for target in piece.targets}
        groups = gathered((plan for plan in plans if plan.target not in had), self._clock)
        if not groups:
            return
        asked = (groups, self._aws, self._history, case, self._threads)
        gather(*asked, seconds=self._seconds, first=not had)
        for group in groups:
            late = [f"{who} had not answered everything after {self._seconds:g} seconds" for who in group.left]
            self._keep(case, change, group, [*late, *group.gaps, *group.sayings.gaps])

    def _keep(self, case: Case, change: Change, group: Gathered, gaps: list[str]) -> None:
        folder, now = f"before/{self._named(change, group)}", self._clock()
        contents = {
            "iam.json": _lines(list(group.sayings.said)),
            "events.jsonl": events_written(dict(group.events).values()),
            **({"triage.json": _lines(triage_document(case.triage))} if case.triage else {}),
            **({"scope.json": _lines(scope_document(case.triage.scope))} if case.triage and case.triage.scope else {}),
        }
        about, kept = " ".join(group.targets), list[Piece]()
        for name, content in contents.items():
            try:
                kept.append(self._shelf.put(case.id, f"{folder}/{name}", content, about))
            except OSError as error:
                gaps.append(f"{name} could not be written: {error.strerror}")
        manifest = {"target": about, "files": {each.name: each.sha256 for each in kept}, "gaps": gaps}
        digest = hashlib.sha256(_lines(manifest)).hexdigest()
        kept += [Piece(f"{folder}/gap-{n}", about=about, gap=gap) for n, gap in enumerate(gaps, 1)]
        told = f"{len(contents)} pieces, {len(gaps)} gaps; manifest {digest}"

        def commit(db: Database) -> None:
            for piece in kept:
                shelf.keep(db, case.id, piece, now)
            actor, result = change.approved_by, told + "".join(f"; {gap}" for gap in gaps)
            audit.append(db, actor=actor, operation="keep evidence", target=about, result=result, at=now)

        self._state.write(commit)

    def _named(self, change: Change, group: Gathered) -> str:
        """The execution of the first change of ``group``; one that waits for another approval has but a plan."""
        plan = group.plans[0]
        execution = records.execution_of(self._state.read(), plan.id)
        return execution.execution if execution else plan.id


def events_written(events: Iterable[Event]) -> bytes:
    """Events as JSON lines, the oldest first."""
    ordered = sorted(events, key=lambda event: (event.at, event.id))
    return b"".join(msgspec.json.encode(event) + b"\n" for event in ordered)


def _lines(document: Any) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()
