"""The JSON that users script against, key by key, over real records: what must add up does."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bot.config.settings import Settings
from bot.document import triage_document
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.investigator import Investigator
from bot.model import Kind, Observable, Span
from tests.history.made import ALWAYS, DATA

Json = dict[str, Any]
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}


def maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def exactly(**properties: Json) -> Json:
    """An object with these keys and no other."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def at_least(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


COUNTS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
OBSERVABLE = exactly(kind={"enum": [kind.value for kind in Kind]}, value=TEXT)
PRINCIPAL = exactly(id=TEXT, type=TEXT, arn=maybe(TEXT), account=maybe({"type": "string", "pattern": r"^\d{12}$"}))
VERDICT = {"enum": ["incident", "probable", "suspicious", "low", "expected", "inconclusive"]}
SCORE = {"type": "integer", "minimum": 0, "maximum": 100}
SIGNAL = exactly(kind=TEXT, sentence=TEXT, evidence={"type": "array", "items": TEXT, "minItems": 1})
FAMILY = at_least(
    family=TEXT,
    count={"type": "integer", "minimum": 1},
    first_seen=MOMENT,
    last_seen=MOMENT,
    new=maybe({"type": "boolean"}),
    agents={"type": "array", "items": {"type": "string"}, "maxItems": 10},
)
ADDRESS = at_least(
    ip=TEXT,
    count={"type": "integer", "minimum": 1},
    first_seen=MOMENT,
    last_seen=MOMENT,
    days={"type": "integer", "minimum": 1},
    new=maybe({"type": "boolean"}),
)
CALL = at_least(
    event={"type": "string", "pattern": r"^[a-z0-9.-]+:\S+$"},
    count={"type": "integer", "minimum": 1},
    error_codes=many(TEXT),
    source_ips=many(TEXT),
    user_agents=many({"type": "string"}),
    first_seen=MOMENT,
    last_seen=MOMENT,
)
ORIGIN = at_least(
    ip=TEXT,
    asn=maybe({"type": "integer"}),
    organisation=maybe(TEXT),
    country=maybe(TEXT),
    provider=maybe(TEXT),
    hosting=maybe({"type": "boolean"}),
    big_three=maybe({"type": "boolean"}),
    tor=maybe({"type": "boolean"}),
    vpn=maybe({"type": "boolean"}),
    source=maybe(TEXT),
    as_of=maybe({"type": "string"}),
)
DATA_OF = {
    "user_agents": at_least(families=many(FAMILY)),
    "usual_ips": at_least(addresses=many(ADDRESS)),
    "denied_calls": at_least(total=COUNT, calls=many(CALL)),
    "ip_provider": ORIGIN,
}
ENRICHMENT = at_least(
    enricher=TEXT,
    observable=OBSERVABLE,
    status={"enum": ["answered", "skipped", "failed", "timed_out"]},
    headline=maybe(TEXT),
    facts=many(exactly(label=TEXT, value={"type": "string"})),
    signals=many(SIGNAL),
    data=maybe({"type": "object"}),
)
DOCUMENT = exactly(
    observable=OBSERVABLE,
    at=MOMENT,
    window=exactly(since=MOMENT, until=MOMENT, recent_since=MOMENT),
    searched=maybe(
        exactly(
            since=MOMENT,
            until=MOMENT,
            accounts=many({"type": "string"}),
            regions={"type": "object", "additionalProperties": MOMENT},
            missing=many(TEXT),
        )
    ),
    principal=maybe(PRINCIPAL),
    activity=exactly(
        events=COUNT,
        by_service=COUNT,
        denied=COUNT,
        failed=COUNT,
        bad_credential=COUNT,
        dry_run=COUNT,
        login_failed=COUNT,
        first_seen=maybe(MOMENT),
        last_seen=maybe(MOMENT),
        regions=COUNTS,
        services=COUNTS,
        events_by_name=COUNTS,
    ),
    enrichments=many(ENRICHMENT),
    assessment=exactly(
        verdict=VERDICT,
        score=SCORE,
        classes={"type": "object", "additionalProperties": exactly(points=COUNT, cap=COUNT)},
        reasons=many(
            exactly(
                signal={"type": "string", "pattern": r"^[a-z_]+\.[a-z_]+$"},
                points={"type": "integer"},
                sentence=TEXT,
                evidence={"type": "array", "items": TEXT, "minItems": 1},
            )
        ),
        gaps=many(exactly(question=TEXT, why=TEXT)),
        could_be=maybe(exactly(verdict=VERDICT, score=SCORE)),
    ),
    suggested=many(exactly(remediation=TEXT, target=TEXT, why=TEXT)),
)
ORDER = ["observable", "at", "window", "searched", "principal", "activity", "enrichments", "assessment", "suggested"]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> SqliteHistory:
    history = SqliteHistory(tmp_path_factory.mktemp("history") / "history.db")
    load_paths(history, [DATA])
    return history


@pytest.fixture(scope="module")
def documents(history: SqliteHistory) -> list[Json]:
    """The document of every key of the records, as of the last call made with it."""
    investigate = Investigator(Settings(), history.path)
    return [
        json.loads(json.dumps(triage_document(investigate(key, investigate.window(last)))))
        for key, last in last_calls(history)
    ]


def last_calls(history: SqliteHistory) -> Iterator[tuple[Observable, datetime]]:
    for value in sorted(set().union(*map(keys_in, DATA.rglob("*.*")))):
        key = Observable(Kind.ACCESS_KEY, value)
        for newest in history.events(key, ALWAYS, limit=1):
            yield key, newest.at


def keys_in(file: Path) -> set[str]:
    """The key ids a file names, made or used."""
    content = file.read_bytes() if file.is_file() else b""
    text = gzip.decompress(content) if file.suffix == ".gz" else content
    return {found.decode() for found in re.findall(rb'"accessKeyId"\s*:\s*"(\w{16,})"', text)}


def answered(document: Json, enricher: str) -> list[Json]:
    found = [each for each in document["enrichments"] if each["enricher"] == enricher]
    return [each["data"] for each in found if each["status"] == "answered"]


def test_every_document_has_the_keys_and_types_of_the_contract(documents: list[Json]) -> None:
    validator = Draft202012Validator(DOCUMENT)
    assert len(documents) > 50
    for document in documents:
        assert [error.message for error in validator.iter_errors(document)] == []
        assert list(document) == ORDER


@pytest.mark.parametrize("enricher", DATA_OF)
def test_the_answers_have_the_keys_and_types_of_the_contract(documents: list[Json], enricher: str) -> None:
    validator = Draft202012Validator(DATA_OF[enricher])
    answers = [data for document in documents for data in answered(document, enricher)]
    assert answers
    for data in answers:
        assert [error.message for error in validator.iter_errors(data)] == []


def test_the_counts_add_up(documents: list[Json]) -> None:
    for document in documents:
        activity = document["activity"]
        by_hand = activity["events"] - activity["by_service"]
        ((clients,), (refusals,)) = (answered(document, name) for name in ("user_agents", "denied_calls"))
        assert sum(family["count"] for family in clients["families"]) == by_hand
        assert refusals["total"] == activity["denied"] == sum(call["count"] for call in refusals["calls"])
        assert sum(activity["services"].values()) == activity["events"] == sum(activity["events_by_name"].values())
        assert sum(activity["regions"].values()) <= activity["events"]
        outcomes = ("denied", "failed", "bad_credential", "dry_run", "login_failed")
        assert sum(activity[name] for name in outcomes) <= by_hand


def test_addresses_are_addresses_and_no_more_calls_than_there_were(documents: list[Json]) -> None:
    for document in documents:
        (places,) = answered(document, "usual_ips")
        assert all(re.fullmatch(r"[0-9a-f.:]+", place["ip"]) for place in places["addresses"])
        by_hand = document["activity"]["events"] - document["activity"]["by_service"]
        assert sum(place["count"] for place in places["addresses"]) <= by_hand


def test_everything_lies_in_its_window(documents: list[Json]) -> None:
    for document in documents:
        window, activity, searched = document["window"], document["activity"], document["searched"]
        assert window["until"] == document["at"]
        assert window["since"] < window["recent_since"] < window["until"]
        assert window["since"] <= searched["since"] <= searched["until"] <= window["until"]
        assert window["since"] <= activity["first_seen"] <= activity["last_seen"] == window["until"]


def test_every_reason_with_points_names_a_record_that_exists(documents: list[Json], history: SqliteHistory) -> None:
    assert any(document["assessment"]["reasons"] for document in documents)
    for document in documents:
        key = Observable(Kind.ACCESS_KEY, document["observable"]["value"])
        span = Span(*(datetime.fromisoformat(document["window"][end]) for end in ("since", "until")))
        own = {event.id for event in history.events(key, span, limit=100_000)}
        everyones = {event.id for event in history.everyones_events(span)}
        for reason in document["assessment"]["reasons"]:
            # That more keys are in the same hands is shown by what those keys did.
            assert set(reason["evidence"]) <= (everyones if reason["signal"] == "scope.confirmed" else own)


def test_nothing_secret_is_in_a_document(documents: list[Json]) -> None:
    text = json.dumps(documents)
    assert not re.search(r"sessionToken|secretAccessKey|responseElements|x-amz-security-token", text, re.IGNORECASE)


def test_asked_twice_it_is_the_same_document(history: SqliteHistory, documents: list[Json]) -> None:
    (key, last) = next(last_calls(history))
    investigate = Investigator(Settings(), Path(history.path))
    again = json.loads(json.dumps(triage_document(investigate(key, investigate.window(last)))))
    assert again == documents[0]
