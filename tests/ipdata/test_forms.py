"""Every form in which publishers write, and everything else, which is refused with a few words."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ipdata.forms import FORMS, WIDEST, Contents, NotInForm, read
from tests.ipdata import lists
from tests.ipdata.lists import as_json


@pytest.mark.parametrize(
    ("form", "body", "networks", "as_of"),
    [
        ("aws", lists.AWS, ["3.5.140.0/22", "13.32.0.0/15", "2600:1f18::/33"], "2026-11-20"),
        ("aws-cloudfront", lists.AWS, ["13.32.0.0/15"], "2026-11-20"),
        ("google", lists.GOOGLE, ["34.80.0.0/12", "2600:1900::/28"], "2026-11-21"),
        ("oracle", lists.ORACLE, ["130.61.0.0/16"], "2026-11-19"),
        ("cloudflare", lists.CLOUDFLARE, ["104.16.0.0/13", "2606:4700::/32"], None),
        ("fastly", lists.FASTLY, ["151.101.0.0/16", "2a04:4e40::/32"], None),
        ("github", lists.GITHUB, ["192.30.252.0/22", "2a0a:a440::/29", "4.148.0.0/16"], None),
        ("lines", lists.TOR, ["185.220.101.1/32", "185.220.101.2/32"], None),
        ("lines", lists.GEOFEED, ["159.89.0.0/20", "2a03:b0c0::/48"], None),
    ],
)
def test_each_publisher_is_understood(form: str, body: bytes, networks: list[str], as_of: str | None) -> None:
    contents = read(form, body)
    assert ([str(network) for network in contents.networks], contents.as_of) == (networks, as_of)


@pytest.mark.parametrize(("body", "asns"), [(lists.ASNS, (14061, 24940)), (lists.BAD_ASNS, (20248, 198375))])
def test_as_numbers(body: bytes, asns: tuple[int, ...]) -> None:
    assert read("asns", body) == Contents(asns=asns)


def test_what_is_nobodys_is_left_out() -> None:
    contents = read("lines", b"10.0.0.0/8\n192.0.2.0/24\n2001:db8::/32\n159.89.0.0/20\n")
    assert [str(network) for network in contents.networks] == ["159.89.0.0/20"]


@pytest.mark.parametrize(
    ("form", "body", "why"),
    [
        ("lines", lists.HTML, "line 1 is no network"),
        ("aws", lists.HTML, "is not JSON"),
        ("google", lists.GOOGLE[:-20], "is not JSON"),
        ("lines", b"159.89.0.0/20\n159.89.16.0/2", "line 2 is no network"),
        ("lines", b"0.0.0.0/0\n", "wider than any provider's"),
        ("lines", b"::/0\n", "wider than any provider's"),
        ("lines", b"10.0.0.0/8\n", "no network of the public internet"),
        ("lines", b"", "no network of the public internet"),
        ("lines", b"\xff\xfe", "is not text"),
        ("google", b"[1]", "is not a JSON object"),
        ("google", as_json({}), "has no list of objects called prefixes"),
        ("google", as_json({"prefixes": ["34.80.0.0/12"]}), "has no list of objects called prefixes"),
        ("google", as_json({"prefixes": [{"ipv4Prefix": 7}]}), "entry 1 is no network"),
        ("google", as_json({"prefixes": []}), "no network of the public internet"),
        ("cloudflare", as_json({"success": False, "result": None}), "has no result"),
        ("fastly", as_json({"addresses": ["151.101.0.0/16"]}), "has no list called ipv6_addresses"),
        ("github", as_json({"message": "API rate limit exceeded"}), "names no actions"),
        ("asns", b"AS0\n", "line 1 is no AS number"),
        ("asns", b"AS4294967296\n", "line 1 is no AS number"),
        ("asns", lists.HTML, "line 1 is no AS number"),
        ("google", b"[" * 100_000, "is not JSON"),
    ],
)
def test_anything_else_is_refused(form: str, body: bytes, why: str) -> None:
    with pytest.raises(NotInForm, match=why):
        read(form, body)


KEYS = (
    *("prefixes", "ipv6_prefixes", "ip_prefix", "ipv4Prefix", "service", "regions", "cidrs", "cidr"),
    *("result", "ipv4_cidrs", "ipv6_cidrs", "addresses", "ipv6_addresses", "actions", "createDate"),
)
odd_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["34.80.0.0/12", "0.0.0.0/1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
odd_lines = st.lists(
    st.text(max_size=12) | st.sampled_from(["1.2.3.0/24", "AS1", "::/0", '"5"', "1.2.3.4", "2a00::/16,x"]), max_size=6
).map(lambda rows: "\n".join(rows).encode("utf-8", "replace"))


@pytest.mark.parametrize("form", FORMS)
@given(body=st.binary(max_size=60) | odd_lines | odd_json.map(lambda document: json.dumps(document).encode()))
def test_any_bytes_are_read_or_refused(form: str, body: bytes) -> None:
    with suppress(NotInForm):
        contents = read(form, body)
        assert contents.networks or contents.asns
        assert all(network.prefixlen >= WIDEST[network.version] for network in contents.networks)
