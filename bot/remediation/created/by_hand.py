"""What a thief makes that has no switch, or none that could be taken back: a person's task, with the exact commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from bot.by_hand import typed
from bot.made import kinds
from bot.made.makings import Makings, told
from bot.model import Refusal

DEVICE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(?:mfa|u2f)/[\w+=,.@/-]{1,256}", re.ASCII)
PROVIDER = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(saml|oidc)-provider/([\w.:/%+=,@-]{1,256})", re.ASCII)
PROVIDERS = {
    "saml": (kinds.SAML, "name", "{}", "saml-provider"),
    "oidc": (kinds.OIDC, "url", "https://{}", "open-id-connect-provider"),
}
"""Of each kind: the calls that make one, the parameter with its name and how that is written, and AWS's word for it."""


def for_people(target: str, makings: Makings) -> Refusal | None:
    """The task about the MFA device or identity provider ``target`` is the ARN of; ``None`` if it is neither."""
    if DEVICE.fullmatch(target):
        return _device(target, makings)
    found = PROVIDER.fullmatch(target)
    return _provider(target, found[1], found[2], makings) if found else None


def _device(serial: str, makings: Makings) -> Refusal:
    enabling = replace(kinds.MFA, parameter="serialNumber")
    made = makings.of(serial, enabling)
    query = f'VirtualMFADevices[?SerialNumber==`"{serial}"`].User.UserName'
    listed = typed("iam", "list-virtual-mfa-devices", "--assignment-status", "Assigned", "--query", query)
    take_off = typed("iam", "deactivate-mfa-device", "--serial-number", serial)
    user = made[0].parameters.get("userName") if made else None
    named = shlex.quote(user) if isinstance(user, str) and user else f'"$({listed} --output text)"'
    return Refusal(
        f"{told(made[0] if made else None)} Nobody but whoever holds an MFA device can put it back, so the bot takes "
        "none off. If this one was added in the incident, it is the thief's: take it off its user, and leave "
        "the user's own devices where they are.",
        (f"{take_off} --user-name {named}",),
        task=f"Take the MFA device {serial} off its user",
    )


def _provider(arn: str, kind: str, name: str, makings: Makings) -> Refusal:
    made_by, parameter, given, service = PROVIDERS[kind]
    made, option = makings.of(given.format(name), replace(made_by, parameter=parameter)), f"--{service}-arn"
    trusting = f'Roles[?contains(to_string(AssumeRolePolicyDocument), `"{arn}"`)].RoleName'
    return Refusal(
        f"{told(made[0] if made else None)} IAM cannot switch an identity provider off, only delete it, and the bot "
        "deletes nothing. If it was made in the incident: look at which roles trust it and let nobody into those "
        "(disable_created), keep what it says, then delete it.",
        (
            typed("iam", "list-roles", "--query", trusting),
            f"{typed('iam', f'get-{service}', option, arn)} > identity-provider.json",
            typed("iam", f"delete-{service}", option, arn),
        ),
        task=f"Remove the identity provider {arn}",
    )
