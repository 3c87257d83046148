"""What may be concluded from a client family, the ``tool[/major]|os|distribution|environment`` of a user agent.

Standard library only, and part of the vocabulary: ``bot.model`` re-exports ``family_is_new``, ``offensive_name``,
``offensive_tool``, ``offensive_distribution`` and ``terminal_of``, so enrichers write ``from bot.model import …``.
``bot.history.user_agent`` turns raw user agents into families; a user agent is chosen by the caller, so the absence
of an offensive one proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

UNKNOWN = "-"
"""A part of a family that the user agent did not tell."""

TERMINAL_PREFIX = "sid/"
"""How a terminal is asked for where a user agent may be: ``sid/4c55b1738b6d``."""

OFFENSIVE_PREFIX = "offensive:"

OFFENSIVE_TOOLS = {
    "trufflehog": "TruffleHog",
    "stratus-red-team": "Stratus Red Team",
    "grimoire": "Grimoire",
    "pacu": "Pacu",
    "cloudfox": "CloudFox",
    "scoutsuite": "ScoutSuite",
    "enumerate-iam": "enumerate-iam",
    "weirdaal": "WeirdAAL",
}
"""Attack and key-checking tools that name themselves in the user agent: id in the family → name for people."""

OFFENSIVE_DISTRIBUTIONS = {"kali": "Kali Linux", "parrot": "Parrot OS", "pentoo": "Pentoo", "blackarch": "BlackArch"}
"""Penetration-testing systems: the first three are GuardDuty's PenTest:IAMUser finding types."""


_TERMINAL = re.compile(r"(?:^|\s)sid/([0-9a-f]{12})(?![0-9a-z])")
_LONGEST_AGENT = 1024


def terminal_of(user_agent: str) -> str | None:
    """The AWS CLI session id in a raw user agent (``sid/`` and 12 hex digits), the same for every key of one terminal.

    It is a digest over host, terminal and start time (aws-cli ``awscli/telemetry.py``) and does not depend on the key
    or the address, so two keys that share one were used in the same terminal.
    """
    found = _TERMINAL.search(user_agent[:_LONGEST_AGENT].lower())
    return found[1] if found else None


def family_is_new(family: str, known: Iterable[str]) -> bool:
    """True if nothing in ``known`` could be the same client as ``family``.

    A part that either side does not tell (``-``) counts as equal: a truncated user agent is not a new system. The
    exception is a penetration-testing distribution, which is new unless that very distribution was seen before.
    """
    return not any(_could_be_same(family, seen) for seen in known)


def _could_be_same(family: str, seen: str) -> bool:
    if family == seen:
        return True
    parts, seen_parts = family.split("|"), seen.split("|")
    if len(parts) != len(seen_parts) or parts[0] != seen_parts[0]:
        return False
    return all(_part_agrees(part, other) for part, other in zip(parts[1:], seen_parts[1:], strict=True))


def _part_agrees(part: str, seen: str) -> bool:
    return part in {seen, UNKNOWN} or (seen == UNKNOWN and part not in OFFENSIVE_DISTRIBUTIONS)


def offensive_tool(family: str) -> str | None:
    """The name of the attack tool a family is, ``None`` if it is none."""
    if not family.startswith(OFFENSIVE_PREFIX):
        return None
    tool = family.removeprefix(OFFENSIVE_PREFIX).split("|", 1)[0]
    return OFFENSIVE_TOOLS.get(tool, tool)


def offensive_distribution(family: str) -> str | None:
    """The name of the penetration-testing system in a family, e.g. ``Kali Linux``; ``None`` if there is none."""
    named = (OFFENSIVE_DISTRIBUTIONS.get(part) for part in family.split("|")[1:])
    return next((name for name in named if name), None)


def offensive_name(family: str) -> str | None:
    """What makes a family offensive, in words for people: a tool or a distribution; ``None`` if nothing does."""
    return offensive_tool(family) or offensive_distribution(family)
