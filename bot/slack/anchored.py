"""Reads the audit record's heads back from the threads they were shown in: what Slack has cannot be rewritten here."""

from __future__ import annotations

import json
from collections.abc import Iterator

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.anchors import Anchor, read_anchor
from bot.database import Database
from bot.plain import clean
from bot.slack.client import FAULTS

PAGE, PAGES = 200, 50


class NotRead(Exception):
    """Slack could not be asked; the text is a sentence."""


def shown_anchors(client: WebClient, db: Database) -> tuple[tuple[Anchor, ...], tuple[str, ...]]:
    """The heads that threads show now, and a sentence for each that is gone or changed. Raises :class:`NotRead`."""
    found, missing = [], []
    for slot, channel, ts, root in _places(db):
        where = f"the thread of case #{slot.split(':')[1]}"
        anchor = read_anchor(_text(client, channel, root, ts) or "", where)
        if anchor is None:
            missing.append(f"{where[:1].upper()}{where[1:]} no longer shows an audit entry: somebody removed it.")
        else:
            found.append(anchor)
    return tuple(found), tuple(missing)


def _places(db: Database) -> Iterator[tuple[str, str, str, str]]:
    """Where heads were posted: slot, channel, time stamp, and that of the message whose thread it is."""
    for slot, channel, ts in db.execute("SELECT slot, channel, ts FROM messages WHERE slot LIKE 'case:%:audit%'"):
        row = db.execute("SELECT payload FROM outbox WHERE slot = ? ORDER BY id DESC LIMIT 1", [slot]).fetchone()
        under = json.loads(row[0]).get("under") if row else None
        root = db.execute("SELECT ts FROM messages WHERE slot = ?", [under]).fetchone()
        yield slot, channel, ts, root[0] if root else ts


def _text(client: WebClient, channel: str, root: str, ts: str) -> str | None:
    cursor = ""
    for _ in range(PAGES):
        try:
            page = client.conversations_replies(channel=channel, ts=root, cursor=cursor, limit=PAGE)
        except SlackApiError as error:
            code = clean(str(error.response.get("error", "an error")), 100)
            if code in {"thread_not_found", "message_not_found"}:
                return None
            raise NotRead(f"Slack does not show the thread in {channel}: {code}.") from error
        except FAULTS as error:
            raise NotRead(f"Slack could not be reached: {type(error).__name__}.") from error
        for message in page.get("messages") or []:
            if message.get("ts") == ts:
                return str(message.get("text") or "")
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return None
    return None
