from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from bot.database import sqlite3
from bot.history.details import read_detail, text_of
from bot.history.schema import migrations
from bot.history.sqlite import SqliteHistory
from bot.model import Detail, HistoryUnavailableError
from tests.history.made import ALWAYS, key, loaded, record

REFUSED = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: iam:ListUsers on resource: *"
IDENTITY = "identity-based policy"
SCP = "arn:aws:organizations::987654321098:policy/o-1/service_control_policy/p-2"
QUARANTINE = "AWSCompromisedKeyQuarantineV3"


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (f"{REFUSED} because no identity-based policy allows the iam:ListUsers action", Detail(denied_by=IDENTITY)),
        (f"{REFUSED} because no permissions boundary allows it", Detail(denied_by="permissions boundary")),
        (f"{REFUSED} with an explicit deny in an identity-based policy", Detail(denied_by=IDENTITY, explicit=True)),
        (
            f"{REFUSED} with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/{QUARANTINE}",
            Detail(denied_by=IDENTITY, explicit=True, denying_policy=QUARANTINE),
        ),
        (
            f"{REFUSED} with an explicit deny in a permissions boundary: arn:aws:iam::aws:policy/AWSDenyAll",
            Detail(denied_by="permissions boundary", explicit=True, denying_policy="AWSDenyAll"),
        ),
        (
            f"{REFUSED} with an explicit deny in a service control policy: {SCP}",
            Detail(denied_by="service control policy", explicit=True, denying_policy="p-2"),
        ),
        (f"{REFUSED} with an explicit deny", Detail(denied_by="policy", explicit=True)),
        (REFUSED, None),
        ("", None),
        (None, None),
    ],
)
def test_the_reason_of_a_refusal(tmp_path: Path, message: str | None, kept: Detail | None) -> None:
    assert _detail(tmp_path, errorMessage=message) == kept


def test_a_call_that_was_not_refused_has_no_reason(tmp_path: Path) -> None:
    throttled = {"errorCode": "ThrottlingException", "errorMessage": "rate exceeded, with an explicit deny"}
    assert _detail(tmp_path, **throttled) is None


OK: dict[str, Any] = {"errorCode": ..., "errorMessage": ...}


@pytest.mark.parametrize(
    ("source", "name", "parameters", "kept"),
    [
        (
            *("iam", "AttachUserPolicy"),
            {"userName": "bob", "policyArn": f"arn:aws:iam::aws:policy/{QUARANTINE}"},
            Detail(user="bob", policy=QUARANTINE),
        ),
        ("iam", "PutUserPolicy", {"userName": "bob", "policyName": "p"}, Detail(user="bob", policy="p")),
        (
            *("iam", "PutUserPermissionsBoundary"),
            {"userName": "bob", "permissionsBoundary": "arn:aws-cn:iam::aws:policy/AWSDenyAll"},
            Detail(user="bob", policy="AWSDenyAll"),
        ),
        ("iam", "CreateAccessKey", {"userName": "bob"}, Detail(user="bob")),
        ("iam", "CreateAccessKey", None, None),
        ("iam", "CreateUser", {"userName": "bob"}, None),
        ("ses", "UpdateAccountSendingEnabled", {"enabled": True}, Detail(enabled=True)),
        ("ses", "UpdateAccountSendingEnabled", {}, Detail(enabled=False)),
        ("ses", "UpdateAccountSendingEnabled", None, Detail(enabled=False)),
        ("ses", "PutAccountSendingAttributes", {"sendingEnabled": True}, Detail(enabled=True)),
        ("iam", "AttachUserPolicy", {"userName": 7, "policyArn": ["x"]}, None),
        ("iam", "AttachUserPolicy", "text", None),
        ("ses", "UpdateAccountSendingEnabled", {"enabled": "yes"}, Detail(enabled=False)),
    ],
)
def test_what_a_call_is_about(tmp_path: Path, source: str, name: str, parameters: object, kept: Detail | None) -> None:
    changes = {"eventSource": f"{source}.amazonaws.com", "eventName": name, "requestParameters": parameters}
    assert _detail(tmp_path, **OK, **changes) == kept


@pytest.mark.parametrize(
    ("additional", "kept"),
    [
        ({"MFAUsed": "Yes"}, Detail(mfa=True)),
        ({"MFAUsed": "No"}, Detail(mfa=False)),
        ({"MFAUsed": "No", "SamlProviderArn": "arn:aws:iam::111122223333:saml-provider/x"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_how_somebody_signed_in(tmp_path: Path, additional: object, kept: Detail | None) -> None:
    sign_in = {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "additionalEventData": additional}
    assert _detail(tmp_path, **OK, **sign_in, responseElements={"ConsoleLogin": "Success"}) == kept


def test_a_record_in_an_odd_spelling_tells_the_same(tmp_path: Path) -> None:
    """A wrong type elsewhere sends a record the slow way."""
    odd = _detail(tmp_path, **OK, eventName="CreateAccessKey", requestParameters={"userName": "bob"}, vpcEndpointId=7)
    assert odd == Detail(user="bob")


def test_uses_and_events_agree_and_differ_by_detail(tmp_path: Path) -> None:
    reason = f"{REFUSED} with an explicit deny in an identity-based policy"
    history = loaded(tmp_path, record(1), record(2, errorMessage=reason), record(3, errorMessage=reason))
    told = [(use.detail, use.count) for use in history.uses(key(), ALWAYS)]
    assert sorted(told, key=repr) == sorted([(None, 1), (Detail(denied_by=IDENTITY, explicit=True), 2)], key=repr)
    assert [event.detail for event in history.events(key(), ALWAYS)].count(None) == 1


@given(
    st.builds(
        Detail,
        denied_by=st.none() | st.text(max_size=8),
        explicit=st.booleans(),
        policy=st.none() | st.text(max_size=8),
        user=st.none() | st.text(max_size=8),
        enabled=st.none() | st.booleans(),
        mfa=st.none() | st.booleans(),
    )
)
def test_a_detail_is_read_as_it_was_written(detail: Detail) -> None:
    assert read_detail(text_of(detail)) == detail


def test_of_a_newer_version_only_what_is_known_is_read() -> None:
    assert read_detail('{"user": "bob", "not yet": 1}') == Detail(user="bob")


def test_a_history_of_an_older_version_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    db = Database(sqlite3.connect(str(path)))
    migrations.apply(db, stop_before="m003_detail")
    db.close()
    with pytest.raises(HistoryUnavailableError, match="older version: `triage ingest` of any log brings it up to date"):
        SqliteHistory(path).newest()
    history = loaded(tmp_path, record())
    assert history.newest() is not None


@pytest.mark.parametrize(
    ("changes", "by_service"),
    [
        ({"userAgent": "aws-internal/3 aws-sdk-java/1.12.50 Linux/5.4 java/1.8.0_312"}, True),
        ({"userAgent": "AWS Internal", "sourceIPAddress": "AWS Internal"}, True),
        ({}, False),
    ],
)
def test_what_aws_does_in_the_name_of_a_user_is_not_that_users_client(
    tmp_path: Path, changes: dict[str, Any], by_service: bool
) -> None:
    """As AWS quarantines a key: the victim is named as the caller, from an address of Amazon's."""
    parameters = {"userName": "alice", "policyArn": f"arn:aws:iam::aws:policy/{QUARANTINE}"}
    quarantined = record(**OK, eventName="AttachUserPolicy", requestParameters=parameters, **changes)
    assert [use.by_service for use in loaded(tmp_path, quarantined).uses(key(), ALWAYS)] == [by_service]


def test_terminals_of_an_older_history_are_found(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    db = Database(sqlite3.connect(str(path)))
    migrations.apply(db, stop_before="m004_terminal")
    db.execute("INSERT INTO agent (value, family) VALUES ('aws-cli/2.31.0 sid/4c55b1738b6d', 'x'), ('boto3', 'y')")
    migrations.apply(db)
    assert db.execute("SELECT terminal FROM agent ORDER BY id").fetchall() == [("4c55b1738b6d",), (None,)]
    db.close()


def _detail(folder: Path, **changes: Any) -> Detail | None:
    history = loaded(folder, record(**changes))
    (event,) = history.events(key(), ALWAYS)
    return event.detail
