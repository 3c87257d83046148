"""The messages of a queue → which logs have been written, and which records were brought.

Taken: S3's own notices (bare, or from EventBridge), CloudTrail's (``s3Bucket`` and ``s3ObjectKey``), each also inside
an SNS notification, and CloudTrail's events from EventBridge. Their forms: "Event message structure" and "Using
EventBridge" (S3 user guide), "Configuring Amazon SNS notifications for CloudTrail" (CloudTrail user guide), "Events
from AWS services delivered via CloudTrail" (EventBridge user guide). Whoever may send to the queue writes what stands
here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from bot.database import storable
from bot.history.bucket import LONGEST_KEY, address_of, is_log_key

LONGEST = 2 * 1024 * 1024
"""Characters of a message: SQS carries 1 MiB at most."""
MOST_LOGS = 1_000
"""Logs that one message may name: S3 writes one, CloudTrail some."""

LARGEST = 1 << 50
"""Bytes of an object: far beyond what S3 keeps."""

_NO_OBJECT = "it does not say which object was written"
_LONGEST_ETAG = 256
_VIA_CLOUDTRAIL = " via CloudTrail"
_SNS_SAYS = frozenset({"SubscriptionConfirmation", "UnsubscribeConfirmation"})
_VALIDATION = "CloudTrail validation message."


class NoNotice(ValueError):
    """A message that is none of these; the text is the reason, in words for people."""


@dataclass(frozen=True, slots=True, order=True)
class WrittenLog:
    """A log that has been written. ``etag`` is empty where the notice does not say which version."""

    bucket: str
    key: str
    size: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a message says; nothing at all is fine, as of a digest or a test."""

    logs: tuple[WrittenLog, ...] = ()
    records: tuple[bytes, ...] = ()


def notice_of(body: str) -> Notice:
    """What the body of a message says. Raises ``NoNotice`` with the reason."""
    if len(body) > LONGEST:
        raise NoNotice("larger than a message can be")
    return _read(_parsed(body), wrapped=False)


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except RecursionError:
        raise NoNotice("nested too deeply") from None
    except ValueError:
        raise NoNotice("not JSON") from None
    if not isinstance(found, dict):
        raise NoNotice("not a JSON object")
    return found


def _read(told: dict[str, Any], *, wrapped: bool) -> Notice:
    for is_of, read in _FORMS:
        if is_of(told):
            return read(told)
    if not wrapped and isinstance(told.get("Message"), str):
        return _inside_sns(told)
    raise NoNotice("of no known form: neither S3's, CloudTrail's nor EventBridge's")


def _inside_sns(told: dict[str, Any]) -> Notice:
    if told.get("Type") in _SNS_SAYS or told["Message"] == _VALIDATION:
        return Notice()
    return _read(_parsed(told["Message"]), wrapped=True)


def _of_s3(told: dict[str, Any]) -> Notice:
    return _logs(_of_s3_record(each) for each in told["Records"])


def _of_s3_record(told: Any) -> WrittenLog | None:
    if not isinstance(told, dict) or told.get("eventSource") != "aws:s3":
        raise NoNotice("its Records are not those of S3")
    if not str(told.get("eventName", "")).startswith("ObjectCreated:"):
        return None
    # In these notices alone keys are encoded as in a form.
    return _written(told.get("s3"), decode=unquote_plus)


def _of_s3_by_eventbridge(told: dict[str, Any]) -> Notice:
    return _logs([_written(told["detail"])] if told["detail-type"] == "Object Created" else [])


def _written(told: Any, decode: Callable[[str], str] = str) -> WrittenLog:
    try:
        found = told["object"]
        name, key, etag = told["bucket"]["name"], found["key"], found.get("etag") or found.get("eTag") or ""
        size = int(found.get("size") or 0)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise NoNotice(_NO_OBJECT) from None
    return _log(name, decode(key) if isinstance(key, str) else key, size, etag)


def _of_cloudtrail(told: dict[str, Any]) -> Notice:
    keys = told["s3ObjectKey"]
    if not isinstance(keys, list):
        raise NoNotice("its s3ObjectKey is not a list")
    return _logs(_log(told["s3Bucket"], key) for key in keys)


def _of_eventbridge(told: dict[str, Any]) -> Notice:
    record = told["detail"]
    if not record.get("eventID"):
        raise NoNotice("its detail is no CloudTrail record")
    return Notice(records=(json.dumps(record).encode(),))


def _log(bucket: Any, key: Any, size: int = 0, etag: Any = "") -> WrittenLog:
    if not isinstance(bucket, str) or address_of(f"s3://{bucket}/") is None:
        raise NoNotice(_NO_OBJECT)
    if not _is_key(key) or not isinstance(etag, str) or not 0 <= size <= LARGEST:
        raise NoNotice(_NO_OBJECT)
    return WrittenLog(bucket, key, size, storable(etag.strip('"'), _LONGEST_ETAG))


def _is_key(key: Any) -> bool:
    """Whether S3 could have a key like that: 1 to 1,024 bytes of UTF-8."""
    try:
        return isinstance(key, str) and 1 <= len(key.encode()) <= LONGEST_KEY
    except UnicodeEncodeError:
        return False


def _logs(named: Iterable[WrittenLog | None]) -> Notice:
    found = tuple(dict.fromkeys(each for each in named if each is not None and is_log_key(each.key)))
    if len(found) > MOST_LOGS:
        raise NoNotice(f"it names more than {MOST_LOGS:,} logs")
    return Notice(logs=found)


def _is_eventbridge(told: dict[str, Any]) -> bool:
    return isinstance(told.get("detail-type"), str) and isinstance(told.get("detail"), dict)


_FORMS: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], Notice]], ...] = (
    (lambda told: isinstance(told.get("Records"), list), _of_s3),
    (lambda told: isinstance(told.get("s3Bucket"), str) and "s3ObjectKey" in told, _of_cloudtrail),
    (lambda told: _is_eventbridge(told) and told["detail-type"].endswith(_VIA_CLOUDTRAIL), _of_eventbridge),
    (lambda told: _is_eventbridge(told) and told.get("source") == "aws.s3", _of_s3_by_eventbridge),
    (lambda told: told.get("Event") == "s3:TestEvent", lambda _: Notice()),
)
