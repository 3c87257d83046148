"""What Slack shall show. Every function runs inside a caller's transaction.

A row of kind ``message`` says "the message in this *slot* reads so": the sender posts it the first time and updates
it in place ever after, and of several waiting for one slot only the newest is sent. ``reply`` is a message in the
thread of another slot. ``respond`` answers one person through the response_url of what they did; ``view`` changes an
open modal.

A lane keeps its order, with one exception: a message goes before replies that nobody has tried to send. A thread
takes seconds at Slack's pace, and the card of the next alert must not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.database import Database
from bot.model import Place, rfc3339

LEASE_SECONDS = 60.0

_DUE = (
    "FROM outbox AS o WHERE due_at <= ? AND (state = 'ready' OR (state = 'sending' AND leased_until < ?))"
    " AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.lane = o.lane"
    "   AND earlier.id < o.id AND earlier.state IN ('ready', 'sending')"
    "   AND NOT (o.kind = 'message' AND earlier.kind = 'reply' AND earlier.attempts = 0))"
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    id: int
    kind: str
    lane: str
    slot: str | None
    payload: Mapping[str, Any]
    attempts: int
    interrupted: bool
    """An earlier attempt was cut off: Slack may or may not have it, so look before posting."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a slot's message stands in Slack."""

    channel: str
    ts: str


def show(
    db: Database,
    slot: str,
    channel: str,
    message: Mapping[str, Any],
    now: datetime,
    *,
    under: str | None = None,
    loud: bool = False,
) -> None:
    """Have the message in ``slot`` read ``message`` (``text`` and ``blocks``); ``under`` names the slot whose thread
    it belongs to. What the slot shows already is not sent again. ``loud``: in the channel as well as in the thread,
    and before what nobody waits for."""
    payload = {"channel": channel, "message": dict(message), "under": under, **({"loud": True} if loud else {})}
    newest = db.execute("SELECT payload, state FROM outbox WHERE slot = ? ORDER BY id DESC LIMIT 1", [slot]).fetchone()
    if newest and newest[1] != "refused" and json.loads(newest[0]) == payload:
        return
    # A waiting row keeps its place in the lane: what is to stand under it must not overtake it.
    waiting = db.execute(
        "UPDATE outbox SET payload = ? WHERE slot = ? AND state = 'ready'", [json.dumps(payload), slot]
    )
    if not waiting.rowcount:
        _add(db, "reply" if under and not loud else "message", channel, slot, payload, now)


def at_message(db: Database, place: Place) -> str:
    """The slot of a message that is not ours, so that ours can stand in its thread."""
    slot = f"message:{place.channel}:{place.ts}"
    db.execute("INSERT OR IGNORE INTO messages (slot, channel, ts) VALUES (?, ?, ?)", [slot, place.channel, place.ts])
    return slot


def publish(db: Database, user: str, view: Mapping[str, Any], now: datetime) -> None:
    """Have the Home tab of ``user`` show ``view``."""
    _add(db, "home", f"home:{user}", None, {"user": user, "view": dict(view)}, now)


def respond(db: Database, response_url: str, message: Mapping[str, Any], now: datetime) -> None:
    """Answer the person behind ``response_url``; only they see it."""
    _add(db, "respond", response_url, None, {"response_url": response_url, "message": dict(message)}, now)


def change_view(
    db: Database, external_id: str, view: Mapping[str, Any], now: datetime, *, not_before: datetime | None = None
) -> None:
    """Change an open modal, named by the id we gave it: Slack's own is not known before it is open."""
    payload = {"external_id": external_id, "view": dict(view)}
    _add(db, "view", external_id, None, payload, now, due_at=not_before)


def waiting(db: Database, now: datetime) -> bool:
    """Whether :func:`claim` would find a row; reads only."""
    moment = now.timestamp()
    return bool(db.execute(f"SELECT 1 {_DUE} LIMIT 1", [moment, moment]).fetchone())


def claim(db: Database, now: datetime) -> Outgoing | None:
    """The next row that may be sent: due, and its lane's turn. It is marked before it is sent."""
    moment = now.timestamp()
    row = db.execute(
        f"SELECT id, kind, lane, slot, payload, attempts, state {_DUE} ORDER BY kind = 'reply', due_at, id LIMIT 1",
        [moment, moment],
    ).fetchone()
    if row is None:
        return None
    db.execute(
        "UPDATE outbox SET state = 'sending', leased_until = ?, attempts = attempts + 1 WHERE id = ?",
        [moment + LEASE_SECONDS, row[0]],
    )
    return Outgoing(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5] + 1, row[6] == "sending")


def release_all(db: Database) -> int:
    """Free what a dead sender had claimed; each such row is looked for in Slack before it is posted again."""
    return int(db.execute("UPDATE outbox SET leased_until = 0 WHERE state = 'sending'").rowcount)


def posted(db: Database, slot: str) -> Posted | None:
    """Where the message of ``slot`` stands; ``None`` if it was never posted."""
    row = db.execute("SELECT channel, ts FROM messages WHERE slot = ?", [slot]).fetchone()
    return Posted(*row) if row else None


def sent(db: Database, outgoing: Outgoing, now: datetime, *, at: Posted | None = None) -> None:
    """Record that Slack has it, and where."""
    db.execute("UPDATE outbox SET state = 'sent', sent_at = ? WHERE id = ?", [rfc3339(now), outgoing.id])
    if at and outgoing.slot:
        db.execute(
            "INSERT INTO messages (slot, channel, ts) VALUES (?, ?, ?)"
            " ON CONFLICT (slot) DO UPDATE SET channel = excluded.channel, ts = excluded.ts",
            [outgoing.slot, at.channel, at.ts],
        )


def postpone(db: Database, outgoing: Outgoing, until: datetime, error: str, *, maybe_sent: bool) -> None:
    """Try again at ``until``. ``maybe_sent``: the answer was lost, so the next attempt looks before it posts."""
    db.execute(
        "UPDATE outbox SET state = ?, leased_until = 0, due_at = ?, error = ? WHERE id = ?",
        ["sending" if maybe_sent else "ready", until.timestamp(), error, outgoing.id],
    )


def hold(db: Database, outgoing: Outgoing, until: datetime) -> None:
    """Not yet: nothing was tried, so the attempt does not count."""
    db.execute(
        "UPDATE outbox SET state = ?, leased_until = 0, due_at = ?, attempts = attempts - 1 WHERE id = ?",
        ["sending" if outgoing.interrupted else "ready", until.timestamp(), outgoing.id],
    )


def give_up(db: Database, outgoing: Outgoing, error: str, now: datetime) -> None:
    """Slack refuses it for good (a closed modal, a used-up response_url): keep the row with the reason."""
    db.execute(
        "UPDATE outbox SET state = 'refused', error = ?, sent_at = ? WHERE id = ?", [error, rfc3339(now), outgoing.id]
    )


def _add(
    db: Database,
    kind: str,
    lane: str,
    slot: str | None,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    due_at: datetime | None = None,
) -> None:
    db.execute(
        "INSERT INTO outbox (kind, lane, slot, payload, state, attempts, due_at, created_at)"
        " VALUES (?, ?, ?, ?, 'ready', 0, ?, ?)",
        [kind, lane, slot, json.dumps(payload), (due_at or now).timestamp(), rfc3339(now)],
    )
