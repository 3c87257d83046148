"""Signs messages as SNS does, with a key and a certificate made for the test: the local SNS only pretends to sign."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from bot.intake.sns import SIGNED

CERTIFICATE = "SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda"
"""The name of the certificate that stands in the real messages."""


class Signer:
    """Somebody with a key, whose certificate (PEM) is made out to ``name`` and valid around ``now``."""

    def __init__(self, name: str, now: datetime) -> None:
        self._key = generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = made.public_bytes(serialization.Encoding.PEM)

    def sign(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """``told`` with a signature of the version it names, and the certificate's address."""
        lines = [f"{name}\n{told[name]}\n" for name in SIGNED[told["Type"]] if told.get(name) is not None]
        digest = hashes.SHA1() if told["SignatureVersion"] == "1" else hashes.SHA256()  # noqa: S303 - SNS's version 1
        signature = self._key.sign("".join(lines).encode(), PKCS1v15(), digest)
        region = told["TopicArn"].split(":")[3]
        address = f"https://sns.{region}.amazonaws.com/{CERTIFICATE}.pem"
        return {**told, "Signature": base64.b64encode(signature).decode(), "SigningCertURL": address}
