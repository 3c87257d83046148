"""`triage ingest s3://…` as its users meet it, against a local AWS that enforces what roles may do."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from bot.config.settings import Aws, Settings
from bot.permissions import reading_policy
from tests.history import made
from tests.history.passage import Passage, opened
from tests.remediation.bench import SETTINGS
from tests.remediation.cloud import ACCOUNT, BOT, EXTERNAL_ID, running
from tests.test_cli import DONE, REFUSED, USAGE, Triage, triage  # noqa: F401 - a fixture

BUCKET = "trail-logs"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FOLDER = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1"


def root(service: str, way: Passage) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=way.url, **keys)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    """A bucket with a log a day, and a reading role that may do no more than is declared."""
    with running(tmp_path_factory.mktemp("aws")) as cloud, opened(cloud.endpoint) as passage:
        s3 = root("s3", passage)
        s3.create_bucket(Bucket=BUCKET)
        for number in range(5):
            day = NOON - number * timedelta(days=1)
            log = {
                "Records": [made.record(number, eventTime=f"{day:%Y-%m-%dT%H:%M:%SZ}", requestParameters={"n": number})]
            }
            name = f"{FOLDER}/{day:%Y/%m/%d}/{number}.json.gz"
            s3.put_object(Bucket=BUCKET, Key=name, Body=gzip.compress(json.dumps(log).encode()))
        allow(passage)
        yield passage


def allow(way: Passage) -> None:
    """Let the reading role do what is declared for the bucket, and nothing else."""
    document = json.dumps(reading_policy(Settings(aws=Aws(log_buckets=(BUCKET,)))))
    root("iam", way).put_role_policy(RoleName="TriageRead", PolicyName="declared", PolicyDocument=document)


@pytest.fixture
def bucket(way: Passage, triage: Triage, monkeypatch: pytest.MonkeyPatch) -> Triage:  # noqa: F811 - pytest's way
    """The command with a config that names the reading role, and this AWS."""
    way.reset()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {
        "AWS_ENDPOINT_URL": way.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "EXTERNAL_ID": EXTERNAL_ID,
        "AWS_ACCESS_KEY_ID": BOT.id,
        "AWS_SECRET_ACCESS_KEY": BOT.secret,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    Path("config.toml").write_text(
        f'[aws]\nread_role = "{SETTINGS.read_role}"\nexternal_id = "env:EXTERNAL_ID"\n[history]\npath = "h.db"\n'
    )
    return triage


def test_a_window_of_a_bucket_is_loaded_and_only_what_is_new_the_next_time(bucket: Triage, way: Passage) -> None:
    first = bucket("ingest", f"s3://{BUCKET}/AWSLogs", "--until", "2026-11-20T13:00:00Z", "--days", "2", "--json")
    assert (first.code, first.document["events"], first.document["set_aside"]) == (DONE, 3, [])
    assert first.err == "From 2026-11-18T13:00:00Z to 2026-11-20T13:00:00Z, by the days the logs were delivered on.\n"
    assert len(way.gets(".json.gz")) == 3
    again = bucket("ingest", f"s3://{BUCKET}", "--since", "2026-11-16", "--until", "2026-11-20", "--json")
    assert (again.code, again.document["events"], again.document["duplicates"]) == (DONE, 2, 3)
    assert len(way.gets(".json.gz")) == 5
    assert bucket("history", "--json").document["events"] == 5


def test_the_record_behind_an_evidence_id_is_read_again_in_the_bucket(bucket: Triage, way: Passage) -> None:
    bucket("ingest", f"s3://{BUCKET}", "--since", "2026-11-16", "--until", "2026-11-20")
    event_id = made.record(2)["eventID"]
    assert bucket("event-record", event_id).document["requestParameters"] == {"n": 2}
    way.answer = lambda asked: (200, b"{}") if asked.path.endswith("/2.json.gz") else None
    gone = bucket("event-record", event_id)
    assert (gone.code, "that object has changed since" in gone.err) == (REFUSED, True)


def test_a_triage_over_a_bucket_is_that_over_its_files(bucket: Triage) -> None:
    bucket("ingest", f"s3://{BUCKET}", "--since", "2026-11-16", "--until", "2026-11-20")
    found = bucket("key", made.KEY, "--at", "2026-11-20T12:00:00Z", "--json").document
    assert found["activity"]["denied"] >= 4


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["s3://nobody-has-this/x"], REFUSED, "The bucket nobody-has-this may not be listed: the reading role needs"),
        (["s3:/trail-logs/x"], USAGE, "s3:/trail-logs/x is not an address in S3; write it as s3://bucket/prefix."),
        (["s3://Trail\x1b[31m"], USAGE, "is not an address in S3"),
        ([f"s3://{BUCKET}", "folder"], USAGE, "Load files and buckets one after the other."),
        ([f"s3://{BUCKET}", "--since", "2026-01-02", "--until", "2026-01-01"], USAGE, "--since is later than --until."),
        ([f"s3://{BUCKET}", "--since", "2026-01-02", "--days", "3"], USAGE, "--since and --days say the same"),
        (["config.toml", "--days", "3"], USAGE, "are for buckets: of files everything is loaded."),
        ([f"s3://{BUCKET}", "--account", "999900001111"], REFUSED, "could not be read: AccessDenied on AssumeRole."),
    ],
)
def test_what_cannot_be_loaded_is_a_sentence(bucket: Triage, arguments: list[str], code: int, sentence: str) -> None:
    ran = bucket("ingest", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err


def test_a_role_that_may_not_read_sets_every_log_aside_and_says_what_it_needs(bucket: Triage, way: Passage) -> None:
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [listing]})
    root("iam", way).put_role_policy(RoleName="TriageRead", PolicyName="declared", PolicyDocument=document)
    refused = bucket("ingest", f"s3://{BUCKET}", "--since", "2026-11-16", "--until", "2026-11-20", "--json").document
    allow(way)
    assert refused["events"] == 0
    assert {each["reason"] for each in refused["set_aside"]} == {
        "could not be fetched: access is denied: the reading role needs s3:GetObject on it"
    }
    again = bucket("ingest", f"s3://{BUCKET}", "--since", "2026-11-16", "--until", "2026-11-20", "--json").document
    assert (again["events"], again["set_aside"]) == (5, [])


def test_a_bucket_with_nothing_of_the_window_is_an_answer(bucket: Triage) -> None:
    ran = bucket("ingest", f"s3://{BUCKET}", "--since", "2026-01-01", "--until", "2026-01-05", "--json")
    assert (ran.code, ran.document["events"], ran.document["files"]) == (DONE, 0, 0)
