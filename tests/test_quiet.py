"""Which cases get a card, which a line, which their place in the digest alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model import Case, ClassPoints, Closing, Conclusion, DeclaredIncident, Reason, Verdict
from bot.quiet import Manner, Quiet
from tests.slack.cases import ALERT, ALICE, CHECKING, INCIDENT, NOW, assessment, denied, triage

QUIET = Quiet(frozenset({Verdict.LOW, Verdict.EXPECTED}), timedelta(seconds=3))
CARD, LINE, NOTHING = Manner.CARD, Manner.LINE, Manner.NOTHING


def judged(verdict: Verdict, score: int, **more: object) -> Case:
    found = replace(assessment(verdict, score), reasons=(), classes={"tool": ClassPoints(score, 45)})
    return replace(CHECKING, triage=triage(denied(), judged=found), **more)  # type: ignore[arg-type]


LOW = judged(Verdict.LOW, 10)
SO_FAR_LOW = replace(CHECKING, triage=triage(judged=assessment(Verdict.LOW, 10), pending=("What?",)))
SO_FAR_BAD = replace(CHECKING, triage=triage(judged=assessment(Verdict.PROBABLE, 60), pending=("What?",)))


@pytest.mark.parametrize(
    ("case", "new", "shown"),
    [
        (CHECKING, NOTHING, CARD),
        (SO_FAR_LOW, NOTHING, CARD),
        (SO_FAR_BAD, CARD, CARD),
        (INCIDENT, CARD, CARD),
        (judged(Verdict.SUSPICIOUS, 30), CARD, CARD),
        (judged(Verdict.INCONCLUSIVE, 5), CARD, CARD),
        (LOW, NOTHING, LINE),
        (judged(Verdict.EXPECTED, 90), NOTHING, LINE),
        # Asked again, it stays what it was until it is known to be worse.
        (replace(SO_FAR_LOW, quiet=True), NOTHING, LINE),
        (replace(SO_FAR_BAD, quiet=True), CARD, CARD),
        # A person's question, and what a person has touched, is shown.
        (replace(LOW, alerts=(replace(ALERT, source="person"),)), CARD, CARD),
        (replace(LOW, alerts=(replace(ALERT, source="slack"),)), CARD, CARD),
        (replace(LOW, owner=ALICE), CARD, CARD),
        (replace(LOW, declared=DeclaredIncident(ALICE, "so", NOW)), CARD, CARD),
        (replace(LOW, open=False, closings=(Closing(12, Conclusion.TRUE, "so", ALICE, NOW),)), CARD, CARD),
        (replace(LOW, open=False, closings=(Closing(12, Conclusion.BENIGN, "so", ALICE, NOW),)), NOTHING, LINE),
        # A snooze holds what is suspicious or probable, and neither an incident nor what sets a least score.
        (judged(Verdict.PROBABLE, 60, snoozed=True), NOTHING, LINE),
        (replace(CHECKING, snoozed=True), NOTHING, LINE),
        (judged(Verdict.INCIDENT, 80, snoozed=True), CARD, CARD),
        (replace(CHECKING, subject=None), CARD, CARD),
    ],
)
def test_how_a_case_stands_in_the_channel(case: Case, new: Manner, shown: Manner) -> None:
    assert QUIET.manner(case, shown=False) is new
    assert QUIET.manner(case, shown=True) is shown


def test_a_first_card_is_held_for_a_moment_and_no_longer() -> None:
    assert QUIET.manner(CHECKING, shown=False, waited=True) is CARD
    assert Quiet().manner(CHECKING, shown=False) is CARD
    assert Quiet().manner(LOW, shown=False) is CARD


@pytest.mark.parametrize(
    ("signal", "excused", "grave"),
    [("aws.quarantine", False, True), ("playbook.succeeded", False, True), ("ip.new", False, False)],
)
def test_what_sets_a_least_score_breaks_through_a_snooze(signal: str, excused: bool, grave: bool) -> None:
    case = judged(Verdict.PROBABLE, 60, snoozed=True)
    assert case.triage is not None
    fired = replace(case.triage.assessment, reasons=(Reason(signal, 5, "So.", ("event-1",), excused=excused),))
    assert QUIET.is_grave(replace(case, triage=replace(case.triage, assessment=fired))) is grave


def test_a_finding_with_a_least_score_breaks_through_a_snooze() -> None:
    finding = replace(ALERT, title="AttackSequence:IAM/CompromisedCredentials")
    assert QUIET.is_grave(judged(Verdict.PROBABLE, 60, snoozed=True, alerts=(finding,)))
