"""Lists as publishers write them, flattened into the table that is looked up."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ipdata.compile import Source, compile_table, main, sources
from bot.ipdata.table import Label, RangeTable, load, save

OWNER = Source("a.txt", "Owner", "2026-01-01", provider="Owner")
OTHER = Source("b.txt", "Other", "2026-01-01", provider="Other")
TENANT = Source("c.txt", "Tenant", "2026-01-01", provider="Tenant", tenant=True)
HOSTING = Source("d.txt", "datacenter", "2026-02-02", marks="hosting")
VPN = Source("e.txt", "vpn", "2026-02-02", marks="vpn")
LISTS = (OWNER, OTHER, TENANT, HOSTING, VPN)


def table(*texts: str) -> RangeTable:
    return compile_table(LISTS, [*texts, *[""] * (len(LISTS) - len(texts))])


def found(held: RangeTable, ip: str) -> Label:
    return held.find(ipaddress.ip_address(ip))


def test_the_narrowest_range_names_the_provider() -> None:
    held = table("10.0.0.0/8\n", "10.1.0.0/16\n")
    names = {ip: found(held, ip).provider for ip in ("10.0.0.0", "10.1.2.3", "10.2.0.0", "10.255.255.255", "11.0.0.0")}
    assert names == {"10.0.0.0": "Owner", "10.1.2.3": "Other", "10.2.0.0": "Owner", "10.255.255.255": "Owner",
                     "11.0.0.0": None}  # fmt: skip


def test_an_owner_goes_before_a_narrower_tenant() -> None:
    held = table("10.0.0.0/8\n", "", "10.1.0.0/16\n12.0.0.0/24\n")
    assert found(held, "10.1.0.1").provider == "Owner"
    assert found(held, "12.0.0.1").provider == "Tenant"


def test_marks_add_up_and_name_their_lists() -> None:
    held = table("", "", "", "10.0.0.0/24\n", "10.0.0.128/25\n")
    label = found(held, "10.0.0.200")
    assert (label.provider, label.hosting, label.vpn) == (None, True, True)
    assert [entry.name for entry in held.named(label)] == ["datacenter", "vpn"]
    assert not found(held, "10.0.0.1").vpn
    assert found(held, "10.0.1.0") == Label()


def test_csv_comments_blank_lines_and_single_addresses_are_read() -> None:
    held = table("prefix,service\n# a comment\n\n10.0.0.1/32,EC2\n2001:db8::/32,EC2\n", "192.0.2.7\n")
    assert [found(held, ip).provider for ip in ("10.0.0.1", "2001:db8::9", "192.0.2.7")] == ["Owner", "Owner", "Other"]


def test_the_ends_of_the_address_space() -> None:
    held = table("0.0.0.0/32\n255.255.255.255/32\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128\n")
    assert {found(held, ip).provider for ip in ("0.0.0.0", "255.255.255.255")} == {"Owner"}  # noqa: S104
    assert found(held, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").provider == "Owner"
    assert found(held, "::").provider is None


networks = st.builds(
    lambda start, length: ipaddress.ip_network((start, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(st.lists(networks, max_size=8), st.lists(networks, max_size=8), st.integers(0, 2**32 - 1))
def test_a_lookup_is_what_reading_every_line_says(
    owner: list[ipaddress.IPv4Network], hosting: list[ipaddress.IPv4Network], value: int
) -> None:
    held = table("\n".join(map(str, owner)), "", "", "\n".join(map(str, hosting)))
    for address in {ipaddress.IPv4Address(value), *(network[0] for network in owner), *(each[-1] for each in hosting)}:
        label = held.find(address)
        assert (label.provider == "Owner") == any(address in network for network in owner)
        assert label.hosting == any(address in network for network in [*owner, *hosting])


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    held = table("10.0.0.0/8\n2001:db8::/32\n", "10.1.0.0/16\n")
    save(held, tmp_path / "ranges.bin")
    again = load(tmp_path / "ranges.bin")
    assert again.labels == held.labels
    assert {version: list(again.starts[version]) for version in (4, 6)} == held.starts
    save(again, tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "ranges.bin").read_bytes()


def test_a_file_cut_short_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "ranges.bin"
    save(table("10.0.0.0/8\n"), path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="reinstall"):
        load(path)


def test_the_command_reads_every_file_it_names(tmp_path: Path) -> None:
    for source in sources():
        (tmp_path / source.file).write_text("")
    aws = next(source for source in sources() if source.provider == "AWS")
    (tmp_path / aws.file).write_text("prefix,service\n10.0.0.0/8,EC2\n")
    main([str(tmp_path), str(tmp_path / "out.bin")])
    assert found(load(tmp_path / "out.bin"), "10.1.1.1").provider == "AWS"
