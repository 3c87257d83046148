"""What is left of one thing: asked of AWS, within bounds, and said in words where it cannot be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Aws, Fault, NoWayIn, fault, in_words
from bot.made.tracing import State, Trace, Tracing
from bot.model import Standing

PATIENCE = timedelta(seconds=30)
"""For all things of one sweep together."""
NOT_ASKED = "nobody is asked here: set [aws] read_role in config.toml to a role the bot may look with"
_SHUT = frozenset({Fault.NOT_SENT, Fault.LOST, Fault.CREDENTIALS})
"""What fails so fails for everything behind the same door."""


class Looking(Protocol):
    """Says what is left of one thing."""

    @property
    def at(self) -> datetime:
        """The moment of asking, UTC."""

    def __call__(self, trace: Trace, tracing: Tracing) -> State: ...


class AwsLooking:
    """Asks AWS, within ``PATIENCE`` in all; never raises. A place that cannot be reached is asked once."""

    def __init__(self, aws: Aws, clock: Callable[[], datetime]) -> None:
        self._aws = aws
        self._clock = clock
        self._until = clock() + PATIENCE
        self._closed: dict[tuple[str, str, str], str] = {}

    @property
    def at(self) -> datetime:
        return self._clock()

    def __call__(self, trace: Trace, tracing: Tracing) -> State:
        if self._clock() >= self._until:
            return State(Standing.UNKNOWN, f"there was no time left of the {PATIENCE.seconds} s for all of it")
        asked: list[tuple[str, str, str]] = []

        def client(service: str, account: str, region: str) -> Any:
            place = service, account, region
            asked.append(place)
            if place in self._closed:
                raise NoWayIn(self._closed[place])
            return self._aws.reader(service, account, region)

        try:
            return tracing.look(trace, client)
        except NoWayIn as error:
            why = str(error).rstrip(".")
        except (ClientError, BotoCoreError) as error:
            if fault(error) is Fault.MISSING or _is_gone(error):
                return State(Standing.GONE, "AWS does not find it")
            why = in_words(error)
            if fault(error) not in _SHUT:
                return State(Standing.UNKNOWN, why)
        self._closed |= dict.fromkeys(asked, why)
        return State(Standing.UNKNOWN, why)


@dataclass(frozen=True, slots=True)
class NobodyAsked:
    """``Looking`` where there is no way into AWS."""

    at: datetime

    def __call__(self, trace: Trace, tracing: Tracing) -> State:
        return State(Standing.UNKNOWN, NOT_ASKED)


def _is_gone(error: ClientError | BotoCoreError) -> bool:
    """EC2 and RDS have a word of their own for everything that is not there: ``InvalidSnapshot.NotFound``."""
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return "NotFound" in code
