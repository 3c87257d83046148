"""Ways in and out that need no key: functions that anybody may call, snapshots that another account may copy, mail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.by_hand import typed
from bot.made import kinds
from bot.made.kinds import MadeKind
from bot.made.tracing import Answer, Client, State, Trace, Tracing, listed
from bot.model import Standing

PERMISSIONS = frozenset(
    {
        *("lambda:GetFunctionUrlConfig", "lambda:GetPolicy", "lambda:GetFunctionConcurrency"),
        *("ec2:DescribeSnapshotAttribute", "ec2:DescribeImageAttribute", "ses:GetAccount"),
        *("rds:DescribeDBSnapshotAttributes", "rds:DescribeDBClusterSnapshotAttributes"),
    }
)
EVERYBODY = "all"
SIGNED = "AWS_IAM"
NOT_SHARED = State(Standing.GONE, "not shared with them any more")


def _function(trace: Trace) -> str:
    """The function's name, whatever the call named it by: an ARN, a part of one, or with a version."""
    named = trace.text("functionName")
    return named.split(":function:")[-1].split(":")[0] if named else ""


def _asked(trace: Trace) -> dict[str, str]:
    qualifier = trace.text("qualifier")
    return {"FunctionName": _function(trace)} | ({"Qualifier": qualifier} if qualifier else {})


def _words(trace: Trace) -> tuple[str, ...]:
    qualifier = trace.text("qualifier")
    also = ("--qualifier", qualifier) if qualifier else ()
    return ("--function-name", _function(trace), *also, "--region", trace.region)


def _url(trace: Trace, client: Client) -> State:
    found = client("lambda", trace.account, trace.region).get_function_url_config(**_asked(trace))
    if found["AuthType"] == "NONE":
        return State(Standing.EXISTS, f"{found['FunctionUrl']} asks nobody who they are")
    standing = Standing.EXISTS if trace.text("authType") == SIGNED else Standing.DISABLED
    return State(standing, f"{found['FunctionUrl']} asks for {found['AuthType']}")


def _close_url(trace: Trace) -> Answer:
    """One that was made for signed calls only is good for whoever may sign them: that has no switch."""
    if trace.text("authType") == SIGNED:
        return Answer(commands=(typed("lambda", "delete-function-url-config", *_words(trace)),))
    alias = f":{trace.text('qualifier')}" if trace.text("qualifier") else ""
    return Answer("disable_created", trace.arn("lambda", f"function:{_function(trace)}{alias}", trace.region))


def _permission(trace: Trace, client: Client) -> State:
    found = json.loads(client("lambda", trace.account, trace.region).get_policy(**_asked(trace))["Policy"])
    sids = {statement.get("Sid") for statement in found["Statement"]}
    if trace.text("statementId") not in sids:
        return State(Standing.GONE, "not in the function's policy any more")
    return State(Standing.EXISTS, f"lets {trace.text('principal') or 'somebody'} call it")


def _take_permission(trace: Trace) -> Answer:
    words = ("--statement-id", trace.text("statementId"))
    return Answer(commands=(typed("lambda", "remove-permission", *_words(trace), *words),))


def _permission_name(trace: Trace) -> str:
    named, statement = _function(trace), trace.text("statementId")
    return f"{statement} on {named}" if named and statement else ""


def _code(trace: Trace, client: Client) -> State:
    aws = client("lambda", trace.account, trace.region)
    if aws.get_function_concurrency(FunctionName=_function(trace)).get("ReservedConcurrentExecutions") == 0:
        return State(Standing.DISABLED, "cannot run: its concurrency is 0")
    return State(Standing.EXISTS, "can run")


def _stop_function(trace: Trace) -> Answer:
    words = ("--function-name", _function(trace), "--reserved-concurrent-executions", "0", "--region", trace.region)
    return Answer(commands=(typed("lambda", "put-function-concurrency", *words),))


# ------------------------------------------------------------------------------------------ what is shared


def _added(trace: Trace) -> tuple[str, ...]:
    """The accounts, or ``all``, that a call of EC2 lets in."""
    change = trace.asked.get("createVolumePermission") or trace.asked.get("launchPermission")
    added = change.get("add") if isinstance(change, Mapping) else None
    items = added.get("items") if isinstance(added, Mapping) else None
    found = [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []
    return listed(*(str(each.get("userId") or each.get("group") or "") for each in found))


def _restorers(trace: Trace) -> tuple[str, ...]:
    """The same, of a call of RDS."""
    added = trace.asked.get("valuesToAdd")
    return tuple(str(each) for each in added) if isinstance(added, list) else ()


def _shares(trace: Trace) -> bool:
    """Whether something was given away, not taken back; in doubt it was."""
    return not trace.is_read or bool(_added(trace) or _restorers(trace))


def _with(added: Iterable[str]) -> str:
    return ", ".join("everybody" if each == EVERYBODY else each for each in sorted(added))


def _still(added: Iterable[str], present: Iterable[str]) -> State:
    left = set(added) & set(present)
    return State(Standing.EXISTS, f"shared with {_with(left)}") if left else NOT_SHARED


def _disk(trace: Trace, client: Client) -> State:
    aws, asked = client("ec2", trace.account, trace.region), {"SnapshotId": trace.text("snapshotId")}
    found = aws.describe_snapshot_attribute(Attribute="createVolumePermission", **asked)["CreateVolumePermissions"]
    return _still(_added(trace), (each.get("UserId") or each.get("Group") for each in found))


def _image(trace: Trace, client: Client) -> State:
    aws, asked = client("ec2", trace.account, trace.region), {"ImageId": trace.text("imageId")}
    found = aws.describe_image_attribute(Attribute="launchPermission", **asked)["LaunchPermissions"]
    return _still(_added(trace), (each.get("UserId") or each.get("Group") for each in found))


def _unshare(verb: str, flag: str, kind: MadeKind, attribute: str) -> Any:
    def answer(trace: Trace) -> Answer:
        accounts = [each for each in _added(trace) if each != EVERYBODY]
        whom = ("--user-ids", *accounts) if accounts else ()
        groups = ("--group-names", EVERYBODY) if EVERYBODY in _added(trace) else ()
        words = ("--attribute", attribute, "--operation-type", "remove", *whom, *groups, "--region", trace.region)
        return Answer(commands=(typed("ec2", verb, flag, trace.text(kind.parameter), *words),))

    return answer


def _restored_by(cluster: str) -> Any:
    """``cluster`` is ``Cluster`` or nothing: RDS has the same calls for both kinds of snapshot."""

    def look(trace: Trace, client: Client) -> State:
        kind = kinds.CLUSTER if cluster else kinds.DATABASE
        aws, name = client("rds", trace.account, trace.region), f"DB{cluster}Snapshot"
        read = aws.describe_db_cluster_snapshot_attributes if cluster else aws.describe_db_snapshot_attributes
        answer = read(**{f"{name}Identifier": trace.text(kind.parameter)})[f"{name}AttributesResult"]
        present = [
            value
            for each in answer[f"{name}Attributes"]
            if each["AttributeName"] == "restore"
            for value in each["AttributeValues"]
        ]
        return _still(_restorers(trace), present)

    return look


def _unrestore(cluster: str) -> Any:
    def answer(trace: Trace) -> Answer:
        kind = kinds.CLUSTER if cluster else kinds.DATABASE
        words = ("--attribute-name", "restore", "--values-to-remove", *_restorers(trace), "--region", trace.region)
        name = f"db-{cluster}snapshot"
        return Answer(
            commands=(
                typed("rds", f"modify-{name}-attribute", f"--{name}-identifier", trace.text(kind.parameter), *words),
            )
        )

    return answer


# --------------------------------------------------------------------------------------------------- mail


def _sending(trace: Trace, client: Client) -> State:
    enabled = client("sesv2", trace.account, trace.region).get_account()["SendingEnabled"]
    wanted = trace.event.detail.enabled if trace.event.detail else None
    told = f"sending is {'on' if enabled else 'off'}"
    if wanted is None:
        return State(Standing.UNKNOWN, f"{told}; what the call switched it to is not known")
    return State(Standing.EXISTS if enabled == wanted else Standing.DISABLED, told)


def _switch_back(trace: Trace) -> Answer:
    switched_off = trace.event.detail is not None and trace.event.detail.enabled is False
    if not switched_off:
        return Answer("pause_ses", f"{trace.account}/{trace.region}")
    words = ("put-account-sending-attributes", "--sending-enabled", "--region", trace.region)
    return Answer(commands=(typed("sesv2", *words),))


TRACINGS = (
    Tracing(kinds.FUNCTION_URL, _function, _url, _close_url),
    Tracing(kinds.INVOCATION, _permission_name, _permission, _take_permission),
    Tracing(kinds.FUNCTION, _function, _code, _stop_function),
    Tracing(
        kinds.DISK,
        lambda trace: trace.text("snapshotId"),
        _disk,
        _unshare("modify-snapshot-attribute", "--snapshot-id", kinds.DISK, "createVolumePermission"),
        _shares,
    ),
    Tracing(
        kinds.IMAGE,
        lambda trace: trace.text("imageId"),
        _image,
        _unshare("modify-image-attribute", "--image-id", kinds.IMAGE, "launchPermission"),
        _shares,
    ),
    Tracing(
        kinds.DATABASE, lambda trace: trace.text(kinds.DATABASE.parameter), _restored_by(""), _unrestore(""), _shares
    ),
    Tracing(
        kinds.CLUSTER,
        lambda trace: trace.text(kinds.CLUSTER.parameter),
        _restored_by("Cluster"),
        _unrestore("cluster-"),
        _shares,
    ),
    Tracing(kinds.SENDING, lambda trace: f"{trace.account}/{trace.region}", _sending, _switch_back),
)
