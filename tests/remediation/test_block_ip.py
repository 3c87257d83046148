"""Block an address for the whole organisation, against an AWS whose service control policies bind."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bot.model import ChangeState, Kind, Observable
from bot.remediation.block_ip import BlockIp
from bot.remediation.offer import Offer, Organisation
from bot.remediation.usage import Usage
from tests.fakes import FakeHistory, event
from tests.remediation.bench import ANA, Bench, change_of
from tests.remediation.cloud import MANAGEMENT, Cloud, shipped
from tests.remediation.door import Fate

NAME = "block_ip"
OFFICE = "198.51.100.7"
addresses = (f"203.0.113.{number}" for number in count(1))


@pytest.fixture(scope="session")
def policy(cloud: Cloud) -> str:
    return cloud.deploy("blocked-addresses", shipped("blocked-addresses"))


def blocking(policy: str) -> Offer:
    return Offer(Organisation(MANAGEMENT, addresses_policy=policy))


@pytest.fixture
def blocker(bench: Bench, policy: str) -> Bench:
    bench.own_networks = ("198.51.100.0/24", "2001:db8:1::/48")
    bench.offering(blocking(policy))
    return bench


def listed(bench: Bench, policy: str) -> list[str]:
    condition: Any = bench.cloud.content(policy)["Statement"][0]["Condition"]
    return list(condition["IpAddress"]["aws:SourceIp"])


def test_the_thief_is_refused_from_there_and_the_owner_works_on(blocker: Bench, policy: str) -> None:
    cloud, seat, thief = blocker.cloud, blocker.seat, next(addresses)
    session = cloud.session(seat.stolen)
    assert [cloud.may_work(key, thief) for key in (seat.stolen, session)] == [True, True]
    done = blocker.done(NAME, thief)
    assert done.state is ChangeState.CONFIRMED
    assert [cloud.may_work(key, thief) for key in (seat.stolen, session)] == [False, False]
    assert [cloud.may_work(key, OFFICE) for key in (seat.stolen, seat.other)] == [True, True]
    assert blocker.undone(done.execution).state is ChangeState.CONFIRMED
    assert cloud.may_work(seat.stolen, thief)
    assert f"{thief}/32" not in listed(blocker, policy)


def test_the_preview_says_what_it_stops_and_what_not(blocker: Bench) -> None:
    thief = next(addresses)
    blocker.events = [event(60 * 24 * 5), replace(event(5), ip=thief, at=blocker.clock.now)]
    plan = blocker.plan(NAME, thief)
    warnings = " ".join(plan.warnings)
    assert plan.title == f"Block {thief}/32 in the organisation"
    assert f"Whose calls from {thief} AWS answered in the last 14 days" in warnings
    assert "not in the management account, and not those of service-linked roles" in warnings
    assert "An address is cheap to change" in warnings
    assert plan.stops == Observable(Kind.IP, thief)
    assert plan.account == MANAGEMENT


def test_two_changes_of_one_list_at_once_lose_neither(blocker: Bench, policy: str) -> None:
    thieves = [next(addresses) for _ in range(4)]
    approved = [change_of(blocker.remediations.approve(blocker.plan(NAME, ip).id, ANA, "stolen")) for ip in thieves]
    gate = threading.Barrier(len(thieves))

    def carry_out(execution: str) -> None:
        gate.wait()
        blocker.remediations.execute(execution)

    threads = [threading.Thread(target=carry_out, args=(each.execution,)) for each in approved]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in thieves:
        blocker.clock.forward(seconds=5)
        blocker.carry_out_due_jobs()
    assert {f"{ip}/32" for ip in thieves} <= set(listed(blocker, policy))
    changed = {each.execution for each in blocker.told if each.state is ChangeState.CONFIRMED}
    assert {each.execution for each in approved} <= changed
    assert len(blocker.door.of("UpdatePolicy")) == len(thieves)


def test_another_entry_added_since_makes_no_plan_stale(blocker: Bench, policy: str) -> None:
    first, second = blocker.plan(NAME, next(addresses)), blocker.plan(NAME, next(addresses))
    for plan in (first, second):
        approved = change_of(blocker.remediations.approve(plan.id, ANA, "stolen"))
        assert blocker.remediations.execute(approved.execution).state is ChangeState.CONFIRMED
    assert {first.before["entry"], second.before["entry"]} <= set(listed(blocker, policy))


def test_an_address_of_the_new_kind_is_blocked_with_its_site(blocker: Bench, policy: str) -> None:
    plan = blocker.plan(NAME, "2001:db8:99:1:0::5")
    assert plan.target == "2001:db8:99:1::5"
    assert plan.after["entry"] == "2001:db8:99:1::/64"
    assert "The whole /64 is blocked" in " ".join(plan.warnings)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "is not an IP address"),
        ("203.0.113.0/24", "is not an IP address"),
        ("0.0.0.0/0", "is not an IP address"),
        ("10.0.0.8", "is not a public address"),
        ("::1", "is not a public address"),
        ("224.0.0.1", "is not a public address"),
        ("::ffff:192.168.1.1", "is not a public address"),
        (OFFICE, "is in one of your own networks"),
        ("2001:db8:1:2::3", "is in one of your own networks"),
    ],
)
def test_what_is_never_blocked_is_refused_before_any_call(blocker: Bench, target: str, words: str) -> None:
    assert words in blocker.refusal(NAME, target).sentence
    assert blocker.door.requests == []


def test_an_exit_of_many_is_refused(blocker: Bench) -> None:
    shared, days_ago = next(addresses), blocker.clock.now - timedelta(days=4)
    people = [replace(event().principal, id=f"111122223333:user/p{number}") for number in range(3)]
    blocker.events = [replace(event(), ip=shared, at=days_ago, principal=person) for person in people]
    assert "was used by 3 principals in the 14 days up to yesterday" in blocker.refusal(NAME, shared).sentence
    blocker.events = blocker.events[:2]
    assert blocker.plan(NAME, shared)


def test_without_a_history_it_is_said_that_nobody_could_be_asked(blocker: Bench) -> None:
    assert "Who else uses this address could not be checked" in " ".join(blocker.plan(NAME, next(addresses)).warnings)


def test_what_is_listed_is_not_listed_again(blocker: Bench) -> None:
    thief = next(addresses)
    blocker.done(NAME, thief)
    refusal = blocker.refusal(NAME, thief)
    assert refusal.settled
    assert f"{thief}/32 is already in the list" in refusal.sentence


def test_a_full_policy_is_refused_with_the_numbers(bench: Bench, cloud: Cloud) -> None:
    document = shipped("blocked-addresses")
    document["Statement"][0]["Condition"]["IpAddress"]["aws:SourceIp"] = [f"10.0.{n}.1/32" for n in range(256)] * 2
    full = cloud.deploy(f"full-{bench.seat.user}", document)
    bench.offering(blocking(full))
    assert "and may have 5120: take old entries out" in bench.refusal(NAME, next(addresses)).sentence


def test_a_policy_attached_to_nothing_stops_nobody(bench: Bench, cloud: Cloud) -> None:
    loose = cloud.deploy(f"loose-{bench.seat.user}", shipped("blocked-addresses"), attach=False)
    bench.offering(blocking(loose))
    refusal = bench.refusal(NAME, next(addresses))
    assert "is attached to nothing" in refusal.sentence
    (command,) = refusal.commands
    assert command.startswith("aws organizations attach-policy --policy-id p-")


def test_a_policy_of_another_form_is_not_touched(bench: Bench, cloud: Cloud) -> None:
    other = cloud.deploy(f"other-{bench.seat.user}", shipped("denied-principals"))
    bench.offering(blocking(other))
    assert "deploy it as docs/remediations.md says" in bench.refusal(NAME, next(addresses)).sentence
    assert bench.door.of("UpdatePolicy") == []


def test_without_a_policy_it_says_what_it_takes(bench: Bench) -> None:
    refusal = bench.refusal(NAME, next(addresses))
    assert "set [organisation] addresses_policy" in refusal.sentence
    assert "Firewalls and security groups do not stop these calls" in refusal.sentence


def test_an_entry_somebody_took_out_is_drift(blocker: Bench, policy: str) -> None:
    blocker.done(NAME, next(addresses))
    blocker.cloud.as_root(MANAGEMENT, "organizations").update_policy(
        PolicyId=policy, Content=str(shipped("blocked-addresses")).replace("'", '"')
    )
    blocker.clock.forward(seconds=11)
    blocker.carry_out_due_jobs()
    assert blocker.told[-1].state is ChangeState.FAILED
    assert "aws organizations update-policy --policy-id" in blocker.told[-1].sentence


def test_a_refused_write_is_a_sentence_with_the_commands(blocker: Bench) -> None:
    blocker.door.fail("UpdatePolicy", Fate.DENIED)
    thief = next(addresses)
    ended = blocker.done(NAME, thief)
    assert ended.state is ChangeState.FAILED
    assert "AWS answered UpdatePolicy with AccessDenied" in ended.sentence
    assert f'. + ["{thief}/32"] | unique' in ended.sentence


def test_the_acting_session_may_write_this_policy_and_no_other(blocker: Bench, policy: str) -> None:
    blocker.done(NAME, next(addresses))
    (assumed,) = [request for request in blocker.door.of("AssumeRole") if "TriageAct" in request["RoleArn"]]
    assert f":policy/*/service_control_policy/{policy}" in assumed["Policy"]
    assert MANAGEMENT in assumed["RoleArn"]


def test_the_calls_made_are_exactly_the_declared_permissions(blocker: Bench, policy: str) -> None:
    done = blocker.done(NAME, next(addresses))
    blocker.clock.forward(minutes=16)
    blocker.carry_out_due_jobs()
    blocker.undone(done.execution)
    usage = Usage(blocker.clock, lambda: FakeHistory([]))
    declared = BlockIp(blocking(policy), usage).permissions
    assert blocker.door.calls() == declared.read | declared.act
    assert BlockIp(Offer(), usage).permissions.act == frozenset()
