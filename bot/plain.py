"""What strangers wrote, made safe to look at.

User agents, names, titles and messages are written by attackers. Control characters drive terminals, format
characters hide or reorder text (bidirectional overrides, zero-width joiners), line separators forge rows. None of
them survives here; what is left is shown as it is.
"""

from __future__ import annotations

import unicodedata

LONGEST_AGENT = 256
"""Characters of a user agent that are shown; CloudTrail keeps up to a kilobyte of whatever the client sent."""

_SPACES = frozenset({"Cc", "Zl", "Zp"})
_GONE = frozenset({"Cf"})
_BROKEN = frozenset({"Cs"})


def clean(text: str, limit: int | None = None) -> str:
    """``text`` on one line without control and format characters, cut to ``limit`` characters with an ellipsis."""
    line = " ".join("".join(_shown(character) for character in text).split())
    return line if limit is None else cut(line, limit)


def cut(text: str, limit: int) -> str:
    """``text``, or its first ``limit - 1`` characters and an ellipsis."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    if category in _GONE:
        return ""
    return "\N{REPLACEMENT CHARACTER}" if category in _BROKEN else character
