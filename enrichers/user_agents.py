"""Which clients made the calls, and does the principal usually use them?

An attack tool or a penetration-testing system in the user agent is the strongest single sign there is, but the caller
chooses the user agent: its absence clears nobody. A kind of client the principal never used is weaker (a new laptop
looks the same); it counts together with an odd address or refused calls. Clients are compared by family, without
versions and commands, or every update would look new. The AWS CLI writes the id of its terminal into the user agent:
another key with that id was typed by the same hands, whatever its address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.model import (
    Answer,
    Baseline,
    Context,
    Declaration,
    Event,
    Fact,
    Kind,
    Observable,
    Signal,
    Unknown,
    Use,
    family_is_new,
    offensive_distribution,
    offensive_name,
    rfc3339,
    terminal_of,
)

DECLARATION = Declaration(
    question="Which clients made the calls?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP, Kind.USER_AGENT, Kind.EVENT}),
    needs=frozenset({"history"}),
    raises=frozenset({"ua.offensive", "ua.new14", "ua.multi", "s3.tool"}),
)

ACTORS = frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL})

MOST_AGENTS = 10
MOST_FACTS = 8
MOST_EVIDENCE = 10
MOST_EVENTS = 10_000
LONGEST_AGENT = 256

TOGETHER = timedelta(minutes=60)
"""Two clients on one key from one address are odd if they are used within this time."""

S3_TOOLS = {"s3browser": "S3 Browser", "cyberduck": "Cyberduck", "winscp": "WinSCP", "rclone": "rclone"}
"""Programs to carry buckets away with; some people's daily tool, and many a thief's."""

MOST_TERMINALS = 5
MOST_KEYS = 20

NOT_TYPED = ("browser", "console", "aws-internal", "service", "none")
"""Tools of families that stand beside a command line in a normal day's work."""


def enrich(observable: Observable, context: Context) -> Answer:
    return judge(
        observable,
        context,
        context.uses(observable),
        context.uses(observable, context.window.recent),
        context.baseline(),
        events=_events(observable, context),
        terminals=_terminals(observable, context),
    )


def judge(
    observable: Observable,
    context: Context,
    uses: Sequence[Use],
    recent: Sequence[Use],
    baseline: Baseline,
    *,
    events: Sequence[Event] = (),
    terminals: Mapping[str, Sequence[Use] | None] | None = None,
) -> Answer:
    """What the rows say. ``uses`` are of the whole window, ``recent`` and ``events`` (newest first) of its end.

    ``terminals``: what was done in each terminal, with any key; ``None`` where that cannot be looked for.
    """
    recent = [use for use in recent if not use.by_service]
    families = _families([use for use in uses if not use.by_service], recent, baseline)
    new = [row["family"] for row in families if row["new"]]
    who = context.principal.name if context.principal is not None else "Somebody"
    several = _several(events)
    signals = [
        *(*_offensive(recent, who), *_new(recent, new, baseline, who)),
        *(*several, *_s3_tools(recent, new, who)),
    ]
    shared = [_terminal(sid, rows, observable, context) for sid, rows in (terminals or {}).items()]
    return Answer(
        headline=_headline(families, shared, context.looked()),
        facts=(
            *(Fact(_words(row["family"]), _fact(row)) for row in families[:MOST_FACTS]),
            *(Fact(f"Terminal {row['sid']}", _shared_fact(row)) for row in shared if row["keys"]),
        ),
        signals=tuple(signals),
        unknowns=_unknowns(observable, recent, baseline, cut=len(events) >= MOST_EVENTS and not several),
        data={"families": families, "terminals": shared},
    )


def _events(observable: Observable, context: Context) -> Sequence[Event]:
    """The single calls of the recent part, where several clients on one long-term key are possible."""
    if observable.kind not in ACTORS or context.history is None:
        return ()
    return context.history.events(observable, context.window.recent, limit=MOST_EVENTS)


# --------------------------------------------------------------------------------------- the families


def _families(uses: Iterable[Use], recent: Iterable[Use], baseline: Baseline) -> list[dict[str, Any]]:
    """One row a family, the most used first; ``new`` is ``None`` where the baseline is too thin to say."""
    known = {use.family for use in baseline.uses if not use.by_service}
    in_recent = {use.family for use in recent}
    by_family: dict[str, list[Use]] = {}
    for use in uses:
        by_family.setdefault(use.family, []).append(use)
    rows = [
        _row(family, rows, None if baseline.thin else family in in_recent and family_is_new(family, known))
        for family, rows in by_family.items()
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["family"]))


def _row(family: str, uses: Sequence[Use], new: bool | None) -> dict[str, Any]:
    last_seen: dict[str, datetime] = {}
    for use in uses:
        last_seen[use.user_agent] = max(use.last_seen, last_seen.get(use.user_agent, use.last_seen))
    agents = sorted(last_seen, key=lambda agent: (-last_seen[agent].timestamp(), agent))
    cut = {"truncated": True, "agents_count": len(agents)} if len(agents) > MOST_AGENTS else {}
    return {
        "family": family,
        "count": sum(use.count for use in uses),
        "first_seen": rfc3339(min(use.first_seen for use in uses)),
        "last_seen": rfc3339(max(use.last_seen for use in uses)),
        "new": new,
        "agents": agents[:MOST_AGENTS],
        **cut,
    }


def _words(family: str) -> str:
    """``aws-cli/1|linux|kali|-`` as "aws-cli/1 linux kali"."""
    return " ".join(part for part in family.split("|") if part != "-") or "unknown client"


def _fact(row: Mapping[str, Any]) -> str:
    novelty = {True: ", new", False: "", None: ", new or not: too little history"}[row["new"]]
    calls = "1 call" if row["count"] == 1 else f"{row['count']} calls"
    first = "" if row["first_seen"] == row["last_seen"] else f", first {row['first_seen']}"
    return f"{calls}{first}, last {row['last_seen']}{novelty}"


def _headline(families: Sequence[Mapping[str, Any]], shared: Sequence[Mapping[str, Any]], looked: str) -> str:
    if not families:
        return f"Clients: no calls {looked}"
    new = [_words(row["family"]) for row in families if row["new"]]
    kinds = "1 kind of client" if len(families) == 1 else f"{len(families)} kinds of client"
    others = list(dict.fromkeys(key["key"] for row in shared for key in row["keys"] or ()))
    terminal = f"; the same terminal used {', '.join(others[:3])}" if others else ""
    more = f" and {len(others) - 3} more keys" if len(others) > 3 else ""
    return (f"{kinds}, new: {', '.join(new[:3])}" if new else kinds) + terminal + more


# --------------------------------------------------------------------------------------- the terminals


def _terminals(observable: Observable, context: Context) -> Mapping[str, Sequence[Use] | None]:
    """What was done in each terminal the recent calls came from, the newest first, with whatever key."""
    if observable.kind not in ACTORS:
        return {}
    recent = sorted(context.uses(observable, context.window.recent), key=lambda use: use.last_seen, reverse=True)
    found = dict.fromkeys(sid for use in recent if not use.by_service and (sid := terminal_of(use.user_agent)))
    asked = {sid: Observable(Kind.USER_AGENT, f"sid/{sid}") for sid in [*found][:MOST_TERMINALS]}
    return {sid: context.uses_if_searchable(terminal) for sid, terminal in asked.items()}


def _terminal(sid: str, uses: Sequence[Use] | None, observable: Observable, context: Context) -> dict[str, Any]:
    """The other keys of one terminal; ``None`` where they cannot be looked for."""
    if uses is None:
        return {"sid": sid, "keys": None}
    me = context.principal.id if context.principal is not None else None
    own = {observable.value} if observable.kind is Kind.ACCESS_KEY else {use.key for use in uses if use.principal == me}
    others: dict[str, list[Use]] = {}
    for use in uses:
        if use.key and use.key not in own and not use.by_service:
            others.setdefault(use.key, []).append(use)
    keys = [
        {
            "key": key,
            "principal": rows[-1].principal,
            "count": sum(use.count for use in rows),
            "last_seen": rfc3339(max(use.last_seen for use in rows)),
        }
        for key, rows in sorted(others.items())
    ]
    return {"sid": sid, "keys": keys}


def _shared_fact(row: Mapping[str, Any]) -> str:
    named = ", ".join(f"{key['key']} of {key['principal'].split('/', 1)[-1]}" for key in row["keys"][:MOST_KEYS])
    more = f" and {len(row['keys']) - MOST_KEYS} more" if len(row["keys"]) > MOST_KEYS else ""
    return f"also used with {named}{more}"


# ---------------------------------------------------------------------------------------- the signals


def _offensive(recent: Sequence[Use], who: str) -> list[Signal]:
    hits = sorted((use for use in recent if offensive_name(use.family)), key=lambda use: use.last_seen, reverse=True)
    if not hits:
        return []
    newest = hits[0]
    name = offensive_name(newest.family)
    what = "a penetration-testing system" if offensive_distribution(newest.family) else "an attack tool"
    sentence = f"{who} called AWS from {name}, {what} ({newest.user_agent[:LONGEST_AGENT]})."
    return [Signal("ua.offensive", sentence, _evidence(hits))]


def _new(recent: Sequence[Use], new: Sequence[str], baseline: Baseline, who: str) -> list[Signal]:
    hits = sorted((use for use in recent if use.family in new), key=lambda use: use.last_seen, reverse=True)
    if not hits:
        return []
    names = ", ".join(dict.fromkeys(_words(use.family) for use in hits))
    days = (baseline.span.until - baseline.span.since).days + 1
    return [
        Signal(
            "ua.new14",
            f"This kind of client ({names}) was not used by {who} in the {days} days before "
            f"({baseline.events} calls checked, usual: {_usual(baseline)}).",
            _evidence(hits),
        )
    ]


def _s3_tools(recent: Sequence[Use], new: Sequence[str], who: str) -> list[Signal]:
    hits = [use for use in recent if use.family in new and use.family.partition("|")[0] in S3_TOOLS]
    if not hits:
        return []
    names = ", ".join(dict.fromkeys(S3_TOOLS[use.family.partition("|")[0]] for use in hits))
    return [Signal("s3.tool", f"{who} used {names} for the first time.", _evidence(reversed(hits)))]


def _usual(baseline: Baseline) -> str:
    counts: dict[str, int] = {}
    for use in baseline.uses:
        if not use.by_service:
            counts[use.family] = counts.get(use.family, 0) + use.count
    return ", ".join(_words(family) for family in sorted(counts, key=lambda name: (-counts[name], name))[:3])


def _several(events: Sequence[Event]) -> list[Signal]:
    """The largest set of different clients on one long-term key from one address within ``TOGETHER``."""
    best: list[Event] = []
    for calls in _by_key_and_address(events).values():
        best = max(best, _most_clients(calls), key=lambda found: len({event.family for event in found}))
    if not best:
        return []
    newest = list({event.family: event for event in best}.values())
    minutes = max(1, round((best[-1].at - best[0].at).total_seconds() / 60))
    sentence = f"One key, {len(newest)} different clients within {minutes} minutes."
    return [Signal("ua.multi", sentence, tuple(event.id for event in newest)[:MOST_EVIDENCE])]


def _by_key_and_address(events: Sequence[Event]) -> dict[tuple[str, str], list[Event]]:
    """Typed calls with long-term keys, oldest first."""
    calls: dict[tuple[str, str], list[Event]] = {}
    for event in reversed(events):
        typed = not event.family.startswith(NOT_TYPED) and not event.by_service
        if typed and event.ip and event.key is not None and event.key.startswith("AKIA"):
            calls.setdefault((event.key, event.ip), []).append(event)
    return calls


class _Clients:
    """The families of a stretch of calls, and whether two differ: constant work a call, for callers choose names."""

    def __init__(self) -> None:
        self.families: Counter[str] = Counter()
        self._tools: Counter[str] = Counter()
        self._machines: Counter[tuple[str, str]] = Counter()
        self._nowhere = 0

    def count(self, family: str, step: int) -> None:
        tool, system, distribution = [*family.split("|"), "-", "-"][:3]
        changes: list[tuple[Counter[Any], object]] = [(self.families, family), (self._tools, tool.partition("/")[0])]
        if system == "-":
            self._nowhere += step
        else:
            changes.append((self._machines, (system, distribution)))
        for counter, name in changes:
            counter[name] += step
            if not counter[name]:
                del counter[name]

    @property
    def differ(self) -> bool:
        """Two tools on one machine are a developer's day; two machines, or two tools of no known machine, are not."""
        return len(self._machines) > 1 or (self._nowhere > 0 and len(self._tools) > 1)


def _most_clients(calls: Sequence[Event]) -> list[Event]:
    """The stretch of ``calls`` no longer than ``TOGETHER`` that holds most families, if two of them differ."""
    clients = _Clients()
    best, most, start = slice(0, 0), 0, 0
    for end, call in enumerate(calls):
        clients.count(call.family, 1)
        while call.at - calls[start].at > TOGETHER:
            clients.count(calls[start].family, -1)
            start += 1
        if len(clients.families) > most and clients.differ:
            best, most = slice(start, end + 1), len(clients.families)
    return list(calls[best])


def _unknowns(observable: Observable, recent: Sequence[Use], baseline: Baseline, *, cut: bool) -> tuple[Unknown, ...]:
    unknowns = []
    if recent and observable.kind not in ACTORS:
        unknowns.append(Unknown("ua.new14", "asked of keys and principals only: triage those that were used"))
    elif recent and baseline.thin:
        unknowns.append(Unknown("ua.new14", baseline.why_thin))
        if any(use.family.partition("|")[0] in S3_TOOLS for use in recent):
            unknowns.append(Unknown("s3.tool", baseline.why_thin))
    if cut:
        unknowns.append(Unknown("ua.multi", f"only the newest {MOST_EVENTS} recent calls were compared"))
    return tuple(unknowns)


def _evidence(uses: Iterable[Use]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event for use in uses for event in use.evidence))[:MOST_EVIDENCE]
