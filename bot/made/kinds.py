"""The kinds of things that a thief makes to stay or to come back, each with the calls that make or change one.

From the reports behind the hunts' playbooks: ``persist-iam``, ``persist-federation``, ``persist-trust``,
``persist-serverless``, ``data-theft-snapshots``, ``email-abuse``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MadeKind:
    """``calls`` are event names. ``parameter`` is the field of their requests that names the thing (CloudTrail writes
    them in lower camel case); empty where the response does, or several fields together do."""

    name: str
    calls: tuple[str, ...]
    parameter: str = ""


KEY = MadeKind("access key", ("iam:CreateAccessKey",))
USER = MadeKind("user", ("iam:CreateUser",), "userName")
PASSWORD = MadeKind("console password", ("iam:CreateLoginProfile", "iam:UpdateLoginProfile"), "userName")
MFA = MadeKind("MFA device", ("iam:CreateVirtualMFADevice", "iam:EnableMFADevice"))
GROUP = MadeKind("group membership", ("iam:AddUserToGroup",))
SERVICE_CREDENTIAL = MadeKind("service-specific credential", ("iam:CreateServiceSpecificCredential",))
SSH_KEY = MadeKind("SSH public key", ("iam:UploadSSHPublicKey",), "userName")
CERTIFICATE = MadeKind("signing certificate", ("iam:UploadSigningCertificate",), "userName")

POLICY = MadeKind("policy", ("iam:CreatePolicy",), "policyName")
POLICY_VERSION = MadeKind("policy version", ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"), "policyArn")
ATTACHED = MadeKind(
    "attached policy", ("iam:AttachUserPolicy", "iam:AttachRolePolicy", "iam:AttachGroupPolicy"), "policyArn"
)
INLINE = MadeKind("inline policy", ("iam:PutUserPolicy", "iam:PutRolePolicy", "iam:PutGroupPolicy"), "policyName")

ROLE = MadeKind("role", ("iam:CreateRole",), "roleName")
TRUST = MadeKind("trust policy", ("iam:UpdateAssumeRolePolicy",), "roleName")
SAML = MadeKind("SAML provider", ("iam:CreateSAMLProvider", "iam:UpdateSAMLProvider"))
OIDC = MadeKind(
    "OpenID Connect provider", ("iam:CreateOpenIDConnectProvider", "iam:AddClientIDToOpenIDConnectProvider")
)
ANCHOR = MadeKind("Roles Anywhere trust anchor", ("rolesanywhere:CreateTrustAnchor",), "name")
ANYWHERE = MadeKind("Roles Anywhere profile", ("rolesanywhere:CreateProfile",), "name")

FUNCTION_URL = MadeKind(
    "function URL", ("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"), "functionName"
)
INVOCATION = MadeKind("right to invoke", ("lambda:AddPermission",))
FUNCTION = MadeKind("function code", ("lambda:CreateFunction", "lambda:UpdateFunctionCode"), "functionName")
DISK = MadeKind("shared snapshot", ("ec2:ModifySnapshotAttribute",), "snapshotId")
IMAGE = MadeKind("shared image", ("ec2:ModifyImageAttribute",), "imageId")
DATABASE = MadeKind("shared database snapshot", ("rds:ModifyDBSnapshotAttribute",), "dBSnapshotIdentifier")
CLUSTER = MadeKind("shared cluster snapshot", ("rds:ModifyDBClusterSnapshotAttribute",), "dBClusterSnapshotIdentifier")
SENDING = MadeKind("e-mail sending", ("ses:UpdateAccountSendingEnabled", "ses:PutAccountSendingAttributes"))
SESSION = MadeKind("session", ())
"""Whatever else gave a key out."""
OTHER = MadeKind("other change", ())
"""What else changes something, by its name: for a person to look at."""
