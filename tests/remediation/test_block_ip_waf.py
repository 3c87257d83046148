from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from bot.model import ChangeState
from bot.remediation.block_ip_waf import BlockIpWaf
from bot.remediation.offer import Offer
from bot.remediation.usage import Usage
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, Cloud
from tests.remediation.door import Fate

NAME = "block_ip_waf"
addresses = (f"203.0.113.{number}" for number in count(1))


def made(cloud: Cloud, name: str, version: str = "IPV4", scope: str = "REGIONAL") -> str:
    waf = cloud.as_root(ACCOUNT, "wafv2")
    answer = waf.create_ip_set(Name=name, Scope=scope, IPAddressVersion=version, Addresses=["198.51.100.200/32"])
    return str(answer["Summary"]["ARN"])


@pytest.fixture(scope="session")
def ip_set(cloud: Cloud) -> str:
    return made(cloud, "blocked")


@pytest.fixture
def guard(bench: Bench, ip_set: str) -> Bench:
    bench.own_networks = ("198.51.100.0/24",)
    bench.offering(Offer(waf_ip_sets=(ip_set,)))
    return bench


def listed(bench: Bench, arn: str) -> list[str]:
    name, id_ = arn.split("/")[-2:]
    waf = bench.cloud.as_root(ACCOUNT, "wafv2")
    return list(waf.get_ip_set(Name=name, Scope="REGIONAL", Id=id_)["IPSet"]["Addresses"])


def test_an_address_joins_the_set_and_leaves_it_again(guard: Bench, ip_set: str) -> None:
    thief, before = next(addresses), listed(guard, ip_set)
    done = guard.done(NAME, thief)
    assert done.state is ChangeState.CONFIRMED
    assert listed(guard, ip_set) == [*before, f"{thief}/32"]
    guard.undone(done.execution)
    assert listed(guard, ip_set) == before


def test_the_preview_says_that_it_stops_no_call_to_aws(guard: Bench) -> None:
    plan = guard.plan(NAME, next(addresses))
    assert plan.title.endswith("at the front doors behind blocked")
    assert "It does not stop one call to AWS with a stolen key; block_ip does." in " ".join(plan.warnings)
    assert plan.stops is None


def test_whoever_was_faster_is_kept(guard: Bench, ip_set: str) -> None:
    thief, other = next(addresses), next(addresses)
    name, id_ = ip_set.split("/")[-2:]
    waf: Any = guard.cloud.as_root(ACCOUNT, "wafv2")

    def meanwhile(action: str, number: int) -> Fate | None:
        if action == "UpdateIPSet" and number == 0:
            held = waf.get_ip_set(Name=name, Scope="REGIONAL", Id=id_)
            faster = [*held["IPSet"]["Addresses"], f"{other}/32"]
            waf.update_ip_set(Name=name, Scope="REGIONAL", Id=id_, Addresses=faster, LockToken=held["LockToken"])
        return None

    guard.door.decide = meanwhile
    assert guard.done(NAME, thief).state is ChangeState.CONFIRMED
    assert {f"{thief}/32", f"{other}/32"} <= set(listed(guard, ip_set))
    assert len(guard.door.of("UpdateIPSet")) == 2


def test_a_lock_that_is_never_free_is_tried_again_later_and_not_forever(guard: Bench) -> None:
    guard.door.fail("UpdateIPSet", Fate.LOCKED)
    waiting = guard.done(NAME, next(addresses))
    assert waiting.state is ChangeState.STARTED
    assert len(guard.door.of("UpdateIPSet")) == 5
    for _ in range(5):
        guard.clock.forward(minutes=2)
        guard.carry_out_due_jobs()
    assert guard.told[-1].state is ChangeState.FAILED
    assert "aws wafv2 get-ip-set --name blocked" in guard.told[-1].sentence


def test_several_sets_are_told_apart_by_name_and_by_kind(bench: Bench, cloud: Cloud, ip_set: str) -> None:
    second, sixth = made(cloud, f"second-{bench.seat.user}"), made(cloud, f"sixth-{bench.seat.user}", "IPV6")
    bench.offering(Offer(waf_ip_sets=(ip_set, second, sixth)))
    thief = next(addresses)
    assert f"name one, as in {thief}@NAME. There are blocked, second-" in bench.refusal(NAME, thief).sentence
    assert bench.plan(NAME, f"{thief}@second-{bench.seat.user}").after["ip set"] == second
    assert bench.plan(NAME, "2001:db8:99::5").after == {
        "ip set": sixth,
        "entry": "2001:db8:99::/64",
        "listed": "yes",
    }
    assert "takes IPV6 addresses" in bench.refusal(NAME, "2001:db8:99::5@blocked").sentence


@pytest.mark.parametrize(
    ("target", "words"),
    [("10.0.0.8", "is not a public address"), ("198.51.100.7", "your own networks"), ("x", "is not an IP address")],
)
def test_what_is_never_blocked_is_refused_before_any_call(guard: Bench, target: str, words: str) -> None:
    assert words in guard.refusal(NAME, target).sentence
    assert guard.door.requests == []


def test_what_is_in_the_set_is_not_added_again(guard: Bench) -> None:
    thief = next(addresses)
    guard.done(NAME, thief)
    assert guard.refusal(NAME, thief).settled


def test_without_a_set_it_says_what_it_takes(bench: Bench) -> None:
    assert "set [remediation] waf_ip_sets" in bench.refusal(NAME, next(addresses)).sentence


def test_the_calls_made_are_exactly_the_declared_permissions(guard: Bench, ip_set: str) -> None:
    done = guard.done(NAME, next(addresses))
    guard.clock.forward(minutes=16)
    guard.carry_out_due_jobs()
    guard.undone(done.execution)
    declared = BlockIpWaf(Offer(waf_ip_sets=(ip_set,)), Usage(guard.clock)).permissions
    assert guard.door.calls() == declared.read | declared.act
    taken = [request["Policy"] for request in guard.door.of("AssumeRole") if "TriageAct" in request["RoleArn"]]
    assert all(ip_set in policy for policy in taken)
