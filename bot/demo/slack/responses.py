"""``response_url``: the answer to an interaction without a token, five times in half an hour."""

from __future__ import annotations

from typing import Any

from bot.demo.slack import workspace
from bot.demo.slack.webapi import content
from bot.demo.slack.workspace import Json, ResponseUrl, SlackError, Workspace


def respond(space: Workspace, token: str, body: Any) -> None:
    """Carry out what was posted to a response URL. Raises ``SlackError`` with Slack's code."""
    if not isinstance(body, dict):
        raise SlackError("invalid_payload")
    where = space.use_response_url(token)
    if body.get("delete_original"):
        _delete_original(space, where)
    elif body.get("replace_original") and where.message_ts is not None:
        _replace_original(space, where, body)
    else:
        _new(space, where, body)
    space.touch()


def _original(space: Workspace, where: ResponseUrl) -> Json:
    if where.ephemeral:
        for message in space.ephemeral:
            if message["ts"] == where.message_ts:
                return message
        raise SlackError("message_not_found")
    return space.message(space.channel(where.channel), str(where.message_ts))


def _delete_original(space: Workspace, where: ResponseUrl) -> None:
    original = _original(space, where)
    if where.ephemeral:
        space.ephemeral.remove(original)
    else:
        space.delete(space.channel(where.channel), original["ts"])


def _replace_original(space: Workspace, where: ResponseUrl, body: Json) -> None:
    original, kept = _original(space, where), content(body)
    for name in ("text", "blocks", "attachments"):
        original.pop(name, None)
    original.update(kept)


def _new(space: Workspace, where: ResponseUrl, body: Json) -> None:
    kept, channel = content(body), space.channel(where.channel)
    thread_ts = body.get("thread_ts") or where.thread_ts
    if body.get("response_type") == "in_channel":
        space.add_message(channel, workspace.BOT_USER, kept, thread_ts)
    else:
        space.add_ephemeral(channel.id, where.user, kept, thread_ts)
