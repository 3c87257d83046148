"""Why a question has no answer: never the same as "found nothing"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.model.event import Use


class NotAnswered(Exception):
    """An enricher could not ask what it needs; the text is a sentence for people. The question ends ``failed``."""


class NotAsked(NotAnswered):
    """An enricher did not ask, because what it would have needed is not configured; the text is the remedy.

    The question ends ``skipped``. For needs that some observables have and others not; else a declaration says so.
    """


class HistoryUnavailableError(NotAnswered):
    """The history could not be asked; the text says why and what to do. Never the same as "found nothing"."""


class CannotSearch(HistoryUnavailableError):
    """This history has no way to look for that; the text says for what, and which history has.

    CloudTrail's own look-up, for one, cannot search by address. It is raised in place of an empty answer, which would
    read as "none", and shown as a question that could not be asked.
    """


class AnswerCut(HistoryUnavailableError):
    """The answer would not have been whole, as where a limit was reached; the text says why, and what is known.

    ``uses`` is what is known: everything from ``since`` on, but for what the text names.
    """

    def __init__(self, sentence: str, since: datetime, uses: Sequence[Use] = ()) -> None:
        super().__init__(sentence)
        self.since = since
        self.uses = tuple(uses)
