"""Observables are found by their form, whoever wrote the text around them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake import observables
from bot.model import Kind
from tests.intake.samples import ACCOUNT, ALICE, KALI, KEY, SESSION_KEY

FOUND: list[tuple[Any, list[tuple[Kind, str]]]] = [
    (f"key {KEY}, {SESSION_KEY}!", [(Kind.ACCESS_KEY, KEY), (Kind.ACCESS_KEY, SESSION_KEY)]),
    (f"x{KEY} {KEY.lower()} AKIAIOSFODNN7EXAMPLE AKIAI44QH8DHBEXAMPLE AKIASHORT", []),
    (f"by {ALICE}.", [(Kind.PRINCIPAL, f"{ACCOUNT}:user/alice")]),
    (f'"{ALICE}"', [(Kind.PRINCIPAL, f"{ACCOUNT}:user/alice")]),
    ("arn:aws:s3:::bucket/key", []),
    ("from 203.0.113.7:443 or 10.1.2.3.", [(Kind.IP, "203.0.113.7"), (Kind.IP, "10.1.2.3")]),
    ("src=198.51.100.9;http://192.0.2.1/x", [(Kind.IP, "198.51.100.9"), (Kind.IP, "192.0.2.1")]),
    ("10.0.0.0/8 1.2.3.4.5 256.1.1.1 01.2.3.4 127.0.0.1 0.0.0.0 224.0.0.1 Chrome/91.0.4472.124 v1.2.3", []),
    ("[2001:DB8::1]:443", [(Kind.IP, "2001:db8::1")]),
    ("::ffff:203.0.113.7", [(Kind.IP, "203.0.113.7")]),
    ("12:30:45 aa:bb:cc:dd:ee:ff AWS::IAM::AccessKey std::add :: ::1 2001:db8::/32", []),
    (f"client {KALI} from 203.0.113.7", [(Kind.USER_AGENT, KALI), (Kind.IP, "203.0.113.7")]),
    ({"userAgent": "<!channel> 203.0.113.7"}, [(Kind.USER_AGENT, "<!channel> 203.0.113.7")]),
    ({"user_agent": "", "httpUserAgent": " S3 Browser "}, [(Kind.USER_AGENT, "S3 Browser")]),
    ("ran iam:ListUsers, error:AccessDenied", [(Kind.EVENT, "iam:ListUsers")]),
    ({"event": "ses:GetSendQuota"}, [(Kind.EVENT, "ses:GetSendQuota")]),
    (
        {"eventSource": "lambda.amazonaws.com", "eventName": "CreateFunction20150331"},
        [(Kind.EVENT, "lambda:CreateFunction")],
    ),
    ({"api": "ListUsers", "serviceName": "iam.amazonaws.com"}, [(Kind.EVENT, "iam:ListUsers")]),
    ({"eventName": "ListUsers", "api": 3}, []),
    ({"accountId": ACCOUNT}, [(Kind.ACCOUNT, ACCOUNT)]),
    ({"account": 29608264753}, [(Kind.ACCOUNT, "029608264753")]),
    ({"account": True, "number": 111122223333, "phone": ACCOUNT}, []),
    (f"in account {ACCOUNT}", [(Kind.ACCOUNT, ACCOUNT)]),
    ({"a": [{"b": [KEY]}], KEY: None}, [(Kind.ACCESS_KEY, KEY)]),
    (f'{{"Message": "{{\\"key\\": \\"{KEY}\\"}}"}}', [(Kind.ACCESS_KEY, KEY)]),
]


@pytest.mark.parametrize(("payload", "expected"), FOUND, ids=[str(payload)[:60] for payload, _ in FOUND])
def test_observables_are_found_by_their_form(payload: Any, expected: list[tuple[Kind, str]]) -> None:
    assert [(one.kind, one.value) for one in observables.find(payload)] == expected


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/alice", f"{ACCOUNT}:user/alice"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/service-role/ci", f"{ACCOUNT}:role/ci"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/session/odd", f"{ACCOUNT}:role/ci"),
        (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_1/bob@example.com",
            f"{ACCOUNT}:sso/bob@example.com",
        ),
        (f"arn:aws:iam::{ACCOUNT}:root", f"{ACCOUNT}:root"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/anyone", None),
        (f"arn:aws:iam::{ACCOUNT}:policy/x", None),
        (f"arn:aws:iam::{ACCOUNT}:user", None),
        (f"arn:aws:iam::{ACCOUNT}:root/x", None),
        ("arn:aws:iam::aws:user/x", None),
        ("arn:aws:iam", None),
        (None, None),
    ],
)
def test_a_principal_is_named_without_path_or_session(arn: str | None, principal: str | None) -> None:
    assert observables.principal(arn) == principal


@pytest.mark.parametrize("typed", [KEY, f" {KEY.lower()}\n"])
def test_a_typed_key_is_read_as_meant(typed: str) -> None:
    assert observables.access_key(typed) == KEY


@pytest.mark.parametrize("text", ["", "AKIA", "AKIAIOSFODNN7EXAMPLE", f"{KEY} {KEY}", None, 7])
def test_what_is_no_key_is_none(text: object) -> None:
    assert observables.access_key(text) is None


@pytest.mark.parametrize(
    ("unit", "times"),
    [
        ("AKIA", 60_000),
        ("arn:aws", 40_000),
        ("arn:aws:iam::1:", 20_000),
        ("1.1.1.", 40_000),
        (":", 250_000),
        ("a:", 100_000),
        ("Boto3/1 ", 30_000),
        ("account ", 30_000),
        (" a/b (x", 30_000),
        ("iam:List", 30_000),
    ],
)
def test_a_hostile_text_of_the_largest_size_is_searched_to_its_end(unit: str, times: int) -> None:
    found = observables.find({"text": f"{unit * times} {KEY}"})
    assert len(found) <= observables.MAX_FOUND


def test_more_observables_than_any_alert_has_are_cut() -> None:
    many = [f"10.0.{high}.{low}" for high in range(4) for low in range(256)]
    assert len(observables.find(many)) == observables.MAX_FOUND


def test_depth_is_no_limit() -> None:
    payload: Any = KEY
    for _ in range(10_000):
        payload = {"a": [payload]}
    assert [one.value for one in observables.find(payload)] == [KEY]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["account", "userAgent", "api", "event", "serviceName"]), inner)
    ),
    max_leaves=12,
)


@given(json_values | st.text(alphabet="AKIASrn:aws/0123456789.[]{}-_f ", max_size=300))
def test_any_payload_is_searched(payload: Any) -> None:
    found = observables.find(payload)
    assert len(set(found)) == len(found)
    assert all(one.value for one in found)
