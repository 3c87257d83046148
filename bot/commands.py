"""The ``/triage`` grammar: what a person typed → an :class:`Ask`, or a sentence that says what to type instead.

Forgiving in what it reads: markup Slack adds, quotes word processors add, pasted ARNs, a bare key id in a sentence.
A secret that was pasted along is never part of what comes out, so callers may store the result but not the text.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from bot.intake.secret_guard import KEY_ID, remove_secrets
from bot.model import Refusal
from bot.plain import clean


class Command(StrEnum):
    """Everything ``/triage`` knows by name."""

    HELP = "help"
    WHOAMI = "whoami"
    KEY = "key"
    USER = "user"
    ROLE = "role"
    IP = "ip"
    AGENT = "agent"
    EVENT = "event"
    SCOPE = "scope"
    HUNT = "hunt"
    CASE = "case"
    UNDO = "undo"


AVAILABLE = frozenset({Command.HELP, Command.WHOAMI, Command.KEY})

HELP = (
    ("/triage key AKIA…", "what this access key did, whether that is bad, and how to stop it; several keys may follow"),
    ("/triage whoami", "who you are to the bot and what you may do"),
    ("/triage help", "this"),
)

MOST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person asks for. ``values`` are key ids for ``key``, empty for ``help`` and ``whoami``."""

    command: Command
    values: tuple[str, ...] = ()


_TYPED_KEY = re.compile(KEY_ID.pattern, re.ASCII | re.IGNORECASE)
_OTHER_ID = re.compile(r"(?<![A-Za-z0-9])(?:AIDA|AROA|AIPA|AGPA|ANPA)[A-Z0-9]{16,17}(?![A-Za-z0-9])", re.ASCII)
_MARKUP = re.compile(r"<(?:mailto:|tel:)?([^<>|]*)(?:\|([^<>]*))?>")
_QUOTES = str.maketrans(dict.fromkeys("`'\"“”„‟‘’‚‛«»‹›*", " "))
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{0,12}:\S+", re.ASCII)
_WORD = re.compile(r"[a-z]+", re.ASCII)


def parse(text: str) -> Ask | Refusal:
    """What ``text`` (everything after ``/triage``) asks for; a :class:`Refusal` says what to type instead."""
    words = _with_keys_in_capitals(_plain(text))
    if remove_secrets(words)[1]:
        return Refusal(
            "That looks like a secret access key. It was not kept, but Slack has seen it: treat it as public, disable "
            "the key, and ask again with the key id alone (`/triage key AKIA…`)."
        )
    keys = _keys(words)
    command = _command(words)
    if command is None:
        return _guess(words, keys)
    if command not in AVAILABLE:
        return _not_yet(command)
    return _key(words, keys) if command is Command.KEY else Ask(command)


def _plain(text: str) -> str:
    shown = _MARKUP.sub(lambda found: f" {found[2] or found[1]} ", clean(text))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(entity, character)
    return " ".join(shown.translate(_QUOTES).split())


def _with_keys_in_capitals(words: str) -> str:
    return _TYPED_KEY.sub(lambda found: found[0].upper(), words)


def _keys(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(KEY_ID.findall(words)))


def _first_word(words: str) -> str:
    found = _WORD.match(words.lower().lstrip("/"))
    return found[0] if found else ""


def _command(words: str) -> Command | None:
    lowered = words.lower().lstrip("/")
    first = _first_word(words)
    if lowered in {"", "?"}:
        return Command.HELP
    if first == "triage":
        return _command(lowered.removeprefix("triage").strip())
    return Command(first) if first in {command.value for command in Command} else None


def _guess(words: str, keys: tuple[str, ...]) -> Ask | Refusal:
    near = _nearest(_first_word(words))
    if near and near is not Command.KEY:
        return Refusal(f"Did you mean `{near}`? Type `/triage help` for everything there is.")
    if keys:
        return _key(words, keys)
    if near or _ARN.search(words) or _OTHER_ID.search(words):
        return _no_key(words, near)
    return Refusal("That was not understood. Type `/triage key AKIA…`, or `/triage help` for everything there is.")


def _nearest(word: str) -> Command | None:
    close = difflib.get_close_matches(word, [command.value for command in Command], n=1, cutoff=0.65)
    return Command(close[0]) if close else None


def _no_key(words: str, near: Command | None = None) -> Refusal:
    if _ARN.search(words):
        return Refusal("That is an ARN without an access key id. Triage needs the key id: `/triage key AKIA…`.")
    if _OTHER_ID.search(words):
        return Refusal(
            "That is the id of a user, role or policy, not of an access key. Key ids begin with AKIA or ASIA."
        )
    suggestion = "Did you mean `key`? " if near else ""
    return Refusal(
        f"{suggestion}An access key id is missing: AKIA or ASIA and at least 16 letters and digits. "
        "Type `/triage key AKIA…`."
    )


def _key(words: str, keys: tuple[str, ...]) -> Ask | Refusal:
    if not keys:
        return _no_key(words)
    # The ids of AWS's documentation end so; they belong to nobody.
    real = tuple(key for key in keys if not key.endswith("EXAMPLE"))
    if not real:
        return Refusal("That key id is an example from AWS's documentation. Type the key id you found.")
    if len(real) > MOST_VALUES:
        return Refusal(f"{len(real)} keys at once are too many; ask for at most {MOST_VALUES} at a time.")
    return Ask(Command.KEY, real)


def _not_yet(command: Command) -> Refusal:
    there = ", ".join(f"`{one}`" for one in sorted(AVAILABLE))
    return Refusal(f"`/triage {command}` is not available in this version. There is: {there}.")
