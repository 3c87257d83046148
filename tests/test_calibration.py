"""What the analysts' verdicts say of the bot's."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.calibration import calibrate
from bot.casebook import calibration_document, calibration_text
from bot.model import Actor, Closing, Conclusion, Verdict
from bot.weights import shipped
from tests.fakes import NOW

ANA = Actor("slack:T0MADE:U0ANA", "Ana")


def closings(
    number: int, conclusion: Conclusion, *signals: str, verdict: Verdict | None = Verdict.INCIDENT
) -> list[Closing]:
    return [Closing(n, conclusion, "so", ANA, NOW, None, verdict, 80, signals) for n in range(number)]


def record(found: Iterable[Closing], signal: str) -> tuple[int, int, float | None, int | None]:
    (one,) = [each for each in calibrate(found, shipped()).signals if each.signal == signal]
    return one.in_true, one.in_harmless, one.ratio, one.suggested


def test_verdicts_are_counted_against_each_other() -> None:
    found = calibrate(
        [
            *closings(3, Conclusion.TRUE),
            *closings(2, Conclusion.BENIGN),
            *closings(1, Conclusion.EXPECTED, verdict=Verdict.EXPECTED),
            *closings(4, Conclusion.DUPLICATE),
            *closings(1, Conclusion.TRUE, verdict=None),
        ],
        shipped(),
    )
    assert (found.true, found.harmless, found.duplicates, found.cases, found.enough) == (4, 3, 4, 7, False)
    assert calibration_document(found)["verdicts"] == [
        {"bot": "incident", "true": 3, "benign": 2, "expected": 0},
        {"bot": "expected", "true": 0, "benign": 0, "expected": 1},
        {"bot": None, "true": 1, "benign": 0, "expected": 0},
    ]


@pytest.mark.parametrize(
    ("true", "harmless", "row"),
    [
        # fired in 20 of 20 stolen and 0 of 10 harmless ones: (20.5/21) / (0.5/11) = 21.5, four doublings and a half
        ((20, True), (10, False), (20, 0, 21.48, 44)),
        ((20, True), (10, True), (20, 10, 1.02, 0)),  # always fires: worth nothing
        ((20, False), (10, True), (0, 10, 0.02, 0)),  # never below nought
        ((19, True), (10, False), (19, 0, None, None)),  # 29 cases are not enough
        ((26, True), (4, False), (26, 0, None, None)),  # nor are four harmless ones
    ],
)
def test_what_a_signal_is_worth_is_told_after_thirty_cases(
    true: tuple[int, bool], harmless: tuple[int, bool], row: tuple[int, int, float | None, int | None]
) -> None:
    found = [
        *closings(true[0], Conclusion.TRUE, *(["ua.offensive"] if true[1] else [])),
        *closings(harmless[0], Conclusion.BENIGN, *(["ua.offensive"] if harmless[1] else [])),
    ]
    assert record(found, "ua.offensive") == row


def test_a_signal_nobody_weighs_any_more_is_only_counted() -> None:
    found = [*closings(20, Conclusion.TRUE, "gone.signal"), *closings(10, Conclusion.EXPECTED)]
    (one,) = calibrate(found, shipped()).signals
    assert (one.points, one.ratio, one.suggested) == (None, 21.48, None)


def test_the_tables_stand_in_columns() -> None:
    found = calibrate([*closings(20, Conclusion.TRUE, "ua.offensive"), *closings(10, Conclusion.BENIGN)], shipped())
    assert calibration_text(found).splitlines() == [
        "the bot said  true  benign  expected",
        "incident        20      10         0",
        "",
        "signal        points  in true  in harmless  ratio  suggested",
        "ua.offensive      35       20            0  21.48         44",
        "",
        (
            "30 cases have an analyst's verdict: 20 true, 10 harmless. "
            "Suggested points stand beside the signals; put what you take into weights of your own."
        ),
    ]


def test_without_any_case_there_is_a_sentence() -> None:
    text = calibration_text(calibrate([], shipped()))
    assert text.endswith(
        "0 cases have an analyst's verdict: 0 true, 0 harmless. "
        "No points are suggested before there are 30, with 5 of each."
    )
