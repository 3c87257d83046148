from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot import anchors, audit
from bot.anchors import Anchor, read_anchor
from bot.app import Desk
from bot.database import Database
from bot.model import Change, ChangeState
from tests.test_audit import ANA, AT, db, fill, without_guards
from tests.test_pipeline import ONE, alert, clock, deliver, desk, rows

__all__ = ("clock", "db", "desk")

MARK = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "anchor"),
    [
        (f"12:{MARK}", Anchor(12, MARK)),
        (f"Audit entry 12: {MARK}", Anchor(12, MARK)),
        (f"12 {MARK[:12]}", Anchor(12, MARK[:12])),
        (f"12:{MARK[:11]}", None),
        (MARK, None),
        ("12", None),
        ("", None),
    ],
)
def test_a_head_is_read_as_it_is_written(written: str, anchor: Anchor | None) -> None:
    assert read_anchor(written) == anchor


def test_a_record_that_leads_to_its_anchors_is_whole(db: Database) -> None:
    fill(db)
    record = audit.entries(db)
    assert audit.head(db) == (5, record[-1].hash)
    assert anchors.compare(record, [Anchor(each.seq, each.hash) for each in record]) == []
    assert anchors.compare((), [Anchor(0, audit.GENESIS)]) == [
        "The head you gave shows entry 0, but the record ends at 0: it was cut off."
    ]


def test_a_record_that_was_written_anew_is_found_by_what_the_thread_shows(db: Database) -> None:
    fill(db)
    shown = Anchor(*audit.head(db), "the thread of case #7")
    without_guards(db).execute("DELETE FROM audit")
    db.execute("UPDATE audit_head SET entries = 0, hash = ?", [audit.GENESIS])
    fill(db, 2)
    assert audit.verify(db) == []
    assert anchors.compare(audit.entries(db), [shown]) == [
        "The thread of case #7 shows entry 5, but the record ends at 2: it was cut off."
    ]
    for each in range(3):
        audit.append(db, actor=ANA, operation="approve", target=f"other {each}", result="approved", at=AT)
    assert audit.verify(db) == []
    assert anchors.compare(audit.entries(db), [shown]) == [
        "The thread of case #7 shows another entry 5 than the record has: it was rewritten."
    ]


def test_after_every_change_of_state_the_thread_shows_the_newest_entry_in_one_place(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    for state in (ChangeState.APPROVED, ChangeState.STARTED, ChangeState.CONFIRMED):
        desk.state.write(lambda db, state=state: _tell(db, desk, state))  # type: ignore[misc]
    (shown,) = anchors.kept(desk.state.read())
    assert (shown.entry, shown.hash) == audit.head(desk.state.read())
    ((kind, payload),) = rows(desk, "SELECT kind, payload FROM outbox WHERE slot = 'case:1:audit'")
    assert (kind, f"Audit entry 3: {shown.hash}" in payload) == ("reply", True)
    assert anchors.compare(audit.entries(desk.state.read()), [shown]) == []


def test_what_came_loose_is_said_aloud_below_the_card(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    desk.state.write(lambda db: desk.pipeline.drifted(db, change_of(ChangeState.FAILED)))
    ((payload,),) = rows(desk, "SELECT payload FROM outbox WHERE slot LIKE 'case:1:drift:e:%'")
    said = json.loads(payload)
    assert said["message"]["text"].startswith("Look at case #1 again.")
    assert (said["loud"], said["under"]) == (True, "case:1:card")


def test_who_decides_alone_what_more_must_is_told_to_the_channel_once(desk: Desk) -> None:
    deliver(desk, alert("a", ONE))
    alone = replace(change_of(ChangeState.APPROVED), broke_glass=True)
    for each in (alone, replace(alone, state=ChangeState.STARTED), replace(alone, state=ChangeState.CONFIRMED)):
        desk.state.write(lambda db, each=each: desk.pipeline.changed(db, each))  # type: ignore[misc]
    ((payload,),) = rows(desk, "SELECT payload FROM outbox WHERE slot = 'glass:e'")
    told = json.loads(payload)
    assert told["message"]["text"] == "🔨 Ana broke the glass: approved alone what more people must approve."
    assert "stolen" in payload


def _tell(db: Database, desk: Desk, state: ChangeState) -> None:
    audit.append(db, actor=ANA, operation="execute disable_access_key", target=ONE, result=state.value, at=AT)
    desk.pipeline.changed(db, change_of(state))


def change_of(state: ChangeState) -> Change:
    return Change(
        execution="e",
        plan="p",
        case=1,
        remediation="disable_access_key",
        target=ONE,
        state=state,
        undo_of=None,
        undone=False,
        approved_by=ANA,
        reason="stolen",
        at=AT,
        sentence="so it is",
    )
