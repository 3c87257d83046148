"""What AWS enforces and MiniStack 1.5.33 does not, added to it in its own process.

The condition keys of IAM's policy calls and of function URLs, service control policies, lock tokens of WAFv2 IP sets,
and the switch that pauses an account's e-mail. Written against the AWS documentation of each; only what the
remediations rely on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import organizations, ses_v2, waf

CONDITION_KEYS = {"PolicyArn": "iam:PolicyARN", "PermissionsBoundary": "iam:PermissionsBoundary"}
"""IAM's request parameter → its condition key (Service Authorization Reference, IAM)."""
SENDING = "/v2/email/account/sending"
ACCOUNT = "/v2/email/account"
OUTBOUND = "/v2/email/outbound-emails"


def enforce_more(management: str, members: tuple[str, ...]) -> None:
    """``management`` is the account of AWS Organizations, with ``members``; empty: there is no organisation."""
    _policy_versions()
    _condition_keys()
    _function_urls()
    _principal_arn()
    _service_control_policies(management, members)
    _resources()
    _addresses()
    _lock_tokens()
    _sending_switch()


def _wrap(module: Any, name: str, make: Callable[[Any], Any]) -> None:
    setattr(module, name, make(getattr(module, name)))


def _policy_versions() -> None:
    """``SetDefaultPolicyVersion``, which MiniStack does not know (IAM API reference)."""
    from ministack.services import iam  # noqa: PLC0415 - it reads its state when imported

    def set_default(asked: dict[str, Any]) -> Any:
        arn, version = iam._p(asked, "PolicyArn"), iam._p(asked, "VersionId")
        policy = iam._policies.get(arn)
        if policy is None or version not in policy["Versions"]:
            return iam._error(404, "NoSuchEntity", f"Policy {arn} version {version} does not exist.", ns="iam")
        policy["DefaultVersionId"] = version
        for name, each in policy["Versions"].items():
            each["IsDefaultVersion"] = name == version
        return iam._xml(200, "SetDefaultPolicyVersionResponse", "", ns="iam")

    iam._IAM_HANDLERS["SetDefaultPolicyVersion"] = set_default


def _condition_keys() -> None:
    def with_keys(of_tags: Any) -> Any:
        def context(service: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
            found = dict(of_tags(service, action, body, params))
            if service == "iam":
                asked = parse_qs(body.decode(errors="replace"))
                found |= {key: asked[name][0] for name, key in CONDITION_KEYS.items() if name in asked}
                if action == "iam:DeleteUserPermissionsBoundary":
                    found["iam:PermissionsBoundary"] = _boundary_of(asked.get("UserName", [""])[0])
            return found

        return context

    _wrap(iam_actions, "request_tag_context", with_keys)


def _function_urls() -> None:
    """``UpdateFunctionUrlConfig`` by its own name, with its condition key (Service Authorization Reference, Lambda)."""

    def with_update(name: Any) -> Any:
        def named(method: str, path: str) -> Any:
            return "UpdateFunctionUrlConfig" if method == "PUT" and path.endswith("/url") else name(method, path)

        return named

    def with_key(of_tags: Any) -> Any:
        def context(service: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
            found = dict(of_tags(service, action, body, params))
            if action == "lambda:UpdateFunctionUrlConfig":
                found |= {"lambda:FunctionUrlAuthType": str(_read(body).get("AuthType", ""))}
            return found

        return context

    _wrap(iam_actions, "_lambda_action", with_update)
    _wrap(iam_actions, "request_tag_context", with_key)


def _principal_arn() -> None:
    """``aws:PrincipalArn`` of a session is the ARN of its role, and ``aws:ViaAWSService`` is always there.

    Both after the IAM user guide's page of global condition keys.
    """

    def with_role(resolve: Any) -> Any:
        def resolved(key: str, context: Any) -> Any:
            value = resolve(key, context)
            if key.lower() == "aws:principalarn" and ":assumed-role/" in str(value):
                account, name = value.split(":")[4], value.split("/")[1]
                return _role_arn(account, name)
            return "false" if key.lower() == "aws:viaawsservice" else value

        return resolved

    _wrap(iam_evaluator, "_resolve_condition_key", with_role)


def _role_arn(account: str, name: str) -> str:
    from ministack.services import iam  # noqa: PLC0415 - it reads its state when imported

    role = iam._roles.get_scoped(account, None, name) or {}
    return str(role.get("Arn") or f"arn:aws:iam::{account}:role/{name}")


def _boundary_of(user: str) -> str:
    from ministack.services import iam  # noqa: PLC0415 - it reads its state when imported

    return str((iam._users.get(user) or {}).get("PermissionsBoundary", ""))


def _service_control_policies(management: str, members: tuple[str, ...]) -> None:
    def with_policies(resolve: Any) -> Any:
        def resolved(*args: Any, **kwargs: Any) -> Any:
            principal = resolve(*args, **kwargs)
            if getattr(principal, "policies", None) is not None and principal.account in members:
                principal.policies = [*principal.policies, *_denials(management, principal.account)]
            return principal

        return resolved

    def with_members(ensure: Any) -> Any:
        def ensured() -> None:
            known = "self" in organizations._orgs
            ensure()
            if not known and get_account_id() == management:
                (root,) = organizations._roots
                for member in members:
                    organizations._accounts[member] = {"Id": member, "Name": member, "_ParentId": root}

        return ensured

    if management:
        _wrap(iam_evaluator, "resolve_principal", with_policies)
        _wrap(organizations, "_ensure_org", with_members)


def _denials(management: str, account: str) -> list[Any]:
    """The Deny statements of the policies that bind ``account``; what an SCP allows it does not grant."""
    bound = {account}
    while (
        parents := {
            record["_ParentId"]
            for scope in (organizations._accounts, organizations._ous)
            for name in bound
            if (record := scope.get_scoped(management, None, name)) and record.get("_ParentId")
        }
        - bound
    ):
        bound |= parents
    attachments = list(organizations._attachments._data.items())
    attached = [policy for (owner, policy), targets in attachments if owner == management and bound & {*targets}]
    policies = (organizations._policies.get_scoped(management, None, policy) for policy in attached)
    parsed = (iam_evaluator.parse_policy_document(policy["_Content"]) for policy in policies if policy)
    return [[statement for statement in statements if statement.effect == "Deny"] for statements in parsed]


def _resources() -> None:
    """The ARNs of what is asked for, where MiniStack names something else (Service Authorization Reference)."""

    def with_more(name: Any) -> Any:
        def named(service: str, *args: Any) -> Any:
            asked = _read(args[3]) if service in {"organizations", "wafv2"} else {}
            if service == "iam" and (group := parse_qs(args[3].decode(errors="replace")).get("GroupName")):
                return f"arn:aws:iam::{get_account_id()}:group/{group[0]}"
            if service == "organizations" and (policy := organizations._policies.get(asked.get("PolicyId", ""))):
                return policy["Arn"]
            if service == "wafv2" and "Id" in asked:
                held = waf._resource_from_scope(waf._ip_sets, asked["Id"], asked.get("Scope", "REGIONAL"))
                return held["ARN"] if held else "*"
            return name(service, *args)

        return named

    _wrap(iam_actions, "extract_resource_arn", with_more)


def _addresses() -> None:
    """A caller's address as ``X-Forwarded-For`` has it: every caller of a local AWS is on this machine."""

    def behind(serve: Any) -> Any:
        async def served(scope: dict[str, Any], receive: Any, send: Any) -> None:
            told = dict(scope.get("headers", [])).get(b"x-forwarded-for", b"").decode()
            await serve(scope | {"client": (told, 0)} if told else scope, receive, send)

        return served

    _wrap(app, "app", behind)


def _read(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _lock_tokens() -> None:
    def with_lock(update: Any) -> Any:
        def updated(data: dict[str, Any]) -> Any:
            held = waf._resource_from_scope(waf._ip_sets, data.get("Id", ""), data.get("Scope", "REGIONAL"))
            if held and data.get("LockToken") != held["LockToken"]:
                return waf._waf_err("WAFOptimisticLockException", "The lock token is not the present one")
            return update(data)

        return updated

    _wrap(waf, "_update_ip_set", with_lock)


def _sending_switch() -> None:
    paused: set[tuple[str, str]] = set()

    def with_switch(answer: Any) -> Any:
        async def answered(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
            place, path = (get_account_id(), get_region()), path.rstrip("/")
            if (method, path) == ("PUT", SENDING):
                wanted = json.loads(body or b"{}").get("SendingEnabled", False)
                (paused.discard if wanted else paused.add)(place)
                return _json(200, {})
            if (method, path) == ("POST", OUTBOUND) and place in paused:
                return _json(400, {"__type": "SendingPausedException", "message": "Sending is paused"})
            status, names, content = await answer(method, path, headers, body, query)
            if (method, path) == ("GET", ACCOUNT):
                content = json.dumps(json.loads(content) | {"SendingEnabled": place not in paused}).encode()
            return status, names, content

        return answered

    _wrap(ses_v2, "handle_request", with_switch)


def _json(status: int, document: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    names = {"Content-Type": "application/json"} | ({"x-amzn-ErrorType": document["__type"]} if status >= 400 else {})
    return status, names, json.dumps(document).encode()
