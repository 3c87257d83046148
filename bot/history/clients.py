"""What somebody means who asks for a client: the ways to name one, the same in every store.

A client is asked for by its whole user agent, by the product it begins with (``aws-cli``) or product and version
(``aws-cli/1.22.34``), by its family, by what a family begins with (``terraform``), or by the words one is shown in
(``aws-cli/1 linux kali``). CloudTrail writes some user agents in brackets. Capital and small letters of ASCII are
alike; nothing is a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from string import ascii_lowercase, ascii_uppercase

from bot.families import UNKNOWN
from bot.history.user_agent import MAX_LENGTH

BRACKET = "["
AFTER = (" ", "/", "]")
"""What a product may be followed by: its comment or the next product, its version, the end of the brackets."""

_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
_PARTS = 3
"""Of a family, after the tool: system, distribution, environment."""
_TOOL_IN_TEXT = re.compile(
    r"aws-cli/\d{1,3}|boto3|botocore|awspowershell|aws-(?:sdk|tools)-[a-z0-9-]{1,32}"
    r"|terraform|opentofu|pulumi|ansible|packer|aws-cdk|cyberduck|winscp|rclone|grafana"
    r"|offensive:(?:trufflehog|stratus-red-team|grimoire|pacu|cloudfox|enumerate-iam|weirdaal)"
)
_WORDED = {
    "prowler": ("prowler", "apn_1826889"),
    "s3browser": ("s3 browser",),
    "vault": ("vault",),
    "browser": ("mozilla/",),
    "offensive:scoutsuite": ("scout",),
}
_FAMILY = re.compile(r"[^|\s]+(?:\|[^|\s]+){1,3}")
_NO_WORD = re.compile(r"aws-internal|console|service|none|other:.*")
_PART = re.compile(r"[a-z0-9_-]{1,32}")


def is_meant(asked: str, user_agent: str, family: str) -> bool:
    """Whether a client with this raw user agent and family is among those that ``asked`` names."""
    wanted = small(asked)
    if not wanted:
        return False
    of_family = family.startswith(f"{wanted}|") or family in families_of(wanted)
    return of_family or _begins(user_agent.translate(_SMALL), wanted)


def small(asked: str) -> str:
    """``asked``, as it is compared."""
    return asked.strip()[:MAX_LENGTH].translate(_SMALL)


def beginnings(wanted: str) -> tuple[str, ...]:
    """What user agents begin with that are longer than ``wanted``."""
    return tuple(f"{bracket}{wanted}{after}" for bracket in ("", BRACKET) for after in AFTER)


def families_of(wanted: str) -> frozenset[str]:
    """The families that are called ``wanted``, in small letters, or shown as it."""
    if _FAMILY.fullmatch(wanted):
        return frozenset({wanted})
    tool, *parts = wanted.split(" ")
    if len(parts) > _PARTS or not all(map(_PART.fullmatch, parts)):
        return frozenset()
    of_few = {wanted, f"{tool}|{parts[0] if parts else UNKNOWN}"} if len(parts) < 2 else set()
    return frozenset(of_few.union(_placed(tool, parts, at) for at in combinations(range(_PARTS), len(parts))))


def _placed(tool: str, parts: Sequence[str], at: Sequence[int]) -> str:
    told = dict(zip(at, parts, strict=True))
    return "|".join([tool, *(told.get(number, UNKNOWN) for number in range(_PARTS))])


def words_of(wanted: str) -> tuple[str, ...] | None:
    """Texts of which one stands in the user agent (in small letters) of every client whose family is called ``wanted``.

    Empty: no family is. ``None``: there may be one whose user agents have no text in common.
    """
    if not families_of(wanted):
        return ()
    tool = re.split(r"[| ]", wanted, maxsplit=1)[0]
    if tool in _WORDED:
        return _WORDED[tool]
    if _TOOL_IN_TEXT.fullmatch(tool):
        return (tool.removeprefix("offensive:"),)
    return None if _NO_WORD.fullmatch(tool) or _FAMILY.fullmatch(wanted) else ()


def _begins(user_agent: str, wanted: str) -> bool:
    return user_agent in {wanted, BRACKET + wanted} or user_agent.startswith(beginnings(wanted))
