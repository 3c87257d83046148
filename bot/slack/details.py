"""What stands in the thread under a card: every answer in full, the arithmetic of the score, the evidence.

Each message has a slot of its own that never moves (``score``, then one per enricher), so a later triage updates it
in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot import summary
from bot.anchors import Anchor
from bot.model import Case, Enrichment, Kind, Reason, Triage
from bot.plain import LONGEST_AGENT, clean
from bot.slack import scoped
from bot.slack.elements import (
    Block,
    Message,
    bullets,
    context,
    fitted,
    labelled,
    message,
    paragraph,
)
from bot.summary import Row, enricher_name

LINES = 15
"""Entries of a list that are shown; the terminal has them all."""

LINE = 400


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
    made = scoped.made_message(triage.scope) if triage.scope else None
    grouped: dict[str, list[Enrichment]] = {}
    for enrichment in triage.enrichments:
        grouped.setdefault(enrichment.enricher, []).append(enrichment)
    return (
        ("score", _fitted(f"Case #{case.id}: how the score came about", _score(triage), triage)),
        *([("scope", scoped.message_of(triage.scope, case=case.id))] if triage.scope else []),
        *([("made", made)] if made else []),
        *((name, _fitted(enricher_name(name), _answers(found, triage), triage)) for name, found in grouped.items()),
    )


def decided(case: Case) -> Message | None:
    """Every decision of a person, the newest last; ``None`` while there is none."""
    made = summary.decisions(case)
    if not made:
        return None
    left = len(made) - LINES
    lines = [f"{summary.moment(each.at)}: {each.sentence}" for each in made[-LINES:]]
    return fitted(
        f"Case #{case.id}: what people decided",
        (
            paragraph(f"{left} earlier: run `triage case report {case.id}`") if left > 0 else None,
            *(bullets([line], 2 * LINE) for line in lines),
        ),
        f"More: run `triage case report {case.id}`",
    )


def anchored(anchor: Anchor) -> Message:
    """Where the audit record is: its newest entry and the hash that all before it lead to."""
    told = f"Audit entry {anchor.entry}: {anchor.hash}"
    return message(told, context(told))


def _fitted(title: str, blocks: Iterable[Block | None], triage: Triage) -> Message:
    return fitted(title, blocks, f"More: run `{command(triage)}`")


def command(triage: Triage) -> str:
    """The terminal command that prints all of it."""
    verb = _COMMANDS.get(triage.observable.kind, "key")
    return f"triage {verb} {clean(triage.observable.value, 200)} --json"


def _score(triage: Triage) -> Iterator[Block | None]:
    judged = triage.assessment
    yield paragraph(judged.sentence)
    yield bullets(list(judged.arithmetic), LINE)
    yield bullets([_reason(reason) for reason in judged.reasons], LINE)
    gaps = summary.gaps(triage)
    yield labelled(gaps[:LINES], LINE)
    yield _rest(len(gaps), "questions nobody answered", triage)
    if could_be := summary.could_be(triage):
        yield paragraph(could_be)


def _reason(reason: Reason) -> str:
    evidence = ", ".join(reason.evidence[:3])
    more = f" and {len(reason.evidence) - 3} more" if len(reason.evidence) > 3 else ""
    return f"+{reason.points} {reason.signal}: {reason.sentence} [{evidence}{more}]"


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
    yield _rest(len(answer.facts), "facts", triage)
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
    yield _rest(len(records), "", triage)


def _rest(count: int, what: str, triage: Triage) -> Block | None:
    """How many entries were left out, and where they are."""
    more = f"{count - LINES} more {what}".rstrip()
    return paragraph(f"{more}: run `{command(triage)}`") if count > LINES else None


def _record(record: Mapping[str, Any]) -> str:
    first, *rest = record.items() or [("", "–")]
    name = _family(first[1]) if first[0] == "family" else _value(first[1])
    return " · ".join([name, *(f"{key.replace('_', ' ')} {_value(value)}" for key, value in rest)])


def _family(value: Any) -> str:
    """A family of clients in words, as the card has it."""
    return " ".join(part for part in _value(value).split("|") if part != "-") or "unknown client"


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        more = f" (and {len(value) - 3} more)" if len(value) > 3 else ""
        return ", ".join(clean(str(one), LONGEST_AGENT) for one in value[:3]) + more
    return clean(str(value), LONGEST_AGENT)
