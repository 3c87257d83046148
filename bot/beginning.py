"""A first configuration: what can be found out is asked of this machine, of AWS and of Slack; the rest is left open."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Aws, AwsSettings, NoWayIn
from bot.slack.checkup import manifest, whereabouts
from bot.slack.client import FAULTS, web_client

CONFIG, SECRETS, MANIFEST = "config.toml", "triage.env", "slack-manifest.yaml"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Found:
    """What is known without asking anybody who would have to type it. Empty where it could not be found out."""

    user: str
    team: str = ""
    channel: str = ""
    account: str = ""
    region: str = REGION
    notes: tuple[str, ...] = ()
    """What could not be found out, and why; what was found, and how. Sentences."""


@dataclass(frozen=True, slots=True)
class Told:
    """What only a person knows; empty where they did not say."""

    channel: str = ""
    person: str = ""
    """A Slack member id, as in ``U0123ABCD``."""


def find_out(user: str, environ: Mapping[str, str]) -> Found:
    """Ask AWS who we are there, and Slack, where its token is at hand, which workspace and channel the bot is in."""
    team, channel, slack_notes = _slack(environ)
    account, region, aws_notes = _aws(environ)
    return Found(user, team, channel, account, region, (*slack_notes, *aws_notes))


def _slack(environ: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
    token = environ.get("SLACK_BOT_TOKEN", "").strip()
    if not token:
        return "", "", ("SLACK_BOT_TOKEN is not set, so Slack was not asked for workspace and channel",)
    client = web_client(token, environ.get("SLACK_API_URL") or "https://slack.com/api/")
    try:
        team, channels = whereabouts(client)
    except (*FAULTS, KeyError) as error:
        return "", "", (f"Slack was asked and did not say ({type(error).__name__})",)
    if len(channels) == 1:
        return team, channels[0][0], (f"The bot is in one channel of {team}: {channels[0][1]}",)
    how = "in no channel yet: invite it" if not channels else f"in {len(channels)} channels: name one"
    return team, "", (f"The bot is {how}",)


def _aws(environ: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or REGION
    try:
        identity = Aws(AwsSettings(region=region), lambda: datetime.now(UTC)).identity()
    except (BotoCoreError, ClientError, NoWayIn) as error:
        return "", region, (f"AWS was asked who we are and did not say ({type(error).__name__}): [aws] is left open",)
    return identity.account, region, (f"In AWS we are {identity.arn}",)


def write(folder: Path, found: Found, told: Told) -> tuple[Path, ...]:
    """Write configuration, secrets to fill in, and Slack's manifest into ``folder``; nothing that is there is touched.

    Raises ``FileExistsError``, ``OSError``; then nothing was written.
    """
    contents = {CONFIG: configuration(found, told), SECRETS: environment(found), MANIFEST: manifest()}
    for name in contents:
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        number = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if name == SECRETS else 0o644)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
    return tuple(folder / name for name in contents)


def configuration(found: Found, told: Told) -> str:
    return "\n".join(_lines(found, told)) + "\n"


def _lines(found: Found, told: Told) -> Iterator[str]:
    channel = told.channel or found.channel
    yield "# Every key there is, with its default: config.example.toml, or docs/configuration.md."
    yield "# Secrets never stand here: triage.env has them."
    yield ""
    yield "[slack]"
    yield f"channel = {json.dumps(channel)}" + ("" if channel else "  # the id of the channel for cards: C0123ABCD")
    yield ""
    yield "[sources.siem]"
    yield 'secrets = ["env:TRIAGE_SIEM_SECRET"]'
    yield ""
    yield from _aws_lines(found)
    yield "[access]"
    person = f"slack:{found.team}:{told.person}" if found.team and told.person else ""
    if person:
        yield from (f"{right} = [{json.dumps(person)}]" for right in ("triage", "approve", "undo"))
    else:
        yield '# `/triage whoami` in Slack answers with the id that belongs here: "slack:T0123ABCD:U0123ABCD"'
        yield f"triage = [{json.dumps(f'local:{found.user}')}]"
        yield "approve = []"
        yield "undo = []"
    yield ""
    yield "[access.people]"
    yield (
        f"{json.dumps(f'local:{found.user}')} = {json.dumps(person)}"
        if person
        else (f'# {json.dumps(f"local:{found.user}")} = "slack:T0123ABCD:U0123ABCD"')
    )


def _aws_lines(found: Found) -> Iterator[str]:
    yield "[aws]"
    yield f"region = {json.dumps(found.region)}"
    mark = "" if found.account else "# "
    yield f'{mark}read_role = "arn:aws:iam::{{account}}:role/triage-read"'
    yield f'{mark}act_role = "arn:aws:iam::{{account}}:role/triage-act"'
    yield f'{mark}external_id = "env:TRIAGE_EXTERNAL_ID"'
    yield ""


def environment(found: Found) -> str:
    """The secrets: those that nobody has to know are made, those of Slack are to be filled in."""
    return (
        "# Read by `docker compose`, by systemd's EnvironmentFile, or by: set -a; . ./triage.env; set +a\n"
        "SLACK_BOT_TOKEN=\n"
        "SLACK_APP_TOKEN=\n"
        f"TRIAGE_SIEM_SECRET={secrets.token_hex(32)}\n"
        f"TRIAGE_EXTERNAL_ID={secrets.token_hex(16)}\n"
    )
