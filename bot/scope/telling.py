"""``Scope`` → the JSON document of ``triage scope``, and the same as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.document import searched_document
from bot.made.telling import TITLE, sweep_document, sweep_text
from bot.model import Scope, Suspicion, rfc3339
from bot.plain import clean

Json = dict[str, Any]

_NAMED = 3


def scope_document(scope: Scope) -> Json:
    """The document of ``triage scope``; ``sweep`` is in it once AWS was asked what is left."""
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
        **({"cost": scope.cost} if scope.cost else {}),
        **({"sweep": sweep_document(scope.sweep)} if scope.sweep is not None else {}),
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
    lines += _section(TITLE, sweep_text(scope))
    lines += _section("The attacker's addresses", (f"  {ip}" for ip in scope.attacker.ips))
    gaps = (*scope.gaps, *(scope.sweep.gaps if scope.sweep else ()))
    lines += _section("Not known", (f"  {gap.question} {gap.why.rstrip('.')}." for gap in gaps))
    lines += ["", scope.cost] if scope.cost else []
    return "\n".join(_visible(line) for line in lines)


def in_a_line(scope: Scope, subject: str) -> str:
    """What a card says of it: how many keys, whose, and what is left to decide."""
    others = [each for each in scope.confirmed if each.key != subject]
    if not others:
        told = "no other key shows the same traces"
    else:
        named = "; ".join(f"{each.key} of {_owner(each)}" for each in others[:_NAMED])
        told = f"{len(others) + 1} keys: this one, {named}{_more(len(others) - _NAMED)}"
    suspects = len(scope.suspects)
    return told + (f". {suspects} suspect{'s' if suspects > 1 else ''} to decide" if suspects else "")


def in_few_words(scope: Scope, subject: str) -> str:
    """The same without the key ids: how many keys, and whose."""
    owners = list(dict.fromkeys(_owner(each) for each in scope.confirmed if each.key != subject))
    if not owners:
        return in_a_line(scope, subject)
    named = f"{', '.join(owners[:_NAMED])}{_more(len(owners) - _NAMED)}"
    suspects = len(scope.suspects)
    told = f"{len(scope.confirmed)} keys: this one, and those of {named}"
    return told + (f"; {suspects} suspect{'s' if suspects > 1 else ''} to decide" if suspects else "")


def in_lines(each: Suspicion) -> tuple[str, ...]:
    """A key of a scope for people: whose, why, when, and what it was used for."""
    found = "lead" if each.round == 0 else f"round {each.round}, score {each.score:.2f}, {' and '.join(each.classes)}"
    return (f"{each.key} of {_owner(each)} ({found})", *(evidence.sentence for evidence in each.evidence), *_use(each))


def _use(each: Suspicion) -> Iterator[str]:
    if each.first_seen is None or each.last_seen is None:
        return
    calls = list(each.calls.items())
    named = ", ".join(f"{name} {count}" for name, count in calls[:_NAMED]) + _more(len(calls) - _NAMED)
    yield f"{rfc3339(each.first_seen)} to {rfc3339(each.last_seen)}: {named}"


def _owner(each: Suspicion) -> str:
    return (
        each.principal.partition(":")[2].partition("/")[2] or each.principal if each.principal else "an unknown owner"
    )


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


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
