"""The history in one SQLite file: the default store."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot.database import Database, open_reader, sqlite3
from bot.history import packing, place_days, practice
from bot.history.chunks import Chunks
from bot.history.coverage import Place, covered
from bot.history.kept import unpacked
from bot.history.moments import Seconds, day_of, moment
from bot.history.newest import Newest
from bot.history.prevalence import prevalence
from bot.history.recent import Recent
from bot.history.rolled import Rolled
from bot.history.sampling import sampled
from bot.history.schema import migrations
from bot.history.selecting import EVERYONE, Selection, principal_alone, principal_ids, selection_of
from bot.history.spelling import Spelling
from bot.model import (
    Coverage,
    Event,
    Habit,
    History,
    HistoryUnavailableError,
    Kind,
    Observable,
    Prevalence,
    Principal,
    Sampled,
    Span,
    Use,
)

# An older record may name the ARN where the newest one does not (CheckMfa, for one).
_ARN = "SELECT max(arn) FROM identity d JOIN principal p ON p.id = d.principal WHERE p.value = ?"
_EDGES = "SELECT min(day * 86400 + first), max(day * 86400 + last) FROM place_day"
_CALLERS = """SELECT n.value, count(DISTINCT principal) FROM practice JOIN name n ON n.id = practice.name
    WHERE {days} GROUP BY 1"""
_POPULATION = """SELECT count(DISTINCT p.id) FROM practice JOIN principal p ON p.id = practice.principal
    WHERE ({days}) AND p.value NOT LIKE 'service:%'"""
_WITH_ID = "instr(packed, ?)"
_OF_DAY = "place IN (SELECT id FROM place) AND day = ?"
_PLACES = """SELECT p.id, a.value, r.value FROM place p JOIN text a ON a.id = p.account JOIN text r ON r.id = p.region
    WHERE EXISTS (SELECT 1 FROM place_day WHERE place = p.id)"""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a record stands: the name of its log (``bot.history.sources``) and its position there, from 0."""

    log: str
    position: int
    day: int
    event_id: bytes
    delivered: bool
    """It came by a stream, and stands nowhere if not in the history."""

    @property
    def in_bucket(self) -> bool:
        return self.log.startswith("s3://")


class SqliteHistory(History):
    """``bot.model.History`` over one file. May be asked from any thread; each has a read-only connection of its own.

    Every question raises ``HistoryUnavailableError`` if the file is missing or is not a history.
    """

    def __init__(self, path: Path, accounts: Sequence[str] = ()) -> None:
        """``accounts`` are those that should have events."""
        self.path = path
        self._accounts = tuple(accounts)
        self._of_thread = threading.local()
        self._opened: list[Database] = []
        self._recent = Recent()
        self._spelling, chunks = Spelling(self.rows), Chunks(self.rows)
        self._rolled = Rolled(self.rows, self._spelling, chunks)
        self._newest = Newest(self.rows, self._spelling, chunks)

    def close(self) -> None:
        """Close every connection; a later question opens a new one."""
        opened, self._opened, self._of_thread = self._opened, [], threading.local()
        for db in opened:
            db.close()

    def ready(self) -> bool:
        """Whether there is a file that this version can ask; opening it to write sees to that.

        ``True`` for a file that cannot be read at all, too: it is for a question to say so.
        """
        try:
            with closing(open_reader(self.path)) as db:
                return not migrations.pending(db)
        except sqlite3.Error:
            return self.path.exists()

    def coverage(self, span: Span) -> Coverage | None:
        """What of ``span`` the history holds; ``None`` if span and history do not meet."""
        held = self.span()
        if held is None:
            return None
        unread = self.rows("SELECT coalesce(sum(count), 0) FROM set_aside")[0][0]
        unfinished = self.rows("SELECT count(*) FROM file WHERE NOT done")[0][0]
        places = self._places(span)
        unseen = set(self._accounts).difference(place.account for place in places)
        places += [Place(account, "", None) for account in unseen]
        return covered(span, held, places, unread=unread, unfinished=unfinished)

    def newest(self) -> datetime | None:
        """The time of the newest event; ``None`` if there is none."""
        held = self.span()
        return held.until if held else None

    def span(self) -> Span | None:
        """From the oldest to the newest event; ``None`` if there is none."""
        first, last = self.rows(_EDGES)[0]
        return None if first is None else Span(moment(first), moment(last))

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        """Everything ``observable`` did, or was used for, inside ``span``; oldest first.

        A principal may be named by its id, its ARN or its bare name; a user agent as ``bot.history.clients`` says, or
        by the terminal in it (``sid/…``); an event by ``service:Name`` or its bare name; an address may be a network.
        """
        uses = self._rolled.uses(self._selected(observable), Seconds.of(span))
        self._recent.gave_uses(uses)
        return uses

    def events(self, observable: Observable, span: Span, *, limit: int | None = 1000) -> Sequence[Event]:
        """The newest ``limit`` events (``None``: all) of ``observable`` inside ``span``, newest first."""
        events = self._newest.events(self._selected(observable), Seconds.of(span), limit)
        self._recent.gave_events(events)
        return events

    def everyones_events(self, span: Span) -> Sequence[Event]:
        """Every event of ``span``, newest first; an action that several accounts logged comes once."""
        return self._newest.events(EVERYONE, Seconds.of(span), None)

    def everyones_habits(self, span: Span) -> Sequence[Habit]:
        """What every principal did on each day of ``span``, and from where: the ground an oddity stands out from."""
        return self._rolled.habits(EVERYONE, Seconds.of(span))

    def habits(self, principal: str, span: Span) -> Sequence[Habit]:
        """What ``principal`` (an id) did on each day of ``span``, and from where."""
        return self._rolled.habits(principal_alone(principal), Seconds.of(span))

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        """Who was behind ``observable`` (a key or principal) most recently before or at ``until``."""
        if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
            return None
        found = self._newest.newest(self._selected(observable), Seconds(_BEGINNING, int(until.timestamp())))
        if found is None:
            return None
        who = found[0].who
        return who if who.arn else replace(who, arn=self.rows(_ARN, [who.id])[0][0] or None)

    def population(self, span: Span) -> int:
        """How many principals did anything on the UTC days of ``span``; AWS's own services do not count."""
        masks = practice.masks(*Seconds.of(span).days)
        query = _POPULATION.format(days=" OR ".join(["block = ? AND days & ?"] * len(masks)))
        return int(self.rows(query, [each for mask in masks for each in mask])[0][0])

    def prevalence(self, event: str, span: Span) -> Prevalence:
        """Who called ``event`` inside ``span``; of a common call no more is read than shows that it is one."""
        selected = self._selected(Observable(Kind.EVENT, event))
        return prevalence(self.rows, self._rolled, event, selected, Seconds.of(span))

    def sampled(self, accounts: Sequence[str], span: Span) -> Sequence[Sampled]:
        """An even sample of what was done in ``accounts`` inside ``span``."""
        return sampled(self.rows, self._spelling, accounts, span)

    def callers(self, first: date, last: date) -> Mapping[str, int]:
        """Event name → how many principals called it on the UTC days from ``first`` to ``last``, both included."""
        masks = practice.masks(day_of(first), day_of(last))
        days = " OR ".join(["block = ? AND days & ?"] * len(masks))
        return dict(self.rows(_CALLERS.format(days=days or "0"), [each for mask in masks for each in mask]))

    def principals(self, value: str) -> tuple[str, ...]:
        """The ids of every principal ``value`` may mean: an id, an ARN, or a bare user or role name."""
        return principal_ids(self.rows, value)

    def pointer(self, event_id: str) -> Pointer | None:
        """Where the record of an event stands.

        Ids are in no index. Of an event that was just named in an answer, the events of its day are read through; of
        any other, all.
        """
        day = self._recent.day_of(event_id)
        near = self._pointer(event_id, f"{_OF_DAY} AND {_WITH_ID}", [day_of(day)]) if day is not None else None
        return near or self._pointer(event_id, _WITH_ID, [])

    def _pointer(self, event_id: str, where: str, values: Sequence[object]) -> Pointer | None:
        wanted, uuid = packing.packed_id(event_id)
        query = f"SELECT day, base, packed FROM event WHERE {where}"  # noqa: S608 - our own words
        for day, base, packed in self.rows(query, [*values, wanted]):
            for each in packing.entries(packed):
                if packing.id_of(each) == wanted and packing.is_uuid(each) == uuid:
                    file, position = packing.place_of(each, base)
                    path, size = self.rows("SELECT path, size FROM file WHERE id = ?", [file])[0]
                    return Pointer(path, position, day, wanted, delivered=size < 0)
        return None

    def kept(self, pointer: Pointer) -> bytes | None:
        """The record itself, without its secrets, where the history keeps it."""
        query = "SELECT packed FROM kept WHERE day = ? AND event_id = ?"
        found = self.rows(query, [pointer.day, pointer.event_id])
        return unpacked(found[0][0]) if found else None

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
            db = open_reader(self.path)
            self._opened.append(db)
            if migrations.applied(db) and migrations.pending(db):
                raise HistoryUnavailableError(
                    f"the history {self.path} was made by an older version:"
                    " `triage ingest` of any log brings it up to date"
                )
            self._of_thread.db = db
        return db

    def _selected(self, observable: Observable) -> Selection:
        return selection_of(self.rows, observable)

    def _places(self, span: Span) -> list[Place]:
        """Each account and region in the history, with its newest event inside ``span``."""
        places, seconds = [], Seconds.of(span)
        for place, account, region in self.rows(_PLACES):
            newest = place_days.newest(self.rows, place, seconds)
            places.append(Place(account, region, None if newest is None else moment(newest)))
        return places


_BEGINNING = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
