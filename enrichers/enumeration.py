"""Is the address trying several keys?

A thief with a list of keys asks from one place who each of them is and what it is worth, within minutes: the keys that
answer are the next victims, and every one of them is stolen. An office, a pipeline and one person's two keys do the
same every day, so it counts only where several people's keys show up at an address that is new to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.model import Answer, Context, Declaration, Fact, Hit, Hits, Kind, Observable, Signal, Unknown, inside, rfc3339

DECLARATION = Declaration(
    question="Is the address trying several keys?",
    takes=frozenset({Kind.IP, Kind.ACCESS_KEY}),
    needs=frozenset({"history"}),
    raises=frozenset({"enum.medium", "enum.high"}),
)

MOST_ADDRESSES = 10
MOST_NAMED = 10


def enrich(observable: Observable, context: Context) -> Answer:
    return judge(observable, context, {ip: _hunted(ip, context) for ip in _places(observable, context)})


def _places(observable: Observable, context: Context) -> list[str]:
    """The address asked about, or those a key was used from."""
    return [observable.value] if observable.kind is Kind.IP else context.recent_addresses(observable)[:MOST_ADDRESSES]


def _hunted(ip: str, context: Context) -> Hits:
    assert context.hunts is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    return context.hunts.enumeration(ip)


def judge(observable: Observable, context: Context, hunted: Mapping[str, Hits]) -> Answer:
    """What the hunts found at each address. Only a hit in which the key or principal takes part speaks against it."""
    found = [hit for hits in hunted.values() for hit in hits.found]
    own = [hit for hit in found if _takes_part(observable, context, hit)]
    return Answer(
        headline=f"{observable}: {_headline(observable, context, found, own)}",
        facts=tuple(Fact(f"{hit.source_ip}, {rfc3339(hit.first_seen)}", _fact(hit)) for hit in found),
        signals=tuple(_signals(own)),
        unknowns=_unknowns(own, hunted.values()),
        found=bool(found),
        data={"enumerations": [_row(hit, hit in own) for hit in found]},
    )


def _takes_part(observable: Observable, context: Context, hit: Hit) -> bool:
    if observable.kind is Kind.ACCESS_KEY:
        return observable.value in hit.keys
    return context.principal is None or context.principal.id in hit.principals


def _signals(hits: Sequence[Hit]) -> list[Signal]:
    """Where too little is known of the days before, nothing can be called new."""
    told = [hit for hit in hits if hit.level == "match"]
    return [
        Signal("enum.medium" if hit.severity == "medium" else "enum.high", hit.sentence, hit.evidence) for hit in told
    ]


def _unknowns(own: Sequence[Hit], hunted: Iterable[Hits]) -> tuple[Unknown, ...]:
    why = {hits.cut for hits in hunted if hits.cut}
    if any(hit.level == "weak" for hit in own):
        why.add("several keys were tried, but too little history tells whether that is new")
    return tuple(Unknown(kind, each) for each in sorted(why) for kind in ("enum.medium", "enum.high"))


def _headline(observable: Observable, context: Context, found: Sequence[Hit], own: Sequence[Hit]) -> str:
    if own:
        return " ".join(hit.sentence for hit in own)
    if found:
        return f"not among the keys that were tried from {', '.join(str(hit.source_ip) for hit in found)}"
    if observable.kind is Kind.IP and inside(observable.value, context.environment.own_networks):
        return "an own network, not hunted"
    return f"no keys tried {context.looked()}"


def _fact(hit: Hit) -> str:
    more = f" and {len(hit.principals) - MOST_NAMED} more" if len(hit.principals) > MOST_NAMED else ""
    return f"{hit.severity}: {len(hit.keys)} keys of {', '.join(hit.principals[:MOST_NAMED])}{more}"


def _row(hit: Hit, own: bool) -> dict[str, Any]:
    return {
        "ip": hit.source_ip,
        "keys": list(hit.keys),
        "principals": list(hit.principals),
        "events": dict(hit.events),
        "outcomes": dict(hit.outcomes),
        "severity": hit.severity,
        "takes_part": own,
        "enough_history": hit.level == "match",
        "first_seen": rfc3339(hit.first_seen),
        "last_seen": rfc3339(hit.last_seen),
    }
