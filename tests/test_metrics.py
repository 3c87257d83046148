"""`/metrics`, `/readyz` and the log of the real process: what is told there is what happened."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import counts
from bot.counts import Durations, Tally
from bot.demo.slack import LocalSlack
from bot.health import Health
from bot.history.follow import Following
from bot.intake.polling import AlertQueue
from bot.metrics import Metrics, Now
from bot.store import jobs
from bot.store.state import State
from tests.documents import ROOT
from tests.remediation.cloud import seat
from tests.site import Site, history_of

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
QUIET = Now(slack=True, queues={}, history=NOW - timedelta(minutes=7), behind=None, problems=0)
Figures = Mapping[tuple[str, ...], float]


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, by the labels' names; read by Prometheus's own parser."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        for sample in family.samples:
            found[sample.name, *sample.labels.values()] = sample.value
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalSlack() as slack:
        made = Site(tmp_path, slack, seat(1), "http://127.0.0.1:9")
        made.config.write_text(re.sub(r"\[aws\]\n(\w+ = .*\n)+", "", made.config.read_text()))
        history_of(made.seat, tmp_path / "history.db").close()
        yield made
        made.close()


def scraped(site: Site) -> Figures:
    answer = httpx.get(f"http://127.0.0.1:{site.health_port}/metrics", trust_env=False, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return figures(answer.text)


def test_what_happened_to_an_alert_is_told(site: Site) -> None:
    site.start()
    for _ in range(2):
        sent = site.send(site.alert())
        assert sent is not None
        assert sent.status_code == 202
    refused = httpx.post(f"http://127.0.0.1:{site.port}/alerts/siem", content=b"{}", trust_env=False)
    stranger = httpx.post(f"http://127.0.0.1:{site.port}/alerts/x%22%7D%0Ay", content=b"{}", trust_env=False)
    assert (refused.status_code, stranger.status_code) == (401, 401)
    site.until(site.idle)
    told = scraped(site)
    assert told["triage_alerts_total", "kept", "siem"] == 1
    assert told["triage_alerts_total", "duplicate", "siem"] == 1
    assert told["triage_alerts_total", "refused", "siem"] == 1
    assert told["triage_alerts_total", "refused", "unknown"] == 1
    assert told["triage_enrichments_total", "user_agents", "answered"] == 1
    assert told["triage_enrichments_total", "threat_lists", "skipped"] >= 1
    assert told["triage_triage_seconds_count",] == told["triage_card_seconds_count",] == 1
    assert told["triage_triage_seconds_bucket", "+Inf"] == 1
    assert 0 < told["triage_triage_seconds_sum",] < 60
    assert told["triage_outbox_oldest_seconds",] == 0
    assert told["triage_slack_socket_up",] == told["triage_ready",] == 1
    assert 400 < told["triage_history_lag_seconds",] < 1200
    assert told["triage_file_bytes", "state.db"] > 0
    assert told["triage_disk_free_bytes",] > 0
    assert 1e7 < told["process_resident_memory_bytes",] < 1e9
    verdict = site.rows("SELECT verdict FROM cases")[0][0]
    assert told["triage_cases", "open", verdict] == 1
    assert site.stop() == 0
    lines = [json.loads(line) for line in (site.folder / "log").read_text().splitlines() if line.startswith("{")]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)


def test_what_is_kept_is_told_from_the_state_file(tmp_path: Path) -> None:
    with State(tmp_path / "state.db") as state:
        state.write(lambda db: jobs.bury(db, "read", {}, "no alert", NOW, pool="triage"))
        state.write(lambda db: jobs.add(db, "triage", {"case": 1}, NOW - timedelta(seconds=90), pool="triage"))
        state.write(
            lambda db: db.executescript(
                """
                INSERT INTO plans (id, remediation, target, account, title, before, after, digest, warnings, actor,
                    actor_name, created_at, expires_at) VALUES ('p', 'block_ip', 't', 'a', '', '', '', '', '', '', '',
                    '', '');
                INSERT INTO executions (id, plan, remediation, target, state, actor, actor_name, reason, at, sentence)
                    VALUES ('e', 'p', 'block_ip', 't', 'confirmed', '', '', '', '', '');
                INSERT INTO approvals VALUES ('p', 'u', 'u', 'u', '', '', 1);
                INSERT INTO outbox (kind, lane, slot, payload, state, attempts, due_at, created_at)
                    VALUES ('message', 'C1', 's', '{}', 'ready', 0, 0, '2026-11-23T08:59:00Z');
                """
            )
        )
        told = figures(Metrics(state.read, lambda: NOW, lambda: QUIET, [state.path])().decode())
    assert told["triage_changes", "change", "block_ip", "confirmed"] == 1
    assert told["triage_approvals_total", "break_glass"] == 1
    assert told["triage_outbox_waiting", "message"] == 1
    assert told["triage_outbox_oldest_seconds",] == 60
    assert told["triage_jobs_oldest_seconds", "triage"] == 90
    assert told["triage_jobs_dead", "read"] == 1
    assert told["triage_history_lag_seconds",] == 420


def test_a_state_that_cannot_be_read_hides_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 100)
    with State(tmp_path / "other.db") as other:
        other.write(lambda db: db.execute("DROP TABLE jobs"))
        told = figures(Metrics(other.read, lambda: NOW, lambda: QUIET, [tmp_path / "state.db"])().decode())
    assert told["triage_ready",] == 1
    assert ("triage_audit_entries_total",) not in told


def test_every_figure_stands_in_the_documentation(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    every = Now(slack=False, queues={"aws": False}, history=NOW, behind=timedelta(seconds=3), problems=1)
    with State(tmp_path / "state.db") as state:
        text = Metrics(state.read, lambda: NOW, lambda: every, [state.path])().decode()
    names = {family.name for family in text_string_to_metric_families(text) if family.name.startswith("triage_")}
    told = set(re.findall(r"`(triage_\w+?)(?:_total)?(?:\{|`)", page))
    assert told - names == set()
    assert names - told == set()


def test_durations_are_counted_as_prometheus_wants_them() -> None:
    took = Durations("a", "b", (1.0, 5.0))
    assert took.buckets() == ([("1.0", 0.0), ("5.0", 0.0), ("+Inf", 0.0)], 0.0)
    for seconds in (0.5, 1.0, 2.0, 9.0):
        took.add(seconds)
    assert took.buckets() == ([("1.0", 2.0), ("5.0", 3.0), ("+Inf", 4.0)], 12.5)


def test_a_tally_tells_what_was_added() -> None:
    tally = Tally("a", "b", ("c",))
    tally.add("x")
    tally.add("x", count=2)
    assert list(tally.items()) == [(("x",), 3)]
    assert len({each.name for each in (*counts.EVERY_TALLY, *counts.EVERY_DURATION)}) == 6


# ------------------------------------------------------------------------------------------------ readiness


class Silent:
    def alive(self) -> bool:
        return False

    def why(self) -> str:
        return ": Slack answers 503"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.db") as opened:
        yield opened


def health(state: State, *, queue: str | None = None, trail: str | None = None, socket: bool = False) -> Health:
    asked = AlertQueue("aws", None, None, None, lambda: NOW)  # type: ignore[arg-type]
    asked.problem = queue
    following = Following(problem=trail, queue_age=timedelta(seconds=5))
    return Health(
        state,
        lambda: NOW,
        socket=Silent() if socket else None,
        queues=[asked],
        following=lambda: following,
        history=None,
    )


def test_nothing_is_wrong_with_a_bot_that_works(state: State) -> None:
    assert health(state).problems() == []
    now = health(state).now()
    assert (now.slack, dict(now.queues), now.behind, now.problems) == (
        None,
        {"aws": True, "trail": True},
        timedelta(seconds=5),
        0,
    )


def test_each_thing_that_keeps_it_from_working_is_a_sentence(state: State) -> None:
    ill = health(state, queue="SQS answers AccessDenied", trail="no such queue", socket=True)
    ill.listening = lambda: False
    state.write(lambda db: jobs.add(db, "triage", {}, NOW - timedelta(minutes=9), pool="triage"))
    state.write(lambda db: jobs.add(db, "digest", {}, NOW - timedelta(minutes=9), pool="upkeep"))
    assert ill.problems() == [
        "Slack's socket is not connected: Slack answers 503",
        "The port for alerts and Slack takes nothing: the bot is starting or ending",
        "No alerts are taken from the queue of aws: SQS answers AccessDenied",
        "The history does not follow the trail: no such queue",
        "1 jobs of triage wait, the oldest for 9 minutes: more comes in than can be done",
    ]
    assert dict(ill.now().queues) == {"aws": False, "trail": False}


def test_a_disk_that_takes_nothing_is_found_by_writing(state: State) -> None:
    well = health(state)
    state.write(lambda db: db.execute("PRAGMA query_only = ON"))
    (problem,) = well.problems()
    assert "could not be written" in problem
