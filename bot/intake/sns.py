"""Messages of Amazon SNS over HTTPS: what is signed in one, and whether it is one to be expected. Pure functions.

What is signed is that of the SNS developer guide, "Verifying the signatures of Amazon SNS messages". The certificate's
address in a message is never asked: only the name of its file is taken, and the host is SNS's in the topic's region.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.intake.payload import Unreadable, object_of
from bot.intake.signatures import NotAuthentic

MAX_BYTES = 640 * 1024
"""A message of 256 KiB in a JSON string may take twice that; an envelope stands around it."""
MOST_AGE = timedelta(minutes=75)
"""A topic's own delivery policy may try again for an hour; what is older is played back by somebody."""
AHEAD = timedelta(minutes=5)

MessageType = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
SIGNED: Mapping[MessageType, Sequence[str]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
VERSIONS: tuple[Literal["1"], Literal["2"]] = ("1", "2")
_OPTIONAL = "Subject"
_TOPIC = re.compile(r"arn:(aws[a-z-]{0,16}):sns:([a-z0-9-]{2,40}):(\d{12}):([\w-]{1,256}(?:\.fifo)?)", re.ASCII)
_CERTIFICATE = re.compile(r"https://[\w.-]{1,200}/SimpleNotificationService-([0-9a-f]{8,64})\.pem", re.ASCII)


@dataclass(frozen=True, slots=True)
class Topic:
    """What the ARN of a topic says."""

    arn: str
    region: str
    account: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came, which nobody has verified yet."""

    type: MessageType
    topic: Topic
    certificate: str
    """The name of the certificate: hexadecimal digits, and nothing else."""
    at: datetime
    signed: bytes
    signature: bytes
    version: Literal["1", "2"]
    token: str = ""
    """What confirms a subscription; empty for a notification."""


def topic_of(arn: object) -> Topic | None:
    """What ``arn`` says, if it is that of a topic."""
    found = _TOPIC.fullmatch(arn) if isinstance(arn, str) else None
    return Topic(found[0], found[2], found[3]) if found else None


def message_of(body: bytes) -> Message:
    """Raises :class:`NotAuthentic` for anything that SNS does not send."""
    try:
        told = object_of(body, MAX_BYTES)
    except Unreadable as reason:
        raise NotAuthentic(str(reason)) from None
    topic = topic_of(told.get("TopicArn"))
    kind = next((each for each in SIGNED if each == told.get("Type")), None)
    if topic is None or kind is None:
        raise NotAuthentic("not a message of an SNS topic")
    version = next((each for each in VERSIONS if each == told.get("SignatureVersion")), None)
    certificate = _CERTIFICATE.fullmatch(str(told.get("SigningCertURL"))[:300])
    if version is None or certificate is None:
        raise NotAuthentic("a signature of an unknown version, or without a certificate of SNS")
    return Message(
        type=kind,
        topic=topic,
        certificate=certificate[1],
        at=_moment(told.get("Timestamp")),
        signed=_signed(told, SIGNED[kind]),
        signature=_signature(told.get("Signature")),
        version=version,
        token=str(told.get("Token") or "") if kind != "Notification" else "",
    )


def expect(message: Message, topics: Sequence[str], now: datetime) -> None:
    """Raises :class:`NotAuthentic` unless ``message`` says it is of one of ``topics`` and not of long ago."""
    if message.topic.arn not in topics:
        raise NotAuthentic(f"the topic {message.topic.arn} is not one of this source's")
    if not -AHEAD <= now - message.at <= MOST_AGE:
        raise NotAuthentic(f"a message of {message.at:%Y-%m-%d %H:%M} UTC: too old, or not yet")


def _signed(told: Mapping[str, object], names: Sequence[str]) -> bytes:
    lines = []
    for name in names:
        value = told.get(name)
        if value is None and name == _OPTIONAL:
            continue
        if not isinstance(value, str):
            raise NotAuthentic(f"no {name}")
        lines.append(f"{name}\n{value}\n")
    return "".join(lines).encode()


def _signature(value: object) -> bytes:
    if not isinstance(value, str) or not value:
        raise NotAuthentic("no signature")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise NotAuthentic("a signature that is no base64") from None


def _moment(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise NotAuthentic("no timestamp") from None
    if at.tzinfo is None:
        raise NotAuthentic("a timestamp without a time zone")
    return at
