"""What this installation may do, as its configuration says: the settings of all remediations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Organisation:
    """AWS Organizations, where the bot may use it.

    Policies are ids (``p-…``) of service control policies that were deployed before; an empty one is not there.
    """

    account: str = ""
    """Where Organizations is called: the management account, or one it has delegated its policies to."""
    quarantine_policy: str = ""
    """Denies everything to whoever carries ``quarantine_tag``."""
    quarantine_tag: str = "triage-quarantine"
    principals_policy: str = ""
    """Denies everything to the principals whose ARNs it lists."""
    addresses_policy: str = ""
    """Denies everything to calls from the addresses it lists."""
    persons_policy: str = ""
    """Denies everything to the people of Identity Center whose ids it lists."""
    identity_store: str = ""
    """The id (``d-…``) in which people of Identity Center are looked up by name; empty: not by name."""
    identity_region: str = ""
    """Where Identity Center is; empty: where the bot is at home."""


@dataclass(frozen=True, slots=True)
class Offer:
    """``enabled``: the names of the remediations offered, ``None`` for all.

    ``sign_in``: what becomes of a console password. ``waf_ip_sets``: ARNs of the WAFv2 IP sets that block.
    """

    organisation: Organisation = Organisation()
    enabled: frozenset[str] | None = None
    sign_in: Literal["remove", "force_change"] = "remove"
    waf_ip_sets: tuple[str, ...] = ()


PLAIN = Offer()
"""Everything that can be done without an organisation."""
