"""What AWS counts itself, asked of a local AWS."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import bot.statistics
from bot.aws import Aws, AwsSettings, NoWayIn
from bot.model import MailSent, Unread
from bot.statistics import PERMISSIONS, AwsStatistics
from tests.remediation.bench import bot_session
from tests.remediation.cloud import ACCOUNT, EXTERNAL_ID, Cloud, Key, running

ADMIN = Key("test")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws"), reading=PERMISSIONS) as local:
        yield local


@pytest.fixture
def statistics(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> AwsStatistics:
    """As the bot asks: with its own key, by way of the reading role, which may do what is declared and nothing else."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    role = "arn:aws:iam::{account}:role/TriageRead"
    return AwsStatistics(Aws(AwsSettings(role, None, EXTERNAL_ID), now, bot_session()), now, 60)


def test_what_an_account_mailed(cloud: Cloud, statistics: AwsStatistics) -> None:
    before = statistics.mail(ACCOUNT, ["us-east-1"])["us-east-1"]
    assert isinstance(before, MailSent)
    assert before.quarters == ()
    assert before.since < now() - timedelta(days=13)
    ses = cloud.client("ses", ADMIN)
    ses.verify_email_identity(EmailAddress="office@parcelhub.example")
    for _ in range(3):
        ses.send_email(
            Source="office@parcelhub.example",
            Destination={"ToAddresses": ["victim@example.com"]},
            Message={"Subject": {"Data": "made up"}, "Body": {"Text": {"Data": "made up"}}},
        )
    sent = statistics.mail(ACCOUNT, ["us-east-1"])["us-east-1"]
    assert isinstance(sent, MailSent)
    assert sum(each.sent for each in sent.quarters) == 3
    assert {each.at.tzinfo for each in sent.quarters} == {UTC}


class Ways:
    """``bot.aws.Aws`` where each region fails in its own way."""

    def __init__(self, **failures: Exception) -> None:
        self.failures = failures
        self.hung = threading.Event()

    def reader(self, service: str, account: str, region: str) -> Any:
        if region == "us-west-2":
            self.hung.wait(60)
        raise self.failures[region.replace("-", "_")]


def test_each_region_fails_alone_and_says_why() -> None:
    ways = Ways(
        us_east_1=NoWayIn("The bot has credentials for another account only."),
        eu_west_1=ClientError({"Error": {"Code": "AccessDenied"}}, "GetSendStatistics"),
        eu_west_2=EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    )
    regions = ["us-east-1", "eu-west-1", "eu-west-2", "169.254.169.254/#", ""]
    assert AwsStatistics(cast(Aws, ways), now, 60).mail(ACCOUNT, regions) == {
        "us-east-1": Unread("The bot has credentials for another account only."),
        "eu-west-1": Unread("AccessDenied on GetSendStatistics"),
        "eu-west-2": Unread("AWS could not be reached: EndpointConnectionError"),
        "169.254.169.254/#": Unread("that is no region of AWS"),
        "": Unread("that is no region of AWS"),
    }


def test_a_region_that_hangs_is_given_up() -> None:
    ways = Ways(us_west_2=NoWayIn("late"))
    found = AwsStatistics(cast(Aws, ways), now, 0.05).mail(ACCOUNT, ["us-west-2"])
    ways.hung.set()
    assert found == {"us-west-2": Unread("no answer within 0.05 seconds")}


def test_nowhere_is_nobody_asked() -> None:
    assert AwsStatistics(cast(Aws, Ways()), now).mail(ACCOUNT, []) == {}


def test_the_declared_permissions_are_those_of_its_calls() -> None:
    called = re.findall(r"\.(get_[a-z_]+)\(", inspect.getsource(bot.statistics))
    assert {f"ses:{''.join(part.capitalize() for part in name.split('_'))}" for name in called} == PERMISSIONS
