"""Users, and everything with which one can sign in: keys, passwords, MFA devices and the credentials few think of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.by_hand import typed
from bot.made import kinds
from bot.made.tracing import Answer, Client, State, Trace, Tracing
from bot.model import Standing, rfc3339
from bot.policies import DENY_ALL

PERMISSIONS = frozenset(
    {
        *(
            "iam:GetAccessKeyLastUsed",
            "iam:ListAccessKeys",
            "iam:GetUser",
            "iam:ListAttachedUserPolicies",
            "iam:GetLoginProfile",
        ),
        *("iam:ListMFADevices", "iam:ListVirtualMFADevices", "iam:ListGroupsForUser"),
        *("iam:ListServiceSpecificCredentials", "iam:ListSSHPublicKeys", "iam:ListSigningCertificates"),
    }
)
_CLOCKS_DIFFER = timedelta(minutes=1)
"""Between a record's time, in whole seconds, and the one AWS gives a thing."""
STANDING = {"Active": Standing.EXISTS, "Inactive": Standing.DISABLED}
NOT_LISTED = State(Standing.GONE, "AWS does not list it any more")


def is_denied(iam: Any, user: str) -> bool:
    """Whether a user's policies deny everything: quarantined."""
    pages = iam.get_paginator("list_attached_user_policies").paginate(UserName=user)
    return any(policy["PolicyName"] == DENY_ALL for page in pages for policy in page["AttachedPolicies"])


def _key(trace: Trace, client: Client) -> State:
    iam = client("iam", trace.account, trace.region)
    owner = iam.get_access_key_last_used(AccessKeyId=trace.event.minted).get("UserName")
    if not owner:
        return NOT_LISTED
    pages = iam.get_paginator("list_access_keys").paginate(UserName=owner)
    statuses = {key["AccessKeyId"]: key["Status"] for page in pages for key in page["AccessKeyMetadata"]}
    status = statuses.get(trace.event.minted)
    return State(STANDING[status], f"{status.lower()}, of {owner}") if status else NOT_LISTED


def _user(trace: Trace, client: Client) -> State:
    iam = client("iam", trace.account, trace.region)
    made_at = iam.get_user(UserName=trace.user)["User"]["CreateDate"]
    if is_denied(iam, trace.user):
        return State(Standing.DISABLED, f"denied everything ({DENY_ALL})")
    return State(Standing.EXISTS, f"made at {rfc3339(made_at)}")


def _password(trace: Trace, client: Client) -> State:
    profile = client("iam", trace.account, trace.region).get_login_profile(UserName=trace.user)["LoginProfile"]
    return State(Standing.EXISTS, f"set up at {rfc3339(profile['CreateDate'])}")


def _serial(trace: Trace) -> str:
    serial, name = trace.text("serialNumber"), trace.text("virtualMFADeviceName")
    path = trace.text("path").strip("/")
    return serial or (trace.arn("iam", f"mfa/{path}/{name}" if path else f"mfa/{name}") if name else "")


def _mfa(trace: Trace, client: Client) -> State:
    iam, serial = client("iam", trace.account, trace.region), _serial(trace)
    if trace.event.name == "iam:EnableMFADevice":
        pages = iam.get_paginator("list_mfa_devices").paginate(UserName=trace.user)
        known = {each["SerialNumber"] for page in pages for each in page["MFADevices"]}
        return State(Standing.EXISTS, f"signs in {trace.user}") if serial in known else NOT_LISTED
    pages = iam.get_paginator("list_virtual_mfa_devices").paginate(AssignmentStatus="Any")
    devices = {each["SerialNumber"]: each.get("User") for page in pages for each in page["VirtualMFADevices"]}
    if serial not in devices:
        return NOT_LISTED
    user = devices[serial]
    return State(Standing.EXISTS, f"signs in {user['UserName']}" if user else "signs in nobody yet")


def _remove_mfa(trace: Trace) -> Answer:
    enabled = trace.event.name == "iam:EnableMFADevice"
    off = typed("iam", "deactivate-mfa-device", "--user-name", trace.user, "--serial-number", _serial(trace))
    delete = typed("iam", "delete-virtual-mfa-device", "--serial-number", _serial(trace))
    return Answer(commands=(off,) if enabled else (delete,))


def _membership(trace: Trace) -> str:
    group = trace.text("groupName")
    return f"{trace.user} in {group}" if group and trace.user else ""


def _group(trace: Trace, client: Client) -> State:
    iam = client("iam", trace.account, trace.region)
    pages = iam.get_paginator("list_groups_for_user").paginate(UserName=trace.user)
    groups = {group["GroupName"] for page in pages for group in page["Groups"]}
    return State(Standing.EXISTS, "still a member") if trace.text("groupName") in groups else NOT_LISTED


def _leave_group(trace: Trace) -> Answer:
    words = ("--user-name", trace.user, "--group-name", trace.text("groupName"))
    return Answer(commands=(typed("iam", "remove-user-from-group", *words),))


def _service_credential(trace: Trace, client: Client) -> State:
    service = trace.text("serviceName")
    asked = {"UserName": trace.user} | ({"ServiceName": service} if service else {})
    listed = client("iam", trace.account, trace.region).list_service_specific_credentials(**asked)
    return _since(trace, listed["ServiceSpecificCredentials"], "CreateDate", "ServiceSpecificCredentialId")


def _ssh_key(trace: Trace, client: Client) -> State:
    listed = client("iam", trace.account, trace.region).list_ssh_public_keys(UserName=trace.user)
    return _since(trace, listed["SSHPublicKeys"], "UploadDate", "SSHPublicKeyId")


def _certificate(trace: Trace, client: Client) -> State:
    listed = client("iam", trace.account, trace.region).list_signing_certificates(UserName=trace.user)
    return _since(trace, listed["Certificates"], "UploadDate", "CertificateId")


_SWITCH_OFF = {
    "ServiceSpecificCredentialId": ("update-service-specific-credential", "--service-specific-credential-id"),
    "SSHPublicKeyId": ("update-ssh-public-key", "--ssh-public-key-id"),
    "CertificateId": ("update-signing-certificate", "--certificate-id"),
}


def _since(trace: Trace, listed: Iterable[Mapping[str, Any]], dated: str, id_: str) -> State:
    """The credentials of a list that are as new as the call: only its response names the one it made."""
    new = [each for each in listed if _is_of(each[dated], trace.at)]
    if not new:
        return NOT_LISTED
    verb, flag = _SWITCH_OFF[id_]
    active = [each[id_] for each in new if each["Status"] == "Active"]
    named = ", ".join(each[id_] for each in new)
    words = ("--user-name", trace.user, "--status", "Inactive")
    commands = tuple(typed("iam", verb, *words, flag, each) for each in active)
    return State(Standing.EXISTS if active else Standing.DISABLED, named, commands)


def _is_of(dated: datetime, at: datetime) -> bool:
    return dated >= at - _CLOCKS_DIFFER


def _list_them(verb: str) -> Any:
    return lambda trace: Answer(commands=(typed("iam", verb, "--user-name", trace.user),))


def _of_user(trace: Trace) -> str:
    return f"of {trace.user}" if trace.user else ""


def _user_id(trace: Trace) -> str:
    return trace.id_of("user", trace.user) if trace.user else ""


TRACINGS = (
    Tracing(
        kinds.KEY,
        lambda trace: trace.event.minted or "",
        _key,
        lambda trace: Answer("disable_created", trace.event.minted),
    ),
    Tracing(kinds.USER, _user_id, _user, lambda trace: Answer("disable_created", _user_id(trace))),
    Tracing(kinds.PASSWORD, _user_id, _password, lambda trace: Answer("reset_console_password", _user_id(trace))),
    Tracing(kinds.MFA, _serial, _mfa, _remove_mfa),
    Tracing(kinds.GROUP, _membership, _group, _leave_group),
    Tracing(kinds.SERVICE_CREDENTIAL, _of_user, _service_credential, _list_them("list-service-specific-credentials")),
    Tracing(kinds.SSH_KEY, _of_user, _ssh_key, _list_them("list-ssh-public-keys")),
    Tracing(kinds.CERTIFICATE, _of_user, _certificate, _list_them("list-signing-certificates")),
)
