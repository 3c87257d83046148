"""CloudTrail logs in an S3 bucket: which of them a span of time needs, and their bytes.

A trail writes ``[prefix/]AWSLogs/[o-organisation/]account/CloudTrail/region/yyyy/mm/dd/…`` ("CloudTrail log file
examples", CloudTrail user guide); the date is that of delivery. Under such a path only the days asked for are listed,
account by account and region by region at once; anywhere else everything that is named like a log. Keys are names that
strangers may have chosen: they are shown and looked up, and never become a path on this machine.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Fault, NoWayIn, fault, in_words
from bot.database import storable
from bot.history.content import CHUNK
from bot.history.files import LOG_SUFFIXES, NOT_LOGS
from bot.history.sources import MAX_OBJECT_BYTES, LogObject, Unfetched
from bot.model import Span

PERMISSIONS = frozenset({"s3:ListBucket", "s3:GetObject"})
"""The IAM actions of every call of this module: ``ListObjectsV2``, ``GetObject``, ``HeadObject``."""

LATE = timedelta(days=1)
"""How long after an event its log may be delivered, generously: CloudTrail says minutes, and promises nothing."""
LISTINGS = 16
LONGEST_KEY = 1024
_BODY_ATTEMPTS = 3
"""botocore repeats a request, but not the reading of its body."""

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?", re.DOTALL)
_OF_TRAIL = re.compile(r"(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?\d{12}/(?P<service>[^/]*/?)(?P<region>[^/]+/)?", re.DOTALL)
_TRAIL = "CloudTrail/"

Listed = TypeVar("Listed")


class NotNow(Unfetched):
    """It may be there, or allowed, later."""


class BucketUnavailable(Exception):
    """The bucket could not be listed or read at all; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Address:
    """``s3://bucket/prefix``."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


def address_of(text: str) -> Address | None:
    """The bucket and prefix (or key) that ``text`` names; ``None`` if it is not of that form."""
    found = _ADDRESS.fullmatch(text)
    return Address(found["bucket"], found["prefix"] or "") if found else None


@dataclass(frozen=True, slots=True)
class _Object:
    key: str
    size: int
    etag: str
    written: datetime


@dataclass(frozen=True, slots=True)
class _Folder:
    """One level of a bucket."""

    inner: tuple[str, ...]
    objects: tuple[_Object, ...]


class Bucket:
    """One bucket. ``client`` gives an S3 client that may be used from several threads; it is asked for each request,
    since credentials end sooner than a large load. It may raise ``NoWayIn``, ``ClientError``, ``BotoCoreError``.
    """

    def __init__(self, client: Callable[[], Any], name: str) -> None:
        self._client = client
        self.name = name

    def logs(self, prefix: str, span: Span) -> Iterator[LogObject]:
        """The logs below ``prefix`` (or the one of that key) that may hold events of ``span``, the oldest days first.

        Each is listed as it is asked for, some ahead. Raises ``BucketUnavailable``.
        """
        if is_log_key(prefix) and (named := self._named(prefix)):
            yield self.log(named)
            return
        with ThreadPoolExecutor(LISTINGS, thread_name_prefix="list") as pool:
            regions, loose = self._found(prefix, pool)
            yield from (self.log(each) for each in loose if each.written >= span.since)
            days = _days(span)
            listings = (
                partial(self._month, region, prefix, month) for month in _months(days) for region in sorted(regions)
            )
            for listed in _ahead(pool, listings):
                yield from (self.log(each) for each in listed)

    def log(self, found: _Object) -> LogObject:
        """The log under a key; its bytes are not fetched yet."""
        return self.log_at(found.key, found.size, found.etag)

    def log_at(self, key: str, size: int, etag: str) -> LogObject:
        """The log that somebody says stands under ``key``, with its size in bytes."""
        name = storable(f"s3://{self.name}/{key}", LONGEST_KEY + len(self.name) + 6)
        return LogObject(name, size, etag.strip('"'), lambda: self.fetched(key))

    def described(self, key: str) -> LogObject:
        """The log under ``key``, its size and version asked for. Raises as :meth:`fetched`."""
        try:
            told = self._reader().head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            raise _refused(error) from error
        except BotoCoreError as error:
            raise BucketUnavailable(_unreadable(self.name, error)) from error
        return self.log_at(key, told["ContentLength"], told.get("ETag", ""))

    def fetched(self, key: str) -> bytes:
        """The bytes under a key. Raises ``Unfetched`` with the reason; ``BucketUnavailable`` if nothing can be."""
        client = self._reader()
        for attempt in range(1, _BODY_ATTEMPTS + 1):
            try:
                # botocore's own "with" would hand out the bare connection, which tells its failures in other words.
                with closing(client.get_object(Bucket=self.name, Key=key)["Body"]) as body:
                    return _whole(body)
            except ClientError as error:
                if fault(error) is Fault.CREDENTIALS:
                    raise BucketUnavailable(_unreadable(self.name, error)) from error
                raise _refused(error) from error
            except BotoCoreError as error:
                if attempt == _BODY_ATTEMPTS:
                    raise BucketUnavailable(_unreadable(self.name, error)) from error
        raise AssertionError  # the last attempt has returned or raised

    def _reader(self) -> Any:
        try:
            return self._client()
        except NoWayIn as error:
            raise BucketUnavailable(str(error)) from error
        except (ClientError, BotoCoreError) as error:
            raise BucketUnavailable(f"The bucket {self.name} could not be read: {in_words(error)}.") from error

    # ------------------------------------------------------------------------------------------- what is there

    def _found(self, prefix: str, pool: ThreadPoolExecutor) -> tuple[set[str], list[_Object]]:
        """Every region of a trail that ``prefix`` leads to or into, and the logs that stand elsewhere below it."""
        into = _OF_TRAIL.match(prefix)
        if into and into["service"] == _TRAIL and into["region"]:
            return {into[0]}, []
        regions: set[str] = set()
        loose: list[_Object] = []
        waiting = {pool.submit(self._folder, prefix)}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for folder in (each.result() for each in done):
                loose += [each for each in folder.objects if _is_log(each)]
                for inner in folder.inner:
                    if _is_region(inner):
                        regions.add(inner)
                    elif _leads_to_logs(inner):
                        waiting.add(pool.submit(self._folder, inner))
        return regions, sorted(loose, key=lambda each: each.key)

    def _named(self, key: str) -> _Object | None:
        """The object under this very key: of all keys that begin with it, it is the first."""
        first = next(self._pages(Prefix=key, MaxKeys=1))
        return next((each for each in _objects(first) if each.key == key), None)

    def _folder(self, prefix: str) -> _Folder:
        inner: list[str] = []
        objects: list[_Object] = []
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            inner += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
            objects += _objects(page)
        return _Folder(tuple(inner), tuple(objects))

    def _month(self, region: str, prefix: str, month: _Month) -> list[_Object]:
        """The logs of some days of one month."""
        folder = f"{region}{month.first:%Y/%m/}"
        if not (folder.startswith(prefix) or prefix.startswith(folder)):
            return []
        first, last = f"{region}{month.first:%Y/%m/%d/}", f"{region}{month.last:%Y/%m/%d}0"  # "0" comes after "/"
        found: list[_Object] = []
        for page in self._pages(Prefix=max(folder, prefix, key=len), StartAfter=first):
            listed = _objects(page)
            found += [each for each in listed if _is_log(each) and first <= each.key < last]
            if listed and listed[-1].key >= last:
                break
        return found

    def _pages(self, **request: str | int) -> Iterator[dict[str, Any]]:
        """Raises ``BucketUnavailable``."""
        asked: dict[str, Any] = {"Bucket": self.name, **request}
        while True:
            client = self._reader()
            try:
                page: dict[str, Any] = client.list_objects_v2(**asked)
            except (ClientError, BotoCoreError) as error:
                raise BucketUnavailable(_unreadable(self.name, error)) from error
            yield page
            if not page.get("NextContinuationToken"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]


def is_log_key(key: str) -> bool:
    """Whether a key is that of a log, by its name: not a digest, a statistic, a folder or a read-me."""
    path = PurePosixPath(key)
    return not key.endswith("/") and path.suffix.lower() in LOG_SUFFIXES and NOT_LOGS.isdisjoint(path.parts)


_NOT_THERE = frozenset({"NoSuchKey", "404", "NoSuchBucket"})
_DENIED = frozenset({"AccessDenied", "403"})


def _refused(error: ClientError) -> Unfetched:
    told = error.response.get("Error", {})
    code, message = told.get("Code", ""), told.get("Message", "")
    if code in _NOT_THERE:
        return NotNow("it is not there")
    if code == "InvalidObjectState":
        return Unfetched("it is archived (Glacier): restore it, then load it again")
    if code.startswith("KMS.") or "kms:" in message.lower():
        why = f"it is encrypted, and its KMS key refuses us: the reading role needs kms:Decrypt on that key ({code})"
        return NotNow(why)
    if code == "InvalidRequest" and "encrypt" in message.lower():
        return Unfetched("it is encrypted with a key that only its owner has (SSE-C)")
    if code in _DENIED:
        return NotNow("access is denied: the reading role needs s3:GetObject on it")
    return NotNow(in_words(error))


def _unreadable(bucket: str, error: ClientError | BotoCoreError) -> str:
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if code in _DENIED:
        return f"The bucket {bucket} may not be listed: the reading role needs s3:ListBucket on it."
    if code in {"NoSuchBucket", "404"}:
        return f"There is no bucket {bucket}."
    return f"The bucket {bucket} could not be read: {in_words(error)}."


# -------------------------------------------------------------------------------------------- pure parts


def _whole(body: Any) -> bytes:
    """All of a body; only the read after the last byte tells botocore that none is missing."""
    content = bytearray()
    while piece := body.read(CHUNK):
        content += piece
        if len(content) > MAX_OBJECT_BYTES:
            raise Unfetched(f"it is larger than {MAX_OBJECT_BYTES // 1024**2} MB")
    return bytes(content)


def _objects(page: dict[str, Any]) -> list[_Object]:
    return [
        _Object(each["Key"], each["Size"], each.get("ETag", ""), each["LastModified"])
        for each in page.get("Contents", ())
    ]


def _is_log(found: _Object) -> bool:
    return found.size > 0 and is_log_key(found.key)


def _is_region(prefix: str) -> bool:
    found = _OF_TRAIL.fullmatch(prefix)
    return bool(found and found["service"] == _TRAIL and found["region"])


def _leads_to_logs(prefix: str) -> bool:
    """Whether logs of CloudTrail may stand below: an account's folder has those of other services beside them."""
    found = _OF_TRAIL.match(prefix)
    return not found or found["service"] in {"", _TRAIL}


@dataclass(frozen=True, slots=True)
class _Month:
    """Days of one month, both included."""

    first: date
    last: date


def _days(span: Span) -> tuple[date, date]:
    return span.since.date(), (span.until + LATE).date()


def _months(days: tuple[date, date]) -> Iterator[_Month]:
    first, last = days
    while first <= last:
        following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield _Month(first, min(last, following - timedelta(days=1)))
        first = following


def _ahead(pool: ThreadPoolExecutor, tasks: Iterable[Callable[[], Listed]]) -> Iterator[Listed]:
    """The results in the order of the tasks, a few of which run ahead."""
    running: deque[Future[Listed]] = deque()
    try:
        for task in tasks:
            running.append(pool.submit(task))
            if len(running) >= LISTINGS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for each in running:
            each.cancel()
