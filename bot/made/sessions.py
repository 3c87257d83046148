"""Sessions that were given out: AWS lists none, so what ends them is looked for, and when they end by themselves."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from bot.aws import Fault, fault
from bot.made import kinds
from bot.made.identities import is_denied
from bot.made.tracing import Answer, Client, State, Trace, Tracing
from bot.made.trust import document_of
from bot.model import Standing, rfc3339

PERMISSIONS = frozenset({"iam:ListAttachedUserPolicies", "iam:GetRolePolicy"})
REVOKED = "AWSRevokeOlderSessions"
"""The inline policy with which the console, and the bot, end a role's older sessions."""

LONGEST = timedelta(hours=36)
"""Of a session that a user's key asks for (STS API reference, GetSessionToken and GetFederationToken)."""
LONGEST_OF_ROLE = timedelta(hours=12)
USUAL = {"sts:GetSessionToken": timedelta(hours=12), "sts:GetFederationToken": timedelta(hours=12)}
"""What such a session lasts where the request does not say; one of a role lasts an hour then."""
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\x21-\x7e]*/)?([\w+=,.@-]{1,64})", re.ASCII)


def ends_at(trace: Trace) -> datetime:
    """When the session ends by itself, at the latest."""
    of_user = trace.event.name in USUAL
    asked = trace.asked.get("durationSeconds")
    if isinstance(asked, int) and not isinstance(asked, bool):
        return trace.at + min(timedelta(seconds=max(asked, 0)), LONGEST)
    if trace.is_read:
        return trace.at + USUAL.get(trace.event.name, timedelta(hours=1))
    return trace.at + (LONGEST if of_user else LONGEST_OF_ROLE)


def _role(trace: Trace) -> tuple[str, str] | None:
    """Account and name of the role that was assumed."""
    found = _ROLE.fullmatch(trace.text("roleArn"))
    return (found[1], found[2]) if found else None


def _look(trace: Trace, client: Client) -> State:
    until = f"it ends by itself at {rfc3339(ends_at(trace))} at the latest"
    role = _role(trace)
    if role is not None:
        ended = _ended_before(client("iam", role[0], trace.region), role[1])
        if ended is not None and ended >= trace.at:
            return State(Standing.DISABLED, f"the role's sessions from before {rfc3339(ended)} are ended")
    elif trace.event.name in USUAL and trace.user and is_denied(client("iam", trace.account, trace.region), trace.user):
        return State(Standing.DISABLED, f"{trace.user} is denied everything, and so is it")
    return State(Standing.UNKNOWN, f"AWS lists no sessions; {until}")


def _ended_before(iam: Any, role: str) -> datetime | None:
    """Sessions of ``role`` older than this are denied everything; ``None`` if none are."""
    try:
        document = document_of(iam.get_role_policy(RoleName=role, PolicyName=REVOKED)["PolicyDocument"])
    except ClientError as error:
        if fault(error) is Fault.MISSING:
            return None
        raise
    found = re.search(r'"aws:TokenIssueTime":\s*"([^"]+)"', json.dumps(document))
    try:
        return datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _answer(trace: Trace) -> Answer:
    role = _role(trace)
    if role is not None:
        return Answer("revoke_sessions", f"{role[0]}:role/{role[1]}")
    if trace.event.name in USUAL and ":user/" in trace.event.principal.id:
        return Answer("quarantine_user", trace.event.principal.id)
    return Answer()


TRACINGS = (Tracing(kinds.SESSION, lambda trace: trace.event.minted or "", _look, _answer),)
