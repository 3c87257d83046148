"""What is kept of a request, a response or an error message: of few calls, and little.

The reason of a refusal, as AWS words it ("Troubleshoot access denied error messages" in the IAM user guide; the policy
is named since 2026, inside one account or organisation); the user and policy an IAM call is about; what account-wide
e-mail sending is switched to; whether a sign-in used MFA.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from functools import lru_cache

from bot.history.outcome import CONSOLE_LOGIN
from bot.history.raw import Request, SignIn
from bot.model import Detail, Outcome

POLICY_CALLS = frozenset(
    {
        *("iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:DetachUserPolicy", "iam:DeleteUserPolicy"),
        *("iam:PutUserPermissionsBoundary", "iam:DeleteUserPermissionsBoundary"),
    }
)
USER_CALLS = POLICY_CALLS | {"iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"}
SENDING_SWITCHES = frozenset({"ses:UpdateAccountSendingEnabled", "ses:PutAccountSendingAttributes"})

_TELLING = USER_CALLS | SENDING_SWITCHES | {CONSOLE_LOGIN}
_KINDS = "identity-based|resource-based|service control|resource control|session|vpc endpoint"
EXPLICIT = re.compile(
    rf"with an explicit deny in an? ((?:{_KINDS}) policy|permissions boundary)(?:: arn:[^\s/]{{1,256}}/(\S{{1,512}}))?",
    re.IGNORECASE,
)
IMPLICIT = re.compile(rf"because no ((?:{_KINDS}) policy|permissions boundary) allows", re.IGNORECASE)
UNNAMED = "with an explicit deny"
_ANY_POLICY = "policy"
_FIELDS = fields(Detail)
_NOTHING = Detail()
_LONGEST_MESSAGE = 1024
_LONGEST = 128


def has_detail(name: str, outcome: Outcome) -> bool:
    """Whether a call can have a detail; cheap, for it is asked of every record."""
    return outcome is Outcome.DENIED or name in _TELLING


def detail_of(
    name: str, outcome: Outcome, message: str | None, request: Request | None, sign_in: SignIn | None = None
) -> Detail | None:
    """What is kept of a call; ``None`` if nothing is."""
    if not has_detail(name, outcome):
        return None
    request = request or Request()
    policy = request.policy_arn or request.policy_name or request.permissions_boundary
    denied_by, explicit, denying_policy = _reason(message or "") if outcome is Outcome.DENIED else (None, False, None)
    found = Detail(
        denied_by=denied_by,
        explicit=explicit,
        denying_policy=_name(denying_policy),
        policy=_name(policy) if name in POLICY_CALLS else None,
        user=_name(request.user_name) if name in USER_CALLS else None,
        enabled=_enabled(name, request),
        mfa=_mfa(sign_in or SignIn()) if name == CONSOLE_LOGIN else None,
    )
    return found if found != _NOTHING else None


def text_of(detail: Detail | None) -> str | None:
    """A detail as the history keeps it."""
    if detail is None:
        return None
    told = {field.name: getattr(detail, field.name) for field in _FIELDS}
    return json.dumps({name: value for name, value in told.items() if value != getattr(_NOTHING, name)})


@lru_cache(maxsize=4096)
def read_detail(text: str | None) -> Detail | None:
    """The detail behind ``text``; of a newer version's only what this one knows."""
    if text is None:
        return None
    told = json.loads(text)
    return Detail(**{field.name: told[field.name] for field in _FIELDS if field.name in told})


def _reason(message: str) -> tuple[str | None, bool, str | None]:
    """Which kind of policy refused a call, whether it says Deny, and its name."""
    message = message[:_LONGEST_MESSAGE]
    if found := EXPLICIT.search(message):
        return found[1].lower(), True, found[2]
    if found := IMPLICIT.search(message):
        return found[1].lower(), False, None
    return (_ANY_POLICY, True, None) if UNNAMED in message.lower() else (None, False, None)


def _name(value: str | None) -> str | None:
    """The last part of an ARN, or the name itself."""
    return (value or "").strip().rsplit("/", 1)[-1][:_LONGEST] or None


def _enabled(name: str, request: Request) -> bool | None:
    """A missing value means "no" to SES (API references of both versions)."""
    return bool(request.enabled or request.sending_enabled) if name in SENDING_SWITCHES else None


def _mfa(sign_in: SignIn) -> bool | None:
    if sign_in.saml_provider or not sign_in.mfa_used:
        return None
    return sign_in.mfa_used.lower() == "yes"
