"""Who may do what. Denies by default: nobody may do anything unless named, and an empty list is nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model import Actor, Decision, Operation

DOING = {
    Operation.TRIAGE: "ask for a triage",
    Operation.APPROVE: "approve changes",
    Operation.UNDO: "undo changes",
    Operation.BREAK_GLASS: "approve alone what more people must approve",
}


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Actor ids (``slack:<team>:<user>``, ``local:<os user>``) by operation.

    ``people`` says which Slack person a terminal's actor is: that person's rights are then theirs too.
    """

    allowed: Mapping[Operation, frozenset[str]] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)

    def person(self, actor: Actor) -> str:
        """The id that counts as one human being, however they come in."""
        return self.people.get(actor.id, actor.id)


def decide(actor: Actor, operation: Operation, access: AccessRules) -> Decision:
    """Whether ``actor`` may do ``operation`` now. Asked again at every step, never remembered."""
    named = access.allowed.get(operation, frozenset())
    if actor.id in named or access.person(actor) in named:
        return Decision(True, f"You are named under [access] {operation.value} in config.toml.")
    remedy = (
        f"ask someone named under [access] {operation.value} in config.toml"
        if named
        else f"nobody is named under [access] {operation.value} in config.toml"
    )
    return Decision(False, f"You may not {DOING[operation]}: {remedy}. You are {actor.id}.")
