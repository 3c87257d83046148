"""Questions that are asked once: those of one triage overlap, and what is behind them is slow or counts the calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

from bot.model import ContactRecord, Iam, IdentityRecord, KeyRecord, Unread

Given = TypeVar("Given")


class Once:
    """Remembers answers by their question, and never forgets one.

    Safe from several threads; two that ask the same wait for one answer. An error is not remembered.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def ask(self, question: Hashable, ask: Callable[[], Given]) -> Given:
        """The answer to ``question``: that of ``ask`` the first time, the same ever after. Raises what ``ask`` does."""
        with self._guard:
            lock = self._locks.setdefault(question, threading.Lock())
        with lock:
            if question not in self._answers:
                self._answers[question] = ask()
            answer: Given = self._answers[question]
            return answer


class IamOnce:
    """``Iam`` over ``iam`` that remembers its answers, refusals too. For one triage: it never looks again."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam
        self._once = Once()

    def key(self, key_id: str, account: str | None) -> KeyRecord | Unread | None:
        return self._once.ask(("key", key_id, account), lambda: self._iam.key(key_id, account))

    def identity(self, account: str, kind: Literal["user", "role"], name: str) -> IdentityRecord | Unread | None:
        return self._once.ask(("identity", account, kind, name), lambda: self._iam.identity(account, kind, name))

    def contact(self, account: str) -> ContactRecord | Unread | None:
        return self._once.ask(("contact", account), lambda: self._iam.contact(account))
