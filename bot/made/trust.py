"""Who is let in from outside: roles, whom they trust, identity providers, Roles Anywhere."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from bot.by_hand import typed
from bot.made import kinds
from bot.made.identities import NOT_LISTED
from bot.made.tracing import Answer, Client, State, Trace, Tracing
from bot.model import Standing, rfc3339

PERMISSIONS = frozenset(
    {
        *("iam:GetRole", "iam:GetSAMLProvider", "iam:GetOpenIDConnectProvider"),
        *("rolesanywhere:ListTrustAnchors", "rolesanywhere:ListProfiles"),
    }
)


def document_of(written: Any) -> Any:
    """A policy as IAM or a record writes it, read; ``None`` where it cannot be."""
    if not isinstance(written, str):
        return written
    try:
        return json.loads(unquote(written) if written.startswith("%") else written)
    except ValueError:
        return None


def _trust_of(trace: Trace, client: Client) -> tuple[Any, Any]:
    role = client("iam", trace.account, trace.region).get_role(RoleName=trace.text("roleName"))["Role"]
    return role, document_of(role["AssumeRolePolicyDocument"])


def lets_nobody_in(trust: Any) -> bool:
    """Whether every statement of a trust policy denies."""
    statements = trust.get("Statement") if isinstance(trust, dict) else None
    listed: list[Any] = statements if isinstance(statements, list) else [statements]
    return all(isinstance(each, dict) and each.get("Effect") == "Deny" for each in listed)


def _role(trace: Trace, client: Client) -> State:
    role, trust = _trust_of(trace, client)
    if lets_nobody_in(trust):
        return State(Standing.DISABLED, "trusts nobody")
    return State(Standing.EXISTS, f"made at {rfc3339(role['CreateDate'])}")


def _changed_trust(trace: Trace, client: Client) -> State:
    _, trust = _trust_of(trace, client)
    written = document_of(trace.asked.get("policyDocument"))
    if written is None:
        return State(Standing.UNKNOWN, "what the call wrote is not known: compare the trust policy by hand")
    if trust == written:
        return State(Standing.EXISTS, "as the call wrote it")
    return State(Standing.DISABLED, "not what the call wrote any more")


def _role_id(trace: Trace) -> str:
    name = trace.text("roleName")
    return trace.id_of("role", name) if name else ""


def _disable_role(trace: Trace) -> Answer:
    return Answer("disable_created", _role_id(trace))


def _saml_arn(trace: Trace) -> str:
    name = trace.text("name")
    return trace.text("sAMLProviderArn") or (trace.arn("iam", f"saml-provider/{name}") if name else "")


def _saml(trace: Trace, client: Client) -> State:
    found = client("iam", trace.account, trace.region).get_saml_provider(SAMLProviderArn=_saml_arn(trace))
    return State(Standing.EXISTS, f"made at {rfc3339(found['CreateDate'])}")


def _oidc_arn(trace: Trace) -> str:
    url = trace.text("url").partition("://")[2] or trace.text("url")
    return trace.text("openIDConnectProviderArn") or (trace.arn("iam", f"oidc-provider/{url}") if url else "")


def _oidc(trace: Trace, client: Client) -> State:
    iam = client("iam", trace.account, trace.region)
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=_oidc_arn(trace))
    return State(Standing.EXISTS, f"made at {rfc3339(found['CreateDate'])}")


def _delete_saml(trace: Trace) -> Answer:
    return Answer(commands=(typed("iam", "delete-saml-provider", "--saml-provider-arn", _saml_arn(trace)),))


def _delete_oidc(trace: Trace) -> Answer:
    words = ("--open-id-connect-provider-arn", _oidc_arn(trace))
    return Answer(commands=(typed("iam", "delete-open-id-connect-provider", *words),))


def _anchor(trace: Trace, client: Client) -> State:
    anywhere = client("rolesanywhere", trace.account, trace.region)
    pages = anywhere.get_paginator("list_trust_anchors").paginate()
    found = [each for page in pages for each in page["trustAnchors"] if each["name"] == trace.text("name")]
    return _anywhere(trace, found, "trustAnchor", "disable-trust-anchor", "--trust-anchor-id")


def _profile(trace: Trace, client: Client) -> State:
    anywhere = client("rolesanywhere", trace.account, trace.region)
    pages = anywhere.get_paginator("list_profiles").paginate()
    found = [each for page in pages for each in page["profiles"] if each["name"] == trace.text("name")]
    return _anywhere(trace, found, "profile", "disable-profile", "--profile-id")


def _anywhere(trace: Trace, found: list[Any], what: str, verb: str, flag: str) -> State:
    """Names are not unique; where one is, the bot can disable it."""
    if not found:
        return NOT_LISTED
    enabled = [each for each in found if each["enabled"]]
    if not enabled:
        return State(Standing.DISABLED, "not enabled")
    commands = tuple(
        typed("rolesanywhere", verb, flag, each[f"{what}Id"], "--region", trace.region) for each in enabled
    )
    return State(Standing.EXISTS, "enabled", commands, enabled[0][f"{what}Arn"] if len(enabled) == 1 else "")


def _list_anywhere(verb: str) -> Any:
    return lambda trace: Answer(commands=(typed("rolesanywhere", verb, "--region", trace.region),))


TRACINGS = (
    Tracing(kinds.ROLE, _role_id, _role, _disable_role),
    Tracing(kinds.TRUST, _role_id, _changed_trust, _disable_role),
    Tracing(kinds.SAML, _saml_arn, _saml, _delete_saml),
    Tracing(kinds.OIDC, _oidc_arn, _oidc, _delete_oidc),
    Tracing(kinds.ANCHOR, lambda trace: trace.text("name"), _anchor, _list_anywhere("list-trust-anchors")),
    Tracing(kinds.ANYWHERE, lambda trace: trace.text("name"), _profile, _list_anywhere("list-profiles")),
)
