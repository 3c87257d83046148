"""Who called, for every kind of identity CloudTrail writes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from bot.history.principal import id_of_arn, principal_of, session_of
from bot.history.raw import Identity

A = "111122223333"
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def identity(**fields: Any) -> Identity:
    return msgspec.convert(fields, Identity)


def issued_by(**issuer: str) -> dict[str, Any]:
    return {"sessionIssuer": issuer}


SSO = f"arn:aws:sts::{A}:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/carol@example.com"
ROLE = f"arn:aws:sts::{A}:assumed-role/deploy/run-4711"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "IAMUser", "accountId": A, "userName": "alice"}, f"{A}:user/alice"),
        ({"type": "IAMUser", "accountId": A, "arn": f"arn:aws:iam::{A}:user/team/bob"}, f"{A}:user/bob"),
        (
            {"type": "IAMUser", "accountId": A, "principalId": "AIDARTX3GSDSQAAAAAAAA"},
            f"{A}:user/AIDARTX3GSDSQAAAAAAAA",
        ),
        ({"type": "IAMUser", "accountId": A, "userName": HIDDEN}, f"{A}:user/(hidden)"),
        ({"type": "IAMUser", "userName": "alice"}, "999999999999:user/alice"),
        ({"type": "Root", "accountId": A, "userName": "the-alias", "principalId": A}, f"{A}:root"),
        ({"type": "AssumedRole", "accountId": A, "arn": ROLE}, f"{A}:role/deploy"),
        (
            {"type": "AssumedRole", "accountId": A, "sessionContext": issued_by(type="Role", userName="deploy")},
            f"{A}:role/deploy",
        ),
        ({"type": "AssumedRole", "accountId": A, "principalId": "AROAX:i-0123"}, f"{A}:role/AROAX"),
        ({"type": "AssumedRole", "accountId": A, "arn": SSO}, f"{A}:sso/carol@example.com"),
        ({"type": "Role", "accountId": A, "arn": f"arn:aws:iam::{A}:role/chain"}, f"{A}:role/chain"),
        (
            {
                "type": "FederatedUser",
                "accountId": A,
                "arn": f"arn:aws:sts::{A}:federated-user/innocent",
                "sessionContext": issued_by(type="IAMUser", userName="alice"),
            },
            f"{A}:user/alice",
        ),
        ({"type": "FederatedUser", "accountId": A, "sessionContext": issued_by(type="Root")}, f"{A}:root"),
        ({"type": "FederatedUser", "accountId": A, "principalId": f"{A}:innocent"}, f"{A}:federated/innocent"),
        ({"type": "IdentityCenterUser", "accountId": A, "onBehalfOf": {"userId": "u-1"}}, "idc:u-1"),
        ({"type": "SAMLUser", "userName": "dora", "identityProvider": "idp"}, "saml:dora"),
        (
            {"type": "WebIdentityUser", "userName": "repo:o/r:ref", "identityProvider": "token.actions"},
            "web:token.actions:repo:o/r:ref",
        ),
        ({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDAX"}, "account:444455556666"),
        ({"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"}, "anonymous"),
        ({"type": "AWSAccount", "accountId": "anonymous"}, "anonymous"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "service:ec2.amazonaws.com"),
        ({"type": "Directory", "accountId": A, "userName": "erin"}, f"directory:{A}:erin"),
        ({"type": "Unknown", "accountId": A, "arn": ROLE}, f"{A}:role/deploy"),
        ({"type": "Unknown", "accountId": A, "userName": "frank"}, f"{A}:unknown/frank"),
        ({"type": "Unknown", "accountId": A, "principalId": "P"}, f"{A}:unknown/P"),
        ({"type": "Unknown"}, "unknown"),
        ({"type": "SomethingOfNextYear", "accountId": A, "userName": "gina"}, f"{A}:unknown/gina"),
        ({"accountId": A, "invokedBy": "AWS Internal"}, "service:AWS Internal"),
        ({}, "unknown"),
    ],
)
def test_stable_id(fields: dict[str, Any], expected: str) -> None:
    assert principal_of(identity(**fields), "999999999999").id == expected


def test_a_session_is_for_display_only() -> None:
    ci = [identity(type="AssumedRole", accountId=A, arn=ROLE.replace("4711", str(run))) for run in (1, 2)]
    assert len({principal_of(each, None).id for each in ci}) == 1
    assert [session_of(each) for each in ci] == ["run-1", "run-2"]
    assert session_of(identity(type="FederatedUser", arn=f"arn:aws:sts::{A}:federated-user/innocent")) == "innocent"
    assert session_of(identity(type="IAMUser", principalId="a:b")) is None


def test_the_arn_of_a_role_is_that_of_no_session() -> None:
    arn = f"arn:aws:iam::{A}:role/deploy"
    issuer = issued_by(type="Role", userName="deploy", arn=arn, accountId=A)
    found = principal_of(identity(type="AssumedRole", arn=ROLE, sessionContext=issuer), None)
    assert (found.arn, found.account, found.name) == (arn, A, "deploy")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (f"arn:aws:iam::{A}:user/alice", f"{A}:user/alice"),
        (f"arn:aws-us-gov:iam::{A}:user/a/b/alice", f"{A}:user/alice"),
        (f"arn:aws:iam::{A}:root", f"{A}:root"),
        (f"arn:aws:iam::{A}:role/path/deploy", f"{A}:role/deploy"),
        (ROLE, f"{A}:role/deploy"),
        (SSO, f"{A}:sso/carol@example.com"),
        (f"arn:aws:s3:::bucket/{A}", None),
        ("alice", None),
        ("", None),
    ],
)
def test_an_arn_names_a_principal(arn: str, expected: str | None) -> None:
    assert id_of_arn(arn) == expected
