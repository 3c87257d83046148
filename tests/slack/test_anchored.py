"""The audit record's head is read back from where it was shown, which whoever holds the state file cannot rewrite."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import anchors, audit
from bot.anchors import Anchor
from bot.database import Database
from bot.demo.slack import SOC, LocalSlack
from bot.model import Actor
from bot.slack.anchored import NotRead, shown_anchors
from bot.slack.client import web_client
from bot.slack.details import anchored
from bot.slack.elements import message
from bot.slack.post import Sender
from bot.store import outbox
from bot.store.state import State
from tests.slack.conftest import Clock
from tests.test_cli import DONE, REFUSED, Triage, triage

__all__ = ("triage",)

ANA = Actor("slack:T0MADE:U0ANA", "Ana")
AT = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)


def shown(state: State, slack: LocalSlack, clock: Clock) -> Anchor:
    """An entry, and the thread of case 7 that shows it."""
    client = web_client(slack.bot_token, slack.api_url)
    state.write(lambda db: audit.append(db, actor=ANA, operation="approve", target="a key", result="approved", at=AT))
    head = Anchor(*audit.head(state.read()))
    state.write(lambda db: outbox.show(db, "case:7:card", SOC, message("a card").payload(), clock()))
    state.write(lambda db: outbox.show(db, "case:7:audit", SOC, anchored(head).payload(), clock(), under="case:7:card"))
    sender = Sender(state, client, clock)
    while sender.send_next():
        clock.move(1)
    return head


def test_what_a_thread_shows_is_read_back(state: State, slack: LocalSlack, clock: Clock) -> None:
    head = shown(state, slack, clock)
    found, missing = shown_anchors(web_client(slack.bot_token, slack.api_url), state.read())
    assert (found, missing) == ((Anchor(head.entry, head.hash, "the thread of case #7"),), ())
    assert anchors.compare(audit.entries(state.read()), found) == []


def test_on_the_command_line_a_record_that_was_written_anew_is_found(
    state: State, slack: LocalSlack, clock: Clock, triage: Triage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown(state, slack, clock)
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
    monkeypatch.setenv("SLACK_API_URL", slack.api_url)
    whole = triage("audit", "verify", "--slack")
    assert (whole.code, whole.out) == (DONE, "1 entries, compared with 1 heads in threads: whole.\n")
    state.write(_write_anew)
    forged = triage("audit", "verify", "--slack")
    assert (forged.code, triage("audit", "verify").code) == (REFUSED, DONE)
    assert "The thread of case #7 shows another entry 1 than the record has: it was rewritten." in forged.err


def _write_anew(db: Database) -> None:
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute("DELETE FROM audit")
    db.execute("UPDATE audit_head SET entries = 0, hash = ?", [audit.GENESIS])
    audit.append(db, actor=ANA, operation="approve", target="another key", result="approved", at=AT)


def test_an_entry_that_was_removed_from_its_thread_is_said(state: State, slack: LocalSlack, clock: Clock) -> None:
    shown(state, slack, clock)
    client = web_client(slack.bot_token, slack.api_url)
    place = outbox.posted(state.read(), "case:7:audit")
    assert place is not None
    client.chat_update(channel=place.channel, ts=place.ts, text="nothing to see here")
    found, missing = shown_anchors(client, state.read())
    assert (found, missing) == ((), ("The thread of case #7 no longer shows an audit entry: somebody removed it.",))


def test_slack_that_does_not_answer_is_a_sentence(state: State, slack: LocalSlack, clock: Clock) -> None:
    shown(state, slack, clock)
    with pytest.raises(NotRead, match="Slack does not show the thread in C"):
        shown_anchors(web_client("xoxb-wrong", slack.api_url), state.read())
    with pytest.raises(NotRead, match="Slack could not be reached"):
        shown_anchors(web_client(slack.bot_token, "http://127.0.0.1:9/api/"), state.read())
