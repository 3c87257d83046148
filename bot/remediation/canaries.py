"""Who may do what to canary keys: the fire drill, and people as to any other key."""

from __future__ import annotations

from dataclasses import dataclass

from bot.access import AccessRules, decide
from bot.model import Actor, Decision, Operation

REMEDIATION = "disable_access_key"
DRILL = Actor("system:drill", "the fire drill")
"""Nobody else's id begins so: people are ``slack:…`` or ``local:…``, and ``[access]`` names no others."""


def decide_on(
    actor: Actor, operation: Operation, remediation: str, target: str, access: AccessRules, canaries: frozenset[str]
) -> Decision:
    """As :func:`bot.access.decide`; the drill may disable and enable canary keys."""
    if actor.id != DRILL.id:
        return decide(actor, operation, access)
    allowed = remediation == REMEDIATION and target in canaries and operation in {Operation.APPROVE, Operation.UNDO}
    return Decision(allowed, "A drill touches the keys of [remediation.drill] and nothing else.")


@dataclass(frozen=True, slots=True)
class Drilled:
    """How the drill of one key went. ``problem`` is a sentence; ``None`` where all went as it should."""

    key: str
    account: str | None
    contained: float | None = None
    """Seconds from the decision until AWS refused the key; ``None`` if it never did."""
    restored: float | None = None
    """Seconds from the decision to take it back until AWS took the key again."""
    problem: str | None = None
