from __future__ import annotations

import re

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from hypothesis import given
from hypothesis import strategies as st

from bot.aws import Fault, Identity, fault, session_name

URL = "http://127.0.0.1:1"


def client_error(code: str, status: int) -> ClientError:
    metadata = {"HTTPStatusCode": status, "RequestId": "r", "HostId": "h", "HTTPHeaders": {}, "RetryAttempts": 0}
    return ClientError({"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": metadata}, "UpdateAccessKey")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (client_error("AccessDenied", 403), Fault.DENIED),
        (client_error("NoSuchEntity", 404), Fault.MISSING),
        (client_error("Throttling", 400), Fault.THROTTLED),
        (client_error("RequestLimitExceeded", 503), Fault.THROTTLED),
        (client_error("InvalidClientTokenId", 403), Fault.CREDENTIALS),
        (client_error("ValidationError", 400), Fault.REFUSED),
        (client_error("ServiceFailure", 500), Fault.LOST),
        (client_error("", 0), Fault.LOST),
        (ConnectTimeoutError(endpoint_url=URL), Fault.NOT_SENT),
        (EndpointConnectionError(endpoint_url=URL), Fault.NOT_SENT),
        (NoCredentialsError(), Fault.NOT_SENT),
        (ReadTimeoutError(endpoint_url=URL), Fault.LOST),
        (ConnectionClosedError(endpoint_url=URL), Fault.LOST),
        (SSLError(endpoint_url=URL, error=OSError("e")), Fault.LOST),
        (BotoCoreError(), Fault.LOST),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else type(value).__name__,
)
def test_a_failure_says_whether_a_change_may_have_been_applied(
    error: ClientError | BotoCoreError, meaning: Fault
) -> None:
    assert fault(error) is meaning


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_name_becomes_one_that_sts_takes(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_+=,.@-]{2,64}", session_name(text))


def test_a_slack_actor_stays_readable_in_cloudtrail() -> None:
    assert session_name("slack:T0MADE:U0ANA") == "slack-T0MADE-U0ANA"


@pytest.mark.parametrize(
    ("arn", "user", "partition"),
    [
        ("arn:aws:iam::111122223333:user/triage-bot", "triage-bot", "aws"),
        ("arn:aws-us-gov:iam::111122223333:user/teams/soc/triage-bot", "triage-bot", "aws-us-gov"),
        ("arn:aws-cn:sts::111122223333:assumed-role/triage/i-0made", None, "aws-cn"),
        ("arn:aws:iam::111122223333:root", None, "aws"),
    ],
)
def test_the_bot_knows_which_user_it_is(arn: str, user: str | None, partition: str) -> None:
    own = Identity("111122223333", arn, "")
    assert (own.user, own.partition) == (user, partition)
