"""Events → the history file, in batches; each batch is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.database import Database, open_writer
from bot.history.normal import Reading
from bot.history.schema import ADDRESS_CLASSES, OUTCOMES, migrations, packed_id
from bot.model import Event

_CLASS_NUMBERS = {kind: number for number, kind in enumerate(ADDRESS_CLASSES)}
_OUTCOME_NUMBERS = {outcome: number for number, outcome in enumerate(OUTCOMES)}

_INSERT = """INSERT {either} INTO event (event_id, account, at, name, outcome, error, key, principal, identity, session,
    address, agent, region, by_service, home, shared, amended_by, file, position, minted)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_REPLACED = (
    *("at", "name", "outcome", "error", "key", "principal", "identity", "session", "address", "agent", "region"),
    *("by_service", "home", "shared", "amended_by", "file", "position", "minted"),
)
_KEEP = _INSERT.format(either="OR IGNORE")
# A correction takes the place of what it corrects, whichever is read first; of two, the greater id stays.
_CORRECT = (
    _INSERT.format(either="")
    + " ON CONFLICT (event_id, account) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _REPLACED)
    + ", copy = 0"
    + " WHERE event.amended_by IS NULL OR event.amended_by < excluded.amended_by"
)
# Of the copies of one action the caller's own account's counts, else that of the lowest account.
_MARK_COPIES = """UPDATE event SET copy = (id <> (
        SELECT e.id FROM event e JOIN text a ON a.id = e.account WHERE e.shared = event.shared
        ORDER BY e.home DESC, a.value, e.event_id LIMIT 1))
    WHERE shared = ?"""

Row = tuple[object, ...]
_ID, _ACCOUNT, _REGION = 0, 1, 12
"""Where they stand in a row to insert."""


class HistoryWriter:
    """The writing connection to a history file. One thread; other processes may read, and take turns writing.

    Raises what ``bot.database.open_writer`` raises.
    """

    def __init__(self, path: Path) -> None:
        # A load that loses its last seconds to a power cut is run again; NORMAL never damages the file.
        self._db = open_writer(path, synchronous="NORMAL")
        # Ids are random, so inserts touch all of an index: with the default of 2 MB a load reads it over and over.
        self._db.execute("PRAGMA cache_size = -65536")
        migrations.apply(self._db)
        self._numbers = _Numbers(self._db)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is kept, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            self._numbers.forget()
            raise

    def begin_file(self, path: str) -> int:
        """The number of a file that is about to be read, again or for the first time."""
        insert = "INSERT INTO file (path) VALUES (?) ON CONFLICT (path) DO UPDATE SET done = 0 RETURNING id"
        return int(self._db.execute(insert, [path]).fetchone()[0])

    def end_file(self, file: int, records: int, set_aside: Sequence[tuple[int | None, str, int]]) -> None:
        """Mark a file as read to its end: how many of its records were taken, and (line, reason, count) of the rest."""
        self._db.execute("UPDATE file SET records = ?, done = 1 WHERE id = ?", [records, file])
        self._db.execute("DELETE FROM set_aside WHERE file = ?", [file])
        self._db.conn.executemany("INSERT INTO set_aside VALUES (?, ?, ?, ?)", [(file, *entry) for entry in set_aside])

    def add(self, file: int, readings: Sequence[tuple[int, Reading]]) -> int:
        """Store the readings of a file, each with its position; returns how many events were not yet held."""
        originals = [self._row(file, position, each) for position, each in readings if each.amended_by is None]
        amended = [self._row(file, position, each) for position, each in readings if each.amended_by is not None]
        added = max(0, self._db.conn.executemany(_KEEP, originals).rowcount) if originals else 0
        regrouped = {self._numbers.text(each.shared_id) for _, each in readings}
        for row in amended:
            new, left = self._correct(row)
            added += new
            regrouped.add(left)
        places = {(row[_ACCOUNT], row[_REGION]) for row in (*originals, *amended)}
        self._db.conn.executemany("INSERT OR IGNORE INTO place VALUES (?, ?)", places)
        for shared in regrouped - {None}:
            self._db.execute(_MARK_COPIES, [shared])
        return added

    def _correct(self, row: Row) -> tuple[int, int | None]:
        """Store a correction; returns 1 if its event was not yet held, and the copies its original was one of."""
        query = "SELECT shared FROM event WHERE event_id = ? AND account = ?"
        held = self._db.execute(query, [row[_ID], row[_ACCOUNT]]).fetchone()
        self._db.execute(_CORRECT, list(row))
        return (0, held[0]) if held else (1, None)

    def _row(self, file: int, position: int, reading: Reading) -> Row:
        event, numbers = reading.event, self._numbers
        principal, identity = numbers.identity(event)
        return (
            packed_id(event.id),
            numbers.text(event.account),
            int(event.at.timestamp()),
            numbers.name(event.name),
            _OUTCOME_NUMBERS[event.outcome],
            numbers.text(event.error_code),
            numbers.text(event.key),
            principal,
            identity,
            numbers.text(event.session),
            numbers.address(event),
            numbers.agent(event),
            numbers.text(event.region),
            int(event.by_service),
            int(reading.home),
            numbers.text(reading.shared_id),
            reading.amended_by,
            file,
            position,
            numbers.text(event.minted),
        )


class _Numbers:
    """String → the integer that stands for it in the file, remembered while the transaction holds."""

    _REMEMBERED = 500_000

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[tuple[object, ...], int] = {}

    def forget(self) -> None:
        self._known.clear()

    def text(self, value: str | None) -> int | None:
        return None if value is None else self._number("text", value)

    def name(self, value: str) -> int:
        return self._number("name", value)

    def agent(self, event: Event) -> int:
        return self._number("agent", event.user_agent, family=event.family)

    def address(self, event: Event) -> int | None:
        if event.ip is None:
            return None
        return self._number("address", event.ip, **{"class": _CLASS_NUMBERS[event.address_class]})

    def identity(self, event: Event) -> tuple[int, int]:
        who = event.principal
        principal = self._number("principal", who.id)
        row = {"principal": principal, "type": who.type or "", "arn": who.arn or "", "account": who.account or ""}
        return principal, self._remembered(("identity", *row.values()), lambda: self._inserted("identity", row))

    def _number(self, table: str, value: str, **more: object) -> int:
        return self._remembered((table, value), lambda: self._inserted(table, {"value": value}, **more))

    def _remembered(self, key: tuple[object, ...], find: Callable[[], int]) -> int:
        number = self._known.get(key)
        if number is None:
            if len(self._known) >= self._REMEMBERED:
                self._known.clear()
            number = self._known[key] = find()
        return number

    def _inserted(self, table: str, key: dict[str, object], **more: object) -> int:
        row = {**key, **more}
        where = " AND ".join(f"{column} = ?" for column in key)
        select = f"SELECT id FROM {table} WHERE {where}"  # noqa: S608 - table and columns are this module's own words
        found = self._db.execute(select, list(key.values())).fetchone()
        if found is None:
            places = ", ".join("?" * len(row))
            insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"  # noqa: S608 - same
            found = self._db.execute(insert, list(row.values())).fetchone()
        return int(found[0])
