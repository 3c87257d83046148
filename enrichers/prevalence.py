"""Who else makes this call?

What hardly anybody in the organisation ever calls is where a thief differs from its people, and the users of such a
call are the first list of keys to look at. Counted are principals, not calls: one service may call something all day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.model import (
    PREVALENCE,
    Answer,
    Baseline,
    Context,
    Declaration,
    Fact,
    Kind,
    Observable,
    Prevalence,
    Signal,
    Unknown,
    Use,
    rfc3339,
)

DECLARATION = Declaration(
    question="Who else makes these calls?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.EVENT}),
    needs=frozenset({"history"}),
    raises=frozenset({"api.first"}),
)

MOST_CALLS, MOST_KNOWN = 40, 5
"""New calls of one key that are counted, and others: those it made least often."""
MOST_FACTS = 8
MOST_NAMED = 3
MOST_SIGNALS = 10
MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    recent = [use for use in context.uses(observable, context.window.recent) if not use.by_service and use.event]
    if observable.kind is Kind.EVENT:
        return judge_event(observable, context.prevalence(observable.value), recent, context)
    baseline = context.baseline()
    new, known = _calls(recent, baseline)
    return judge(
        context,
        recent,
        baseline,
        [context.prevalence(name) for name in [*new[:MOST_CALLS], *known[:MOST_KNOWN]]],
        new=len(new),
        population=context.population(),
    )


def judge(
    context: Context,
    recent: Sequence[Use],
    baseline: Baseline,
    counted: Sequence[Prevalence],
    *,
    new: int,
    population: int | None,
) -> Answer:
    """How common the recent calls are. ``new`` is how many are new to the principal, counted or not."""
    made = {use.event for use in baseline.uses}
    rows = sorted(
        ({**_row(each), "new": None if baseline.thin else each.event not in made} for each in counted),
        key=lambda row: (row["principals"], row["event"]),
    )
    rare = [row for row in rows if row["new"] and _is_rare(row, context)]
    return Answer(
        headline=_headline(rows, rare, context.looked(), thin=baseline.thin and bool(new)),
        facts=tuple(Fact(row["event"], _fact(row)) for row in rows[:MOST_FACTS]),
        signals=tuple(_signal(row, recent, context, population) for row in rare[:MOST_SIGNALS]),
        unknowns=_unknowns(baseline, new, min(len(counted), new), fired=bool(rare)),
        found=False,
        data={"events": rows, "new_calls": new, "population": population},
    )


def judge_event(observable: Observable, before: Prevalence, recent: Sequence[Use], context: Context) -> Answer:
    """How common one call is. ``recent`` are its uses in the end of the window."""
    row = _row(before)
    now = sorted({use.principal for use in recent})
    often = "rare here" if row["exact"] and row["principals"] <= context.rare_at_most() else "common here"
    return Answer(
        headline=f"{observable}: {often}; {_many(row)} in the {PREVALENCE.days} days before, {len(now)} recently",
        facts=(
            Fact("Before", f"{_calls_told(row)} by {_many(row)}: {_named(row['who'])}"),
            Fact("Recently", f"{len(now)} principals: {_named(now)}"),
        ),
        data={"events": [row], "recently": now, "population": context.population()},
    )


def _calls(recent: Iterable[Use], baseline: Baseline) -> tuple[list[str], list[str]]:
    """The recent calls that the principal did not make before, and the others; the least frequent first."""
    made = {use.event for use in baseline.uses}
    counts: dict[str, int] = {}
    for use in recent:
        counts[use.event] = counts.get(use.event, 0) + use.count
    names = sorted(counts, key=lambda name: (counts[name], name))
    return [name for name in names if name not in made], [name for name in names if name in made]


def _row(each: Prevalence) -> dict[str, Any]:
    return {
        "event": each.event,
        "count": each.count,
        "principals": len(each.principals),
        "who": list(each.principals),
        "first_seen": rfc3339(each.first_seen) if each.first_seen else None,
        "exact": each.exact,
    }


def _is_rare(row: Mapping[str, Any], context: Context) -> bool:
    me = context.principal.id if context.principal is not None else None
    return bool(row["exact"]) and row["principals"] <= context.rare_at_most() and me not in row["who"]


def _signal(row: Mapping[str, Any], recent: Iterable[Use], context: Context, population: int | None) -> Signal:
    who = context.principal.name if context.principal is not None else "this principal"
    used = f"{_many(row)} of {population}" if population is not None else _many(row)
    ever = f"{used} used it in the {PREVALENCE.days} days before"
    evidence = tuple(event for use in recent if use.event == row["event"] for event in use.evidence)
    sentence = f"{row['event']} is rare here: {ever}; {who} never did."
    return Signal("api.first", sentence, tuple(dict.fromkeys(evidence))[:MOST_EVIDENCE])


def _unknowns(baseline: Baseline, new: int, counted: int, *, fired: bool) -> tuple[Unknown, ...]:
    if new and baseline.thin:
        return (Unknown("api.first", baseline.why_thin),)
    if new > counted and not fired:
        return (Unknown("api.first", f"only {counted} of {new} calls new to this principal were counted"),)
    return ()


def _headline(rows: Sequence[Any], rare: Sequence[Mapping[str, Any]], looked: str, *, thin: bool) -> str:
    if rare:
        more = f" and {len(rare) - MOST_NAMED} more" if len(rare) > MOST_NAMED else ""
        named = ", ".join(f"{row['event']} ({_many(row)} before)" for row in rare[:MOST_NAMED])
        return f"Rare here and new to this principal: {named}{more}"
    if thin and rows:
        return "Rare calls: too little history to say what is new"
    return f"Rare calls new to this principal: none {looked}"


def _fact(row: Mapping[str, Any]) -> str:
    return f"{_many(row)} before: {_named(row['who'])}"


def _many(row: Mapping[str, Any]) -> str:
    if not row["principals"]:
        return "nobody"
    return f"{'' if row['exact'] else 'at least '}{_count(row['principals'], 'principal')}"


def _calls_told(row: Mapping[str, Any]) -> str:
    return f"{'' if row['exact'] else 'at least '}{_count(row['count'], 'call')}"


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}s"


def _named(principals: Sequence[str]) -> str:
    more = f" and {len(principals) - MOST_NAMED} more" if len(principals) > MOST_NAMED else ""
    return (", ".join(principals[:MOST_NAMED]) or "nobody") + more
