"""Messages that SNS signed: real ones, and each of the ways in which one may be made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.intake import sns, sns_certificate
from bot.intake.signatures import NotAuthentic
from tests.intake.samples import DATA
from tests.signing import CERTIFICATE, Signer

FOLDER = DATA / "sns"
REAL = (FOLDER / f"{CERTIFICATE}.pem").read_bytes()
NAMES = sorted(file.name for file in FOLDER.glob("*.json"))
THEN = datetime(2022, 7, 28, 23, 0, tzinfo=UTC)


def stored(name: str) -> dict[str, Any]:
    """A message as it comes over HTTPS; the names of addresses are written otherwise in what Lambda is given."""
    told: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return {name.replace("CertUrl", "CertURL"): value for name, value in told.items()}


def message(told: dict[str, Any]) -> sns.Message:
    return sns.message_of(json.dumps(told).encode())


def check(told: dict[str, Any], certificate: bytes = REAL, *, after: timedelta = timedelta(minutes=1)) -> None:
    parsed = message(told)
    now = parsed.at + after
    sns.expect(parsed, [parsed.topic.arn], now)
    sns_certificate.verify(parsed, certificate, now)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_message_is_authentic(name: str) -> None:
    check(stored(name))


@pytest.mark.parametrize("name", ["sns_http_v1_subject.json", "sns_http_v2_subject.json"])
@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
def test_whatever_is_changed_the_signature_is_not_of_it(name: str, field: str) -> None:
    told = stored(name)
    told[field] = "2022-07-28T22:53:50.000Z" if field == "Timestamp" else told[field][:-1] + "1"
    with pytest.raises(NotAuthentic, match="wrong signature"):
        check(told)


def test_a_subject_that_was_added_or_taken_away_is_a_change() -> None:
    for name, subject in (("sns_http_v2_subject.json", None), ("sns_http_v2_nosubject.json", "Hello")):
        with pytest.raises(NotAuthentic, match="wrong signature"):
            check({**stored(name), "Subject": subject})


def test_a_signature_of_one_version_is_none_of_the_other() -> None:
    with pytest.raises(NotAuthentic, match="wrong signature"):
        check({**stored("sns_http_v1_subject.json"), "SignatureVersion": "2"})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Type": "Other"}, "not a message of an SNS topic"),
        ({"Type": ["Notification"]}, "not a message of an SNS topic"),
        ({"TopicArn": "arn:aws:sqs:us-east-2:295079676684:queue"}, "not a message of an SNS topic"),
        ({"TopicArn": "arn:aws:sns:us-east-2/../evil:295079676684:t"}, "not a message of an SNS topic"),
        ({"SignatureVersion": "3"}, "unknown version"),
        ({"SignatureVersion": ["1"]}, "unknown version"),
        ({"SigningCertURL": None}, "without a certificate"),
        ({"SigningCertURL": "http://sns.us-east-2.amazonaws.com/SimpleNotificationService-ab.pem"}, "without a cert"),
        ({"SigningCertURL": "https://evil.example/SimpleNotificationService-ab/../x.pem"}, "without a certificate"),
        ({"SigningCertURL": "https://sns.s3.amazonaws.com/x.pem"}, "without a certificate"),
        ({"Signature": "%%%"}, "no base64"),
        ({"Signature": None}, "no signature"),
        ({"Timestamp": "yesterday"}, "no timestamp"),
        ({"Timestamp": "2022-07-28T21:23:58"}, "without a time zone"),
        ({"Message": {"a": 1}}, "no Message"),
    ],
)
def test_what_sns_does_not_send_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(NotAuthentic, match=why):
        message({**stored("sns_http_v1_nosubject.json"), **changes})


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"Type": NaN}', b"x" * 700_000])
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(NotAuthentic):
        sns.message_of(body)


def test_only_the_name_of_a_certificate_is_taken_from_a_message() -> None:
    told = {**stored("sns_http_v1_nosubject.json")}
    told["SigningCertURL"] = "https://evil.example/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem"
    assert message(told).certificate == "7ff5318490ec183fbaddaa2a969abfda"


def test_a_topic_that_is_not_named_is_not_heard() -> None:
    parsed = message(stored("sns_http_v1_nosubject.json"))
    with pytest.raises(NotAuthentic, match="is not one of this source's"):
        sns.expect(parsed, ["arn:aws:sns:us-east-2:295079676684:another"], parsed.at)


@pytest.mark.parametrize("after", [timedelta(minutes=76), timedelta(minutes=-6)])
def test_a_message_that_is_old_or_from_the_future_is_refused(after: timedelta) -> None:
    with pytest.raises(NotAuthentic, match="too old, or not yet"):
        check(stored("sns_http_v1_nosubject.json"), after=after)


def test_a_certificate_must_be_one_and_valid_and_made_out_to_sns() -> None:
    told = stored("sns_http_v2_subject.json")
    parsed = message(told)
    with pytest.raises(NotAuthentic, match="is none"):
        sns_certificate.verify(parsed, b"<html>", parsed.at)
    with pytest.raises(NotAuthentic, match="not valid now"):
        sns_certificate.verify(parsed, REAL, datetime(2023, 1, 1, tzinfo=UTC))
    with pytest.raises(NotAuthentic, match="not one of SNS"):
        sns_certificate.verify(parsed, Signer("evil.example", parsed.at).certificate, parsed.at)


def test_another_s_key_signs_nothing_of_sns() -> None:
    told = stored("sns_http_v2_subject.json")
    with pytest.raises(NotAuthentic, match="wrong signature"):
        check(told, Signer("sns.amazonaws.com", message(told).at).certificate)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_is_said_of_a_subscription_is_signed_too(version: str, kind: str) -> None:
    signer = Signer("sns.amazonaws.com", THEN)
    told = {
        **stored("sns_http_v1_nosubject.json"),
        "Type": kind,
        "Token": "a" * 64,
        "SubscribeURL": "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription",
        "SignatureVersion": version,
    }
    signed = signer.sign(told)
    check(signed, signer.certificate)
    assert message(signed).token == "a" * 64
    with pytest.raises(NotAuthentic, match="wrong signature"):
        check({**signed, "Token": "b" * 64}, signer.certificate)
