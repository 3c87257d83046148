"""The record behind an evidence id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.history.evidence import RecordUnavailable, event_record
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable
from tests.history.made import ALWAYS, DATA, loaded, principal, record, write
from tests.history.test_sqlite import INVICTUS

CANARY = "IQoJb3JpZ2luX2VjECANARY"
ID = str(record(1)["eventID"])


def test_the_record_is_shown_as_it_was_written(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(0), record(1, requestParameters={"userName": "bob", "maxItems": 5}))
    shown = event_record(history, ID)
    assert (shown["eventID"], shown["requestParameters"]) == (ID, {"userName": "bob", "maxItems": 5})


@pytest.mark.parametrize(
    "changes",
    [
        {"responseElements": {"credentials": {"accessKeyId": "ASIARTX3GSDSQAAAAAAA", "sessionToken": CANARY}}},
        {"responseElements": {"credentials": [CANARY, {"x": CANARY}]}},
        {"responseElements": {"accessKey": {"secretAccessKey": CANARY}}},
        {"requestParameters": {"Password": CANARY, "secretString": CANARY, "nextToken": CANARY}},
        {"additionalEventData": {"x-amz-security-token": CANARY}},
        {"requestParameters": {"header": f"{CANARY}{'A' * 100}"}},
        {"responseElements": {"secret": {"deep": [{"value": CANARY}]}}},
    ],
)
def test_secrets_are_cut_out_and_what_names_them_stays(tmp_path: Path, changes: dict[str, object]) -> None:
    history = loaded(tmp_path, record(1, **changes, userAgent="keep me", tlsDetails={"keyId": "k", "secretId": "s"}))
    shown = event_record(history, ID)
    assert CANARY not in json.dumps(shown)
    assert (shown["userAgent"], shown["tlsDetails"]) == ("keep me", {"keyId": "k", "secretId": "s"})


def test_no_token_of_a_real_record_is_shown(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    minting = [
        event
        for event in history.events(INVICTUS, ALWAYS, limit=5000)
        if event.minted and event.name.startswith("sts:")
    ][:20]
    assert len(minting) > 5
    for event in minting:
        shown = event_record(history, event.id)
        assert shown["responseElements"]["credentials"]["sessionToken"] == "[secret removed]"
        assert shown["responseElements"]["credentials"]["accessKeyId"] == event.minted


def test_a_corrected_event_shows_its_correction(tmp_path: Path) -> None:
    update = {"reason": "UPDATED_DATA", "originalEventID": ID}
    history = loaded(tmp_path, record(1), record(2, addendum=update))
    assert event_record(history, ID)["eventID"] == record(2)["eventID"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "log.json, record 1, but that file is not there any more"),
        ([], "has changed since"),
        ([record(7)], "has changed since"),
    ],
)
def test_a_file_that_is_gone_is_said(tmp_path: Path, content: list[object] | None, why: str) -> None:
    history = loaded(tmp_path, record(1))
    log = tmp_path / "log.json"
    if content is None:
        log.unlink()
    else:
        write(log, content)
    with pytest.raises(RecordUnavailable, match=why):
        event_record(history, ID)


def test_an_id_that_is_nowhere_is_said(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(1, eventID="not-a-uuid"))
    assert event_record(history, "not-a-uuid")["eventName"] == "ListUsers"
    with pytest.raises(RecordUnavailable, match="holds no event with the id"):
        event_record(history, ID)
    with pytest.raises(RecordUnavailable, match="names an alert"):
        event_record(history, "alert:17")


def test_the_record_of_an_event_that_was_just_named_is_looked_for_on_its_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = record(7, eventTime="2026-11-19T00:00:00Z", eventName="ListRoles")
    history = loaded(tmp_path, record(1), record(2), other)
    asked: list[str] = []
    rows = history.rows

    def watched(query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        asked.append(query)
        return rows(query, values)

    monkeypatch.setattr(history, "rows", watched)
    event_record(history, ID)
    assert [query for query in asked if "instr" in query and "day =" in query] == []
    assert history.uses(principal(), ALWAYS)
    assert event_record(history, str(record(2)["eventID"]))["eventName"] == "ListUsers"
    (by_evidence,) = [query for query in asked if "instr" in query][1:]
    assert "day =" in by_evidence
    assert history.events(Observable(Kind.EVENT, "iam:ListRoles"), ALWAYS)
    assert event_record(history, str(other["eventID"]))["eventName"] == "ListRoles"
    (by_event,) = [query for query in asked if "instr" in query][2:]
    assert "day =" in by_event
