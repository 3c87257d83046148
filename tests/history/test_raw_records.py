"""What is read again from a record: the request, and numbers; never what AWS answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.raw_records import RawRecords
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Outcome
from tests.history.made import ALWAYS, DATA, loaded, record

ID = "00000000-0000-4000-8000-000000000001"


def started(response: Any, request: Any = ..., folder: Path | None = None) -> Any:
    assert folder is not None
    asked = {"instanceType": "m5.large", "instancesSet": {"items": [{"minCount": 3, "maxCount": 9}]}}
    made = record(
        1,
        eventSource="ec2.amazonaws.com",
        eventName="RunInstances",
        errorCode=...,
        errorMessage=...,
        requestParameters=asked if request is ... else request,
        responseElements=response,
    )
    return RawRecords(loaded(folder, made)).instances(ID)


@pytest.mark.parametrize(
    ("response", "request_", "counts"),
    [
        ({"instancesSet": {"items": [{"instanceType": "p3.2xlarge"}] * 8}}, ..., {"p3.2xlarge": 8}),
        ({"instancesSet": {"items": [{"instanceType": "t3.micro"}, {}]}}, ..., {"t3.micro": 1, "of unknown type": 1}),
        (None, ..., {"m5.large": 3}),
        ({"instancesSet": {"items": "odd"}}, {"instancesSet": {"items": [{}, 7]}}, {"of unknown type": 1}),
        ({"instancesSet": []}, "odd", {}),
    ],
)
def test_instances_are_counted_by_type(response: Any, request_: Any, counts: dict[str, int], tmp_path: Path) -> None:
    assert started(response, request_, tmp_path) == counts


def test_instances_of_real_records(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    runs = history.events(Observable(Kind.EVENT, "ec2:RunInstances"), ALWAYS)
    records = RawRecords(history)
    ended_well = [records.instances(event.id) for event in runs if event.outcome is Outcome.OK]
    assert (len(runs) > len(ended_well), ended_well) == (True, [{"t3.micro": 1}, {"t3.micro": 1}])


def test_a_record_that_is_gone_counts_nothing(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(1))
    records = RawRecords(history)
    assert records.instances(ID) == {}
    for file in tmp_path.glob("*.json"):
        file.unlink()
    assert (records.instances(ID), records.parameters(ID)) == (None, None)
    assert records.instances("alert:1") is None
