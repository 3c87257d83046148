"""The bot's own earlier cases, for enrichers: ``bot.model.EarlierCases`` over the state file. It only reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from bot.database import Database
from bot.model import Doubted, EarlierCase, Observable
from bot.store.state import StateReader

MOST_CASES = 50

_QUERY = """SELECT id, subject_value, title, verdict, score, opened_at, state,
        (SELECT conclusion FROM closings l WHERE l.case_id = c.id ORDER BY seq DESC LIMIT 1)
    FROM cases c
    WHERE id NOT IN (SELECT case_id FROM case_alerts JOIN json_each(?) own ON own.value = alert_id)
        AND ((subject_kind = ? AND subject_value = ?) OR EXISTS (
            SELECT 1 FROM case_alerts a JOIN json_each(a.alert, '$.observables') o
            WHERE a.case_id = c.id AND json_extract(o.value, '$.kind') = ? AND json_extract(o.value, '$.value') = ?))
    ORDER BY id DESC LIMIT ?"""


class CasesBefore:
    """Every case but those one of ``alerts`` (ids) belongs to: the one that is being triaged, and its siblings."""

    def __init__(self, state: StateReader, alerts: Collection[str]) -> None:
        self._state = state
        self._alerts = alerts

    def with_observable(self, observable: Observable) -> Sequence[EarlierCase]:
        """The newest 50 that are about ``observable`` or have an alert that names it."""
        who = [observable.kind.value, observable.value]
        rows = self._state.read().execute(_QUERY, [json.dumps(sorted(self._alerts)), *who, *who, MOST_CASES])
        return [
            EarlierCase(
                case, subject, title, verdict, score, datetime.fromisoformat(opened), state == "open", concluded
            )
            for case, subject, title, verdict, score, opened, state, concluded in rows.fetchall()
        ]


_DOUBTED = """SELECT who, min(since) FROM (
        SELECT json_extract(triage, '$.principal.id') who, recent_since since FROM cases WHERE state = 'open'
        UNION ALL
        SELECT json_extract(k.value, '$.principal'), c.recent_since
        FROM cases c JOIN json_each(c.triage, '$.scope.confirmed') k WHERE c.state = 'open'
    ) WHERE who IS NOT NULL GROUP BY who"""


def doubted(db: Database) -> Doubted:
    """The principals of open cases, those found in the same hands among them, each since when it is judged."""
    return {who: datetime.fromisoformat(since) for who, since in db.execute(_DOUBTED).fetchall()}
