"""Policies: made, given another version, attached, or written into a user, a role or a group."""

from __future__ import annotations

from bot.by_hand import typed
from bot.made import kinds
from bot.made.tracing import Answer, Client, State, Trace, Tracing
from bot.model import Standing, is_containment, rfc3339

HOLDERS = ("User", "Role", "Group")
PERMISSIONS = frozenset(
    {
        *("iam:GetPolicy", "iam:GetPolicyVersion"),
        *(f"iam:ListAttached{holder}Policies" for holder in HOLDERS),
        *(f"iam:Get{holder}Policy" for holder in HOLDERS),
    }
)


def _arn(trace: Trace) -> str:
    name, path = trace.text("policyName"), trace.text("path").strip("/")
    return trace.arn("iam", f"policy/{path}/{name}" if path else f"policy/{name}") if name else ""


def _policy(trace: Trace, client: Client) -> State:
    policy = client("iam", trace.account, trace.region).get_policy(PolicyArn=_arn(trace))["Policy"]
    held = policy.get("AttachmentCount", 0)
    if not held:
        return State(Standing.DISABLED, "attached to nobody")
    return State(Standing.EXISTS, f"attached to {held} of users, roles and groups")


def _version(trace: Trace, client: Client) -> State:
    iam, arn = client("iam", trace.account, trace.region), trace.text("policyArn")
    present = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=present)["PolicyVersion"]
    chosen = trace.text("versionId")
    is_theirs = present == chosen if chosen else version["CreateDate"] >= trace.at.replace(second=0)
    told = f"{present} of {rfc3339(version['CreateDate'])} is the default"
    return State(Standing.EXISTS if is_theirs else Standing.DISABLED, told)


def _holder(trace: Trace) -> tuple[str, str]:
    """Who has the policy: ``user``, ``role`` or ``group``, and the name."""
    kind = next(holder for holder in HOLDERS if holder in trace.event.name.partition(":")[2])
    name = trace.text(f"{kind.lower()}Name") or (trace.user if kind == "User" else "")
    return kind, name


def _attached(trace: Trace, client: Client) -> State:
    (kind, name), arn = _holder(trace), trace.text("policyArn")
    iam = client("iam", trace.account, trace.region)
    pages = iam.get_paginator(f"list_attached_{kind.lower()}_policies").paginate(**{f"{kind}Name": name})
    arns = {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}
    return State(Standing.EXISTS, "attached") if arn in arns else State(Standing.GONE, "not attached any more")


def _inline(trace: Trace, client: Client) -> State:
    kind, name = _holder(trace)
    iam = client("iam", trace.account, trace.region)
    asked = {f"{kind}Name": name, "PolicyName": trace.text("policyName")}
    getattr(iam, f"get_{kind.lower()}_policy")(**asked)
    return State(Standing.EXISTS, "in force")


def _held(trace: Trace) -> str:
    detail = trace.event.detail
    what = trace.text("policyArn") or trace.text("policyName") or (detail.policy if detail else None)
    kind, name = _holder(trace)
    return f"{what} of {kind.lower()} {name}" if what and name else ""


def _detach(trace: Trace) -> Answer:
    kind, name = _holder(trace)
    words = (f"--{kind.lower()}-name", name, "--policy-arn", trace.text("policyArn"))
    return Answer(commands=(typed("iam", f"detach-{kind.lower()}-policy", *words),))


def _delete(trace: Trace) -> Answer:
    kind, name = _holder(trace)
    words = (f"--{kind.lower()}-name", name, "--policy-name", trace.text("policyName"))
    return Answer(commands=(typed("iam", f"delete-{kind.lower()}-policy", *words),))


def _gives(trace: Trace) -> bool:
    """A policy that stops a thief is no thief's: AWS and responders put those on."""
    named = trace.event.detail.policy if trace.event.detail else None
    return not is_containment(named or trace.text("policyArn").rpartition("/")[2] or trace.text("policyName"))


TRACINGS = (
    Tracing(kinds.POLICY, _arn, _policy, lambda trace: Answer("disable_created", _arn(trace))),
    Tracing(
        kinds.POLICY_VERSION,
        lambda trace: trace.text("policyArn"),
        _version,
        lambda trace: Answer("disable_created", trace.text("policyArn")),
    ),
    Tracing(kinds.ATTACHED, _held, _attached, _detach, _gives),
    Tracing(kinds.INLINE, _held, _inline, _delete, _gives),
)
