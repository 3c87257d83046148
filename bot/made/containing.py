"""Which things of a sweep belong into a containment: certainly the thief's, still there, and something answers them."""

from __future__ import annotations

from bot.made import kinds
from bot.model import Made, Sweep

NOT_WITH_THE_REST = frozenset({kinds.SENDING.name, kinds.OTHER.name})
"""Pausing all mail of an account is a business's decision of its own, and nobody knows what answers the others."""


def to_contain(sweep: Sweep | None) -> tuple[Made, ...]:
    """In the order of the sweep. What the owner may have made is for a person to decide, one by one."""
    things = [each for each in (sweep.things if sweep else ()) if _is_thiefs(each)]
    policies = {each.name for each in things if each.kind == kinds.POLICY.name}
    return tuple(each for each in things if not _is_covered(each, policies))


def _is_thiefs(thing: Made) -> bool:
    answered = bool((thing.remediation and thing.target) or thing.commands)
    return thing.thiefs and thing.is_open and bool(thing.name) and answered and thing.kind not in NOT_WITH_THE_REST


def _is_covered(thing: Made, policies: set[str]) -> bool:
    """A policy that is taken from everybody need not be detached from one."""
    return thing.kind == kinds.ATTACHED.name and thing.name.partition(" of ")[0] in policies
