"""AWS's own forms: real payloads of each, in each of the envelopes they come in, and what they must become."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import intake
from bot.intake import FORMS, Unreadable
from bot.intake.source import Source
from bot.model import Alert, Call, Kind, Observable
from tests.intake.samples import ACCOUNT, ALICE, DATA, KALI, KEY, RECEIVED, SESSION_KEY

AWS = Source("aws")
RECORD = {
    "eventVersion": "1.11",
    "eventID": "5b7e0d9a-0000-4000-8000-000000000001",
    "eventTime": "2026-11-20T14:03:11Z",
    "eventSource": "iam.amazonaws.com",
    "eventName": "ListUsers",
    "sourceIPAddress": "203.0.113.7",
    "userAgent": KALI,
    "awsRegion": "us-east-1",
    "errorCode": "AccessDenied",
    "recipientAccountId": ACCOUNT,
    "userIdentity": {"type": "IAMUser", "arn": ALICE, "accessKeyId": KEY, "accountId": ACCOUNT, "userName": "alice"},
}
AT = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
CALL = Call(AT, KEY, ALICE, "203.0.113.7", KALI, "iam:ListUsers", ACCOUNT, "us-east-1", "AccessDenied")


def stored(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def alerts(payload: Any, source: Source = AWS) -> tuple[Alert, ...]:
    return intake.parse(source, json.dumps(payload).encode(), RECEIVED)


def alert(payload: Any, source: Source = AWS) -> Alert:
    (parsed,) = alerts(payload, source)
    return parsed


def event(detail: Any, kind: str = "AWS API Call via CloudTrail") -> dict[str, Any]:
    return {"version": "0", "detail-type": kind, "account": ACCOUNT, "region": "us-east-1", "detail": detail}


def notification(message: Any, **more: Any) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:alerts"
    return {"Type": "Notification", "MessageId": "m", "TopicArn": topic, "Message": text, **more}


def named(parsed: Alert, kind: Kind) -> list[str]:
    return [each.value for each in parsed.observables if each.kind is kind]


PAYLOADS = {
    "guardduty": stored("guardduty_eventbridge.json"),
    "health": stored("health.json"),
    "securityhub": stored("securityhub_eventbridge.json"),
    "ocsf": stored("ocsf_securityhub.json"),
    "cloudtrail": event(RECORD),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_is_told_from_every_other_whatever_it_comes_in(kind: str) -> None:
    payload = PAYLOADS[kind]
    assert [name for name, form in FORMS.items() if form.recognises(payload)] == [kind]
    plain = alert(payload)
    assert alert(payload, Source("aws", kind=kind)) == plain
    assert alert(notification(payload)) == plain
    assert alert(notification(notification(payload))) == plain


def test_a_message_that_is_no_json_is_searched_as_text() -> None:
    told = alert(notification(f"{KEY} was seen at 203.0.113.7", Subject="Key seen", Timestamp="2026-11-20T14:03:11Z"))
    assert (told.title, told.at) == ("Key seen", AT)
    assert named(told, Kind.ACCESS_KEY) == [KEY]


# ------------------------------------------------------------------------------------------------------ CloudTrail


def test_a_cloudtrail_event_names_who_called_what_from_where() -> None:
    told = alert(event(RECORD))
    assert told == alert(RECORD)
    assert told == alert({"Records": [RECORD]})
    assert (told.id, told.title, told.at) == (
        f"aws:{RECORD['eventID']}",
        "iam:ListUsers (AccessDenied) by alice",
        AT,
    )
    assert told.calls == (CALL,)
    assert told.observables == (
        Observable(Kind.ACCESS_KEY, KEY),
        Observable(Kind.PRINCIPAL, f"{ACCOUNT}:user/alice"),
        Observable(Kind.IP, "203.0.113.7"),
        Observable(Kind.USER_AGENT, KALI),
        Observable(Kind.EVENT, "iam:ListUsers"),
        Observable(Kind.ACCOUNT, ACCOUNT),
    )


def test_every_record_of_a_log_is_an_alert_of_its_own() -> None:
    told = alerts({"Records": [RECORD, {**RECORD, "eventID": "another"}]})
    assert [each.id for each in told] == [f"aws:{RECORD['eventID']}", "aws:another"]


def test_what_a_service_did_is_not_pinned_on_the_caller() -> None:
    told = alert({**RECORD, "userIdentity": {**RECORD["userIdentity"], "invokedBy": "cloudformation.amazonaws.com"}})  # type: ignore[dict-item]
    assert named(told, Kind.IP) == named(told, Kind.USER_AGENT) == []
    assert named(told, Kind.ACCESS_KEY) == [KEY]
    assert told.notes == ("A service made this call for the principal; its address and client are the service's.",)


def test_aws_quarantining_a_key_is_a_warning_not_the_attackers_doing() -> None:
    told = alert(
        {
            **RECORD,
            "eventName": "AttachUserPolicy",
            "errorCode": None,
            "sourceIPAddress": "AWS Internal",
            "userAgent": "aws-internal/3",
            "requestParameters": {
                "userName": "alice",
                "policyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
            },
        }
    )
    assert (told.title, told.severity) == ("AWS quarantined a key it found in public", "critical")
    assert named(told, Kind.ACCESS_KEY) == [KEY]
    assert named(told, Kind.IP) == named(told, Kind.USER_AGENT) == []


def test_a_session_counts_for_its_role() -> None:
    role = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/build-7",
        "accountId": ACCOUNT,
        "accessKeyId": SESSION_KEY,
        "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "ci"}},
    }
    assert named(alert({**RECORD, "userIdentity": role}), Kind.PRINCIPAL) == [f"{ACCOUNT}:role/ci"]


def test_a_record_that_is_no_call_says_so_and_still_names_what_is_in_it() -> None:
    told = alert({**RECORD, "eventTime": "yesterday"})
    assert told.notes[0] == "The CloudTrail record could not be read: eventTime is not a time."
    assert KEY in named(told, Kind.ACCESS_KEY)


def test_a_record_from_the_future_is_of_now() -> None:
    told = alert({**RECORD, "eventTime": "2027-01-01T00:00:00Z"})
    assert told.at == RECEIVED
    assert "in the future" in told.notes[0]


# ---------------------------------------------------------------------------------------------------------- Health


def health(*entities: str, **changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = copy.deepcopy(PAYLOADS["health"])
    payload["account"] = ACCOUNT
    payload["detail"]["affectedEntities"] = [{"entityValue": each} for each in entities]
    payload["detail"].update(changes)
    return payload


def test_aws_health_names_the_key_it_found_in_public_and_its_user() -> None:
    told = alert(health(KEY, "alice"))
    at = datetime(2016, 6, 5, 15, 10, 9, tzinfo=UTC)
    assert (told.title, told.severity, told.at) == ("AWS_RISK_CREDENTIALS_EXPOSED", "critical", at)
    assert told.calls == (Call(at, KEY, f"{ACCOUNT}:user/alice", account=ACCOUNT),)
    assert told.observables == (
        Observable(Kind.ACCESS_KEY, KEY),
        Observable(Kind.PRINCIPAL, f"{ACCOUNT}:user/alice"),
        Observable(Kind.ACCOUNT, ACCOUNT),
    )
    assert told.notes == ("AWS says: A description of the event will be provided here",)


def test_two_keys_of_aws_health_are_two_and_of_nobody_in_particular() -> None:
    told = alert(health(KEY, f"arn:aws:iam::{ACCOUNT}:access-key/{SESSION_KEY}", "alice"))
    assert named(told, Kind.ACCESS_KEY) == [KEY, SESSION_KEY]
    assert told.calls == ()


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED", "high"),
        ("AWS_RISK_CREDENTIALS_COMPROMISED", "critical"),
        ("AWS_RISK_IAM_QUARANTINE", "critical"),
        ("AWS_IAM_OPERATIONAL_ISSUE", None),
    ],
)
def test_how_sure_aws_is(code: str, severity: str | None) -> None:
    assert alert(health(KEY, eventTypeCode=code)).severity == severity


def test_an_event_without_a_key_says_so_and_a_closed_one_is_over() -> None:
    told = alert(health(statusCode="closed"))
    assert "The event names no access key." in told.notes
    assert told.over
    assert not alert(health(KEY)).over


# ---------------------------------------------------------------------------------------------------- Security Hub

FINDINGS = stored("securityhub_getfindings.json")["data"]


def test_security_hub_tells_guardduty_findings_as_guardduty_does() -> None:
    told = alerts(FINDINGS)
    assert [(each.title, named(each, Kind.ACCESS_KEY), named(each, Kind.PRINCIPAL)) for each in told] == [
        ("Recon:IAMUser/ResourcePermissions", ["AKIAIPRJCJL6BOF6DPMA"], ["644160558196:user/brent.clements"]),
        ("UnauthorizedAccess:IAMUser/ConsoleLogin", [], ["644160558196:user/kapil"]),
        ("Recon:IAMUser/UserPermissions", ["AKIAJEZJDQQX4TZNRMKQ"], ["644160558196:user/kapil"]),
        ("Recon:IAMUser/UserPermissions", ["AKIAJNQCVBXO27VWVEXQ"], ["644160558196:user/david.shepherd2"]),
        # The finding gives a name without saying whether it is a user's or a role's, and the key is a session's.
        ("Recon:IAMUser/ResourcePermissions", ["ASIAZL6XWCR2ISQCR2PB"], []),
    ]
    assert {each.severity for each in told} == {"medium"}
    first = told[0].calls[0]
    assert (first.ip, first.event, first.region) == ("204.63.43.36", "ec2:DescribeInstances", "us-east-1")


def test_a_key_called_null_is_none() -> None:
    told = alert(PAYLOADS["securityhub"])
    assert told.notes == ("The finding names no access key.",)
    assert named(told, Kind.IP) == ["208.115.85.104"]


def finding(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(FINDINGS["Findings"][0]), **changes}


def test_each_finding_of_an_event_is_an_alert_of_its_own() -> None:
    told = alerts(event({"findings": FINDINGS["Findings"]}, "Security Hub Findings - Imported"))
    assert [each.id for each in told] == [each.id for each in alerts(FINDINGS)]


@pytest.mark.parametrize(
    "changes",
    [{"RecordState": "ARCHIVED"}, {"Workflow": {"Status": "RESOLVED"}}, {"Workflow": {"Status": "SUPPRESSED"}}],
)
def test_a_finding_that_was_dealt_with_is_over(changes: dict[str, Any]) -> None:
    assert alert(finding(**changes)).over
    assert not alert(finding(Workflow={"Status": "NEW"})).over


def test_a_sample_of_guardduty_in_security_hub_is_marked_and_names_no_key() -> None:
    resource = {"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:GeneratedFindingAccessKeyId", "Details": {}}
    told = alert(finding(Sample=True, Title="[SAMPLE] Unusual", Resources=[resource]))
    assert told.sample
    assert named(told, Kind.ACCESS_KEY) == named(told, Kind.PRINCIPAL) == []


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        ({"Label": "CRITICAL", "Normalized": 1}, "critical"),
        ({"Normalized": 90}, "critical"),
        ({"Normalized": 89}, "high"),
        ({"Normalized": 39}, "low"),
        ({"Normalized": 0}, "informational"),
        ({"Normalized": "x"}, None),
    ],
)
def test_severity_of_security_hub_is_a_word(severity: dict[str, Any], word: str | None) -> None:
    assert alert(finding(Severity=severity, ProductFields={})).severity == word


# ------------------------------------------------------------------------------------------------------------ OCSF


def ocsf(key: str = KEY, **changes: Any) -> dict[str, Any]:
    payload: dict[str, Any] = copy.deepcopy(PAYLOADS["ocsf"])
    payload["resources"][0]["uid"] = f"AWS::IAM::AccessKey:{key}"
    payload["cloud"]["account"]["uid"] = ACCOUNT
    return {**payload, **changes}


def test_a_finding_in_ocsf_names_key_role_address_and_call() -> None:
    told = alert(event({"findings": [ocsf()]}, "Findings Imported V2"))
    at = datetime(2023, 9, 19, 14, 55, 9, tzinfo=UTC)
    assert (told.title, told.severity, told.at) == ("Stealth:IAMUser/CloudTrailLoggingDisabled", "low", at)
    assert told.calls == (
        Call(
            at,
            KEY,
            f"{ACCOUNT}:role/Admin",
            "52.94.133.131",
            None,
            "cloudtrail:DeleteTrail",
            ACCOUNT,
            "us-east-2",
        ),
    )


def test_the_examples_of_the_documentation_are_no_keys() -> None:
    assert named(alert(PAYLOADS["ocsf"]), Kind.ACCESS_KEY) == []


def test_who_acted_is_what_the_evidence_says() -> None:
    payload = ocsf()
    payload["evidences"][0]["actor"] = {"user": {"type": "IAMUser", "name": "alice", "credential_uid": SESSION_KEY}}
    payload["evidences"][0]["http_request"] = {"user_agent": KALI}
    call = alert(payload).calls[0]
    assert (call.key, call.principal, call.user_agent) == (SESSION_KEY, f"{ACCOUNT}:user/alice", KALI)


def test_a_suppressed_finding_in_ocsf_is_over_and_a_sample_is_marked() -> None:
    assert alert(ocsf(status="Suppressed")).over
    told = alert(ocsf(key="GeneratedFindingAccessKeyId", unmapped={"Sample": "true"}))
    assert told.sample
    assert named(told, Kind.ACCESS_KEY) == []


# ------------------------------------------------------------------------------------------------------- GuardDuty


def test_an_attack_sequence_names_the_keys_of_its_actors() -> None:
    payload = copy.deepcopy(PAYLOADS["guardduty"])
    detail = payload["detail"]
    detail["type"] = "AttackSequence:IAM/CompromisedCredentials"
    detail["resource"] = {"resourceType": "AttackSequence"}
    resource = {"uid": KEY, "resourceType": "ACCESS_KEY", "data": {"accessKey": {"userName": "alice"}}}
    detail["service"] = {
        "additionalInfo": {},
        "detection": {"sequence": {"resources": [resource], "endpoints": [{"ip": "203.0.113.7"}]}},
    }
    told = alert(payload)
    assert named(told, Kind.ACCESS_KEY) == [KEY]
    assert named(told, Kind.IP) == ["203.0.113.7"]


# ------------------------------------------------------------------------------------------------- odd and hostile


def test_more_alerts_than_one_may_hold_are_refused() -> None:
    with pytest.raises(Unreadable, match="Records holds 101 alerts; send at most 100 at once"):
        alerts({"Records": [RECORD] * 101})


def test_an_envelope_in_an_envelope_in_an_envelope_ends_somewhere() -> None:
    payload: Any = {"title": KEY}
    for _ in range(5):
        payload = notification(payload)
    assert named(alert(payload), Kind.ACCESS_KEY) == [KEY]


def test_a_list_of_several_things_of_no_known_form_is_one_alert() -> None:
    assert len(alerts({"findings": [{"a": KEY}, {"b": 2}]})) == 1


def test_splitting_a_part_again_gives_the_same_part() -> None:
    for payload in (event({"findings": FINDINGS["Findings"]}), {"Records": [RECORD, RECORD]}, notification(RECORD)):
        for part in intake.parts(AWS, payload):
            assert intake.parts(AWS, part) == (part,)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("odd", [None, [], 7, "x", {"a": 1}, [1, {"b": []}]])
def test_anything_missing_or_odd_still_gives_an_alert(kind: str, odd: Any) -> None:
    def spoiled(value: Any) -> Any:
        """``value`` once for each of its members, with that one replaced."""
        if isinstance(value, dict):
            for name in value:
                yield {**value, name: odd}
                yield from ({**value, name: inner} for inner in spoiled(value[name]))
        elif isinstance(value, list):
            for number, each in enumerate(value):
                yield from ([*value[:number], inner, *value[number + 1 :]] for inner in spoiled(each))

    for payload in spoiled(PAYLOADS[kind]):
        told = intake.normalise(Source("aws", kind=kind), payload, RECEIVED)
        assert told.title
        assert told.at.tzinfo is UTC
