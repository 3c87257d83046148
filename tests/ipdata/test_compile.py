"""Lists flattened into the table that is looked up."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ipdata.compile import flatten, listing, listings, main
from bot.ipdata.forms import Contents
from bot.ipdata.sources import shipped_sources
from bot.ipdata.table import Edition, Label, RangeTable, load, save

OWNER = Edition("a", "Owner", "2026-01-01", provider="Owner")
OTHER = Edition("b", "Other", "2026-01-01", provider="Other")
TENANT = Edition("c", "Tenant", "2026-01-01", provider="Tenant", tenant=True)
HOSTING = Edition("d", "datacenter", "2026-02-02")
VPN = Edition("e", "vpn", "2026-02-02", marks="vpn")
LISTS = (OWNER, OTHER, TENANT, HOSTING, VPN)


def contents(networks: str, asns: tuple[int, ...] = ()) -> Contents:
    return Contents(tuple(ipaddress.ip_network(network) for network in networks.split()), asns)


def table(*texts: str) -> RangeTable:
    rows = [*texts, *[""] * (len(LISTS) - len(texts))]
    return flatten([listing(edition, contents(row)) for edition, row in zip(LISTS, rows, strict=True)])


def found(held: RangeTable, ip: str) -> Label:
    return held.find(ipaddress.ip_address(ip))


def names(held: RangeTable, ip: str) -> list[str]:
    return [edition.name for edition in held.named(found(held, ip))]


def test_the_shortest_stretch_names_the_provider() -> None:
    held = table("10.0.0.0/8", "10.1.0.0/16")
    providers = {
        ip: found(held, ip).provider for ip in ("10.0.0.0", "10.1.2.3", "10.2.0.0", "10.255.255.255", "11.0.0.0")
    }
    assert providers == {"10.0.0.0": "Owner", "10.1.2.3": "Other", "10.2.0.0": "Owner", "10.255.255.255": "Owner",
                         "11.0.0.0": None}  # fmt: skip


def test_an_owner_goes_before_a_narrower_tenant() -> None:
    held = table("10.0.0.0/8", "", "10.1.0.0/16 12.0.0.0/24")
    assert found(held, "10.1.0.1").provider == "Owner"
    assert found(held, "12.0.0.1").provider == "Tenant"


def test_every_list_that_holds_an_address_is_named() -> None:
    held = table("", "", "", "10.0.0.0/24", "10.0.0.128/25")
    assert names(held, "10.0.0.200") == ["datacenter", "vpn"]
    assert names(held, "10.0.0.1") == ["datacenter"]
    assert found(held, "10.0.1.0") == Label()


def test_the_ends_of_the_address_space() -> None:
    last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    held = table(f"0.0.0.0/32 255.255.255.255/32 {last}/128")
    assert {found(held, ip).provider for ip in ("0.0.0.0", "255.255.255.255", last)} == {"Owner"}  # noqa: S104
    assert found(held, "::").provider is None


networks = st.builds(
    lambda start, length: ipaddress.ip_network((start, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
ranges = st.lists(networks, max_size=8).map(lambda found: " ".join(map(str, found)))


@given(ranges, ranges, st.integers(0, 2**32 - 1))
def test_a_lookup_is_what_reading_every_line_says(owner: str, hosting: str, value: int) -> None:
    held = table(owner, "", "", hosting)
    listed = {"Owner": contents(owner).networks, "datacenter": contents(hosting).networks}
    ends = {each for rows in listed.values() for network in rows for each in (network[0], network[-1])}
    for address in {ipaddress.IPv4Address(value), *ends}:
        holding = [name for name, rows in listed.items() if any(address in network for network in rows)]
        assert [edition.name for edition in held.named(held.find(address))] == holding


@given(ranges, ranges, ranges)
def test_a_table_knows_the_lists_it_was_made_of(owner: str, other: str, hosting: str) -> None:
    """What an update keeps of the old data set is not worn down by keeping it again and again."""
    held = table(owner, other, "", hosting)
    again = flatten(list(listings(held)))
    assert (again.lists, again.labels) == (held.lists, held.labels)
    assert (again.starts, again.segment_labels) == (held.starts, held.segment_labels)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    asns = listing(Edition("f", "asns", "2026-01-01", marks="asns"), contents("", (64500, 64501)))
    held = flatten([*listings(table("10.0.0.0/8 2001:db8::/32", "10.1.0.0/16")), asns])
    save(held, tmp_path / "ranges.bin")
    again = load(tmp_path / "ranges.bin")
    assert (again.lists, again.labels) == (held.lists, held.labels)
    assert {version: list(again.starts[version]) for version in (4, 6)} == held.starts
    save(again, tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "ranges.bin").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.bin", "ranges.bin"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "ranges.bin"
    save(table("10.0.0.0/8"), path)
    return path


@given(st.integers(0, 400), st.binary(min_size=1, max_size=40))
def test_a_file_that_is_none_is_an_error_with_its_remedy(whole: Path, cut: int, odd: bytes) -> None:
    content = whole.read_bytes()
    damaged = whole.with_name("damaged.bin")
    for written in {content[: min(cut, len(content) - 1)], odd, odd + content}:
        damaged.write_bytes(written)
        with pytest.raises(ValueError, match="remove it, or reinstall"):
            load(damaged)


def test_the_command_reads_every_file_it_names(tmp_path: Path) -> None:
    for source in shipped_sources().lists:
        for file in source.files:
            (tmp_path / file).write_text("64500\n" if source.marks == "asns" else "11.0.0.0/24\n")
    aws = next(source for source in shipped_sources().lists if source.id == "aws")
    (tmp_path / aws.files[0]).write_text("prefix,service\n12.0.0.0/8,EC2\n")
    main([str(tmp_path), str(tmp_path / "out.bin")])
    held = load(tmp_path / "out.bin")
    assert found(held, "12.1.1.1").provider == "AWS"
    assert {asn for edition in held.lists for asn in edition.asns} == {64500}
