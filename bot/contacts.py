"""Who a key belongs to, as a person who can be reached: from the configuration, else from what IAM's tags say.

A tag is a claim: whoever may tag a user can name somebody else. So who is found here is asked or left out of a channel,
and nothing more follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.model import Case

SLACK_ID = re.compile(r"[UW][A-Z0-9]{6,20}", re.ASCII)
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Contact:
    """How somebody is reached: by Slack's id or by e-mail, and what says that it is them."""

    user: str
    email: str
    why: str


def owner_of(case: Case, people: Mapping[str, str], tags: Sequence[str]) -> Contact | None:
    """Whose the key or principal of ``case`` is; ``None`` where nothing says so.

    ``people``: names, ids or ARNs of principals, each with a Slack id or an e-mail address. ``tags``: those of IAM that
    name somebody, the most telling first.
    """
    return next(_found(case, people, tags), None)


def _found(case: Case, people: Mapping[str, str], tags: Sequence[str]) -> Iterator[Contact]:
    principal = case.triage.principal if case.triage is not None else None
    names = (principal.name, principal.id, principal.arn) if principal is not None else ()
    for name in (*names, case.subject.value if case.subject is not None else ""):
        if name and name in people:
            yield from _contact(people[name], "config.toml names them")
    told = _tags(case)
    for tag in tags:
        yield from _contact(told.get(_plain(tag), ""), f"IAM's tag {tag} names them")
    if principal is not None:
        # People who sign in by Identity Center have their e-mail address as the name of their session.
        yield from _contact(principal.name, "it is the name they sign in with")


def _tags(case: Case) -> dict[str, str]:
    """What the owner question read of tags, by their plain names."""
    answers = [each.answer for each in case.triage.enrichments if each.answer] if case.triage is not None else []
    found: dict[str, str] = {}
    for answer in answers:
        tags = answer.data.get("tags")
        for tag, value in tags.items() if isinstance(tags, Mapping) else ():
            found.setdefault(_plain(str(tag)), str(value))
    return found


def _contact(value: str, why: str) -> Iterator[Contact]:
    if SLACK_ID.fullmatch(value.strip()):
        yield Contact(value.strip(), "", why)
    elif EMAIL.fullmatch(value.strip()):
        yield Contact("", value.strip(), why)


def _plain(tag: str) -> str:
    return re.sub(r"[^a-z0-9]", "", tag.lower())
