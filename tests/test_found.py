"""What a triage makes of a history that cannot say everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.enrichment import Runner
from bot.found import find
from bot.history.overlay import WithAlerts
from bot.model import (
    AnswerCut,
    CannotSearch,
    Event,
    HistoryUnavailableError,
    Kind,
    Observable,
    Principal,
    Span,
    Status,
    Use,
    Verdict,
)
from bot.plugins import load_enrichers
from bot.triage import TriageWorld, triage
from tests.fakes import ALICE, LEAD, NOW, OFFICE, WINDOW, FakeHistory, event, ordinary, uses

CUT = NOW - timedelta(days=3)


class CutHistory(FakeHistory):
    """A history that gives only what is newer than ``CUT``."""

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        if span.since >= CUT:
            return super().uses(observable, span)
        known = super().uses(observable, Span(CUT, max(span.until, CUT)))
        raise AnswerCut("Only three days of it could be fetched.", CUT, known)


class NarrowHistory(FakeHistory):
    """A history that can search for keys only."""

    def _refuse(self, observable: Observable) -> None:
        if observable.kind is not Kind.ACCESS_KEY:
            raise CannotSearch(f"This history cannot search by {observable.kind}.")

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        self._refuse(observable)
        return super().uses(observable, span)

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        self._refuse(observable)
        return super().events(observable, span, limit=limit)

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        self._refuse(observable)
        return super().principal(observable, until)


def test_of_a_cut_answer_what_is_known_is_taken_and_the_span_is_that_of_what_is_known() -> None:
    events = [*ordinary(), event(30)]
    found = find(LEAD, WINDOW, CutHistory(events))
    assert found.searched is not None
    assert found.searched.since == CUT
    assert found.searched.missing == ("Only three days of it could be fetched.",)
    assert sum(use.count for use in found.uses) == len([each for each in events if each.at >= CUT])
    assert list(found.recent) == list(uses([each for each in events if each.at in WINDOW.recent]))
    assert found.principal == ALICE
    assert found.unanswered == ("Only three days of it could be fetched.",)


def test_what_cannot_be_searched_for_was_not_searched() -> None:
    found = find(Observable(Kind.IP, OFFICE), WINDOW, NarrowHistory(ordinary()))
    assert (found.searched, found.uses, found.recent) == (None, (), ())
    assert found.unanswered == ("This history cannot search by ip.",)


def test_what_an_alert_tells_stands_where_the_history_cannot_search() -> None:
    told = event(5, id="alert:1")
    history = WithAlerts(NarrowHistory(ordinary()), [told])
    found = find(Observable(Kind.IP, OFFICE), WINDOW, history)
    assert [use.evidence for use in found.uses] == [("alert:1",)]
    assert (found.searched, found.unanswered) == (None, ("This history cannot search by ip.",))


def test_what_an_alert_tells_stands_beside_a_cut_answer() -> None:
    told = event(5, id="alert:1")
    found = find(LEAD, WINDOW, WithAlerts(CutHistory(ordinary()), [told]))
    assert ("alert:1",) in [use.evidence for use in found.recent]
    assert found.searched is not None


def test_a_triage_over_what_cannot_be_searched_clears_nobody() -> None:
    world = TriageWorld(load_enrichers(["user_agents", "shared_address"]), Runner(), NarrowHistory(ordinary()))
    found = triage(Observable(Kind.IP, OFFICE), WINDOW, world=world)
    assert found.assessment.verdict is Verdict.INCONCLUSIVE
    assert "This history cannot search by ip." in [gap.why for gap in found.assessment.gaps]
    assert {each.status for each in found.enrichments} <= {Status.FAILED, Status.SKIPPED}


def test_a_triage_over_a_cut_answer_says_which_questions_it_left_open() -> None:
    world = TriageWorld(load_enrichers(["user_agents"]), Runner(), CutHistory([*ordinary(), event(30)]))
    found = triage(LEAD, WINDOW, world=world)
    (clients,) = found.enrichments
    assert (clients.status, clients.why) == (Status.FAILED, "Only three days of it could be fetched.")
    assert "Only three days of it could be fetched." in [gap.why for gap in found.assessment.gaps]
    assert found.activity.events > 0


def test_a_history_that_cannot_be_asked_at_all_is_still_a_failure() -> None:
    class Broken(FakeHistory):
        def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
            raise HistoryUnavailableError("The history is on fire.")

    with pytest.raises(HistoryUnavailableError, match="on fire"):
        find(LEAD, WINDOW, Broken(ordinary()))
