"""The local AWS over real HTTP: keys work, stop working, and work again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from bot.demo.aws import LocalAws
from bot.demo.world import tell_story

STORY = tell_story(7, datetime(2026, 11, 23, 10, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws(STORY) as running:
        yield running


def as_role(aws: LocalAws, role: str, external_id: str) -> Any:
    credentials = aws.client("sts", aws.access.key).assume_role(
        RoleArn=role, RoleSessionName="case-1", ExternalId=external_id, SourceIdentity="U0RESPONDER"
    )["Credentials"]
    session: Any = boto3.session.Session(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], region_name="us-east-1"
    )
    return session.client("iam", endpoint_url=aws.endpoint)


@pytest.fixture
def acting(aws: LocalAws) -> Any:
    return as_role(aws, aws.access.act_role, aws.access.external_id)


@pytest.mark.parametrize("key", STORY.stolen, ids=lambda key: key.user)
def test_every_stolen_key_works_for_its_thief_and_is_refused_what_it_was_refused(aws: LocalAws, key: Any) -> None:
    assert aws.attempt(key).allowed
    assert aws.attempt(key, "sts", "get_caller_identity").allowed
    assert aws.attempt(key, "iam", "list_users").error_code == "AccessDenied"


def test_a_disabled_key_is_refused_until_it_is_enabled_again(aws: LocalAws, acting: Any) -> None:
    lead = STORY.lead
    acting.update_access_key(UserName=lead.user, AccessKeyId=lead.id, Status="Inactive")
    refused = aws.attempt(lead, "sts", "get_caller_identity")
    owner = aws.attempt(STORY.other_key)
    acting.update_access_key(UserName=lead.user, AccessKeyId=lead.id, Status="Active")
    assert (refused.allowed, refused.error_code) == (False, "InvalidClientTokenId")
    assert owner.allowed, "the owner's second key is another key"
    assert aws.attempt(lead, "sts", "get_caller_identity").allowed


def test_deny_all_stops_every_key_of_the_user_and_no_other_user(aws: LocalAws, acting: Any) -> None:
    policy = {"UserName": STORY.lead.user, "PolicyArn": "arn:aws:iam::aws:policy/AWSDenyAll"}
    acting.attach_user_policy(**policy)
    refused = [aws.attempt(key).error_code for key in (STORY.lead, STORY.other_key)]
    colleague = aws.attempt(STORY.stolen[1])
    acting.detach_user_policy(**policy)
    assert refused == ["AccessDenied", "AccessDenied"]
    assert colleague.allowed
    assert aws.attempt(STORY.lead).allowed


def test_the_bot_itself_may_only_assume_its_roles(aws: LocalAws) -> None:
    assert aws.attempt(aws.access.key, "iam", "list_users").error_code == "AccessDenied"
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role(aws, aws.access.act_role, "not-the-external-id")


def test_the_read_role_reads_and_cannot_change(aws: LocalAws) -> None:
    reading = as_role(aws, aws.access.read_role, aws.access.external_id)
    keys = reading.list_access_keys(UserName=STORY.lead.user)["AccessKeyMetadata"]
    assert {key["AccessKeyId"] for key in keys} == {STORY.lead.id, STORY.other_key.id}
    assert reading.get_login_profile(UserName=STORY.lead.user)["LoginProfile"]["UserName"] == STORY.lead.user
    with pytest.raises(ClientError, match="AccessDenied"):
        reading.update_access_key(UserName=STORY.lead.user, AccessKeyId=STORY.lead.id, Status="Inactive")


def test_the_environment_points_boto3_here_as_the_bot(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    session: Any = boto3.session.Session()
    assert session.client("sts").get_caller_identity()["Arn"] == aws.access.key.arn


_PARENT = """
from datetime import UTC, datetime
from bot.demo.aws import LocalAws
from bot.demo.world import tell_story
with LocalAws(tell_story(7, datetime(2026, 11, 23, tzinfo=UTC))) as aws:
    print(aws.endpoint, flush=True)
    input()
"""


def test_it_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as open_line:
            parent.kill()
            parent.wait()
            assert hung_up(open_line), "MiniStack went on without its parent"


def hung_up(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def test_leaving_it_ends_the_process_and_removes_its_folder() -> None:
    with LocalAws(STORY) as running:
        process, folder = running._process, running._folder
        assert process is not None
        assert folder is not None
        assert process.poll() is None
    assert process.poll() is not None
    assert not os.path.exists(folder.name)  # noqa: PTH110 - the name of a folder that is gone
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)
