"""What every kind of made thing has in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from bot.aws import Aws, Grant
from bot.made.makings import WINDOW
from bot.model import Refusal, rfc3339
from bot.remediation.base import Draft, State

KIND = "thing"
"""In the state of every change: what kind of thing it is about."""


class Thing(Protocol):
    """As ``Remediation``, of one kind of thing; ``kind`` stands in its states under :data:`KIND`."""

    kind: str

    def plan(self, target: str, aws: Aws) -> Draft | Refusal: ...

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State: ...

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant: ...

    def make_so(self, target: str, state: State, client: Any, *, back: bool) -> None:
        """Make ``state`` so; ``back``: it is the recorded one of before."""

    def commands(self, target: str, state: State) -> tuple[str, ...]: ...


def too_old(what: str, made_at: datetime, instead: str) -> Refusal:
    """Why a thing that was there before is not treated as the thief's."""
    return Refusal(
        f"{what} was made at {rfc3339(made_at)}, more than {WINDOW.days} days ago: it is not what a thief has made "
        f"here, and was left alone. {instead}"
    )
