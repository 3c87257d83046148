"""What the reading role is declared to need is what the code calls, on as little as can be named."""

from __future__ import annotations

import inspect
import json
import re
from types import ModuleType
from typing import Any

import pytest

from bot.config.history import Athena, Follow, History, Lookup
from bot.config.organisation import Organisation
from bot.config.settings import Aws, Remediation, Settings, Source
from bot.history import bucket, queue, regional
from bot.history.athena import PERMISSIONS as OF_ATHENA
from bot.history.athena import queries
from bot.history.bucket import PERMISSIONS as OF_BUCKETS
from bot.history.lookup import PERMISSIONS as OF_LOOKUP
from bot.history.queue import PERMISSIONS as OF_QUEUES
from bot.permissions import acting_policy, reading_policy
from bot.remediation.base import Permissions, resources_of
from bot.topics import PERMISSIONS as OF_TOPICS

ACTIONS = {
    "list_objects_v2": "s3:ListBucket",
    "get_object": "s3:GetObject",
    "head_object": "s3:GetObject",
    "lookup_events": "cloudtrail:LookupEvents",
    "receive_message": "sqs:ReceiveMessage",
    "delete_message_batch": "sqs:DeleteMessage",
    "change_message_visibility_batch": "sqs:ChangeMessageVisibility",
    "get_queue_attributes": "sqs:GetQueueAttributes",
    "start_query_execution": "athena:StartQueryExecution",
    "get_query_execution": "athena:GetQueryExecution",
    "get_query_results": "athena:GetQueryResults",
    "stop_query_execution": "athena:StopQueryExecution",
    "get_work_group": "athena:GetWorkGroup",
}
"""The IAM action of an operation ("Actions, resources, and condition keys", service authorization reference)."""


@pytest.mark.parametrize(
    ("module", "declared"), [(bucket, OF_BUCKETS), (regional, OF_LOOKUP), (queue, OF_QUEUES), (queries, OF_ATHENA)]
)
def test_every_call_of_a_module_is_declared_and_no_other(module: ModuleType, declared: frozenset[str]) -> None:
    source = inspect.getsource(module)
    called = re.findall(r"(?:client|athena|_client\(\)|_reader\(\))\.([a-z_0-9]+)\(", source)
    called += re.findall(r'_call\(\s*"([a-z_]+)"', source)
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


def test_the_queue_that_is_followed_is_the_only_one() -> None:
    follow = Follow(queue_url="https://sqs.eu-west-1.amazonaws.com/111122223333/triage-logs")
    *_, queued = reading_policy(Settings(history=History(follow=follow)))["Statement"]
    assert queued["Resource"] == "arn:aws:sqs:eu-west-1:111122223333:triage-logs"
    assert queued["Action"] == sorted(OF_QUEUES)
    assert "sqs:" not in json.dumps(statements())


def test_queues_and_topics_that_alerts_come_from_are_allowed_and_nothing_else_of_them() -> None:
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/alerts"
    topic = "arn:aws:sns:us-east-1:111122223333:alerts"
    sources = {"a": Source(auth="sqs", queue_url=url), "b": Source(auth="sns", topics=(topic,))}
    *_, queued, subscribed = reading_policy(Settings(sources=sources))["Statement"]
    assert (queued["Resource"], queued["Action"]) == (["arn:aws:sqs:eu-west-1:111122223333:alerts"], sorted(OF_QUEUES))
    assert (subscribed["Resource"], subscribed["Action"]) == ([topic], sorted(OF_TOPICS))


def test_without_a_named_bucket_none_is_allowed() -> None:
    assert "s3:::YOUR-TRAIL-BUCKET" in json.dumps(statements())
    assert all("s3:" not in json.dumps(each["Action"]) for each in statements() if each["Resource"] == "*")


def test_athena_is_asked_in_its_workgroup_and_of_its_table_only() -> None:
    table = Athena(region="eu-west-1", workgroup="soc", table="logs", output="s3://results/soc/")
    settings = Settings(aws=Aws(log_account="111122223333"), history=History(beyond="athena", athena=table))
    *_, asked, catalogue, results = reading_policy(settings)["Statement"]
    assert asked == {
        "Effect": "Allow",
        "Action": sorted(OF_ATHENA),
        "Resource": ["arn:aws:athena:eu-west-1:111122223333:workgroup/soc"],
    }
    glue = "arn:aws:glue:eu-west-1:111122223333:"
    assert catalogue["Resource"] == [f"{glue}catalog", f"{glue}database/triage", f"{glue}table/triage/logs"]
    assert results["Resource"] == ["arn:aws:s3:::results", "arn:aws:s3:::results/*"]
    assert "athena" not in json.dumps(statements())


def test_where_the_workgroup_names_the_place_of_results_it_is_to_be_filled_in() -> None:
    policy = reading_policy(Settings(history=History(kind="athena")))
    assert "s3:::YOUR-ATHENA-RESULTS-BUCKET" in json.dumps(policy)


def test_lookup_events_is_allowed_where_it_is_asked() -> None:
    settings = Settings(history=History(kind="lookup", lookup=Lookup(accounts=("111122223333",))))
    assert reading_policy(settings)["Statement"][-1]["Action"] == sorted(OF_LOOKUP)
    assert "cloudtrail:" not in json.dumps(statements())


IP_SET = "arn:aws-us-gov:wafv2:us-gov-west-1:111122223333:regional/ipset/thieves/1"


def allowed_on(document: dict[str, Any], action: str) -> Any:
    (found,) = (each["Resource"] for each in document["Statement"] if action in each["Action"])
    return found


def test_only_the_named_policies_and_ip_sets_may_be_written() -> None:
    organisation = Organisation(account="444455556666", addresses_policy="p-made0002", principals_policy="p-made0001")
    aws, changes = Aws(region="us-gov-west-1"), Remediation(waf_ip_sets=(IP_SET,))
    document = acting_policy(Settings(aws=aws, organisation=organisation, remediation=changes))
    policies = [
        f"arn:aws-us-gov:organizations::*:policy/*/service_control_policy/{name}"
        for name in ("p-made0001", "p-made0002")
    ]
    for action in ("organizations:UpdatePolicy", "organizations:DescribePolicy"):
        assert allowed_on(document, action) == policies
    for action in ("wafv2:UpdateIPSet", "wafv2:GetIPSet"):
        assert allowed_on(document, action) == [IP_SET]
    assert allowed_on(document, "iam:UpdateAccessKey") == "*"
    assert "organizations:UpdatePolicy" not in json.dumps(acting_policy(Settings()))


def test_an_action_that_one_change_calls_on_anything_is_narrowed_for_none() -> None:
    narrow = Permissions(frozenset(), frozenset({"a:Do", "a:Undo"}), resources={"a:Do": ("x",), "a:Undo": ("x",)})
    wide = Permissions(frozenset(), frozenset({"a:Do"}))
    other = Permissions(frozenset(), frozenset({"a:Undo"}), resources={"a:Undo": ("y",)})
    assert resources_of([narrow, wide, other], "aws") == {"a:Undo": ("x", "y")}
