"""The lists there are: complete, of known forms, from https only."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from bot.ipdata.forms import FORMS
from bot.ipdata.sources import Source, address_of, shipped_sources

SOURCES = shipped_sources()


def test_every_list_can_be_fetched_and_read() -> None:
    assert len({source.id for source in SOURCES.lists}) == len(SOURCES.lists)
    assert {source.form for source in SOURCES.lists} | {source.files_form for source in SOURCES.lists} <= set(FORMS)
    assert {source.marks for source in SOURCES.lists} == {"hosting", "cdn", "vpn", "tor", "asns"}
    assert all(urlsplit(source.url).scheme == "https" for source in SOURCES.lists)
    assert all(bool(source.files) == bool(source.as_of) for source in SOURCES.lists)


def test_the_providers_one_meets_are_there() -> None:
    named = {source.provider for source in SOURCES.lists}
    assert named >= {
        "AWS",
        "Google",
        "Microsoft",
        "Cloudflare",
        "DigitalOcean",
        "Linode",
        "OVHcloud",
        "Oracle",
        "GitHub",
    }


def test_whom_an_update_asks() -> None:
    assert "https://ip-ranges.amazonaws.com" in SOURCES.origins()
    assert SOURCES.origins("http://127.0.0.1:8000/lists") == {"http://127.0.0.1:8000"}


@pytest.mark.parametrize(
    ("mirror", "url"),
    [
        ("", "https://api.example.com/ips?x=1"),
        ("https://lists.example.com/ip/", "https://lists.example.com/ip/api.example.com/ips"),
    ],
)
def test_a_mirror_has_everything_by_host_and_path(mirror: str, url: str) -> None:
    assert address_of(Source("a", "A", "https://api.example.com/ips?x=1", "lines"), mirror) == url
