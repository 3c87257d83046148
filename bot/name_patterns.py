"""What to search for in public: the patterns in the names of users whose keys are stolen.

Standard library only, and part of the vocabulary: ``bot.model`` re-exports ``patterns_of`` and ``Pattern``. Keys that
leaked together mostly stood in one place, beside the names of their users, and such names share a pattern that stands
nowhere else; a search for it finds what a search for a key id does not. Names come from records, which attackers write:
what is no letter, digit or one of ``._@+=,-`` is dropped, and what could be a secret or a key id is no pattern at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

SHORTEST = 4
"""A shorter word stands everywhere."""
LONGEST = 64
"""IAM's own limit for a name."""
MOST_PATTERNS = 6
MOST_TOKENS = 2
MOST_NAMES = 500


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


GENERIC = _words_of("""
access account accounts admin administrator agent amazon analytics api apis app application apps auth automation aws
backend backup batch bot bucket build check client clients cloud cluster code common console container core cron data
database default deploy deployer deployment deployments dev devel develop developer developers devops docker dynamodb
ecs email engineer engineering environment example export external files frontend full function github gitlab global
group guest host http https iam image import infra infrastructure integration internal jenkins job jobs key keys kube
kubernetes lambda local log logs machine mail mailer main manage management manager master metrics migration mobile
monitor monitoring name node notification notifications operations ops org owner pipeline platform policy power
powerusers prod production project public push queue read reader reading readonly readwrite release reporter reporting
reports reserved robot role root runner sandbox scheduler script scripts secret secrets secure security sender server
service services session shared smtp snapshot sqs stack staff stage staging static storage support sync system task
tasks team temp temporary terraform test tester testing tests tool tools travis upload uploader uploads user users
util utility web webapp website work worker workers workflow write writer
""")
"""Words in names of users everywhere: a pattern of these alone finds everybody's."""

_DROPPED = re.compile(r"[^A-Za-z0-9._@+=,-]")
"""What is in no name of IAM's (User, UserName in the IAM API reference)."""
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PIECE = re.compile(rf"{_TOKEN.pattern}|[^A-Za-z0-9]+")
_ENDS = "._@+=,-"
_KEY_ID = re.compile(r"(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA)[A-Z0-9]{12,}")
_RANDOM = re.compile(r"(?=[A-Za-z+=]*\d)[A-Za-z0-9+=]{28,}|[A-Za-z0-9+=]{38,}")
"""As long as this without a separator nobody names a user: it may be a secret (40 characters) that somebody pasted."""
_ODD = re.compile(r"\d+|[0-9a-f]{8,}", re.IGNORECASE)
"""Numbers and hashes."""
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What CloudTrail writes where a person may have typed their password."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text to search for, and how many of the names have it."""

    text: str
    names: int


def patterns_of(names: Iterable[str]) -> tuple[Pattern, ...]:
    """What the names have in common, the most telling first; of one name itself and its most telling word.

    Of several: the longest common beginning and end, the words most of them share, and then the names themselves.
    """
    known = list(dict.fromkeys(filter(None, map(clean_name, names))))[:MOST_NAMES]
    if not known:
        return ()
    shared = [*_ends(known), *_shared_tokens(known)] if len(known) > 1 else []
    found = dict.fromkeys([*shared, *known[:MOST_PATTERNS], *(_telling(known[0])[:1] if len(known) == 1 else ())])
    patterns = [Pattern(text, sum(text.lower() in name.lower() for name in known)) for text in found if _tells(text)]
    return tuple(patterns[:MOST_PATTERNS])


def clean_name(name: str) -> str | None:
    """``name`` as it may be searched for; ``None`` if it may not: empty, hidden, or what could be a secret."""
    plain = _DROPPED.sub("", name.strip())[:LONGEST].strip(_ENDS)
    if not plain or plain == _HIDDEN or _KEY_ID.search(plain) or _RANDOM.search(plain):
        return None
    return plain


def _tells(text: str) -> bool:
    """Whether something in the text is more than a word of everywhere."""
    return bool(_telling(text))


def _telling(name: str) -> list[str]:
    """The words in a name that are not everybody's, the longest first."""
    words = [word for word in _TOKEN.findall(name) if len(word) >= SHORTEST and word.lower() not in GENERIC]
    return sorted((word for word in words if not _ODD.fullmatch(word)), key=lambda word: (-len(word), word))


def _ends(names: Sequence[str]) -> list[str]:
    """The longest common beginning and end, in whole words."""
    pieces = [_PIECE.findall(name) for name in names]
    beginning = "".join(_common(pieces))
    end = "".join(reversed(_common([each[::-1] for each in pieces])))
    return [text for each in (beginning, end) if len(text := each.strip(_ENDS)) >= SHORTEST]


def _common(lists: Sequence[Sequence[str]]) -> list[str]:
    """What all of ``lists`` begin with."""
    alike = takewhile(lambda each: len(set(each)) == 1, zip(*lists, strict=False))
    return [each[0] for each in alike]


def _shared_tokens(names: Sequence[str]) -> list[str]:
    """The telling words that at least half of the names share, and at least two; the most shared first."""
    counts = Counter(word.lower() for name in names for word in {*_telling(name)})
    shared = [word for word, count in counts.items() if count >= 2 and count * 2 >= len(names)]
    return sorted(shared, key=lambda word: (-counts[word], -len(word), word))[:MOST_TOKENS]
