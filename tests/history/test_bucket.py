"""Logs in a bucket of a local AWS, over real HTTP."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import boto3
import pytest

from bot.aws import READ_OF, Aws, AwsSettings
from bot.history.bucket import Address, Bucket, BucketUnavailable, address_of, is_log_key
from bot.history.load import SetAside, describe, load_logs
from bot.history.sqlite import SqliteHistory
from bot.model import Span
from tests.history.made import ACCOUNT, ALWAYS, key, record
from tests.history.passage import Answer, Passage, opened, s3_error
from tests.remediation.cloud import running

OTHER = "444455556666"
DAY = timedelta(days=1)
KMS = "it is encrypted, and its KMS key refuses us: the reading role needs kms:Decrypt on that key"
TRAIL = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1"


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    with running(tmp_path_factory.mktemp("aws")) as cloud, opened(cloud.endpoint) as passage:
        yield passage


def client(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=READ_OF["s3"],
    )


@pytest.fixture(scope="module")
def s3(way: Passage) -> Any:
    """What the product reads with."""
    return client(way.url)


@pytest.fixture(scope="module")
def writing(way: Passage) -> Any:
    """What CloudTrail writes with."""
    return client(way.upstream)


@pytest.fixture
def bucket(s3: Any, way: Passage, request: pytest.FixtureRequest) -> Bucket:
    """An empty bucket of the test's own."""
    way.reset()
    made = Bucket(lambda: s3, f"trail-{crc32(request.node.name.encode())}")
    s3.create_bucket(Bucket=made.name)
    return made


class Filling:
    """Puts logs into a bucket; each holds one call."""

    def __init__(self, s3: Any, bucket: Bucket) -> None:
        self._s3, self._name, self.count = s3, bucket.name, 0

    def put(self, name: str, content: bytes | None = None) -> None:
        self.count += 1
        log = gzip.compress(json.dumps({"Records": [record(self.count)]}).encode())
        self._s3.put_object(Bucket=self._name, Key=name, Body=log if content is None else content)

    def day(self, at: datetime, folder: str = TRAIL) -> str:
        name = f"{folder}/{at:%Y/%m/%d}/{ACCOUNT}_CloudTrail_us-east-1_{at:%Y%m%dT%H%MZ}_{self.count}.json.gz"
        self.put(name)
        return name


@pytest.fixture
def filling(writing: Any, bucket: Bucket) -> Filling:
    return Filling(writing, bucket)


def keys(bucket: Bucket, prefix: str, span: Span) -> list[str]:
    start = len(f"s3://{bucket.name}/")
    return [log.name[start:] for log in bucket.logs(prefix, span)]


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_only_the_days_that_the_window_needs_are_listed_and_fetched(
    bucket: Bucket, filling: Filling, way: Passage, tmp_path: Path
) -> None:
    days = [filling.day(NOON + n * DAY) for n in range(-40, 6)]
    way.reset()
    # A log may be delivered on the day after its events.
    span = Span(NOON - 3 * DAY, NOON)
    assert keys(bucket, "", span) == days[37:42]
    assert keys(bucket, "AWSLogs/", Span(NOON - 25 * DAY, NOON - 15 * DAY)) == days[15:27]
    load_logs(SqliteHistory(tmp_path / "history.db"), bucket.logs("", span))
    assert len(way.gets()) == 5
    assert not any("/2026/10/1" in listing for listing in way.listings())


@pytest.mark.parametrize(
    "folders",
    [
        [TRAIL, f"AWSLogs/{OTHER}/CloudTrail/eu-west-1"],
        [f"AWSLogs/o-a1b2c3d4e5/{account}/CloudTrail/us-east-1" for account in (ACCOUNT, OTHER)],
        [f"security/trails/{TRAIL}", f"AWSLogs/{OTHER}/CloudTrail/eu-central-1"],
    ],
    ids=["accounts", "organisation", "prefix"],
)
def test_every_account_and_region_is_found(bucket: Bucket, filling: Filling, folders: Sequence[str]) -> None:
    wanted = [filling.day(NOON, folder) for folder in folders]
    account = folders[0].rpartition("/CloudTrail/")[0]
    for beside in (
        "CloudTrail-Digest/us-east-1",
        "CloudTrail-Insight/us-east-1",
        "Config/us-east-1",
        "elasticloadbalancing",
    ):
        filling.day(NOON, f"{account}/{beside}")
    assert sorted(keys(bucket, "", Span(NOON - DAY, NOON))) == sorted(wanted)
    parts = folders[0].split("/")
    assert wanted[0] in keys(bucket, folders[0], Span(NOON - DAY, NOON))
    for depth in range(1, len(parts) + 1):
        assert wanted[0] in keys(bucket, "/".join(parts[:depth]) + "/", Span(NOON - DAY, NOON))


@pytest.mark.parametrize(
    ("within", "found"),
    [("2026/", 3), ("2026/11/", 2), ("2026/11/2", 2), ("2026/11/20/", 1), ("2026/12/", 0), ("2025/", 0)],
)
def test_a_prefix_may_lead_into_the_days(bucket: Bucket, filling: Filling, within: str, found: int) -> None:
    for at in (NOON - 30 * DAY, NOON, NOON + DAY):
        filling.day(at)
    assert len(keys(bucket, f"{TRAIL}/{within}", Span(NOON - 60 * DAY, NOON))) == found


def test_a_log_named_by_its_key_is_given_however_old(bucket: Bucket, filling: Filling) -> None:
    name = filling.day(NOON - 400 * DAY)
    assert keys(bucket, name, Span(NOON - DAY, NOON)) == [name]


def test_elsewhere_everything_named_like_a_log_is_taken_unless_written_before_the_window(
    bucket: Bucket, filling: Filling
) -> None:
    for name in ("export/a.json.gz", "export/deep/er/b.jsonl", "export/README.md", "export/empty/", "c.JSON"):
        filling.put(name)
    filling.put("export/none.json", b"")
    now = datetime.now(UTC)
    assert keys(bucket, "", Span(now - DAY, now)) == ["c.JSON", "export/a.json.gz", "export/deep/er/b.jsonl"]
    assert keys(bucket, "export", Span(now - DAY, now)) == ["export/a.json.gz", "export/deep/er/b.jsonl"]
    assert keys(bucket, "", Span(now + DAY, now + 2 * DAY)) == []


def test_more_than_a_page_is_listed_to_its_end(bucket: Bucket, filling: Filling, s3: Any, way: Passage) -> None:
    days = [filling.day(NOON + timedelta(minutes=n)) for n in range(25)]
    pages = "provide-client-params.s3.ListObjectsV2"
    s3.meta.events.register(pages, _ten_a_page, unique_id="ten")
    try:
        assert keys(bucket, TRAIL + "/", Span(NOON, NOON)) == days
        assert keys(bucket, TRAIL + "/", Span(NOON - 9 * DAY, NOON - 5 * DAY)) == []
    finally:
        s3.meta.events.unregister(pages, unique_id="ten")
    assert len(way.listings()) == 3 + 1


def _ten_a_page(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "MaxKeys": 10}


def test_a_second_load_fetches_nothing_and_a_third_only_what_is_new(
    bucket: Bucket, filling: Filling, way: Passage, tmp_path: Path
) -> None:
    history, span = SqliteHistory(tmp_path / "history.db"), Span(NOON - DAY, NOON)
    names = [filling.day(NOON + timedelta(minutes=n)) for n in range(3)]
    assert load_logs(history, bucket.logs("", span)).events == 3
    way.reset()
    again = load_logs(history, bucket.logs("", span))
    assert (again.events, again.duplicates, again.files, way.gets()) == (0, 3, 3, [])
    filling.put(names[0])
    filling.day(NOON + timedelta(minutes=9))
    assert load_logs(history, bucket.logs("", span)).events == 2
    assert len(way.gets()) == 2


def test_a_load_that_breaks_off_is_run_again(bucket: Bucket, filling: Filling, way: Passage, tmp_path: Path) -> None:
    history, span = SqliteHistory(tmp_path / "history.db"), Span(NOON - DAY, NOON)
    names = [filling.day(NOON + timedelta(minutes=n)) for n in range(4)]
    way.answer = lambda asked: s3_error("ExpiredToken", 400) if asked.path.endswith(names[2]) else None
    with pytest.raises(BucketUnavailable, match="ExpiredToken on GetObject"):
        load_logs(history, bucket.logs("", span))
    way.reset()
    report = load_logs(history, bucket.logs("", span))
    assert (report.events + report.duplicates, len(history.events(key(), ALWAYS))) == (4, 4)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (s3_error("NoSuchKey", 404), "it is not there"),
        (s3_error("AccessDenied", 403), "access is denied: the reading role needs s3:GetObject on it"),
        (
            s3_error("AccessDenied", 403, "User is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:…"),
            f"{KMS} (AccessDenied)",
        ),
        (
            s3_error("KMS.DisabledException", 400),
            f"{KMS} (KMS.DisabledException)",
        ),
        (
            s3_error("InvalidRequest", 400, "The object was stored using a form of Server Side Encryption."),
            "it is encrypted with a key that only its owner has (SSE-C)",
        ),
        (
            s3_error("InvalidObjectState", 403),
            "it is archived (Glacier): restore it, then load it again",
        ),
    ],
)
def test_what_cannot_be_fetched_is_set_aside_with_its_reason_and_tried_again(
    answer: Answer, reason: str, bucket: Bucket, filling: Filling, way: Passage, tmp_path: Path
) -> None:
    history, span = SqliteHistory(tmp_path / "history.db"), Span(NOON - DAY, NOON)
    names = [filling.day(NOON + timedelta(minutes=n)) for n in range(3)]
    refused = names[1]
    way.answer = lambda asked: answer if asked.path.endswith(refused) else None
    report = load_logs(history, bucket.logs("", span))
    aside = SetAside(f"s3://{bucket.name}/{refused}", None, f"could not be fetched: {reason}", 1)
    assert (report.events, report.set_aside) == (2, (aside,))
    covered = history.coverage(ALWAYS)
    assert covered is not None
    assert "1 record or file could not be read and was set aside." in covered.missing
    way.reset()
    assert (load_logs(history, bucket.logs("", span)).events, describe(history).set_aside) == (1, ())


def test_a_body_that_breaks_off_is_read_again(bucket: Bucket, filling: Filling, way: Passage) -> None:
    name = filling.day(NOON)
    way.cut = 2
    assert gzip.decompress(bucket.fetched(name)).startswith(b"{")
    assert len(way.gets(name)) == 3
    way.cut = 3
    with pytest.raises(BucketUnavailable, match="AWS could not be reached"):
        bucket.fetched(name)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.json", f"{TRAIL}/2026/11/20/../../x.json.gz", "a\x01\u202e.json", "ü %2e+&?.json.gz"]
)
def test_a_hostile_key_is_a_name_and_nothing_else(
    name: str, bucket: Bucket, filling: Filling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    filling.put(name)
    history = SqliteHistory(tmp_path / "history.db")
    now = datetime.now(UTC)
    report = load_logs(history, bucket.logs("", Span(min(NOON, now) - DAY, max(NOON, now) + DAY)))
    assert (report.events, report.set_aside) == (1, ())
    (event,) = history.events(key(), ALWAYS)
    pointer = history.pointer(event.id)
    assert pointer is not None
    assert pointer.log == f"s3://{bucket.name}/{name}"
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {"history.db"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (s3_error("AccessDenied", 403), "may not be listed: the reading role needs s3:ListBucket on it"),
        (s3_error("NoSuchBucket", 404), "There is no bucket"),
        (s3_error("InternalError", 501), "could not be read: InternalError on ListObjectsV2"),
    ],
)
def test_a_bucket_that_cannot_be_listed_is_a_sentence(
    answer: Answer, sentence: str, bucket: Bucket, filling: Filling, way: Passage
) -> None:
    filling.day(NOON)
    way.answer = lambda _: answer
    with pytest.raises(BucketUnavailable, match=sentence):
        keys(bucket, "", Span(NOON - DAY, NOON))


def test_without_a_way_into_the_account_nothing_is_listed(way: Passage, monkeypatch: pytest.MonkeyPatch) -> None:
    way.reset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", way.url)
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    aws = Aws(AwsSettings(), lambda: NOON, session)
    bucket = Bucket(lambda: aws.reader("s3", OTHER), "trail")
    with pytest.raises(BucketUnavailable, match=f"not for {OTHER}: set .aws. read_role"):
        keys(bucket, "", Span(NOON - DAY, NOON))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://trail", Address("trail", "")),
        ("s3://trail/", Address("trail", "")),
        ("s3://my.trail-1/AWSLogs//x/", Address("my.trail-1", "AWSLogs//x/")),
        ("s3:/trail", None),
        ("s3://", None),
        ("s3://Trail/x", None),
        ("s3://a/x", None),
        ("s3://trail\n/x", None),
        ("S3://trail/x", None),
        ("./s3/trail", None),
    ],
)
def test_addresses(text: str, address: Address | None) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    ("name", "is_log"),
    [
        (f"{TRAIL}/2026/11/20/a.json.gz", True),
        (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/a.json.gz", False),
        ("a.json/", False),
        ("a", False),
        ("", False),
        ("a.ndjson", True),
    ],
)
def test_what_is_named_like_a_log(name: str, is_log: bool) -> None:
    assert is_log_key(name) is is_log
