"""The tables of the history file.

Strings are kept once and named by small integers, which makes an event, its indexes included, a fraction of its JSON.
Times are Unix seconds. Event ids that are UUIDs, as CloudTrail's are, are kept as their 16 bytes.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from bot.model import AddressClass, Outcome

migrations = Migrations("history")

OUTCOMES = tuple(Outcome)
ADDRESS_CLASSES = tuple(AddressClass)
"""Their position is what the file keeps: append to these enums, never reorder them (a test holds the order)."""


@migrations()
def m001_events(db: Database) -> None:
    for statement in _EVENTS:
        db.execute(statement)


@migrations()
def m002_minted(db: Database) -> None:
    # Of ``text``: the access key an event gave out. It stays empty in events that were loaded before it was kept.
    db.execute("ALTER TABLE event ADD COLUMN minted INTEGER")


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
    # A file is known by its path; ``done`` is set in the transaction that stores its last record.
    """CREATE TABLE file (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,
        records INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE set_aside (
        file INTEGER NOT NULL REFERENCES file (id), line INTEGER, reason TEXT NOT NULL, count INTEGER NOT NULL)""",
    "CREATE INDEX set_aside_file ON set_aside (file)",
    # Every pair in ``event``, so that what is covered can be told without reading it all.
    """CREATE TABLE place (
        account INTEGER NOT NULL, region INTEGER NOT NULL, PRIMARY KEY (account, region)) WITHOUT ROWID""",
    # key, session, error, region and account are of ``text``. ``copy`` marks all but one of the copies of an action
    # that was delivered to several accounts; file and position point at the raw record.
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        event_id BLOB NOT NULL, account INTEGER NOT NULL, at INTEGER NOT NULL, name INTEGER NOT NULL,
        outcome INTEGER NOT NULL, error INTEGER, key INTEGER, principal INTEGER NOT NULL, identity INTEGER NOT NULL,
        session INTEGER, address INTEGER, agent INTEGER NOT NULL, region INTEGER NOT NULL,
        by_service INTEGER NOT NULL, home INTEGER NOT NULL, copy INTEGER NOT NULL DEFAULT 0,
        shared INTEGER, amended_by TEXT, file INTEGER NOT NULL, position INTEGER NOT NULL,
        UNIQUE (event_id, account))""",
    "CREATE INDEX event_at ON event (at)",
    "CREATE INDEX event_key ON event (key, at) WHERE key IS NOT NULL",
    "CREATE INDEX event_principal ON event (principal, at)",
    "CREATE INDEX event_address ON event (address, at) WHERE address IS NOT NULL",
    "CREATE INDEX event_name ON event (name, at)",
    "CREATE INDEX event_agent ON event (agent, at)",
    "CREATE INDEX event_account ON event (account, region, at)",
    "CREATE INDEX event_shared ON event (shared) WHERE shared IS NOT NULL",
)


def packed_id(event_id: str) -> bytes | str:
    """A UUID in its usual spelling as 16 bytes; any other id as it is."""
    if len(event_id) == _UUID_LENGTH and event_id == event_id.lower():
        try:
            packed = bytes.fromhex(event_id.replace("-", ""))
        except ValueError:
            return event_id
        return packed if unpacked_id(packed) == event_id else event_id
    return event_id


def unpacked_id(packed: bytes | str) -> str:
    if isinstance(packed, str):
        return packed
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_UUID_LENGTH = 36
