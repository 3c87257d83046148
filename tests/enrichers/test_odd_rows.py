"""Attackers write user agents, names and addresses: no enricher may stumble over them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.document import cut
from bot.model import (
    AddressClass,
    AddressOrigin,
    CodeFound,
    CodePlace,
    ContactRecord,
    EarlierCase,
    Environment,
    Event,
    IdentityRecord,
    KeyRecord,
    Kind,
    Observable,
    Outcome,
    Registration,
    Reputation,
    Unread,
)
from bot.plugins import Plugin, load_enrichers, shipped
from tests.fakes import (
    ALICE,
    KALI,
    KALI_AGENT,
    KEY,
    LINUX,
    NOW,
    RENTED,
    FakeCases,
    FakeCodeSearch,
    FakeIam,
    FakeRecords,
    FakeRegistries,
    FakeStatistics,
    FakeThreatLists,
    context,
    event,
    ordinary,
)

words = st.text(max_size=20)
odd_events = st.builds(
    lambda minutes, changes: event(**changes, at=NOW - timedelta(minutes=minutes)),
    st.integers(0, 60 * 24 * 20),
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["iam:ListUsers", "ec2:RunInstances", "", "no-colon", "a:b:c"]) | words,
            "outcome": st.sampled_from(Outcome),
            "error_code": st.none() | words,
            "key": st.sampled_from([KEY, None, "", "ASIA"]),
            "ip": st.sampled_from([RENTED, None, "", "::1", "035.1.2.3", "AWS Internal", "::ffff:1.2.3.4"]) | words,
            "address_class": st.sampled_from(AddressClass),
            "user_agent": st.sampled_from([KALI_AGENT, "", "<!channel>"]) | words,
            "family": st.sampled_from([KALI, LINUX, "none", "||||", "offensive:", "browser|"]) | words,
            "region": words,
            "by_service": st.booleans(),
        }
    ),
)


@pytest.mark.parametrize("plugin", load_enrichers(shipped()), ids=lambda plugin: plugin.name)
@settings(max_examples=40, deadline=None)
@given(events=st.lists(odd_events, max_size=12), kind=st.sampled_from(Kind), value=words, usual=st.booleans())
def test_odd_rows_are_answered(plugin: Plugin, events: list[Event], kind: Kind, value: str, usual: bool) -> None:
    kinds: dict[Kind, Any] = {
        Kind.ACCESS_KEY: KEY,
        Kind.PRINCIPAL: ALICE.id,
        Kind.IP: RENTED,
        Kind.EVENT: "iam:ListUsers",
    }
    observable = Observable(kind, kinds.get(kind, value))
    past = EarlierCase(1, value, value, None, None, NOW, open=False)
    world = context(
        [*events, *(ordinary() if usual else [])],
        environment=Environment(own_networks=("odd", "::/0")),
        iam=FakeIam(
            KeyRecord(value, value),
            IdentityRecord(value, policies=(value,), tags={value: value, "owner": value}),
            ContactRecord(value, value, value, value),
        ),
        records=FakeRecords(
            {each.id: {"policyArn": value, "userName": value} for each in events},
            {each.id: {value: 1} for each in events},
        ),
        statistics=FakeStatistics({value: Unread(value)}),
        code_search=FakeCodeSearch(CodeFound(NOW, 1, (CodePlace(value, value),))),
        cases=FakeCases({observable: [past]}),
        registries=FakeRegistries(Registration(AddressOrigin(value, asn=1, organisation=value), (value,))),
        threat_lists=FakeThreatLists({value: Reputation(listed=usual, words=value)}, {value: value}),
    )
    answer = plugin.enricher.enrich(observable, world)
    assert {signal.kind for signal in answer.signals} <= plugin.declaration.raises
    assert {unknown.kind for unknown in answer.unknowns} <= plugin.declaration.raises
    assert all(signal.evidence for signal in answer.signals)
    json.dumps(cut(answer.data))
