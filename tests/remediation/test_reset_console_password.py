from __future__ import annotations

import re
import string
from typing import Any

import pytest

from bot import audit
from bot.model import ChangeState
from bot.remediation.offer import Offer
from bot.remediation.reset_console_password import SYMBOLS, ResetConsolePassword, unknown
from tests.remediation.bench import BEN, Bench, change_of, refused
from tests.remediation.cloud import ACCOUNT
from tests.remediation.door import Fate

NAME = "reset_console_password"
FORCE = Offer(sign_in="force_change")


def profile(bench: Bench) -> Any:
    """The user's login profile; ``None`` if there is none. Sign-in itself is no API: the profile is what it asks."""
    iam = bench.cloud.iam()
    try:
        return iam.get_login_profile(UserName=bench.seat.user)["LoginProfile"]
    except iam.exceptions.NoSuchEntityException:
        return None


def test_the_password_is_removed_and_nothing_else(bench: Bench) -> None:
    assert profile(bench) is not None
    done = bench.done(NAME, bench.seat.principal)
    assert done.state is ChangeState.CONFIRMED
    assert profile(bench) is None
    assert [bench.cloud.may_work(key) for key in (bench.seat.stolen, bench.seat.other)] == [True, True]


def test_its_preview_says_that_there_is_no_way_back_and_what_goes_on(bench: Bench) -> None:
    plan = bench.plan(NAME, bench.seat.principal)
    warnings = " ".join(plan.warnings)
    assert "There is no way back" in warnings
    assert "A console session that is open goes on, up to 12 hours" in warnings
    assert "access keys are not touched" in warnings


def test_it_has_no_undo_but_says_what_to_do_instead(bench: Bench) -> None:
    done = bench.done(NAME, bench.seat.principal)
    answer = bench.remediations.plan_undo(done.execution, BEN)
    assert "A password that is gone cannot be taken back" in refused(answer)
    assert getattr(answer, "commands", ()) == (
        (
            f"aws iam create-login-profile --user-name {bench.seat.user} --password-reset-required "
            "--password NEW-PASSWORD"
        ),
    )


def test_without_a_console_there_is_nothing_to_do(bench: Bench) -> None:
    bench.cloud.iam().delete_login_profile(UserName=bench.seat.user)
    refusal = bench.refusal(NAME, bench.seat.principal)
    assert refusal.settled
    assert "has no console password: there is nothing to reset" in refusal.sentence


def test_a_password_that_went_in_the_meantime_was_not_removed_by_us(bench: Bench) -> None:
    approved = change_of(bench.remediations.approve(bench.plan(NAME, bench.seat.principal).id, BEN, "stolen"))
    bench.cloud.iam().delete_login_profile(UserName=bench.seat.user)
    ended = bench.remediations.execute(approved.execution)
    assert ended.state is ChangeState.FAILED
    assert "AWS has changed since the plan was made" in ended.sentence


def test_gone_at_the_last_moment_is_what_was_wanted(bench: Bench) -> None:
    bench.door.fail("DeleteLoginProfile", Fate.GONE)
    iam = bench.cloud.iam()

    def gone_meanwhile(action: str, number: int) -> Fate | None:
        if action == "DeleteLoginProfile":
            iam.delete_login_profile(UserName=bench.seat.user)
            return Fate.GONE
        return None

    bench.door.decide = gone_meanwhile
    assert bench.done(NAME, bench.seat.principal).state is ChangeState.CONFIRMED


def test_what_is_still_being_changed_is_tried_again_and_not_forever(bench: Bench) -> None:
    bench.door.fail("DeleteLoginProfile", Fate.BUSY, times=2)
    waiting = bench.done(NAME, bench.seat.principal)
    assert waiting.state is ChangeState.STARTED
    assert "EntityTemporarilyUnmodifiable: it is still being changed" in waiting.sentence
    for _ in range(3):
        bench.clock.forward(seconds=60)
        bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.CONFIRMED
    assert len(bench.door.of("DeleteLoginProfile")) == 3


def test_a_password_given_again_is_drift(bench: Bench) -> None:
    bench.done(NAME, bench.seat.principal)
    bench.cloud.iam().create_login_profile(UserName=bench.seat.user, Password="Made-up-1!")
    bench.clock.forward(seconds=11)
    bench.carry_out_due_jobs()
    assert bench.told[-1].state is ChangeState.FAILED
    assert "password set" in bench.told[-1].sentence


def test_where_configured_it_is_replaced_by_one_that_is_shown_nowhere(bench: Bench) -> None:
    bench.offering(FORCE)
    plan = bench.plan(NAME, bench.seat.principal)
    assert "kept, shown and logged nowhere" in " ".join(plan.warnings)
    done = bench.done(NAME, bench.seat.principal)
    assert done.state is ChangeState.CONFIRMED
    assert profile(bench)["PasswordResetRequired"] is True
    (sent,) = bench.door.of("UpdateLoginProfile")
    record = " ".join(str(entry) for entry in audit.entries(bench.state.read()))
    bench.state.close()
    kept = b"".join(file.read_bytes() for file in bench.folder.iterdir())
    assert sent["Password"].encode() not in kept
    assert sent["Password"] not in record + str(plan) + str(done) + str(bench.told)


def test_who_must_change_it_already_could_be_the_thief(bench: Bench) -> None:
    bench.offering(FORCE)
    bench.cloud.iam().update_login_profile(UserName=bench.seat.user, PasswordResetRequired=True)
    refusal = bench.refusal(NAME, bench.seat.principal)
    assert "whoever knows it can be the one who does" in refusal.sentence
    assert refusal.commands == (f"aws iam delete-login-profile --user-name {bench.seat.user}",)


@pytest.mark.parametrize("offer", [Offer(), FORCE], ids=["remove", "force change"])
def test_the_calls_made_are_exactly_the_declared_permissions(bench: Bench, offer: Offer) -> None:
    bench.offering(offer)
    bench.done(NAME, bench.seat.stolen.id)
    bench.clock.forward(minutes=16)
    bench.carry_out_due_jobs()
    declared = ResetConsolePassword(offer).permissions
    assert bench.door.calls() == declared.read | declared.act


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"{ACCOUNT}:role/deploy", "it has no password"),
        (f"{ACCOUNT}:root", "only the root user can change that"),
        ("triage-bot", "what the bot itself works as"),
        (f"{ACCOUNT}:sso/ana@example.com", "IAM Identity Center"),
    ],
)
def test_who_is_not_touched_is_refused_before_any_call(bench: Bench, target: str, words: str) -> None:
    assert words in bench.refusal(NAME, target).sentence
    assert bench.door.calls() == set()


def test_a_made_password_satisfies_every_policy_and_is_never_the_same() -> None:
    made = {unknown() for _ in range(50)}
    assert len(made) == 50
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, SYMBOLS):
        assert all(set(kind) & set(password) for password in made)
    assert all(re.fullmatch(r"[\x21-\x7e]{64}", password) for password in made)
