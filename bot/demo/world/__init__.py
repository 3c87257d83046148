"""The demo's organisation and the theft in it, made by code from a seed and a moment.

Nothing in it happened: the organisation, its people, keys and records are made. The addresses lie in ranges of the
kinds the story needs (a hosting provider, home connections, rented servers), because what a look-up says of them is
part of the story; nobody behind such an address has anything to do with it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from bot.demo.world import cast
from bot.demo.world.cast import ACCOUNT
from bot.demo.world.identifiers import make_uuid
from bot.demo.world.ordinary import home_address, ordinary
from bot.demo.world.records import Record, timestamp
from bot.demo.world.stage import DAYS, HOUR, MINUTE, KeyPair, Stage
from bot.demo.world.theft import ALERT_BEFORE_END, KALI, theft
from bot.model import rfc3339

DELIVERY_DELAY = 5 * MINUTE
"""CloudTrail delivers about five minutes late; the records younger than that at the alert are ``late``."""
_FILE_SPAN = 4 * HOUR
_README = """\
# Made records

Everything in this folder was made by `triage demo` (seed {seed}, told as of {at}). The organisation, its people, their
access keys and every CloudTrail record are invented; account {account} is a documentation account.

`cloudtrail/` is what CloudTrail had delivered when the alert in `alert.json` came in, `late/` what it delivered after.
"""


@dataclass(frozen=True, slots=True)
class Story:
    """Who is who in the theft."""

    account: str
    stolen: tuple[KeyPair, ...]
    """The seven stolen keys; the first is the lead's, the last is found through an address only."""
    other_key: KeyPair
    """The second key of the lead's owner: not stolen."""
    thief_addresses: tuple[str, ...]
    owner_addresses: tuple[str, ...]
    """Where the lead's owner works: the office's two shared addresses and home."""
    user_agent: str
    """The client that raised the alert."""
    quota_reporter: str
    """The service account that reads the SES quota every day."""
    guarded_key: KeyPair
    """The key of the service account that nobody touches alone: not stolen."""
    alert_id: str
    alert_at: datetime

    @property
    def lead(self) -> KeyPair:
        return self.stolen[0]


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a world was written."""

    cloudtrail: Path
    late: Path
    alert: Path


@dataclass(frozen=True, slots=True)
class World:
    """Story and records, oldest record first."""

    seed: int
    at: datetime
    story: Story
    entries: tuple[tuple[int, Record], ...]
    """Unix seconds and the CloudTrail record of that moment."""

    def alert(self) -> dict[str, Any]:
        """The alert as a generic webhook sends it."""
        story = self.story
        return {
            "title": "Observed Hacking Tool User agent – Kali Linux",
            "severity": "high",
            "time": rfc3339(story.alert_at),
            "id": story.alert_id,
            "access_key": story.lead.id,
            "principal": story.lead.arn,
            "source_ip": story.thief_addresses[0],
            "user_agent": story.user_agent,
            "event": "iam:ListUsers",
        }

    def write(self, folder: Path) -> Folder:
        """CloudTrail's files, those that come late, the alert and a label. Raises ``OSError`` if it cannot."""
        written = Folder(folder / "cloudtrail", folder / "late", folder / "alert.json")
        delivered = int(self.story.alert_at.timestamp()) - DELIVERY_DELAY
        _deliver([entry for entry in self.entries if entry[0] <= delivered], written.cloudtrail, self.seed)
        _deliver([entry for entry in self.entries if entry[0] > delivered], written.late, self.seed)
        written.alert.write_text(json.dumps(self.alert(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        label = _README.format(seed=self.seed, at=rfc3339(self.at), account=ACCOUNT)
        (folder / "README.md").write_text(label, encoding="utf-8")
        return written


def make_world(seed: int, at: datetime, days: int = DAYS) -> World:
    """The organisation's ``days`` days up to ``at`` (aware). The same seed, moment and days make the same bytes."""
    at = at.astimezone(UTC).replace(microsecond=0)
    stage = Stage(seed, int(at.timestamp()), days)
    entries = sorted((*ordinary(stage), *theft(stage)), key=_by_time_and_id)
    return World(seed, at, tell_story(seed, at), tuple(entries))


def tell_story(seed: int, at: datetime) -> Story:
    """The facts of the theft alone, without making a record."""
    stage = Stage(seed, int(at.timestamp()))
    lead = cast.STOLEN_USERS[0]
    return Story(
        account=ACCOUNT,
        stolen=tuple(stage.key(user) for user in cast.STOLEN_USERS),
        other_key=stage.key(lead, "second"),
        thief_addresses=cast.THIEF_ADDRESSES,
        owner_addresses=(*cast.OFFICE, home_address(stage, lead)),
        user_agent=KALI,
        quota_reporter=cast.QUOTA_REPORTER,
        guarded_key=stage.key(cast.GUARDED),
        alert_id=make_uuid(stage.rng("alert")),
        alert_at=datetime.fromtimestamp(stage.at - ALERT_BEFORE_END, UTC),
    )


def _by_time_and_id(entry: tuple[int, Record]) -> tuple[int, str]:
    return entry[0], entry[1]["eventID"]


def _deliver(entries: list[tuple[int, Record]], folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for region, block, records in _files(entries):
        minute = timestamp(block + _FILE_SPAN)[:16].replace("-", "").replace(":", "")
        name = f"{ACCOUNT}_CloudTrail_{region}_{minute}Z_made{seed}{folder.name}"
        path = folder / "AWSLogs" / ACCOUNT / "CloudTrail" / region / timestamp(block)[:10].replace("-", "/")
        path.mkdir(parents=True, exist_ok=True)
        content = msgspec.json.encode({"Records": records})
        (path / f"{name}.json.gz").write_bytes(gzip.compress(content, compresslevel=1, mtime=0))


def _files(entries: list[tuple[int, Record]]) -> Iterator[tuple[str, int, list[Record]]]:
    def place(entry: tuple[int, Record]) -> tuple[str, int]:
        return entry[1]["awsRegion"], entry[0] - entry[0] % _FILE_SPAN

    for (region, block), group in groupby(sorted(entries, key=place), key=place):
        yield region, block, [record for _, record in group]
