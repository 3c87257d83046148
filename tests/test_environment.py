"""What an environment says of itself, and whom it means."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.config.environments import EnvironmentTable
from bot.config.settings import Settings
from bot.model import Alert, ApprovedTest, Call, Environment, Kind, Observable, Principal, named_by
from bot.partitions import in_partition, partition_of
from bot.settled import environment_of
from tests.fakes import ALICE, KEY, NOW

DEPLOY = Principal(
    "111122223333:role/deploy", "AssumedRole", "arn:aws:sts::111122223333:assumed-role/deploy/run-7", "111122223333"
)
CHINESE = Principal("111122223333:user/li", "IAMUser", "arn:aws-cn:iam::111122223333:user/soc/li", "111122223333")
OIDC = "web:token.actions.githubusercontent.com:repo:acme/deploy"
HOUR = timedelta(hours=1)
TEST = ApprovedTest("spring", (KEY,), ("red-*",), ("203.0.113.0/28",), NOW - HOUR, NOW + HOUR)


@pytest.mark.parametrize(
    ("pattern", "principal", "named"),
    [
        ("alice", ALICE, True),
        ("ali*", ALICE, True),
        ("Alice", ALICE, False),
        ("111122223333:user/alice", ALICE, True),
        ("444455556666:user/alice", ALICE, False),
        ("arn:aws:iam::111122223333:user/alice", ALICE, True),
        ("deploy", DEPLOY, True),
        ("arn:aws:iam::111122223333:role/deploy", DEPLOY, True),
        ("arn:aws:sts::*:assumed-role/deploy/*", DEPLOY, True),
        ("*:role/deploy", DEPLOY, True),
        ("*:role/deploy", "111122223333:user/deploy", False),
        ("arn:aws-cn:iam::*:user/li", CHINESE, True),
        ("arn:aws:iam::*:user/li", CHINESE, False),
        ("deploy", OIDC, False),  # a name that anybody may choose
        ("*repo:acme/deploy", OIDC, True),
        ("mallory", "111122223333:sso/mallory", True),
        ("arn:aws:iam::*:user/odd", Principal("111122223333:user/odd", "IAMUser", "no arn", None), True),
    ],
)
def test_a_pattern_names_a_principal(pattern: str, principal: Principal | str, named: bool) -> None:
    assert named_by((pattern,), principal) is named
    assert Environment(automation=(pattern,)).is_automation(principal) is named
    assert Environment(protected=("nobody", pattern)).is_protected(principal) is named


@pytest.mark.parametrize(
    ("key", "principal", "ours"),
    [
        (KEY, ALICE.id, True),
        ("AKIARTX3GSDSQAAAAAAB", "111122223333:user/red-1", True),
        (None, "111122223333:user/red-1", True),
        ("AKIARTX3GSDSQAAAAAAB", ALICE.id, False),
        (None, ALICE.id, False),
    ],
)
def test_a_test_is_for_its_keys_and_principals(key: str | None, principal: str, ours: bool) -> None:
    assert TEST.names(key, principal) is ours


@pytest.mark.parametrize(
    ("ip", "at", "inside"),
    [
        ("203.0.113.7", NOW, True),
        ("203.0.113.7", TEST.since, True),
        ("203.0.113.7", TEST.until, True),
        ("203.0.113.7", TEST.until + timedelta(seconds=1), False),
        ("203.0.113.7", TEST.since - timedelta(seconds=1), False),
        ("203.0.113.17", NOW, False),
        ("AWS Internal", NOW, False),
        (None, NOW, False),
    ],
)
def test_a_test_covers_its_addresses_in_its_time(ip: str | None, at: datetime, inside: bool) -> None:
    assert TEST.covers(ip, at) is inside


def test_an_account_is_called_by_its_name() -> None:
    ours = Environment(account_names={"111122223333": "payments-prod"})
    assert ours.account("111122223333") == "payments-prod (111122223333)"
    assert ours.account("444455556666") == "444455556666"


# ------------------------------------------------------------------------------- which one an alert belongs to


def alert(*observables: Observable, account: str | None = None) -> Alert:
    return Alert("a1", "siem", "Kali", None, NOW, observables, (Call(NOW, account=account),))


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (alert(Observable(Kind.ACCOUNT, "111122223333")), "payments"),
        (alert(Observable(Kind.ACCESS_KEY, KEY)), "payments"),  # the key id encodes the account
        (alert(Observable(Kind.PRINCIPAL, ALICE.id)), "payments"),
        (alert(account="111122223333"), "payments"),
        # An account nobody owns says nothing; the key's owner is who was stolen from.
        (alert(Observable(Kind.ACCOUNT, "999988887777"), Observable(Kind.ACCESS_KEY, KEY)), "payments"),
        (alert(Observable(Kind.ACCOUNT, "444455556666"), Observable(Kind.ACCESS_KEY, KEY)), "shop"),
        (alert(Observable(Kind.IP, "203.0.113.7")), "default"),
    ],
)
def test_an_alert_finds_its_environment_by_an_account(told: Alert, name: str) -> None:
    settings = Settings(
        environments={
            "payments": EnvironmentTable(accounts=("111122223333",)),
            "shop": EnvironmentTable(accounts=("444455556666",)),
        }
    )
    assert environment_of(settings, told).name == name


# -------------------------------------------------------------------------------------------- partitions


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("eu-central-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")],
)
def test_a_region_lies_in_a_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition
    own = Settings().model_copy(update={"aws": Settings().aws.model_copy(update={"region": region})})
    assert own.environment("default").partition == partition


@pytest.mark.parametrize(
    ("arn", "moved"),
    [
        ("arn:aws:iam::111122223333:role/TriageRead", "arn:aws-cn:iam::111122223333:role/TriageRead"),
        ("arn:aws-us-gov:iam::111122223333:role/a", "arn:aws-cn:iam::111122223333:role/a"),
        ("no arn:aws:", "no arn:aws:"),
    ],
)
def test_an_arn_moves_to_a_partition(arn: str, moved: str) -> None:
    assert in_partition(arn, "aws-cn") == moved
