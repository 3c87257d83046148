"""Who is the principal?

What a thief can do with a key is what its owner may do. A console password without MFA is a second door, an
administrator's key is the whole account, and tags often name the team to call. Root and federated users are not in IAM.
"""

from __future__ import annotations

from typing import Literal, cast

from bot.model import (
    Answer,
    Context,
    Declaration,
    Fact,
    IdentityRecord,
    Kind,
    NotAnswered,
    NotAsked,
    Observable,
    Principal,
    Unread,
    rfc3339,
)

DECLARATION = Declaration(
    question="Who is the principal, and what may it do?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset(),
)

NOT_IN_IAM = {
    "root": "the root user: no policy limits it, and IAM cannot disable it",
    "sso": "a person of IAM Identity Center: what they may do is set there",
    "idc": "a person of IAM Identity Center: what they may do is set there",
    "saml": "a federated person: who they are is known to the identity provider",
    "web": "a federated workload or person: who it is is known to the identity provider",
    "service": "an AWS service",
    "account": "another account",
}
"""Kinds of principals that are no user or role of IAM, in words."""

NO_ROLE = "needs AWS access to read IAM: name a reading role in config.toml"

OWNER_TAGS = ("owner", "team", "contact", "email", "costcenter", "cost-center", "project")
MOST_NAMED = 4


def enrich(observable: Observable, context: Context) -> Answer:
    principal = context.principal
    if principal is None:
        return Answer(f"{observable}: nothing says who is behind it", found=False)
    account, kind, name = parts(principal)
    if kind not in {"user", "role"} or account is None:
        return judge(principal, kind, None)
    if context.iam is None:
        raise NotAsked(NO_ROLE)
    return judge(principal, kind, context.iam.identity(account, cast(Literal["user", "role"], kind), name))


def parts(principal: Principal) -> tuple[str | None, str, str]:
    """Account, kind and name of a principal's id: ``<account>:<kind>/<name>``, or ``<kind>:<name>`` without one."""
    first, _, rest = principal.id.partition(":")
    kind, _, name = rest.partition("/")
    if not (first.isdigit() and len(first) == 12):
        return None, first, rest
    return first, kind, name


def judge(principal: Principal, kind: str, asked: IdentityRecord | Unread | None) -> Answer:
    """What IAM says of the principal, or why it says nothing. Raises ``NotAnswered`` if it could not be asked."""
    if isinstance(asked, Unread):
        raise NotAnswered(f"IAM could not be asked: {asked.why}")
    if asked is None:
        gone = "is not in IAM any more" if kind in {"user", "role"} else NOT_IN_IAM.get(kind, "no user or role of IAM")
        return Answer(f"{principal.name}: {gone}", data={"kind": kind, "in_iam": False})
    return Answer(
        headline=f"{principal.name}: {', '.join(_words(kind, asked))}",
        facts=tuple(Fact(label, value) for label, value in _rows(asked)),
        data={
            "kind": kind,
            "in_iam": True,
            "created_at": rfc3339(asked.created_at) if asked.created_at else None,
            "console_password": asked.password,
            "mfa_devices": asked.mfa,
            "groups": list(asked.groups),
            "policies": list(asked.policies),
            "admin": asked.admin,
            "boundary": asked.boundary,
            "tags": dict(asked.tags),
        },
    )


def _words(kind: str, asked: IdentityRecord) -> list[str]:
    password = {True: "console password", False: "no console password", None: ""}[asked.password]
    mfa = "" if asked.mfa is None else "MFA" if asked.mfa else "no MFA"
    owners = [f"{tag} {asked.tags[tag]}" for tag in asked.tags if tag.lower() in OWNER_TAGS]
    words = [f"IAM {kind}", _admin(asked), password, mfa, *owners[:MOST_NAMED]]
    return [word for word in words if word]


def _admin(asked: IdentityRecord) -> str:
    return {True: "administrator", False: "no administrator", None: "administrator or not: unknown"}[asked.admin]


def _rows(asked: IdentityRecord) -> list[tuple[str, str]]:
    said = {True: "yes", False: "no", None: "none possible"}
    return [
        ("Created", rfc3339(asked.created_at) if asked.created_at else "unknown"),
        ("Console password", said[asked.password]),
        ("MFA devices", "none possible" if asked.mfa is None else str(asked.mfa)),
        ("Rights", _admin(asked)),
        ("Groups", ", ".join(asked.groups) or "none"),
        ("Policies", ", ".join(asked.policies) or "none"),
        ("Permissions boundary", asked.boundary or "none"),
        *((f"Tag {tag}", value) for tag, value in sorted(asked.tags.items())),
    ]
