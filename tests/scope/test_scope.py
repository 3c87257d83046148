"""Thefts in small made organisations, each with what must come out. The table of docs/scoping.md is held here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model import AddressOrigin, Event, Outcome
from bot.scope.ground import Known
from tests.scope.made import (
    ACCOUNT,
    AT,
    CLI,
    COMMON,
    KALI,
    MACHINE,
    OFFICE,
    OTHER_THIEF,
    QUOTA,
    SENDING,
    THIEF,
    THIEFS_BOTO,
    USERS,
    WHO,
    call,
    home,
    key_of,
    machine_days,
    minutes_ago,
    office_days,
    organisation,
    origin,
    scoped,
    stolen,
    suspected,
    user,
    users,
    why,
)

QUOTA_SERVICE = f"{ACCOUNT}:user/svc-mail-quota"


def theft(*numbers: int, agent: str = THIEFS_BOTO, ip: str = THIEF) -> Iterator[Event]:
    for n, number in enumerate(numbers):
        yield from stolen(number, ago=200 - 20 * n, agent=agent, ip=ip)


def names(*numbers: int) -> list[str]:
    return sorted(user(number) for number in numbers)


def test_one_key_leads_to_all_and_the_last_by_address_in_a_later_round() -> None:
    seventh = [call(key_of(7), user(7), WHO, minutes_ago(30), OTHER_THIEF)]
    bridge = [call(key_of(3), user(3), WHO, minutes_ago(31), OTHER_THIEF)]
    found = scoped([*organisation(), *theft(1, 2, 3, 4), *bridge, *seventh], 1)
    assert users(found) == names(1, 2, 3, 4, 7)
    last = found.confirmed[-1]
    assert (last.principal, last.round) == (f"{ACCOUNT}:user/user-7", 2)
    assert "network" in last.classes
    assert OTHER_THIEF in last.evidence[0].sentence
    assert found.suspects == ()
    assert found.rounds == 3
    assert found.attacker.ips == (THIEF, OTHER_THIEF)


def test_a_service_account_that_makes_the_rare_call_every_day_is_set_aside_with_its_reason() -> None:
    found = scoped([*organisation(), *theft(1, 2)], 1)
    assert users(found) == names(1, 2)
    assert "service account" in why(found)[QUOTA_SERVICE]
    rare = {each.event: (each.principals_before, each.principals_ever) for each in found.rare_events}
    assert rare == {SENDING: (0, 2), QUOTA: (0, 2)}


def test_theft_through_the_corporate_egress_is_found_by_client_and_calls() -> None:
    found = scoped([*organisation(), *theft(1, 2, 3, agent=KALI, ip=OFFICE)], 1)
    assert users(found) == names(1, 2, 3)
    assert all("network" not in each.classes for each in found.confirmed)


def test_theft_through_the_corporate_egress_with_an_ordinary_client_names_nobody_and_says_so() -> None:
    found = scoped([*organisation(), *theft(1, 2, 3, agent=CLI, ip=OFFICE)], 1)
    assert users(found) == names(1)
    assert any("nothing to follow" in gap.why for gap in found.gaps)


def test_a_spoofed_ordinary_client_hides_nothing_from_the_address() -> None:
    found = scoped([*organisation(), *theft(1, 2, 3, agent=CLI)], 1)
    assert users(found) == names(1, 2, 3)


@pytest.mark.parametrize("known", [Known(origin=origin), Known(origin=AddressOrigin)])
def test_a_new_address_for_every_key_makes_suspects_only(known: Known) -> None:
    def taken(number: int) -> Iterator[Event]:
        agent = CLI.format(sid=f"{number:012x}", command="x")
        yield from stolen(number, ago=200 - 9 * number, ip=f"198.51.100.{number}", agent=agent)

    found = scoped([*organisation(), *(event for number in (1, 2, 3, 4) for event in taken(number))], 1, known=known)
    assert users(found) == names(1)
    assert suspected(found) == names(2, 3, 4)


def test_the_same_terminal_betrays_keys_that_share_no_address() -> None:
    agent = CLI.format(sid="5be1c3a09d42", command="x")
    thefts = [event for n in (1, 2) for event in stolen(n, ago=100 - n, ip=f"198.51.100.{n}", agent=agent)]
    found = scoped([*organisation(), *thefts], 1)
    assert users(found) == names(1, 2)
    assert "tool" in found.confirmed[1].classes


@pytest.mark.parametrize("crowd", [35, 150])
def test_a_crowd_of_staff_on_the_attackers_new_egress_is_innocent(crowd: int) -> None:
    visits = [call(key_of(n), user(n), COMMON[1], minutes_ago(90), THIEF, CLI) for n in range(10, 10 + crowd)]
    found = scoped([*organisation(10 + crowd), *theft(1, 2, 3, agent=KALI), *visits], 1)
    assert users(found) == names(1, 2, 3)
    assert "principals came to it" in why(found)[THIEF]
    assert any(THIEF in gap.question for gap in found.gaps)


def test_an_innocent_behind_the_attackers_vpn_stays_a_suspect() -> None:
    habit = call(key_of(8), user(8), COMMON[1], minutes_ago(150), THIEF, CLI)
    found = scoped([*organisation(), *theft(1, 2), habit], 1)
    assert users(found) == names(1, 2)
    assert suspected(found) == names(8)
    assert found.suspects[0].classes == ("network",)


def test_keys_born_from_keys_follow_whoever_they_were_made_for() -> None:
    made_key, session, second = key_of(70), key_of(71, "ASIA"), key_of(72, "ASIA")
    role = f"{ACCOUNT}:role/deploy"
    born = [
        call(key_of(1), user(1), "iam:CreateAccessKey", minutes_ago(100), minted=made_key),
        call(made_key, "backdoor", "sts:AssumeRole", minutes_ago(90), minted=session),
        call(session, role, "sts:AssumeRole", minutes_ago(80), "198.51.100.200", minted=second),
    ]
    found = scoped([*organisation(), *theft(1), *born], 1)
    assert {each.key: each.round for each in found.confirmed} == {key_of(1): 0, made_key: 1, session: 2, second: 3}
    assert found.confirmed[-1].principal is None


def test_a_session_the_owner_takes_at_the_office_is_a_suspect_at_most() -> None:
    session = key_of(71, "ASIA")
    own = call(key_of(1), user(1), "sts:AssumeRole", minutes_ago(50), OFFICE, CLI, minted=session)
    use = call(session, f"{ACCOUNT}:role/deploy", COMMON[0], minutes_ago(49), OFFICE, CLI)
    found = scoped([*organisation(), *theft(1, 2), own, use], 1)
    assert users(found) == names(1, 2)
    assert suspected(found) == ["deploy"]


def test_an_owner_who_works_all_the_while_draws_nobody_in() -> None:
    def all_day(number: int) -> Iterator[Event]:
        for n in range(40):
            yield call(key_of(number), user(number), COMMON[n % 4], minutes_ago(300 - 7 * n), OFFICE, CLI)

    found = scoped([*organisation(), *theft(1, 2), *all_day(1), *all_day(2), *all_day(9)], 1)
    assert users(found) == names(1, 2)
    assert found.suspects == ()
    assert OFFICE not in found.attacker.ips
    assert "logs:FilterLogEvents" not in found.attacker.events


def test_a_thin_history_says_so_and_confirms_no_colleague() -> None:
    days = [event for number in range(8) for event in office_days(number, days=1)]
    found = scoped([*days, *theft(1)], 1)
    assert users(found) == names(1)
    assert any("insufficient history" in gap.why for gap in found.gaps)


def test_a_patient_thief_does_not_clear_himself() -> None:
    visits = [
        event
        for days in (12, 8, 4)
        for n in (1, 2, 3)
        for event in (replace(each, at=each.at - timedelta(days=days), id=f"{each.id}-{days}") for each in theft(n))
    ]
    older = [replace(each, at=each.at - timedelta(days=14), id=f"{each.id}-old") for each in organisation()]
    found = scoped([*older, *organisation(), *visits, *theft(1, 2, 3)], 1)
    assert users(found) == names(1, 2, 3)
    assert found.window.since <= AT - timedelta(days=12)


def test_a_quiet_organisation_names_nobody_but_the_lead() -> None:
    traveller = [call(key_of(5), user(5), name, minutes_ago(90), "198.51.100.40", CLI) for name in COMMON]
    hired = [call(key_of(60), "new-hire", name, minutes_ago(80), OFFICE, CLI) for name in (*COMMON, USERS, QUOTA)]
    student = [
        call(key_of(6), user(6), name, minutes_ago(70), home(6), KALI, outcome=Outcome.DENIED)
        for name in (USERS, "s3:ListBuckets")
    ]
    provider = [call(key_of(61), "new-ci", name, minutes_ago(60), "198.51.100.50", MACHINE) for name in COMMON]
    found = scoped([*organisation(), *theft(1), *traveller, *hired, *student, *provider], 1)
    assert users(found) == names(1)


def runner(number: int) -> str:
    return f"100.20.{number}.9"


def ci_days() -> Iterator[Event]:
    for day in range(30, 0, -1):
        for n in range(2):
            at = AT - timedelta(days=day, hours=n + 2)
            yield call(key_of(500), "ci-build", WHO, at, runner(day * 2 + n), MACHINE)
            yield call(key_of(500), "ci-build", "ecs:UpdateService", at, runner(day * 2 + n), MACHINE)


def ci_origin(ip: str) -> AddressOrigin:
    return AddressOrigin(ip, provider="Runners", hosting=True) if ip.startswith("100.20.") else origin(ip)


def test_ci_is_known_by_its_habits_and_a_new_runner_address_is_none_of_the_attackers() -> None:
    shared = runner(250)
    build = call(key_of(500), "ci-build", WHO, minutes_ago(100), shared, MACHINE)
    found = scoped([*organisation(), *ci_days(), *theft(1, 2, ip=shared), build], 1, known=Known(origin=ci_origin))
    assert users(found) == names(1, 2)
    assert "ci-build" not in suspected(found)


def test_a_stolen_ci_key_is_found_outside_its_networks() -> None:
    abused = [call(key_of(500), "ci-build", name, minutes_ago(100), THIEF) for name in (WHO, QUOTA, SENDING)]
    found = scoped([*organisation(), *ci_days(), *theft(1, 2), *abused], 1, known=Known(origin=ci_origin))
    assert users(found) == ["ci-build", *names(1, 2)]


def test_a_stolen_service_account_is_not_excused_by_being_one() -> None:
    machine = machine_days(901, "svc-report", "s3:ListBuckets")
    abused = [call(key_of(901), "svc-report", name, minutes_ago(100), THIEF) for name in (WHO, QUOTA, SENDING)]
    found = scoped([*organisation(), *machine, *theft(1, 2), *abused], 1)
    assert users(found) == ["svc-report", *names(1, 2)]


def test_an_instance_roles_session_used_from_outside_is_found() -> None:
    role = f"{ACCOUNT}:role/app-web"
    days = [
        call(
            key_of(800 + day, "ASIA"),
            role,
            "ssm:UpdateInstanceInformation",
            AT - timedelta(days=day),
            "203.0.113.201",
            MACHINE,
        )
        for day in range(30, 0, -1)
    ]
    taken = [call(key_of(800, "ASIA"), role, name, minutes_ago(40), THIEF) for name in (WHO, QUOTA)]
    found = scoped([*organisation(), *days, *theft(1), *taken], 1)
    assert users(found) == ["app-web", *names(1)]


def test_an_address_leads_on_and_confirms_nobody_by_itself() -> None:
    habit = call(key_of(8), user(8), COMMON[1], minutes_ago(150), THIEF, CLI)
    alone = scoped([*organisation(), habit], THIEF)
    assert users(alone) == []
    assert suspected(alone) == names(8)
    refused = call(key_of(2), user(2), USERS, minutes_ago(99), outcome=Outcome.DENIED)
    found = scoped([*organisation(), *theft(1, 2), refused], THIEF)
    assert users(found) == names(1, 2)


def test_an_address_everyone_uses_is_no_lead() -> None:
    found = scoped([*organisation(), *theft(1)], OFFICE)
    assert users(found) == []
    assert "used by 20 principals" in why(found)[OFFICE]


def test_the_organisations_own_exits_prove_nothing() -> None:
    known = Known(own_networks=("198.51.100.0/24",), origin=origin)
    found = scoped([*organisation(), *theft(1, 2)], 1, known=known)
    assert users(found) == names(1)


def test_an_analysts_word_sets_a_key_aside() -> None:
    known = Known(set_aside={key_of(2): "a test of ours"}, origin=origin)
    found = scoped([*organisation(), *theft(1, 2, 3)], 1, known=known)
    assert users(found) == names(1, 3)
    assert "a test of ours" in why(found)[key_of(2)]


@pytest.mark.parametrize("people", [13, 41])
def test_the_size_of_the_organisation_changes_nothing(people: int) -> None:
    assert users(scoped([*organisation(people), *theft(1, 2, 3, 4)], 1)) == names(1, 2, 3, 4)


def test_a_lead_the_history_does_not_know_is_a_gap() -> None:
    found = scoped(organisation(3), 77)
    assert [each.principal for each in found.confirmed] == [None]
    assert any("no use of it" in gap.why for gap in found.gaps)


def test_what_a_service_did_for_a_key_counts_neither_way() -> None:
    assisted = [replace(each, by_service=True, id=f"{each.id}-s") for each in theft(5)]
    found = scoped([*organisation(), *theft(1, 2), *assisted], 1)
    assert users(found) == names(1, 2)


def test_what_the_thief_made_is_told_apart_from_what_the_owner_may_have_made() -> None:
    made = [
        call(key_of(1), user(1), "iam:CreateUser", minutes_ago(90)),
        call(key_of(1), user(1), "iam:CreateUser", minutes_ago(95), OFFICE, CLI),
        call(key_of(1), user(1), "ec2:RunInstances", minutes_ago(80)),
        call(key_of(1), user(1), "ec2:RunInstances", minutes_ago(85), OFFICE, CLI),
        call(key_of(9), user(9), "iam:CreateUser", minutes_ago(70), OFFICE, CLI),
    ]
    found = scoped([*organisation(), *theft(1, 2), *made], 1)
    deeds = [(each.event.name, each.event.ip, each.thiefs) for each in found.deeds if each.event.name != SENDING]
    assert deeds == [
        ("iam:CreateUser", THIEF, True),
        ("ec2:RunInstances", THIEF, True),
        ("iam:CreateUser", OFFICE, False),
    ]


def test_what_a_principal_of_an_open_case_did_since_is_nobodys_habit() -> None:
    """The theft of two days ago, from another key: its calls are still rare, and new to its owner."""
    earlier = timedelta(days=2)
    before = [replace(each, at=each.at - earlier, id=f"{each.id}-before") for each in stolen(2, ago=90)]
    events = [*organisation(), *before, *stolen(1, ago=60), *stolen(2, ago=50)]
    doubted = {before[0].principal.id: AT - timedelta(days=3)}
    counted = {each.event: each.principals_before for each in scoped(events, 1).rare_events}
    found = scoped(events, 1, known=Known(origin=origin, doubted=doubted))
    assert counted[SENDING] == 1
    assert {each.event: each.principals_before for each in found.rare_events}[SENDING] == 0
    assert users(found) == [user(number) for number in (1, 2)]


OTHER_ACCOUNT = "444455556666"


def elsewhere(events: Iterable[Event]) -> Iterator[Event]:
    """The same, in another account of the organisation: its keys and principals are others, its names are not."""
    for event in events:
        who = replace(event.principal, id=event.principal.id.replace(ACCOUNT, OTHER_ACCOUNT), account=OTHER_ACCOUNT)
        key = f"{str(event.key)[:-1]}7"
        yield replace(event, id=f"{event.id}@", key=key, principal=who, account=OTHER_ACCOUNT)


def test_one_thief_in_several_accounts_is_one_scope() -> None:
    role, session = f"{OTHER_ACCOUNT}:role/deploy", key_of(72, "ASIA")
    across = [
        call(key_of(1), user(1), "sts:AssumeRole", minutes_ago(60), minted=session),
        replace(call(session, role, WHO, minutes_ago(59), OTHER_THIEF), account=OTHER_ACCOUNT),
    ]
    world = [*organisation(), *elsewhere(organisation()), *theft(1, 2), *elsewhere(theft(3)), *across]
    found = scoped(world, 1)
    assert sorted(str(each.principal) for each in found.confirmed) == [
        *(f"{ACCOUNT}:user/user-1", f"{ACCOUNT}:user/user-2"),
        *(role, f"{OTHER_ACCOUNT}:user/user-3"),
    ]
    assert found.suspects == ()


def test_a_thief_who_looked_once_and_waited_ten_days_is_found_with_all_keys() -> None:
    looks = [call(key_of(n), user(n), WHO, minutes_ago(10 * 24 * 60 + n)) for n in (1, 2, 3)]
    older = [replace(each, at=each.at - timedelta(days=14), id=f"{each.id}-old") for each in organisation()]
    found = scoped([*older, *organisation(), *looks, *theft(1, 2, 3)], 1)
    assert users(found) == names(1, 2, 3)
    assert found.window.since <= AT - timedelta(days=10)
    assert found.suspects == ()
