"""Private channels and direct messages: ``conversations.create``, ``invite``, ``open``; ``users.lookupByEmail``.

Error codes are those of https://docs.slack.dev/reference/methods.
"""

from __future__ import annotations

import re

from bot.demo.slack import workspace
from bot.demo.slack.webapi import Method, flag, needed
from bot.demo.slack.workspace import Channel, Json, SlackError, Workspace

NAME = re.compile(r"[a-z0-9_-]{1,80}")
MOST_INVITED = 100


def create(space: Workspace, args: Json) -> Json:
    """A channel with the app in it and nobody else."""
    name = needed(args, "name", "invalid_name_required")
    if not NAME.fullmatch(name):
        raise SlackError("invalid_name_specials")
    if any(channel.name == name for channel in space.channels.values()):
        raise SlackError("name_taken")
    channel = Channel(space.new_id("C"), name, {workspace.BOT_USER}, private=flag(args, "is_private"))
    space.channels[channel.id] = channel
    space.touch()
    return {"channel": channel.as_json()}


def invite(space: Workspace, args: Json) -> Json:
    """Bring people in. One who cannot come fails the call, as it does in Slack without ``force``."""
    channel = space.joined(needed(args, "channel", "channel_not_found"))
    users = [user for user in needed(args, "users", "no_user").split(",") if user]
    if len(users) > MOST_INVITED:
        raise SlackError("too_many_users")
    for user in users:
        _comes(space, channel, user)
    channel.members.update(users)
    space.touch()
    return {"channel": channel.as_json()}


def _comes(space: Workspace, channel: Channel, user: str) -> None:
    person = space.person(user)
    if user == workspace.BOT_USER:
        raise SlackError("cant_invite_self")
    if user in channel.members:
        raise SlackError("already_in_channel")
    if person.deleted:
        raise SlackError("user_is_restricted")


def open_direct(space: Workspace, args: Json) -> Json:
    """The direct messages of the app with one person; the same ones each time."""
    users = needed(args, "users", "users_list_not_supplied").split(",")
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    person = space.person(users[0])
    if person.deleted:
        raise SlackError("user_disabled")
    id_ = f"D{person.id[1:]}"
    if id_ not in space.channels:
        space.channels[id_] = Channel(id_, f"@{person.name}", {person.id, workspace.BOT_USER}, direct=True)
        space.touch()
    return {"channel": {"id": id_}}


def by_email(space: Workspace, args: Json) -> Json:
    wanted = needed(args, "email", "users_not_found").lower()
    for person in space.people.values():
        if person.email and person.email.lower() == wanted and not person.deleted:
            return {"user": person.as_json()}
    raise SlackError("users_not_found")


METHODS: dict[str, Method] = {
    "conversations.create": Method(create, "groups:write"),
    "conversations.invite": Method(invite, "groups:write"),
    "conversations.open": Method(open_direct, "im:write"),
    "users.lookupByEmail": Method(by_email, "users:read.email"),
}
