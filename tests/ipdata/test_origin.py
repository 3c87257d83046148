"""Addresses as a responder would ask about them, against the lists that ship with the bot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bot.ipdata import LocalAddressData
from bot.ipdata.claims import Claim, combine
from bot.ipdata.compile import flatten, listing
from bot.ipdata.forms import read
from bot.ipdata.origin import AddressDataUnreadable, iporigin_edition
from bot.ipdata.table import FILE, Edition, RangeTable, save
from bot.model import AddressOrigin

DATA = Path(__file__).parent.parent / "data" / "ip"
MAXMIND = DATA / "maxmind"

SHIPPED = LocalAddressData()
IPORIGIN = iporigin_edition()[0]

PROVIDERS = {
    "DigitalOcean": "DigitalOcean",
    "Google Cloud": "Google",
    "Azure": "Microsoft",
    "Hetzner FI": "Hetzner",
    "OVH": "OVHcloud",
    "Linode (scanme.nmap.org)": "Linode",
    "Vultr": "Vultr",
    "AWS IPv6": "AWS",
}
EXAMPLES = json.loads((DATA / "lookup_examples.json").read_text())["ips"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["ip"])
def test_agrees_with_what_several_sources_say(example: dict[str, object]) -> None:
    origin = SHIPPED.origin(str(example["ip"]))
    assert origin.provider == PROVIDERS.get(str(example["what"]))
    # Where nobody at hand knows, the answer is None; it is never a "no" that is none.
    assert origin.hosting is (None if example["use"] == "residential" else example["hosting"])
    assert origin.tor is (None if ":" in str(example["ip"]) else example["tor"])


def test_a_tor_exit_is_dated() -> None:
    origin = SHIPPED.origin("185.220.101.1")
    assert (origin.tor, origin.vpn, origin.big_three) == (True, None, False)
    assert origin.source is not None
    assert "iporigin" in origin.source
    assert origin.as_of is not None
    assert origin.as_of >= "2026"


@pytest.mark.parametrize(
    ("ip", "provider", "big_three"),
    [
        ("52.95.110.1", "AWS", True),
        ("8.8.8.8", "Google", True),
        # GitHub lists the Azure ranges its runners are rented in: the owner is named, not the tenant.
        ("20.42.65.92", "Microsoft", True),
        ("140.82.121.4", "GitHub", False),
        ("159.89.100.10", "DigitalOcean", False),
        ("65.108.1.1", "Hetzner", False),
        # Somebody's server, nobody's name: yet none of the three, which publish all their ranges.
        ("1.12.0.1", "Tencent Cloud", False),
    ],
)
def test_names_the_owner(ip: str, provider: str, big_three: bool) -> None:
    origin = SHIPPED.origin(ip)
    assert (origin.provider, origin.hosting, origin.big_three) == (provider, True, big_three)


@pytest.mark.parametrize(
    ("ip", "kind"),
    [
        ("10.8.8.10", "private"),
        ("192.168.1.1", "private"),
        ("100.64.3.2", "shared"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("198.51.100.7", "documentation"),
        ("203.0.113.9", "documentation"),
        ("2001:db8::5", "documentation"),
        ("fd00::1", "private"),
        ("224.0.0.1", "reserved"),
        ("::ffff:10.0.0.1", "private"),
    ],
)
def test_reserved_addresses_are_known_to_be_nobodys(ip: str, kind: str) -> None:
    origin = SHIPPED.origin(ip)
    assert (origin.hosting, origin.tor, origin.vpn, origin.big_three) == (False, False, False, False)
    assert origin.provider is None
    assert origin.source is not None
    assert kind in origin.source


@pytest.mark.parametrize(
    "ip", ["", "AWS Internal", "035.249.253.232", "1.2.3", "1.2.3.4/8", "ses.amazonaws.com", "\x00"]
)
def test_what_is_no_address_is_unknown(ip: str) -> None:
    assert SHIPPED.origin(ip) == AddressOrigin(ip)


def test_mapped_ipv6_is_the_ipv4_address() -> None:
    assert SHIPPED.origin("::ffff:159.89.100.10").provider == "DigitalOcean"


# ------------------------------------------------------------------------------- the user's own files


def with_databases(*names: str) -> LocalAddressData:
    return LocalAddressData([MAXMIND / name for name in names])


def test_country_asn_and_organisation_need_the_users_files() -> None:
    bare = SHIPPED.origin("1.128.0.1")
    assert (bare.country, bare.asn, bare.organisation) == (None, None, None)
    known = with_databases("GeoLite2-ASN-Test.mmdb").origin("1.128.0.1")
    assert (known.asn, known.organisation) == (1221, "Telstra Pty Ltd")
    assert known.source is not None
    assert "GeoLite2-ASN" in known.source


def test_country_comes_from_a_country_database() -> None:
    assert with_databases("GeoLite2-Country-Test.mmdb").origin("2.125.160.217").country == "GB"


def test_an_asn_on_the_hosting_lists_means_hosting() -> None:
    origin = with_databases("GeoLite2-ASN-Test.mmdb").origin("1.0.0.1")
    assert (origin.asn, origin.hosting, origin.provider, origin.big_three) == (15169, True, "Google", True)


def test_an_access_line_is_known_not_to_be_a_server() -> None:
    origin = with_databases("GeoIP2-Connection-Type-Test.mmdb").origin("1.0.1.5")
    assert origin.hosting is False


def test_an_anonymiser_database_says_vpn() -> None:
    assert with_databases("GeoIP2-Anonymous-IP-Test.mmdb").origin("1.2.0.5").vpn is True


def test_an_isp_database_names_the_organisation() -> None:
    assert with_databases("GeoIP2-ISP-Test.mmdb").origin("4.0.0.1").organisation == "Level 3 Communications"


def test_an_ipv4_database_is_not_asked_of_ipv6() -> None:
    databases = sorted(path.name for path in MAXMIND.glob("*.mmdb"))
    assert with_databases(*databases).origin("2600:1f18::1").provider == "AWS"


def test_a_missing_file_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(AddressDataUnreadable, match=r"no\.mmdb.*correct \[ipdata\] mmdb"):
        LocalAddressData([tmp_path / "no.mmdb"])


# ------------------------------------------------------------------------------- data that is replaced


def test_new_lists_are_taken_up_at_the_next_question(tmp_path: Path) -> None:
    known = LocalAddressData(folder=tmp_path)
    assert known.origin("11.0.0.1").provider is None
    save(made("Made-up", "11.0.0.0/24"), tmp_path / FILE)
    assert (known.origin("11.0.0.1").provider, known.origin("52.95.110.1").source) == ("Made-up", IPORIGIN)
    save(made("Another", "11.0.0.0/24"), tmp_path / FILE)
    assert known.origin("11.0.0.1").provider == "Another"


def test_broken_lists_leave_the_old_ones_answering(tmp_path: Path) -> None:
    save(made("Made-up", "11.0.0.0/24"), tmp_path / FILE)
    known = LocalAddressData(folder=tmp_path)
    (tmp_path / FILE).write_bytes(b"broken")
    assert known.origin("11.0.0.1").provider == "Made-up"


def test_lists_that_are_broken_at_the_start_leave_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"broken")
    assert LocalAddressData(folder=tmp_path).origin("159.89.100.10").provider == "DigitalOcean"


def test_a_new_database_is_taken_up_and_a_broken_one_is_not(tmp_path: Path) -> None:
    database = tmp_path / "own.mmdb"
    shutil.copy(MAXMIND / "GeoLite2-ASN-Test.mmdb", database)
    known = LocalAddressData([database])
    assert (known.origin("1.128.0.1").asn, known.origin("81.2.69.160").country) == (1221, None)
    replaced = tmp_path / "new.mmdb"
    shutil.copy(MAXMIND / "GeoLite2-Country-Test.mmdb", replaced)
    replaced.replace(database)
    assert (known.origin("1.128.0.1").asn, known.origin("81.2.69.160").country) == (None, "GB")
    database.write_bytes(b"broken")
    assert known.origin("81.2.69.160").country == "GB"


def test_a_fresher_list_of_tor_exits_replaces_the_packages(tmp_path: Path) -> None:
    exits = listing(Edition("tor", "Tor exits", "2099-01-01", marks="tor"), read("lines", b"11.0.0.9\n"))
    save(flatten([exits]), tmp_path / FILE)
    known = LocalAddressData(folder=tmp_path)
    assert {ip: known.origin(ip).tor for ip in ("11.0.0.9", "185.220.101.1", "11.0.0.8", "2a00::9")} == {
        "11.0.0.9": True,
        "185.220.101.1": False,
        "11.0.0.8": False,
        "2a00::9": None,
    }
    assert "Tor exits" in str(known.origin("185.220.101.1").source)


def test_a_network_that_answers_for_others_is_said() -> None:
    assert [SHIPPED.origin(ip).cdn for ip in ("104.16.1.1", "151.101.1.1", "159.89.100.10")] == [True, True, None]


def made(provider: str, *networks: str) -> RangeTable:
    edition = Edition(provider, f"{provider}'s list", "2026-11-01", provider=provider)
    return flatten([listing(edition, read("lines", "\n".join(networks).encode()))])


# ------------------------------------------------------------------------------------- many voices


@pytest.mark.parametrize(
    ("said", "answer"),
    [([], None), ([None], None), ([False, None], False), ([False, True], True), ([True, None], True)],
)
def test_any_yes_counts_then_any_no_then_nobody_knows(said: list[bool | None], answer: bool | None) -> None:
    claims = [Claim(f"list {number}", "2026-01-01", hosting=hosting) for number, hosting in enumerate(said)]
    assert combine("192.0.2.1", claims).hosting is answer


def test_the_oldest_list_dates_the_answer() -> None:
    claims = [Claim("new", "2026-10-05", hosting=True), Claim("old", "2024-02-27", vpn=True)]
    origin = combine("192.0.2.1", claims)
    assert (origin.as_of, origin.source) == ("2024-02-27", "new; old")
