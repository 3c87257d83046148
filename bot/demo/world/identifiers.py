"""Ids of made principals, keys and events.

The first 45 bits after the prefix of a current AWS id are a generation bit, the 40-bit account number and 4 bits of
the id itself (A. Steele, "AWS Access Key ID formats", 2020; T. Be'ery, "A short note on AWS KEY ID", 2023). Made ids
are built the same way, so that whoever decodes them finds the made account.
"""

from __future__ import annotations

from random import Random

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def make_id(prefix: str, account: str, rng: Random) -> str:
    """A 20-character key id (``AKIA``, ``ASIA``) or 21-character unique id (``AIDA``, ``AROA``) of ``account``."""
    bits = (1 << 44) | (int(account) << 4) | rng.getrandbits(4)
    head = "".join(_BASE32[(bits >> shift) & 31] for shift in range(40, -1, -5))
    tail = "".join(rng.choices(_BASE32, k=7 if prefix in {"AKIA", "ASIA"} else 8))
    return prefix + head + tail


def make_secret(rng: Random) -> str:
    """A 40-character secret access key that says of itself that it is made up."""
    return "MadeUp" + "".join(rng.choices(_BASE62, k=34))


def make_uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
