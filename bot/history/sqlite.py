"""The history in one SQLite file: the default store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.database import Database, open_reader, sqlite3
from bot.history.coverage import Place, covered
from bot.history.schema import ADDRESS_CLASSES, OUTCOMES, packed_id, unpacked_id
from bot.history.selecting import Selection, principal_ids, selection_of
from bot.model import AddressClass, Coverage, Event, Habit, Kind, Observable, Principal, Span, Use

_DAY = 86_400

_GROUP = "day, key, principal, address, agent, name, outcome, error, region, account, by_service"
_USES = """SELECT day, k.value, p.value, i.value, i.class, g.value, g.family, n.value, outcome, e.value, r.value,
        a.value, by_service, count, first, last, event_id
    FROM (SELECT *, count(*) OVER kind AS count, min(at) OVER kind AS first, max(at) OVER kind AS last,
            row_number() OVER (PARTITION BY {group} ORDER BY at DESC, event_id DESC) AS rank
        FROM (SELECT *, at / {day} - (at < 0 AND at % {day} <> 0) AS day FROM event
            WHERE {where} AND at BETWEEN ? AND ?)
        WINDOW kind AS (PARTITION BY {group})) u
    JOIN principal p ON p.id = u.principal JOIN agent g ON g.id = u.agent JOIN name n ON n.id = u.name
    JOIN text r ON r.id = u.region JOIN text a ON a.id = u.account
    LEFT JOIN text k ON k.id = u.key LEFT JOIN address i ON i.id = u.address LEFT JOIN text e ON e.id = u.error
    WHERE rank <= 2
    ORDER BY first, day, n.value, k.value, p.value, i.value, g.value, outcome, e.value, r.value, a.value,
        by_service, rank"""
_HABITS = """SELECT day, k.value, p.value, i.value, i.class, g.value, g.family, n.value, count
    FROM (SELECT day, key, principal, address, agent, name, count(*) AS count
        FROM (SELECT *, at / {day} - (at < 0 AND at % {day} <> 0) AS day FROM event
            WHERE copy = 0 AND NOT by_service AND at BETWEEN ? AND ?)
        GROUP BY day, key, principal, address, agent, name) h
    JOIN principal p ON p.id = h.principal JOIN agent g ON g.id = h.agent JOIN name n ON n.id = h.name
    LEFT JOIN text k ON k.id = h.key LEFT JOIN address i ON i.id = h.address"""
_EVENTS = """SELECT event_id, at, n.value, outcome, e.value, k.value, p.value, d.type, d.arn, d.account, s.value,
        i.value, i.class, g.value, g.family, r.value, a.value, by_service, m.value
    FROM (SELECT * FROM event WHERE {where} AND at BETWEEN ? AND ? ORDER BY at DESC, event_id DESC LIMIT ?) v
    JOIN principal p ON p.id = v.principal JOIN identity d ON d.id = v.identity JOIN agent g ON g.id = v.agent
    JOIN name n ON n.id = v.name JOIN text r ON r.id = v.region JOIN text a ON a.id = v.account
    LEFT JOIN text k ON k.id = v.key LEFT JOIN address i ON i.id = v.address LEFT JOIN text e ON e.id = v.error
    LEFT JOIN text s ON s.id = v.session LEFT JOIN text m ON m.id = v.minted
    ORDER BY at DESC, event_id DESC, a.value"""
_IDENTITY = """SELECT p.value, d.type, d.arn, d.account
    FROM (SELECT identity FROM event WHERE {where} AND at <= ? ORDER BY at DESC, event_id DESC LIMIT 1) v
    JOIN identity d ON d.id = v.identity JOIN principal p ON p.id = d.principal"""
# An older record may name the ARN where the newest one does not (CheckMfa, for one).
_ARN = "SELECT max(arn) FROM identity d JOIN principal p ON p.id = d.principal WHERE p.value = ?"


class HistoryUnavailableError(Exception):
    """The history could not be asked; the message says why and what to do. Never the same as "found nothing"."""


class SqliteHistory:
    """``bot.model.History`` over one file. May be asked from any thread; each has a read-only connection of its own.

    Every question raises ``HistoryUnavailableError`` if the file is missing or is not a history.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._of_thread = threading.local()
        self._opened: list[Database] = []

    def close(self) -> None:
        """Close every connection; a later question opens a new one."""
        opened, self._opened, self._of_thread = self._opened, [], threading.local()
        for db in opened:
            db.close()

    def coverage(self, span: Span) -> Coverage | None:
        """What of ``span`` the history holds; ``None`` if span and history do not meet."""
        held = self.span()
        if held is None:
            return None
        unread = self.rows("SELECT coalesce(sum(count), 0) FROM set_aside")[0][0]
        unfinished = self.rows("SELECT count(*) FROM file WHERE NOT done")[0][0]
        return covered(span, held, self._places(span), unread=unread, unfinished=unfinished)

    def newest(self) -> datetime | None:
        """The time of the newest event; ``None`` if there is none."""
        held = self.span()
        return held.until if held else None

    def span(self) -> Span | None:
        """From the oldest to the newest event; ``None`` if there is none."""
        oldest, newest = self.rows("SELECT (SELECT min(at) FROM event), (SELECT max(at) FROM event)")[0]
        return None if newest is None else Span(_moment(oldest), _moment(newest))

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        """Everything ``observable`` did, or was used for, inside ``span``; oldest first.

        A principal may be named by its id, its ARN or its bare name, a user agent by its raw string or its family, an
        event by ``service:Name`` or its bare name.
        """
        wanted = self._selected(observable)
        query = _USES.format(group=_GROUP, day=_DAY, where=wanted.where)
        return _uses(self.rows(query, [*wanted.values, *_seconds(span)]))

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        """The newest ``limit`` events of ``observable`` inside ``span``, newest first."""
        wanted = self._selected(observable)
        query = _EVENTS.format(where=wanted.where)
        return tuple(_event(row) for row in self.rows(query, [*wanted.values, *_seconds(span), limit]))

    def everyones_events(self, span: Span) -> Sequence[Event]:
        """Every event of ``span``, newest first; an action that several accounts logged comes once."""
        query = _EVENTS.format(where="copy = 0")
        return tuple(_event(row) for row in self.rows(query, [*_seconds(span), -1]))

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        """What every principal did on each day of ``span``, and from where: the ground an oddity stands out from."""
        return tuple(_habit(row) for row in self.rows(_HABITS.format(day=_DAY), _seconds(span)))

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` (a key or principal) most recently before or at ``until``."""
        if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
            return None
        wanted = self._selected(observable)
        rows = self.rows(_IDENTITY.format(where=wanted.where), [*wanted.values, int(until.timestamp())])
        return self._principal(*rows[0]) if rows else None

    def principals(self, value: str) -> tuple[str, ...]:
        """The ids of every principal ``value`` may mean: an id, an ARN, or a bare user or role name."""
        return principal_ids(self.rows, value)

    def pointer(self, event_id: str) -> tuple[Path, int] | None:
        """The file an event was read from, and the position of its record there (``bot.history.files``)."""
        query = "SELECT path, position FROM event JOIN file ON file.id = event.file WHERE event_id = ? ORDER BY account"
        rows = self.rows(query, [packed_id(event_id)])
        return (Path(rows[0][0]), int(rows[0][1])) if rows else None

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query of this package. Raises ``HistoryUnavailableError``."""
        try:
            return list(self._reader().execute(query, list(values)).fetchall())
        except sqlite3.Error as error:
            raise HistoryUnavailableError(f"the history {self.path} could not be read: {error}") from error

    def _reader(self) -> Database:
        db: Database | None = getattr(self._of_thread, "db", None)
        if db is None:
            if not self.path.exists():
                raise HistoryUnavailableError(f"there is no history at {self.path}: load one with `triage ingest`")
            db = self._of_thread.db = open_reader(self.path)
            self._opened.append(db)
        return db

    def _selected(self, observable: Observable) -> Selection:
        return selection_of(self.rows, observable)

    def _principal(self, principal_id: str, kind: str, arn: str, account: str) -> Principal:
        arn = arn or self.rows(_ARN, [principal_id])[0][0]
        return Principal(principal_id, kind or None, arn or None, account or None)

    def _places(self, span: Span) -> list[Place]:
        """Each account and region in the history, with its newest event inside ``span``."""
        query = """SELECT a.value, r.value,
                (SELECT max(at) FROM event e WHERE e.account = p.account AND e.region = p.region AND at BETWEEN ? AND ?)
            FROM place p JOIN text a ON a.id = p.account JOIN text r ON r.id = p.region"""
        found = self.rows(query, _seconds(span))
        return [Place(account, region, None if at is None else _moment(at)) for account, region, at in found]


def _uses(rows: Sequence[tuple[Any, ...]]) -> tuple[Use, ...]:
    """Each kind of call comes as one row for each of its (up to two) evidence ids, the newest first."""
    uses: list[Use] = []
    for row in rows:
        if uses and _same_kind(uses[-1], row):
            uses[-1] = _with_evidence(uses[-1], unpacked_id(row[-1]))
        else:
            uses.append(_use(row))
    return tuple(uses)


def _use(row: tuple[Any, ...]) -> Use:
    day, key, principal, ip, kind, agent, family, name, outcome, error, region, account, by_service, *counted = row
    count, first, last, event_id = counted
    return Use(
        day=_day(day),
        key=key,
        principal=principal,
        ip=ip,
        address_class=_class(kind),
        user_agent=agent,
        family=family,
        event=name,
        outcome=OUTCOMES[outcome],
        error_code=error,
        region=region,
        account=account,
        by_service=bool(by_service),
        count=count,
        first_seen=_moment(first),
        last_seen=_moment(last),
        evidence=(unpacked_id(event_id),),
    )


def _habit(row: tuple[Any, ...]) -> Habit:
    day, key, principal, ip, kind, agent, family, name, count = row
    return Habit(_day(day), key, principal, ip, _class(kind), agent, family, name, count)


def _with_evidence(use: Use, event_id: str) -> Use:
    return use if event_id in use.evidence else replace(use, evidence=(*use.evidence, event_id))


def _same_kind(use: Use, row: tuple[Any, ...]) -> bool:
    day, key, principal, ip, _, agent, _, name, outcome, error, region, account, by_service, *_rest = row
    found = (_day(day), key, principal, ip, agent, name, OUTCOMES[outcome], error, region, account, bool(by_service))
    return found == (
        *(use.day, use.key, use.principal, use.ip, use.user_agent, use.event, use.outcome),
        *(use.error_code, use.region, use.account, use.by_service),
    )


def _event(row: tuple[Any, ...]) -> Event:
    event_id, at, name, outcome, error, key, principal, kind, arn, owner, session, *where = row
    ip, address_class, agent, family, region, account, by_service, minted = where
    return Event(
        id=unpacked_id(event_id),
        at=_moment(at),
        name=name,
        outcome=OUTCOMES[outcome],
        error_code=error,
        key=key,
        principal=Principal(principal, kind or None, arn or None, owner or None),
        session=session,
        ip=ip,
        address_class=_class(address_class),
        user_agent=agent,
        family=family,
        region=region,
        account=account,
        by_service=bool(by_service),
        minted=minted,
    )


def _class(number: int | None) -> AddressClass:
    return AddressClass.OTHER if number is None else ADDRESS_CLASSES[number]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _day(number: int) -> date:
    return _EPOCH.date() + timedelta(days=number)


def _seconds(span: Span) -> tuple[int, int]:
    return int(span.since.timestamp()), int(span.until.timestamp())
