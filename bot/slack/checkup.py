"""Could the bot do its work in Slack? Asked live, without posting anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack.client import FAULTS
from bot.slack.troubles import REINSTALL, REMEDIES

SCOPES = frozenset(
    {
        *("app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "groups:history"),
        *("groups:read", "usergroups:read", "users:read"),
    }
)
"""What the bot cannot do its work without; the manifest asks for more, for what can be switched off."""


_SCOPE = re.compile(r"^ {6}- ([a-z_.:]+)", re.MULTILINE)
MOST_PAGES = 10
"""Of 1,000 channels each."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at; ``problem`` is a sentence, empty if it is well. ``note``: what else is to know."""

    what: str
    problem: str = ""
    note: str = ""

    def line(self) -> str:
        return f"{self.what}: {self.problem or self.note or 'works'}"

    def document(self) -> dict[str, str | None]:
        return {"what": self.what, "problem": self.problem or None, "note": self.note or None}


def check(client: WebClient, channels: Sequence[str], app_token: str | None = None) -> tuple[Looked, ...]:
    """The token, its scopes, the app token (Socket Mode only), and each of ``channels`` by its id."""
    return tuple(_looked(client, channels, app_token))


def manifest() -> str:
    """The manifest of the Slack app, as it is shipped."""
    return resources.files("bot.slack").joinpath("manifest.yaml").read_text(encoding="utf-8")


def wanted() -> frozenset[str]:
    """Every scope of a bot that the manifest asks for."""
    return frozenset(_SCOPE.findall(manifest().partition("scopes:")[2].partition("settings:")[0]))


def whereabouts(client: WebClient) -> tuple[str, list[tuple[str, str]]]:
    """The workspace, and id and name of each channel the bot is in.

    Raises ``bot.slack.client.FAULTS``, ``KeyError``.
    """
    team, channels, cursor = str(client.auth_test()["team_id"]), [], ""
    for _ in range(MOST_PAGES):
        answer = client.conversations_list(
            types="public_channel,private_channel", exclude_archived=True, limit=1000, cursor=cursor or None
        )
        channels += [(str(each["id"]), str(each["name"])) for each in answer["channels"] if each.get("is_member")]
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return team, channels


def _looked(client: WebClient, channels: Sequence[str], app_token: str | None) -> Iterator[Looked]:
    try:
        answer = client.auth_test()
    except FAULTS as error:
        yield Looked("the bot's token", _why(error))
        return
    yield Looked(f"the bot's token, for {answer.get('team')}")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    missing, less = SCOPES - granted, wanted() - granted
    yield Looked(
        "its scopes",
        f"the app lacks {', '.join(sorted(missing))}: {REINSTALL}" if missing else "",
        f"works, without {', '.join(sorted(less))} of the manifest: {REINSTALL} to have what they are for"
        if less
        else "",
    )
    if app_token is not None:
        yield _app_token(client, app_token)
    for channel in channels:
        yield _channel(client, channel)


def _app_token(client: WebClient, app_token: str) -> Looked:
    try:
        client.apps_connections_open(app_token=app_token)
    except FAULTS as error:
        return Looked("the app's token", f"{_word(error)}: make one with connections:write and set SLACK_APP_TOKEN")
    return Looked("the app's token")


def _channel(client: WebClient, channel: str) -> Looked:
    what = f"channel {channel}"
    try:
        said: dict[str, Any] = client.conversations_info(channel=channel)["channel"]
    except FAULTS as error:
        return Looked(what, _why(error))
    if said.get("is_archived"):
        return Looked(what, REMEDIES["is_archived"])
    return Looked(what, "" if said.get("is_member") else REMEDIES["not_in_channel"])


def _why(error: Exception) -> str:
    word = _word(error)
    return REMEDIES.get(word, f"Slack could not be asked ({word}): is slack.com reachable from here?")


def _word(error: Exception) -> str:
    said = error.response.get("error") if isinstance(error, SlackApiError) else None
    return said if isinstance(said, str) else type(error).__name__
