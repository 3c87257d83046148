from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Answer, Context, Detail, Event, Kind, Observable, Outcome, Window
from enrichers.interesting_calls import GRAVITY, SENDING_SWITCHES, enrich, telling_calls
from tests.fakes import ALICE, LEAD, context, event, ordinary

SWITCH = "ses:UpdateAccountSendingEnabled"
DATA = Path(__file__).parent.parent / "data" / "cloudtrail"


def calm() -> list[Event]:
    """Ordinary calls that are in nobody's list."""
    return ordinary(name="sqs:ReceiveMessage")


def answer(events: Sequence[Event], **changes: Any) -> Answer:
    return enrich(LEAD, context(events, **changes))


def kinds(given: Answer) -> list[str]:
    return [signal.kind for signal in given.signals]


def names(given: Answer) -> list[str]:
    return [row["event"] for row in given.data["calls"]]


def test_the_list_is_whole() -> None:
    calls = telling_calls()
    assert len(calls) == 380
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+", name) for name in calls)
    assert {purpose for call in calls.values() for purpose in call.purposes} <= set(GRAVITY)
    assert (calls["ses:GetSendQuota"].purposes, calls["ses:GetSendQuota"].reports) == (("recon",), 9)


def test_a_call_as_a_responder_reads_it() -> None:
    given = answer([*calm(), event(20, name="iam:ListUsers"), event(10, name="iam:ListUsers", outcome=Outcome.DENIED)])
    (row,) = given.data["calls"]
    assert {key: row[key] for key in ("count", "ok", "denied", "purposes", "new", "principals")} == {
        "count": 2,
        "ok": 1,
        "denied": 1,
        "purposes": ["recon"],
        "new": True,
        "principals": 0,
    }
    assert row["why"].startswith("Attackers")
    assert given.headline == "iam:ListUsers (2, recon, nobody before); new to this principal"


def test_new_ones_come_first_the_rare_before_the_grave_and_asking_last() -> None:
    others = [
        event(5 * 24 * 60, name="iam:CreateUser", principal=replace(ALICE, id=f"111122223333:user/{name}"), key=name)
        for name in "abc"
    ]
    usual = ordinary(name="s3:ListBuckets")
    new = [event(name=name) for name in ("iam:ListUsers", "iam:CreateUser", "iam:CreateAccessKey", "s3:ListBuckets")]
    assert names(answer([*usual, *others, *new])) == [
        "iam:CreateAccessKey",
        "iam:ListUsers",
        "iam:CreateUser",
        "s3:ListBuckets",
    ]


@pytest.mark.parametrize(
    ("events", "headline", "found"),
    [
        (
            [*calm(), event(name="sqs:ReceiveMessage")],
            "Calls that matter: none between 2026-11-10 11:59 and 2026-11-20 13:50 UTC",
            False,
        ),
        ([*ordinary(name="s3:ListBuckets")], "Calls that matter: 1 kind, all made before", False),
        ([*calm(), event(name="iam:ListUsers", by_service=True)], "Calls that matter: none", False),
        (
            [event(name="iam:ListUsers")],
            "iam:ListUsers (1, recon, nobody before); new or not: too little history",
            True,
        ),
    ],
)
def test_nothing_new(events: list[Event], headline: str, found: bool) -> None:
    given = answer(events)
    assert given.headline.startswith(headline)
    assert given.found is found


@pytest.mark.parametrize("name", sorted(SENDING_SWITCHES))
def test_sending_switched_by_a_stranger_to_mail(name: str) -> None:
    calls = [event(20, name=name), event(10, name=name, region="eu-west-1")]
    given = answer([*ordinary(), *calls])
    assert given.signals[0].sentence == (
        "Account-wide e-mail sending was switched in eu-west-1, us-east-1 by alice, who had nothing to do with e-mail "
        "before."
    )
    assert set(given.signals[0].evidence) == {call.id for call in calls}


@pytest.mark.parametrize(
    ("before", "changes", "fires"),
    [
        ([], {"outcome": Outcome.DENIED}, True),
        ([], {"by_service": True}, False),
        ([], {"minutes_ago": 3 * 24 * 60}, False),
        ([event(4 * 24 * 60, name="ses:SendEmail")], {}, False),
    ],
)
def test_whose_switching_is_odd(before: list[Event], changes: dict[str, Any], fires: bool) -> None:
    given = answer([*ordinary(), *before, event(name=SWITCH, **changes)])
    assert [signal.kind for signal in given.signals] == (["ses.toggle"] if fires else [])


def test_a_refused_switch_is_said_to_be_refused() -> None:
    given = answer([*ordinary(), event(name=SWITCH, outcome=Outcome.DENIED)])
    assert "was to be switched, and was not," in given.signals[0].sentence


@pytest.mark.parametrize(
    ("enabled", "outcome", "told"),
    [
        (True, Outcome.OK, "was switched on in"),
        (False, Outcome.OK, "was switched off in"),
        (None, Outcome.OK, "was switched in"),
        (True, Outcome.DENIED, "was to be switched on, and was not, in"),
    ],
)
def test_which_way_it_was_switched(enabled: bool | None, outcome: Outcome, told: str) -> None:
    detail = Detail(enabled=enabled) if enabled is not None else None
    given = answer([*calm(), event(name=SWITCH, outcome=outcome, detail=detail), event(name="ses:GetSendQuota")])
    assert told in given.signals[0].sentence
    assert given.signals[0].sentence.endswith("and its price was asked.")


# ------------------------------------------------------------------------------------ how it was asked

QUESTIONS = tuple(f"iam:List{what}" for what in ("Users", "Roles", "Groups", "Policies", "AccessKeys", "MFADevices"))


def rapidly(*names: str, seconds: float = 1, **changes: Any) -> list[Event]:
    return [event(30 - n * seconds / 60, name=name, **changes) for n, name in enumerate(names)]


@pytest.mark.parametrize(
    ("why", "before", "now", "fires"),
    [
        ("six questions in six seconds", (), rapidly(*QUESTIONS), True),
        ("five", (), rapidly(*QUESTIONS[:5]), False),
        ("slowly", (), rapidly(*QUESTIONS, seconds=5), False),
        ("the same six on other days", QUESTIONS, rapidly(*QUESTIONS), False),
        ("by a library", (), rapidly(*QUESTIONS, family="boto3|linux|-|-"), False),
        ("by a service", (), rapidly(*QUESTIONS, by_service=True), False),
        ("doing, not asking", (), rapidly(*(f"iam:Delete{n}" for n in "ABCDEF")), False),
    ],
)
def test_discovery_faster_than_a_person_types(why: str, before: tuple[str, ...], now: list[Event], fires: bool) -> None:
    past = [event(24 * 60 * 3, name=name) for name in before]
    assert (kinds(answer([*calm(), *past, *now])) == ["recon.speed"]) is fires, why


@pytest.mark.parametrize(
    ("why", "regions", "seconds", "changes", "fires"),
    [
        ("eight regions in a minute", 8, 7, {}, True),
        ("seven", 7, 7, {}, False),
        ("over an hour", 8, 400, {}, False),
        ("on pages", 8, 7, {"family": "console"}, False),
        ("its daily call", 8, 7, {"name": "sqs:ListQueues"}, False),
    ],
)
def test_one_question_in_many_regions(
    why: str, regions: int, seconds: int, changes: dict[str, Any], fires: bool
) -> None:
    values = {"name": "servicequotas:GetServiceQuota"} | changes
    now = [event(60 - n * seconds / 60, region=f"region-{n}", **values) for n in range(regions)]
    given = answer([*calm(), *ordinary(name="sqs:ListQueues"), *now])
    assert (kinds(given) == ["recon.regions"]) is fires, why


LIST_MODELS, INVOKE = "bedrock:ListFoundationModels", "bedrock:InvokeModel"


@pytest.mark.parametrize(
    ("why", "before", "now", "fires"),
    [
        ("asked, then tried", [], [event(20, name=LIST_MODELS), event(10, name=INVOKE)], True),
        ("the other way round", [], [event(10, name=LIST_MODELS), event(20, name=INVOKE)], False),
        ("an hour later", [], [event(80, name=LIST_MODELS), event(10, name=INVOKE)], False),
        ("its work", [event(24 * 60 * 3, name=INVOKE)], [event(20, name=LIST_MODELS), event(10, name=INVOKE)], False),
        ("by a session", [], [event(20, name=LIST_MODELS, key="ASIA1"), event(10, name=INVOKE, key="ASIA1")], False),
    ],
)
def test_language_models_tried(why: str, before: list[Event], now: list[Event], fires: bool) -> None:
    assert ("llm.probe" in kinds(answer([*calm(), *before, *now]))) is fires, why
    open_ones = [unknown.kind for unknown in answer([*before, *now]).unknowns]
    assert open_ones == (["llm.probe"] if fires else []), why


def test_a_thin_baseline_is_said() -> None:
    given = answer([*ordinary(days=1), event(name=SWITCH)])
    assert (given.signals, [unknown.kind for unknown in given.unknowns]) == ((), ["ses.toggle"])
    assert given.data["calls"][0]["new"] is None


def test_on_real_records(tmp_path: Path) -> None:
    """An hour of published attack techniques: what matters is there, and nothing is called new without a past."""
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    newest = history.newest()
    assert newest is not None
    key = Observable(Kind.ACCESS_KEY, "AKIATFQR7NSC8Q4X20BJ")
    window = Window.ending(newest)
    given = enrich(key, Context(window, history, principal=history.principal(key, newest)))
    assert {"iam:CreateUser", "iam:CreateAccessKey", "cloudtrail:StopLogging"} <= set(names(given))
    assert {row["new"] for row in given.data["calls"]} == {None}
    assert given.signals == ()
