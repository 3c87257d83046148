"""Every operation asks first whether the person may, and answers with a sentence where something could not be had."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bot.access import AccessRules, decide
from bot.model import Actor, HistoryUnavailableError, Operation, Refusal
from bot.pipeline import Pipeline
from bot.store.state import State

Found = TypeVar("Found")

NO_REASON = Refusal("Say why: the reason goes on record.")


class Permitted:
    """What the operations of all subjects are built on."""

    def __init__(self, state: State, clock: Callable[[], datetime], pipeline: Pipeline, access: AccessRules) -> None:
        self._state = state
        self._clock = clock
        self._pipeline = pipeline
        self._access = access

    def _looked_up(self, actor: Actor, look: Callable[[datetime], Found | Refusal]) -> Found | Refusal:
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        return asked(lambda: look(self._clock()))

    def _refused(self, actor: Actor, operation: Operation) -> Refusal | None:
        decision = decide(actor, operation, self._access)
        return None if decision.allowed else Refusal(decision.sentence)


def asked(look: Callable[[], Found | Refusal]) -> Found | Refusal:
    """What ``look`` gives; a refusal if the history could not be asked."""
    try:
        return look()
    except HistoryUnavailableError as error:
        return Refusal(f"That could not be looked up: {error}.")
