"""What is ordinary over many days, counted by the store: exits that many share, and principals by their habits.

Both read every roll-up of the days once: about a second for each million of them. They are for a person who asks what
the bot believes, never for a triage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.history.moments import Seconds, day_of, moment
from bot.history.schema import ADDRESS_CLASSES
from bot.model import AddressClass, Doubted, Span

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

_PUBLIC = ADDRESS_CLASSES.index(AddressClass.PUBLIC)
_WHICH = "u.place IN (SELECT id FROM place) AND u.day BETWEEN ? AND ? AND NOT m.by_service AND NOT m.copy {accounts}"
_ACCOUNTS = """AND u.place IN
    (SELECT id FROM place WHERE account IN (SELECT id FROM text WHERE value IN ({places})))"""
_DOUBTED = " AND NOT (m.principal IN (SELECT id FROM principal WHERE value = ?) AND u.day >= ?)"
_EXITS = """SELECT a.value, count(DISTINCT m.principal), count(DISTINCT u.day), sum(u.count),
        min(u.day * 86400 + u.first)
    FROM use u JOIN manner m ON m.id = u.manner JOIN address a ON a.id = m.address
    WHERE {which} AND a.class = ? GROUP BY m.address
    HAVING count(DISTINCT m.principal) >= ? AND count(DISTINCT u.day) >= ? ORDER BY 2 DESC, 4 DESC, 1 LIMIT ?"""
_HABITS = """SELECT p.value, count(DISTINCT u.day), count(DISTINCT g.family),
        max(g.family LIKE 'browser%' OR g.family LIKE 'console%'), sum(u.count), min(u.day * 86400 + u.first)
    FROM use u JOIN manner m ON m.id = u.manner JOIN principal p ON p.id = m.principal
    JOIN agent g ON g.id = m.agent WHERE {which} GROUP BY m.principal ORDER BY 2 DESC, 5 DESC, 1"""


@dataclass(frozen=True, slots=True)
class Exit:
    """An address that several principals used."""

    ip: str
    principals: int
    days: int
    calls: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Practice:
    """How a principal goes about its work: on how many days, with how many clients, a browser among them or not."""

    principal: str
    days: int
    families: int
    browser: bool
    calls: int
    since: datetime


def exits(
    rows: Rows,
    span: Span,
    accounts: Sequence[str],
    *,
    principals: int,
    days: int,
    most: int,
    doubted: Doubted | None = None,
) -> tuple[Exit, ...]:
    """The public addresses that so many ``principals`` or more used, on so many ``days``; those of most users first."""
    which, values = _which(span, accounts, doubted)
    found = rows(_EXITS.format(which=which), [*values, _PUBLIC, principals, days, most])
    return tuple(Exit(ip, who, on, calls, moment(first)) for ip, who, on, calls, first in found)


def practices(rows: Rows, span: Span, accounts: Sequence[str], doubted: Doubted | None = None) -> tuple[Practice, ...]:
    """Every principal of the days of ``span``, the most regular first."""
    which, values = _which(span, accounts, doubted)
    found = rows(_HABITS.format(which=which), values)
    return tuple(
        Practice(who, days, families, bool(browser), calls, moment(first))
        for who, days, families, browser, calls, first in found
    )


def _which(span: Span, accounts: Sequence[str], doubted: Doubted | None) -> tuple[str, list[object]]:
    first, last = Seconds.of(span).days
    some = _ACCOUNTS.format(places=", ".join("?" * len(accounts))) if accounts else ""
    known = sorted((doubted or {}).items())
    since = [each for principal, at in known for each in (principal, day_of(at.date()))]
    return _WHICH.format(accounts=some) + _DOUBTED * len(known), [first, last, *accounts, *since]
