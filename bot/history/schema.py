"""The tables of the history file.

Events are kept in three layers. A ``manner`` is everything that events have in common that differ in nothing but their
moment and their id: who called what from where, and how it ended; it stands for 16 days, then another takes its place.
A ``use`` is a daily roll-up: how often a manner was seen on a UTC day, its first, last and newest. What tells single
events apart stands packed in ``event`` (see ``bot.history.packing``). So what an observable did is a few manners, found
by an index over them, and their uses, which lie side by side; whole days are answered from these alone, and an event
costs a few bytes more than its id. Strings are kept once and named by small integers; days are those of the Unix era.
"""

from __future__ import annotations

from sqlite_utils import Migrations

from bot.database import Database, sqlite3
from bot.families import terminal_of
from bot.history import older
from bot.model import AddressClass, Outcome

migrations = Migrations("history")

OUTCOMES = tuple(Outcome)
ADDRESS_CLASSES = tuple(AddressClass)
"""Their position is what the file keeps: append to these enums, never reorder them (a test holds the order)."""

DAY = 86_400
DAYS_IN_BLOCK = 60
"""Days in one ``practice`` row: as many bits as a positive SQLite integer holds, rounded down."""
DAYS_OF_MANNER = 16
"""How long a manner stands. Longer ones are fewer; but a role's sessions leave many that are over after a day, and a
window of 14 days should not have to look through those of many more."""


def bring_up_to_date(db: Database) -> None:
    """Make the tables that are not there yet, in one transaction; of two processes that begin, one makes them.

    Raises ``sqlite3.OperationalError`` with a sentence if a newer version made the file.
    """
    _free_space_as_it_goes(db)
    _refuse_newer(db)
    if not migrations.pending(db):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(db)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def _refuse_newer(db: Database) -> None:
    known = {each.name for each in migrations.pending(Database(memory=True))}
    if unknown := [each.name for each in migrations.applied(db) if each.name not in known]:
        raise sqlite3.OperationalError(
            f"it was made by a newer version of this program ({unknown[-1]} is not known here): run that version,"
            " or make a new history with `triage ingest`"
        )


def _free_space_as_it_goes(db: Database) -> None:
    """Let pages be given back while the history is in use; to be said before there is a table."""
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("VACUUM")


@migrations()
def m001_events(db: Database) -> None:
    for statement in _EVENTS:
        db.execute(statement)


@migrations()
def m002_kept(db: Database) -> None:
    for statement in _KEPT:
        db.execute(statement)


@migrations()
def m003_detail(db: Database) -> None:
    """Of ``text``: what is kept of a request or an error message (``bot.history.details``); NULL for most uses."""
    db.execute("ALTER TABLE use ADD COLUMN detail INTEGER")


@migrations()
def m004_terminal(db: Database) -> None:
    """The terminal an AWS CLI was used in, so that the other keys of that terminal are found without a search."""
    db.execute("ALTER TABLE agent ADD COLUMN terminal TEXT")
    known = [(terminal_of(value), number) for number, value in db.execute("SELECT id, value FROM agent").fetchall()]
    db.conn.executemany("UPDATE agent SET terminal = ? WHERE id = ?", [each for each in known if each[0]])
    db.execute("CREATE INDEX agent_terminal ON agent (terminal) WHERE terminal IS NOT NULL")


@migrations()
def m005_retired(db: Database) -> None:
    for statement in _RETIRED:
        db.execute(statement)


@migrations()
def m006_manners(db: Database) -> None:
    """Manners apart from their uses; what was loaded before stays."""
    older.convert(db, _MANNERS)


@migrations()
def m007_place_seconds(db: Database) -> None:
    """When there were events on the days of a place; what was loaded before is looked through once."""
    db.execute(_PLACE_SECONDS)
    older.note_seconds(db)


@migrations()
def m008_agent_begins(db: Database) -> None:
    """A client is looked up by what its user agent begins with, in capital or small letters."""
    db.execute("CREATE INDEX agent_begins ON agent (value COLLATE NOCASE)")


_EVENTS = (
    "CREATE TABLE text (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE)",
    "CREATE TABLE name (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE)",
    "CREATE TABLE agent (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE, family TEXT NOT NULL)",
    "CREATE INDEX agent_family ON agent (family)",
    "CREATE TABLE address (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE, class INTEGER NOT NULL)",
    "CREATE TABLE principal (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE)",
    """CREATE TABLE identity (
        id INTEGER PRIMARY KEY,
        principal INTEGER NOT NULL REFERENCES principal (id),
        type TEXT NOT NULL, arn TEXT NOT NULL, account TEXT NOT NULL,
        UNIQUE (principal, type, arn, account))""",
    "CREATE INDEX identity_arn ON identity (arn)",
    # A file is known by its path, size and time of change; ``done`` is set in the transaction of its last record.
    """CREATE TABLE file (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, changed INTEGER NOT NULL,
        records INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE set_aside (
        file INTEGER NOT NULL REFERENCES file (id), line INTEGER, reason TEXT NOT NULL, count INTEGER NOT NULL)""",
    "CREATE INDEX set_aside_file ON set_aside (file)",
    # Every pair in ``use``, so that a day of everything is a few look-ups in ``use_place``.
    """CREATE TABLE place (
        account INTEGER NOT NULL, region INTEGER NOT NULL, PRIMARY KEY (account, region)) WITHOUT ROWID""",
    # key, session, error, region and account are of ``text``. ``copy`` marks all but one of the copies of an action
    # that was delivered to several accounts. ``newest`` holds the newest two of its events, packed; ``chunks`` how many
    # rows of ``event`` it ever had.
    """CREATE TABLE use (
        id INTEGER PRIMARY KEY,
        day INTEGER NOT NULL, key INTEGER, principal INTEGER NOT NULL, identity INTEGER NOT NULL, session INTEGER,
        address INTEGER, agent INTEGER NOT NULL, name INTEGER NOT NULL, outcome INTEGER NOT NULL, error INTEGER,
        region INTEGER NOT NULL, account INTEGER NOT NULL, by_service INTEGER NOT NULL, copy INTEGER NOT NULL,
        count INTEGER NOT NULL, chunks INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        newest BLOB NOT NULL)""",
    "CREATE INDEX use_key ON use (key, day) WHERE key IS NOT NULL",
    "CREATE INDEX use_principal ON use (principal, day)",
    "CREATE INDEX use_address ON use (address, day) WHERE address IS NOT NULL",
    "CREATE INDEX use_name ON use (name, day)",
    "CREATE INDEX use_agent ON use (agent, day)",
    "CREATE INDEX use_place ON use (account, region, day)",
    # One row for the events of a use that were stored together.
    """CREATE TABLE event (
        use INTEGER NOT NULL, chunk INTEGER NOT NULL, packed BLOB NOT NULL, PRIMARY KEY (use, chunk)) WITHOUT ROWID""",
    # The spelling of event ids that are no UUIDs, by the digest that stands for them.
    "CREATE TABLE odd_id (digest BLOB PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # The access keys that events gave out.
    """CREATE TABLE minted (
        day INTEGER NOT NULL, event_id BLOB NOT NULL, key TEXT NOT NULL, PRIMARY KEY (day, event_id)) WITHOUT ROWID""",
    # Events that other records bear on: copies of one action (``shared``), and those that a record has corrected.
    """CREATE TABLE relation (
        event_id BLOB NOT NULL, account INTEGER NOT NULL, shared TEXT, amended_by TEXT, home INTEGER NOT NULL,
        use INTEGER NOT NULL, PRIMARY KEY (event_id, account)) WITHOUT ROWID""",
    "CREATE INDEX relation_shared ON relation (shared) WHERE shared IS NOT NULL",
    # Which principals called what, on which days: bit d of ``days`` is day block * 60 + d. Copies do not count.
    """CREATE TABLE practice (
        block INTEGER NOT NULL, name INTEGER NOT NULL, principal INTEGER NOT NULL, days INTEGER NOT NULL,
        PRIMARY KEY (block, name, principal)) WITHOUT ROWID""",
)

_KEPT = (
    # Raw records that stand nowhere else, compressed and without their secrets (``bot.history.kept``).
    """CREATE TABLE kept (
        day INTEGER NOT NULL, event_id BLOB NOT NULL, packed BLOB NOT NULL, PRIMARY KEY (day, event_id))
        WITHOUT ROWID""",
    "CREATE TABLE kept_day (day INTEGER PRIMARY KEY, bytes INTEGER NOT NULL)",
)

_RETIRED = (
    # The day of the newest event that was read from a file: with that day, the file is forgotten.
    "ALTER TABLE file ADD COLUMN newest INTEGER",
    "CREATE INDEX file_newest ON file (newest) WHERE newest IS NOT NULL",
    # How many events have left, and how many records had been read from files that are forgotten.
    "CREATE TABLE retired (events INTEGER NOT NULL, records INTEGER NOT NULL)",
    "INSERT INTO retired VALUES (0, 0)",
)

_MANNERS = (
    # Every account and region there is anything of.
    """CREATE TABLE place (
        id INTEGER PRIMARY KEY, account INTEGER NOT NULL, region INTEGER NOT NULL, UNIQUE (account, region))""",
    # Its newest and oldest event on each day; seconds of the day.
    """CREATE TABLE place_day (
        place INTEGER NOT NULL, day INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
        PRIMARY KEY (place, day)) WITHOUT ROWID""",
    # key, session, error and detail are of ``text``. ``copy`` marks all but one of the copies of an action that was
    # delivered to several accounts. ``digest`` finds a manner by all of its columns; ``block`` counts 16 days each.
    """CREATE TABLE manner (
        id INTEGER PRIMARY KEY, block INTEGER NOT NULL, digest INTEGER NOT NULL,
        key INTEGER, principal INTEGER NOT NULL, identity INTEGER NOT NULL, session INTEGER, address INTEGER,
        agent INTEGER NOT NULL, name INTEGER NOT NULL, outcome INTEGER NOT NULL, error INTEGER, detail INTEGER,
        place INTEGER NOT NULL, by_service INTEGER NOT NULL, copy INTEGER NOT NULL)""",
    "CREATE INDEX manner_digest ON manner (block, digest)",
    "CREATE INDEX manner_key ON manner (key, block) WHERE key IS NOT NULL",
    "CREATE INDEX manner_principal ON manner (principal, block)",
    "CREATE INDEX manner_address ON manner (address, block) WHERE address IS NOT NULL",
    "CREATE INDEX manner_name ON manner (name, block)",
    "CREATE INDEX manner_agent ON manner (agent, block)",
    # ``newest`` and ``before`` are the sorting parts of the newest two events, the second empty if there is but one;
    # ``first`` and ``last`` are seconds of the day.
    """CREATE TABLE use (
        manner INTEGER NOT NULL, day INTEGER NOT NULL, place INTEGER NOT NULL, count INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, newest BLOB NOT NULL, before BLOB NOT NULL,
        PRIMARY KEY (manner, day)) WITHOUT ROWID""",
    "CREATE INDEX use_place ON use (place, day)",
    # One row for the events of a use that were stored together. The number of a file is that of an entry plus ``base``.
    """CREATE TABLE event (
        place INTEGER NOT NULL, day INTEGER NOT NULL, manner INTEGER NOT NULL, chunk INTEGER NOT NULL,
        base INTEGER NOT NULL, packed BLOB NOT NULL, PRIMARY KEY (place, day, manner, chunk)) WITHOUT ROWID""",
    # The number of the last chunk.
    "CREATE TABLE stored (chunk INTEGER NOT NULL)",
    """CREATE TABLE relation (
        event_id BLOB NOT NULL, account INTEGER NOT NULL, shared TEXT, amended_by TEXT, home INTEGER NOT NULL,
        manner INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (event_id, account)) WITHOUT ROWID""",
    "CREATE INDEX relation_shared ON relation (shared) WHERE shared IS NOT NULL",
    "CREATE INDEX relation_day ON relation (day)",
)

# In which seconds of each day a place has events (``bot.history.place_days``).
_PLACE_SECONDS = """CREATE TABLE place_seconds (
    place INTEGER NOT NULL, day INTEGER NOT NULL, seconds BLOB NOT NULL, PRIMARY KEY (place, day)) WITHOUT ROWID"""
