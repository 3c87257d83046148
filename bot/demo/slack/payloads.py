"""What Slack sends the app: the payloads of commands, clicks, shortcuts, view submissions and events.

Their shapes are those of https://docs.slack.dev/reference/interaction-payloads and
https://docs.slack.dev/reference/events.
"""

from __future__ import annotations

from bot.demo.slack import workspace
from bot.demo.slack.workspace import Channel, Json, Person, Workspace, snapshot

VERIFICATION_TOKEN = "local-stand-in"  # noqa: S105 - Slack's deprecated field; it proves nothing and is secret to nobody


def _common(person: Person) -> Json:
    return {
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": person.team_id},
        "api_app_id": workspace.APP_ID,
        "token": VERIFICATION_TOKEN,
        "team": {"id": workspace.TEAM_ID, "domain": workspace.TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def command(space: Workspace, person: Person, channel: Channel, name: str, text: str, origin: str) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.TEAM_ID,
        "team_domain": workspace.TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": workspace.APP_ID,
        "is_enterprise_install": "false",
        "response_url": origin + space.new_response_url(person.id, channel.id),
        "trigger_id": space.new_trigger(person.id),
    }


def message_click(
    space: Workspace, person: Person, channel: Channel, message: Json, action: Json, state: Json, origin: str
) -> Json:
    """``block_actions`` on a message; one only its reader sees is not repeated in the payload."""
    ephemeral = bool(message.get("is_ephemeral"))
    container: Json = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if "thread_ts" in message:
        container["thread_ts"] = message["thread_ts"]
    payload = {
        "type": "block_actions",
        **_common(person),
        "container": container,
        "trigger_id": space.new_trigger(person.id),
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": state},
        "response_url": origin + space.new_response_url(person.id, channel.id, message),
        "actions": [action | {"action_ts": space.next_ts()}],
    }
    return payload if ephemeral else payload | {"message": snapshot(message)}


def view_click(space: Workspace, person: Person, view: Json, action: Json) -> Json:
    return {
        "type": "block_actions",
        **_common(person),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": space.new_trigger(person.id),
        "view": snapshot(view),
        "actions": [action | {"action_ts": space.next_ts()}],
    }


def view_submission(space: Workspace, person: Person, view: Json) -> Json:
    trigger = space.new_trigger(person.id)
    return {
        "type": "view_submission",
        **_common(person),
        "trigger_id": trigger,
        "view": snapshot(view),
        "response_urls": [],
    }


def view_closed(person: Person, view: Json, *, cleared: bool) -> Json:
    return {"type": "view_closed", **_common(person), "view": snapshot(view), "is_cleared": cleared}


def message_shortcut(
    space: Workspace, person: Person, channel: Channel, message: Json, callback_id: str, origin: str
) -> Json:
    return {
        "type": "message_action",
        **_common(person),
        "callback_id": callback_id,
        "trigger_id": space.new_trigger(person.id),
        "action_ts": space.next_ts(),
        "message_ts": message["ts"],
        "channel": {"id": channel.id, "name": channel.name},
        "message": snapshot(message),
        "response_url": origin + space.new_response_url(person.id, channel.id, thread_ts=message.get("thread_ts")),
    }


def event(space: Workspace, inner: Json) -> Json:
    """``event_callback`` around an event of the Events API."""
    authorization = {
        "enterprise_id": None,
        "team_id": workspace.TEAM_ID,
        "user_id": workspace.BOT_USER,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.TEAM_ID,
        "context_team_id": workspace.TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": workspace.APP_ID,
        "event": inner,
        "type": "event_callback",
        "event_id": space.new_id("Ev"),
        "event_time": int(space.clock()),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{space.new_id('')}",
    }


def app_mention(message: Json, channel: Channel) -> Json:
    inner = {
        "type": "app_mention",
        "user": message["user"],
        "text": message["text"],
        "ts": message["ts"],
        "team": workspace.TEAM_ID,
        "channel": channel.id,
        "event_ts": message["ts"],
    }
    return inner | ({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {})


def app_home_opened(space: Workspace, person: Person) -> Json:
    ts = space.next_ts()
    inner: Json = {"type": "app_home_opened", "user": person.id, "channel": "D0LOCAL001", "tab": "home", "event_ts": ts}
    view = space.homes.get(person.id)
    return inner | ({"view": snapshot(view)} if view else {})
