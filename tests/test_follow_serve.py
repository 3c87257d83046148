"""`triage serve` follows a queue: what CloudTrail writes is in its history, however often it is killed meanwhile."""

from __future__ import annotations

import gzip
import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from bot.config import load
from bot.demo.slack import LocalSlack
from bot.history.load import describe
from bot.history.sqlite import SqliteHistory
from bot.model import rfc3339
from bot.permissions import reading_policy
from tests.crash_runner import FOLLOW
from tests.history.made import ALWAYS, key, record
from tests.history.passage import Passage, opened
from tests.history.test_notices import s3
from tests.remediation.cloud import ACCOUNT, SEATS, running, seat
from tests.site import Site

BUCKET = "trail"
FOLDER = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/20"


def root(service: str, way: Passage) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=way.url, **keys)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    with running(tmp_path_factory.mktemp("aws")) as cloud, opened(cloud.endpoint) as passage:
        root("s3", passage).create_bucket(Bucket=BUCKET)
        yield passage


@pytest.fixture
def site(tmp_path: Path, way: Passage) -> Iterator[Site]:
    """A bot that follows a queue of its own, with a reading role that may do what is declared and nothing else."""
    with LocalSlack() as slack:
        made = Site(tmp_path, slack, seat(SEATS // 3), way.url)
        url = root("sqs", way).create_queue(QueueName=tmp_path.name)["QueueUrl"]
        settings = made.config.read_text().replace("[aws]", f'[aws]\nlog_buckets = ["{BUCKET}"]')
        made.config.write_text(f"{settings}\n[history.follow]\nqueue_url = {json.dumps(url)}\n")
        document = reading_policy(load(made.config, {}))
        # AWS lets call a batch whoever may make the single call; the local one asks for the batch's own name.
        document["Statement"][-1]["Action"] += ["sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch"]
        policy = json.dumps(document)
        root("iam", way).put_role_policy(RoleName="TriageRead", PolicyName="declared", PolicyDocument=policy)
        yield made
        made.close()


def written(site: Site, way: Passage, number: int) -> None:
    """A call, its log in the bucket, and the notice of it in the queue."""
    name = f"{FOLDER}/{site.folder.name}-{number}.json.gz"
    log = {"Records": [record(number, eventTime=rfc3339(datetime.now(UTC)))]}
    root("s3", way).put_object(Bucket=BUCKET, Key=name, Body=gzip.compress(json.dumps(log).encode()))
    body = json.dumps(s3(name, size=1, eTag=f"e{number}"))
    root("sqs", way).send_message(QueueUrl=queue(site), MessageBody=body)


def queue(site: Site) -> str:
    return load(site.config, {}).history.follow.queue_url


def left(site: Site, way: Passage) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = root("sqs", way).get_queue_attributes(QueueUrl=queue(site), AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


def held(site: Site) -> int:
    history = SqliteHistory(site.folder / "history.db")
    return len(history.events(key(), ALWAYS)) if history.path.exists() and history.ready() else 0


@pytest.mark.parametrize("point", FOLLOW)
def test_a_log_is_held_once_wherever_the_bot_dies(site: Site, way: Passage, point: str) -> None:
    written(site, way, 1)
    site.start(f"follow: {point}")
    assert site.ended() == -signal.SIGKILL
    written(site, way, 2)
    site.start()
    site.until(lambda: held(site) == 2 and left(site, way) == 0)
    report = describe(SqliteHistory(site.folder / "history.db"))
    assert (report.events, report.files, report.set_aside) == (2, 2, ())
    assert site.stop() == 0
