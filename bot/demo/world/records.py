"""Made CloudTrail records.

Shapes and field order follow the CloudTrail user guide, "CloudTrail record contents" and "userIdentity element".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from bot.demo.world.calls import GLOBAL_SERVICES, parameters_of, reads_only, source_of
from bot.demo.world.identifiers import make_uuid

Record = dict[str, Any]
_DENIED_BY_EC2 = "Client.UnauthorizedOperation"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, with what, from where."""

    identity: Mapping[str, Any]
    ip: str
    agent: str
    account: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the record that the way of calling brings, e.g. ``sessionCredentialFromConsole``."""


def timestamp(at: int) -> str:
    """Unix seconds → CloudTrail's ``eventTime``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def api_call(
    caller: Caller,
    call: str,
    at: int,
    region: str,
    rng: Random,
    *,
    parameters: Mapping[str, Any] | None = None,
    response: Mapping[str, Any] | None = None,
    error: tuple[str, str] | None = None,
) -> Record:
    """One ``AwsApiCall`` record at ``at`` (Unix seconds); ``error`` is ``(errorCode, errorMessage)``."""
    service, _, name = call.partition(":")
    region = "us-east-1" if service in GLOBAL_SERVICES else region
    reading = reads_only(call)
    record: Record = {
        "eventVersion": "1.11",
        "userIdentity": caller.identity,
        "eventTime": timestamp(at),
        "eventSource": source_of(call),
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": caller.ip,
        "userAgent": caller.agent,
    }
    if error:
        record["errorCode"], record["errorMessage"] = error
    record |= {
        "requestParameters": parameters_of(call) if parameters is None else parameters,
        "responseElements": None if reading or error else response,
        "requestID": make_uuid(rng),
        "eventID": make_uuid(rng),
        "readOnly": reading,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller.account,
        "eventCategory": "Management",
    }
    if caller.ip[0].isdigit():
        record["tlsDetails"] = _tls(service, region)
    return {**record, **caller.extra}


def denied(caller: Caller, call: str) -> tuple[str, str]:
    """The refusal AWS gives for want of a policy."""
    action = call.replace("20150331v2", "").replace("20150331", "")
    if action.startswith("ec2:"):
        return _DENIED_BY_EC2, f"You are not authorized to perform this operation. User: {caller.identity['arn']}"
    why = f"because no identity-based policy allows the {action} action"
    return "AccessDenied", f"User: {caller.identity['arn']} is not authorized to perform: {action} {why}"


def console_login(caller: Caller, at: int, region: str, rng: Random, *, mfa: str) -> Record:
    """A successful ``ConsoleLogin``; ``mfa`` is ``Yes`` or ``No``."""
    record = api_call(caller, "signin:ConsoleLogin", at, region, rng, parameters={})
    return record | {
        "eventType": "AwsConsoleSignIn",
        "awsRegion": region,
        "requestParameters": None,
        "responseElements": {"ConsoleLogin": "Success"},
        "additionalEventData": {
            "LoginTo": "https://console.aws.amazon.com/console/home",
            "MobileVersion": "No",
            "MFAUsed": mfa,
        },
        "readOnly": False,
    }


def user_identity(account: str, name: str, principal_id: str, key: str) -> Record:
    return {
        "type": "IAMUser",
        "principalId": principal_id,
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": key,
        "userName": name,
    }


def console_identity(account: str, name: str, principal_id: str, key: str, since: int) -> Record:
    """An IAM user signed in to the console: a temporary key, and when the session began."""
    attributes = {"creationDate": timestamp(since), "mfaAuthenticated": "true"}
    return user_identity(account, name, principal_id, key) | {
        "sessionContext": {"sessionIssuer": {}, "webIdFederationData": {}, "attributes": attributes}
    }


def role_identity(
    account: str, role: str, role_id: str, *, session: str, key: str, since: int, path: str = "/"
) -> Record:
    """A session of ``role`` that began at ``since`` (Unix seconds)."""
    issuer = {
        "type": "Role",
        "principalId": role_id,
        "arn": f"arn:aws:iam::{account}:role{path}{role}",
        "accountId": account,
        "userName": role,
    }
    return {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {
            "sessionIssuer": issuer,
            "webIdFederationData": {},
            "attributes": {"creationDate": timestamp(since), "mfaAuthenticated": "false"},
        },
    }


def assume_role(
    caller: Caller, at: int, region: str, rng: Random, *, minted: Mapping[str, Any], how: str = ""
) -> Record:
    """``AssumeRole`` (or ``AssumeRoleWith…``, in ``how``) that gave out the identity ``minted``."""
    session = str(minted["arn"]).rpartition("/")[2]
    issuer = minted["sessionContext"]["sessionIssuer"]
    credentials = {
        "accessKeyId": minted["accessKeyId"],
        "sessionToken": "MADE-UP-SESSION-TOKEN",
        "expiration": timestamp(at + 3600),
    }
    assumed = {"assumedRoleId": minted["principalId"], "arn": minted["arn"]}
    return api_call(
        caller,
        f"sts:AssumeRole{how}",
        at,
        region,
        rng,
        parameters={"roleArn": issuer["arn"], "roleSessionName": session, "durationSeconds": 3600},
        response={"credentials": credentials, "assumedRoleUser": assumed},
    )


@cache
def _tls(service: str, region: str) -> Record:
    return {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": f"{service}.{region}.amazonaws.com",
    }
