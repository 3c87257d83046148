"""Where the bot does nothing: whose account it is, who made the key, and whom to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model import ChangeState, ContactRecord, Unread
from bot.remediation.planning import RemediationSettings
from bot.remediation.whom_to_ask import account_in
from tests.fakes import event
from tests.remediation.bench import BEN, Bench, refused
from tests.remediation.cloud import ACCOUNT, FOREIGN, key_id
from tests.remediation.door import Fate

CONTACT = ContactRecord("Security Desk", "Incident response", "security@example.com", "+49 30 5550100")
TOLD = f"Security contact of account {ACCOUNT}: Security Desk, Incident response, security@example.com, +49 30 5550100."


def made(bench: Bench) -> str:
    """CloudTrail delivers who made the stolen key."""
    at = bench.clock.now - timedelta(days=100)
    bench.events = [replace(event(name="iam:CreateAccessKey"), at=at, minted=bench.seat.stolen.id)]
    return f"{bench.seat.stolen.id} was made by iam:CreateAccessKey by 111122223333:user/alice"


def test_a_failed_change_says_whom_to_ask_and_what_to_type(bench: Bench) -> None:
    bench.contact, maker = CONTACT, made(bench)
    bench.door.fail("UpdateAccessKey", Fate.DENIED)
    ended = bench.disabled()
    assert ended.state is ChangeState.FAILED
    before, _, commands = ended.sentence.partition(" By hand: ")
    assert maker in before
    assert before.endswith(TOLD)
    assert commands.startswith(f"aws iam update-access-key --user-name {bench.seat.user}")


def test_a_refusal_says_whom_to_ask(bench: Bench) -> None:
    bench.contact, maker = CONTACT, made(bench)
    bench.door.fail("GetAccessKeyLastUsed", Fate.DENIED)
    sentence = bench.refusal("disable_access_key", bench.seat.stolen.id).sentence
    assert maker in sentence
    assert sentence.endswith(TOLD)


def test_drift_says_whom_to_ask(bench: Bench) -> None:
    bench.contact = CONTACT
    bench.disabled()
    bench.cloud.set_status(bench.seat, "Active")
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert TOLD in bench.told[-1].sentence


def test_a_contact_that_is_not_entered_or_not_read_is_said(bench: Bench) -> None:
    bench.contact = ContactRecord()
    root = bench.refusal("quarantine_user", f"{ACCOUNT}:root").sentence
    assert root.endswith(f"Security contact of account {ACCOUNT}: none is entered there.")
    bench.contact = Unread("AccessDenied on GetAlternateContact")
    root = bench.refusal("quarantine_user", f"{ACCOUNT}:root").sentence
    assert root.endswith("could not be read: AccessDenied on GetAlternateContact.")


def test_where_there_was_nothing_to_do_nobody_is_to_be_asked(bench: Bench) -> None:
    bench.contact = CONTACT
    bench.disabled()
    assert bench.refusal("disable_access_key", bench.seat.stolen.id).sentence.endswith("is already inactive.")


def test_an_undo_that_is_refused_says_whom_to_ask(bench: Bench) -> None:
    bench.contact = CONTACT
    done = bench.done("reset_console_password", bench.seat.principal)
    assert TOLD in refused(bench.remediations.plan_undo(done.execution, BEN))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("disable_access_key", key_id(5, FOREIGN)),
        ("quarantine_user", f"{FOREIGN}:user/alice"),
        ("quarantine_user", f"arn:aws:iam::{FOREIGN}:user/alice"),
        ("revoke_sessions", f"arn:aws:sts::{FOREIGN}:assumed-role/x/y"),
        ("disable_created", f"arn:aws:iam::{FOREIGN}:policy/x"),
        ("pause_ses", f"{FOREIGN}/eu-west-1"),
    ],
)
def test_what_is_in_an_account_of_others_is_refused_before_any_call(bench: Bench, name: str, target: str) -> None:
    bench.asking(RemediationSettings(is_ours=lambda account: account == ACCOUNT))
    assert f"Account {FOREIGN} is none of those in [environments]" in bench.refusal(name, target).sentence
    assert bench.door.requests == []


@pytest.mark.parametrize(
    ("target", "account"),
    [
        (key_id(5), ACCOUNT),
        ("AKIAIOSFODNN7EXAMPLE", None),
        (f"{ACCOUNT}:user/alice", ACCOUNT),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/x", ACCOUNT),
        (f"{ACCOUNT}/eu-west-1", ACCOUNT),
        ("203.0.113.5", None),
        ("alice", None),
        ("", None),
    ],
)
def test_the_account_stands_in_the_target(target: str, account: str | None) -> None:
    assert account_in(target) == account
