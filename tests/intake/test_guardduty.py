"""GuardDuty findings: real ones, bare and wrapped, and what each must become."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import intake
from bot.intake.source import Source
from bot.model import Alert, Call, Kind, Observable
from tests.intake.samples import ACCOUNT, DATA, KEY, RECEIVED

WRAPPED = json.loads((DATA / "guardduty_eventbridge.json").read_text())
BARE = json.loads((DATA / "guardduty_bare.json").read_text())


def alert(payload: dict[str, Any]) -> Alert:
    (parsed,) = intake.parse(Source("aws"), json.dumps(payload).encode(), RECEIVED)
    return parsed


def real(**details: Any) -> dict[str, Any]:
    """The wrapped sample with a made-up key in place of GuardDuty's placeholders."""
    payload: dict[str, Any] = copy.deepcopy(WRAPPED)
    finding = payload["detail"]
    finding["accountId"] = ACCOUNT
    finding["resource"]["accessKeyDetails"] = {
        "accessKeyId": KEY,
        "userType": "IAMUser",
        "userName": "alice",
        **details,
    }
    finding["service"]["additionalInfo"] = {}
    finding["service"]["action"]["awsApiCallAction"] |= {"api": "ListUsers", "serviceName": "iam.amazonaws.com"}
    finding["service"]["action"]["awsApiCallAction"]["remoteIpDetails"]["ipAddressV4"] = "203.0.113.7"
    return payload


def test_a_sample_is_marked_and_its_made_up_key_is_no_observable() -> None:
    for payload in (WRAPPED, BARE):
        parsed = alert(payload)
        assert parsed.sample
        assert {one.kind for one in parsed.observables} == {Kind.IP, Kind.ACCOUNT}
        assert "Generated" not in repr(parsed)
        assert parsed.notes[0] == "This is a sample finding: GuardDuty made it up, with the key in it."


def test_a_real_finding_names_key_user_address_and_call() -> None:
    at = datetime(2017, 12, 8, 15, 32, 49, tzinfo=UTC)
    parsed = alert(real())
    assert parsed == Alert(
        id="aws:36b01b60fc22bb4edb19d62d9899e953",
        source="aws",
        title="UnauthorizedAccess:IAMUser/TorIPCaller",
        severity="medium",
        at=at,
        observables=(
            Observable(Kind.ACCESS_KEY, KEY),
            Observable(Kind.PRINCIPAL, f"{ACCOUNT}:user/alice"),
            Observable(Kind.IP, "203.0.113.7"),
            Observable(Kind.EVENT, "iam:ListUsers"),
            Observable(Kind.ACCOUNT, ACCOUNT),
        ),
        calls=(Call(at, KEY, f"{ACCOUNT}:user/alice", "203.0.113.7", None, "iam:ListUsers", ACCOUNT, "us-east-1"),),
    )
    assert alert(real()["detail"]) == parsed


@pytest.mark.parametrize(
    ("details", "principal"),
    [
        ({"userType": "Root", "userName": "Root"}, f"{ACCOUNT}:root"),
        ({"userType": "AssumedRole", "userName": "ci"}, f"{ACCOUNT}:role/ci"),
        ({"userType": "FederatedUser", "userName": "anyone"}, None),
        ({"userType": "IAMUser", "userName": None}, None),
        ({"userType": ["IAMUser"]}, None),
    ],
)
def test_the_principal_is_who_holds_the_key(details: dict[str, Any], principal: str | None) -> None:
    assert alert(real(**details)).calls[0].principal == principal


def test_a_mapping_means_that_the_source_has_a_form_of_its_own() -> None:
    mapped = intake.normalise(Source("aws", fields={"title": "detail.title"}), real(), RECEIVED)
    unmapped = intake.normalise(Source("aws", fields={"title": ""}), real(), RECEIVED)
    assert (mapped.title, unmapped.title) == (real()["detail"]["title"], real()["detail"]["type"])


def test_a_finding_without_a_key_says_so() -> None:
    payload = real()
    payload["detail"]["resource"] = {"resourceType": "Instance", "instanceDetails": {"instanceId": "i-1"}}
    parsed = alert(payload)
    assert parsed.notes == ("The finding names no access key (it is about: Instance).",)
    assert Kind.ACCESS_KEY not in {one.kind for one in parsed.observables}


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        (9.5, "critical"),
        (8, "high"),
        (4.0, "medium"),
        (1, "low"),
        (-1, None),
        ("HIGH", "high"),
        (None, None),
        ([], None),
    ],
)
def test_severity_is_a_word(severity: Any, word: str | None) -> None:
    payload = real()
    payload["detail"]["severity"] = severity
    assert alert(payload).severity == word


@pytest.mark.parametrize("name", ["service", "resource", "accountId", "id", "updatedAt", "region", "title"])
@pytest.mark.parametrize("odd", [None, [], 7, "x", {"action": 1, "accessKeyDetails": "x"}])
def test_anything_missing_or_odd_still_gives_an_alert(name: str, odd: Any) -> None:
    payload = real()
    payload["detail"][name] = odd
    assert intake.normalise(Source("aws", kind="guardduty"), payload, RECEIVED).title
