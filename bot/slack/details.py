"""What stands in the thread under a card: every answer in full, the arithmetic of the score, the evidence.

Each message has a slot of its own that never moves (``score``, then one per enricher), so a later triage updates it
in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot import summary
from bot.model import Assessment, Case, Enrichment, Kind, Reason, Scope, Triage
from bot.plain import LONGEST_AGENT, clean
from bot.scope.telling import in_lines
from bot.slack.elements import (
    BUDGET,
    Block,
    Message,
    actions,
    bullets,
    button,
    header,
    labelled,
    message,
    paragraph,
    size,
)
from bot.slack.forms import RULE_IN, RULE_OUT
from bot.summary import Row, enricher_name

LINES = 15
"""Entries of a list that are shown; the terminal has them all."""

LINE = 400

_TITLE = "Keys in the same hands"

_COMMANDS = {
    Kind.ACCESS_KEY: "key",
    Kind.PRINCIPAL: "user",
    Kind.IP: "ip",
    Kind.USER_AGENT: "agent",
    Kind.EVENT: "event",
}


def details(case: Case) -> tuple[tuple[str, Message], ...]:
    """The slot and the message of each part of the thread; empty before the first triage."""
    if case.triage is None:
        return ()
    triage = case.triage
    grouped: dict[str, list[Enrichment]] = {}
    for enrichment in triage.enrichments:
        grouped.setdefault(enrichment.enricher, []).append(enrichment)
    return (
        ("score", _fitted(f"Case #{case.id}: how the score came about", _score(triage), triage)),
        *([("scope", _fitted(_TITLE, _scope(case, triage.scope), triage))] if triage.scope else []),
        *((name, _fitted(enricher_name(name), _answers(found, triage), triage)) for name, found in grouped.items()),
    )


def _fitted(title: str, blocks: Iterable[Block | None], triage: Triage) -> Message:
    """As many blocks as the budget and Slack's count allow; what is left out is said, with how to see it."""
    rest = paragraph(f"More: run `{command(triage)}`")
    kept, left = [header(title)], BUDGET - size([header(title), rest])
    for block in blocks:
        if block is None:
            continue
        left -= size([block])
        if left < 0 or len(kept) == 49:
            kept.append(rest)
            break
        kept.append(block)
    return message(title, *kept)


def command(triage: Triage) -> str:
    """The terminal command that prints all of it."""
    verb = _COMMANDS.get(triage.observable.kind, "key")
    return f"triage {verb} {clean(triage.observable.value, 200)} --json"


def _score(triage: Triage) -> Iterator[Block | None]:
    judged = triage.assessment
    yield paragraph(judged.sentence)
    yield labelled([Row("Arithmetic", _arithmetic(judged))], 600)
    yield bullets([_reason(reason) for reason in judged.reasons], LINE)
    gaps = summary.gaps(triage)
    yield labelled(gaps[:LINES], LINE)
    if could_be := summary.could_be(triage):
        yield paragraph(could_be)


def _arithmetic(judged: Assessment) -> str:
    capped = {name: min(points.points, points.cap) for name, points in judged.classes.items()}
    terms = [
        f"{name} {capped[name]} ({f'{points.points}, ' if points.points > points.cap else ''}at most {points.cap})"
        for name, points in judged.classes.items()
    ]
    total = sum(capped.values())
    lifted = "" if total == judged.score else f"; {total} became {judged.score} by a floor or the limit of 100"
    return f"{' + '.join(terms) or 'no points'} = {total}{lifted}; {judged.verdict.value}"


def _reason(reason: Reason) -> str:
    evidence = ", ".join(reason.evidence[:3])
    more = f" and {len(reason.evidence) - 3} more" if len(reason.evidence) > 3 else ""
    return f"+{reason.points} {reason.signal}: {reason.sentence} [{evidence}{more}]"


def _scope(case: Case, scope: Scope) -> Iterator[Block | None]:
    confirmed, suspects = scope.confirmed, scope.suspects
    yield paragraph("To confirm is to recommend containment: a person decides.")
    for each in confirmed[:LINES]:
        first, *rest = in_lines(each)
        yield labelled([Row("🔑", first)], LINE)
        yield bullets(rest, LINE)
    for each in suspects[:LINES]:
        first, *rest = in_lines(each)
        yield labelled([Row("❔ Suspect", first)], LINE)
        yield bullets(rest, LINE)
        yield actions(f"ruling:{case.id}:{each.key}", _decisions(case, each.key))
    yield labelled([Row("Set aside", f"{each.what}: {each.why}") for each in scope.excluded[:LINES]], LINE)
    rare = (
        f"{each.event} ({each.principals_before} principals before, {each.principals_ever} ever)"
        for each in scope.rare_events[:LINES]
    )
    yield labelled([Row("Rare calls of these keys", "; ".join(rare))], 3 * LINE) if scope.rare_events else None
    yield labelled([Row("⚠️ Not known", f"{gap.question} {gap.why}") for gap in scope.gaps[:LINES]], LINE)


def _decisions(case: Case, key: str) -> list[dict[str, Any]]:
    value = f"case:{case.id}:{key}"
    return [button("It belongs…", RULE_IN, value), button("Set aside…", RULE_OUT, value)]


def _answers(found: Sequence[Enrichment], triage: Triage) -> Iterator[Block | None]:
    yield paragraph(found[0].question)
    for enrichment in found:
        yield from _answer(enrichment, triage)


def _answer(enrichment: Enrichment, triage: Triage) -> Iterator[Block | None]:
    answer = enrichment.answer
    said = answer is not None and answer.headline.startswith(enrichment.observable.value)
    about = "" if said or enrichment.observable == triage.observable else f"{enrichment.observable}: "
    if answer is None:
        yield paragraph(f"{about}{summary.unanswered(enrichment)}")
        return
    yield paragraph(f"{about}{answer.headline}", LINE)
    yield labelled([Row(fact.label, fact.value) for fact in answer.facts[:LINES]], LINE)
    yield bullets([f"{signal.sentence} [{', '.join(signal.evidence[:3])}]" for signal in answer.signals], LINE)
    yield bullets([f"Not decided ({unknown.kind}): {unknown.why}" for unknown in answer.unknowns], LINE)
    for listed in answer.data.values():
        yield from _list(listed, triage)


def _list(listed: Any, triage: Triage) -> Iterator[Block | None]:
    """A list of records of the answer's data, one line each, cut after :data:`LINES`."""
    if not isinstance(listed, list | tuple):
        return
    records = [record for record in listed if isinstance(record, Mapping)]
    yield bullets([_record(record) for record in records[:LINES]], 2 * LINE)
    if len(records) > LINES:
        yield paragraph(f"{len(records) - LINES} more: run `{command(triage)}`")


def _record(record: Mapping[str, Any]) -> str:
    first, *rest = record.items() or [("", "–")]
    return " · ".join([_value(first[1]), *(f"{key.replace('_', ' ')} {_value(value)}" for key, value in rest)])


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        more = f" (and {len(value) - 3} more)" if len(value) > 3 else ""
        return ", ".join(clean(str(one), LONGEST_AGENT) for one in value[:3]) + more
    return clean(str(value), LONGEST_AGENT)
