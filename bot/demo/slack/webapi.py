"""The Web API methods: what each asks for, refuses and answers, by name.

Error codes and limits are those of https://docs.slack.dev/reference/methods; where Slack is lenient (it cuts long
text silently), this server refuses, so that nothing is lost unseen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.demo.slack import blockkit, workspace
from bot.demo.slack.workspace import Channel, Json, SlackError, Workspace, snapshot, with_ids

TEXT_CHARACTERS = 4000
METADATA_BYTES = 8000
Call = Callable[[Workspace, Json], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method: called with the bot token: its function and the scope the token needs."""

    call: Call
    scope: str | None = None


def arguments(form: Mapping[str, Any]) -> Json:
    """Arguments as a method wants them: form values that hold JSON are read, as Slack does."""
    read: Json = {}
    for name, value in form.items():
        if name in {"blocks", "metadata", "view", "attachments", "files"} and isinstance(value, str):
            read[name] = _from_json(name, value)
        else:
            read[name] = value
    return read


def _from_json(name: str, value: str) -> Any:
    if not value:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        code = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}.get(name, "invalid_arguments")
        raise SlackError(code) from None


def needed(args: Json, name: str, code: str = "invalid_arguments") -> str:
    value = args.get(name)
    if not isinstance(value, str) or not value:
        raise SlackError(code, response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})
    return value


def flag(args: Json, name: str) -> bool:
    return args.get(name) in (True, 1, "1", "true")


# ------------------------------------------------------------------------------------------- messages


def content(args: Json) -> Json:
    """The checked text, blocks and metadata of a message to be kept. Raises Slack's own refusals."""
    text, blocks = args.get("text") or "", args.get("blocks") or []
    if not isinstance(text, str):
        raise SlackError("invalid_arguments")
    if not text and not blocks and not args.get("attachments"):
        raise SlackError("no_text")
    if len(text) > TEXT_CHARACTERS:
        raise SlackError("msg_too_long")
    kept: Json = {"text": text}
    if blocks:
        kept["blocks"] = checked_blocks(blocks)
    if args.get("attachments"):
        kept["attachments"] = args["attachments"]
    return kept


def checked_blocks(blocks: Any) -> list[Json]:
    problems = blockkit.message_problems(blocks)
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError("invalid_blocks", errors=problems, response_metadata={"messages": messages})
    if blockkit.characters(blocks) > blockkit.MESSAGE_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return with_ids(blocks)


def metadata(args: Json) -> Json | None:
    """The ``event_type`` and ``event_payload`` an app attaches to a message."""
    given = args.get("metadata")
    if given is None:
        return None
    if given == {}:
        return {}
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(given).encode()) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return given


def post_message(space: Workspace, args: Json) -> Json:
    channel = space.joined(needed(args, "channel", "channel_not_found"))
    if channel.archived:
        raise SlackError("is_archived")
    body = content(args)
    attached = metadata(args)
    if attached:
        body["metadata"] = attached
    thread_ts = args.get("thread_ts") or None
    if thread_ts is not None:
        parent = parent_of(space, channel, thread_ts)
        thread_ts = parent["ts"]
        if flag(args, "reply_broadcast"):
            body["subtype"] = "thread_broadcast"
    message = space.add_message(channel, workspace.BOT_USER, body, thread_ts)
    return {"channel": channel.id, "ts": message["ts"], "message": snapshot(message)}


def parent_of(space: Workspace, channel: Channel, thread_ts: Any) -> Json:
    if not isinstance(thread_ts, str):
        raise SlackError("invalid_arguments")
    try:
        found = space.message(channel, thread_ts)
        return space.message(channel, found.get("thread_ts", thread_ts))
    except SlackError:
        raise SlackError("thread_not_found") from None


def _own(space: Workspace, args: Json, refusal: str) -> tuple[Channel, Json]:
    channel = space.channel(needed(args, "channel", "channel_not_found"))
    message = space.message(channel, needed(args, "ts", "message_not_found"))
    if message.get("bot_id") != workspace.BOT_ID:
        raise SlackError(refusal)
    return channel, message


def update(space: Workspace, args: Json) -> Json:
    channel, message = _own(space, args, "cant_update_message")
    if channel.archived:
        raise SlackError("is_inactive")
    body = content(args)
    attached = metadata(args)
    for name in ("text", "blocks", "attachments"):
        message.pop(name, None)
    message.update(body)
    if attached is not None:
        message["metadata"] = attached
    message["edited"] = {"user": workspace.BOT_USER, "ts": space.next_ts()}
    space.touch()
    return {"channel": channel.id, "ts": message["ts"], "text": body["text"], "message": snapshot(message)}


def delete(space: Workspace, args: Json) -> Json:
    channel, message = _own(space, args, "cant_delete_message")
    space.delete(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def post_ephemeral(space: Workspace, args: Json) -> Json:
    channel = space.joined(needed(args, "channel", "channel_not_found"))
    user = needed(args, "user", "user_not_in_channel")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    thread_ts = args.get("thread_ts")
    message = space.add_ephemeral(channel.id, user, content(args), thread_ts)
    return {"message_ts": message["ts"]}


def permalink(space: Workspace, args: Json) -> Json:
    channel = space.channel(needed(args, "channel", "channel_not_found"))
    message = space.message(channel, needed(args, "message_ts", "message_not_found"))
    path = f"archives/{channel.id}/p{message['ts'].replace('.', '')}"
    return {"channel": channel.id, "permalink": f"https://{workspace.TEAM_DOMAIN}.slack.com/{path}"}


# ------------------------------------------------------------------------------------------- reading


def _shown(messages: list[Json], args: Json) -> list[Json]:
    """Copies of messages, with metadata only where it was asked for."""
    shown = snapshot(messages)
    for message in shown:
        if not flag(args, "include_all_metadata"):
            message.pop("metadata", None)
    return list(shown)


def _between(messages: list[Json], args: Json) -> list[Json]:
    oldest, latest = str(args.get("oldest") or "0"), str(args.get("latest") or "9" * 12)
    inclusive = flag(args, "inclusive")

    def inside(ts: str) -> bool:
        at, low, high = _seconds(ts), _seconds(oldest), _seconds(latest)
        return low <= at <= high if inclusive else low < at < high

    return [message for message in messages if inside(message["ts"])]


def _seconds(ts: str) -> int:
    """A ``ts`` in microseconds. Raises ``invalid_ts_latest`` for anything else."""
    whole, _, part = ts.partition(".")
    try:
        return int(whole) * 1_000_000 + int((part + "000000")[:6])
    except ValueError:
        raise SlackError("invalid_ts_latest") from None


def _page(items: list[Any], args: Json, default: int) -> tuple[list[Any], str]:
    """One page of ``items`` and the cursor of the next one, empty at the end."""
    try:
        limit, start = int(args.get("limit") or default), int(args.get("cursor") or 0)
    except (TypeError, ValueError):
        raise SlackError("invalid_cursor") from None
    if not 1 <= limit <= 1000:
        raise SlackError("invalid_limit")
    rest = start + limit < len(items)
    return items[start : start + limit], str(start + limit) if rest else ""


def _paged(name: str, items: list[Any], args: Json, default: int = 100) -> Json:
    page, cursor = _page(items, args, default)
    return {name: page, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def history(space: Workspace, args: Json) -> Json:
    channel = space.joined(needed(args, "channel", "channel_not_found"))
    top = [one for one in channel.messages if one.get("thread_ts", one["ts"]) == one["ts"] or "subtype" in one]
    return _paged("messages", _shown(_between(top, args), args)[::-1], args)


def replies(space: Workspace, args: Json) -> Json:
    channel = space.joined(needed(args, "channel", "channel_not_found"))
    parent = parent_of(space, channel, needed(args, "ts", "thread_not_found"))
    below = [one for one in channel.messages if one.get("thread_ts") == parent["ts"] and one is not parent]
    return _paged("messages", _shown([parent, *_between(below, args)], args), args, 1000)


def conversation(space: Workspace, args: Json) -> Json:
    return {"channel": space.channel(needed(args, "channel", "channel_not_found")).as_json()}


def conversations(space: Workspace, args: Json) -> Json:
    types = str(args.get("types") or "public_channel").split(",")
    listed = [channel.as_json() for channel in space.channels.values() if _is_listed(channel, types)]
    return _paged("channels", listed, args)


def _is_listed(channel: Channel, types: list[str]) -> bool:
    """An app sees every public channel, and of the others those it is in."""
    kind = "im" if channel.direct else "private_channel" if channel.private else "public_channel"
    return kind in types and (kind == "public_channel" or workspace.BOT_USER in channel.members)


def members(space: Workspace, args: Json) -> Json:
    channel = space.channel(needed(args, "channel", "channel_not_found"))
    return _paged("members", sorted(channel.members), args)


def user(space: Workspace, args: Json) -> Json:
    return {"user": space.person(needed(args, "user", "user_not_found")).as_json()}


def users(space: Workspace, args: Json) -> Json:
    return _paged("members", [person.as_json() for person in space.people.values()], args, 1000)


def group_members(space: Workspace, args: Json) -> Json:
    group = needed(args, "usergroup", "no_such_subteam")
    if group not in space.groups:
        raise SlackError("no_such_subteam")
    return {"users": list(space.groups[group])}


def team(space: Workspace, args: Json) -> Json:
    return {"team": {"id": workspace.TEAM_ID, "name": workspace.TEAM_NAME, "domain": workspace.TEAM_DOMAIN}}


def auth_test(space: Workspace, args: Json) -> Json:
    return {
        "url": f"https://{workspace.TEAM_DOMAIN}.slack.com/",
        "team": workspace.TEAM_NAME,
        "team_id": workspace.TEAM_ID,
        "user": "triage",
        "user_id": workspace.BOT_USER,
        "bot_id": workspace.BOT_ID,
        "is_enterprise_install": False,
    }


def bot_info(space: Workspace, args: Json) -> Json:
    if args.get("bot", workspace.BOT_ID) != workspace.BOT_ID:
        raise SlackError("bot_not_found")
    return {"bot": workspace.bot_profile() | {"user_id": workspace.BOT_USER}}


def react(space: Workspace, args: Json) -> Json:
    channel = space.joined(needed(args, "channel", "channel_not_found"))
    message = space.message(channel, needed(args, "timestamp", "no_item_specified"))
    name = needed(args, "name", "invalid_name")
    reactions = message.setdefault("reactions", [])
    if any(reaction["name"] == name for reaction in reactions):
        raise SlackError("already_reacted")
    reactions.append({"name": name, "users": [workspace.BOT_USER], "count": 1})
    space.touch()
    return {}


METHODS: dict[str, Method] = {
    "auth.test": Method(auth_test),
    "bots.info": Method(bot_info, "users:read"),
    "chat.delete": Method(delete, "chat:write"),
    "chat.getPermalink": Method(permalink),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write"),
    "chat.postMessage": Method(post_message, "chat:write"),
    "chat.update": Method(update, "chat:write"),
    "conversations.history": Method(history, "channels:history"),
    "conversations.info": Method(conversation, "channels:read"),
    "conversations.list": Method(conversations, "channels:read"),
    "conversations.members": Method(members, "channels:read"),
    "conversations.replies": Method(replies, "channels:history"),
    "reactions.add": Method(react, "reactions:write"),
    "team.info": Method(team, "team:read"),
    "usergroups.users.list": Method(group_members, "usergroups:read"),
    "users.info": Method(user, "users:read"),
    "users.list": Method(users, "users:read"),
}
