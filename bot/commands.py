"""The ``/triage`` grammar: what a person typed → an :class:`Ask`, or a sentence that says what to type instead.

Forgiving in what it reads: markup Slack adds, quotes word processors add, defanged addresses, pasted ARNs, a bare key
id in a sentence. A secret that was pasted along is never part of what comes out, so callers may store the result but
not the text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.intake.secret_guard import KEY_ID, remove_secrets
from bot.model import Refusal
from bot.networks import parse_address, spelled_network
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
    SNOOZE = "snooze"
    UNDO = "undo"


HELP = (
    ("/triage key AKIA…", "what this access key did, whether that is bad, and how to stop it"),
    ("/triage user NAME · role NAME · ip ADDRESS", "the same for a user, a role or an address"),
    ("/triage event ses:GetSendQuota · agent CLIENT", "who makes a call or uses a client, and is that usual here"),
    ("/triage scope key AKIA… · scope ip ADDRESS", "every key in the same hands, each with its reasons"),
    ("/triage hunt all · hunt enumeration · hunt playbook NAME", "who else does what thieves do"),
    ("/triage case · case 12", "the open cases, or one of them"),
    ("/triage case hand-over 12 · case declare 12 · case close 12", "a window to give it away, declare it, close it"),
    ("/triage snooze · snooze ip ADDRESS · snooze key AKIA…", "what is kept silent, or a window to keep it so"),
    ("/triage undo", "the changes that can be taken back"),
    ("/triage whoami", "who you are to the bot and what you may do"),
    ("/triage help", "this"),
)
HELP_ENDING = (
    "Several keys, names or addresses may follow each other. Only you see the answer; end with “share” for all."
)

MOST_VALUES = 10
HUNTS = frozenset({"all", "detections", "enumeration"})
"""What can be hunted for by one word; any other is a playbook's name."""


CASE_FORMS = {
    "hand-over": "hand-over",
    "handover": "hand-over",
    "hand_over": "hand-over",
    "declare": "declare",
    "close": "close",
}
"""What can be done about a case in a window, by the words for it."""


SNOOZED = {
    **dict.fromkeys(("key", "keys"), "access_key"),
    **dict.fromkeys(("user", "role", "principal"), "principal"),
    **dict.fromkeys(("ip", "address"), "ip"),
    **dict.fromkeys(("agent", "client"), "user_agent"),
}
"""What can be snoozed, by the words for it."""
HOW_TO_SNOOZE = (
    "Name what to snooze: `/triage snooze ip 203.0.113.7`, `snooze ip 203.0.113.0/24`, `snooze key AKIA…`, "
    "`snooze user NAME` or `snooze agent CLIENT`; `/triage snooze` alone lists what is snoozed."
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person asks for.

    ``values`` are what the command is about as typed, cleaned: ids, names, addresses; for ``scope`` keys and addresses,
    for ``hunt`` the words of `triage hunt`, for ``case`` a number, and the window to open about it if one is meant; or
    nothing.
    """

    command: Command
    values: tuple[str, ...] = ()
    share: bool = False
    """The answer is for everybody in the channel."""


_TYPED_KEY = re.compile(KEY_ID.pattern, re.ASCII | re.IGNORECASE)
_OTHER_ID = re.compile(r"(?<![A-Za-z0-9])(?:AIDA|AROA|AIPA|AGPA|ANPA)[A-Z0-9]{16,17}(?![A-Za-z0-9])", re.ASCII)
_MARKUP = re.compile(r"<(?:mailto:|tel:)?([^<>|]*)(?:\|([^<>]*))?>")
_QUOTES = str.maketrans(dict.fromkeys("`'\"“”„‟‘’‚‛«»‹›*", " "))
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{0,12}:\S+", re.ASCII)
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(user|role|assumed-role)/\S+", re.ASCII)
_WORD = re.compile(r"[a-z]+", re.ASCII)
_EVENT = re.compile(r"[a-z0-9-]{2,63}:[A-Z][A-Za-z0-9]{2,127}", re.ASCII)
_EVENT_NAME = re.compile(r"(?:[a-z0-9-]{2,63}:)?[A-Za-z][A-Za-z0-9]{2,127}", re.ASCII)
_CASE = re.compile(r"#?(\d{1,18})", re.ASCII)
_SHARE = re.compile(r"(?:^|\s)(?:--)?share$", re.IGNORECASE)
_DEFANGED = re.compile(r"\[\.\]|\(\.\)|\[dot\]", re.IGNORECASE)
_EXAMPLE = "EXAMPLE"
"""How the ids of AWS's documentation end; they belong to nobody."""


def parse(text: str) -> Ask | Refusal:
    """What ``text`` (everything after ``/triage``) asks for; a :class:`Refusal` says what to type instead."""
    words = _with_keys_in_capitals(_plain(text))
    if remove_secrets(words)[1]:
        return Refusal(
            "That looks like a secret access key. It was not kept, but Slack has seen it: treat it as public, disable "
            "the key, and ask again with the key id alone (`/triage key AKIA…`)."
        )
    words, shared = _without_share(words)
    command, rest = _command(words)
    asked = _guess(words) if command is None else _READERS[command](rest)
    return replace(asked, share=shared) if isinstance(asked, Ask) else asked


# ------------------------------------------------------------------------------------------ the words


def _plain(text: str) -> str:
    shown = _MARKUP.sub(lambda found: f" {found[2] or found[1]} ", clean(text))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(entity, character)
    return " ".join(shown.translate(_QUOTES).split())


def _with_keys_in_capitals(words: str) -> str:
    return _TYPED_KEY.sub(lambda found: found[0].upper(), words)


def _without_share(words: str) -> tuple[str, bool]:
    left = _SHARE.sub("", words)
    return left, left != words


def _command(words: str) -> tuple[Command | None, str]:
    """The command that ``words`` begin with, and what follows it."""
    first, _, rest = words.lstrip("/").partition(" ")
    found = _WORD.match(first.lower())
    name = found[0] if found else ""
    if name == "triage":
        return _command(rest)
    if words.strip("/ ") in {"", "?"}:
        return Command.HELP, ""
    for command in Command:
        if name in {command.value, f"{command.value}s"}:
            return command, f"{first[len(name) :]} {rest}".strip(" :")
    return None, words


def _tokens(rest: str) -> tuple[str, ...]:
    """Words, each once, without what separates them."""
    return tuple(dict.fromkeys(word for each in rest.split() if (word := each.strip(",;")) and word != "and"))


# ---------------------------------------------------------------------------------- what follows a command


def _nothing(command: Command) -> Callable[[str], Ask | Refusal]:
    return lambda _: Ask(command)


def _keys(rest: str) -> Ask | Refusal:
    keys = tuple(dict.fromkeys(KEY_ID.findall(rest)))
    if not keys:
        return _no_key(rest)
    real = tuple(key for key in keys if not key.endswith(_EXAMPLE))
    if not real:
        return Refusal("That key id is an example from AWS's documentation. Type the key id you found.")
    return _at_most(Command.KEY, real, "keys")


def _no_key(rest: str, said_first: str = "") -> Refusal:
    if arn := _PRINCIPAL_ARN.search(rest):
        word = "user" if arn[1] == "user" else "role"
        return Refusal(f"That is an ARN without an access key id. Ask about its {word}: `/triage {word} {arn[0]}`.")
    if _ARN.search(rest):
        return Refusal("That is an ARN without an access key id. Triage needs the key id: `/triage key AKIA…`.")
    if _OTHER_ID.search(rest):
        return Refusal(
            "That is the id of a user, role or policy, not of an access key. Key ids begin with AKIA or ASIA."
        )
    return Refusal(
        f"{said_first}An access key id is missing: AKIA or ASIA and at least 16 letters and digits. "
        "Type `/triage key AKIA…`."
    )


def _names(command: Command) -> Callable[[str], Ask | Refusal]:
    def read(rest: str) -> Ask | Refusal:
        names = _tokens(rest)
        if not names:
            return Refusal(f"Name the {command}: `/triage {command} NAME`, or its ARN.")
        return _at_most(command, names, f"{command}s")

    return read


def _addresses(rest: str) -> Ask | Refusal:
    given = _tokens(rest)
    if not given:
        return Refusal("Name the address: `/triage ip 203.0.113.7`.")
    found = [_address(each) for each in given]
    if wrong := [each for each, address in zip(given, found, strict=True) if address is None]:
        return Refusal(f"{wrong[0]} is not an IP address.")
    return _at_most(Command.IP, tuple(dict.fromkeys(each for each in found if each)), "addresses")


def _address(text: str) -> str | None:
    """The address in ``text``, which may be defanged, bracketed or followed by a port."""
    plain = _DEFANGED.sub(".", text).strip(".")
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    address = parse_address(plain)
    return str(address) if address else None


def _network(text: str) -> str | None:
    """The network in ``text``, which may be defanged; ``None`` if it is none."""
    return spelled_network(_DEFANGED.sub(".", text))


def _client(rest: str) -> Ask | Refusal:
    return Ask(Command.AGENT, (rest,)) if rest else Refusal("Name the client: `/triage agent aws-cli/1.22.34 …`.")


def _events(rest: str) -> Ask | Refusal:
    names = _tokens(rest)
    if not names:
        return Refusal("Name the call: `/triage event ses:GetSendQuota`.")
    if wrong := [each for each in names if not _EVENT_NAME.fullmatch(each)]:
        return Refusal(f"{wrong[0]} is not a call: write it as `service:Name`, such as `ses:GetSendQuota`.")
    return _at_most(Command.EVENT, names, "calls")


def _leads(rest: str) -> Ask | Refusal:
    words = [each for each in _tokens(rest) if each.lower() not in {"key", "keys", "ip", "ips", "address"}]
    found = [_lead(each) for each in words]
    if wrong := [each for each, lead in zip(words, found, strict=True) if lead is None]:
        return Refusal(f"A scope starts from access keys or addresses, and {wrong[0]} is neither.")
    if not found:
        return Refusal("Name what to start from: `/triage scope key AKIA…` or `/triage scope ip 203.0.113.7`.")
    return _at_most(Command.SCOPE, tuple(dict.fromkeys(each for each in found if each)), "leads")


def _lead(word: str) -> str | None:
    if KEY_ID.fullmatch(word):
        return None if word.endswith(_EXAMPLE) else word
    return _address(word)


def _hunt(rest: str) -> Ask | Refusal:
    words = [each.lower() for each in _tokens(rest)]
    if words[:1] == ["playbook"] or not words:
        return Ask(Command.HUNT, tuple(words[:2]) or ("all",))
    return Ask(
        Command.HUNT, (words[0],) if words[0] in {"all", "detections", "enumeration"} else ("playbook", words[0])
    )


def _case(rest: str) -> Ask | Refusal:
    words = [each for each in _tokens(rest) if each.lower() not in {"list", "show", "open"}]
    asked = [form for word in words if (form := CASE_FORMS.get(word.lower()))]
    numbers = [word for word in words if word.lower() not in CASE_FORMS]
    if not numbers:
        return Refusal(f"Name the case: `/triage case {asked[0]} 12`.") if asked else Ask(Command.CASE)
    found = _CASE.fullmatch(numbers[0])
    if not found:
        return Refusal(f"{numbers[0]} is no case number: `/triage case 12`.")
    return Ask(Command.CASE, (found[1], *asked[:1]))


def _snooze(rest: str) -> Ask | Refusal:
    words = [each for each in _tokens(rest) if each.lower() not in {"list", "show"}]
    if not words:
        return Ask(Command.SNOOZE)
    kind, named = SNOOZED.get(words[0].lower()), words[1:]
    if kind == "user_agent":
        return Ask(Command.SNOOZE, (kind, " ".join(named))) if named else Refusal(HOW_TO_SNOOZE)
    value = named[0] if kind and named else words[0]
    if KEY_ID.fullmatch(value) and kind in {None, "access_key"}:
        return Ask(Command.SNOOZE, ("access_key", value))
    if (address := _network(value) or _address(value)) and kind in {None, "ip"}:
        return Ask(Command.SNOOZE, ("ip", address))
    return Ask(Command.SNOOZE, (kind, value)) if kind == "principal" and named else Refusal(HOW_TO_SNOOZE)


def _at_most(command: Command, values: Sequence[str], what: str) -> Ask | Refusal:
    if len(values) > MOST_VALUES:
        return Refusal(f"{len(values)} {what} at once are too many; ask for at most {MOST_VALUES} at a time.")
    return Ask(command, tuple(values))


_READERS: Mapping[Command, Callable[[str], Ask | Refusal]] = {
    Command.HELP: _nothing(Command.HELP),
    Command.WHOAMI: _nothing(Command.WHOAMI),
    Command.KEY: _keys,
    Command.USER: _names(Command.USER),
    Command.ROLE: _names(Command.ROLE),
    Command.IP: _addresses,
    Command.AGENT: _client,
    Command.EVENT: _events,
    Command.SCOPE: _leads,
    Command.HUNT: _hunt,
    Command.CASE: _case,
    Command.SNOOZE: _snooze,
    Command.UNDO: _nothing(Command.UNDO),
}


# ------------------------------------------------------------------------------------ no command was typed


def _guess(words: str) -> Ask | Refusal:
    near = _nearest(words)
    if near and near is not Command.KEY:
        return Refusal(f"Did you mean `{near}`? Type `/triage help` for everything there is.")
    if KEY_ID.search(words):
        return _keys(words)
    if near or _OTHER_ID.search(words):
        return _no_key(words, "Did you mean `key`? " if near else "")
    return _bare(words) or Refusal(
        "That was not understood. Type `/triage key AKIA…`, or `/triage help` for everything there is."
    )


def _bare(words: str) -> Ask | Refusal | None:
    """A principal's ARN, an address or a call by itself says what it is."""
    if arn := _PRINCIPAL_ARN.search(words):
        return Ask(Command.USER if arn[1] == "user" else Command.ROLE, (arn[0].rstrip(".,;)"),))
    if _ARN.search(words):
        return _no_key(words)
    if addresses := [address for each in _tokens(words) if (address := _address(each.strip("().,;?!")))]:
        return _at_most(Command.IP, tuple(dict.fromkeys(addresses)), "addresses")
    calls = [each for each in _tokens(words) if _EVENT.fullmatch(each.strip(".,;?!"))]
    return _at_most(Command.EVENT, [each.strip(".,;?!") for each in calls], "calls") if calls else None


def _nearest(words: str) -> Command | None:
    found = _WORD.match(words.lower().lstrip("/"))
    if not found:
        return None
    # "who" is no slip of the finger for "whoami".
    names = [command.value for command in Command if abs(len(command.value) - len(found[0])) <= 2]
    close = difflib.get_close_matches(found[0], names, n=1, cutoff=0.65)
    return Command(close[0]) if close else None
