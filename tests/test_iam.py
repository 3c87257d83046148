"""IAM as enrichers read it, against a local AWS that enforces."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

import bot.iam
from bot.aws import Aws, Identity, NoWayIn
from bot.iam import PERMISSIONS, AwsIam
from bot.model import ContactRecord, IdentityRecord, KeyRecord, Unread
from tests.remediation.cloud import ACCOUNT, BOT, SEATS, Cloud, running, seat

PLACE = seat(SEATS - 7)
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["*"], "Resource": "*"}}
READING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}


@dataclass
class OneWay:
    """``bot.aws.Aws`` with one client for everything, or one failure; it notes where it was sent."""

    client: Any = None
    failure: Exception | None = None
    account: str | None = None

    def reader(self, service: str, account: str) -> Any:
        self.account = account
        if self.failure is not None:
            raise self.failure
        return self.client

    def identity(self) -> Identity:
        return Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/triage-bot", "AKIA")


def iam_over(way: OneWay) -> AwsIam:
    return AwsIam(cast(Aws, way))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


@pytest.fixture(scope="module")
def root(cloud: Cloud) -> Any:
    return cloud.iam()


@pytest.fixture(scope="module")
def iam(root: Any) -> AwsIam:
    return iam_over(OneWay(root))


def test_a_key_with_its_owner_and_sibling(iam: AwsIam) -> None:
    found = iam.key(PLACE.stolen.id, None)
    assert isinstance(found, KeyRecord)
    assert (found.owner, found.status, found.others) == (PLACE.user, "Active", ((PLACE.other.id, "Active"),))
    assert (found.last_used_at, found.last_used_for) == (None, None)
    assert found.created_at is not None


def test_a_user_without_anything(iam: AwsIam) -> None:
    found = iam.identity(ACCOUNT, "user", PLACE.user)
    assert isinstance(found, IdentityRecord)
    assert (found.password, found.mfa, found.groups, found.policies, found.admin) == (False, 0, (), (), False)


def test_a_user_with_everything(iam: AwsIam, root: Any) -> None:
    user = seat(SEATS - 8).user
    root.create_login_profile(UserName=user, Password="Made-up-1!")
    root.create_group(GroupName="developers")
    root.add_user_to_group(GroupName="developers", UserName=user)
    root.put_group_policy(GroupName="developers", PolicyName="reading", PolicyDocument=json.dumps(READING))
    root.put_user_policy(UserName=user, PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING))
    root.tag_user(UserName=user, Tags=[{"Key": "Team", "Value": "parcels"}])
    found = iam.identity(ACCOUNT, "user", user)
    assert isinstance(found, IdentityRecord)
    assert (found.password, found.groups, found.admin) == (True, ("developers",), True)
    assert set(found.policies) == {"everything", "reading"}
    assert found.tags == {"Team": "parcels"}


def test_policies_of_ones_own_are_read(iam: AwsIam, root: Any) -> None:
    user = seat(SEATS - 9).user
    made = root.create_policy(PolicyName="all-of-it", PolicyDocument=json.dumps(EVERYTHING))
    root.attach_user_policy(UserName=user, PolicyArn=made["Policy"]["Arn"])
    found = iam.identity(ACCOUNT, "user", user)
    assert isinstance(found, IdentityRecord)
    assert (found.policies, found.admin) == (("all-of-it",), True)


def test_a_role(iam: AwsIam) -> None:
    found = iam.identity(ACCOUNT, "role", "TriageRead")
    assert isinstance(found, IdentityRecord)
    assert (found.policies, found.admin, found.password, found.mfa) == (("declared",), False, None, None)


def test_who_is_not_there_is_not_there(iam: AwsIam) -> None:
    assert iam.identity(ACCOUNT, "user", "nobody") is None
    assert iam.identity(ACCOUNT, "role", "nothing") is None


def test_a_refusal_is_said_with_the_call(cloud: Cloud) -> None:
    """The user of a stolen key may not read itself."""
    own = cloud.client("iam", PLACE.stolen)
    assert iam_over(OneWay(own)).identity(ACCOUNT, "user", PLACE.user) == Unread("AccessDenied on GetUser")


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (
            NoWayIn("The bot has credentials for another account only."),
            "The bot has credentials for another account only.",
        ),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
            "AWS could not be reached: EndpointConnectionError",
        ),
        (ClientError({"Error": {"Code": "Throttling"}}, "GetUser"), "Throttling on GetUser"),
    ],
)
def test_a_failure_is_no_answer(failure: Exception, why: str) -> None:
    way = iam_over(OneWay(failure=failure))
    assert way.identity(ACCOUNT, "user", "alice") == Unread(why)
    assert way.key(PLACE.stolen.id, None) == Unread(why)


@pytest.mark.parametrize(
    ("key", "known", "asked"),
    [
        (PLACE.stolen.id, "999900001111", ACCOUNT),  # the id itself tells
        ("AKIAIQHE2AAAAAAAAAAA", "999900001111", "999900001111"),
        ("AKIAIQHE2AAAAAAAAAAA", None, ACCOUNT),
    ],
)
def test_the_account_of_the_key_is_asked(key: str, known: str | None, asked: str) -> None:
    way = OneWay(failure=NoWayIn("no"))
    iam_over(way).key(key, known)
    assert way.account == asked


@pytest.mark.parametrize(
    ("document", "admin"),
    [
        (EVERYTHING, True),
        (READING, False),
        ({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}, False),
        ({"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]}, False),
        ({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::one"}]}, False),
        ({}, None),
        ("not json", None),
        ({"Statement": ["odd"]}, None),
    ],
)
def test_who_may_do_everything(document: Any, admin: bool | None) -> None:
    from bot.iam import _allows_everything

    assert _allows_everything([document]) is admin
    assert _allows_everything([document, EVERYTHING]) is True


def test_the_security_contact_over_http(cloud: Cloud) -> None:
    found = iam_over(OneWay(cloud.client("account", BOT))).contact(ACCOUNT)
    assert isinstance(found, ContactRecord)
    assert (found.name, found.email) == ("ParcelHub Security Desk", "security@parcelhub.example")


@pytest.fixture
def account() -> Iterator[Stubber]:
    """The API as botocore describes it: for what the local AWS never answers."""
    client: Any = boto3.client("account", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stubbed:
        yield stubbed


def contact(account: Stubber) -> ContactRecord | Unread | None:
    return iam_over(OneWay(account.client)).contact(ACCOUNT)


def test_every_part_of_the_security_contact(account: Stubber) -> None:
    named = {"Name": "Jule Horn", "Title": "CISO", "EmailAddress": "jule@example.com", "PhoneNumber": "+49 30 0000"}
    answer = {"AlternateContact": {"AlternateContactType": "SECURITY", **named}}
    account.add_response("get_alternate_contact", answer, {"AlternateContactType": "SECURITY"})
    assert contact(account) == ContactRecord("Jule Horn", "CISO", "jule@example.com", "+49 30 0000")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ResourceNotFoundException", None),
        ("AccessDeniedException", Unread("AccessDeniedException on GetAlternateContact")),
        ("TooManyRequestsException", Unread("TooManyRequestsException on GetAlternateContact")),
    ],
)
def test_no_contact_is_not_a_refusal(account: Stubber, code: str, said: Unread | None) -> None:
    account.add_client_error("get_alternate_contact", code)
    assert contact(account) == said


def test_the_declared_permissions_are_those_of_its_calls() -> None:
    source = inspect.getsource(bot.iam)
    called = set(re.findall(r"\b(iam|account)\.((?:get|list)_[a-z_]+)\(", source)) | {
        ("iam", name) for name in re.findall(r'"((?:get|list)_[a-z_]+)"', source)
    }
    actions = {f"{service}:{''.join(part.capitalize() for part in name.split('_'))}" for service, name in called}
    assert {action.replace("Mfa", "MFA") for action in actions} - {"iam:GetPaginator"} == PERMISSIONS
