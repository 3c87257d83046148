"""What the reading role is declared to need is what the code calls, on as little as can be named."""

from __future__ import annotations

import inspect
import json
import re
from types import ModuleType
from typing import Any

import pytest

from bot.config.settings import Aws, Settings
from bot.history import bucket, regional
from bot.history.bucket import PERMISSIONS as OF_BUCKETS
from bot.history.lookup import PERMISSIONS as OF_LOOKUP
from bot.permissions import reading_policy

ACTIONS = {
    "list_objects_v2": "s3:ListBucket",
    "get_object": "s3:GetObject",
    "lookup_events": "cloudtrail:LookupEvents",
}
"""The IAM action of an operation ("Actions, resources, and condition keys", service authorization reference)."""


@pytest.mark.parametrize(("module", "declared"), [(bucket, OF_BUCKETS), (regional, OF_LOOKUP)])
def test_every_call_of_a_module_is_declared_and_no_other(module: ModuleType, declared: frozenset[str]) -> None:
    called = re.findall(r"(?:client|_client\(\)|_reader\(\))\.([a-z_0-9]+)\(", inspect.getsource(module))
    assert {ACTIONS[name] for name in called} == declared


def statements(**aws: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reading_policy(Settings(aws=Aws(**aws)))["Statement"]
    return found


def test_logs_are_read_in_the_named_buckets_only() -> None:
    *_, listed, read = statements(log_buckets=("trail-a", "trail-b"))
    assert (listed["Action"], listed["Resource"]) == (
        ["s3:ListBucket"],
        ["arn:aws:s3:::trail-a", "arn:aws:s3:::trail-b"],
    )
    assert (read["Action"], read["Resource"]) == (
        ["s3:GetObject"],
        ["arn:aws:s3:::trail-a/*", "arn:aws:s3:::trail-b/*"],
    )


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_arns_are_those_of_the_partition(region: str, partition: str) -> None:
    assert statements(region=region, log_buckets=("trail",))[-1]["Resource"] == [f"arn:{partition}:s3:::trail/*"]


def test_without_a_named_bucket_none_is_allowed() -> None:
    assert "s3:::YOUR-TRAIL-BUCKET" in json.dumps(statements())
    assert all("s3:" not in json.dumps(each["Action"]) for each in statements() if each["Resource"] == "*")
