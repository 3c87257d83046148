"""What a slow source has answered, for as long as one triage takes: its questions overlap, and each is asked once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.history.regional import Stretch, Unasked

REMEMBERED = timedelta(minutes=2)
"""Long enough for the questions of one triage, too short for those of the next to miss what has arrived since."""
MOST_READINGS = 200_000

Found = TypeVar("Found")


class Memory:
    """What was fetched in the last minutes, or ``lasting``. Two that ask for the same wait for one answer; a failure is
    not kept.
    """

    def __init__(self, now: Callable[[], datetime], *, lasting: bool = False) -> None:
        self._now = now
        self._lasting = lasting
        self._guard = threading.Lock()
        self._locks: dict[object, threading.Lock] = {}
        self._answers: OrderedDict[object, tuple[datetime, Any]] = OrderedDict()

    @property
    def unreadable(self) -> int:
        with self._guard:
            return sum(each.unreadable for _, each in self._answers.values() if isinstance(each, Stretch))

    def once(self, question: object, ask: Callable[[], Found]) -> Found:
        with self._lock_of(question):
            known = self._fresh(question)
            if known is not None:
                answer: Found = known
                return answer
            return self._keep(question, ask())

    def grown(self, question: object, more: Callable[[Stretch | None], Stretch | Unasked]) -> Stretch | Unasked:
        """What is known, grown by ``more`` to what is wanted."""
        with self._lock_of(question):
            known = self._fresh(question)
            found = more(known)
            if found is not known and isinstance(found, Stretch):
                self._keep(question, found)
            return found

    def _lock_of(self, question: object) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(question, threading.Lock())

    def _fresh(self, question: object) -> Any:
        with self._guard:
            at, answer = self._answers.get(question, (self._now(), None))
            return None if self._is_old(at) else answer

    def _keep(self, question: object, answer: Found) -> Found:
        with self._guard:
            self._drop([each for each, (at, _) in self._answers.items() if self._is_old(at)])
            at, _ = self._answers.pop(question, (self._now(), None))
            self._answers[question] = at, answer
            while len(self._answers) > 1 and self._size() > MOST_READINGS:
                self._drop([next(iter(self._answers))])
        return answer

    def _is_old(self, at: datetime) -> bool:
        return not self._lasting and self._now() - at > REMEMBERED

    def _drop(self, questions: Sequence[object]) -> None:
        for question in questions:
            del self._answers[question]
            self._locks.pop(question, None)

    def _size(self) -> int:
        return sum(len(each.readings) if isinstance(each, Stretch) else 1 for _, each in self._answers.values())
