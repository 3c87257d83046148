"""What was typed after ``/triage``, answered: by a case with its card, or by a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.commands import Command
from bot.model import Actor, Kind, Observable, Place, Refusal
from bot.networks import parse_address
from bot.slack import forms, found, replies, scoped, snoozing
from bot.slack.asked import Operations
from bot.slack.card import card
from bot.slack.elements import Message

Clock = Callable[[], datetime]
Values = Sequence[str]

OF_CASES = {
    Command.KEY: Kind.ACCESS_KEY,
    Command.USER: Kind.PRINCIPAL,
    Command.ROLE: Kind.PRINCIPAL,
    Command.IP: Kind.IP,
}
"""Commands that open or join a case: its card is the answer."""
OF_LOOKUPS = {Command.AGENT: Kind.USER_AGENT, Command.EVENT: Kind.EVENT}


class Typed:
    """Answers commands, one method each."""

    def __init__(self, operations: Operations, clock: Clock) -> None:
        self._operations = operations
        self._clock = clock
        self._answers: dict[Command, Callable[[Values, Actor], Message | Refusal]] = {
            Command.SCOPE: self._scope,
            Command.HUNT: self._hunt,
            Command.CASE: self._case,
            Command.UNDO: self._undo,
            Command.SNOOZE: self._snooze,
            Command.WHOAMI: self._whoami,
        }

    def answer(
        self, command: Command, values: Values, actor: Actor, ask: str, *, under: Place | None = None
    ) -> Message | Refusal:
        """The answer to ``command``; ``ask`` names the request. Raises ``LookupError`` for a case that is not there.

        A new case's card stands in the thread of the message ``under``, if given.
        """
        if command in OF_CASES:
            return self._triage(command, values, actor, ask, under)
        if command in OF_LOOKUPS:
            return self._look(OF_LOOKUPS[command], values, actor)
        return self._answers[command](values, actor)

    def _triage(
        self, command: Command, values: Values, actor: Actor, ask: str, under: Place | None
    ) -> Message | Refusal:
        meant = self._operations.meant(OF_CASES[command], values, command.value)
        opened = meant if isinstance(meant, Refusal) else self._operations.triage(meant, actor, ask, under=under)
        return opened if isinstance(opened, Refusal) else replies.opened([(one.case, one.new) for one in opened])

    def _look(self, kind: Kind, values: Values, actor: Actor) -> Message | Refusal:
        looked = [self._operations.look(Observable(kind, value), actor) for value in values]
        refusal = next((each for each in looked if isinstance(each, Refusal)), None)
        return refusal or found.looked([each for each in looked if not isinstance(each, Refusal)])

    def _scope(self, values: Values, actor: Actor) -> Message | Refusal:
        scope = self._operations.scope([_lead(value) for value in values], actor)
        return scope if isinstance(scope, Refusal) else scoped.message_of(scope)

    def _hunt(self, values: Values, actor: Actor) -> Message | Refusal:
        hunted = self._operations.hunt(values, actor)
        return hunted if isinstance(hunted, Refusal) else found.hunted(hunted, values)

    def _case(self, values: Values, actor: Actor) -> Message | Refusal:
        if not values:
            listed = self._operations.open_cases(actor)
            return listed if isinstance(listed, Refusal) else found.listed(listed)
        case = self._operations.case(int(values[0]), actor)
        if isinstance(case, Refusal):
            return case
        return forms.opening(case, values[1]) if len(values) > 1 else card(case, now=self._clock())

    def _snooze(self, values: Values, actor: Actor) -> Message | Refusal:
        if values:
            return snoozing.asked_for(*values)
        held = self._operations.snoozes(actor)
        return held if isinstance(held, Refusal) else snoozing.snoozes_message(held)

    def _undo(self, _: Values, actor: Actor) -> Message | Refusal:
        changes = self._operations.undoable(actor)
        return changes if isinstance(changes, Refusal) else found.undoable(changes)

    def _whoami(self, _: Values, actor: Actor) -> Message:
        return replies.whoami(actor, self._operations.may(actor))


def _lead(value: str) -> Observable:
    return Observable(Kind.IP if parse_address(value) else Kind.ACCESS_KEY, value)
