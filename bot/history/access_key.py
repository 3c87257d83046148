"""What an access key id tells offline: its kind, and the account that owns it.

The format is undocumented (described by Aidan Steele, "AWS Access Key ID formats", and by WithSecure, "A bitwise
analysis of AWS access key identifiers"): take the account as a hint, and a record's own account where there is one.
"""

from __future__ import annotations

KINDS = {
    "AKIA": "long-term access key",
    "ASIA": "temporary access key",
    "ABIA": "service bearer token",
    "ACCA": "context-specific credential",
    "AIDA": "user",
    "AROA": "role",
    "AIPA": "instance profile",
    "AGPA": "group",
    "ANPA": "managed policy",
    "ANVA": "policy version",
    "APKA": "public key",
    "ASCA": "certificate",
}
"""Prefix → kind, after the IAM identifiers page of the AWS documentation."""

EXAMPLE_IDS = frozenset({"AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE", "ASIAIOSFODNN7EXAMPLE"})
"""The ids AWS's own documentation uses: never anybody's key."""

TRAINING_IDS = {"AKIAJ366LIPB4IJKT7SA": "flaws.cloud, level 3", "AKIAJFQ6E7BY57Q3OBGA": "flaws.cloud, level 6"}
"""Keys that training grounds give to everybody, and where they stand."""

CANARY_ACCOUNTS = frozenset(
    {
        *("052310077262", "171436882533", "534261010715", "595918472158", "717712589309"),
        *("819147034852", "992382622183", "730335385048", "266735846894", "893192397702"),
    }
)
"""Accounts whose keys are bait: whoever uses one of them is reported to who laid it out. Listed by TruffleHog."""

_ALPHABET = {letter: value for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")}
_ENCODED_ACCOUNT = slice(4, 13)
_ACCOUNTS = 10**12


def kind_of(unique_id: str) -> str | None:
    """What an id with this prefix names; ``None`` for a prefix that is not AWS's."""
    return KINDS.get(unique_id[:4])


def account_of(unique_id: str) -> str | None:
    """The 12-digit account an id belongs to; ``None`` if the id does not encode one.

    Nine characters after the prefix hold 45 bits: a generation bit, 40 bits of account, 4 bits of something else.
    Ids of the old generation (fifth character A–P) do not encode the account.
    """
    encoded = unique_id[_ENCODED_ACCOUNT]
    if len(encoded) < 9 or any(letter not in _ALPHABET for letter in encoded):
        return None
    value = 0
    for letter in encoded:
        value = value * 32 + _ALPHABET[letter]
    if not value >> 44:
        return None
    account = (value >> 4) & (2**40 - 1)
    return f"{account:012d}" if account < _ACCOUNTS else None


def masked(key_id: str) -> str:
    """``AKIA…LMKI``: for channels where the account that a whole id encodes must not be read."""
    return f"{key_id[:4]}…{key_id[-4:]}" if len(key_id) > 8 else "…"


def publicly_known(key_id: str) -> str | None:
    """What everybody may know of this very key, in words; ``None`` for a key that is nobody's but its owner's."""
    if key_id in EXAMPLE_IDS:
        return "an id of AWS's own documentation: nobody's key"
    if key_id in TRAINING_IDS:
        return f"published for training: {TRAINING_IDS[key_id]}"
    if account_of(key_id) in CANARY_ACCOUNTS:
        return "bait: its account is one of canary tokens, and who laid it out learns of every use"
    return None
