"""The two roles, against an AWS that checks trust, ExternalId and session policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from bot.aws import Allowed, Aws, AwsSettings, Grant, Identity, NoWayIn
from tests.remediation.cloud import ACCOUNT, BOT, EXTERNAL_ID, FOREIGN, SEATS, Cloud, seat
from tests.remediation.door import Door


def bot(settings: AwsSettings, session: boto3.session.Session, clock: list[datetime] | None = None) -> Aws:
    times = clock or [datetime.now(UTC)]
    return Aws(settings, lambda: times[-1], session)


def updating(*resources: str, by_roles_role: bool = False) -> Grant:
    return Grant("iam", (Allowed(("iam:UpdateAccessKey",), resources),), by_roles_role=by_roles_role)


def test_without_roles_the_own_account_is_read_with_the_own_credentials(
    door: Door, session: boto3.session.Session
) -> None:
    aws = bot(AwsSettings(), session)
    assert aws.identity() == Identity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/triage-bot", BOT.id)
    assert aws.reader("sts", ACCOUNT).get_caller_identity()["Account"] == ACCOUNT
    assert door.of("AssumeRole") == []


def test_without_roles_a_foreign_account_is_refused_with_the_setting(
    door: Door, session: boto3.session.Session
) -> None:
    aws = bot(AwsSettings(), session)
    only = f"for account {ACCOUNT} only, not for {FOREIGN}"
    with pytest.raises(NoWayIn, match=rf"{only}: set \[aws\] read_role"):
        aws.reader("iam", FOREIGN)
    with pytest.raises(NoWayIn, match=rf"{only}: set \[aws\] act_role"):
        aws.actor(FOREIGN, updating("*"), approver="a", case="c")


def test_a_role_of_one_account_does_not_lead_into_another(door: Door, session: boto3.session.Session) -> None:
    aws = bot(AwsSettings(read_role=f"arn:aws:iam::{ACCOUNT}:role/TriageRead"), session)
    with pytest.raises(NoWayIn, match=f"is not in account {FOREIGN}"):
        aws.reader("iam", FOREIGN)


@pytest.mark.parametrize(
    ("region", "stated", "home"),
    [("cn-northwest-1", {}, "cn-north-1"), ("us-gov-east-1", {ACCOUNT: "aws-us-gov"}, "us-gov-west-1")],
)
def test_a_role_and_iam_are_those_of_the_accounts_partition(
    door: Door, session: boto3.session.Session, region: str, stated: dict[str, str], home: str
) -> None:
    settings = AwsSettings("arn:aws:iam::{account}:role/TriageRead", None, EXTERNAL_ID, region, partitions=stated)
    iam = bot(settings, session).reader("iam", ACCOUNT)
    (asked,) = door.of("AssumeRole")
    assert asked["RoleArn"] == f"arn:{settings.partition(ACCOUNT)}:iam::{ACCOUNT}:role/TriageRead"
    assert iam.meta.region_name == home


def test_credentials_of_one_partition_are_not_tried_in_another(door: Door, session: boto3.session.Session) -> None:
    settings = AwsSettings(
        "arn:aws:iam::{account}:role/TriageRead", None, EXTERNAL_ID, "us-east-1", partitions={ACCOUNT: "aws-cn"}
    )
    with pytest.raises(NoWayIn, match=r"in the partition aws-cn, .* for aws are worth nothing: run a second bot"):
        bot(settings, session).reader("iam", ACCOUNT)
    assert door.requests == []


def test_readers_are_shared_and_renewed_before_their_session_ends(door: Door, session: boto3.session.Session) -> None:
    # Sessions end by AWS's clock: a time taken when the tests were collected would be too early.
    times = [datetime.now(UTC)]
    settings = AwsSettings(read_role="arn:aws:iam::{account}:role/TriageRead", external_id=EXTERNAL_ID)
    aws = bot(settings, session, times)
    first = aws.reader("iam", ACCOUNT)
    assert aws.reader("iam", ACCOUNT) is first
    times.append(times[0] + timedelta(minutes=56))
    assert aws.reader("iam", ACCOUNT) is not first
    assert len(door.of("AssumeRole")) == 2


def test_a_wrong_external_id_is_refused(door: Door, session: boto3.session.Session) -> None:
    settings = AwsSettings(read_role="arn:aws:iam::{account}:role/TriageRead", external_id="wrong")
    with pytest.raises(ClientError, match="AccessDenied"):
        bot(settings, session).reader("iam", ACCOUNT)


def test_an_actor_can_change_its_own_target_and_no_other(
    cloud: Cloud, door: Door, session: boto3.session.Session
) -> None:
    settings = AwsSettings(act_role="arn:aws:iam::{account}:role/TriageAct", external_id=EXTERNAL_ID)
    own, other = seat(SEATS - 3), seat(SEATS - 4)
    resources = [f"arn:aws:iam::{ACCOUNT}:user/{own.user}"]
    iam = bot(settings, session).actor(ACCOUNT, updating(*resources), approver="a", case="c")
    iam.update_access_key(UserName=own.user, AccessKeyId=own.other.id, Status="Inactive")
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.update_access_key(UserName=other.user, AccessKeyId=other.other.id, Status="Inactive")
    assert [cloud.works(own.other), cloud.works(other.other)] == [False, True]


def test_an_actor_never_repeats_a_call(door: Door, session: boto3.session.Session) -> None:
    aws = bot(AwsSettings(), session)
    iam = aws.actor(ACCOUNT, updating("*"), approver="a", case="c")
    assert iam.meta.config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert (iam.meta.config.connect_timeout, iam.meta.config.read_timeout) == (3, 10)


def test_the_third_role_has_no_substitute(door: Door, session: boto3.session.Session) -> None:
    with pytest.raises(NoWayIn, match=r"set \[aws\] roles_role in config.toml"):
        bot(AwsSettings(), session).actor(ACCOUNT, updating("*", by_roles_role=True), approver="a", case="c")
