"""What `deploy/` makes in AWS is what the code needs: read by parsers, and made in a local AWS where it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import hcl2
import pytest
import yaml

from bot.aws import Aws, AwsSettings
from bot.permissions import LOGS, QUEUE
from tests.documents import ROOT, blocks
from tests.policies import FOLDER, policies, written
from tests.remediation.cloud import ACCOUNT, BOT, Cloud, running

TERRAFORM = ROOT / "deploy" / "terraform"
STACKS = ROOT / "deploy" / "cloudformation"
MODULES = ("roles", "alerts", "organisation")
EXTERNAL_ID = "0123456789abcdef0123"
ALL_READS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


class Template(yaml.SafeLoader):
    """CloudFormation's YAML: `!Ref x` is read as {"Ref": x}."""


def _function(loader: Template, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Template.add_multi_constructor("!", _function)


def stack(name: str) -> Any:
    return yaml.load((STACKS / f"{name}.yaml").read_text(encoding="utf-8"), Loader=Template)  # noqa: S506 - a safe one


def module(name: str) -> dict[str, Any]:
    """Every block of the module, as the parser of HCL reads it."""
    found: dict[str, Any] = {}
    for file in sorted((TERRAFORM / name).glob("*.tf")):
        for kind, parts in hcl2.loads(file.read_text(encoding="utf-8")).items():
            found.setdefault(kind, []).extend(parts if isinstance(parts, list) else [parts])
    return found


# ------------------------------------------------------------------------------------------------- policies


@pytest.mark.parametrize("role", ["read", "act", "roles"])
def test_the_shipped_policies_are_those_that_the_code_says(role: str) -> None:
    """After a change of what the code calls: `python -m tests.policies`, and the same into the StackSet."""
    document = policies()[role]
    assert (FOLDER / f"{role}.json").read_text(encoding="utf-8") == written(document)
    made = stack("roles")["Resources"][{"read": "Read", "act": "Act", "roles": "Roles"}[role]]["Properties"]
    (inline,) = made["Policies"]
    assert inline["PolicyDocument"] == document
    assert made["RoleName"] == f"triage-{role}"


def test_the_roles_trust_as_the_documentation_says() -> None:
    page = (ROOT / "docs" / "connecting-aws.md").read_text(encoding="utf-8")
    trust = next(json.loads(block.text) for block in blocks(page) if block.language == "json")
    (said,) = trust["Statement"]
    for logical in ("Read", "Act", "Roles"):
        (made,) = stack("roles")["Resources"][logical]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert (made["Effect"], made["Action"]) == ("Allow", said["Action"])
        assert made["Condition"].keys() == said["Condition"].keys()
        assert made["Principal"] == {"AWS": {"Ref": "BotArn"}}


def test_logs_and_queues_are_read_with_what_the_code_calls_and_no_more() -> None:
    resources = stack("roles")["Resources"]
    reading = [
        *resources["ReadLogs"]["Properties"]["PolicyDocument"]["Statement"],
        *resources["ReadQueues"]["Properties"]["PolicyDocument"]["Statement"],
    ]
    assert {action for each in reading for action in each["Action"]} == LOGS | QUEUE
    text = (TERRAFORM / "roles" / "main.tf").read_text(encoding="utf-8")
    named = {word.strip('",') for word in text.split() if word.startswith(('"s3:', '"sqs:'))}
    listed = {word.strip('[]",') for word in text.split() if word.startswith(('["s3:', '["sqs:'))}
    assert named | listed == LOGS | QUEUE


# ----------------------------------------------------------------------------------------------- Terraform


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_read_by_a_parser_and_says_what_each_variable_is(name: str) -> None:
    found = module(name)
    assert found["resource"]
    variables = [(variable, said) for each in found["variable"] for variable, said in each.items()]
    assert [variable for variable, said in variables if not said.get("description")] == []
    assert [each for each in found["output"] for said in each.values() if not said.get("description")] == []
    named = {variable.strip('"') for variable, _ in variables}
    text = (TERRAFORM / name / "main.tf").read_text(encoding="utf-8")
    assert {variable for variable in named if f"var.{variable}" not in text} == set()


def test_what_the_bot_writes_into_the_organisations_policies_is_left_alone() -> None:
    text = (TERRAFORM / "organisation" / "main.tf").read_text(encoding="utf-8")
    assert "ignore_changes  = [content]" in text
    assert "prevent_destroy = true" in text
    found = module("organisation")
    (policies_,) = [each['"policies"'] for each in found["variable"] if '"policies"' in each]
    assert {each.strip('"') for each in policies_["default"]} == {
        file.stem for file in (ROOT / "deploy" / "organisation").glob("*.json")
    }


def test_calls_that_only_read_are_passed_on() -> None:
    assert f'"{ALL_READS}"' in (TERRAFORM / "alerts" / "main.tf").read_text(encoding="utf-8")
    rules = {
        name: each["Properties"]["State"]
        for name, each in stack("alerts")["Resources"].items()
        if each["Type"] == "AWS::Events::Rule"
    }
    assert rules.pop("Events") == ALL_READS
    assert set(rules.values()) == {"ENABLED"}


@pytest.mark.parametrize("name", [file.stem for file in (ROOT / "deploy" / "organisation").glob("*.json")])
def test_each_policy_of_the_organisation_fits_and_has_its_price_told(name: str) -> None:
    document = json.loads((ROOT / "deploy" / "organisation" / f"{name}.json").read_text(encoding="utf-8"))
    assert len(json.dumps(document, separators=(",", ":"))) < 1000
    assert all(each["Effect"] == "Deny" for each in document["Statement"])
    page = (ROOT / "docs" / "connecting-aws.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| [`{name}.json`]")]
    assert len([cell for cell in row.split("|") if cell.strip()]) == 4


# --------------------------------------------------------------------------------------- in a local AWS


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


def root(service: str, cloud: Cloud) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=cloud.endpoint, **keys)  # type: ignore[call-overload]


def make(cloud: Cloud, name: str, values: Mapping[str, str]) -> None:
    formation = root("cloudformation", cloud)
    formation.create_stack(
        StackName=name,
        TemplateBody=(STACKS / f"{name}.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_the_bot_takes_the_roles_that_the_stack_makes(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = f"arn:aws:iam::{ACCOUNT}:user/triage-bot"
    make(cloud, "roles", {"BotArn": bot, "ExternalId": EXTERNAL_ID, "ThirdRole": "true"})
    taking = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [taking]})
    root("iam", cloud).put_user_policy(UserName="triage-bot", PolicyName="triage", PolicyDocument=document)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", BOT.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", BOT.secret)
    named = {name: f"arn:aws:iam::{{account}}:role/triage-{name}" for name in ("read", "act", "roles")}
    aws = Aws(
        AwsSettings(named["read"], named["act"], EXTERNAL_ID, roles_role=named["roles"]), lambda: datetime.now(UTC)
    )
    assert "triage-read" in aws.reader("sts", ACCOUNT).get_caller_identity()["Arn"]
    assert aws.try_acting(ACCOUNT) == "triage-act"
    assert aws.try_acting(ACCOUNT, third=True) == "triage-roles"
    stranger = Aws(AwsSettings(named["read"], external_id="another-external-id"), lambda: datetime.now(UTC))
    with pytest.raises(Exception, match="AccessDenied"):
        stranger.reader("sts", ACCOUNT)


EVENTS = {
    "guardduty": ("aws.guardduty", "GuardDuty Finding", {"id": "finding-1"}),
    "health": ("aws.health", "AWS Health Event", {"eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED"}),
    "securityhub": ("aws.securityhub", "Security Hub Findings - Imported", {"findings": []}),
    "cloudtrail": ("aws.sts", "AWS API Call via CloudTrail", {"eventName": "GetCallerIdentity"}),
    "logs": ("aws.s3", "Object Created", {"bucket": {"name": "trail"}, "object": {"key": "AWSLogs/1/a.json.gz"}}),
}


def test_each_rule_takes_what_it_is_for_and_only_the_rules_may_send(cloud: Cloud) -> None:
    make(cloud, "alerts", {"CloudTrailEvents": "true", "TrailBucket": "trail"})
    events, queues = root("events", cloud), root("sqs", cloud)
    rules = {each["Name"]: each for each in events.list_rules()["Rules"]}
    assert rules.keys() == {f"triage-{name}" for name in EVENTS}
    for name, rule in rules.items():
        for other, (source, kind, detail) in EVENTS.items():
            event = {
                "id": "1",
                "account": ACCOUNT,
                "time": "2026-11-23T09:00:00Z",
                "region": "us-east-1",
                "resources": [],
                "source": source,
                "detail-type": kind,
                "detail": detail,
            }
            answer = events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))
            assert answer["Result"] is (name == f"triage-{other}"), (name, other)
    senders = {"triage-alerts": ("guardduty", "health", "securityhub"), "triage-logs": ("cloudtrail", "logs")}
    for queue, names in senders.items():
        url = queues.get_queue_url(QueueName=queue)["QueueUrl"]
        said = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
        (allowed,) = json.loads(said)["Statement"]
        assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
        assert allowed["Condition"]["ArnEquals"]["aws:SourceArn"] == [rules[f"triage-{name}"]["Arn"] for name in names]
