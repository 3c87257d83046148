"""Where CloudTrail's logs stand in AWS: settings -> clients -> what reads them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from bot.aws import Aws
from bot.config.settings import Settings
from bot.history.bucket import Bucket, BucketUnavailable, address_of
from bot.history.evidence import Fetch
from bot.history.follow import Follower
from bot.history.queue import Queue, QueueAddress, queue_address_of
from bot.history.sources import Unfetched
from bot.history.sqlite import SqliteHistory


def bucket_of(settings: Settings, aws: Aws, name: str, account: str | None = None) -> Bucket:
    """The bucket ``name``, read with the role of ``account``: by default ``[aws] log_account``, else the bot's own."""
    return Bucket(lambda: aws.reader("s3", account or settings.aws.log_account or aws.identity().account), name)


def object_reader(settings: Settings, aws: Aws) -> Fetch:
    """What reads an object by its address, ``s3://bucket/key``."""

    def fetch(text: str) -> bytes:
        address = address_of(text)
        if address is None:
            raise Unfetched("its address is not one in S3")
        try:
            return bucket_of(settings, aws, address.bucket).fetched(address.prefix)
        except BucketUnavailable as error:
            raise Unfetched(str(error)) from error

    return fetch


def followed_queue(settings: Settings) -> QueueAddress | None:
    """The queue that brings the notices of new logs; ``None`` if none is configured."""
    return queue_address_of(settings.history.follow.queue_url)


def follower_of(settings: Settings, aws: Aws, history: SqliteHistory, clock: Callable[[], datetime]) -> Follower | None:
    """What keeps ``history`` within minutes of AWS; ``None`` if no queue is configured."""
    where = followed_queue(settings)
    if where is None:
        return None

    @lru_cache(maxsize=64)
    def bucket(name: str) -> Bucket:
        return bucket_of(settings, aws, name, settings.aws.log_account or where.account)

    queue = Queue(lambda: aws.reader("sqs", where.account, where.region), settings.history.follow.queue_url)
    return Follower(queue, bucket, history, clock, settings.aws.log_buckets)
