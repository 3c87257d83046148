"""Replays the incident of docs/story.md: on the local Slack's page, or without a browser and from end to end."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot import cases, text
from bot.demo.slack import ANALYST, SOC
from bot.demo.stage import Stage
from bot.document import triage_document
from bot.model import Change, ChangeState, Kind, Observable, Triage
from bot.remediation.records import changes_of

CASE = 1
REASON = "made-up theft of the demo"


@dataclass(frozen=True, slots=True)
class Played:
    """What ``once`` came to: the JSON document of the contract, and the same for a terminal."""

    document: dict[str, Any]
    text: str


def once(*, seed: int, at: datetime | None, keep: Path | None) -> Played:
    """Replay everything without waiting for anybody.

    Raises ``LocalAwsError`` or ``OSError`` if the stage cannot be set, ``TimeoutError`` if the story gets stuck.
    """
    with Stage(seed=seed, at=at, port=0, keep=keep, pace=timedelta(0)) as stage:
        stage.wait(lambda: stage.slack.connections)
        stage.send_alert()
        ts = stage.wait(lambda: stage.settled(CASE) and _ts(stage))
        stage.deliver_late_records()
        stage.slack.click(ANALYST, SOC, ts, "more", value=f"ask_again case:{CASE}")
        stage.wait(lambda: _asked_until_now(stage) and stage.settled(CASE))
        card = stage.card_as_sent(CASE)
        observed = _contain_and_undo(stage, ts)
        lead = _lead_triage(stage)
        shown = text.case_text(cases.load(stage.bot.desk.state.read(), CASE))
        return Played({**triage_document(lead), "card": card, "replay": observed}, f"{shown}\n\n{_told(observed)}")


def page(*, port: int, seed: int, at: datetime | None, keep: Path | None) -> None:
    """Replay on the page until the process is told to end; the analyst there does the rest.

    Raises what :func:`once` raises.
    """
    print("Setting the stage: an organisation, its AWS, its Slack …", file=sys.stderr)  # noqa: T201
    with Stage(seed=seed, at=at, port=port, keep=keep) as stage:
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        begin(stage)
        print(f"\n  {stage.slack.url}\n\nOpen it in a browser. Ctrl-C ends the demo.", file=sys.stderr, flush=True)  # noqa: T201
        ended.wait()


# ---------------------------------------------------------------------------------------- on the page


def begin(stage: Stage) -> None:
    """Tell the story up to the alert, and leave the rest to whoever watches the page."""
    story = stage.story
    _offer(stage)
    stage.slack.narrate(
        "Everything here is made up and stays on this machine. An organisation of about 120 people, services and "
        "roles; 30 days of its CloudTrail records are loaded."
    )
    stage.slack.narrate(f"Somebody uses {story.lead.user}'s key {story.lead.id} from {story.thief_addresses[0]}.")
    stage.slack.narrate(_told_attempt(stage))
    stage.wait(lambda: stage.slack.connections)
    stage.send_alert()
    stage.slack.narrate("A detector sends its alert; the bot answers with a card and fills it in.")
    stage.slack.narrate(f"Try: /triage key {story.stolen[1].id}")


def _offer(stage: Stage) -> None:
    stage.slack.offer("The thief calls AWS again", lambda: _told_attempt(stage))
    stage.slack.offer("CloudTrail delivers its latest records", lambda: _told_delivery(stage))
    stage.slack.offer("The owner's other key", lambda: _told_other_key(stage))


def _told_attempt(stage: Stage) -> str:
    attempt = stage.thief_calls()
    if attempt.allowed:
        return f"The thief calls {attempt.call} with the stolen key: AWS answers."
    return f"The thief calls {attempt.call} with the stolen key: refused ({attempt.error_code})."


def _told_delivery(stage: Stage) -> str:
    stage.slack.withdraw("CloudTrail delivers its latest records")
    count = stage.deliver_late_records()
    return f"CloudTrail has delivered {count} records of the last minutes. Press “Ask again” on the card."


def _told_other_key(stage: Stage) -> str:
    attempt = stage.aws.attempt(stage.story.other_key)
    ended = "AWS answers" if attempt.allowed else f"refused ({attempt.error_code})"
    return f"{stage.story.lead.user} calls {attempt.call} with the key that was not stolen: {ended}."


# ------------------------------------------------------------------------------------ without a browser


def _contain_and_undo(stage: Stage, ts: str) -> dict[str, bool]:
    """Press the card's buttons as an analyst would, and see after each what the thief's client gets."""
    disabled = _approved(stage, ts, "plan:disable_access_key", done=1)
    refused = not stage.thief_calls().allowed
    undone = _approved(stage, ts, "undo", done=2)
    return {
        "disabled": disabled,
        "refused_after": refused,
        "undone": undone,
        "works_after_undo": stage.thief_calls().allowed,
    }


def _approved(stage: Stage, ts: str, action: str, *, done: int) -> bool:
    """Press ``action``, submit its preview; whether the change it made, the ``done``-th, is confirmed."""
    stage.wait(lambda: _has_button(stage, action))
    stage.slack.click(ANALYST, SOC, ts, action)
    view = stage.wait(lambda: _preview(stage))
    stage.slack.submit_view(ANALYST, view["id"], {"reason": REASON})
    changes = stage.wait(lambda: _finished(stage, done))
    stage.wait(lambda: stage.settled(CASE))
    for opened in stage.slack.open_views(ANALYST):
        stage.slack.close_view(ANALYST, opened["id"])
    return bool(changes[-1].state is ChangeState.CONFIRMED)


def _preview(stage: Stage) -> dict[str, Any] | None:
    """The modal once it can be submitted. A refusal cannot be, and ends the wait at its limit."""
    return next((view for view in stage.slack.open_views(ANALYST) if view.get("submit")), None)


def _finished(stage: Stage, count: int) -> tuple[Change, ...] | None:
    changes = changes_of(stage.bot.desk.state.read(), CASE)
    unfinished = {ChangeState.APPROVED, ChangeState.STARTED}
    return changes if len(changes) == count and changes[-1].state not in unfinished else None


def _has_button(stage: Stage, action: str) -> bool:
    card = stage.card() or {}
    rows = (block["elements"] for block in card.get("blocks", []) if block["type"] == "actions")
    return any(element.get("action_id") == action for row in rows for element in row)


def _ts(stage: Stage) -> str | None:
    card = stage.card()
    return card["ts"] if card else None


def _asked_until_now(stage: Stage) -> bool:
    known = cases.load(stage.bot.desk.state.read(), CASE)
    return bool(known.triage and known.triage.window.until > stage.story.alert_at)


def _lead_triage(stage: Stage) -> Triage:
    investigate = stage.bot.desk.investigate
    return investigate(Observable(Kind.ACCESS_KEY, stage.story.lead.id), investigate.window(stage.at))


def _told(observed: dict[str, bool]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {'yes' if happened else 'no'}" for name, happened in observed.items())
