"""SNS's signing certificates: did the holder of one sign a message? Version 1 is SHA-1, version 2 SHA-256.

In a module of its own: what reads certificates costs more to import than a command takes.
"""

from __future__ import annotations

import re
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bot.intake.signatures import NotAuthentic
from bot.intake.sns import Message

SIGNERS = re.compile(r"sns\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?", re.ASCII)
"""Whom SNS's certificates are made out to."""


def verify(message: Message, certificate: bytes, now: datetime) -> None:
    """Raises :class:`NotAuthentic` unless the holder of ``certificate`` (PEM), valid ``now``, signed ``message``."""
    try:
        known = x509.load_pem_x509_certificate(certificate)
        key = known.public_key()
    except ValueError:
        raise NotAuthentic("what SNS gave as its certificate is none") from None
    if not known.not_valid_before_utc <= now <= known.not_valid_after_utc:
        raise NotAuthentic("the certificate is not valid now")
    names = [str(each.value) for each in known.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if not any(SIGNERS.fullmatch(name) for name in names) or not isinstance(key, RSAPublicKey):
        raise NotAuthentic("the certificate is not one of SNS")
    digest = hashes.SHA1() if message.version == "1" else hashes.SHA256()  # noqa: S303 - the sender chooses
    try:
        key.verify(message.signature, message.signed, PKCS1v15(), digest)
    except InvalidSignature:
        raise NotAuthentic("wrong signature") from None
