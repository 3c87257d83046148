"""The strip beside the channel: what the demo is doing, and what a person can make happen next."""

from __future__ import annotations

from collections.abc import Callable

from bot.demo.slack.gestures import NotPossible
from bot.demo.slack.workspace import Json, Workspace


class Story:
    """Lines and buttons; shared by the demo's threads and the page."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._lines: list[Json] = []
        self._offers: dict[str, Callable[[], str]] = {}

    def narrate(self, text: str) -> None:
        with self._space.changed:
            self._lines.append({"ts": self._space.next_ts(), "text": text})
            self._space.touch()

    def offer(self, label: str, act: Callable[[], str]) -> None:
        with self._space.changed:
            self._offers[label] = act
            self._space.touch()

    def withdraw(self, label: str) -> None:
        with self._space.changed:
            self._offers.pop(label, None)
            self._space.touch()

    def take(self, label: str) -> None:
        """Do what the button ``label`` says, and tell. Raises ``NotPossible`` if there is no such button."""
        with self._space.changed:
            act = self._offers.get(label)
        if act is None:
            raise NotPossible(f"there is no {label!r} to choose")
        self.narrate(act())

    def as_json(self) -> Json:
        return {"lines": list(self._lines), "offers": list(self._offers)}
