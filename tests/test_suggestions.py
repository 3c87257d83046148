from __future__ import annotations

from typing import Any

import pytest

from bot.model import Answer, Enrichment, Kind, Observable, Status, Verdict
from bot.suggestions import NOTHING, SPEAKS_AGAINST, WHY_DISABLE, Told, suggestions, told
from tests.fakes import ALICE

ALL = frozenset(
    {"disable_access_key", "quarantine_user", "reset_console_password", "revoke_sessions", "deny_sso_user", "block_ip"}
)
KEY = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAA")
USER = Observable(Kind.PRINCIPAL, "111122223333:user/alice")


def names(observable: Observable, verdict: Verdict = Verdict.INCIDENT, offered: frozenset[str] = ALL) -> list[str]:
    return [each.remediation for each in suggestions(observable, verdict, offered)]


def said(of: dict[str, Any], about: Observable = KEY) -> Enrichment:
    return Enrichment("made_up", "?", about, Status.ANSWERED, Answer("", data=of))


def address(ip: str = "203.0.113.5", *, new: bool | None = True, place: str | None = None) -> dict[str, Any]:
    return {"ip": ip, "network_new": new, "place": place}


@pytest.mark.parametrize(
    ("observable", "wanted"),
    [
        (KEY, ["disable_access_key"]),
        (Observable(Kind.ACCESS_KEY, "ASIARTX3GSDSQAAAAAAA"), []),
        (USER, ["quarantine_user", "reset_console_password"]),
        (Observable(Kind.PRINCIPAL, "111122223333:role/deploy"), ["revoke_sessions"]),
        (Observable(Kind.PRINCIPAL, "111122223333:sso/ana@example.com"), ["deny_sso_user"]),
        (Observable(Kind.PRINCIPAL, "idc:906722b2ef-1"), ["deny_sso_user"]),
        (Observable(Kind.PRINCIPAL, "111122223333:root"), []),
        (Observable(Kind.PRINCIPAL, "service:ec2.amazonaws.com"), []),
        (Observable(Kind.IP, "203.0.113.5"), ["block_ip"]),
        (Observable(Kind.EVENT, "iam:ListUsers"), []),
        (Observable(Kind.USER_AGENT, "aws-cli/1|linux|kali|-"), []),
    ],
    ids=str,
)
def test_what_answers_each_kind_of_thing(observable: Observable, wanted: list[str]) -> None:
    assert names(observable) == wanted


@pytest.mark.parametrize("verdict", Verdict)
def test_a_key_can_always_be_disabled_and_the_rest_only_with_a_reason(verdict: Verdict) -> None:
    assert names(KEY, verdict) == ["disable_access_key"]
    assert WHY_DISABLE[verdict]
    assert bool(names(USER, verdict)) == (verdict in SPEAKS_AGAINST)


def test_only_what_is_offered_is_suggested() -> None:
    assert names(USER, offered=frozenset({"reset_console_password"})) == ["reset_console_password"]
    assert names(KEY, offered=frozenset()) == []


ROLE = "111122223333:role/deploy"
PERSON = "111122223333:sso/ana@example.com"
SERVER, HOME = "203.0.113.5", "203.0.113.9"


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        (NOTHING, []),
        (Told(USER.value), [("quarantine_user", USER.value)]),
        (Told(USER.value, password=False), [("quarantine_user", USER.value)]),
        (
            Told(USER.value, password=True, sessions=True),
            [("quarantine_user", USER.value), ("reset_console_password", USER.value)],
        ),
        (Told(ROLE), [("revoke_sessions", ROLE)]),
        (Told(PERSON), [("deny_sso_user", PERSON)]),
        (Told("111122223333:root"), []),
        (Told(addresses=(SERVER, HOME, "203.0.113.11")), [("block_ip", SERVER), ("block_ip", HOME)]),
    ],
    ids=str,
)
def test_of_a_key_whoever_is_behind_it_and_where_it_was_used_from_are_suggested_too(
    known: Told, wanted: list[tuple[str, str]]
) -> None:
    found = [(each.remediation, each.target) for each in suggestions(KEY, Verdict.PROBABLE, ALL, known)]
    assert found == [("disable_access_key", KEY.value), *wanted]
    assert len(suggestions(KEY, Verdict.LOW, ALL, known)) == 1


def test_of_a_users_own_card_no_password_is_suggested_that_aws_says_is_not_there() -> None:
    found = suggestions(USER, Verdict.PROBABLE, ALL, Told(USER.value, password=False, addresses=(SERVER,)))
    assert [each.remediation for each in found] == ["quarantine_user", "block_ip"]


def test_where_a_user_cannot_be_quarantined_their_sessions_can_be_ended() -> None:
    offered, known = ALL - {"quarantine_user"}, Told(USER.value, sessions=True)
    assert [each.remediation for each in suggestions(KEY, Verdict.INCIDENT, offered, known)][1:] == ["revoke_sessions"]
    assert len(suggestions(KEY, Verdict.INCIDENT, offered, Told(USER.value))) == 1


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ([], NOTHING),
        ([{"in_iam": False}], NOTHING),
        ([{"in_iam": True, "console_password": True}], Told(ALICE.id, password=True)),
        ([{"in_iam": True, "console_password": None}], Told(ALICE.id)),
        ([{"given_out": [{"key": "ASIA"}]}], Told(sessions=True)),
        ([{"given_out": []}], NOTHING),
    ],
    ids=str,
)
def test_what_aws_and_the_history_say_of_whoever_is_behind_a_key(answers: list[dict[str, Any]], wanted: Told) -> None:
    assert told(map(said, answers), ALICE, ()) == wanted


@pytest.mark.parametrize(
    ("answers", "known", "wanted"),
    [
        ([{"addresses": [address(HOME), address(SERVER, place="hosting")]}], (), (SERVER, HOME)),
        ([{"addresses": [address(new=False)]}], (), ()),
        ([{"addresses": [address(new=None)]}], (), ()),
        ([{"addresses": [address(place=place) for place in ("own network", "shared exit", "home")]}], (), ()),
        ([{"addresses": [address(place="VPC endpoint")]}], (), ()),
        ([{"addresses": [address(SERVER)]}], (SERVER,), ()),
        ([{"addresses": [address(SERVER)]}, {"ip": SERVER, "own": True}], (), ()),
        ([{"addresses": [address(SERVER)]}, {"ip": SERVER, "big_three": True}], (), ()),
        ([{"addresses": [address(SERVER)]}, {"ip": SERVER, "shared_exit": True}], (), ()),
        ([{"addresses": [address(SERVER)]}, {"ip": SERVER, "own": False, "big_three": None}], (), (SERVER,)),
    ],
    ids=str,
)
def test_only_addresses_that_nobody_used_before_may_be_blocked(
    answers: list[dict[str, Any]], known: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    assert told(map(said, answers), None, known).addresses == wanted
