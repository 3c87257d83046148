"""What each question makes of a published attack, against what stands in its logs read without any of our code.

A question that has a test on real records of its own is not here, nor one that asks AWS or the web alone.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import Answer, Kind, Observable, Status, Triage, Window
from bot.triage import triage
from tests.enrichers.test_whole_triages import world
from tests.history.made import DATA

ATTACK = (
    DATA / "cloudtrail" / "invictus_stratus_2023" if (DATA / "cloudtrail").exists() else DATA / "invictus_stratus_2023"
)
ADMIN, STOLEN = "AKIATFQR7NSC8Q4X20BJ", "ASIATFQR7NSC36DZQP7P"
REFUSED = {"AccessDenied", "Client.UnauthorizedOperation"}
ROWS = [
    *(ADMIN, STOLEN, "ASIATFQR7NSCWLLE7IWW", "ASIATFQR7NSC2632JLFK", "ASIATFQR7NSCVTLW746I", "ASIATFQR7NSCVW2R4OHT"),
]


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """Every record as it stands in the files, each once."""
    read = [
        each
        for path in sorted(ATTACK.glob("*.json.gz"))
        for each in json.loads(gzip.decompress(path.read_bytes()))["Records"]
    ]
    return list({each["eventID"]: each for each in read}.values())


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteHistory]:
    kept = SqliteHistory(tmp_path_factory.mktemp("attack") / "history.db")
    load_paths(kept, [ATTACK])
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def triages(history: SqliteHistory) -> dict[str, Triage]:
    newest = history.newest()
    assert newest is not None
    asked = [*(Observable(Kind.ACCESS_KEY, key) for key in ROWS), Observable(Kind.EVENT, "sts:GetCallerIdentity")]
    return {each.value: triage(each, Window.ending(newest), world=world(history)) for each in asked}


def answer(made: Triage, enricher: str) -> Answer:
    (given,) = [each for each in made.enrichments if each.enricher == enricher and each.observable == made.observable]
    assert (given.status, given.answer is None) == (Status.ANSWERED, False)
    assert given.answer is not None
    return given.answer


def of_key(records: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [each for each in records if each.get("userIdentity", {}).get("accessKeyId") == key]


def by_hand(each: dict[str, Any]) -> bool:
    return "invokedBy" not in each["userIdentity"]


@pytest.mark.parametrize("key", ROWS)
def test_refusals_are_counted_and_throttling_is_none(
    key: str, records: list[dict[str, Any]], triages: dict[str, Triage]
) -> None:
    refused = [each for each in of_key(records, key) if each.get("errorCode") in REFUSED and by_hand(each)]
    told = answer(triages[key], "denied_calls")
    assert told.data["total"] == len(refused)
    assert {row["event"] for row in told.data["calls"]} == {_name(each) for each in refused}


def _name(each: dict[str, Any]) -> str:
    return f"{each['eventSource'].partition('.')[0]}:{each['eventName']}"


@pytest.mark.parametrize("key", ROWS)
def test_addresses_are_those_of_its_calls(key: str, records: list[dict[str, Any]], triages: dict[str, Triage]) -> None:
    ips = Counter(
        each["sourceIPAddress"]
        for each in of_key(records, key)
        if by_hand(each) and each["sourceIPAddress"][0].isdigit()
    )
    told = answer(triages[key], "usual_ips").data["addresses"]
    assert {row["ip"]: row["count"] for row in told} == dict(ips)
    assert {row["place"] for row in told} <= {"VPC endpoint"}, "pseudonyms of private networks"


@pytest.mark.parametrize("key", ROWS)
def test_every_call_has_a_client(key: str, records: list[dict[str, Any]], triages: dict[str, Triage]) -> None:
    calls = [each for each in of_key(records, key) if by_hand(each)]
    told = answer(triages[key], "user_agents").data["families"]
    assert sum(row["count"] for row in told) == len(calls)
    agents = {each.get("userAgent", "") for each in calls}
    assert {agent for row in told for agent in row["agents"]} <= agents


def test_prevalence_counts_those_who_called(records: list[dict[str, Any]], triages: dict[str, Triage]) -> None:
    """The attack is all there is: nobody called it before, and whoever did now is named."""
    told = answer(triages["sts:GetCallerIdentity"], "prevalence").data
    assert (told["events"][0]["principals"], told["events"][0]["count"]) == (0, 0)
    calls = [each for each in records if each["eventName"] == "GetCallerIdentity"]
    assert len(calls) == 15
    assert {each["userIdentity"]["accessKeyId"] for each in calls} == {ADMIN, STOLEN}
    assert len(told["recently"]) == 2


@pytest.mark.parametrize("key", ROWS)
def test_nothing_to_find_is_an_answer(key: str, triages: dict[str, Triage]) -> None:
    assert answer(triages[key], "enumeration").data["enumerations"] == [], "all from private addresses"
    made = triages[key]
    assert {each.why for each in made.enrichments if each.status is not Status.ANSWERED} == set()
    assert answer(made, "earlier_cases").found is False


def test_whose_the_addresses_are(records: list[dict[str, Any]]) -> None:
    data = LocalAddressData(())
    ips = {each["sourceIPAddress"] for each in records if each["sourceIPAddress"][0].isdigit()}
    known = {ip: data.origin(ip) for ip in ips}
    assert {ip for ip, origin in known.items() if origin.provider} == {"3.225.16.109", "52.45.102.28"}
    assert {origin.provider for origin in known.values()} == {"AWS", None}
