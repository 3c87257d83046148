"""Is a request from who it says? Pure functions of the raw bytes, the headers and the time.

Every secret may have a second one beside it while one is changed for the other. Headers are hostile: whatever they
hold, the answer is :class:`NotAuthentic` and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

TOLERANCE_SECONDS = 300
TIMESTAMP, SIGNATURE = "X-Triage-Timestamp", "X-Triage-Signature"
API_KEY = "X-Api-Key"
SLACK_TIMESTAMP, SLACK_SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"


class NotAuthentic(Exception):
    """The request cannot be shown to be from its sender; the message is for the log, never for the sender."""


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """What a sender puts into ``X-Triage-Signature``; ``timestamp`` (Unix seconds) goes into ``X-Triage-Timestamp``."""
    return f"v1={_hmac(secret, f'{timestamp}.'.encode() + body)}"


def verify_hmac(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raises :class:`NotAuthentic` unless ``body`` was signed with one of ``secrets`` within 300 seconds of ``now``."""
    timestamp = _fresh(headers.get(TIMESTAMP), now)
    _match(headers.get(SIGNATURE), [sign(secret, timestamp, body) for secret in secrets if secret], "signature")


def verify_bearer(secrets: Sequence[str], headers: Mapping[str, str]) -> None:
    """Raises :class:`NotAuthentic` unless ``Authorization`` is ``Bearer`` and one of ``secrets``."""
    scheme, _, token = (headers.get("Authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthentic("no bearer token")
    _match(token.strip(), [secret for secret in secrets if secret], "bearer token")


def verify_api_key(secrets: Sequence[str], headers: Mapping[str, str]) -> None:
    """Raises :class:`NotAuthentic` unless ``X-Api-Key`` is one of ``secrets``.

    That is how an EventBridge API destination authorises itself; its connection lets the name of the header be chosen.
    """
    _match(headers.get(API_KEY), [secret for secret in secrets if secret], "API key")


def expect_slack(headers: Mapping[str, str], now: datetime) -> int:
    """The timestamp of what may be signed by Slack, told from the headers alone, before any of the body is read.

    Raises :class:`NotAuthentic` where the timestamp is not within 300 seconds of ``now``, or nothing like a signature
    stands beside it.
    """
    timestamp = _fresh(headers.get(SLACK_TIMESTAMP), now)
    if not re.fullmatch(r"v0=[0-9a-f]{64}", headers.get(SLACK_SIGNATURE) or "", re.ASCII):
        raise NotAuthentic("no signature, or one that is none of Slack's")
    return timestamp


def verify_slack(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raises :class:`NotAuthentic` unless ``body`` was signed with one of ``secrets`` within 300 seconds of ``now``.

    The scheme is v0 of https://docs.slack.dev/authentication/verifying-requests-from-slack.
    """
    signed = f"v0:{expect_slack(headers, now)}:".encode() + body
    _match(headers.get(SLACK_SIGNATURE), [f"v0={_hmac(one, signed)}" for one in secrets if one], "signature")


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(_raw(secret), message, hashlib.sha256).hexdigest()


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _fresh(timestamp: str | None, now: datetime) -> int:
    if not re.fullmatch(r"\d{1,12}", timestamp or "", re.ASCII):
        raise NotAuthentic("no timestamp, or one that is no Unix time")
    seconds = int(timestamp or "")
    if abs(now.timestamp() - seconds) > TOLERANCE_SECONDS:
        raise NotAuthentic(f"timestamp {seconds} is more than {TOLERANCE_SECONDS} s off")
    return seconds


def _match(given: str | None, expected: Sequence[str], what: str) -> None:
    """Constant-time, over all of ``expected``: how long it takes says nothing about how near a guess was."""
    if not given:
        raise NotAuthentic(f"no {what}")
    # Header values arrive as Latin-1 text; comparing bytes never raises.
    matches = [hmac.compare_digest(_raw(given), _raw(one)) for one in expected]
    if not any(matches):
        raise NotAuthentic(f"wrong {what}" if expected else f"no {what} is configured")
