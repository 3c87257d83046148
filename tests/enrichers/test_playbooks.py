from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.hunts.around import Around
from bot.model import Answer, Context, Detail, Event, Kind, Observable, Outcome, Principal, Window
from enrichers.playbooks import enrich
from tests.fakes import LEAD, context, event, ordinary
from tests.history.made import DATA

SENDING, QUOTA, WHO = "ses:UpdateAccountSendingEnabled", "ses:GetSendQuota", "sts:GetCallerIdentity"
USERS = "iam:ListUsers"


def answer(events: Sequence[Event], **changes: Any) -> Answer:
    return enrich(LEAD, context(events, **changes))


def kinds(given: Answer) -> list[str]:
    return [signal.kind for signal in given.signals]


def calls(*names: str, **changes: Any) -> list[Event]:
    return [event(10 + number, name=name, **changes) for number, name in enumerate(names)]


def test_a_playbook_is_told_with_what_succeeded() -> None:
    refused = event(12, name=QUOTA, outcome=Outcome.DENIED)
    given = answer([*ordinary(), *calls(SENDING, WHO), refused])
    assert kinds(given) == ["playbook.impact", "playbook.succeeded"]
    assert given.headline == "SES takeover for spam or phishing: 2 succeeded, 1 refused"
    [row] = given.data["playbooks"]
    assert (row["playbook"], row["level"], row["habit"]) == ("email-abuse", "match", False)
    assert {"event": QUOTA, "core": False, "new": True, "outcomes": {"denied": 1}} in row["calls"]
    assert given.signals[1].sentence == f"{SENDING} succeeded for the first time: SES takeover for spam or phishing."


@pytest.mark.parametrize(
    ("why", "before", "now", "fired"),
    [
        ("attempts only", (), [*calls(SENDING, QUOTA, WHO, outcome=Outcome.DENIED)], ["playbook.impact"]),
        ("a dry run is an attempt", (), calls(SENDING, QUOTA, WHO, outcome=Outcome.DRY_RUN), ["playbook.impact"]),
        ("one step that succeeded", (), calls(SENDING), ["playbook.succeeded"]),
        ("one step of a playbook that asks for two", (), calls("lambda:UpdateFunctionCode"), []),
        ("one step that was refused", (), calls(SENDING, outcome=Outcome.DENIED), []),
        ("its work all along", (SENDING,), calls(SENDING, QUOTA, WHO), []),
        ("by a service", (), calls(SENDING, QUOTA, WHO, by_service=True), []),
        ("a user who comes back", (), calls("iam:CreateUser", USERS), ["playbook.persistence", "playbook.succeeded"]),
        ("logging switched off", (), calls("cloudtrail:StopLogging"), ["logging.tamper"]),
        ("discovery alone", (), calls(WHO, USERS, "iam:GetUser", "s3:ListBuckets"), []),
        ("secrets of its own", (), calls("secretsmanager:GetSecretValue"), []),
        (
            "snapshots handed out",
            (),
            calls("ec2:CreateSnapshot", "ec2:ModifySnapshotAttribute", "ec2:DescribeSnapshots"),
            ["playbook.impact", "playbook.succeeded"],
        ),
    ],
)
def test_what_counts(why: str, before: tuple[str, ...], now: list[Event], fired: list[str]) -> None:
    past = [event(24 * 60 * 3, name=name) for name in before]
    assert kinds(answer([*ordinary(), *past, *now])) == fired, why


def test_what_stops_a_thief_is_no_persistence_and_taking_it_off_is_an_evasion() -> None:
    contained = event(name="iam:AttachUserPolicy", detail=Detail(user="alice", policy="AWSDenyAll"))
    freed = event(name="iam:DetachUserPolicy", detail=Detail(user="alice", policy="AWSCompromisedKeyQuarantineV3"))
    other = event(name="iam:DetachUserPolicy", detail=Detail(user="bob", policy="ReadOnlyAccess"))
    assert kinds(answer([*ordinary(), contained, event(9, name=USERS)])) == []
    assert kinds(answer([*ordinary(), freed])) == ["logging.tamper"]
    assert kinds(answer([*ordinary(), other])) == []


def test_refused_support_calls_are_weak_where_they_are_rare() -> None:
    others = [
        event(24 * 60 * day, principal=who, key=None, name=USERS if day % 2 else "s3:GetObject")
        for day in range(2, 9)
        for who in (_other(number) for number in range(20))
    ]
    refused = calls(QUOTA, USERS, outcome=Outcome.DENIED)
    given = answer([*ordinary(), *others, *refused])
    weak = [row["playbook"] for row in given.data["playbooks"] if row["level"] == "weak"]
    assert weak == ["email-abuse"]
    assert kinds(given) == []
    assert "SES takeover for spam or phishing (weak): 1 refused" in given.headline


def _other(number: int) -> Principal:
    return Principal(f"111122223333:user/other-{number}", "IAMUser", None, "111122223333")


def test_too_little_history_leaves_open_whether_a_step_is_new() -> None:
    given = answer(calls(SENDING, QUOTA, WHO))
    assert kinds(given) == ["playbook.impact"]
    assert [unknown.kind for unknown in given.unknowns] == ["playbook.succeeded"]
    assert given.data["playbooks"][0]["habit"] is None


def test_what_is_over_before_the_recent_part_is_no_news() -> None:
    old = [event(24 * 60 + 30 + number, name=name) for number, name in enumerate((SENDING, QUOTA, WHO))]
    assert answer([*ordinary(), *old, event()]).data == {"playbooks": []}


def test_nothing_found_is_said_with_the_span() -> None:
    given = answer([*ordinary(), event()])
    assert given.headline == "Playbooks: none resembled between 2026-11-10 11:59 and 2026-11-20 13:50 UTC"
    assert (given.signals, given.unknowns, given.found) == ((), (), False)


def test_a_busy_key_is_read_from_its_first_and_last_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.hunts.around.MOST_CALLS", 20)
    deletions = [event(5 + number / 10, name="s3:DeleteBucket") for number in range(30)]
    others = [event(5 + number / 10, name="rds:DeleteDBInstance") for number in range(30)]
    given = answer([*ordinary(), *deletions, *others])
    [row] = [row for row in given.data["playbooks"] if row["playbook"] == "delete-and-extort"]
    assert (row["level"], row["outcomes"]) == ("match", {"ok": 60})
    assert set(given.signals[0].evidence) <= {each.id for each in [*deletions, *others]}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> SqliteHistory:
    """A recorded run of a catalogue of attacks: an operator who does all of it."""
    history = SqliteHistory(tmp_path_factory.mktemp("catalogue") / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    return history


@pytest.mark.parametrize(
    ("who", "matched"),
    [
        ("123837392027:user/bert-jan", {"defense-evasion", "persist-iam", "persist-trust", "secrets-raid"}),
        ("123837392027:role/nobody", set()),
    ],
)
def test_on_a_recorded_attack(catalogue: SqliteHistory, who: str, matched: set[str]) -> None:
    newest = catalogue.newest()
    assert newest is not None
    observable = Observable(Kind.PRINCIPAL, who)
    world = Context(Window.ending(newest), catalogue, principal=catalogue.principal(observable, newest))
    given = enrich(observable, Context(world.window, catalogue, principal=world.principal, hunts=Around(world)))
    found = {row["playbook"] for row in given.data["playbooks"] if row["level"] == "match"}
    assert matched <= found
    assert bool(found) is bool(matched)
