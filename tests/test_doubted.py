"""What a principal of an open case did since that began is no part of what was usual, for any enricher."""

from __future__ import annotations

from datetime import timedelta

from bot.model import Kind, Observable, Principal
from tests.fakes import ALICE, KALI, NOW, OFFICE, RENTED, context, event, ordinary

DAY = 24 * 60
BOB = Principal("111122223333:user/bob", "IAMUser", None, "111122223333")
THEFT = [event(DAY * day, name="ses:GetSendQuota", ip=RENTED, family=KALI) for day in (2, 3, 4)]
BOBS = [
    event(DAY * day, name="ses:GetSendQuota", ip=RENTED, principal=BOB, key="AKIARTX3GSDSQAAAAAAB") for day in (3, 9)
]
EVENTS = [*ordinary(), *THEFT, *BOBS]
SINCE = NOW - timedelta(days=5)


def test_the_baseline_ends_where_the_case_begins() -> None:
    assert KALI in {use.family for use in context(EVENTS).baseline().uses}
    told = context(EVENTS, doubted={ALICE.id: SINCE}).baseline()
    assert told.uses
    assert KALI not in {use.family for use in told.uses}


def test_a_rare_call_is_counted_without_those_who_made_it_only_since() -> None:
    both = context(EVENTS).prevalence("ses:GetSendQuota")
    assert set(both.principals) == {ALICE.id, BOB.id}
    doubted = {ALICE.id: SINCE, BOB.id: SINCE}
    assert context(EVENTS, doubted=doubted).prevalence("ses:GetSendQuota").principals == (BOB.id,), "bob did before"


def test_a_thiefs_address_is_not_shared_by_those_he_stole_from() -> None:
    assert context(EVENTS).users_before(RENTED) == frozenset({ALICE.id, BOB.id})
    assert context(EVENTS, doubted={ALICE.id: SINCE}).users_before(RENTED) == frozenset({BOB.id})
    assert context(EVENTS, doubted={ALICE.id: SINCE}).users_before(OFFICE) == frozenset({ALICE.id})


def test_what_is_judged_is_not_left_out() -> None:
    now = [event(9, ip=RENTED)]
    found = context([*EVENTS, *now], doubted={ALICE.id: SINCE}).uses(Observable(Kind.PRINCIPAL, ALICE.id))
    assert sum(use.count for use in found) == len([each for each in [*EVENTS, *now] if each.principal == ALICE])
