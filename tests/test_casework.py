"""What becomes of a case once people speak: closed, opened again, seen in public, counted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot import audit, cases
from bot.app import Desk
from bot.model import Case, Conclusion, Refusal
from tests.test_pipeline import ANA, MAL, NOW, ONE, TWO, alert, clock, deliver, desk, work

__all__ = ("clock", "desk")


def told(desk: Desk, id_: str = "a-1", *keys: str, **more: Any) -> int:
    """The case that an alert opened or joined."""
    deliver(desk, alert(id_, *(keys or (ONE,)), **more))
    (case,) = desk.state.read().execute("SELECT max(case_id) FROM case_alerts WHERE alert_id LIKE ?", [f"%{id_}"])
    return int(case[0])


def closed(desk: Desk, case: int, conclusion: Conclusion = Conclusion.BENIGN, **more: Any) -> Case:
    made = desk.operations.close(case, conclusion, ANA, "our own scanner", **more)
    assert isinstance(made, Case)
    return made


def card(desk: Desk, slot: str) -> str:
    (payload,) = (
        desk.state.read()
        .execute("SELECT payload FROM outbox WHERE slot = ? ORDER BY id DESC LIMIT 1", [slot])
        .fetchone()
    )
    return str(payload)


def refusal(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.sentence


def test_a_closed_case_says_so_on_its_card_and_on_record(desk: Desk) -> None:
    case = told(desk)
    known = closed(desk, case)
    assert (known.open, known.closings[0].conclusion, known.closings[0].by) == (False, Conclusion.BENIGN, ANA)
    shown = card(desk, f"case:{case}:card")
    assert "Closed as benign" in shown
    assert "2026-11-20 15:00 UTC" in shown
    assert ": our own scanner" in shown
    assert "Ask again" not in shown
    (entry,) = [each for each in audit.entries(desk.state.read()) if each.operation == "close"]
    assert (entry.actor, entry.target, entry.reason, entry.result) == (
        *(ANA.id, f"case {case}", "our own scanner"),
        "closed as benign",
    )
    assert json.loads(entry.after) == {"state": "closed", "verdict": "benign"}


def test_a_new_alert_opens_it_again_with_a_new_card_and_its_old_baseline(desk: Desk, clock: list[datetime]) -> None:
    case = told(desk)
    baseline = cases.load(desk.state.read(), case).window.recent_since
    closed(desk, case)
    clock.append(NOW + timedelta(days=2))
    assert told(desk, "a-2", time="2026-11-22T14:30:00Z") == case
    known = cases.load(desk.state.read(), case)
    assert (known.open, known.reopened) == (True, 1)
    assert known.window.recent_since == baseline
    assert "Closed as benign" in card(desk, f"case:{case}:card")
    again = card(desk, f"case:{case}:card:1")
    assert "Opened again" in again
    assert "It was closed as benign by Ana" in again
    assert "Ask again" in again
    details = desk.state.read().execute("SELECT slot FROM outbox WHERE slot LIKE '%score%'").fetchall()
    assert {slot for (slot,) in details} == {f"case:{case}:score", f"case:{case}:score:1"}


@pytest.mark.parametrize(
    ("conclusion", "days", "same"),
    [
        (Conclusion.TRUE, 6, True),  # containment may have failed
        (Conclusion.BENIGN, 6, True),
        (Conclusion.EXPECTED, 6, True),
        (Conclusion.BENIGN, 8, False),  # another week, another baseline
        (Conclusion.DUPLICATE, 1, False),  # another case tells that story
    ],
)
def test_which_closed_cases_are_opened_again(
    desk: Desk, clock: list[datetime], conclusion: Conclusion, days: int, same: bool
) -> None:
    other, case = told(desk, "a-0", TWO), told(desk)
    closed(desk, case, conclusion, duplicate_of=other if conclusion is Conclusion.DUPLICATE else None)
    clock.append(NOW + timedelta(days=days))
    later = told(desk, "a-2", time=f"2026-11-{20 + days}T15:00:00Z")
    assert (later == case) is same


def test_the_alert_that_was_judged_comes_again_and_changes_nothing(desk: Desk) -> None:
    case = told(desk)
    closed(desk, case)
    assert told(desk, "a-1", title="the same again, in other words") == case
    assert not cases.load(desk.state.read(), case).open


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"reason": " "}, "Say why"),
        ({"conclusion": Conclusion.DUPLICATE}, "names the case that tells its story"),
        ({"duplicate_of": 1}, "names the case that tells its story"),
        ({"conclusion": Conclusion.DUPLICATE, "duplicate_of": 1}, "no duplicate of itself"),
        ({"conclusion": Conclusion.DUPLICATE, "duplicate_of": 77}, "There is no case #77"),
        ({"actor": MAL}, "You may not"),
    ],
)
def test_what_cannot_be_closed_so_is_refused(desk: Desk, asked: dict[str, Any], sentence: str) -> None:
    case = told(desk)
    values: dict[str, Any] = {"conclusion": Conclusion.BENIGN, "actor": ANA, "reason": "so", **asked}
    assert sentence in refusal(desk.operations.close(case, **values))
    assert cases.load(desk.state.read(), case).open
    assert not [each for each in audit.entries(desk.state.read()) if each.operation == "close"]


def test_a_closed_case_is_neither_closed_nor_asked_again(desk: Desk) -> None:
    case = told(desk)
    closed(desk, case)
    for answer in (
        desk.operations.close(case, Conclusion.TRUE, ANA, "no, it was not"),
        desk.operations.ask_again(case, ANA),
    ):
        assert (
            refusal(answer) == f"Case #{case} is closed, as benign by Ana. A new alert of the next days opens it again."
        )
    with pytest.raises(LookupError):
        desk.operations.close(99, Conclusion.TRUE, ANA, "so")


def test_open_cases_and_all_cases(desk: Desk) -> None:
    one, two = told(desk), told(desk, "a-2", TWO)
    closed(desk, one)
    listed = [desk.operations.open_cases(ANA), desk.operations.newest_cases(ANA)]
    assert [[case.id for case in found] for found in listed if not isinstance(found, Refusal)] == [[two], [two, one]]


# ------------------------------------------------------------------------------------------- seen in public


def test_a_key_seen_in_public_is_an_incident_on_an_analysts_word(desk: Desk) -> None:
    case = told(desk)
    known = desk.operations.leak(case, "https://www.postman.com/x", ANA, "the id stands in a public variable")
    assert isinstance(known, Case)
    work(desk)
    judged = cases.load(desk.state.read(), case).triage
    assert judged is not None
    assert (judged.assessment.verdict, judged.assessment.score) == ("incident", 75)
    (reason,) = [each for each in judged.assessment.reasons if each.signal == "leak.found"]
    assert reason.sentence == "Ana saw the key in public on 2026-11-20: https://www.postman.com/x."
    assert reason.evidence[0] in [one.evidence_id for one in cases.load(desk.state.read(), case).alerts]
    (entry,) = [each for each in audit.entries(desk.state.read()) if each.operation == "leak"]
    assert (entry.target, entry.result) == (f"case {case}: {ONE}", "seen in public: https://www.postman.com/x")


def test_a_case_about_a_user_names_the_key_that_was_seen(desk: Desk) -> None:
    arn = "arn:aws:iam::111122223333:user/alice"
    deliver(desk, {"id": "u", "title": "alice", "time": "2026-11-20T14:30:00Z", "principal": arn})
    case = desk.state.read().execute("SELECT max(id) FROM cases").fetchone()[0]
    assert "name the key" in refusal(desk.operations.leak(case, "a paste site", ANA, "so"))
    desk.operations.leak(case, "a paste site", ANA, "so", key=ONE)
    work(desk)
    judged = cases.load(desk.state.read(), case).triage
    assert judged is not None
    assert "leak.found" in [reason.signal for reason in judged.assessment.reasons]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [(" ", "Say where"), (f"{ONE} wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "holds a secret access key")],
)
def test_a_leak_without_a_place_or_with_the_secret_is_refused(desk: Desk, place: str, sentence: str) -> None:
    case = told(desk)
    assert sentence in refusal(desk.operations.leak(case, place, ANA, "so"))
    assert desk.state.read().execute("SELECT count(*) FROM leaks").fetchone() == (0,)


# ------------------------------------------------------------------------------------------------- counted


def test_what_the_bot_said_then_is_kept_beside_the_analysts_word(desk: Desk, clock: list[datetime]) -> None:
    case = told(desk)
    desk.operations.leak(case, "a paste site", ANA, "so")
    work(desk)
    (closing,) = closed(desk, case, Conclusion.TRUE).closings
    assert (closing.verdict, closing.score, closing.signals) == ("incident", 75, ("leak.found",))
    clock.append(NOW + timedelta(days=1))
    told(desk, "a-2", time="2026-11-21T15:00:00Z")
    closed(desk, case, Conclusion.BENIGN)
    counted = desk.operations.calibration(ANA, desk.investigate.weights)
    assert not isinstance(counted, Refusal)
    assert (counted.true, counted.harmless) == (0, 1)  # the newest word on a case counts
    assert isinstance(desk.operations.calibration(MAL, desk.investigate.weights), Refusal)
