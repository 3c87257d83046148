from __future__ import annotations

import json
from typing import Any

import pytest

from bot.model import ChangeState
from bot.remediation.pause_ses import PauseSes
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, FOREIGN, Key
from tests.remediation.door import Fate

NAME = "pause_ses"
SENDER = "someone@example.com"
TARGET = f"{ACCOUNT}/eu-west-1"


def mails(bench: Bench, key: Key, region: str = "eu-west-1") -> bool:
    """Whether somebody with ``key`` can send an e-mail there."""
    ses: Any = bench.cloud.client("sesv2", key, region)
    content = {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}}
    try:
        ses.send_email(FromEmailAddress=SENDER, Destination={"ToAddresses": [SENDER]}, Content=content)
    except ses.exceptions.SendingPausedException:
        return False
    return True


@pytest.fixture(autouse=True)
def sender(bench: Bench) -> None:
    for region in ("eu-west-1", "us-east-1"):
        ses: Any = bench.cloud.client("sesv2", bench.seat.other, region)
        try:
            ses.create_email_identity(EmailIdentity=SENDER)
        except ses.exceptions.AlreadyExistsException:
            continue


def test_nobody_sends_in_that_region_until_it_is_taken_back(bench: Bench) -> None:
    seat = bench.seat
    assert [mails(bench, seat.stolen), mails(bench, bench.cloud.session(seat.stolen))] == [True, True]
    done = bench.done(NAME, TARGET)
    assert done.state is ChangeState.CONFIRMED
    assert [mails(bench, key) for key in (seat.stolen, seat.other)] == [False, False]
    assert mails(bench, seat.other, "us-east-1")
    assert bench.undone(done.execution).state is ChangeState.CONFIRMED
    assert mails(bench, seat.other)


def test_the_preview_says_whose_mail_stops_and_how_much_there_is(bench: Bench) -> None:
    plan = bench.plan(NAME, TARGET)
    assert plan.title == f"Pause all e-mail of account {ACCOUNT} in eu-west-1"
    assert "messages were sent there in the last 24 hours" in plan.warnings[0]
    assert "your own too" in plan.warnings[1]
    assert "does not stop mail in other regions" in plan.warnings[2]


def test_the_acting_session_may_flip_the_switch_of_this_region_only(bench: Bench) -> None:
    bench.undone(bench.done(NAME, TARGET).execution)
    assumed = [json.loads(each["Policy"]) for each in bench.door.of("AssumeRole") if "TriageAct" in each["RoleArn"]]
    there = {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}
    assert [[each["Condition"] for each in policy["Statement"]] for policy in assumed] == [[there], [there]]


def test_what_is_paused_is_left_as_it_is(bench: Bench) -> None:
    done = bench.done(NAME, TARGET)
    assert bench.refusal(NAME, TARGET).settled
    bench.undone(done.execution)


def test_a_switch_somebody_flipped_back_is_drift(bench: Bench) -> None:
    bench.done(NAME, TARGET)
    bench.cloud.client("sesv2", bench.seat.stolen, "eu-west-1").put_account_sending_attributes(SendingEnabled=True)
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.FAILED
    assert "aws sesv2 put-account-sending-attributes --no-sending-enabled --region eu-west-1" in bench.told[-1].sentence


@pytest.mark.parametrize("target", ["", ACCOUNT, "eu-west-1", f"{ACCOUNT}/everywhere", f"{ACCOUNT}/eu-west-1\n"])
def test_account_and_region_are_both_named(bench: Bench, target: str) -> None:
    bench.door.reset()
    assert "Name account and region" in bench.refusal(NAME, target).sentence
    assert bench.door.requests == []


def test_a_foreign_account_is_refused(bench: Bench) -> None:
    assert "may not assume its role there" in bench.refusal(NAME, f"{FOREIGN}/eu-west-1").sentence


def test_a_refusal_by_aws_is_a_sentence(bench: Bench) -> None:
    bench.door.fail("PutAccountSendingAttributes", Fate.DENIED)
    assert "AWS answered PutAccountSendingAttributes with AccessDenied" in bench.done(NAME, TARGET).sentence


def test_the_calls_made_are_exactly_the_declared_permissions(bench: Bench) -> None:
    done = bench.done(NAME, TARGET)
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    bench.undone(done.execution)
    assert bench.door.calls() == PauseSes.permissions.read | PauseSes.permissions.act
