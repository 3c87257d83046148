"""`triage serve` is killed with SIGKILL wherever it can be; after a restart everything is done, and nothing twice."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot import audit
from bot.config.settings import Settings
from bot.demo.slack import ANALYST, SOC, LocalSlack
from tests.crash_runner import ALERT, CLICK, COMMAND, SUBMIT
from tests.remediation.cloud import SEATS, Cloud, running, seat
from tests.remediation.door import Door, opened
from tests.site import Site, history_of

KILLED = -signal.SIGKILL
PLAN = "plan:disable_access_key"
REASON = "stolen key"
NOT_KEPT = "kept, not committed"
seats = iter(range(SEATS - 1, 0, -1))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("aws")) as local:
        yield local


@pytest.fixture(scope="module")
def door(cloud: Cloud) -> Iterator[Door]:
    with opened(cloud.endpoint) as through:
        yield through


@pytest.fixture(scope="module")
def meanwhile() -> Iterator[Executor]:
    """Ends things while the next test already runs."""
    with ThreadPoolExecutor() as executor:
        yield executor


@pytest.fixture
def site(tmp_path: Path, door: Door, meanwhile: Executor) -> Iterator[Site]:
    slack = LocalSlack().start()
    made = Site(tmp_path, slack, seat(next(seats)), door.url)
    history_of(made.seat, tmp_path / "history.db").close()
    yield made
    made.close()
    meanwhile.submit(slack.stop)


def triaged_once(site: Site) -> None:
    """Everything is done and shown, and nothing of it twice."""
    site.until(lambda: site.card() and site.idle())
    card = site.card()
    assert card is not None
    assert card["text"].startswith("Case #1: ")
    assert site.rows("SELECT verdict <> '', count(*) FROM cases") == [(1, 1)]
    replies = site.replies()
    score_scope_made_and_call = 4
    assert len(replies) == len(set(replies)) == score_scope_made_and_call + len(Settings().enrichers.enabled)


@pytest.mark.parametrize("point", ALERT)
def test_an_alert_is_triaged_once_wherever_the_bot_dies(site: Site, point: str) -> None:
    alert = site.alert()
    site.start(f"alert: {point}")
    answer = site.send(alert)
    assert site.ended() == KILLED
    known = {id_ for (id_,) in site.rows("SELECT id FROM deliveries")}
    if answer is not None:
        assert answer.status_code == 202
        assert {delivery["delivery"] for delivery in answer.json()["deliveries"]} == known
    site.start()
    again = site.send(alert)
    assert again is not None
    assert again.status_code == 202
    ((first,),) = site.rows("SELECT id FROM deliveries")
    assert [delivery["duplicate_of"] for delivery in again.json()["deliveries"]] == [first if known else None]
    triaged_once(site)
    assert site.rows("SELECT state FROM deliveries") == [("triaged",)]
    assert site.rows("SELECT count(*) FROM case_alerts") == [(1,)]


# ------------------------------------------------------------------------------------------------ people


def ask(site: Site) -> None:
    site.slack.type_command(ANALYST, SOC, f"/triage key {site.seat.stolen.id}")


def opened_case(site: Site) -> str:
    """A case by command; the ts of its card."""
    site.start()
    ask(site)
    site.until(lambda: site.card() and site.idle())
    card = site.card()
    assert card is not None
    return str(card["ts"])


def press(site: Site, ts: str, action: str = PLAN) -> None:
    site.slack.click(ANALYST, SOC, ts, action)


def window(site: Site) -> dict[str, Any] | None:
    """The topmost modal, if it can be approved."""
    return next((view for view in reversed(site.slack.open_views(ANALYST)) if view.get("submit")), None)


def previewed(site: Site) -> str:
    return str(site.until(lambda: window(site))["id"])


def restarted(site: Site, point: str) -> None:
    """In place of the process that runs, one that will die at ``point``. Nobody waits long for what never comes."""
    site.close()
    site.start(point)
    site.slack.ack_seconds = 0.1


def died(site: Site) -> None:
    assert site.ended() == KILLED
    site.slack.ack_seconds = 3.0
    site.start()


def disabled_once(site: Site, door: Door) -> None:
    site.until(lambda: site.rows("SELECT 1 FROM executions WHERE state = 'confirmed'"))
    site.until(site.idle)
    assert door.changes_of(site.seat.stolen.id) == ["Inactive"]
    assert site.rows("SELECT state, reason FROM executions") == [("confirmed", REASON)]
    record = [entry for entry in audit.entries(site.database()) if entry.operation not in ("arm", "keep evidence")]
    results = [entry.result.split(":")[0] for entry in record]
    assert [result for result in results if result != "planned"] == ["approved", "started", "confirmed"]
    card = site.card()
    assert card is not None
    assert "Undo…" in str(card["blocks"])


@pytest.mark.parametrize("point", COMMAND)
def test_a_command_is_answered_once_wherever_the_bot_dies(site: Site, point: str) -> None:
    site.start(f"command: {point}")
    site.slack.ack_seconds = 0.1
    ask(site)
    died(site)
    if NOT_KEPT in point:
        assert site.slack.notices(ANALYST) == ["/triage failed with the error “operation_timeout”"]
        ask(site)
    triaged_once(site)
    answers = {message["text"] for message in site.slack.ephemeral(ANALYST)}
    assert answers == {"Case #1 opened. Its card is being updated."}
    assert site.rows("SELECT count(*) FROM case_alerts") == [(1,)]


@pytest.mark.parametrize("point", CLICK)
def test_a_click_leads_to_one_change_wherever_the_bot_dies(site: Site, door: Door, point: str) -> None:
    ts = opened_case(site)
    restarted(site, f"click: {point}")
    press(site, ts)
    died(site)
    if not site.slack.open_views(ANALYST):
        press(site, ts)
    site.slack.submit_view(ANALYST, previewed(site), {"reason": REASON})
    disabled_once(site, door)


@pytest.mark.parametrize("point", SUBMIT)
def test_an_approval_is_carried_out_once_wherever_the_bot_dies(site: Site, door: Door, point: str) -> None:
    ts = opened_case(site)
    press(site, ts)
    view = previewed(site)
    restarted(site, f"submit: {point}")
    site.slack.submit_view(ANALYST, view, {"reason": REASON})
    died(site)
    if NOT_KEPT in point:
        site.slack.submit_view(ANALYST, view, {"reason": REASON})
    disabled_once(site, door)
    assert "Nothing was changed" not in str(site.slack.open_views(ANALYST))


# --------------------------------------------------------------------------------------------- orderly ends


def test_a_second_bot_on_the_same_state_is_refused_with_a_sentence(site: Site) -> None:
    site.start()
    first, site.process = site.process, None
    beside = site.beside()
    site.process = first
    assert beside.returncode == 1
    assert beside.stdout == ""
    assert f"another `triage serve` is already running on {site.folder / 'state.db'}" in beside.stderr
    assert "Traceback" not in beside.stderr
    assert site.send(site.alert()) is not None
    triaged_once(site)


def test_a_port_that_is_taken_is_a_sentence(site: Site) -> None:
    with socket.create_server(("127.0.0.1", site.health_port)):
        refused = site.beside()
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last == f"The bot cannot listen at 127.0.0.1, port {site.health_port}: Address already in use."


def test_sigterm_ends_an_idle_bot_and_leaves_nothing_half_done(site: Site) -> None:
    site.start()
    site.send(site.alert())
    triaged_once(site)
    assert site.stop() == 0
    assert site.unfinished() == []
    assert not site.slack.connections


def test_sigterm_finishes_what_is_held_and_the_next_start_does_the_rest(site: Site) -> None:
    alert = site.alert()
    site.start()
    sent = Event()
    site.slack.fail_next("chat.postMessage", lambda _: sent.set())
    site.send(alert)
    assert sent.wait(10)
    assert site.stop() == 0
    assert site.rows("SELECT count(*) FROM outbox WHERE state = 'sending'") == [(0,)]
    assert site.rows("SELECT count(*) FROM jobs WHERE state = 'leased'") == [(0,)]
    site.start()
    triaged_once(site)
