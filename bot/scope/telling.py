"""``Scope`` → the JSON document of ``triage scope``, and the same as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.document import searched_document
from bot.model import rfc3339
from bot.plain import clean
from bot.scope.result import Scope, Suspicion

Json = dict[str, Any]


def scope_document(scope: Scope) -> Json:
    """The document of ``triage scope``."""
    return {
        "leads": [{"kind": lead.kind.value, "value": lead.value} for lead in scope.leads],
        "window": {
            "since": rfc3339(scope.window.since),
            "until": rfc3339(scope.window.until),
            "baseline_since": rfc3339(scope.baseline.since),
        },
        "searched": searched_document(scope.searched),
        "rounds": scope.rounds,
        "confirmed": [_suspicion(each) for each in scope.confirmed],
        "suspects": [_suspicion(each) for each in scope.suspects],
        "excluded": [{"what": each.what, "why": each.why} for each in scope.excluded],
        "rare_events": [
            {
                "event": each.event,
                "principals_before": each.principals_before,
                "principals_ever": each.principals_ever,
            }
            for each in scope.rare_events
        ],
        "attacker": {
            "ips": list(scope.attacker.ips),
            "families": list(scope.attacker.families),
            "events": list(scope.attacker.events),
        },
        "gaps": [{"question": gap.question, "why": gap.why} for gap in scope.gaps],
    }


def scope_text(scope: Scope) -> str:
    """What a person at a terminal reads."""
    leads = ", ".join(lead.value for lead in scope.leads)
    window = f"{rfc3339(scope.window.since)} to {rfc3339(scope.window.until)}"
    baseline = f"against what was usual since {rfc3339(scope.baseline.since)}"
    lines = [f"Scope of {leads}", f"{window}, {baseline}; {scope.rounds} rounds", ""]
    lines += [f"{len(scope.confirmed)} keys in the same hands" if scope.confirmed else "No key is confirmed."]
    lines += [line for each in scope.confirmed for line in _lines(each)]
    lines += _section("Suspects, for a person to decide", (line for each in scope.suspects for line in _lines(each)))
    lines += _section("Set aside", (f"  {each.what}: {each.why}" for each in scope.excluded))
    rare = (
        f"  {each.event}: {each.principals_before} principals before, {each.principals_ever} ever"
        for each in scope.rare_events
    )
    lines += _section("Rare events of these keys", rare)
    lines += _section("The attacker's addresses", (f"  {ip}" for ip in scope.attacker.ips))
    lines += _section("Not known", (f"  {gap.question} {gap.why}." for gap in scope.gaps))
    return "\n".join(_visible(line) for line in lines)


def _suspicion(each: Suspicion) -> Json:
    return {
        "key": each.key,
        "principal": each.principal,
        "round": each.round,
        "score": each.score,
        "classes": list(each.classes),
        "reasons": [evidence.sentence for evidence in each.evidence],
        "evidence": list(dict.fromkeys(event for evidence in each.evidence for event in evidence.events)),
    }


def _lines(each: Suspicion) -> Iterator[str]:
    yield f"  {each.key}  {each.principal or 'owner unknown'}  round {each.round}, score {each.score:.2f}"
    yield from (f"      {evidence.sentence}" for evidence in each.evidence)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["", title, *found] if found else []


def _visible(line: str) -> str:
    """A line keeps its indent but no character of a stranger's that could drive a terminal."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + clean(line, len(line))
