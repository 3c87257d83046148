"""Error codes and messages → how the call ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.history.outcome import normalised_code, outcome_of, sign_in_outcome
from bot.model import Outcome

DENIED = [
    *("AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "UnauthorizedOperation"),
    *("UnauthorizedException", "UnauthorizedOperationException", "NotAuthorizedException", "ForbiddenException"),
    *("Forbidden", "AccessForbidden", "AuthorizationError", "AuthorizationErrorException", "AuthorizationException"),
    *("InsufficientPermissionsException", "InsufficientPrivilegesException", "UnauthorizedError", "ForbiddenError"),
    *("UnauthorizedClientException", "KMSAccessDeniedException", "KmsAccessDeniedException", "S3AccessDeniedFault"),
    *("EC2AccessDeniedException", "AccessDeniedFault", "OrganizationAccessDeniedException", "AuthorizationFailure"),
    *("OpsItemAccessDeniedException", "UnauthorizedResourceAccessException", "VpceAccessDenied", "UnauthorizedAccess"),
    *("AccessDeniedForDependencyException", "DependencyAccessDeniedException", "DependentServiceAccessDenied"),
    *("CloudHsmAccessDeniedException", "Server.AccessDenied"),
]
BAD_CREDENTIAL = [
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "MissingAuthenticationToken", "AuthFailure"),
    *("Client.AuthFailure", "InvalidSignatureException", "IncompleteSignature", "TokenRefreshRequired"),
    *("InvalidToken", "RequestTimeTooSkewed"),
]
FAILED = [
    *("ThrottlingException", "ValidationException", "NoSuchBucketPolicy", "LimitExceededException", "OptInRequired"),
    *("AuthorizationNotFound", "AuthorizationAlreadyExists", "AuthorizationQuotaExceeded", "Error", "Exception"),
    *("AuthorizationPendingException", "SubscriptionRequiredException", "Client.InvalidPermission.NotFound"),
]


@pytest.mark.parametrize("code", DENIED)
def test_denied(code: str) -> None:
    assert outcome_of(code, None) is Outcome.DENIED


@pytest.mark.parametrize("code", BAD_CREDENTIAL)
def test_bad_credential(code: str) -> None:
    assert outcome_of(code, None) is Outcome.BAD_CREDENTIAL


@pytest.mark.parametrize("code", FAILED)
def test_failed(code: str) -> None:
    assert outcome_of(code, None) is Outcome.FAILED


def test_a_dry_run_would_have_been_allowed() -> None:
    assert outcome_of("Client.DryRunOperation", "Request would have succeeded") is Outcome.DRY_RUN


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("User: alice is not authorized to perform: iam:ListUsers", Outcome.DENIED),
        ("… with an explicit deny in an identity-based policy", Outcome.DENIED),
        ("… because no identity-based policy allows the ses:GetSendQuota action", Outcome.DENIED),
        ("… because no session policy allows the ses:GetSendQuota action", Outcome.DENIED),
        ("… because no permissions boundary allows the ses:GetSendQuota action", Outcome.DENIED),
        ("… because no service control policy allows the ses:GetSendQuota action", Outcome.DENIED),
        ("Access denied. Verify in IAM that the role has adequate permissions.", Outcome.FAILED),
        ("An unknown error occurred", Outcome.FAILED),
    ],
)
def test_a_code_nobody_knows_is_read_from_the_message(message: str, outcome: Outcome) -> None:
    assert outcome_of("SomethingElseException", message) is outcome


def test_nothing_wrong_is_ok() -> None:
    assert outcome_of(None, None) is outcome_of("", "") is Outcome.OK


def test_console_sign_in_is_read_from_its_response() -> None:
    assert sign_in_outcome("Success", None) is Outcome.OK
    assert sign_in_outcome("Failure", "Failed authentication") is Outcome.LOGIN_FAILED
    assert sign_in_outcome(None, "No username found in supplied account") is Outcome.LOGIN_FAILED
    assert sign_in_outcome(None, None) is Outcome.UNKNOWN


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_an_outcome(code: str, message: str) -> None:
    assert isinstance(outcome_of(code, message), Outcome)
    assert normalised_code(normalised_code(code)) == normalised_code(code) or "." in code
