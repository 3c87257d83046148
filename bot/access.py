"""Who may do what. Denies by default: nobody may do anything unless named, and an empty list is nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.model import Actor, Decision, Operation

SLACK = "slack:"
GROUP = re.compile(r"slack:[TE][A-Z0-9]+:S[A-Z0-9]+", re.ASCII)

DOING = {
    Operation.TRIAGE: "ask for a triage",
    Operation.APPROVE: "approve changes",
    Operation.UNDO: "undo changes",
    Operation.BREAK_GLASS: "approve alone what more people must approve",
}


class Directory(Protocol):
    """Who people are where they come from. Answers at once, from what it was last told."""

    def refresh(self, person: str, groups: Iterable[str]) -> None:
        """Have what is not fresh looked up again; the one method that waits. Never raises."""

    def problem(self, person: str) -> str | None:
        """Why ``person`` may do nothing at all (a guest, a stranger, a bot, gone, unconfirmed), or ``None``."""

    def members(self, group: str) -> frozenset[str]:
        """The people of a user group; nobody if that is not known for certain now."""

    def name(self, person: str) -> str | None:
        """What ``person`` is called; ``None`` if that is not known now."""


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Actor ids (``slack:<team>:<user>``, ``local:<os user>``) and user groups (``slack:<team>:<group>``) by operation.

    ``people`` says which Slack person a terminal's actor is: that person's rights are then theirs too.
    """

    allowed: Mapping[Operation, frozenset[str]] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    directory: Directory | None = None
    """``None`` at a terminal: user groups have no members there, and nobody who comes from Slack does."""

    def refresh(self, actors: Iterable[Actor]) -> None:
        """Have the directory look up who ``actors`` are. To be called before :func:`decide`, outside transactions."""
        if self.directory is None:
            return
        groups = sorted({one for named in self.allowed.values() for one in named if is_group(one)})
        for person in sorted({self.person(actor) for actor in actors}):
            self.directory.refresh(person, groups)

    def is_named(self, actor: Actor, operation: Operation) -> bool:
        """Whether ``actor``, or a user group they are in, is named for ``operation``."""
        named = self.allowed.get(operation, frozenset())
        if actor.id in named or self.person(actor) in named:
            return True
        groups = (one for one in named if is_group(one))
        return self.directory is not None and any(self.person(actor) in self.directory.members(one) for one in groups)

    def named(self, actor: Actor) -> Actor:
        """``actor`` under the name that the directory has for them, if it has one."""
        name = self.directory.name(actor.id) if self.directory is not None else None
        return Actor(actor.id, name) if name else actor

    def person(self, actor: Actor) -> str:
        """The id that counts as one human being, however they come in."""
        return self.people.get(actor.id, actor.id)


def decide(actor: Actor, operation: Operation, access: AccessRules) -> Decision:
    """Whether ``actor`` may do ``operation`` now. Asked again at every step, never remembered."""
    named = access.allowed.get(operation, frozenset())
    if access.directory is not None and actor.id.startswith(SLACK) and (why := access.directory.problem(actor.id)):
        return Decision(False, f"{why} You are {actor.id}.")
    if access.is_named(actor, operation):
        return Decision(True, f"You are named under [access] {operation.value} in config.toml.")
    remedy = (
        f"ask someone named under [access] {operation.value} in config.toml"
        if named
        else f"nobody is named under [access] {operation.value} in config.toml"
    )
    return Decision(False, f"You may not {DOING[operation]}: {remedy}. You are {actor.id}.")


def is_group(name: str) -> bool:
    """Whether a name in ``[access]`` is that of a Slack user group."""
    return GROUP.fullmatch(name) is not None
