"""The commands that are printed for people, typed into a shell as they stand: they do what the bot would have done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Plan
from bot.remediation import remediations
from bot.remediation.block_ip import ADDRESSES
from bot.remediation.offer import Offer
from bot.remediation.wording import by_hand
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, MANAGEMENT, Cloud
from tests.remediation.terminal import Terminal, terminal
from tests.remediation.ways import WAYS, Offers, Way

JQ = frozenset({"deny_sso_user", "organisation_deny", "block_ip"})
"""Changed with jq, which is not everywhere: tests/remediation/test_lists.py has its programs."""


@pytest.fixture(scope="module")
def typing(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Iterator[Terminal]:
    with terminal(tmp_path_factory.mktemp("terminal"), cloud) as opened:
        yield opened


def printed(offer: Offer, plan: Plan, state: Any) -> str:
    """As it stands behind "By hand:" in a sentence."""
    (remedy,) = [each for each in remediations(offer) if each.name == plan.remediation]
    return by_hand(remedy.commands(plan.target, state)).removeprefix(" By hand: ")


@pytest.mark.parametrize("way", [pytest.param(way, id=name) for name, way in WAYS.items() if name not in JQ])
def test_what_is_printed_for_a_person_makes_the_change_and_takes_it_back(
    bench: Bench, offered: Offers, typing: Terminal, way: Way
) -> None:
    plan = way.planned(bench, offered)
    for state in (plan.after, plan.before) if way.undo else (plan.after,):
        ended = typing.run(printed(way.offer(offered), plan, state))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert way.is_so(bench, offered, plan, state)


@pytest.mark.parametrize("description", ["", "made by the web team: don't touch `it`"])
def test_an_ip_set_is_written_whole_in_one_command_with_the_lock_of_what_was_read(
    bench: Bench, typing: Terminal, description: str
) -> None:
    waf: Any = bench.cloud.as_root(ACCOUNT, "wafv2")
    others = ["198.51.100.1/32", "198.51.100.2/32"]
    said = {"Description": description} if description else {}
    name = f"typed-{len(description)}"
    made = waf.create_ip_set(Name=name, Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=others, **said)["Summary"]
    offer = Offer(waf_ip_sets=(made["ARN"],))
    bench.offering(offer)
    plan = bench.plan("block_ip_waf", "203.0.113.77")

    def held() -> dict[str, Any]:
        read: dict[str, Any] = waf.get_ip_set(Name=name, Scope="REGIONAL", Id=made["Id"])["IPSet"]
        return read

    for state, wanted in (
        (plan.after, [*others, "203.0.113.77/32"]),
        (plan.after, [*others, "203.0.113.77/32"]),
        (plan.before, others),
    ):
        ended = typing.run(printed(offer, plan, state))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (held()["Addresses"], held().get("Description", "")) == (wanted, description)


def test_where_no_policy_for_addresses_was_deployed_one_for_this_address_is_with_one_command(
    bench: Bench, typing: Terminal
) -> None:
    (command,) = bench.refusal("block_ip", "203.0.113.78").commands
    organisation: Any = bench.cloud.as_root(MANAGEMENT, "organizations")
    root = organisation.list_roots()["Roots"][0]["Id"]
    asked = {"TargetId": root, "Filter": "SERVICE_CONTROL_POLICY"}
    before = {each["Id"] for each in organisation.list_policies_for_target(**asked)["Policies"]}
    ended = typing.run(command)
    assert (ended.returncode, ended.stderr) == (0, "")
    (made,) = {each["Id"] for each in organisation.list_policies_for_target(**asked)["Policies"]} - before
    assert ADDRESSES.values(json.dumps(bench.cloud.content(made))) == ("203.0.113.78/32",)
    organisation.detach_policy(PolicyId=made, TargetId=root)
    organisation.delete_policy(PolicyId=made)


def test_a_command_that_aws_refuses_ends_as_one(bench: Bench, typing: Terminal) -> None:
    plan = replace(bench.planned(), target="AKIARTX3GSDSZZZZZZZZ")
    ended = typing.run(printed(Offer(), plan, plan.after))
    assert (ended.returncode, "NoSuchEntity" in ended.stderr) == (1, True)
