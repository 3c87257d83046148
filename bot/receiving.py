"""From what came in to alerts: kept, read, and handed on to the cases.

Every method that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot import cases, counts, intake
from bot.database import Database
from bot.intake.secret_guard import remove_secrets
from bot.model import Alert, Place
from bot.store import inbox, jobs
from bot.store.inbox import Receipt
from bot.store.jobs import Job
from bot.store.state import State
from bot.workers import Commit

LARGEST = 2 * 1024 * 1024
"""A dead letter may have grown by the marks of what was cut out of it."""
ORDERED = "alerts"
"""Alerts are read one after the other, in the order they came in."""


class Receiving:
    """What the pipeline is built on at its beginning."""

    _state: State
    _clock: Callable[[], datetime]
    _sources: Mapping[str, intake.Source]

    def show(self, db: Database, case: int) -> None:
        raise NotImplementedError

    def open_cases(
        self, db: Database, alert: Alert, *, delivery: str = "", under: Place | None = None, asked: bool = False
    ) -> list[tuple[int, bool]]:
        raise NotImplementedError

    def accept(self, source: str, payloads: Sequence[Any]) -> list[Receipt]:
        """Keep verified ``payloads``, each alert in them on its own, and queue them; returns once they are on disk.

        Raises :class:`bot.store.state.StateUnavailable` if they could not be kept, and
        :class:`bot.intake.Unreadable` if one of them holds too many; then none was.
        """
        now = self._clock()
        alerts = [part for payload in payloads for part in intake.parts(self._sources[source], payload)]
        receipts = self._state.write(lambda db: [self._keep(db, source, alert, now) for alert in alerts])
        for receipt in receipts:
            counts.ALERTS.add(source, "duplicate" if receipt.duplicate_of else "kept")
        return receipts

    def bury(self, source: str, body: str, why: str) -> None:
        """Keep what came in and is no alert, without its secrets: ``triage jobs`` lists it, and can replay it.

        Raises :class:`bot.store.state.StateUnavailable`.
        """
        text, _ = remove_secrets(body)
        letter, now = {"source": source, "body": text}, self._clock()
        self._state.write(lambda db: jobs.bury(db, "read", letter, why, now, pool="triage"))

    def read_again(self, job: Job) -> Commit:
        """Take in a dead letter; raises :class:`bot.intake.Unreadable` if it is still none."""
        source = self._sources[job.payload["source"]]
        payloads = intake.read(job.payload["body"].encode(), LARGEST)
        alerts = [part for payload in payloads for part in intake.parts(source, payload)]

        def commit(db: Database) -> None:
            for alert in alerts:
                self._keep(db, source.name, alert, self._clock())

        return commit

    def receive(self, job: Job) -> Commit:
        """Read a kept delivery and open or join the cases of its alerts."""
        delivery = inbox.delivery(self._state.read(), job.payload["delivery"])
        alert = intake.normalise(self._sources[delivery.source], delivery.payload, delivery.received_at)

        def commit(db: Database) -> None:
            if alert.over:
                self._over(db, alert, delivery.id)
            else:
                self.open_cases(db, alert, delivery=delivery.id)
            inbox.settle(db, delivery.id, "triaged")

        return commit

    def _over(self, db: Database, alert: Alert, delivery: str) -> None:
        """Tell the open cases of ``alert`` that its sender calls it over; whether it is, people say."""
        for case in cases.open_with(db, alert.id):
            cases.add(db, case, alert, delivery=delivery)
            self.show(db, case)

    def _keep(self, db: Database, source: str, payload: Any, now: datetime) -> Receipt:
        receipt = inbox.keep(db, source, payload, now)
        if receipt.duplicate_of is None:
            jobs.add(db, "receive", {"delivery": receipt.delivery}, now, pool="triage", lane=ORDERED)
        return receipt
