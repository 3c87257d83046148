"""Who called: one stable principal for every kind of ``userIdentity``.

The id is ``<account>:<kind>/<name>``: never the session name of a role (the caller picks it, CI picks a new one each
run), never the key id. A federated user is the user who asked for the token, or a stolen key's new session would look
like a new and innocent person. Kinds and fields: "CloudTrail userIdentity element" in the AWS CloudTrail user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.history.raw import Identity, OnBehalfOf, SessionContext, SessionIssuer
from bot.model import Principal

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""CloudTrail's name for whoever failed to sign in: a person may have typed a password there."""
HIDDEN_NAME = "(hidden)"
UNKNOWN_ID = "unknown"
MAX_NAME = 512
"""IAM names are at most 128 characters; federated and web identities may be longer, and are the caller's choice."""

_SSO_ROLE = "AWSReservedSSO_"
_ARN = re.compile(r"^arn:aws[a-z-]{0,16}:(iam|sts):[a-z0-9-]{0,32}:(\d{12}):(.{1,1024})$")


def principal_of(identity: Identity, fallback_account: str | None) -> Principal:
    """The principal behind a record. ``fallback_account`` is the account of the log, for identities that name none."""
    account = identity.account_id or issuer_of(identity).account_id or fallback_account or ""
    name_one = _BY_TYPE.get(identity.type or "", _unknown if identity.type else _typeless)
    principal_id = name_one(identity, account)
    return Principal(principal_id[:MAX_NAME], identity.type, _stable_arn(identity), account or None)


def session_of(identity: Identity) -> str | None:
    """The role session or federated name: display only."""
    arn = identity.arn or ""
    if ":assumed-role/" in arn and arn.count("/") >= 2:
        return arn.rsplit("/", 1)[1][:MAX_NAME]
    if ":federated-user/" in arn:
        return arn.split(":federated-user/", 1)[1][:MAX_NAME]
    if identity.type in {"AssumedRole", "FederatedUser"} and ":" in (identity.principal_id or ""):
        return str(identity.principal_id).split(":", 1)[1][:MAX_NAME]
    return None


def id_of_arn(arn: str) -> str | None:
    """The principal id an ARN names: users, roles, role sessions, root; ``None`` for any other ARN."""
    found = _ARN.match(arn.strip())
    if not found:
        return None
    service, account, resource = found.groups()
    kind, _, path = resource.partition("/")
    if resource == "root":
        return f"{account}:root"
    if service == "iam" and kind in {"user", "role"} and path:
        return f"{account}:{kind}/{path.rsplit('/', 1)[-1]}"
    if kind == "assumed-role" and path:
        return _role_id(account, *_role_and_session(path))
    return None


def issuer_of(identity: Identity) -> SessionIssuer:
    context = identity.session_context or SessionContext()
    return context.session_issuer or SessionIssuer()


def _user(identity: Identity, account: str) -> str:
    name = identity.user_name
    if name == HIDDEN:
        name = None
    name = name or _last_of(identity.arn) or identity.principal_id
    return f"{account}:user/{name or HIDDEN_NAME}"


def _root(_: Identity, account: str) -> str:
    return f"{account}:root"


def _role(identity: Identity, account: str) -> str:
    role, session = _role_and_session((identity.arn or "").partition(":assumed-role/")[2])
    named = issuer_of(identity).user_name or role or _role_of_arn(identity.arn)
    unique_id = (identity.principal_id or "").split(":", 1)[0]
    return _role_id(account, named or unique_id or UNKNOWN_ID, session or session_of(identity))


def _role_id(account: str, role: str, session: str | None) -> str:
    """Roles named ``AWSReservedSSO_…`` belong to IAM Identity Center: there the session is the person."""
    if role.startswith(_SSO_ROLE) and session:
        return f"{account}:sso/{session}"
    return f"{account}:role/{role}"


def _federated(identity: Identity, account: str) -> str:
    issuer = issuer_of(identity)
    if issuer.type == "Root" or (issuer.arn or "").endswith(":root"):
        return f"{account}:root"
    name = issuer.user_name or _last_of(issuer.arn) or issuer.principal_id
    if name:
        return f"{account}:{'role' if issuer.type == 'Role' else 'user'}/{name}"
    return f"{account}:federated/{session_of(identity) or identity.principal_id or UNKNOWN_ID}"


def _identity_center(identity: Identity, account: str) -> str:
    user = (identity.on_behalf_of or OnBehalfOf()).user_id
    return f"idc:{user or identity.user_name or identity.principal_id or UNKNOWN_ID}"


def _saml(identity: Identity, account: str) -> str:
    return f"saml:{identity.user_name or identity.principal_id or UNKNOWN_ID}"


def _web(identity: Identity, account: str) -> str:
    return f"web:{identity.identity_provider or UNKNOWN_ID}:{identity.user_name or identity.principal_id or UNKNOWN_ID}"


def _other_account(identity: Identity, account: str) -> str:
    owner = identity.account_id or ""
    anonymous = owner.lower() in {"anonymous", "anonymous_principal"}
    return "anonymous" if anonymous else f"account:{owner or identity.principal_id or UNKNOWN_ID}"


def _service(identity: Identity, account: str) -> str:
    return f"service:{identity.invoked_by or UNKNOWN_ID}"


def _directory(identity: Identity, account: str) -> str:
    return f"directory:{account}:{identity.user_name or identity.principal_id or UNKNOWN_ID}"


def _unknown(identity: Identity, account: str) -> str:
    if ":assumed-role/" in (identity.arn or ""):
        return _role(identity, account)
    name = None if identity.user_name == HIDDEN else identity.user_name
    name = name or identity.principal_id
    return f"{account}:unknown/{name}" if name else UNKNOWN_ID


def _typeless(identity: Identity, account: str) -> str:
    """Service events carry ``accountId`` and ``invokedBy`` alone."""
    return _service(identity, account) if identity.invoked_by else _unknown(identity, account)


_BY_TYPE: dict[str, Callable[[Identity, str], str]] = {
    "IAMUser": _user,
    "Root": _root,
    "AssumedRole": _role,
    "Role": _role,
    "FederatedUser": _federated,
    "IdentityCenterUser": _identity_center,
    "SAMLUser": _saml,
    "WebIdentityUser": _web,
    "AWSAccount": _other_account,
    "AWSService": _service,
    "Directory": _directory,
}


def _stable_arn(identity: Identity) -> str | None:
    """The ARN of the role or user behind a session where the record has it; a session's own ARN changes each time."""
    if identity.type in {"AssumedRole", "FederatedUser"}:
        return issuer_of(identity).arn or identity.arn
    return identity.arn


def _role_and_session(path: str) -> tuple[str, str | None]:
    role, _, session = path.partition("/")
    return role, session or None


def _role_of_arn(arn: str | None) -> str | None:
    return arn.rsplit("/", 1)[1] if arn and ":role/" in arn else None


def _last_of(arn: str | None) -> str | None:
    return arn.rsplit("/", 1)[1] if arn and "/" in arn else None
