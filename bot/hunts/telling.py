"""Hits and prevalence → their JSON documents, and the same as text."""

from __future__ import annotations

from typing import Any

from bot.document import cut, searched_document
from bot.hunts.hunting import Prevalence, Prevalences
from bot.hunts.result import Hit, Hunted
from bot.model import Span, rfc3339
from bot.plain import clean

Json = dict[str, Any]


def hunted_document(hunted: Hunted) -> Json:
    """The document of ``triage hunt``."""
    document: Json = cut(
        {
            "window": _window(hunted.window),
            "searched": searched_document(hunted.searched),
            "hits": [_hit(hit) for hit in hunted.hits],
            "gaps": [{"question": gap.question, "why": gap.why} for gap in hunted.gaps],
        }
    )
    return document


def prevalence_document(found: Prevalences) -> Json:
    """The document of ``triage prevalence``."""
    document: Json = cut(
        {
            "window": _window(found.window),
            "searched": searched_document(found.searched),
            "population": found.population,
            "events": [_prevalence(each) for each in found.events],
        }
    )
    return document


def hunted_text(hunted: Hunted) -> str:
    """What a person at a terminal reads."""
    span = f"{rfc3339(hunted.window.since)} to {rfc3339(hunted.window.until)}"
    lines = [f"Hunted {span}: {len(hunted.hits)} hits" if hunted.hits else f"Hunted {span}: nothing found"]
    for hit in hunted.hits:
        lines.append(f"- {hit.severity} {hit.hunt} ({hit.level}): {hit.sentence}")
        lines += [f"    {key}" for key in hit.keys]
    lines += [f"Not known: {gap.question} {gap.why}." for gap in hunted.gaps]
    return "\n".join(_visible(line) for line in lines)


def prevalence_text(found: Prevalences) -> str:
    """What a person at a terminal reads."""
    span = f"{rfc3339(found.window.since)} to {rfc3339(found.window.until)}"
    lines = [f"{span}, of {found.population} principals"]
    for each in found.events:
        lines.append(f"- {each.event}: {each.count} calls by {len(each.principals)} principals")
        lines += [f"    {who}" for who in each.principals]
    missing = found.searched.missing if found.searched else ("The history holds nothing of this time.",)
    lines += [f"Not known: {each}" for each in missing]
    return "\n".join(_visible(line) for line in lines)


def _hit(hit: Hit) -> Json:
    return {
        "hunt": hit.hunt,
        "source_ip": hit.source_ip,
        "keys": list(hit.keys),
        "principals": list(hit.principals),
        "events": dict(hit.events),
        "first_seen": rfc3339(hit.first_seen),
        "last_seen": rfc3339(hit.last_seen),
        "severity": hit.severity,
        "level": hit.level,
        "sentence": hit.sentence,
        "evidence": list(hit.evidence),
        "outcomes": dict(hit.outcomes),
        "regions": list(hit.regions),
    }


def _prevalence(each: Prevalence) -> Json:
    return {
        "event": each.event,
        "count": each.count,
        "principals": len(each.principals),
        "who": list(each.principals),
        "first_seen": rfc3339(each.first_seen) if each.first_seen is not None else None,
    }


def _window(window: Span) -> Json:
    return {"since": rfc3339(window.since), "until": rfc3339(window.until)}


def _visible(line: str) -> str:
    """A line keeps its indent but no character of a stranger's that could drive a terminal."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + clean(line, len(line))
