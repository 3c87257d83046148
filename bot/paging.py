"""Whoever is on call is called by a paging service: PagerDuty (Events API v2), or Opsgenie and what takes its alerts.

One alert a case, whatever happens: its key is the case's. It is opened when a verdict becomes grave, opened again when
nobody has taken an incident, and resolved when somebody takes or closes the case. What is to be said is a job, so a
kill or an outage loses nothing; a service that cannot be reached is said in the case's thread and in ``/readyz``.
https://developer.pagerduty.com/docs/send-alert-event, https://docs.opsgenie.com/docs/alert-api
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from bot import summary
from bot.database import Database
from bot.http import Outbound, Page, Unfetched, origin_of
from bot.model import Case, Verdict, rfc3339
from bot.plain import clean
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from bot.workers import Commit, Handler, nothing

POOL = "page"
JOB = "page"
CALL, RESOLVE = "call", "resolve"
SECONDS = 10.0
SENTENCE = 130
"""What Opsgenie takes as an alert's message; PagerDuty takes 1,024 characters."""

ADDRESSES = {"pagerduty": "https://events.pagerduty.com", "opsgenie": "https://api.opsgenie.com"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted. ``headers`` and ``body`` may hold the key, so they are no part of a ``repr``."""

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)


class NotCalled(Exception):
    """The service did not take it; the text is the end of a sentence, without what was sent."""


@dataclass(frozen=True, slots=True)
class Pager:
    """One service at a fixed address. Its key is never part of its ``repr``."""

    service: str
    address: str
    key: str = field(repr=False)
    web: Outbound = field(repr=False)

    def send(self, act: str, case: Case, why: str) -> None:
        """Open (``call``) or ``resolve`` the alert of ``case``. Raises :class:`NotCalled`."""
        form = {"pagerduty": pagerduty, "opsgenie": opsgenie}[self.service]
        request = form(self.key, act, case, why)
        try:
            page = self.web.post(self.address.rstrip("/") + request.path, json.dumps(request.body), request.headers)
        except Unfetched as error:
            raise NotCalled(str(error)) from None
        if not 200 <= page.status < 300 and not (act == RESOLVE and page.status == 404):
            raise NotCalled(f"{self.service} answered {page.status}{_refusal(page)}")


def pager(service: str, key: str, address: str = "") -> Pager:
    """A pager of ``service`` at ``address``, else where the service itself is."""
    where = address or ADDRESSES[service]
    return Pager(service, where, key, Outbound([origin_of(where)], seconds=SECONDS, most_bytes=100_000))


def dedup_key(case: Case) -> str:
    """What makes every call about a case one alert; one that was opened again is another."""
    return f"triage-case-{case.id}" + (f"-{case.reopened}" if case.reopened else "")


def pagerduty(key: str, act: str, case: Case, why: str) -> Request:
    """The Events API v2."""
    body: dict[str, Any] = {
        "routing_key": key,
        "event_action": "trigger" if act == CALL else "resolve",
        "dedup_key": dedup_key(case),
    }
    if act == CALL:
        body["payload"] = {
            "summary": clean(why, 1024),
            "source": "triage",
            "severity": "critical" if _verdict(case) is Verdict.INCIDENT else "error",
            "timestamp": rfc3339(case.opened_at),
            "class": str(_verdict(case)),
            "group": case.environment,
            "custom_details": {"case": case.id, "verdict": clean(summary.verdict_sentence(case), 500)},
        }
    return Request("/v2/enqueue", _JSON, body)


def opsgenie(key: str, act: str, case: Case, why: str) -> Request:
    """Opsgenie's Alert API, as Jira Service Management and relays speak it, too."""
    headers = {**_JSON, "authorization": f"GenieKey {key}"}
    if act == RESOLVE:
        path = f"/v2/alerts/{quote(dedup_key(case), safe='')}/close?identifierType=alias"
        return Request(path, headers, {"source": "triage", "note": clean(why, 500)})
    body = {
        "message": clean(why, SENTENCE),
        "alias": dedup_key(case),
        "description": clean(f"{why} {summary.verdict_sentence(case)}", 1000),
        "priority": "P1" if _verdict(case) is Verdict.INCIDENT else "P2",
        "source": "triage",
        "tags": ["triage", str(_verdict(case)), case.environment],
        "details": {"case": str(case.id)},
    }
    return Request("/v2/alerts", headers, body)


_JSON = {"content-type": "application/json"}


def _verdict(case: Case) -> Verdict:
    return case.triage.assessment.verdict if case.triage else Verdict.INCONCLUSIVE


def _refusal(page: Page) -> str:
    """The first words of the answer: what is wrong with a key or a body, in the service's words."""
    words = clean(page.body.decode("utf-8", "replace"), 200)
    return f": {words}" if words else ""


# -------------------------------------------------------------------------------------------- what is asked for


def call(db: Database, case: Case, why: str, now: datetime) -> None:
    """Have whoever is on call be called about ``case``; ``why`` is a sentence."""
    db.execute(
        "INSERT INTO pages (case_id, reopened) VALUES (?, ?) ON CONFLICT DO UPDATE SET resolved = 0",
        [case.id, case.reopened],
    )
    jobs.add(db, JOB, {"case": case.id, "act": CALL, "why": why}, now, pool=POOL)


def settle(db: Database, case: Case, now: datetime) -> None:
    """Have the alert of ``case`` resolved once somebody has taken or closed it, if there is one."""
    if case.owner is None and case.open:
        return
    called = db.execute(
        "UPDATE pages SET resolved = 1 WHERE case_id = ? AND reopened = ? AND NOT resolved", [case.id, case.reopened]
    )
    if called.rowcount:
        why = f"Taken by {case.owner.name}." if case.open and case.owner else "The case was closed."
        jobs.add(db, JOB, {"case": case.id, "act": RESOLVE, "why": why}, now, pool=POOL)


def problems(db: Database) -> list[str]:
    """A sentence where somebody on call could not be called, and was not since."""
    rows = db.execute(
        "SELECT payload, error, state FROM jobs WHERE kind = ? AND error IS NOT NULL AND state <> 'done' ORDER BY id",
        [JOB],
    ).fetchall()
    given_up = {"dead": "given up", "ready": "tried again", "leased": "tried again"}
    failed = [(json.loads(payload), error, given_up[state]) for payload, error, state in rows]
    return [
        f"On call was not called about case #{told['case']}: {error.removeprefix('NotCalled: ')}; {then}"
        for told, error, then in failed
        if told["act"] == CALL
    ][-3:]


class Thread(Protocol):
    """Where a case is known, and what is said in its thread."""

    def load(self, db: Database, case: int) -> Case: ...

    def paged(self, db: Database, case: Case, part: str, sentence: str) -> None: ...


class Paging:
    """The jobs of the pool ``page``."""

    def __init__(self, state: State, clock: Callable[[], datetime], pager: Pager | None, thread: Thread) -> None:
        self._state = state
        self._clock = clock
        self._pager = pager
        self._thread = thread

    def handlers(self) -> dict[str, Handler]:
        return {JOB: self.page}

    def page(self, job: Job) -> Commit:
        """Carry out one call. A failure is said in the thread, and tried again."""
        case, act = self._thread.load(self._state.read(), job.payload["case"]), job.payload["act"]
        over = case.owner is not None or not case.open
        if self._pager is None or (act == CALL and over):
            return nothing
        try:
            self._pager.send(act, case, job.payload["why"])
        except NotCalled as error:
            said = f"On call could not be told by {self._pager.service}: {error}. It is tried again."
            if act == CALL:
                self._state.write(lambda db: self._thread.paged(db, case, "page", said))
            raise
        if act == RESOLVE or job.attempts == 1:
            return nothing
        told = f"On call was told by {self._pager.service}, at attempt {job.attempts}."
        return lambda db: self._thread.paged(db, case, "page", told)
