"""The JSON document, key by key as scripts rely on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.assessment import Case, assess
from bot.document import LONGEST_LIST, alert_document, cut, searched_document, triage_document
from bot.enrichment import Runner
from bot.model import Alert, Enrichment, Gap, Kind, Observable, Outcome, Status
from bot.plugins import load_enrichers
from bot.triage import TriageWorld, triage
from tests.fakes import KALI, KALI_AGENT, KEY, LEAD, NOW, RENTED, WINDOW, FakeAddresses, FakeHistory, event, ordinary

WORLD = TriageWorld(
    load_enrichers(["user_agents", "usual_ips", "denied_calls", "ip_provider"]),
    Runner(),
    FakeHistory(
        [
            *ordinary(),
            event(name="iam:ListUsers", outcome=Outcome.DENIED, ip=RENTED, family=KALI, user_agent=KALI_AGENT),
        ]
    ),
    FakeAddresses(),
)


def document(observable: Observable = LEAD) -> dict[str, Any]:
    return triage_document(triage(observable, WINDOW, world=WORLD))


def test_the_keys_of_the_contract_in_its_order() -> None:
    made = document()
    assert list(made) == [
        "observable", "at", "window", "searched", "principal", "activity", "enrichments", "assessment", "suggested",
    ]  # fmt: skip
    assert made["observable"] == {"kind": "access_key", "value": KEY}
    assert made["at"] == "2026-11-20T14:00:00Z"
    assert made["window"] == {
        "since": "2026-11-06T14:00:00Z",
        "until": "2026-11-20T14:00:00Z",
        "recent_since": "2026-11-19T14:00:00Z",
    }
    assert list(made["searched"]) == ["since", "until", "accounts", "regions", "missing"]
    assert made["searched"]["regions"] == {"us-east-1": "2026-11-20T13:50:00Z"}
    assert made["principal"] == {
        "id": "111122223333:user/alice",
        "type": "IAMUser",
        "arn": "arn:aws:iam::111122223333:user/alice",
        "account": "111122223333",
    }
    assert list(made["activity"]) == [
        "events", "by_service", "denied", "failed", "bad_credential", "dry_run", "login_failed",
        "first_seen", "last_seen", "regions", "services", "events_by_name",
    ]  # fmt: skip
    assert list(made["assessment"]) == ["verdict", "score", "classes", "reasons", "gaps", "could_be"]


def holds(record: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether every key of the contract is there; more of ours may stand beside them."""
    return set(keys) <= record.keys()


def test_an_enrichment() -> None:
    agents, addresses, denied, provider = document()["enrichments"]
    assert list(agents) == ["enricher", "observable", "status", "headline", "facts", "signals", "data"]
    family, address = agents["data"]["families"][0], addresses["data"]["addresses"][0]
    assert holds(family, ["family", "count", "first_seen", "last_seen", "new", "agents"])
    assert holds(address, ["ip", "count", "first_seen", "last_seen", "days", "new"])
    assert holds(denied["data"], ["total", "calls"])
    calls = ["event", "count", "error_codes", "source_ips", "user_agents", "first_seen", "last_seen"]
    assert holds(denied["data"]["calls"][0], calls)
    assert provider["observable"] == {"kind": "ip", "value": RENTED}
    origin = ["ip", "asn", "organisation", "country", "provider", "hosting", "big_three", "tor", "vpn"]
    assert holds(provider["data"], [*origin, "source", "as_of"])


def test_numbers_agree_with_each_other() -> None:
    made = document()
    agents, addresses, denied, _ = made["enrichments"]
    own = made["activity"]["events"] - made["activity"]["by_service"]
    assert sum(row["count"] for row in agents["data"]["families"]) == own
    assert sum(row["count"] for row in addresses["data"]["addresses"]) == own
    assert denied["data"]["total"] == made["activity"]["denied"] == 1


def test_every_reason_with_points_names_an_event() -> None:
    reasons = document()["assessment"]["reasons"]
    assert reasons
    assert all(reason["evidence"] for reason in reasons if reason["points"])


def test_an_address_has_principals_instead_of_one() -> None:
    made = document(Observable(Kind.IP, RENTED))
    assert list(made)[4:6] == ["principal", "principals"]
    assert made["principal"] is None
    assert made["principals"] == [{"id": "111122223333:user/alice", "count": 1}]
    assert made["suggested"] == []


def test_nothing_known_is_null() -> None:
    empty = triage(LEAD, WINDOW, world=replace(WORLD, history=None, addresses=None))
    made = triage_document(empty)
    assert (made["searched"], made["principal"]) == (None, None)
    assert made["activity"]["first_seen"] is None
    assert {enrichment["status"] for enrichment in made["enrichments"]} == {"skipped"}
    assert made["enrichments"][0]["data"] is None
    assert "run `triage ingest`" in made["enrichments"][0]["why"]
    assert made["assessment"]["verdict"] == "inconclusive"
    assert searched_document(None) is None


def test_a_cut_list_says_so() -> None:
    long = list(range(LONGEST_LIST + 5))
    assert cut({"addresses": long[:LONGEST_LIST]}) == {"addresses": long[:LONGEST_LIST]}
    assert cut({"addresses": long, "other": [{"ips": long}]}) == {
        "addresses": long[:LONGEST_LIST],
        "other": [{"ips": long[:LONGEST_LIST], "truncated": True, "ips_count": LONGEST_LIST + 5}],
        "truncated": True,
        "addresses_count": LONGEST_LIST + 5,
    }


def test_many_principals_are_cut() -> None:
    many = tuple((f"111122223333:user/u{number}", 1) for number in range(LONGEST_LIST + 1))
    made = triage_document(replace(triage(Observable(Kind.IP, RENTED), WINDOW, world=WORLD), principals=many))
    assert (len(made["principals"]), made["truncated"], made["principals_count"]) == (1000, True, 1001)


def test_an_alert() -> None:
    alert = Alert("a1", "generic", "Kali", "high", NOW, (LEAD,))
    made = alert_document(alert, [triage(LEAD, WINDOW, world=WORLD)], assess([], Case()), [Gap("Who?", "not told")])
    assert list(made) == ["alert", "triages", "assessment", "gaps"]
    assert made["alert"] == {
        "source": "generic",
        "title": "Kali",
        "severity": "high",
        "time": "2026-11-20T14:00:00Z",
        "observables": [{"kind": "access_key", "value": KEY}],
        "sample": False,
    }
    assert made["gaps"] == [{"question": "Who?", "why": "not told"}]
    assert made["triages"][0]["observable"]["value"] == KEY


def test_the_same_question_gives_the_same_document() -> None:
    assert json.dumps(document()) == json.dumps(document())


def test_an_unanswered_enrichment_says_why() -> None:
    failed = Enrichment("made", "Is it?", LEAD, Status.FAILED, None, "ValueError: odd")
    made = triage_document(replace(triage(LEAD, WINDOW, world=WORLD), enrichments=(failed,)))
    assert made["enrichments"] == [
        {
            "enricher": "made",
            "observable": {"kind": "access_key", "value": KEY},
            "status": "failed",
            "headline": None,
            "facts": [],
            "signals": [],
            "data": None,
            "why": "ValueError: odd",
        }
    ]
