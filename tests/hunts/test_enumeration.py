"""One address asks who several keys are: when that is an alert, and when it is an office, a pipeline or a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.hunts.hunting import hunt
from bot.hunts.result import Hit
from bot.model import Event, Span
from tests.scope.made import (
    ACCOUNT,
    AT,
    CLI,
    KALI,
    MACHINE,
    OFFICE,
    QUOTA,
    THIEF,
    WHO,
    MadeHistory,
    call,
    key_of,
    minutes_ago,
    organisation,
    user,
)

DAY = Span(AT - timedelta(hours=24), AT)


def hits(events: Iterable[Event], *, own_networks: tuple[str, ...] = ()) -> list[Hit]:
    return list(hunt(MadeHistory(events), DAY, own_networks=own_networks).hits)


def asks(*numbers: int, apart: float = 1, ip: str = THIEF, agent: str = CLI, ago: float = 300) -> list[Event]:
    return [
        call(key_of(number), user(number), WHO, minutes_ago(ago - n * apart), ip, agent)
        for n, number in enumerate(numbers)
    ]


def test_two_keys_of_two_people_from_one_new_address_are_an_alert() -> None:
    [hit] = hits([*organisation(), *asks(1, 2)])
    assert (hit.source_ip, hit.keys, hit.level, hit.severity) == (THIEF, (key_of(1), key_of(2)), "match", "medium")
    assert hit.events == {WHO: 2}
    assert "2 keys of 2 identities" in hit.sentence
    assert len(hit.evidence) == 2


@pytest.mark.parametrize(
    ("asked", "severity"), [(asks(1, 2, 3), "high"), (asks(1, 2, agent=KALI), "high"), (asks(1, 2), "medium")]
)
def test_more_keys_or_an_attack_client_are_worse(asked: list[Event], severity: str) -> None:
    assert [hit.severity for hit in hits([*organisation(), *asked])] == [severity]


def test_a_root_users_key_is_critical() -> None:
    root = call(key_of(77), f"{ACCOUNT}:root", WHO, minutes_ago(290))
    assert [hit.severity for hit in hits([*organisation(), *asks(1), root])] == ["critical"]


def test_long_term_keys_of_two_accounts_are_critical() -> None:
    other = call("AKIARZPUZDIKAAAAAAAA", "123456789012:user/bob", WHO, minutes_ago(290))
    assert [hit.severity for hit in hits([*organisation(), *asks(1), other])] == ["critical"]


def test_one_address_and_day_is_one_alert() -> None:
    assert len(hits([*organisation(), *asks(1, 2, 3), *asks(4, 5, ago=100)])) == 1


def test_an_hour_apart_is_no_alert_and_three_in_a_day_are_a_slow_one() -> None:
    assert hits([*organisation(), *asks(1, 2, apart=61)]) == []
    [slow] = hits([*organisation(), *asks(1, 2, 3, apart=90)])
    assert "Slowly" in slow.sentence
    assert len(slow.keys) == 3


def _two_keys_of_one_person() -> list[Event]:
    return [call(key_of(number), user(1), WHO, minutes_ago(100 - number)) for number in (1, 71)]


def _a_key_and_the_session_it_took() -> list[Event]:
    session = key_of(71, "ASIA")
    taken = call(key_of(1), user(1), "sts:AssumeRole", minutes_ago(99), minted=session)
    role = f"{ACCOUNT}:role/deploy"
    return [*asks(1, ago=100), taken, call(session, role, WHO, minutes_ago(98))]


def _a_person_in_three_accounts() -> list[Event]:
    accounts = ("111122223333", "123456789012", "999999999999")
    return [
        call(key_of(80 + n, "ASIA"), f"{account}:sso/ann@example.org", WHO, minutes_ago(90 - n))
        for n, account in enumerate(accounts)
    ]


def _one_repository_in_two_roles() -> Iterator[Event]:
    subject = "web:arn:aws:iam::111122223333:oidc-provider/x:repo:org/app"
    for n, role in enumerate(("deploy", "test")):
        session = key_of(90 + n, "ASIA")
        assumed = call("", subject, "sts:AssumeRoleWithWebIdentity", minutes_ago(61 - n), minted=session)
        yield replace(assumed, key=None)
        yield call(session, f"{ACCOUNT}:role/{role}", WHO, minutes_ago(60 - n))


def _the_office() -> list[Event]:
    return asks(1, 2, 3, ip=OFFICE)


def _what_services_asked() -> list[Event]:
    return [replace(event, by_service=True) for event in asks(1, 2)]


def _keys_from_inside_a_network() -> list[Event]:
    return asks(1, 2, ip="10.0.0.7")


@pytest.mark.parametrize(
    "ordinary",
    [
        _two_keys_of_one_person,
        _a_key_and_the_session_it_took,
        _a_person_in_three_accounts,
        _one_repository_in_two_roles,
        _the_office,
        _what_services_asked,
        _keys_from_inside_a_network,
    ],
)
def test_one_root_or_a_known_place_is_no_alert(ordinary: object) -> None:
    assert callable(ordinary)
    assert hits([*organisation(), *ordinary()]) == []


def test_a_shared_exit_alerts_only_on_new_clients() -> None:
    def visitors() -> Iterator[Event]:
        for n in range(10, 16):
            yield call(key_of(n), user(n), "s3:ListBuckets", AT - timedelta(days=5), THIEF, CLI)

    assert hits([*organisation(), *visitors(), *asks(1, 2)]) == []
    assert len(hits([*organisation(), *visitors(), *asks(1, 2, agent=KALI)])) == 1


def test_pipelines_with_a_new_address_every_day_do_not_count() -> None:
    def runs(number: int) -> Iterator[Event]:
        for day in range(14, 0, -1):
            at = AT - timedelta(days=day, hours=2)
            yield call(key_of(number), f"ci-{number}", WHO, at, f"100.20.{number % 250}.{day}", MACHINE)

    now = [call(key_of(n), f"ci-{n}", WHO, minutes_ago(50), THIEF, MACHINE) for n in (500, 501)]
    assert hits([*organisation(), *runs(500), *runs(501), *now]) == []
    quota = [call(key_of(n), f"ci-{n}", QUOTA, minutes_ago(50), THIEF, MACHINE) for n in (500, 501)]
    assert len(hits([*organisation(), *runs(500), *runs(501), *quota])) == 1


def test_own_networks_are_left_out() -> None:
    assert hits([*organisation(), *asks(1, 2)], own_networks=("198.51.100.0/24",)) == []


def test_without_a_baseline_the_alert_is_weak_and_says_why() -> None:
    hunted = hunt(MadeHistory(asks(1, 2)), DAY)
    assert [hit.level for hit in hunted.hits] == ["weak"]
    assert any("insufficient history" in gap.why for gap in hunted.gaps)
