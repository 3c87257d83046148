"""`triage serve` from outside: its two ports, what it tells an orchestrator, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.demo.slack import ANALYST, SOC, LocalSlack
from tests.remediation.cloud import SEATS, seat
from tests.site import Site, history_of

PLACE = seat(SEATS // 2)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalSlack() as slack:
        made = Site(tmp_path, slack, PLACE, "http://127.0.0.1:9")
        yield made
        made.close()


def get(site: Site, path: str, port: int | None = None) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port or site.health_port}{path}", trust_env=False, timeout=10)


def test_it_is_ready_once_slack_is_connected_and_says_why_it_is_not(site: Site) -> None:
    site.start()
    site.until(lambda: get(site, "/readyz").status_code == 200)
    assert get(site, "/readyz").json() == {"ready": True, "reasons": []}
    assert get(site, "/healthz").text == "ok\n"
    site.slack.stop()
    site.until(lambda: get(site, "/readyz").status_code == 503)
    assert get(site, "/readyz").json()["reasons"] == ["Slack's socket is not connected"]
    assert get(site, "/healthz").status_code == 200
    assert site.stop() == 0


def test_the_public_port_has_the_alerts_and_nothing_else(site: Site) -> None:
    site.start()
    for path in ("/", "/healthz", "/readyz", "/slack/events", "/docs"):
        assert get(site, path, site.port).status_code == 404
    assert get(site, "/alerts/siem", site.port).status_code == 405
    body = b'{"access_key": "AKIARTX3GSDSQAAAAAAA"}'
    refused = httpx.post(f"http://127.0.0.1:{site.port}/alerts/siem", content=body, trust_env=False)
    assert (refused.status_code, refused.content) == (401, b"")
    assert site.rows("SELECT count(*) FROM deliveries") == [(0,)]


def test_without_a_history_an_alert_is_still_evidence(site: Site) -> None:
    site.start()
    answer = site.send(site.alert())
    assert answer is not None
    assert answer.status_code == 202
    site.until(lambda: site.card() and site.idle())
    assert "Kali" in str(site.card())


def test_what_was_typed_beside_a_question_is_kept_nowhere(site: Site) -> None:
    history_of(site.seat, site.folder / "history.db").close()
    site.start()
    site.slack.type_command(ANALYST, SOC, f"/triage key {site.seat.stolen.id} canary-typed-beside")
    site.until(lambda: site.card() and site.idle())
    assert site.stop() == 0
    kept = b"".join(file.read_bytes() for file in site.folder.glob("state.db*"))
    assert b"canary-typed-beside" not in kept
    assert b"canary-typed-beside" not in (site.folder / "log").read_bytes()
