from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import (
    AddressClass,
    AddressOrigin,
    Answer,
    Context,
    Detail,
    Environment,
    Event,
    Kind,
    Observable,
    Outcome,
    Principal,
    Window,
)
from enrichers.sessions import enrich
from tests.fakes import ALICE, LEAD, OFFICE, RENTED, FakeAddresses, context, event, ordinary
from tests.history.made import ALWAYS, DATA

ROLE = Principal("111122223333:role/web", "AssumedRole", "arn:aws:iam::111122223333:role/web", "111122223333")
ON_ROLE = Observable(Kind.PRINCIPAL, ROLE.id)
INSTANCE, TASK = "i-0317f6c6b66ae9c40", "0123456789abcdef0123456789abcdef"
INSIDE = "3.120.74.129"
ADDRESSES = FakeAddresses((AddressOrigin(INSIDE, provider="AWS", hosting=True, big_three=True),))
MACHINE: dict[str, Any] = {"principal": ROLE, "key": "ASIARTX3GSDSQAAAAAAA", "session": INSTANCE, "ip": INSIDE}


def answer(events: Sequence[Event], observable: Observable = LEAD, **changes: Any) -> Answer:
    world: dict[str, Any] = {"principal": ROLE if observable == ON_ROLE else ALICE, "addresses": ADDRESSES}
    return enrich(observable, context(events, **(world | changes)))


def kinds(given: Answer) -> list[str]:
    return [signal.kind for signal in given.signals]


# ------------------------------------------------------------------------------ machines' sessions


@pytest.mark.parametrize(
    ("why", "now", "fires"),
    [
        ("an instance's, from a rented server", {"ip": RENTED}, True),
        ("a task's", {"session": TASK, "ip": RENTED}, True),
        ("a function's, by what the role ran in before", {"session": "my-function", "ip": RENTED}, True),
        ("from AWS", {}, False),
        ("from an own network", {"ip": "192.0.2.7"}, False),
        ("through an endpoint", {"ip": "10.0.0.7", "address_class": AddressClass.PRIVATE}, False),
        ("by a service", {"ip": RENTED, "by_service": True}, False),
        ("from where it worked on many days", {"ip": "203.0.113.9"}, False),
        ("no address", {"ip": None}, False),
    ],
)
def test_a_machines_session_outside(why: str, now: dict[str, Any], fires: bool) -> None:
    function = now.get("session") == "my-function"
    before = ordinary(10, 5, **(MACHINE | ({"family": "boto3|linux|amzn|aws_lambda"} if function else {})))
    usual = ordinary(4, 1, **(MACHINE | {"ip": "203.0.113.9"}))
    own = Environment(own_networks=("192.0.2.0/24",))
    given = answer([*before, *usual, event(**(MACHINE | now))], ON_ROLE, environment=own)
    assert kinds(given) == (["role.outside"] if fires else []), why


def test_it_is_told_which_and_from_where() -> None:
    given = answer([*ordinary(10, 5, **MACHINE), event(**(MACHINE | {"ip": RENTED}))], ON_ROLE)
    assert given.signals[0].sentence == (
        f"A machine's session ({INSTANCE}) was used from {RENTED}, which is neither AWS's nor one of yours."
    )


@pytest.mark.parametrize("who", ["111122223333:sso/mira", "111122223333:user/alice"])
def test_people_are_no_machines(who: str) -> None:
    person = Principal(who, None, None, "111122223333")
    given = answer([event(**(MACHINE | {"principal": person, "ip": RENTED}))], ON_ROLE, principal=person)
    assert kinds(given) == []


def test_a_pipelines_session_is_no_machines() -> None:
    assert kinds(answer([event(**(MACHINE | {"session": "GitHubActions", "ip": RENTED}))], ON_ROLE)) == []


def test_without_ip_data_it_stays_open() -> None:
    given = enrich(ON_ROLE, context([event(**(MACHINE | {"ip": RENTED}))], principal=ROLE))
    assert kinds(given) == ["role.outside"]
    blind = Context(given_window(), context([event(**(MACHINE | {"ip": RENTED}))]).history, principal=ROLE)
    assert [unknown.kind for unknown in enrich(ON_ROLE, blind).unknowns] == ["role.outside"]


def given_window() -> Window:
    return context([]).window


def test_sessions_are_listed_with_their_addresses() -> None:
    calls = [event(10, **MACHINE), event(5, **(MACHINE | {"session": "i-0aaaaaaaa", "ip": RENTED}))]
    given = answer(calls, ON_ROLE)
    assert [(row["session"], row["ips"], row["count"]) for row in given.data["sessions"]] == [
        ("i-0aaaaaaaa", [RENTED], 1),
        (INSTANCE, [INSIDE], 1),
    ]
    assert given.headline == "2 sessions in use"


# --------------------------------------------------------------------------------------- the console


def sign_in(minutes_ago: float = 5, *, mfa: bool | None = False, **changes: Any) -> Event:
    values: dict[str, Any] = {"name": "signin:ConsoleLogin", "key": None, "family": "browser|linux"}
    return event(minutes_ago, detail=Detail(mfa=mfa) if mfa is not None else None, **(values | changes))


@pytest.mark.parametrize(
    ("why", "now", "fires"),
    [
        ("no MFA", sign_in(), True),
        ("MFA", sign_in(mfa=True), False),
        ("by an identity provider, or an older history", sign_in(mfa=None), False),
        ("refused", sign_in(outcome=Outcome.LOGIN_FAILED), False),
        ("a root user", sign_in(principal=Principal("111122223333:root", "Root", None, "111122223333")), True),
        ("a person of Identity Center", sign_in(principal=Principal("111122223333:sso/m", None, None, None)), False),
    ],
)
def test_a_sign_in_without_mfa(why: str, now: Event, fires: bool) -> None:
    before = [sign_in(24 * 60 * 5, principal=now.principal), *ordinary(principal=now.principal)]
    observable = Observable(Kind.PRINCIPAL, now.principal.id)
    assert kinds(answer([*before, now], observable, principal=now.principal)) == (["console.nomfa"] if fires else []), (
        why
    )


@pytest.mark.parametrize(
    ("why", "before", "now", "fires"),
    [
        ("a federation token", [], event(name="sts:GetFederationToken"), True),
        ("a sign-in token", [], event(name="signin:GetSigninToken", key=None), True),
        ("a sign-in", [], sign_in(mfa=True), True),
        ("a password, by the key itself", [], event(name="iam:CreateLoginProfile"), True),
        (
            "a password, by somebody else",
            [],
            event(
                name="iam:CreateLoginProfile",
                principal=Principal("111122223333:user/admin", "IAMUser", None, None),
                detail=Detail(user="alice"),
            ),
            True,
        ),
        ("a password for somebody else", [], event(name="iam:CreateLoginProfile", detail=Detail(user="bob")), False),
        ("refused", [], event(name="sts:GetFederationToken", outcome=Outcome.DENIED), False),
        ("a user of the console", [sign_in(24 * 60 * 40)], event(name="sts:GetFederationToken"), False),
        ("a reader of its pages", [event(24 * 60 * 40, family="console")], sign_in(mfa=True), False),
    ],
)
def test_a_key_turned_into_console_access(why: str, before: list[Event], now: Event, fires: bool) -> None:
    given = answer([*ordinary(), *before, now])
    assert ("console.pivot" in kinds(given)) is fires, why


def test_too_little_history_leaves_open_what_is_new() -> None:
    calls = [event(number, name="sts:GetFederationToken", minted=f"ASIA{number}") for number in range(1, 5)]
    given = answer(calls)
    assert kinds(given) == []
    assert [unknown.kind for unknown in given.unknowns] == ["console.pivot", "session.spray"]


# --------------------------------------------------------------------------------------- keys given out


@pytest.mark.parametrize(
    ("why", "before", "minutes", "fires"),
    [
        ("three within the hour", [], (1, 20, 50), True),
        ("two", [], (1, 20), False),
        ("over a day", [], (1, 200, 400), False),
        ("as on other days", [event(24 * 60 * 3, name="sts:AssumeRole", minted="ASIA0")], (1, 2, 3, 4), False),
    ],
)
def test_sessions_given_out_one_after_the_other(
    why: str, before: list[Event], minutes: tuple[int, ...], fires: bool
) -> None:
    calls = [event(minute, name="sts:AssumeRole", minted=f"ASIA{minute}") for minute in minutes]
    assert kinds(answer([*ordinary(), *before, *calls])) == (["session.spray"] if fires else []), why


def test_what_a_key_gave_out_is_told_and_so_is_what_gave_it_out() -> None:
    call = event(30, name="sts:GetSessionToken", minted="ASIACHILD")
    given = answer([*ordinary(), call])
    assert given.headline == "gave out ASIACHILD"
    assert given.data["given_out"][0] | {"at": None} == {
        "key": "ASIACHILD",
        "event": "sts:GetSessionToken",
        "at": None,
        "by": ALICE.id,
        "ip": OFFICE,
        "event_id": call.id,
    }
    child = answer([*ordinary(), call, event(10, key="ASIACHILD")], Observable(Kind.ACCESS_KEY, "ASIACHILD"))
    assert child.data["given_out_by"]["event_id"] == call.id
    assert child.facts[0].value == "alice, sts:GetSessionToken at 2026-11-20T13:30:00Z"
    assert child.headline == "given out to alice by sts:GetSessionToken at 2026-11-20T13:30:00Z"
    assert child.found


def test_the_key_of_a_session_is_told_with_its_session() -> None:
    key = Observable(Kind.ACCESS_KEY, "ASIARTX3GSDSQAAAAAAA")
    assume = event(20, name="sts:AssumeRole", minted=key.value)
    given = answer([assume, event(**MACHINE)], key, principal=ROLE)
    assert given.headline == f"given out to alice by sts:AssumeRole at 2026-11-20T13:40:00Z; session {INSTANCE} in use"
    assert given.found


def test_nothing_found_is_said_with_the_span() -> None:
    given = answer([*ordinary(), event()])
    assert given.headline == "Sessions: none between 2026-11-10 11:59 and 2026-11-20 13:50 UTC"
    assert (given.signals, given.unknowns, given.found) == ((), (), False)


# --------------------------------------------------------------------------------------- real records


@pytest.mark.parametrize(
    ("folder", "role", "session", "outside"),
    [
        ("otrf_s3_exfil_2020", "MordorNginxStack-BankingWAFRole-9S3E0UAE1MM0", "i-0317f6c6b66ae9c40", True),
        ("stratus_detonation", "stratus-red-team-ec2-steal-credentials-role", "i-786a3A8B5C0d92eF4", False),
    ],
)
def test_on_recorded_thefts(tmp_path: Path, folder: str, role: str, session: str, outside: bool) -> None:
    """An instance's credentials used from a laptop, and those of one that stayed where it was."""
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / folder])
    (found,) = [name for name in history.principals(role) if ":role/" in name]
    observable = Observable(Kind.PRINCIPAL, found)
    newest: datetime = history.events(observable, ALWAYS, limit=1)[0].at
    principal = history.principal(observable, newest)
    world = Context(Window.ending(newest + timedelta(seconds=1)), history, LocalAddressData(()), principal=principal)
    given = enrich(observable, world)
    assert session in {row["session"] for row in given.data["sessions"]}
    assert kinds(given) == (["role.outside"] if outside else [])
