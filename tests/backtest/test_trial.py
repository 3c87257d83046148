"""What is stolen, what counts as found and as an innocent, and how that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from random import Random

import pytest

from bot.backtest.replay import noise
from bot.backtest.run import Backtest, Cost
from bot.backtest.telling import backtest_document, backtest_text
from bot.backtest.trial import Theft, Trial, theft_on, victims_of
from bot.model import Event, Gap, Span, Verdict
from bot.scope.rules import shipped
from tests.backtest.test_theft import stolen, victims
from tests.scope.made import AT, MACHINE, MadeHistory, call, key_of, machine_days, organisation, user

DAY = date(2026, 11, 23)
ADDRESSES = ("128.199.98.47", "45.32.117.206")
INNOCENT = "AKIARTX3GSDSQZZZZZZZ"
THEFT = Theft(AT, tuple(victims(7)), ADDRESSES, stolen())
FOUND = Trial(
    theft=THEFT,
    alerts=3,
    detections=("enumeration", "ses.toggle"),
    named=frozenset({key_of(0), key_of(1)}),
    verdict=Verdict.INCIDENT,
    score=90,
    signals=("enum.high", "ses.toggle"),
    confirmed=frozenset(key_of(n) for n in range(6)),
    suspects=frozenset(),
    innocents=frozenset(),
    told_of=frozenset(),
)
MISSED = replace(
    FOUND, alerts=0, detections=(), named=frozenset(), verdict=None, score=0, signals=(), confirmed=frozenset()
)
RESULT = Backtest(
    window=Span(AT - timedelta(days=7), AT),
    searched=None,
    seed=7,
    days=tuple(DAY - timedelta(days=n) for n in range(6, -1, -1)),
    noise=noise(7, ()),
    judged=(),
    trials=(FOUND, MISSED),
    points={"enum.high": 45},
    gaps=(Gap("What was\x1b[2J usual before?", "hardly anything"),),
    cost=Cost(1.5, 12_000),
)


def drawn(events: list[Event], seed: int = 1) -> list[str]:
    habits = MadeHistory(events).everyones_habits(Span(AT - timedelta(days=30), AT))
    return [victim.principal.name for victim in victims_of(habits, shipped().habits, Random(seed))]


def test_seven_people_are_stolen_from_before_any_machine() -> None:
    machines = [event for n in range(900, 905) for event in machine_days(n, f"svc-{n}", "s3:ListBuckets")]
    assert all(name.startswith("user-") for name in drawn([*organisation(), *machines]))
    few = drawn([*organisation(5), *machines])
    assert {name for name in few if name.startswith("user-")} == {user(n) for n in range(5)}
    assert len(few) == 7


def test_those_hardly_known_and_those_without_a_long_term_key_are_not_stolen_from() -> None:
    new = [call(key_of(70), "new-hire", "s3:ListBuckets", AT - timedelta(hours=n)) for n in range(30)]
    role = [
        call(key_of(80, "ASIA"), "111122223333:role/app", "s3:ListBuckets", AT - timedelta(hours=9 * n), agent=MACHINE)
        for n in range(60)
    ]
    assert set(drawn([*organisation(4), *new, *role])) <= {*(user(n) for n in range(4)), "svc-mail-quota"}


def test_the_same_seed_steals_the_same() -> None:
    assert drawn(organisation(), 3) == drawn(organisation(), 3) != drawn(organisation(), 4)


@pytest.mark.parametrize("seed", range(20))
def test_a_theft_is_over_on_the_day_it_began(seed: int) -> None:
    made = theft_on(DAY, victims(7), ADDRESSES, Random(seed), "theft-1")
    assert made is not None
    assert {event.at.astimezone(UTC).date() for event in made.events} == {DAY}
    assert all(event.id.startswith("theft-1:") for event in made.events)


@pytest.mark.parametrize(("keys", "addresses"), [(2, ADDRESSES), (7, ADDRESSES[:1]), (0, ())])
def test_too_little_to_steal_is_no_theft(keys: int, addresses: tuple[str, ...]) -> None:
    assert theft_on(DAY, victims(keys), addresses, Random(1), "theft-1") is None


@pytest.mark.parametrize("verdict", [*Verdict, None])
def test_a_theft_is_found_from_suspicious_up(verdict: Verdict | None) -> None:
    grave = {Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS}
    assert replace(FOUND, verdict=verdict).found is (verdict in grave)


def test_the_document_counts_keys_and_innocents() -> None:
    wrong = replace(FOUND, innocents=frozenset({INNOCENT}), told_of=frozenset({"111122223333:user/dora"}))
    thefts = backtest_document(replace(RESULT, trials=(wrong, MISSED)))["thefts"]
    assert {
        name: thefts[name] for name in ("tried", "found", "keys", "keys_named", "keys_confirmed", "keys_known")
    } == {
        "tried": 2,
        "found": 1,
        "keys": 14,
        "keys_named": 2,
        "keys_confirmed": 6,
        "keys_known": 6,
    }
    assert thefts["innocents"] == 2
    assert thefts["trials"][0]["innocents"] == ["111122223333:user/dora", INNOCENT]
    assert thefts["trials"][0]["missed"] == [key_of(6)]
    assert thefts["trials"][1]["verdict"] is None


def test_the_text_tells_what_was_found_and_what_was_not() -> None:
    wrong = replace(FOUND, innocents=frozenset({INNOCENT}))
    text = backtest_text(replace(RESULT, trials=(wrong, MISSED)))
    assert "1 of 2 found." in text
    assert "Keys: 6 of 14 known from alerts and scope" in text
    assert f"Innocents named: 1: {INNOCENT}." in text
    assert f"missed {key_of(6)}" in text
    assert "7 keys, not told of" in text
    assert "enum.high" in text
    assert "\x1b" not in text


def test_nothing_replayed_is_said_and_is_no_all_clear() -> None:
    empty = replace(RESULT, window=None, days=(), noise=noise(0, ()), trials=())
    assert backtest_text(empty).startswith("Nothing could be replayed.")
    assert "hardly anything" in backtest_text(empty)
    assert backtest_document(empty)["alerts"] == {"count": 0, "a_week": 0.0}


def test_alerts_a_week_are_those_of_seven_days() -> None:
    quiet = noise(14, ())
    assert (quiet.a_week(), quiet.a_week(3), noise(0, ()).a_week()) == (0.0, 1.5, 0.0)
