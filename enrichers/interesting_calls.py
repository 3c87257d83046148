"""Which calls matter?

Of the thousands of calls AWS knows, a few hundred are what attackers live by: they ask what there is, take more rights,
stay, hide, steal, or do damage. Made every day they are somebody's work; new to a principal they are its story.
The list (``interesting_calls.csv``) is TrailDiscover's by Adan Álvarez, CC BY 4.0, shortened.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
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
    Outcome,
    Prevalence,
    Signal,
    Unknown,
    Use,
    rfc3339,
)

DECLARATION = Declaration(
    question="Which calls matter?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset({"history"}),
    raises=frozenset({"ses.toggle", "llm.probe", "recon.speed", "recon.regions"}),
)

LIST = Path(__file__).with_suffix(".csv")

GRAVITY = (
    *("impact", "persistence", "privilege", "credentials", "exfiltration", "evasion", "movement"),
    *("execution", "entry", "collection", "control", "recon"),
)
"""The purposes in the order a responder wants to know them; what asks only comes last."""

SENDING_SWITCHES = frozenset(
    {"ses:UpdateAccountSendingEnabled", "ses:PutAccountSendingAttributes", "ses:PutAccountDetails"}
)
"""What opens or closes e-mail sending for a whole account and region (SES API reference, v1 and v2)."""
SES = "ses:"
QUOTA = frozenset({"ses:GetSendQuota", "ses:GetAccount"})

ASKING = ("List", "Get", "Describe", "Search", "Lookup")
"""How the names of calls begin that only ask."""
PAGES = ("browser", "console")
SPEED, SPEED_NAMES = timedelta(seconds=10), 5
"""More different questions than this within so short a time are no person's typing (Elastic's rule)."""
BREADTH, BREADTH_REGIONS = timedelta(seconds=60), 8
MODELS, INVOKING = "bedrock:ListFoundationModels", ("bedrock:InvokeModel", "bedrock:Converse")
PROBE = timedelta(minutes=15)
LONG_TERM = "AKIA"
MOST_EVENTS = 10_000

MOST_COUNTED = 10
"""New calls whose users are counted, so that the rare ones come first."""
MOST_FACTS = 8
MOST_NAMED = 3
MOST_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class Telling:
    """A call of the list: what attackers use it for, and in how many published incidents it was seen."""

    purposes: tuple[str, ...]
    reports: int
    why: str


@cache
def telling_calls() -> Mapping[str, Telling]:
    """The list, by ``service:Name``."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return {
            row["event"]: Telling(tuple(row["purposes"].split()), int(row["reports"]), row["why"])
            for row in csv.DictReader(file)
        }


def enrich(observable: Observable, context: Context) -> Answer:
    uses, recent = context.uses(observable), context.uses(observable, context.window.recent)
    baseline = context.baseline()
    new = sorted(_new(recent, baseline), key=_gravity)[:MOST_COUNTED]
    counted = [context.prevalence(name) for name in new]
    return judge(context, uses, recent, baseline, counted, events=_events(observable, context))


def _events(observable: Observable, context: Context) -> Sequence[Event]:
    assert context.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    return context.history.events(observable, context.window.recent, limit=MOST_EVENTS)


def judge(
    context: Context,
    uses: Sequence[Use],
    recent: Sequence[Use],
    baseline: Baseline,
    counted: Sequence[Prevalence],
    *,
    events: Sequence[Event] = (),
) -> Answer:
    """What the rows say. ``uses`` are of the whole window, ``recent`` of its end; ``counted``: who made new ones.

    ``events`` (newest first) are the recent calls one by one.
    """
    rows = _rows(uses, _new(recent, baseline), baseline, {each.event: len(each.principals) for each in counted})
    new = [row for row in rows if row["new"]]
    switched, unknowns = _switched(recent, baseline, context)
    own = [event for event in reversed(events) if not event.by_service]
    probed, undecided = _probe(own, baseline)
    paced = (*_speed(own, baseline), *_breadth(own, baseline), *probed)
    return Answer(
        headline=_headline(rows, new, context.looked(), thin=baseline.thin),
        facts=tuple(Fact(row["event"], _fact(row)) for row in rows[:MOST_FACTS]),
        signals=(*switched, *paced),
        unknowns=(*unknowns, *undecided),
        found=bool(new) or bool(paced) or (baseline.thin and bool(rows)),
        data={"calls": rows},
    )


def _own(uses: Iterable[Use]) -> list[Use]:
    return [use for use in uses if not use.by_service]


def _new(recent: Iterable[Use], baseline: Baseline) -> set[str]:
    """The telling calls of the recent part that the principal did not make before."""
    return {use.event for use in _own(recent)} & telling_calls().keys() - {use.event for use in baseline.uses}


def _gravity(event: str) -> tuple[int, int, str]:
    telling = telling_calls()[event]
    known = [GRAVITY.index(purpose) for purpose in telling.purposes if purpose in GRAVITY]
    return min(known, default=len(GRAVITY)), -telling.reports, event


def _rows(
    uses: Iterable[Use], new: set[str], baseline: Baseline, principals: Mapping[str, int]
) -> list[dict[str, Any]]:
    """One row a call: the new ones first, the rarest of them first, then the gravest."""
    by_event: dict[str, list[Use]] = {}
    for use in _own(uses):
        if use.event in telling_calls():
            by_event.setdefault(use.event, []).append(use)
    rows = [_row(event, found, event in new, baseline, principals.get(event)) for event, found in by_event.items()]
    return sorted(
        rows, key=lambda row: (row["event"] not in new, _unless_none(row["principals"]), *_gravity(row["event"]))
    )


def _unless_none(principals: int | None) -> float:
    return float("inf") if principals is None else principals


def _row(event: str, uses: Sequence[Use], new: bool, baseline: Baseline, principals: int | None) -> dict[str, Any]:
    return {
        "event": event,
        "count": sum(use.count for use in uses),
        "ok": sum(use.count for use in uses if use.outcome is Outcome.OK),
        "denied": sum(use.count for use in uses if use.outcome is Outcome.DENIED),
        "purposes": list(telling_calls()[event].purposes),
        "reports": telling_calls()[event].reports,
        "new": None if baseline.thin else new,
        "principals": principals,
        "first_seen": rfc3339(min(use.first_seen for use in uses)),
        "last_seen": rfc3339(max(use.last_seen for use in uses)),
        "why": telling_calls()[event].why,
    }


def _headline(rows: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], looked: str, *, thin: bool) -> str:
    if not rows:
        return f"Calls that matter: none {looked}"
    shown, what = (rows, "new or not: too little history") if thin else (new, "new to this principal")
    if not shown:
        kinds = "1 kind" if len(rows) == 1 else f"{len(rows)} kinds"
        return f"Calls that matter: {kinds}, all made before"
    named = ", ".join(f"{row['event']} ({_short(row)})" for row in shown[:MOST_NAMED])
    more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
    return f"{named}{more}; {what}"


def _short(row: Mapping[str, Any]) -> str:
    known = {None: "", 0: ", nobody before", 1: ", 1 principal before"}
    users = known.get(row["principals"], f", {row['principals']} principals before")
    return f"{row['count']}, {'/'.join(row['purposes'])}{users}"


def _fact(row: Mapping[str, Any]) -> str:
    novelty = {True: "new", False: "made before", None: "new or not: too little history"}[row["new"]]
    refused = f", {row['denied']} refused" if row["denied"] else ""
    calls = "1 call" if row["count"] == 1 else f"{row['count']} calls"
    return f"{calls}{refused}, {novelty}, last {row['last_seen']}. {row['why']}"


def _switched(
    recent: Iterable[Use], baseline: Baseline, context: Context
) -> tuple[tuple[Signal, ...], tuple[Unknown, ...]]:
    """E-mail sending switched for a whole account by somebody who has nothing to do with e-mail."""
    hits = [use for use in _own(recent) if use.event in SENDING_SWITCHES]
    if not hits or any(use.event.startswith(SES) for use in baseline.uses):
        return (), ()
    if baseline.thin:
        return (), (Unknown("ses.toggle", baseline.why_thin),)
    who = context.principal.name if context.principal is not None else "this principal"
    regions = ", ".join(sorted({use.region for use in hits}))
    priced = ", and its price was asked" if any(use.event in QUOTA for use in _own(recent)) else ""
    sentence = (
        f"Account-wide e-mail sending {_switch(hits)} in {regions} by {who}, who had nothing to do with e-mail before"
        f"{priced}."
    )
    evidence = tuple(dict.fromkeys(event for use in hits for event in use.evidence))[:MOST_EVIDENCE]
    return (Signal("ses.toggle", sentence, evidence),), ()


def _switch(hits: Iterable[Use]) -> str:
    """Which way it was switched, as far as it is known; a refused call has switched nothing."""
    ways = {use.detail.enabled for use in hits if use.detail is not None and use.detail.enabled is not None}
    way = {(True,): " on", (False,): " off", (False, True): " on and off"}.get(tuple(sorted(ways)), "")
    done = any(use.outcome is Outcome.OK for use in hits)
    return f"was switched{way}" if done else f"was to be switched{way}, and was not,"


# ------------------------------------------------------------------------------------ how it was asked


def _speed(events: Sequence[Event], baseline: Baseline) -> list[Signal]:
    """Many different questions within seconds, one of them new: a script that looks around."""
    asked = [event for event in events if _asks(event) and event.family.startswith("aws-cli")]
    hits = _densest(asked, SPEED, lambda event: event.name)
    names = {event.name for event in hits}
    if len(names) <= SPEED_NAMES or not _any_new(names, baseline):
        return []
    sentence = f"{len(names)} different discovery calls came within {SPEED.seconds} seconds: no person types so fast."
    return [Signal("recon.speed", sentence, _ids(hits))]


def _breadth(events: Sequence[Event], baseline: Baseline) -> list[Signal]:
    """The same question in most regions at once, by somebody who did not ask it before."""
    by_name: dict[str, list[Event]] = {}
    for event in events:
        if _asks(event) and not event.family.startswith(PAGES):
            by_name.setdefault(event.name, []).append(event)
    found = (_densest(calls, BREADTH, lambda event: event.region) for calls in by_name.values())
    hits = max(found, key=lambda calls: len({event.region for event in calls}), default=[])
    regions = {event.region for event in hits}
    if len(regions) < BREADTH_REGIONS or not _any_new({hits[0].name}, baseline):
        return []
    sentence = f"{hits[0].name} was called in {len(regions)} regions within {BREADTH.seconds} seconds."
    return [Signal("recon.regions", sentence, _ids(hits))]


def _probe(events: Sequence[Event], baseline: Baseline) -> tuple[list[Signal], list[Unknown]]:
    """A long-term key asks which models there are and tries one, for the first time."""
    pair = _listed_and_tried(events)
    if not pair or any(use.event.startswith((MODELS, *INVOKING)) for use in baseline.uses):
        return [], []
    if baseline.thin:
        return [], [Unknown("llm.probe", baseline.why_thin)]
    sentence = f"A long-term key asked which models there are, and called {pair[1].name} for the first time."
    return [Signal("llm.probe", sentence, _ids(pair))], []


def _listed_and_tried(events: Iterable[Event]) -> tuple[Event, ...]:
    listed: Event | None = None
    for event in events:
        if event.key is None or not event.key.startswith(LONG_TERM):
            continue
        if event.name == MODELS:
            listed = event
        elif event.name.startswith(INVOKING) and listed is not None and event.at - listed.at <= PROBE:
            return listed, event
    return ()


def _asks(event: Event) -> bool:
    return event.name.partition(":")[2].startswith(ASKING)


def _any_new(names: Iterable[str], baseline: Baseline) -> bool:
    """Whether one of ``names`` was not called before; whoever always asks so, asks so today."""
    return baseline.thin or bool(set(names) - {use.event for use in baseline.uses})


def _densest(events: Sequence[Event], within: timedelta, key: Callable[[Event], str]) -> list[Event]:
    """The stretch of ``events`` (oldest first) no longer than ``within`` that holds most different keys."""
    counts: Counter[str] = Counter()
    best, most, start = slice(0, 0), 0, 0
    for end, event in enumerate(events):
        counts[key(event)] += 1
        while event.at - events[start].at > within:
            counts[key(events[start])] -= 1
            if not counts[key(events[start])]:
                del counts[key(events[start])]
            start += 1
        if len(counts) > most:
            best, most = slice(start, end + 1), len(counts)
    return list(events[best])


def _ids(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event.id for event in events))[:MOST_EVIDENCE]
