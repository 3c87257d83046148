"""A history that an older version wrote goes on as it is."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.database import sqlite3
from bot.history.load import describe, load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Span
from tests.history.contract import QUESTIONS, SPANS
from tests.history.made import ACCOUNT, ALWAYS, record, write

DATA = Path(__file__).parent.parent / "data" / "history"
OLDER = "of_version_m005"


def _older(folder: Path) -> SqliteHistory:
    """What the version before manners wrote, of the records beside it."""
    path = folder / "older.sqlite"
    with closing(sqlite3.connect(str(path))) as db:
        db.executescript((DATA / f"{OLDER}.sql").read_text())
    return SqliteHistory(path)


def _answers(history: SqliteHistory) -> tuple[Any, ...]:
    spans = (ALWAYS, *SPANS)
    accounts = [Observable(Kind.ACCOUNT, account) for account in (ACCOUNT, "444455556666")]
    return (
        *(history.uses(each, span) for each in (*QUESTIONS, *accounts) for span in spans),
        *(history.events(each, span, limit=limit) for each in QUESTIONS for span in spans for limit in (1, 50)),
        *(history.coverage(span) for span in spans),
        *(history.population(span) for span in SPANS),
        replace(describe(history), files=0),
    )


def test_it_answers_as_if_everything_had_been_loaded_anew(tmp_path: Path) -> None:
    records = json.loads((DATA / f"{OLDER}.json").read_text())
    anew = SqliteHistory(tmp_path / "anew.sqlite")
    load_paths(anew, [write(tmp_path / "anew.json", records)])
    older = _older(tmp_path)
    load_paths(older, [write(tmp_path / "none.json", [])])
    assert _answers(older) == _answers(anew)
    again = load_paths(older, [tmp_path / "anew.json"])
    assert (again.events, again.duplicates) == (0, len(records))


def test_it_is_loaded_on(tmp_path: Path) -> None:
    older = _older(tmp_path)
    account = Observable(Kind.ACCOUNT, ACCOUNT)
    log = write(tmp_path / "more.json", [record(9_000, eventTime="2026-11-02T00:00:01Z")])
    assert load_paths(older, [log]).events == 1
    pointer = older.pointer("no-uuid")
    assert pointer is not None
    assert pointer.log == "/logs/b.json"
    more = older.pointer(str(record(9_000)["eventID"]))
    assert more is not None
    assert more.log == str(log)
    assert len(older.events(account, Span(ALWAYS.since, ALWAYS.until))) == describe(older).events - 1
