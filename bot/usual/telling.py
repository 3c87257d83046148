"""A profile of what is ordinary, as a document and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.document import cut, searched_document
from bot.model import Correction, UsualProvider, rfc3339
from bot.plain import clean
from bot.usual.profile import Profile

Json = dict[str, Any]
LINES = 15


def profile_document(found: Profile) -> Json:
    """The document of ``triage usual``, of one environment."""
    countries = found.countries
    document: Json = cut(
        {
            "environment": found.environment.name,
            "at": rfc3339(found.span.until),
            "window": {"since": rfc3339(found.span.since), "until": rfc3339(found.span.until)},
            "searched": searched_document(found.searched),
            "population": found.population,
            "countries": {
                "usual": sorted(countries.names),
                "from": countries.source,
                "since": rfc3339(countries.since) if countries.since else None,
                "sentence": countries.words or None,
            },
            "providers": [
                {
                    "provider": each.name,
                    "usual": each.usual,
                    "from": each.source,
                    "calls": each.calls,
                    "principals": each.principals,
                    "hosting": each.hosting,
                    "since": rfc3339(each.since) if each.since else None,
                }
                for each in found.providers
            ],
            "exits": [
                {
                    "place": each.place,
                    "from": each.source,
                    "principals": each.seen.principals if each.seen else None,
                    "days": each.seen.days if each.seen else None,
                    "since": rfc3339(each.seen.since) if each.seen else None,
                }
                for each in found.exits
            ],
            "automation": [
                {
                    "principal": each.principal,
                    "from": each.source,
                    "days": each.seen.days if each.seen else None,
                    "since": rfc3339(each.seen.since) if each.seen else None,
                }
                for each in found.machines
            ],
            "rare_events": [{"event": each.event, "principals": list(each.principals)} for each in found.rare],
            "corrections": [correction_document(each) for each in found.environment.corrections],
            "gaps": [{"question": gap.question, "why": gap.why} for gap in found.gaps],
        }
    )
    if found.rare_events > len(found.rare):
        document |= {"truncated": True, "rare_events_count": found.rare_events}
    return document


def correction_document(said: Correction) -> Json:
    return {
        "environment": said.environment,
        "kind": said.kind.value,
        "value": said.value,
        "usual": said.usual,
        "reason": said.reason,
        "by": said.by.id,
        "at": rfc3339(said.at),
    }


def profile_text(found: Profile) -> str:
    """What the bot believes, and where it has that from, for a terminal."""
    countries = found.countries
    named = ", ".join(sorted(countries.names)) or "unknown"
    sections = [
        f"What is usual in {found.environment.name}",
        f"{found.span.since:%Y-%m-%d} to {found.span.until:%Y-%m-%d}, {found.population} principals",
        *_section("Countries", [f"{named} ({countries.words})" if countries.words else named]),
        *_section("Providers", (_provider(each) for each in found.providers)),
        *_section("Exits", (_line(each.place, each.source, _exit(each.seen)) for each in found.exits)),
        *_section("Automation", (_line(each.principal, each.source, _practice(each.seen)) for each in found.machines)),
        *_section(
            f"Rare events: {found.rare_events}, each of {found.rare_at_most} principals or fewer",
            (f"{each.event}: {', '.join(each.principals[:3])}{_more(each.principals)}" for each in found.rare),
        ),
        *_section("Corrections", (correction_line(each) for each in found.environment.corrections)),
        *_section("Not known", (f"{gap.question} {gap.why}" for gap in found.gaps)),
    ]
    return "\n".join(sections)


def correction_line(said: Correction) -> str:
    """An analyst's word, in a line."""
    usual = "usual" if said.usual else "not usual"
    return f"{said.kind} {said.value}: {usual}, says {said.by.name} since {said.at:%Y-%m-%d} ({said.reason})"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    told = [clean(line, 300) for line in lines]
    if told:
        more = [f"- {len(told) - LINES} more: use --json"] if len(told) > LINES else []
        yield from ("", title, *(f"- {line}" for line in told[:LINES]), *more)


def _line(name: str, source: str, seen: str) -> str:
    return f"{name} ({source}{f': {seen}' if seen else ''})"


def _provider(each: UsualProvider) -> str:
    kind = {True: ", hosting", False: ", not hosting", None: ""}[each.hosting]
    usual = "" if each.usual else ", not usual"
    return f"{each.name} ({each.source}{f': {each.words}' if each.calls else ''}{kind}{usual})"


def _exit(seen: Any) -> str:
    return f"{seen.principals} principals on {seen.days} days since {seen.since:%Y-%m-%d}" if seen else ""


def _practice(seen: Any) -> str:
    return f"at work on {seen.days} days since {seen.since:%Y-%m-%d}" if seen else ""


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 3} more" if len(names) > 3 else ""
