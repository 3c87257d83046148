"""The lists of service control policies, as documents: what is found, changed, and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.remediation.block_ip import ADDRESSES
from bot.remediation.deny_sso_user import PERSONS
from bot.remediation.organisation import DenyList, NotDeployed, denies_tag
from bot.remediation.organisation_deny import PRINCIPALS
from tests.remediation.cloud import shipped

LISTS = [(ADDRESSES, "blocked-addresses"), (PRINCIPALS, "denied-principals"), (PERSONS, "denied-persons")]
ENTRY = "203.0.113.66/32"


def with_condition(condition: Any) -> str:
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(("deny", "name"), LISTS, ids=[name for _, name in LISTS])
def test_the_shipped_policies_hold_an_empty_list_that_can_be_filled_and_emptied(deny: DenyList, name: str) -> None:
    content = json.dumps(shipped(name))
    assert deny.values(content) == ()
    one = deny.changed(content, "a", listed=True)
    two = deny.changed(one, "b", listed=True)
    assert (deny.values(one), deny.values(two)) == (("a",), ("a", "b"))
    assert deny.changed(two, "b", listed=True) == two
    emptied = deny.changed(deny.changed(two, "a", listed=False), "b", listed=False)
    assert json.loads(emptied) == shipped(name)


def test_the_shipped_quarantine_denies_its_tag() -> None:
    assert denies_tag(json.dumps(shipped("quarantine")), "triage-quarantine")
    assert not denies_tag(json.dumps(shipped("quarantine")), "another")
    assert not denies_tag(json.dumps(shipped("denied-principals")), "triage-quarantine")


def test_everything_else_in_a_policy_stays_as_it_is() -> None:
    content = json.loads(with_condition({"IpAddress": {"AWS:sourceip": "198.51.100.1/32"}, "Bool": {"a": "b"}}))
    content["Statement"].insert(0, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"})
    changed = json.loads(ADDRESSES.changed(json.dumps(content), ENTRY, listed=True))
    content["Statement"][1]["Condition"]["IpAddress"]["AWS:sourceip"] = ["198.51.100.1/32", ENTRY]
    assert changed == content


def test_a_single_statement_need_not_be_a_list() -> None:
    statement = json.loads(with_condition({"IpAddress": {"aws:SourceIp": [ENTRY]}}))["Statement"][0]
    assert ADDRESSES.values(json.dumps({"Statement": statement})) == (ENTRY,)


@pytest.mark.parametrize(
    "content",
    [
        '{"Statement": []}',
        "{}",
        with_condition({"Bool": {"aws:ViaAWSService": "false"}}),
        with_condition({"IpAddress": {"aws:SourceIp": []}, "NotIpAddress": {"aws:SourceIp": []}}),
        with_condition({"IpAddress": {"aws:SourceIp": []}}).replace("Deny", "Allow"),
    ],
)
def test_a_policy_without_exactly_one_such_list_is_not_deployed(content: str) -> None:
    with pytest.raises(
        NotDeployed, match=r"one Deny statement with a condition on aws:SourceIp, and has \d: deploy it"
    ):
        ADDRESSES.values(content)


def test_never_a_list_of_what_is_allowed() -> None:
    for name in ("blocked-addresses", "denied-principals", "denied-persons"):
        assert "Not" not in json.dumps(shipped(name))


def test_the_program_for_people_makes_the_same_change() -> None:
    place = '(.Statement[].Condition[]? | select(has("aws:SourceIp")) | .["aws:SourceIp"])'
    added, removed = (ADDRESSES.jq(ENTRY, listed=listed) for listed in (True, False))
    assert added == f'{place} |= ([.] | flatten | . + ["{ENTRY}"] | unique)'
    assert removed == f'{place} |= ([.] | flatten | . - ["{ENTRY}"])'
