"""How a call ended, from CloudTrail's error code and message.

CloudTrail does not log the SDK's name for an error: services whose SDK says ``AccessDeniedException`` are logged as
``AccessDenied``, EC2 puts ``Client.`` before its codes. So codes are compared without prefix and suffix, exactly:
``AuthorizationNotFound`` (an RDS security group) and ``AuthorizationPending`` (device sign-in) are no refusals. The
codes are those of the service models of botocore and of the Amazon EC2 and IAM "Common errors" pages.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bot.model import Outcome

SIGN_IN_NAME = "ConsoleLogin"
CONSOLE_LOGIN = f"signin:{SIGN_IN_NAME}"

_DENIED = frozenset(
    [
        "accessdenied",
        "unauthorizedoperation",
        "unauthorized",
        "unauthorizedaccess",
        "notauthorized",
        "authorization",
        "authorizationfailure",
        "forbidden",
        "accessforbidden",
        "vpceaccessdenied",
        "unauthorizedclient",
        "insufficientpermissions",
        "insufficientprivileges",
        "unauthorizedresourceaccess",
        "accessdeniedfordependency",
        "dependencyaccessdenied",
        "dependentserviceaccessdenied",
    ]
)
_BAD_CREDENTIAL = frozenset(
    [
        "invalidclienttokenid",
        "unrecognizedclient",
        "invalidaccesskeyid",
        "signaturedoesnotmatch",
        "invalidsignature",
        "incompletesignature",
        "missingauthenticationtoken",
        "expiredtoken",
        "requestexpired",
        "tokenrefreshrequired",
        "invalidtoken",
        "requesttimetooskewed",
        "authfailure",
    ]
)
_DRY_RUN = "dryrunoperation"

_PREFIX = re.compile(r"^(?:client|server)\.")
_SUFFIX = re.compile(r"(?:exception|fault|error)$")
# Only whole phrases of AWS's own refusals: a looser "access denied" also stands in messages about a role a service
# could not use (InvalidCloudWatchLogsRoleArnException).
DENIED_MESSAGE = re.compile(
    r"is not authorized to perform|with an explicit deny in"
    r"|because no (?:identity-based|resource-based|session|service control|resource control|vpc endpoint) policy allows"
    r"|because no permissions boundary allows",
    re.IGNORECASE,
)
_LONGEST_MESSAGE = 1024


def outcome_of(error_code: str | None, error_message: str | None) -> Outcome:
    """How an API call ended. ``DRY_RUN`` means the call would have been allowed (``Client.DryRunOperation``)."""
    if not error_code and not error_message:
        return Outcome.OK
    known = _by_code(error_code or "")
    if known is not None:
        return known
    return Outcome.DENIED if DENIED_MESSAGE.search((error_message or "")[:_LONGEST_MESSAGE]) else Outcome.FAILED


def sign_in_outcome(console_login: str | None, error_message: str | None) -> Outcome:
    """How a console sign-in ended: the record says ``Success`` or ``Failure`` in its response, never in a code."""
    if console_login == "Success":
        return Outcome.OK
    return Outcome.LOGIN_FAILED if console_login == "Failure" or error_message else Outcome.UNKNOWN


def normalised_code(error_code: str) -> str:
    """``Client.AuthorizationErrorException`` → ``authorization``."""
    code = _PREFIX.sub("", error_code[:_LONGEST_MESSAGE].strip().lower())
    while True:
        shorter = _SUFFIX.sub("", code)
        if shorter == code:
            return code
        code = shorter


@lru_cache(maxsize=4096)
def _by_code(error_code: str) -> Outcome | None:
    code = normalised_code(error_code)
    if code in _DENIED or code.endswith("accessdenied"):
        return Outcome.DENIED
    if code in _BAD_CREDENTIAL:
        return Outcome.BAD_CREDENTIAL
    return Outcome.DRY_RUN if code == _DRY_RUN else None
