"""The moment and the seed everything is made from, and the ids that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from bot.demo.world.calls import JOBS
from bot.demo.world.cast import ACCOUNT, HOME_REGION, REGIONS
from bot.demo.world.clients import user_agent
from bot.demo.world.identifiers import make_id, make_secret
from bot.demo.world.records import Caller, Record, api_call, denied

MINUTE, HOUR, DAY = 60, 3600, 86400
DAYS = 31
"""30 days before the last one."""
_LOCAL_HOUR_AT_THE_END = 15
_WEEKEND = frozenset({4, 5})

Made = Iterator[tuple[int, Record]]
"""Unix seconds and the record of that moment."""

_ON_BEHALF = {
    "secretsmanager:GetSecretValue": ("kms:Decrypt", "secretsmanager.amazonaws.com"),
    "athena:StartQueryExecution": ("glue:GetTable", "athena.amazonaws.com"),
    "cloudformation:ExecuteChangeSet": ("ecs:DescribeServices", "cloudformation.amazonaws.com"),
    "apigateway:CreateDeployment": ("lambda:GetPolicy20150331v2", "apigateway.amazonaws.com"),
}
"""A call → what a service then does for the caller."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A long-term access key of an IAM user. The secret is made up."""

    id: str
    user: str
    secret: str

    @property
    def arn(self) -> str:
        """The ARN of the user."""
        return f"arn:aws:iam::{ACCOUNT}:user/{self.user}"


@dataclass(frozen=True)
class Stage:
    """Seed and moment.

    The organisation's clock is set by ``at`` (Unix seconds): it is always three in the afternoon of a working day
    there, so that the story is the same story whenever it is told.
    """

    seed: int
    at: int
    days: int = DAYS
    """How many there are, the last among them."""

    def rng(self, *names: str) -> Random:
        """A stream of its own for each name: a change to one persona does not move the others."""
        return Random("/".join((str(self.seed), *names)))

    @cached_property
    def since(self) -> int:
        return self.at - self.days * DAY - 6 * HOUR

    def midnight(self, day: int) -> int:
        """The start of the organisation's day, ``day`` days before the last."""
        return self.at - _LOCAL_HOUR_AT_THE_END * HOUR - day * DAY

    def working_days(self) -> list[int]:
        """Days before the last, oldest first, without weekends."""
        return [day for day in range(self.days, -1, -1) if day % 7 not in _WEEKEND]

    def key(self, user: str, which: str = "first") -> KeyPair:
        rng = self.rng("key", user, which)
        return KeyPair(make_id("AKIA", ACCOUNT, rng), user, make_secret(rng))

    def user_id(self, user: str) -> str:
        return make_id("AIDA", ACCOUNT, self.rng("user", user))

    def role_id(self, role: str) -> str:
        return make_id("AROA", ACCOUNT, self.rng("role", role))

    def work(
        self,
        caller: Caller,
        client: str,
        job: str,
        *,
        at: int,
        calls: int,
        rng: Random,
        pace: int = 25,
        refused: float = 0.0,
    ) -> Made:
        """``calls`` calls of a ``job``, one after another, beginning at ``at``; of them ``refused`` (0-1) denied."""
        sid = f"{rng.getrandbits(48):012x}"
        region = HOME_REGION if rng.random() < 0.85 else rng.choice(REGIONS)
        for call in _picked(job, calls, rng):
            agent = user_agent(client, call, sid) if client else caller.agent
            using = Caller(caller.identity, caller.ip, agent, caller.account, caller.extra)
            error = denied(using, call) if refused and rng.random() < refused else _throttled(rng)
            yield at, api_call(using, call, at, region, rng, error=error)
            if call in _ON_BEHALF and not error:
                assisted, service = _ON_BEHALF[call]
                yield at, api_call(_on_behalf_of(using, service), assisted, at, region, rng)
            at += rng.randint(1, pace)


def _on_behalf_of(caller: Caller, service: str) -> Caller:
    """``service``, with the caller's rights: its host stands where address and client would."""
    identity = {k: v for k, v in caller.identity.items() if k != "accessKeyId"} | {"invokedBy": service}
    return Caller(identity, service, service, caller.account)


def _picked(job: str, calls: int, rng: Random) -> Sequence[str]:
    weights = JOBS[job]
    return rng.choices(list(weights), list(weights.values()), k=calls)


def _throttled(rng: Random) -> tuple[str, str] | None:
    return ("ThrottlingException", "Rate exceeded") if rng.random() < 0.003 else None
