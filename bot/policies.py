"""What may be concluded from the name of a policy.

Standard library only, and part of the vocabulary: ``bot.model`` re-exports ``is_quarantine`` and ``is_containment``.
"""

from __future__ import annotations

QUARANTINE = ("AWSCompromisedKeyQuarantine", "AWSExposedCredentialPolicy_DO_NOT_REMOVE")
"""How the policies begin with which AWS limits a key it found in public: there are V2 and V3 of the first, and there
may be more (AWS managed policy reference)."""

DENY_ALL = "AWSDenyAll"
"""AWS's own policy that denies everything: what contains a stolen user, attached or as a boundary."""


def is_quarantine(policy: str | None) -> bool:
    """Whether ``policy`` is one AWS attaches to the user of a key it found in public."""
    return (policy or "").startswith(QUARANTINE)


def is_containment(policy: str | None) -> bool:
    """Whether ``policy`` is there to stop a thief: AWS's quarantine, or a deny of everything."""
    return policy == DENY_ALL or is_quarantine(policy)
