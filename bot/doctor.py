"""Could the bot do its work here? Files, disk, clock, history, Slack and AWS are asked, and nothing is changed.

Each thing that is looked at becomes one :class:`Looked`, in the order in which somebody would mend them. None of it
raises: what cannot be asked is a problem of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bot import audit
from bot.aws import Aws, NoWayIn, in_words
from bot.config import Problem
from bot.config.secret_ref import MissingSecret
from bot.config.settings import Settings
from bot.database import WAL_RESET_FIXED, damage, open_reader, safe_for_two_writers, sqlite3
from bot.disks import free_bytes, network_disk
from bot.history.queue import queue_address_of
from bot.history.sqlite import SqliteHistory
from bot.hunts.seeing import blind_spots
from bot.ipdata.held import held
from bot.ipdata.telling import age_days
from bot.model import HistoryUnavailableError
from bot.outside import aws_of
from bot.slack import checkup, troubles
from bot.slack.checkup import Looked
from bot.slack.client import FAULTS, web_client
from bot.store import spoilt
from bot.store.upgrading import NewerState, is_behind
from bot.trail import followed_queue

ROOM = 1_000_000_000
"""Bytes that should be free: a day of a busy trail, a storm of alerts."""
SKEW = timedelta(seconds=30)
"""A clock that is further off gets worse; AWS and Slack refuse what is 5 minutes off."""
OLD_LISTS = 180
"""Days after which the lists of addresses tell of another internet."""

Clock = Callable[[], datetime]
AwsError = (BotoCoreError, ClientError, NoWayIn)


def examine(
    settings: Settings, environ: Mapping[str, str], clock: Clock, history: Path, configured: Sequence[Problem] = ()
) -> Iterator[Looked]:
    """Everything that can be looked at; ``configured`` is what ``triage check`` says."""
    yield from _configuration(configured)
    yield from _state(settings.store.path)
    yield from _disk(settings, history)
    if settings.history.kind == "sqlite":
        yield from _history(history, clock())
    yield _lists(settings, clock())
    yield from _slack(settings, environ, clock)
    yield from _aws(settings, environ, clock)


def _configuration(problems: Sequence[Problem]) -> Iterator[Looked]:
    for each in problems:
        place = f"the configuration, {each.key or each.file}"
        wrong = each.severity == "error"
        yield Looked(place, each.sentence if wrong else "", "" if wrong else f"a warning: it {each.sentence}")
    if not problems:
        yield Looked("the configuration")


# ------------------------------------------------------------------------------------------------- files


def _state(path: Path) -> Iterator[Looked]:
    what = f"the state file {path}"
    if not path.exists():
        yield Looked(what, note="is not there yet; `triage serve` makes it")
        return
    try:
        with closing(open_reader(path)) as db:
            yield _whole(what, damage(db), behind=is_behind(db))
            wrong = audit.verify(db)
            why = f"{wrong[0]} Look at it with `triage audit verify`" if wrong else ""
            yield Looked("the record of who did what", why, f"whole, {audit.head(db)[0]} entries" if not wrong else "")
            for trouble in troubles.sentences(db):
                yield Looked("what waits for Slack", trouble)
    except NewerState as error:
        yield Looked(what, str(error))
    except sqlite3.Error as error:
        yield Looked(what, f"cannot be read: {error}. Restore a backup: `triage restore`")
    for sentence in spoilt.sentences(path):
        yield Looked(what, sentence)


def _whole(what: str, wrong: str | None, *, behind: bool) -> Looked:
    if wrong is not None:
        return Looked(what, f"is damaged: {wrong}. Stop the bot and restore a backup: `triage restore`")
    return Looked(what, note="is of an earlier version; the next start brings it up to date" if behind else "")


def _disk(settings: Settings, history: Path) -> Iterator[Looked]:
    for path in dict.fromkeys([settings.store.path, history]):
        if kind := network_disk(path):
            yield Looked(f"the disk of {path}", f"is {kind}, where SQLite's locks do not hold: use one of this machine")
    try:
        free = free_bytes(settings.store.path)
        why = f"only {free / 1e6:.0f} MB are free: make room, at least {ROOM / 1e6:.0f} MB" if free < ROOM else ""
        yield Looked("the disk", why, f"{free / 1e9:.0f} GB are free")
    except OSError as error:
        yield Looked("the disk", f"cannot be looked at: {error.strerror}")
    wanted = ".".join(map(str, WAL_RESET_FIXED))
    note = "" if safe_for_two_writers() else f": before {wanted} two processes must not write, so old days stay"
    yield Looked("SQLite", note=f"{sqlite3.sqlite_version}{note}")


def _history(path: Path, now: datetime) -> Iterator[Looked]:
    what = f"the history {path}"
    if not path.exists():
        yield Looked(what, "is not there: load CloudTrail's logs with `triage ingest`")
        return
    try:
        with closing(SqliteHistory(path)) as store:
            found = blind_spots(store, now)
            newest = store.newest()
    except (HistoryUnavailableError, sqlite3.Error) as error:
        yield Looked(what, f"cannot be asked: {error}")
        return
    for each in found:
        yield Looked(what, f"cannot tell: {each.question} {each.why}")
    if not found:
        yield Looked(what, note=f"up to {newest:%Y-%m-%d %H:%M} UTC" if newest else "")


def _lists(settings: Settings, now: datetime) -> Looked:
    table = settings.ipdata
    found = held(table.path, table.mmdb, now, plevin=table.plevin, whois=False)
    ages = [age_days(each.as_of, now) for each in found.lists if each.as_of]
    oldest = max(ages, default=0)
    why = f"the oldest is {oldest} days old: run `triage ipdata update`" if oldest > OLD_LISTS else ""
    return Looked("the lists of addresses", why, f"at most {oldest} days old")


# ------------------------------------------------------------------------------------------------- Slack


def _slack(settings: Settings, environ: Mapping[str, str], clock: Clock) -> Iterator[Looked]:
    table = settings.slack
    named = [settings.environment(name).channel for name in settings.environments]
    channels = [each for each in dict.fromkeys([table.channel, table.fallback_channel, *named]) if each]
    try:
        client = web_client(table.bot_token.read(environ), table.api_url)
        app_token = table.app_token.read(environ) if table.mode == "socket" else None
    except MissingSecret as error:
        yield Looked("Slack", f"was not asked: {error}")
        return
    yield from checkup.check(client, channels, app_token)
    try:
        headers = {name.lower(): value for name, value in client.auth_test().headers.items()}
    except FAULTS:  # said above
        return
    yield from _clock("Slack", headers.get("date"), clock())


def _clock(whose: str, said: Any, now: datetime) -> Iterator[Looked]:
    """How far our clock is off theirs, as far as a header with whole seconds tells."""
    try:
        theirs = parsedate_to_datetime(said[0] if isinstance(said, list) else str(said))
    except (ValueError, TypeError, IndexError):
        return
    off = now - theirs
    seconds = abs(off.total_seconds())
    way = "ahead of" if off > timedelta() else "behind"
    why = f"is {seconds:.0f} s {way} {whose}'s: set it, and keep it in step with NTP" if abs(off) > SKEW else ""
    yield Looked(f"the clock, beside {whose}'s", why, f"{seconds:.0f} s apart")


# --------------------------------------------------------------------------------------------------- AWS


def _aws(settings: Settings, environ: Mapping[str, str], clock: Clock) -> Iterator[Looked]:
    table = settings.aws
    asked = bool(table.read_role or table.act_role or followed_queue(settings) or settings.history.remote)
    asked = asked or any(source.auth == "sqs" for source in settings.sources.values())
    try:
        aws = aws_of(settings, environ, clock)
        own = aws.identity()
    except MissingSecret as error:
        yield Looked("AWS", f"was not asked: [aws] external_id: {error}")
        return
    except AwsError as error:
        why = f"{_why(error)}: give the process credentials as boto3 finds them (a role, or AWS_ACCESS_KEY_ID)"
        note = "no credentials: the bot answers from the history and changes nothing"
        yield Looked("AWS", why if asked else "", note)
        return
    yield Looked("AWS", note=f"the bot is {own.arn}")
    accounts = [account for each in settings.environments.values() for account in each.accounts] or [own.account]
    for account in dict.fromkeys(accounts):
        yield from _account(aws, account, own.arn, clock)
    yield from _queues(settings, aws)
    yield from _buckets(settings, aws)


def _account(aws: Aws, account: str, own: str, clock: Clock) -> Iterator[Looked]:
    trust = f"its trust policy must name {own}, with the external id; deploy/terraform/roles makes it"
    what = f"the reading role in {account}"
    try:
        said = aws.reader("sts", account).get_caller_identity()
    except AwsError as error:
        yield Looked(what, f"{_why(error)}: {trust}")
    else:
        yield Looked(what, note=f"works, as {said['Arn']}")
        yield from _clock("AWS", said["ResponseMetadata"]["HTTPHeaders"].get("date"), clock())
    for third in (False, True) if aws.has_roles_role else (False,):
        what = f"the {'third' if third else 'acting'} role in {account}"
        try:
            name = aws.try_acting(account, third=third)
        except AwsError as error:
            yield Looked(what, f"{_why(error)}: {trust}")
            continue
        own_keys = "none is configured: the process's own credentials act, in their own account"
        asks = "it can be taken; `triage doctor --act` asks what it may do"
        yield Looked(what, note=asks if name else own_keys)


def _queues(settings: Settings, aws: Aws) -> Iterator[Looked]:
    urls = {name: each.queue_url for name, each in settings.sources.items() if each.auth == "sqs"}
    urls |= {"the trail": settings.history.follow.queue_url} if followed_queue(settings) else {}
    for name, url in urls.items():
        where = queue_address_of(url)
        if where is None:  # `check` says so
            continue
        try:
            client = aws.reader("sqs", where.account, where.region)
            wanted = ["ApproximateNumberOfMessages"]
            said = client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
        except AwsError as error:
            needs = "`triage permissions` prints what the reading role needs"
            yield Looked(f"the queue of {name}", f"{_why(error)}: is there such a queue, and may it be read? {needs}")
        else:
            yield Looked(f"the queue of {name}", note=f"works, {said.get(wanted[0], 'some')} messages wait")


def _buckets(settings: Settings, aws: Aws) -> Iterator[Looked]:
    for name in settings.aws.log_buckets:
        try:
            client = aws.reader("s3", settings.aws.log_account or aws.identity().account)
            listed = client.list_objects_v2(Bucket=name, MaxKeys=1).get("KeyCount", 1)
        except AwsError as error:
            needs = "`triage permissions` prints what the reading role needs"
            yield Looked(f"the bucket {name}", f"{_why(error)}: {needs}")
        else:
            yield Looked(f"the bucket {name}", "" if listed else "is empty: does the trail write there?")


def _why(error: Exception) -> str:
    return in_words(error) if isinstance(error, BotoCoreError | ClientError) else str(error).rstrip(".")
