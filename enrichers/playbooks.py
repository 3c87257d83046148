"""Which known playbook does the activity resemble?

Attackers earn their money in a dozen ways, and each has its calls: e-mail fraud, mining, model theft, ransom, new users
to come back with. A match tells what comes next and what to contain besides the key. Attempts count for intent, only
what succeeded has done harm, and what the principal did all along is its work and no playbook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.model import (
    Answer,
    Baseline,
    Context,
    Declaration,
    Fact,
    Hit,
    Hits,
    Kind,
    Observable,
    Outcome,
    Signal,
    Unknown,
    rfc3339,
)

DECLARATION = Declaration(
    question="Which known playbook does the activity resemble?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset({"history"}),
    raises=frozenset({"playbook.impact", "playbook.persistence", "playbook.succeeded", "logging.tamper"}),
)

LEVELS = ("match", "weak", "step")
"""The most telling first."""

DAMAGE = ("impact", "exfiltration")
"""Tactics that cost money or data at once (the names are MITRE ATT&CK's)."""
STAYING = "persistence"
HIDING = "defense-evasion"

MOST_FACTS = 8
MOST_NAMED = 3
MOST_CALLS = 6


def enrich(observable: Observable, context: Context) -> Answer:
    return judge(context, _hunted(observable, context), context.baseline())


def _hunted(observable: Observable, context: Context) -> Hits:
    assert context.hunts is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    return context.hunts.playbooks(observable)


def judge(context: Context, hunted: Hits, baseline: Baseline) -> Answer:
    """What the hunts found."""
    made = {use.event for use in baseline.uses}
    hits = sorted(hunted.found, key=lambda hit: (LEVELS.index(hit.level), _habitual(hit, made), -hit.rarity, hit.hunt))
    told = [hit for hit in hits if _is_told(hit, made)]
    return Answer(
        headline=_headline([hit for hit in told if not _habitual(hit, made)], context.looked()),
        facts=tuple(Fact(_name(hit), _fact(hit, made)) for hit in told[:MOST_FACTS]),
        signals=(*_matches(hits, made), *_done(hits, made, baseline)),
        unknowns=_unknowns(hits, made, baseline),
        found=any(hit.level != "step" and not _habitual(hit, made) for hit in hits),
        data={"playbooks": [_row(hit, made, baseline) for hit in told]},
    )


def _is_told(hit: Hit, made: set[str]) -> bool:
    """A match always, refused looks round where they are new, single steps where they did harm."""
    if hit.level == "step":
        return hit.tactic in {*DAMAGE, STAYING} and bool(_succeeded(hit, made))
    return hit.level == "match" or not _habitual(hit, made)


def _telling(hit: Hit) -> Sequence[str]:
    """The calls that tell a playbook from an ordinary day."""
    return hit.core or tuple(hit.events)


def _habitual(hit: Hit, made: Iterable[str]) -> bool:
    return set(_telling(hit)) <= set(made)


def _succeeded(hit: Hit, made: Iterable[str]) -> list[str]:
    """The steps that matter by themselves, succeeded, and were never made before."""
    return [name for name in hit.core if hit.calls.get(name, {}).get(Outcome.OK, 0) and name not in made]


# ---------------------------------------------------------------------------------------- the signals


def _matches(hits: Iterable[Hit], made: set[str]) -> list[Signal]:
    fresh = [hit for hit in hits if hit.level == "match" and not _habitual(hit, made)]
    return [Signal(kind, hit.sentence, hit.evidence) for hit in fresh if (kind := _kind(hit))]


def _kind(hit: Hit) -> str | None:
    if hit.tactic in DAMAGE:
        return "playbook.impact"
    return {STAYING: "playbook.persistence", HIDING: "logging.tamper"}.get(hit.tactic)


def _done(hits: Iterable[Hit], made: set[str], baseline: Baseline) -> list[Signal]:
    if baseline.thin:
        return []
    return [
        Signal("playbook.succeeded", f"{', '.join(steps)} succeeded for the first time: {hit.title}.", hit.evidence)
        for hit in hits
        if hit.tactic in {*DAMAGE, STAYING} and (steps := _succeeded(hit, made))
    ]


def _unknowns(hits: Iterable[Hit], made: set[str], baseline: Baseline) -> tuple[Unknown, ...]:
    undecided = any(hit.tactic in {*DAMAGE, STAYING} and _succeeded(hit, made) for hit in hits)
    return (Unknown("playbook.succeeded", baseline.why_thin),) if baseline.thin and undecided else ()


# ----------------------------------------------------------------------------------- what people read


def _name(hit: Hit) -> str:
    return {"match": hit.title, "weak": f"{hit.title} (weak)", "step": f"{hit.title} (single steps)"}[hit.level]


def _headline(hits: Sequence[Hit], looked: str) -> str:
    resembled = [hit for hit in hits if hit.level != "step"]
    if not resembled:
        return f"Playbooks: none resembled {looked}"
    named = "; ".join(f"{_name(hit)}: {_split(hit.outcomes)}" for hit in resembled[:MOST_NAMED])
    return named + (f"; and {len(resembled) - MOST_NAMED} more" if len(resembled) > MOST_NAMED else "")


def _split(outcomes: Mapping[str, int]) -> str:
    words = {Outcome.OK: "succeeded", Outcome.DENIED: "refused", Outcome.DRY_RUN: "dry runs"}
    told = [f"{outcomes[end]} {word}" for end, word in words.items() if outcomes.get(end)]
    rest = sum(count for end, count in outcomes.items() if end not in words)
    return ", ".join([*told, *([f"{rest} failed"] if rest else [])])


def _fact(hit: Hit, made: set[str]) -> str:
    names = sorted(hit.events, key=lambda name: (name not in hit.core, name in made, name))
    calls = "; ".join(f"{name} {_split(hit.calls.get(name, {}))}" for name in names[:MOST_CALLS])
    more = f"; and {len(names) - MOST_CALLS} more" if len(names) > MOST_CALLS else ""
    habit = ", its habit before, too" if _habitual(hit, made) else ""
    return f"{calls}{more}{habit}; {rfc3339(hit.first_seen)} to {rfc3339(hit.last_seen)}"


def _row(hit: Hit, made: set[str], baseline: Baseline) -> dict[str, Any]:
    return {
        "playbook": hit.hunt,
        "title": hit.title,
        "tactic": hit.tactic,
        "level": hit.level,
        "habit": _habitual(hit, made) if not baseline.thin else None,
        "outcomes": dict(hit.outcomes),
        "calls": [
            {
                "event": name,
                "core": name in hit.core,
                "new": None if baseline.thin else name not in made,
                "outcomes": dict(hit.calls.get(name, {})),
            }
            for name in hit.events
        ],
        "regions": list(hit.regions),
        "first_seen": rfc3339(hit.first_seen),
        "last_seen": rfc3339(hit.last_seen),
    }
