"""Look at a change again as soon as something touches its target: a day is long for an attacker who can change IAM.

The history is asked once a minute, and only while a change stands in an open case: who changed the target's user, and
whether anybody was still answered who should be stopped. What that is worth is for the look at AWS to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from bot.database import Database
from bot.history.details import USER_CALLS
from bot.model import Change, Event, History, HistoryUnavailableError, Kind, Observable, Outcome, Plan, Span
from bot.remediation import records
from bot.remediation.usage import proves_access
from bot.remediation.watching import PROPAGATION, look_now
from bot.store.state import State

log = structlog.get_logger()

EVERY = timedelta(minutes=1)
BACK = timedelta(hours=1)
"""CloudTrail delivers late: what came in now may be this old. What is older is found by the daily look."""
MOST = 200
"""Of one call, the newest."""
UNTOLD = frozenset(
    {
        *("iam:UpdateAccessKey", "iam:DeleteAccessKey", "iam:TagUser", "iam:UntagUser", "iam:DeleteLoginProfile"),
        *("iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:CreatePolicyVersion"),
        *("organizations:UpdatePolicy", "organizations:DetachPolicy", "wafv2:UpdateIPSet"),
        *("ses:UpdateAccountSendingEnabled", "ses:PutAccountSendingAttributes", "lambda:UpdateFunctionUrlConfig"),
        *("rolesanywhere:EnableTrustAnchor", "rolesanywhere:EnableProfile"),
    }
)
"""Calls of which the history does not keep whom they are about: any of the account is worth a look."""


class Touching:
    """Queues a look at every change whose target was touched. One thread calls :meth:`step`."""

    def __init__(self, state: State, history: Callable[[], History | None], clock: Callable[[], datetime]) -> None:
        self._state = state
        self._history = history
        self._clock = clock
        self._due: datetime | None = None

    def step(self) -> bool:
        """Look if it is time. Always ``False``: there is no hurry."""
        now = self._clock()
        if self._due is None or now >= self._due:
            self._due = now + EVERY
            self._look(now)
        return False

    def _look(self, now: datetime) -> None:
        db, history = self._state.read(), self._history()
        standing = [(change, plan) for change in records.standing(db) if (plan := records.plan(db, change.plan))]
        if history is None or not standing:
            return
        try:
            changed = _changes(history, Span(now - BACK, now))
            touched = [
                (change.execution, at)
                for change, plan in standing
                for at in _touches(db, history, change, plan, changed, now)
            ]
        except HistoryUnavailableError as error:
            log.warning("whether changes hold could not be seen in the history", why=str(error))
            return
        if touched:
            self._state.write(lambda db: _queue(db, touched, now))


def _queue(db: Database, touched: Sequence[tuple[str, datetime]], now: datetime) -> None:
    for execution, at in touched:
        look_now(db, execution, at, now)


def _changes(history: History, span: Span) -> Sequence[Event]:
    """What was changed in ``span`` by whoever may change people, their keys and what binds them."""
    calls = (Observable(Kind.EVENT, name) for name in sorted(USER_CALLS | UNTOLD))
    found = [event for call in calls for event in history.events(call, span, limit=MOST)]
    return [event for event in found if event.outcome is Outcome.OK]


def _touches(
    db: Database, history: History, change: Change, plan: Plan, changed: Sequence[Event], now: datetime
) -> Iterator[datetime]:
    """When the target of a standing change was touched since it was made."""
    made_at = records.made_at(db, change.execution)
    if made_at is None:
        return
    yield from (event.at for event in changed if event.at > made_at and _is_about(event, plan))
    since = max(made_at + PROPAGATION, now - BACK)
    if plan.stops is not None and since < now:
        for event in history.events(plan.stops, Span(since, now), limit=MOST):
            if not event.by_service and proves_access(event.name, event.outcome, plan.stops):
                yield event.at


def _is_about(event: Event, plan: Plan) -> bool:
    about: Mapping[str, str] = plan.before
    user = plan.principal.partition(":user/")[2] or about.get("user", "")
    told = event.detail.user if event.detail is not None else None
    return event.account == plan.account and (told == user if told else event.name in UNTOLD)
