"""Who else used the address?

A thief with one stolen key often has more of them, and tries them from one place: other keys on a fresh address are
the next leads. An exit that several people used all along is an office, a VPN or a proxy, and ties nobody to anybody.
An IPv6 address stands for its /64, in which one caller changes addresses at will.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.model import (
    MOST_CALLS_OF_ADDRESS,
    PREVALENCE,
    SHARED_EXIT,
    Answer,
    Context,
    Declaration,
    Event,
    Fact,
    Kind,
    Observable,
    inside,
    rfc3339,
    site_of,
)

DECLARATION = Declaration(
    question="Who else used the address?",
    takes=frozenset({Kind.IP}),
    needs=frozenset({"history"}),
)

MOST_EVENTS = 5_000
"""Read of the recent part, the newest first: enough for whatever a thief does."""
MOST_FACTS = 8
MOST_KEYS = 20


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    place = Observable(Kind.IP, site_of(observable.value))
    return judge(
        observable,
        context,
        context.history.events(place, context.window.recent, limit=MOST_EVENTS),
        context.calls_before(observable.value),
    )


def judge(observable: Observable, context: Context, recent: Sequence[Event], before: Sequence[Event]) -> Answer:
    """What the calls from the address say. ``recent`` and ``before`` stand newest first."""
    me = context.principal.id if context.principal is not None else None
    users = _users(recent, before)
    usual = [row for row in users if row["before"]]
    egress = len(usual) >= SHARED_EXIT or inside(observable.value, context.environment.own_networks)
    others = [row for row in users if row["principal"] != me]
    return Answer(
        headline=f"{observable}: {_headline(users, others, len(usual), egress=egress, looked=context.looked())}",
        facts=tuple(Fact(row["principal"], _fact(row)) for row in others[:MOST_FACTS]),
        found=bool(others) and not egress,
        data={
            "ip": observable.value,
            "site": site_of(observable.value),
            "shared_exit": egress,
            "principals_before": len(usual),
            "users": users,
            "cut": len(recent) >= MOST_EVENTS or len(before) >= MOST_CALLS_OF_ADDRESS,
        },
    )


def _users(recent: Iterable[Event], before: Iterable[Event]) -> list[dict[str, Any]]:
    """One row a principal, those of the recent part first, then by name."""
    now = [event for event in recent if not event.by_service]
    then = [event for event in before if not event.by_service]
    by_principal: dict[str, list[Event]] = {}
    for event in (*now, *then):
        by_principal.setdefault(event.principal.id, []).append(event)
    used_now, used_then = ({event.principal.id for event in part} for part in (now, then))
    rows = [_row(name, events, name in used_now, name in used_then) for name, events in by_principal.items()]
    return sorted(rows, key=lambda row: (not row["recent"], row["principal"]))


def _row(principal: str, events: Sequence[Event], recent: bool, before: bool) -> dict[str, Any]:
    return {
        "principal": principal,
        "count": len(events),
        "keys": sorted({event.key for event in events if event.key})[:MOST_KEYS],
        "first_seen": rfc3339(min(event.at for event in events)),
        "last_seen": rfc3339(max(event.at for event in events)),
        "recent": recent,
        "before": before,
    }


def _fact(row: Mapping[str, Any]) -> str:
    calls = "1 call" if row["count"] == 1 else f"{row['count']} calls"
    since = (
        ", before and now" if row["recent"] and row["before"] else ", only before" if row["before"] else ", new here"
    )
    keys = f", keys {', '.join(row['keys'][:3])}" if row["keys"] else ""
    return f"{calls}, last {row['last_seen']}{since}{keys}"


def _headline(
    users: Sequence[Any], others: Sequence[Mapping[str, Any]], before: int, *, egress: bool, looked: str
) -> str:
    if not users:
        return f"used by nobody {looked}"
    if egress and before < SHARED_EXIT:
        return "an own network"
    if egress:
        return f"a shared exit: {before} principals used it in the {PREVALENCE.days} days before"
    if not others:
        return f"used by nobody else {looked}"
    now = sum(bool(row["recent"]) for row in others)
    names = ", ".join(str(row["principal"]).split("/", 1)[-1] for row in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    return f"also used by {names}{more} ({now} of them recently)"
