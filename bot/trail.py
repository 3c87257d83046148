"""Where CloudTrail's logs stand in AWS: settings -> clients -> what reads them."""

from __future__ import annotations

from bot.aws import Aws
from bot.config.settings import Settings
from bot.history.bucket import Bucket, BucketUnavailable, address_of
from bot.history.evidence import Fetch
from bot.history.sources import Unfetched


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
