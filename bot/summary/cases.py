"""A case in a few plain sentences: its headline, its verdict, its rows."""

from __future__ import annotations

from collections.abc import Iterator

from bot.model import Alert, Case, Kind, OwnerAsked, Said, Verdict
from bot.summary.findings import WORDS, brief, findings
from bot.summary.wording import Row, moment

MOST_LINKS = 5
PERSON = "person"
"""The source of what people said themselves."""
_KINDS = {Kind.ACCESS_KEY: "access key", Kind.PRINCIPAL: "principal", Kind.IP: "address"}
CLEARING = frozenset({Verdict.LOW, Verdict.EXPECTED, Verdict.INCONCLUSIVE})
"""Verdicts that calm: never said while a question is still open."""


def headline(case: Case) -> str:
    """Verdict and score with the subject; "Checking" while that would be premature; an analyst's word before both."""
    if not case.open and case.closings:
        return f"Closed as {case.closings[-1].conclusion} · {_judged(case)}"
    return f"🚨 Declared incident · {_judged(case)}" if case.declared else _judged(case)


def _judged(case: Case) -> str:
    name = _name(case)
    triage = case.triage
    if case.subject is None:
        return f"⚪ Nothing to look up · {case.title}"
    if triage is None:
        return f"⏳ Checking {name}"
    judged = f"{WORDS[triage.assessment.verdict]} · {triage.assessment.score}/100"
    if not triage.pending:
        return f"{judged} · {name}"
    return f"⏳ Checking {name}" if triage.assessment.verdict in CLEARING else f"{judged} so far · {name}"


def verdict_sentence(case: Case) -> str:
    """Why, in one sentence; before there is an answer, that there is none yet."""
    if case.subject is None and any(alert.sample for alert in case.alerts):
        return "A sample finding: what it names is made up, so nothing was looked up."
    if case.subject is None:
        return "The alert names no access key, principal or public address, so no question could be asked."
    triage = case.triage
    if triage is None:
        return "Checking… No verdict yet."
    if triage.pending and triage.assessment.verdict in CLEARING:
        return "Checking… No verdict before every question has ended."
    judged = triage.assessment
    # The headline has said verdict and score.
    why = judged.sentence.removeprefix(f"{judged.verdict} ({judged.score}/100): ")
    return why[:1].upper() + why[1:]


def rows(case: Case) -> tuple[Row, ...]:
    """What was found, and what the alert told."""
    found = findings(case.triage) if case.triage else ()
    return (*_closing_rows(case), *_leading_rows(case), *found, *_alert_rows(case))


def short_rows(case: Case) -> tuple[Row, ...]:
    """What fits a card on a telephone: the most telling answers, in few words; the thread and the terminal have all."""
    found = brief(case.triage) if case.triage else ()
    return (*_closing_rows(case), *_leading_rows(case), *found, *_alert_rows(case, when=False))


def pending(case: Case) -> str | None:
    """The questions still open, in one line."""
    if case.triage is None or not case.triage.pending:
        return None
    return "Still asking: " + " · ".join(case.triage.pending)


def _name(case: Case) -> str:
    triage = case.triage
    if case.subject is None:
        return case.title
    if triage and triage.principal and triage.principal.name not in case.subject.value:
        return f"{case.subject} of {triage.principal.name}"
    return case.subject.value


def _closing_rows(case: Case) -> Iterator[Row]:
    if not case.closings:
        return
    last = case.closings[-1]
    of = f" of case #{last.duplicate_of}" if last.duplicate_of else ""
    told = f"as {last.conclusion}{of} by {last.by.name}, {moment(last.at)}: {last.reason}"
    yield Row("Opened again", f"a new alert came. It was closed {told}") if case.open else Row("Closed", told)


def _leading_rows(case: Case) -> Iterator[Row]:
    """What people have made of it: declared, handed over, when the next look is due."""
    if case.declared is not None:
        said = case.declared
        yield Row("Declared", f"an incident by {said.by.name}, {moment(said.at)}: {said.reason}")
    if case.questions:
        yield Row("Owner asked", _owner_said(case.questions[-1]))
    if case.handovers and case.open:
        last = case.handovers[-1]
        due = f"; next check {moment(last.next_check)}" if last.next_check else ""
        note = f": {last.note}" if last.note else ""
        yield Row("Handed over", f"{last.by.name} to {last.to.name}, {moment(last.at)}{due}{note}")


def _owner_said(asked: OwnerAsked) -> str:
    """What the owner said, and what that is worth."""
    if asked.said is None:
        return f"no answer; one is taken until {moment(asked.until)}"
    words = {Said.YES: "says it was them", Said.NO: "says it was not them", Said.UNSURE: "is not sure"}
    at = f", {moment(asked.said_at)}" if asked.said_at else ""
    return f"{words[asked.said]}{at} (evidence, not proof: whoever holds the key may read their messages)"


def _alert_rows(case: Case, *, when: bool = True) -> Iterator[Row]:
    if not case.alerts:
        return
    alert = case.alerts[-1]
    further = f" (and {len(case.alerts) - 1} earlier)" if len(case.alerts) > 1 else ""
    severity = f", severity {alert.severity}" if alert.severity else ""
    at = f", {moment(alert.at)}" if when else ""
    yield Row("Alert", f"{alert.title} ({alert.source}{severity}{at}){further}")
    if (joined := _joined(case)) is not None:
        yield Row("One case", joined)
    if case.links:
        shown = [f"#{each.case} {each.subject} ({each.why})" for each in case.links[:MOST_LINKS]]
        more = len(case.links) - len(shown)
        yield Row("Linked", "; ".join([*shown, *([f"{more} more"] if more else [])]))
    yield from _remarks(alert)


def _joined(case: Case) -> str | None:
    """Why several alerts are one case; ``None`` where there is one, or all came from one source of one account."""
    sources = dict.fromkeys(each.source for each in case.alerts if each.source != PERSON)
    accounts = dict.fromkeys(call.account for each in case.alerts for call in each.calls if call.account)
    if case.subject is None or (len(sources) < 2 and len(accounts) < 2):
        return None
    where = f" in {len(accounts)} accounts" if len(accounts) > 1 else ""
    return f"alerts of {', '.join(sources)}{where} name the same {_KINDS[case.subject.kind]}"


def _remarks(alert: Alert) -> Iterator[Row]:
    if alert.sample:
        yield Row("Sample", "a made-up finding for testing: nothing in it is real, so nothing was looked up")
    if alert.secrets_removed:
        yield Row("Warning", "the alert held a secret access key; it was cut out. Treat that secret as public")
    if alert.over:
        yield Row("Over", "says the alert's sender; what the key did is no less true for that")
    for note in alert.notes:
        yield Row("Note", note)
