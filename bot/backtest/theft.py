"""The theft of docs/story.md as calls of given keys: what is laid over a copy of the history, to be found or not.

One thief with two rented addresses tries every key, switches account-wide e-mail on with all but the last, makes his
mail tool's calls with the first, and ends on Kali Linux. The last key is only ever asked who it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from bot.history.user_agent import family_of
from bot.model import AddressClass, Detail, Event, Outcome, Principal

KEYS = 7
FEWEST = 3
"""With fewer there is neither a lead nor a bridge to the second address."""
LASTS = timedelta(minutes=250)
BOTO = "Boto3/1.24.96 Python/3.10.6 Linux/5.15.0-52-generic Botocore/1.27.96"
WINDOWS = "aws-cli/2.8.5 Python/3.9.11 Windows/10 exe/AMD64 prompt/off command/iam.list-users"
KALI = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"
ADDRESSES = ("128.199.98.47", "45.32.117.206", "167.99.210.53", "139.59.37.12", "45.77.134.9", "172.104.240.61")
"""Rented servers of hosting providers; two that the history has never seen are taken."""

WHO, USERS, QUOTA = "sts:GetCallerIdentity", "iam:ListUsers", "ses:GetSendQuota"
SENDING = "ses:UpdateAccountSendingEnabled"
_TOOL = (
    *("ses:GetAccountSendingEnabled", "ses:ListIdentities", "ses:GetIdentityVerificationAttributes"),
    *("ses:GetIdentityDkimAttributes", "ses:GetSendStatistics", "ses:ListConfigurationSets", "ses:ListTemplates"),
)
_REGIONS = ("us-east-1", "eu-west-1", "us-west-2", "eu-central-1")
_RUNS, _CALLS_A_RUN = 12, 20
_HOME = "us-east-1"


@dataclass(frozen=True, slots=True)
class Victim:
    """A key to steal, and whose it is."""

    key: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class Move:
    """One call of the thief, ``minutes`` before the end."""

    minutes: float
    victim: Victim
    call: str
    address: int = 0
    agent: str = BOTO
    refused: bool = False
    region: str = _HOME


def theft(victims: Sequence[Victim], at: datetime, addresses: Sequence[str], label: str = "theft") -> tuple[Event, ...]:
    """Everything done with the keys of ``victims`` (at least :data:`FEWEST`) in the four hours before ``at``.

    ``addresses`` are two; the ids of the events begin with ``label``.
    """
    moves = sorted(_moves(victims), key=lambda move: -move.minutes)
    return tuple(_event(move, at, addresses, f"{label}:{n}") for n, move in enumerate(moves))


def _moves(victims: Sequence[Victim]) -> Iterator[Move]:
    lead = victims[0]
    half = (len(victims) + 1) // 2
    yield from (Move(250 - 0.6 * n, victim, WHO) for n, victim in enumerate(victims[:half]))
    yield from (Move(160 - 0.5 * n, victim, WHO, 1) for n, victim in enumerate(victims[half - 1 :]))
    for n, victim in enumerate(victims[1:-1]):
        address = int(n + 1 >= half)
        yield Move(140 - 15 * n, victim, QUOTA, address, refused=n % 2 == 1)
        yield Move(138 - 15 * n, victim, SENDING, address, refused=n % 3 == 2)
    yield from _mail_tool(lead)
    yield Move(14, lead, QUOTA, refused=True)
    yield Move(9, lead, USERS, agent=WINDOWS, refused=True)
    yield Move(3, lead, USERS, agent=KALI, refused=True)
    for n, victim in enumerate(victims[1:-1]):
        yield Move(2.5 - 0.4 * n, victim, (USERS, QUOTA, SENDING)[n % 3], int(n + 1 >= half), KALI, refused=n % 3 < 2)


def _mail_tool(lead: Victim) -> Iterator[Move]:
    """Who am I, then region after region of e-mail, every 18 minutes."""
    for run in range(_RUNS):
        region, start = _REGIONS[run % len(_REGIONS)], 245 - 18 * run
        yield Move(start, lead, WHO, region=region)
        for n in range(_CALLS_A_RUN):
            call = SENDING if run < len(_REGIONS) and n == 1 else _TOOL[n % len(_TOOL)]
            yield Move(start - 0.05 * (n + 1), lead, call, region=region)


def _event(move: Move, at: datetime, addresses: Sequence[str], id_: str) -> Event:
    principal = move.victim.principal
    return Event(
        id=id_,
        at=at - timedelta(seconds=round(move.minutes * 60)),
        name=move.call,
        outcome=Outcome.DENIED if move.refused else Outcome.OK,
        error_code="AccessDenied" if move.refused else None,
        key=move.victim.key,
        principal=principal,
        session=None,
        ip=addresses[move.address],
        address_class=AddressClass.PUBLIC,
        user_agent=move.agent,
        family=_family(move.agent),
        region=move.region,
        account=principal.account or "",
        by_service=False,
        detail=Detail(enabled=True) if move.call == SENDING and not move.refused else None,
    )


@cache
def _family(agent: str) -> str:
    return family_of(agent)
