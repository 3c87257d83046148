"""What Slack refuses until somebody mends it: said where people look, and kept until it works.

A channel that was archived, a bot that was removed, a token that was revoked: the messages stay in the outbox. What is
wrong and what to do stands in `/readyz`, in `triage doctor --slack` and, where another channel is named for that, in
Slack itself. Every function that takes a ``Database`` runs inside a caller's transaction, or only reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from bot.database import Database
from bot.model import rfc3339
from bot.slack.elements import Message, message, paragraph
from bot.store import outbox
from bot.store.outbox import Trouble

REINSTALL = "install the app again with deploy/slack-manifest.yaml"
TOKEN = f"Slack does not accept the bot's token: {REINSTALL} and set SLACK_BOT_TOKEN anew"
REMEDIES = {
    **dict.fromkeys(
        ("is_archived", "is_inactive"), "the channel is archived: unarchive it, or name another in config.toml"
    ),
    "not_in_channel": "the bot is not in the channel: type `/invite @Triage` there",
    "channel_not_found": "there is no such channel, or it is private and without the bot: check its id, invite the bot",
    "missing_scope": f"the app lacks a scope: {REINSTALL}",
    "restricted_action": "an administrator of Slack restricts who may post there",
    "team_access_not_granted": "the app may not act in that workspace: an administrator grants it",
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "ekm_access_denied"), TOKEN
    ),
}
"""What Slack says when waiting does not help, and what does."""


def sentence(trouble: Trouble) -> str:
    """What is wrong in one channel, what waits for it, what to do."""
    waits = f"{trouble.waiting} message{'s' if trouble.waiting > 1 else ''} wait{'' if trouble.waiting > 1 else 's'}"
    why = REMEDIES[trouble.error]
    return f"Slack takes nothing for {trouble.lane} ({trouble.error}): {why}. {waits}, none is lost"


def sentences(db: Database) -> list[str]:
    """One for each channel that takes nothing until somebody mends it."""
    return [sentence(each) for each in outbox.troubles(db) if each.error in REMEDIES]


def tell(db: Database, lane: str, fallback: str, now: datetime) -> None:
    """Have the channel ``fallback`` say what is wrong with ``lane``, and which cases wait, if that is not said yet."""
    trouble = next((each for each in outbox.troubles(db) if each.lane == lane and each.error in REMEDIES), None)
    if trouble is None or not fallback or fallback == lane:
        return
    slot = _slot(db, lane) or f"trouble:{lane}:{rfc3339(now)}"
    outbox.show(db, slot, fallback, _told(trouble, outbox.cases_waiting(db, lane)).payload(), now, urgency=outbox.LOUD)


def relieve(db: Database, lane: str, now: datetime) -> None:
    """Say that ``lane`` takes messages again, where it was said that it does not."""
    slot = _slot(db, lane)
    if slot is None:
        return
    fallback = outbox.channel_of(db, slot)
    outbox.show(db, slot, fallback, _works(lane).payload(), now, urgency=outbox.LOUD)


def _slot(db: Database, lane: str) -> str | None:
    """Where the present trouble of ``lane`` is told; ``None`` if there is none, or it is over."""
    slot = f"trouble:{lane}:"
    found = db.execute(
        "SELECT slot, payload FROM outbox WHERE slot >= ? AND slot < ? ORDER BY id DESC LIMIT 1",
        [slot, slot[:-1] + ";"],
    ).fetchone()
    over = found and json.loads(found[1])["message"] == json.loads(json.dumps(_works(lane).payload()))
    return str(found[0]) if found and not over else None


def _told(trouble: Trouble, cases: list[int]) -> Message:
    return message(sentence(trouble), *(paragraph(each) for each in (f"{sentence(trouble)}.", *_waiting(cases))))


def _waiting(cases: list[int]) -> Iterator[str]:
    if cases:
        named = ", ".join(f"#{case}" for case in cases[:10])
        more = f" and {len(cases) - 10} more" if len(cases) > 10 else ""
        yield f"Cases that wait, the most urgent first: {named}{more}. /triage case {cases[0]} shows one."


def _works(lane: str) -> Message:
    said = f"Slack takes messages for {lane} again; what waited is being sent."
    return message(said, paragraph(said))
