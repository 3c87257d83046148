from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bot.aws import Identity
from bot.model import Kind, Refusal
from bot.remediation.base import Draft, policy
from bot.remediation.disable_access_key import DisableAccessKey
from tests.remediation.cloud import ACCOUNT, key_id

KEY, OTHER = key_id(3), key_id(4)
USED = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)


class Scripted:
    """AWS as scripted: for the answers no local AWS gives."""

    def __init__(self, arn: str = f"arn:aws:iam::{ACCOUNT}:role/elsewhere") -> None:
        self.iam = boto3.client("iam", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        self.answers = Stubber(self.iam)
        self.answers.activate()
        self._own = Identity(ACCOUNT, arn, "")

    def identity(self) -> Identity:
        return self._own

    def reader(self, service: str, account: str, region: str | None = None) -> Any:
        assert (service, account) == ("iam", ACCOUNT)
        return self.iam

    def last_used(self, user: str, **used: object) -> None:
        answer = {"AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"} | used}
        named = {"UserName": user} if user else {}
        self.answers.add_response("get_access_key_last_used", answer | named, {"AccessKeyId": KEY})

    def keys(self, user: str, **statuses: str) -> None:
        listed = [{"UserName": user, "AccessKeyId": key, "Status": status} for key, status in statuses.items()]
        self.answers.add_response(
            "list_access_keys", {"AccessKeyMetadata": listed, "IsTruncated": False}, {"UserName": user}
        )


@pytest.fixture
def aws() -> Scripted:
    return Scripted()


def planned(aws: Scripted) -> Draft | Refusal:
    return DisableAccessKey().plan(KEY, aws)  # type: ignore[arg-type]


def test_the_last_use_is_shown_with_service_and_region(aws: Scripted) -> None:
    aws.last_used("alice", LastUsedDate=USED, ServiceName="ses", Region="eu-west-1")
    aws.keys("alice", **{KEY: "Active", OTHER: "Inactive"})
    draft = planned(aws)
    assert isinstance(draft, Draft)
    assert draft.warnings[0].startswith("Last used at 2026-11-20T14:03:11Z for ses in eu-west-1")
    assert f"alice has another key, {OTHER}, which is inactive." in draft.warnings


def test_a_key_never_used_says_so(aws: Scripted) -> None:
    aws.last_used("alice")
    aws.keys("alice", **{KEY: "Active"})
    draft = planned(aws)
    assert isinstance(draft, Draft)
    assert draft.warnings[0] == f"AWS has no record of {KEY} being used."


@pytest.mark.parametrize(("user", "words"), [("", "does not say who owns"), ("<root_account>", "the root user")])
def test_a_key_of_nobody_or_of_root_is_not_touched(aws: Scripted, user: str, words: str) -> None:
    aws.last_used(user)
    refusal = planned(aws)
    assert isinstance(refusal, Refusal)
    assert words in refusal.sentence


def test_the_user_the_bot_runs_as_is_not_touched() -> None:
    aws = Scripted(f"arn:aws:iam::{ACCOUNT}:user/soc/alice")
    aws.last_used("alice")
    refusal = planned(aws)
    assert isinstance(refusal, Refusal)
    assert "the user the bot itself runs as" in refusal.sentence


def test_an_owner_who_does_not_list_the_key_is_a_refusal(aws: Scripted) -> None:
    aws.last_used("alice")
    aws.keys("alice", **{OTHER: "Active"})
    refusal = planned(aws)
    assert isinstance(refusal, Refusal)
    assert "does not list it" in refusal.sentence


def test_keys_on_a_second_page_are_seen(aws: Scripted) -> None:
    aws.last_used("alice")
    first = [{"UserName": "alice", "AccessKeyId": OTHER, "Status": "Active"}]
    aws.answers.add_response(
        "list_access_keys", {"AccessKeyMetadata": first, "IsTruncated": True, "Marker": "m"}, {"UserName": "alice"}
    )
    second = [{"UserName": "alice", "AccessKeyId": KEY, "Status": "Active"}]
    aws.answers.add_response(
        "list_access_keys", {"AccessKeyMetadata": second, "IsTruncated": False}, {"UserName": "alice", "Marker": "m"}
    )
    assert isinstance(planned(aws), Draft)


@pytest.mark.parametrize("state", [{}, {"user": ""}, {"status": "Inactive"}])
def test_a_call_without_a_user_is_never_made(state: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="caller's own keys"):
        DisableAccessKey().execute(KEY, state, None)
    with pytest.raises(ValueError, match="caller's own keys"):
        DisableAccessKey().undo(KEY, state, None)


def test_the_command_for_a_person_is_quoted_for_a_shell() -> None:
    user = "a'; rm -rf / #"
    (command,) = DisableAccessKey().commands(KEY, {"user": user, "status": "Inactive"})
    assert shlex.split(command) == [
        *["aws", "iam", "update-access-key", "--user-name", user],
        *["--access-key-id", KEY, "--status", "Inactive"],
    ]


def test_the_change_is_confined_to_the_user_at_any_path() -> None:
    (allowed,) = DisableAccessKey().grant(KEY, ACCOUNT, {"user": "alice"}, "aws-cn").allowed
    assert allowed.actions == ("iam:UpdateAccessKey",)
    assert allowed.resources == (f"arn:aws-cn:iam::{ACCOUNT}:user/alice", f"arn:aws-cn:iam::{ACCOUNT}:user/*/alice")


def test_it_takes_keys_and_its_policies_name_each_action_once() -> None:
    assert DisableAccessKey.takes == {Kind.ACCESS_KEY}
    reading = policy([DisableAccessKey(), DisableAccessKey()], act=False)
    assert reading["Statement"][0]["Action"] == ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"]
    assert policy([], act=True) == {"Version": "2012-10-17", "Statement": []}
