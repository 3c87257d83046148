"""The shipped mappings: one payload of each product, as it sends it, and what it must become."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jmespath
import pytest

from bot import intake
from bot.config.settings import Fields
from bot.intake import shipped
from bot.intake.generic import USUAL
from bot.model import Alert, Call, Kind, Observable
from bot.settled import source_of_kind
from tests.intake.samples import ACCOUNT, ALICE, DATA, KALI, KEY, RECEIVED

CALL = {
    "key": KEY,
    "principal": ALICE,
    "ip": "203.0.113.7",
    "user_agent": KALI,
    "event": "iam:ListUsers",
    "account": ACCOUNT,
    "region": "us-east-1",
}


def stored(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def alerts(kind: str, payload: Any) -> tuple[Alert, ...]:
    return intake.parse(source_of_kind(kind, kind), json.dumps(payload).encode(), RECEIVED)


def at(year: int, month: int, day: int, *time: int) -> datetime:
    return datetime(year, month, day, *time, tzinfo=UTC)  # type: ignore[misc, arg-type]


def datadog(number: int) -> Any:
    return json.loads((DATA / "datadog.jsonl").read_text().splitlines()[number])


@pytest.mark.parametrize(
    ("kind", "payload", "id_", "title", "severity", "when", "over"),
    [
        (
            "panther",
            stored("panther.json"),
            "1f2e3d4c5b6a79880716253443526170",
            "Observed Hacking Tool User agent - Kali Linux",
            "high",
            at(2026, 11, 20, 14, 3, 40),
            False,
        ),
        (
            "elastic",
            stored("elastic.json")[1],
            "xyz789ghi012",
            "Brute Force Attempt Detected",
            "medium",
            at(2026, 4, 13, 15, 10),
            False,
        ),
        (
            "elastic",
            stored("elastic.json")[2],
            "lowsev345",
            "DNS Query to Newly Registered Domain",
            "low",
            at(2026, 4, 13, 16),
            False,
        ),
        (
            "splunk",
            stored("splunk.json"),
            "rt_scheduler__admin__search__sudo_at_1483557185_2.2",
            "sudo",
            None,
            at(2017, 1, 4, 19, 14, 32),
            False,
        ),
        (
            "datadog",
            datadog(0),
            "160076582:service:keep-api-feature-unique-id",
            "[Recovered on {service:keep-api-feature-unique-id}] Error monitor",
            "success",
            at(2024, 12, 11, 15, 8, 32),
            True,
        ),
        (
            "datadog",
            datadog(4),
            "160076582:service:keep-api-matvey-kuk-workflows-fix",
            "[Triggered on {service:keep-api-matvey-kuk-workflows-fix}] Error monitor",
            "error",
            at(2024, 12, 11, 15, 15, 33),
            False,
        ),
        (
            "sentinel",
            stored("sentinel.json"),
            "8a44b7bb-c8ae-0000-0000-000000000",
            "dummy title",
            "informational",
            at(2020, 1, 15, 9, 29),
            False,
        ),
    ],
)
def test_what_a_product_sends(
    kind: str, payload: Any, id_: str, title: str, severity: str | None, when: datetime, over: bool
) -> None:
    (told,) = alerts(kind, payload)
    assert (told.id, told.title, told.severity) == (f"{kind}:{id_}", title, severity)
    assert (told.at, told.over, told.notes) == (when, over, ())


def test_panther_names_the_call_of_its_alert() -> None:
    (told,) = alerts("panther", stored("panther.json"))
    assert told.calls == (Call(told.at, **CALL),)


def test_elastic_keeps_the_call_in_ecs_fields_in_one_piece_or_in_another() -> None:
    document = stored("elastic.json")[0]
    nested = {
        "aws": {"cloudtrail": {"user_identity": {"access_key_id": KEY, "arn": ALICE}}},
        "source": {"ip": "203.0.113.7"},
        "user_agent": {"original": KALI},
        "event": {"action": "ListUsers", "provider": "iam.amazonaws.com"},
        "cloud": {"account": {"id": ACCOUNT}, "region": "us-east-1"},
    }
    flat = {
        "aws.cloudtrail.user_identity.access_key_id": KEY,
        "aws.cloudtrail.user_identity.arn": ALICE,
        "source.ip": "203.0.113.7",
        "user_agent.original": KALI,
        "event.action": "ListUsers",
        "event.provider": "iam.amazonaws.com",
        "cloud.account.id": ACCOUNT,
        "cloud.region": "us-east-1",
    }
    rule = {name: value for name, value in document["_source"].items() if name.startswith(("kibana", "@"))}
    for source in (nested, flat):
        for payload in ({**document, "_source": {**rule, **source}}, {**rule, **source}):
            (told,) = alerts("elastic", payload)
            assert told.calls == (Call(told.at, **CALL),)
            assert told.title == "Suspicious PowerShell Execution"


def test_splunk_keeps_the_call_in_the_fields_of_its_result() -> None:
    result = {
        "_time": "1795183391",
        "userIdentity.accessKeyId": KEY,
        "userIdentity.arn": ALICE,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": KALI,
        "eventName": "ListUsers",
        "eventSource": "iam.amazonaws.com",
        "recipientAccountId": ACCOUNT,
        "awsRegion": "us-east-1",
    }
    (told,) = alerts("splunk", {**stored("splunk.json"), "result": result})
    assert told.calls == (Call(told.at, **CALL),)
    assert told.at == at(2026, 11, 20, 14, 3, 11)


def test_datadog_tells_the_key_in_its_text() -> None:
    (told,) = alerts("datadog", {**datadog(4), "body": f"{KEY} called iam:ListUsers from 203.0.113.7"})
    assert [each.value for each in told.observables] == [KEY, "203.0.113.7", "iam:ListUsers"]


def test_sumo_logic_fills_its_template_and_tells_the_key_in_its_results() -> None:
    filled = {
        "{{Name}}": "Kali in CloudTrail",
        "{{Id}}": "0000000000123ABC",
        "{{TriggerType}}": "Critical",
        "{{TriggerTimeStart}}": "2026-11-20T14:03:11Z",
        "{{ResultsJson}}": json.dumps([{"accesskeyid": KEY, "src_ip": "203.0.113.7"}]),
    }
    template = stored("sumologic_template.json")
    payload = {name: filled.get(value, "") for name, value in template.items()}
    (told,) = alerts("sumologic", payload)
    assert (told.id, told.title) == ("sumologic:0000000000123ABC", "Kali in CloudTrail")
    assert told.severity == "critical"
    assert [each.value for each in told.observables] == [KEY, "203.0.113.7"]
    (resolved,) = alerts("sumologic", {**payload, "triggerType": "ResolvedCritical"})
    assert resolved.over


def test_sentinel_hands_on_an_incident_with_its_entities() -> None:
    incident = stored("sentinel.json")
    incident["properties"] |= {"lastActivityTimeUtc": "2026-11-20T14:03:11.1234567Z", "status": "Closed"}
    incident["properties"]["relatedEntities"] = [
        {"kind": "Account", "properties": {"accountName": "alice"}},
        {"kind": "Ip", "properties": {"address": "203.0.113.7"}},
    ]
    (told,) = alerts("sentinel", {"eventUniqueId": "x", "object": incident})
    assert (told.calls[0].ip, told.at, told.over) == ("203.0.113.7", at(2026, 11, 20, 14, 3, 11), True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "alertmanager",
            [
                ("a1bc48475b20e73d", "High CPU Temperature", "critical", False),
                ("c2ea85182f28cbd9", "High CPU Temperature", "critical", False),
            ],
        ),
        (
            "grafana",
            [
                ("aaafafe0953f0962", "Test alert", None, True),
                ("6f9cd313db421ef1", "Second webhook test", None, False),
            ],
        ),
    ],
)
def test_alerts_that_come_together_are_told_apart(kind: str, expected: list[tuple[Any, ...]]) -> None:
    told = alerts(kind, stored(f"{kind}.json"))
    assert [(each.id.partition(":")[2], each.title, each.severity, each.over) for each in told] == expected


def test_labels_and_annotations_of_a_rule_may_name_the_call() -> None:
    payload = stored("alertmanager.json")
    payload["alerts"][1]["labels"] |= {"access_key": KEY, "source_ip": "203.0.113.7"}
    first, second = alerts("alertmanager", payload)
    assert first.calls == ()
    assert (second.calls[0].key, second.calls[0].ip) == (KEY, "203.0.113.7")
    assert Observable(Kind.ACCESS_KEY, KEY) not in first.observables


def test_a_users_own_field_goes_before_the_shipped_one() -> None:
    source = source_of_kind("splunk", "splunk")
    own = intake.Source(source.name, source.kind, {"access_key": "result.k"}, source.mapping, source.each)
    payload = {**stored("splunk.json"), "result": {"k": KEY, "accessKeyId": "AKIARTX3GSDSQAAAAAAB"}}
    told = intake.normalise(own, payload, RECEIVED)
    assert (told.calls[0].key, told.title) == (KEY, "sudo")


@pytest.mark.parametrize("name", shipped.names())
def test_every_shipped_mapping_can_be_read_and_names_known_fields(name: str) -> None:
    product = shipped.mapping(name)
    assert product.fields.keys() <= USUAL.keys()
    for expression in product.fields.values():
        jmespath.compile(expression)


def test_config_maps_every_field_there_is() -> None:
    assert set(Fields.model_fields) == USUAL.keys() - {"event_source"}
