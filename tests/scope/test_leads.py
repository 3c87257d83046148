"""Where a triage leads, and what a scope says of the one triaged."""

from __future__ import annotations

import pytest

from bot.model import Attacker, Evidence, Kind, Observable, Reason, Scope, Span, Suspicion
from bot.scope.leads import leads_of, signals_of
from tests.fakes import ALICE, KEY, LEAD, NOW, WINDOW, event, use

OTHER = "AKIARTX3GSDSQBBBBBBB"
SPAN = Span(WINDOW.since, NOW)
PRINCIPAL = Observable(Kind.PRINCIPAL, ALICE.id)


def reason(*events: str, points: int = 10) -> Reason:
    return Reason("denied.recon", points, "Calls were refused.", events)


def suspicion(key: str, name: str, *classes: str, round_: int = 1) -> Suspicion:
    traces = tuple(Evidence(each, each, 0.8, f"A trace of {each}.", (f"{key}-{each}",)) for each in classes)
    return Suspicion(key, f"111122223333:user/{name}", round_, 0.9, traces)


def scope(*confirmed: Suspicion) -> Scope:
    return Scope((LEAD,), SPAN, SPAN, None, 1, confirmed, (), (), (), Attacker(), ())


@pytest.mark.parametrize(
    ("observable", "leads"),
    [
        (LEAD, (LEAD,)),
        (Observable(Kind.IP, "203.0.113.7"), (Observable(Kind.IP, "203.0.113.7"),)),
        (PRINCIPAL, (LEAD,)),
        (Observable(Kind.EVENT, "iam:ListUsers"), ()),
        (Observable(Kind.USER_AGENT, "curl/8"), ()),
    ],
)
def test_a_scope_starts_where_something_speaks_against_a_key(
    observable: Observable, leads: tuple[Observable, ...]
) -> None:
    spoken, innocent = event(id="spoken"), event(id="innocent", key=OTHER)
    assert leads_of(observable, [use([spoken]), use([innocent])], [reason("spoken")]) == leads


def test_what_weighs_nothing_leads_nowhere() -> None:
    assert leads_of(PRINCIPAL, [use([event(id="spoken")])], [reason("spoken", points=0)]) == ()


def test_a_lead_that_stands_alone_says_nothing() -> None:
    assert signals_of(scope(suspicion(KEY, "alice", "lead", round_=0)), [LEAD]) == ()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["bob"], "1 more key shows the same traces (network, tool): of user/bob."),
        (list("bcdef"), "5 more keys show the same traces (network, tool): of b, c, d and 2 more."),
    ],
)
def test_more_keys_are_told_with_owners_classes_and_events(names: list[str], sentence: str) -> None:
    keys = [f"AKIARTX3GSDSQ{name[0].upper() * 7}" for name in names]
    found = [suspicion(key, name, "tool", "network") for key, name in zip(keys, names, strict=True)]
    (signal,) = signals_of(scope(suspicion(KEY, "alice", "lead", round_=0), *found), [LEAD])
    assert (signal.kind, signal.sentence) == ("scope.confirmed", sentence.replace("user/", ""))
    assert signal.evidence[:2] == (f"{keys[0]}-tool", f"{keys[0]}-network")
    assert len(signal.evidence) <= 10
