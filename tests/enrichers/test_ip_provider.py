from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import (
    AddressOrigin,
    Answer,
    Environment,
    Event,
    Fact,
    HistoryUnavailableError,
    Kind,
    Observable,
    Registration,
    Sampled,
    Span,
    Unknown,
    Unread,
)
from enrichers.ip_provider import enrich
from tests.fakes import (
    ALICE,
    OFFICE,
    RENTED,
    FakeAddresses,
    FakeHistory,
    FakeRegistries,
    context,
    event,
    ordinary,
)

ADDRESS = Observable(Kind.IP, RENTED)


def answer(origin: dict[str, Any], events: Sequence[Event], *others: AddressOrigin, **changes: Any) -> Answer:
    addresses = FakeAddresses((AddressOrigin(RENTED, **origin), *others))
    return enrich(ADDRESS, context(events, addresses=addresses, **changes))


HOSTING = {"provider": "DigitalOcean", "hosting": True, "big_three": False, "tor": False}
STOLEN = [*ordinary(), event(ip=RENTED)]


def test_a_hosting_provider_never_used_before() -> None:
    given = answer(HOSTING, STOLEN)
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("ip.hosting", (STOLEN[-1].id,))]
    assert given.signals[0].sentence == (
        f"{RENTED} belongs to DigitalOcean, a hosting provider that is not AWS, Google or Microsoft; "
        "alice never used it."
    )
    assert given.headline == f"{RENTED}: DigitalOcean, hosting"


def test_data_is_the_whole_of_what_is_known() -> None:
    assert answer(HOSTING, STOLEN).data == {
        "ip": RENTED,
        "asn": None,
        "organisation": None,
        "country": None,
        "provider": "DigitalOcean",
        "hosting": True,
        "big_three": False,
        "cdn": None,
        "tor": False,
        "vpn": None,
        "latitude": None,
        "longitude": None,
        "radius_km": None,
        "source": None,
        "as_of": None,
        "own": None,
        "usual_here": None,
        "usual_from": None,
    }


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        (HOSTING, "ip.hosting"),
        ({"vpn": True}, "ip.hosting"),
        ({"tor": True, "hosting": True, "big_three": False}, "ip.hosting"),
        ({"hosting": True, "big_three": False}, "ip.hosting"),
        ({"provider": "AWS", "hosting": True, "big_three": True}, "ip.bigcloud"),
        ({"hosting": False}, None),
        ({}, None),
    ],
)
def test_what_counts(origin: dict[str, Any], kind: str | None) -> None:
    assert [signal.kind for signal in answer(origin, STOLEN).signals] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("used_before", "known", "fires"),
    [
        (RENTED, {}, False),
        ("159.89.100.77", {}, False),  # its network
        ("203.0.113.5", {"provider": "DigitalOcean"}, False),
        ("203.0.113.5", {"provider": "Vultr"}, True),
        ("203.0.113.5", {"asn": 14061}, False),
        ("203.0.113.5", {}, True),
    ],
)
def test_a_provider_used_before_counts_for_nothing(used_before: str, known: dict[str, Any], fires: bool) -> None:
    before = [event(5 * 24 * 60, ip=used_before)]
    given = answer({**HOSTING, "asn": 14061}, [*STOLEN, *before], AddressOrigin("203.0.113.5", **known))
    assert bool(given.signals) is fires


def test_an_own_network_is_no_oddity() -> None:
    given = answer(HOSTING, STOLEN, environment=Environment(own_networks=("159.89.0.0/16",)))
    assert (given.signals, given.unknowns) == ((), ())
    assert "own network" in given.headline


def test_an_address_the_principal_did_not_use_recently_is_no_signal() -> None:
    assert not answer(HOSTING, ordinary()).signals


@pytest.mark.parametrize("changes", [{"history": None}, {"principal": None}])
def test_without_a_principals_history_it_is_open(changes: dict[str, Any]) -> None:
    given = answer(HOSTING, STOLEN, **changes)
    assert given.signals == ()
    assert [unknown.kind for unknown in given.unknowns] == ["ip.hosting"]


def test_a_thin_baseline_is_said() -> None:
    given = answer(HOSTING, [*ordinary(days=1), event(ip=RENTED)])
    assert [(unknown.kind, unknown.why) for unknown in given.unknowns] == [
        ("ip.hosting", "insufficient history (only 5 events on 1 days in the 13 days before)")
    ]


@pytest.mark.parametrize(
    ("origin", "events", "why"),
    [
        ({}, STOLEN, "no list at hand knows whose it is; [ipdata] whois = true"),
        ({}, [event(ip=RENTED)], "no list at hand knows whose it is"),  # with a thin baseline, too
        ({"asn": 7922, "organisation": "Comcast"}, STOLEN, "names Comcast (AS7922), which does not prove"),
        ({"asn": 7922}, STOLEN, "names AS7922, which does not prove"),
        ({"hosting": False}, STOLEN, None),
        ({}, [*STOLEN, event(5 * 24 * 60, ip=RENTED)], None),
        ({}, ordinary(), None),
    ],
)
def test_what_nobody_knows_is_open_and_never_a_no(
    origin: dict[str, Any], events: Sequence[Event], why: str | None
) -> None:
    unknowns = answer(origin, events).unknowns
    assert [unknown.kind for unknown in unknowns] == (["ip.hosting"] if why else [])
    assert all(why in unknown.why for unknown in unknowns if why)


# --------------------------------------------------------------------------- what is usual here

TENANT = "203.0.113.5"
COLLEAGUES = [
    call
    for name in ("bob", "carol")
    for call in ordinary(principal=replace(ALICE, id=f"111122223333:user/{name}"), ip=TENANT)
]
"""A hundred calls of two people from the provider the thief rents at, too."""


@pytest.mark.parametrize(
    ("changes", "usual", "source", "words"),
    [
        ({"usual_providers": ()}, True, "history", "yes: 96 of 144 sampled calls, of 2 principals, since 2026-11-10"),
        ({"usual_providers": ("digitalocean",)}, True, "config", "yes: stated in config"),
        ({"usual_providers": ("AS14061", "Hetzner")}, True, "config", "yes: stated in config"),
    ],
)
def test_what_is_usual_here_is_told_with_where_it_is_from(
    changes: dict[str, Any], usual: bool, source: str, words: str
) -> None:
    tenant = AddressOrigin(TENANT, provider="DigitalOcean", hosting=True)
    given = answer({**HOSTING, "asn": 14061}, [*STOLEN, *COLLEAGUES], tenant, environment=Environment(**changes))
    assert (given.data["usual_here"], given.data["usual_from"]) == (usual, source)
    assert Fact("Usual here", words) in given.facts


def test_what_was_learned_is_told_and_takes_nothing_away_and_what_is_stated_does() -> None:
    tenant, events = AddressOrigin(TENANT, provider="DigitalOcean", hosting=True), [*STOLEN, *COLLEAGUES]
    (learned,) = answer(HOSTING, events, tenant).signals
    assert learned.sentence.endswith(
        "alice never used it. Others here do: 96 of 144 sampled calls, of 2 principals, since 2026-11-10."
    )
    stated = Environment(usual_providers=("DigitalOcean",))
    assert answer(HOSTING, events, tenant, environment=stated).signals == ()
    assert answer({**HOSTING, "tor": True}, events, tenant, environment=stated).signals, "nobody rents a Tor exit"
    assert answer({**HOSTING, "provider": "Vultr"}, events, tenant, environment=stated).signals


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([*STOLEN, *ordinary(ip=TENANT)], "no: 48 of 96 sampled calls, of 1 principal, since 2026-11-10"),
        ([*STOLEN, *ordinary(days=20)], "no: none of 146 sampled calls since 2026-10-31"),
        ([*ordinary(days=4), event(ip=RENTED)], None),
    ],
)
def test_one_victim_or_too_little_history_make_no_provider_usual(events: Sequence[Event], words: str | None) -> None:
    tenant = AddressOrigin(TENANT, provider="DigitalOcean", hosting=True)
    told = [fact.value for fact in answer(HOSTING, events, tenant).facts if fact.label == "Usual here"]
    assert told == ([words] if words else [])


def test_a_history_that_cannot_be_sampled_leaves_the_signal() -> None:
    class Unsampled(FakeHistory):
        def sampled(self, accounts: Sequence[str], span: Span) -> Sequence[Sampled]:
            raise HistoryUnavailableError("the query was stopped")

    given = answer(HOSTING, STOLEN, history=Unsampled(STOLEN))
    assert [signal.kind for signal in given.signals] == ["ip.hosting"]
    assert given.data["usual_here"] is None


# ------------------------------------------------------------------------------------------ registries

REGISTERED = AddressOrigin(
    RENTED, asn=64500, organisation="RENT-A-BOX", country="NL", source="RIPENCC (RDAP)", as_of="2026-11-20"
)


def test_registries_say_what_no_list_knows() -> None:
    hosting = replace(REGISTERED, hosting=True, big_three=False)
    asked = FakeRegistries(Registration(hosting))
    given = answer({"tor": False, "source": "a list", "as_of": "2026-11-01"}, STOLEN, registries=asked)
    assert given.signals[0].sentence.startswith(f"{RENTED} belongs to RENT-A-BOX (AS64500), a hosting provider")
    assert (given.data["country"], given.data["source"], given.data["as_of"]) == (
        "NL",
        "a list; RIPENCC (RDAP)",
        "2026-11-01",
    )
    assert asked.asked == [RENTED]


def test_a_registry_that_does_not_know_the_trade_leaves_it_open() -> None:
    given = answer({}, STOLEN, registries=FakeRegistries(Registration(REGISTERED)))
    assert (given.data["hosting"], given.signals) == (None, ())
    assert "names RENT-A-BOX (AS64500), which does not prove" in given.unknowns[0].why


def test_an_address_used_before_in_the_same_announced_network_is_no_news() -> None:
    registered = Registration(replace(REGISTERED, hosting=True, big_three=False), ("203.0.0.0/16",))
    before = event(5 * 24 * 60, ip="203.0.113.5")
    assert answer({}, STOLEN, registries=FakeRegistries(registered)).signals
    assert not answer({}, [*STOLEN, before], registries=FakeRegistries(registered)).signals


def test_registries_that_do_not_answer_leave_it_open_with_the_reason() -> None:
    given = answer({}, STOLEN, registries=FakeRegistries(Unread("the registries did not answer within 3 seconds")))
    assert given.unknowns == (
        Unknown("ip.hosting", "no list at hand knows whose it is, and the registries did not answer within 3 seconds"),
    )
    assert Fact("Registries", given.unknowns[0].why) in given.facts


@pytest.mark.parametrize(
    ("origin", "own_networks"),
    [(HOSTING, ()), ({"hosting": False}, ()), ({"tor": True}, ()), ({"asn": 3320}, ()), ({}, ("159.89.0.0/16",))],
)
def test_registries_are_asked_only_about_what_nobody_here_knows(
    origin: dict[str, Any], own_networks: tuple[str, ...]
) -> None:
    asked = FakeRegistries(Registration(REGISTERED))
    answer(origin, STOLEN, registries=asked, environment=Environment(own_networks=own_networks))
    assert asked.asked == []


@pytest.mark.parametrize(
    ("own_networks", "own"), [((), None), (("159.89.0.0/16",), True), (("198.51.100.0/24",), False)]
)
def test_whether_it_is_the_customers_own_is_known_where_networks_are_named(
    own_networks: tuple[str, ...], own: bool | None
) -> None:
    assert answer(HOSTING, STOLEN, environment=Environment(own_networks=own_networks)).data["own"] is own


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ({}, "in no list we have"),
        ({"hosting": False}, "no provider's address"),
        ({"provider": "OVHcloud", "asn": 16276, "hosting": True, "country": "FR"}, "OVHcloud (AS16276), hosting, FR"),
        ({"tor": True, "hosting": True}, "Tor exit, hosting"),
        ({"provider": "Cloudflare", "hosting": True, "cdn": True}, "Cloudflare, CDN"),
    ],
)
def test_the_headline_says_what_is_known(origin: dict[str, Any], words: str) -> None:
    assert answer(origin, [event(ip=OFFICE)]).headline == f"{RENTED}: {words}"


def test_a_tor_exit_is_dated_in_its_sentence() -> None:
    given = answer({"tor": True, "hosting": True, "source": "a list", "as_of": "2026-10-05"}, STOLEN)
    assert "is a Tor exit (a list, 2026-10-05)" in given.signals[0].sentence
