"""What Slack shall show. Every function runs inside a caller's transaction.

A row of kind ``message`` says "the message in this *slot* reads so": the sender posts it the first time and updates
it in place ever after, and of several waiting for one slot only the newest is sent. ``reply`` is a message in the
thread of another slot. ``file`` is one or more files in such a thread, in a lane of its own: no message waits for
it. ``respond`` answers one person through the response_url of what they did; ``view`` changes an
open modal.

A lane (a channel, a window, a person to be answered) sends one row after the other. In a channel the most urgent
message goes first, then the threads in their order: a thread takes seconds at Slack's pace, and the card of the next
alert must not wait for it. Nothing overtakes the message whose thread it belongs to, or a row that has been tried. What
one person waits for (an answer, a window, Home) goes before everything; Slack counts it apart.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.database import Database
from bot.model import Place, rfc3339

LEASE_SECONDS = 60.0
FILE = "file"
ASKED = 1000
"""The urgency of what a person has asked for; it keeps that."""

LOUD = 700
"""The urgency of what must be heard: before every card but one that somebody has asked for."""

_CHANNELS = (
    "SELECT DISTINCT lane FROM outbox WHERE state IN ('ready', 'sending') AND kind IN ('message', 'reply')"
    " UNION SELECT DISTINCT lane FROM outbox WHERE state IN ('ready', 'sending') AND kind = 'file'"
)
_COLUMNS = "o.id, o.kind, o.lane, o.slot, o.payload, o.attempts, o.state, o.due_at, o.urgency, o.leased_until"
_TRIED = f"SELECT {_COLUMNS} FROM outbox o WHERE lane = ? AND (state = 'sending' OR state = 'ready' AND attempts > 0)"
_PERSONAL = (
    f"SELECT {_COLUMNS} FROM outbox o WHERE state IN ('ready', 'sending') AND kind IN ('respond', 'view', 'home')"
    " AND due_at <= ? AND (state = 'ready' OR leased_until < ?) AND NOT EXISTS (SELECT 1 FROM outbox earlier"
    "   WHERE earlier.lane = o.lane AND earlier.id < o.id AND earlier.state IN ('ready', 'sending'))"
    " ORDER BY due_at, id LIMIT 1"
)
_SENDABLE = (
    f"SELECT {_COLUMNS} FROM outbox o LEFT JOIN messages m ON m.slot = o.slot WHERE lane = ? AND state = 'ready'"
    " AND due_at <= ? AND coalesce(m.shown_at, 0) <= ? AND NOT EXISTS (SELECT 1 FROM outbox p"
    "   WHERE p.slot = o.parent AND p.slot <> o.slot AND p.state IN ('ready', 'sending')"
    "     AND NOT EXISTS (SELECT 1 FROM messages q WHERE q.slot = p.slot))"
)
_MESSAGE = f"{_SENDABLE} AND kind <> 'reply' ORDER BY urgency DESC, id LIMIT 1"
_FIRST = f"{_SENDABLE} AND kind <> 'reply' AND m.slot IS NULL ORDER BY urgency DESC, id LIMIT 1"
_REPLY = f"{_SENDABLE} AND kind = 'reply' ORDER BY id LIMIT 1"


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


@dataclass(frozen=True, slots=True)
class Trouble:
    """A lane that Slack refuses: why, in Slack's word, and how many messages wait there."""

    lane: str
    error: str
    waiting: int


def show(
    db: Database,
    slot: str,
    channel: str,
    message: Mapping[str, Any],
    now: datetime,
    *,
    under: str | None = None,
    loud: bool = False,
    urgency: int = 0,
) -> None:
    """Have the message in ``slot`` read ``message`` (``text`` and ``blocks``); ``under`` names the slot whose thread
    it belongs to. What the slot shows already is not sent again. ``loud``: in the channel as well as in the thread,
    and before what nobody waits for. Of the messages of a channel the one of the highest ``urgency`` goes first."""
    payload = {"channel": channel, "message": dict(message), "under": under, **({"loud": True} if loud else {})}
    newest = db.execute(
        "SELECT payload, state, urgency FROM outbox WHERE slot = ? ORDER BY id DESC LIMIT 1", [slot]
    ).fetchone()
    if loud:
        urgency = max(urgency, LOUD)
    if newest and newest[2] >= ASKED:
        urgency = max(urgency, newest[2])
    if newest and newest[1] in {"sending", "sent"} and json.loads(newest[0]) == payload:
        return
    # A waiting row keeps its place in the lane: what is to stand under it must not overtake it.
    waiting = db.execute(
        "UPDATE outbox SET payload = ?, urgency = ? WHERE slot = ? AND state = 'ready'",
        [json.dumps(payload), urgency, slot],
    )
    if not waiting.rowcount:
        kind = "reply" if under and not loud and urgency < ASKED else "message"
        _add(db, kind, channel, slot, payload, now, urgency=urgency, parent=under)


def upload(
    db: Database, slot: str, channel: str, files: Sequence[Mapping[str, Any]], now: datetime, *, under: str
) -> None:
    """Have the thread of the slot ``under`` hold ``files``: ``filename``, ``title``, ``alt_txt``, base64 ``content``.

    They cannot be changed in place: others are sent anew, and the same ones never again, taken or not.
    """
    payload = json.dumps({"channel": channel, "files": [dict(file) for file in files], "under": under})
    newest = db.execute("SELECT payload FROM outbox WHERE slot = ? ORDER BY id DESC LIMIT 1", [slot]).fetchone()
    if newest and newest[0] == payload:
        return
    waiting = db.execute("UPDATE outbox SET payload = ? WHERE slot = ? AND state = 'ready'", [payload, slot])
    if not waiting.rowcount:
        _add(db, FILE, f"files:{channel}", slot, json.loads(payload), now, parent=under)


def withdraw(db: Database, slot: str) -> None:
    """Let the message in ``slot`` be, if nobody has tried to send it yet."""
    db.execute("DELETE FROM outbox WHERE slot = ? AND state = 'ready' AND attempts = 0", [slot])


def is_known(db: Database, slot: str) -> bool:
    """Whether ``slot`` has a message in Slack, or one on its way there."""
    return (
        db.execute("SELECT 1 FROM outbox WHERE slot = ? AND state <> 'refused' LIMIT 1", [slot]).fetchone() is not None
    )


def unposted(db: Database, channel: str) -> int:
    """How many messages wait to be posted in ``channel`` for the first time, threads not counted."""
    row = db.execute(
        "SELECT count(*) FROM outbox o LEFT JOIN messages m ON m.slot = o.slot WHERE lane = ?"
        " AND state IN ('ready', 'sending') AND kind = 'message' AND m.slot IS NULL",
        [channel],
    ).fetchone()
    return int(row[0])


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


def waiting(db: Database, now: datetime, **asked: Any) -> bool:
    """Whether :func:`claim` would find a row; reads only."""
    return _next(db, now, **asked) is not None


def claim(db: Database, now: datetime, **asked: Any) -> Outgoing | None:
    """The next row that may be sent: due, and its lane's turn. It is marked before it is sent.

    ``resting``: lanes that may not be written to yet. ``edits``: how long a message is left as it is before it is
    changed again. ``personal``: only what one person waits for.
    """
    row = _next(db, now, **asked)
    if row is None:
        return None
    db.execute(
        "UPDATE outbox SET state = 'sending', leased_until = ?, attempts = attempts + 1 WHERE id = ?",
        [now.timestamp() + LEASE_SECONDS, row[0]],
    )
    return Outgoing(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5] + 1, row[6] == "sending")


def _next(
    db: Database,
    now: datetime,
    *,
    resting: Collection[str] = (),
    edits: timedelta = timedelta(0),
    personal: bool = False,
) -> Any:
    moment = now.timestamp()
    answer = db.execute(_PERSONAL, [moment, moment]).fetchone()
    if answer or personal:
        return answer
    channels = [lane for (lane,) in db.execute(_CHANNELS).fetchall() if lane not in resting]
    heads = [head for lane in channels if (head := _head(db, lane, moment, moment - edits.total_seconds()))]
    return min(heads, key=_turn, default=None)


def _head(db: Database, channel: str, moment: float, edited_before: float) -> Any:
    """The row of ``channel`` whose turn it is, if it is due and nothing is being sent there."""
    if tried := db.execute(f"{_TRIED} ORDER BY state DESC, id LIMIT 1", [channel]).fetchone():
        leased = tried[6] == "sending" and tried[9] >= moment
        return tried if tried[7] <= moment and not leased else None
    sendable = [channel, moment, edited_before]
    message = db.execute(_MESSAGE, sendable).fetchone()
    if message and message[8] < LOUD:
        # What a card says now may be said a little later; a case that has none is not seen at all.
        message = db.execute(_FIRST, sendable).fetchone() or message
    return message or db.execute(_REPLY, sendable).fetchone()


def _turn(head: Any) -> tuple[bool, int, float, int]:
    return head[1] == "reply", -head[8], head[7], head[0]


def troubles(db: Database) -> tuple[Trouble, ...]:
    """The lanes whose last attempt Slack answered with a word, each with what waits for it."""
    rows = db.execute(
        "SELECT t.lane, t.error, (SELECT count(*) FROM outbox w WHERE w.lane = t.lane AND w.state IN"
        " ('ready', 'sending')) FROM outbox t WHERE (t.state = 'sending' OR t.state = 'ready' AND t.attempts > 0)"
        " AND t.error IS NOT NULL AND t.kind IN ('message', 'reply') GROUP BY t.lane ORDER BY t.lane"
    )
    return tuple(Trouble(*row) for row in rows.fetchall())


def cases_waiting(db: Database, lane: str) -> list[int]:
    """The cases whose cards wait in ``lane``, the most urgent first."""
    rows = db.execute(
        "SELECT slot FROM outbox WHERE lane = ? AND state IN ('ready', 'sending') AND kind = 'message'"
        " AND slot LIKE 'case:%:card%' ORDER BY urgency DESC, id",
        [lane],
    )
    return [int(slot.split(":")[1]) for (slot,) in rows.fetchall()]


def channel_of(db: Database, slot: str) -> str:
    """The channel that the newest row of ``slot`` is for."""
    return str(db.execute("SELECT lane FROM outbox WHERE slot = ? ORDER BY id DESC LIMIT 1", [slot]).fetchone()[0])


def release_all(db: Database) -> int:
    """Free what a dead sender had claimed; each such row is looked for in Slack before it is posted again."""
    return int(db.execute("UPDATE outbox SET leased_until = 0 WHERE state = 'sending'").rowcount)


def posted(db: Database, slot: str) -> Posted | None:
    """Where the message of ``slot`` stands; ``None`` if it was never posted."""
    row = db.execute("SELECT channel, ts FROM messages WHERE slot = ?", [slot]).fetchone()
    return Posted(*row) if row else None


def sent(db: Database, outgoing: Outgoing, now: datetime, *, at: Posted | None = None) -> None:
    """Record that Slack has it, and where."""
    db.execute("UPDATE outbox SET state = 'sent', error = NULL, sent_at = ? WHERE id = ?", [rfc3339(now), outgoing.id])
    if at and outgoing.slot:
        db.execute(
            "INSERT INTO messages (slot, channel, ts, shown_at) VALUES (?, ?, ?, ?) ON CONFLICT (slot)"
            " DO UPDATE SET channel = excluded.channel, ts = excluded.ts, shown_at = excluded.shown_at",
            [outgoing.slot, at.channel, at.ts, now.timestamp()],
        )


def postpone(db: Database, outgoing: Outgoing, until: datetime, error: str, *, maybe_sent: bool) -> None:
    """Try again at ``until``. ``maybe_sent``: the answer was lost, so the next attempt looks before it posts."""
    db.execute(
        "UPDATE outbox SET state = ?, leased_until = 0, due_at = ?, error = ? WHERE id = ?",
        ["sending" if maybe_sent else "ready", until.timestamp(), error, outgoing.id],
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
    urgency: int = 0,
    parent: str | None = None,
) -> None:
    due = (due_at or now).timestamp()
    db.execute(
        "INSERT INTO outbox (kind, lane, slot, payload, state, attempts, due_at, created_at, urgency, parent)"
        " VALUES (?, ?, ?, ?, 'ready', 0, ?, ?, ?, ?)",
        [kind, lane, slot, json.dumps(payload), due, rfc3339(now), urgency, parent],
    )
