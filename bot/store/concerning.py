"""Which case a job or a message is about, for the log. Every function only reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.database import Database

_BY_ID = """SELECT case_id FROM executions WHERE id = :id UNION ALL SELECT case_id FROM plans WHERE id = :id
    UNION ALL SELECT case_id FROM containments WHERE id = :id LIMIT 1"""
_SLOT = re.compile(r"case:(\d+):")
_NUMBER = re.compile(r"\d{1,18}(?=:|$)")


def case_of(db: Database, payload: Mapping[str, Any]) -> int | None:
    """The case of a job's ``payload``: named in it, or that of the change, plan or containment it names."""
    named = payload.get("case")
    if isinstance(named, int):
        return named
    for id_ in (payload[name] for name in ("execution", "about", "value") if isinstance(payload.get(name), str)):
        if found := db.execute(_BY_ID, {"id": id_}).fetchone():
            return None if found[0] is None else int(found[0])
    # What a button of a card holds begins with the case.
    number = _NUMBER.match(str(payload.get("value", "")))
    return int(number[0]) if number else None


def case_of_slot(*slots: str | None) -> int | None:
    """The case whose message stands in one of ``slots``."""
    found = next((match for slot in slots if slot and (match := _SLOT.match(slot))), None)
    return int(found[1]) if found else None
