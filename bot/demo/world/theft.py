"""The last day: seven stolen keys, in the thief's hands and in their owners'."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bot.demo.world import cast
from bot.demo.world.cast import ACCOUNT, HOME_REGION, REGIONS
from bot.demo.world.clients import CLIENTS, user_agent
from bot.demo.world.ordinary import desk_caller, home_address
from bot.demo.world.records import Caller, Record, api_call, denied
from bot.demo.world.stage import MINUTE, Made, Stage

ALERT_BEFORE_END = 3 * MINUTE
"""How long before ``at`` the call that raised the alert was made."""
KALI = CLIENTS["kali"]
_LAST_SID = "5be1c3a09d42"
_RUNS = 30
"""How often the thief's mail tool was started with the lead key."""
_CALLS_A_RUN = 36
_TOOL = (
    "ses:GetAccountSendingEnabled",
    "ses:ListIdentities",
    "ses:GetIdentityVerificationAttributes",
    "ses:GetIdentityDkimAttributes",
    "ses:GetIdentityMailFromDomainAttributes",
    "ses:GetIdentityNotificationAttributes",
    "ses:GetSendStatistics",
    "ses:ListVerifiedEmailAddresses",
    "ses:ListConfigurationSets",
    "ses:ListTemplates",
)
"""What that tool asks in every region, again and again."""


@dataclass(frozen=True, slots=True)
class Move:
    """One call of the thief, ``minutes`` before the end."""

    minutes: float
    owner: int
    """Index into ``STOLEN_USERS``."""
    call: str
    address: int = 0
    client: str = "thief boto3"
    refused: bool = False


_WHO, _USERS, _QUOTA = "sts:GetCallerIdentity", "iam:ListUsers", "ses:GetSendQuota"
_SENDING = "ses:UpdateAccountSendingEnabled"
MOVES = (
    Move(250.0, 0, _WHO), Move(249.6, 1, _WHO), Move(249.1, 2, _WHO), Move(248.5, 3, _WHO),
    Move(230.0, 1, _QUOTA), Move(229.0, 1, _SENDING),
    Move(211.0, 2, _QUOTA, refused=True), Move(209.0, 2, _SENDING),
    Move(190.0, 3, _QUOTA), Move(188.0, 3, _SENDING, refused=True),
    Move(160.0, 3, _WHO, 1), Move(159.5, 4, _WHO, 1), Move(159.1, 5, _WHO, 1), Move(158.4, 6, _WHO, 1),
    Move(156.0, 3, _SENDING, 1, refused=True),
    Move(141.0, 4, _QUOTA, 1, refused=True), Move(139.5, 4, _SENDING, 1),
    Move(122.0, 5, _QUOTA, 1), Move(120.0, 5, _SENDING, 1),
    Move(14.0, 0, _QUOTA, refused=True),
    Move(9.0, 0, _USERS, client="thief windows", refused=True),
    Move(ALERT_BEFORE_END / MINUTE, 0, _USERS, client="kali", refused=True),
    Move(2.4, 1, _USERS, client="kali", refused=True),
    Move(1.8, 4, _QUOTA, 1, client="kali", refused=True),
    Move(1.1, 5, _SENDING, 1, client="kali"),
)  # fmt: skip
"""The thief's own hands. The seventh key is only ever asked who it is, from the second address."""
_OWNERS_LAST_DAY = ((2, 6), (5, 0), (7, 0), (4, 0), (6, 0), (3, 0), (5, 0))
"""Calls of each owner on the last day, with the first key and with the second."""


def theft(stage: Stage) -> Made:
    """Everything done with the seven keys in the last day."""
    for move in MOVES:
        yield _made(stage, move)
    yield from _mail_tool(stage)
    for n in range(len(cast.STOLEN_USERS)):
        yield from _owner(stage, n)


def _made(stage: Stage, move: Move) -> tuple[int, Record]:
    at = stage.at - round(move.minutes * MINUTE)
    rng = stage.rng("move", str(move.owner), str(at - stage.at))
    caller = _thief(stage, move.owner, move.address, user_agent(move.client, move.call, _LAST_SID))
    error = denied(caller, move.call) if move.refused else None
    parameters = {"enabled": True} if move.call == _SENDING else None
    region = "us-east-1" if move.call == _WHO else HOME_REGION
    return at, api_call(caller, move.call, at, region, rng, parameters=parameters, error=error)


def _thief(stage: Stage, owner: int, address: int, agent: str) -> Caller:
    own = desk_caller(stage, cast.STOLEN_USERS[owner], cast.THIEF_ADDRESSES[address])
    return Caller(own.identity, own.ip, agent, ACCOUNT)


def _mail_tool(stage: Stage) -> Made:
    """The thief's mail tool on the lead key: who am I, then region after region of SES, every few minutes."""
    rng = stage.rng("mail tool")
    caller = _thief(stage, 0, 0, CLIENTS["thief boto3"])
    for run in range(_RUNS):
        at = stage.at - (245 - 8 * run) * MINUTE + rng.randint(0, 90)
        region = REGIONS[run % len(REGIONS)]
        yield at, api_call(caller, _WHO, at, region, rng)
        yield from _one_run(caller, at + 1, region, run, rng)


def _one_run(caller: Caller, at: int, region: str, run: int, rng: Random) -> Made:
    for n in range(_CALLS_A_RUN):
        switching = run < len(REGIONS) and n == 1
        call = _SENDING if switching else _TOOL[n % len(_TOOL)]
        parameters = {"enabled": True} if switching else None
        yield at, api_call(caller, call, at, region, rng, parameters=parameters)
        at += rng.randint(1, 4)


def _owner(stage: Stage, n: int) -> Made:
    """The owner, who knows nothing, goes on working from the usual places with the usual clients."""
    user = cast.STOLEN_USERS[n]
    rng = stage.rng("last day", user)
    home = home_address(stage, user)
    for second, calls in enumerate(_OWNERS_LAST_DAY[n]):
        caller = desk_caller(stage, user, cast.OFFICE[n % 2] if second == 0 else home, second=bool(second))
        at = stage.at - rng.randint(60, 300) * MINUTE
        yield from stage.work(caller, "cli2 macos", "api", at=at, calls=calls, rng=rng)
