"""The three lists over real HTTP on loopback, in the forms that they answer in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.http import Page
from bot.model import Reputation, Unread
from bot.threat_lists import SERVICES, WebThreatLists
from tests.ipdata.lists import as_json
from tests.publisher import Publisher, Told, publishing

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
IP = "159.89.100.10"
KEYS = {"abuseipdb": "made-up-a", "greynoise": "made-up-g", "otx": "made-up-o"}
PATHS = {
    "abuseipdb": "/abuse/api/v2/check",
    "greynoise": f"/noise/v3/community/{IP}",
    "otx": f"/otx/api/v1/indicators/IPv4/{IP}/general",
}
NAMES = {"abuseipdb": "AbuseIPDB", "greynoise": "GreyNoise", "otx": "AlienVault OTX"}
ABUSE = {
    "data": {
        "ipAddress": IP,
        "isPublic": True,
        "abuseConfidenceScore": 97,
        "countryCode": "DE",
        "totalReports": 312,
        "numDistinctUsers": 87,
        "lastReportedAt": "2026-11-19T20:55:14+00:00",
    }
}
NOISE = {
    "ip": IP,
    "noise": True,
    "riot": False,
    "classification": "malicious",
    "name": "unknown",
    "link": f"https://viz.greynoise.io/ip/{IP}",
    "last_seen": "2026-11-18",
    "message": "Success",
}
PULSES = {
    "indicator": IP,
    "pulse_info": {"count": 12, "pulses": [{"name": "<!channel>", "modified": "2026-10-01T00:00:00"}, {}]},
}


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as one:
        one.pages = {
            PATHS["abuseipdb"]: Told(as_json(ABUSE)),
            PATHS["greynoise"]: Told(as_json(NOISE)),
            PATHS["otx"]: Told(as_json(PULSES)),
        }
        yield one


def lists(
    publisher: Publisher, folder: Path, *only: str, clock: Clock | None = None, seconds: float = 3.0
) -> WebThreatLists:
    bases = {"abuseipdb": "abuse", "greynoise": "noise", "otx": "otx"}
    return WebThreatLists(
        {name: key for name, key in KEYS.items() if not only or name in only},
        clock or Clock(),
        folder,
        addresses={name: f"{publisher.origin}/{base}" for name, base in bases.items()},
        seconds=seconds,
    )


def test_each_list_is_asked_with_its_key(publisher: Publisher, tmp_path: Path) -> None:
    assert lists(publisher, tmp_path).reputations(IP) == {
        "AbuseIPDB": Reputation(
            listed=True,
            words="97 % sure that it is abusive: 312 reports of 87 people in 90 days",
            score=97,
            reports=312,
            last_seen="2026-11-19",
        ),
        "GreyNoise": Reputation(listed=True, words="scans the internet, malicious", last_seen="2026-11-18"),
        "AlienVault OTX": Reputation(
            listed=True,
            words="named in 12 reports (pulses), which anybody may write",
            reports=12,
            last_seen="2026-10-01",
        ),
    }
    sent = {asked.path: asked.headers for asked in publisher.asked}
    assert sent[f"{PATHS['abuseipdb']}?maxAgeInDays=90&ipAddress={IP}"]["key"] == "made-up-a"
    assert sent[PATHS["greynoise"]]["key"] == "made-up-g"
    assert sent[PATHS["otx"]]["x-otx-api-key"] == "made-up-o"


@pytest.mark.parametrize(
    ("name", "told", "listed", "words"),
    [
        ("abuseipdb", {"data": {"abuseConfidenceScore": 0, "totalReports": 0}}, False, "no report in 90 days"),
        ("abuseipdb", {"data": {"abuseConfidenceScore": 24, "totalReports": 1}}, False, "24 % sure"),
        ("greynoise", NOISE | {"classification": "benign", "name": "Shodan.io"}, False, "benign, Shodan.io"),
        ("greynoise", NOISE | {"noise": False, "riot": True, "name": "Cloudflare"}, False, "business service, Cloud"),
        ("otx", {"pulse_info": {"count": 0, "pulses": []}}, False, "in no report"),
    ],
)
def test_what_is_no_attacker(
    publisher: Publisher, tmp_path: Path, name: str, told: object, listed: bool, words: str
) -> None:
    publisher.pages[PATHS[name]] = Told(as_json(told))
    found = lists(publisher, tmp_path, name).reputations(IP)[NAMES[name]]
    assert isinstance(found, Reputation)
    assert (found.listed, words in found.words) == (listed, True)


def test_an_address_greynoise_does_not_know_is_an_answer(publisher: Publisher, tmp_path: Path) -> None:
    told = {"ip": IP, "noise": False, "riot": False, "message": "IP not observed scanning the internet"}
    publisher.pages[PATHS["greynoise"]] = Told(as_json(told), 404)
    found = lists(publisher, tmp_path, "greynoise").reputations(IP)
    assert found == {"GreyNoise": Reputation(listed=False, words="not seen scanning the internet")}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told(status=401), "it does not take the key: put a valid one where [threat_lists] otx says"),
        (Told(status=403), "it does not take the key"),
        (Told(status=500), "it answered with status 500"),
        (Told(b"<html>sign in</html>"), "what it answered is no answer (status 200)"),
        (Told(as_json({"pulse_info": {"count": "many"}})), "what it answered is no answer"),
        (Told(b"\xff\xfe"), "what it answered is no answer"),
        (Told(b"[" * 100_000), "what it answered is no answer"),
        (Told(b"{}", promised=100), "could not be reached or broke off"),
        (Told(status=302, headers={"Location": "https://elsewhere.example/"}), "nothing was sent there"),
    ],
)
def test_a_list_that_fails_is_unread_with_the_reason(
    publisher: Publisher, tmp_path: Path, told: Told, why: str
) -> None:
    publisher.pages[PATHS["otx"]] = told
    found = lists(publisher, tmp_path).reputations(IP)
    failed = found["AlienVault OTX"]
    assert isinstance(failed, Unread)
    assert why in failed.why
    assert isinstance(found["AbuseIPDB"], Reputation), "the others answer as ever"


@pytest.mark.parametrize(
    ("after", "until"),
    [("3600", "2026-11-20 15:00"), (None, "2026-11-20 14:01"), ("99999999", "2026-11-21 14:00"), ("soon", "14:01")],
)
def test_a_limit_that_is_used_up_is_waited_for(
    publisher: Publisher, tmp_path: Path, after: str | None, until: str
) -> None:
    clock = Clock()
    publisher.pages[PATHS["otx"]] = Told(status=429, headers={"Retry-After": after} if after else {})
    asking = lists(publisher, tmp_path, "otx", clock=clock)
    for _ in range(2):
        found = asking.reputations(IP)["AlienVault OTX"]
        assert isinstance(found, Unread)
        assert until in found.why
    assert len(publisher.asked) == 1
    clock.now += timedelta(days=1, seconds=1)
    asking.reputations(IP)
    assert len(publisher.asked) == 2


def test_an_answer_is_kept_for_a_day(publisher: Publisher, tmp_path: Path) -> None:
    clock = Clock()
    first = lists(publisher, tmp_path, clock=clock).reputations(IP)
    clock.now = NOW + timedelta(hours=23)
    assert lists(publisher, tmp_path, clock=clock).reputations(IP) == first
    assert len(publisher.asked) == 3
    clock.now = NOW + timedelta(hours=25)
    lists(publisher, tmp_path, clock=clock).reputations(IP)
    assert len(publisher.asked) == 6


def test_no_key_stands_in_what_is_kept(publisher: Publisher, tmp_path: Path) -> None:
    lists(publisher, tmp_path).reputations(IP)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*.json"))
    assert kept
    assert b"made-up" not in kept


def test_nobody_waits_for_one_that_hangs(publisher: Publisher, tmp_path: Path) -> None:
    release = threading.Event()
    publisher.pages[PATHS["otx"]] = Told(b"{", promised=9, hold=release)
    found = lists(publisher, tmp_path, seconds=0.5).reputations(IP)
    assert isinstance(found["AbuseIPDB"], Reputation)
    assert isinstance(found["AlienVault OTX"], Unread)
    assert "0.5 seconds" in found["AlienVault OTX"].why
    release.set()


def test_lists_without_a_key_are_named(publisher: Publisher, tmp_path: Path) -> None:
    asking = lists(publisher, tmp_path, "otx")
    assert asking.without_key == {"AbuseIPDB": "abuseipdb", "GreyNoise": "greynoise"}
    assert set(asking.reputations(IP)) == {"AlienVault OTX"}


@pytest.mark.parametrize("ip", ["", "AWS Internal", "10.0.0.1", "203.0.113.9", "fe80::1"])
def test_what_is_nobodys_is_not_asked_about(publisher: Publisher, tmp_path: Path, ip: str) -> None:
    assert lists(publisher, tmp_path).reputations(ip) == {}
    assert publisher.asked == []


def test_ipv6(publisher: Publisher, tmp_path: Path) -> None:
    publisher.pages["/otx/api/v1/indicators/IPv6/2a00:1::9/general"] = Told(as_json(PULSES))
    found = lists(publisher, tmp_path).reputations("2a00:1::9")
    assert found["GreyNoise"] == Unread("it holds no IPv6 addresses")
    assert isinstance(found["AlienVault OTX"], Reputation)
    assert f"{PATHS['abuseipdb']}?maxAgeInDays=90&ipAddress=2a00%3A1%3A%3A9" in {one.path for one in publisher.asked}


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*ABUSE, *ABUSE["data"], *NOISE, *PULSES, "count", "pulses", "modified"]), inner, max_size=5
        )
    ),
    max_leaves=10,
)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=40) | odd.map(as_json), status=st.sampled_from([200, 404]))
def test_any_answer_is_understood_or_refused(tmp_path: Path, service: object, body: bytes, status: int) -> None:
    setting = service.setting  # type: ignore[attr-defined]
    asking = WebThreatLists({setting: "k"}, Clock(), tmp_path)
    found = asking._lists[0]._understood(Page(status, {}, body), NOW)
    assert isinstance(found, Reputation | Unread)
