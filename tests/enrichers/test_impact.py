from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.raw_records import RawRecords
from bot.history.sqlite import SqliteHistory
from bot.model import (
    Answer,
    Context,
    Event,
    Kind,
    MailQuarter,
    MailSent,
    Observable,
    Outcome,
    Unread,
    Window,
)
from enrichers.impact import enrich, harms, regions_of
from tests.fakes import ALICE, LEAD, NOW, FakeHistory, FakeRecords, FakeStatistics, context, event, ordinary
from tests.history.made import DATA

DAY = 24 * 60
LOOKED = "between 2026-11-10 11:59 and 2026-11-20 13:50 UTC"
KEPT = NOW - timedelta(days=14)
OTHERS: dict[str, Any] = {"key": "AKIARTX3GSDSQAAAAAAB"}
"""Whose calls are not the lead's."""


def answer(events: Sequence[Event], about: Observable = LEAD, **changes: Any) -> tuple[Answer, dict[str, str]]:
    given = enrich(about, context(events, **changes))
    return given, {fact.label: fact.value for fact in given.facts}


def row(given: Answer, what: str) -> Mapping[str, Any]:
    (found,) = [each for each in given.data["harms"] if each["what"] == what]
    return found  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------ what was done


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("ses:SendRawEmail", "Mail sent"),
        ("sns:Publish", "Messages sent"),
        ("ec2:RunInstances", "Compute started"),
        ("bedrock:InvokeModel", "Models run"),
        ("s3:GetObject", "Objects read"),
        ("dynamodb:Scan", "Table items read"),
        ("secretsmanager:GetSecretValue", "Secrets read"),
        ("s3:DeleteObjects", "Objects deleted"),
        ("ec2:TerminateInstances", "Other deletions"),
        ("rds:DeleteDBInstance", "Other deletions"),
        ("kms:ScheduleKeyDeletion", "Other deletions"),
    ],
)
def test_a_call_is_counted_once_in_its_place(call: str, what: str) -> None:
    given, facts = answer(
        [event(DAY + 60, name="sts:GetCallerIdentity"), event(name=call), event(name=call, region="eu-west-1")]
    )
    assert [each["what"] for each in given.data["harms"] if each["recent"]] == [what]
    assert facts[what] == f"2 since 2026-11-19 14:00 UTC, none before; {call} 2; us-east-1 1, eu-west-1 1"
    assert given.headline.startswith(f"Cost so far: {what.lower()} 2; more than on any day before")


@pytest.mark.parametrize("call", ["iam:ListUsers", "ssm:TerminateSession", "sqs:DeleteMessage", "dynamodb:DeleteItem"])
def test_other_calls_cost_nothing(call: str) -> None:
    given, _ = answer([event(name=call)])
    assert not [each for each in given.data["harms"] if each["recent"]]
    assert given.found is False


def test_every_call_stands_in_one_row() -> None:
    calls = [call for harm in harms() for call in harm.calls]
    assert len(calls) == len(set(calls))


def test_what_the_owner_always_does_is_no_cost_of_the_theft() -> None:
    given, facts = answer([*ordinary(each=5), event(), event()])
    assert facts["Objects read"] == (
        "2 since 2026-11-19 14:00 UTC, 50 before, at most 5 a day; s3:GetObject 2; us-east-1 2"
    )
    assert (row(given, "Objects read")["more_than_usual"], given.found) == (False, False)
    assert given.headline.startswith("Cost so far: nothing beyond the usual between")


def test_more_than_on_any_day_before_is_told() -> None:
    given, _ = answer([*ordinary(each=2), *(event(minute) for minute in range(1, 4))])
    assert given.headline.startswith("Cost so far: objects read 3; more than on any day before")
    assert given.found


def test_what_was_tried_in_vain_did_no_harm() -> None:
    given, facts = answer(
        [
            event(name="ec2:RunInstances", outcome=Outcome.DENIED),
            event(name="ec2:RunInstances", outcome=Outcome.DRY_RUN),
            event(name="ec2:RunInstances", outcome=Outcome.UNKNOWN),
        ]
    )
    assert facts["Compute started"].startswith("none ")
    assert facts["Compute started"].endswith("; 2 more were tried in vain")
    assert (given.data["instances"], given.found) == (None, False)


# ----------------------------------------------------------------------------- three kinds of nothing


def test_none_is_said_over_the_span_that_was_searched() -> None:
    _, facts = answer([*ordinary(), event(name="sts:GetCallerIdentity")])
    assert facts["Models run"] == f"none {LOOKED}"


def test_reads_cannot_be_counted_where_no_trail_logs_them() -> None:
    given, facts = answer([event(name="iam:ListUsers"), event(DAY + 60, name="iam:ListUsers")])
    unlogged = "cannot be counted: no {} data event of this account is in the history"
    assert facts["Objects read"] == unlogged.format("S3")
    assert facts["Table items read"] == unlogged.format("DynamoDB")
    assert facts["Messages sent"] == unlogged.format("SNS")
    assert facts["Mail sent"] == f"{unlogged.format('SES')}; mail by SMTP is in no log"
    assert (row(given, "Objects read")["recent"], row(given, "Models run")["recent"]) == (None, 0)
    assert given.headline.endswith(
        "; not in this history: mail sent, messages sent, objects read, table items read, objects deleted"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "none between 2026-11-20 13:50 and 2026-11-20 13:50 UTC, as far as data events are taken"),
        ({"account": "999900001111"}, "cannot be counted: no S3 data event of this account is in the history"),
    ],
)
def test_somebody_elses_reads_show_that_reads_are_logged(changes: dict[str, Any], said: str) -> None:
    _, facts = answer([event(name="iam:ListUsers"), event(**OTHERS, **changes)])
    assert facts["Objects read"] == said


def test_a_history_that_begins_today_knows_no_usual() -> None:
    given, facts = answer([event(name="bedrock:InvokeModel")])
    assert "1 since 2026-11-19 14:00 UTC, what was usual before is unknown" in facts["Models run"]
    assert given.headline.startswith("Cost so far: models run 1; what was usual before is unknown")
    assert (row(given, "Models run")["before"], row(given, "Models run")["most_in_a_day_before"]) == (None, None)


def test_of_an_account_without_logs_before_no_usual_is_known() -> None:
    given, _ = answer(
        [*ordinary(), event(name="bedrock:InvokeModel")], principal=replace(ALICE, account="444455556666")
    )
    assert given.headline.startswith("Cost so far: models run 1; what was usual before is unknown")


def test_nothing_found_over_logs_with_gaps_says_so() -> None:
    events = [*ordinary(), event(name="sts:GetCallerIdentity")]
    lacking = FakeHistory(events, missing=("Account 444455556666 has no events in this time.",))
    _, facts = answer(events, history=lacking)
    assert facts["Models run"] == f"none {LOOKED}, with gaps in the logs"


# -------------------------------------------------------------------------------------- instances


def test_what_was_started_is_counted_by_type() -> None:
    runs = [event(minutes, name="ec2:RunInstances") for minutes in (1, 2, 3)]
    others = event(1, name="ec2:RunInstances", **OTHERS)
    started = {
        runs[0].id: {"p3.16xlarge": 4},
        runs[1].id: {"p3.16xlarge": 4, "t3.micro": 1},
        others.id: {"t3.micro": 9},
    }
    given, facts = answer([*runs, others], records=FakeRecords({}, started))
    assert facts["Instances"] == "9 started by the newest 2 of 3 calls: p3.16xlarge 8, t3.micro 1"
    assert given.data["instances"] == {"p3.16xlarge": 8, "t3.micro": 1}


def test_of_a_principal_the_calls_of_every_key() -> None:
    runs = [event(1, name="ec2:RunInstances"), event(2, name="ec2:RunInstances", **OTHERS)]
    records = FakeRecords({}, {each.id: {"t3.micro": 1} for each in runs})
    _, facts = answer(runs, Observable(Kind.PRINCIPAL, ALICE.id), records=records)
    assert facts["Instances"] == "2 started: t3.micro 2"


@pytest.mark.parametrize("records", [None, FakeRecords({})])
def test_records_that_are_gone_leave_the_calls(records: FakeRecords | None) -> None:
    given, facts = answer([event(name="ec2:RunInstances")], records=records)
    assert facts["Instances"] == "started by 1 calls; which stands in records that cannot be read again"
    assert given.data["instances"] is None


# ------------------------------------------------------------------------------------------- mail


def quarter(minutes_ago: float, sent: int, **changes: int) -> MailQuarter:
    return MailQuarter(NOW - timedelta(minutes=minutes_ago), sent, **changes)


def test_ses_counts_what_no_log_holds() -> None:
    sent = MailSent(
        KEPT, (quarter(3 * DAY, 20), quarter(2 * DAY, 30), quarter(45, 9_000, bounced=400), quarter(30, 3_000))
    )
    given, facts = answer(
        [event(name="ses:GetSendStatistics", region="eu-west-1"), event(name="iam:ListUsers")],
        statistics=FakeStatistics({"eu-west-1": sent, "us-east-1": Unread("AccessDenied on GetSendStatistics")}),
    )
    assert facts["SES in eu-west-1"] == (
        "12000 mails since 2026-11-19 14:00 UTC by the whole account, SMTP included (400 bounced);"
        " 50 before, at most 30 a day"
    )
    assert facts["SES in us-east-1"] == "unknown: AccessDenied on GetSendStatistics"
    assert given.headline.startswith("Cost so far: mails counted by SES 12000; more than on any day before")
    assert [(each["region"], each["recent"]) for each in given.data["mail"]] == [
        ("eu-west-1", 12000),
        ("us-east-1", None),
    ]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (MailSent(KEPT, ()), "no mail since 2026-11-06 14:00 UTC by the whole account, SMTP included"),
        (MailSent(NOW + timedelta(days=20), ()), "unknown: SES keeps what it counted since 2026-12-10"),
        (Unread("no answer within 5 seconds"), "unknown: no answer within 5 seconds"),
    ],
)
def test_no_mail_and_no_answer_are_two_things(sent: MailSent | Unread, said: str) -> None:
    given, facts = answer([event()], statistics=FakeStatistics({"us-east-1": sent}))
    assert facts["SES in us-east-1"] == said
    assert given.found is True, "its only read of an object is still told"


def test_without_a_reading_role_the_remedy_is_said() -> None:
    _, facts = answer([event()])
    assert facts["SES"] == "not asked: name a reading role in config.toml"


def test_an_idle_key_names_no_region_to_ask_in() -> None:
    _, facts = answer([], history=FakeHistory([event(**OTHERS)]), statistics=FakeStatistics())
    assert facts["SES"] == "not asked: nothing says in which region it was active"


def test_regions_where_mail_was_touched_come_first_and_the_rest_is_said() -> None:
    events = [
        event(name="ses:ListIdentities", region="eu-west-3"),
        *(event(region=f"us-west-{n}") for n in range(1, 9)),
    ]
    _, facts = answer(events, statistics=FakeStatistics())
    asked = [label for label in facts if label.startswith("SES in")]
    assert asked[0] == "SES in eu-west-3"
    assert (len(asked), facts["SES in 3 more regions"]) == (7, "unknown: not asked")
    assert regions_of([]) == []


def test_on_real_records(tmp_path: Path) -> None:
    """Somebody ran the attacks of Stratus Red Team one after the other."""
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    lead = Observable(Kind.ACCESS_KEY, "AKIATFQR7NSC8Q4X20BJ")
    newest = history.newest() or NOW
    world = Context(Window.ending(newest), history, records=RawRecords(history))
    given = enrich(lead, replace(world, principal=history.principal(lead, newest)))
    assert given.headline.startswith(
        "Cost so far: secrets read 147, other deletions 147, compute started 4; what was usual"
    )
    assert given.data["instances"] == {"t3.micro": 2}
    assert [each["what"] for each in given.data["harms"] if each["recent"] is None] == [
        *("Mail sent", "Messages sent", "Objects read", "Table items read", "Objects deleted"),
    ]
