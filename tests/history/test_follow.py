"""A queue of a local AWS followed over real HTTP: what is written there is in the history, once, and then deleted."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import boto3
import pytest

from bot.aws import READ_OF
from bot.history import follow, queue
from bot.history.bucket import Bucket
from bot.history.evidence import event_record
from bot.history.follow import Follower
from bot.history.load import SetAside, describe, load_logs, load_paths
from bot.history.queue import Queue, queue_address_of
from bot.history.sqlite import SqliteHistory
from bot.model import Event, Span
from tests.documents import ROOT, blocks
from tests.history.made import ACCOUNT, ALWAYS, key, record, write
from tests.history.passage import Asked, Passage, opened, s3_error
from tests.history.test_notices import in_sns, of_cloudtrail, s3
from tests.remediation.cloud import running

TRAIL = "trail"
FOLDER = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/20"


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    with running(tmp_path_factory.mktemp("aws")) as cloud, opened(cloud.endpoint) as passage:
        yield passage


@pytest.fixture(scope="module")
def clients(way: Passage) -> dict[str, Any]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    made = {
        name: boto3.client(name, region_name="us-east-1", endpoint_url=way.url, config=READ_OF["s3"], **keys)  # type: ignore[call-overload]
        for name in ("s3", "sqs")
    }
    made["s3"].create_bucket(Bucket=TRAIL)
    return made


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Place:
    clients: dict[str, Any]
    url: str
    history: SqliteHistory
    clock: Clock = field(default_factory=Clock)
    written: int = 0

    def follower(self, **changes: Any) -> Follower:
        queue = Queue(lambda: self.clients["sqs"], self.url)
        return Follower(queue, self.bucket, self.history, self.clock, **changes)

    def bucket(self, name: str = TRAIL) -> Bucket:
        return Bucket(lambda: self.clients["s3"], name)

    def write(self, name: str | None = None, bucket: str = TRAIL, **changes: Any) -> str:
        """Put a log of one call into the bucket; its key."""
        self.written += 1
        name = name or f"{FOLDER}/{self.url.rsplit('-', 1)[-1]}-{self.written}.json.gz"
        log = gzip.compress(json.dumps({"Records": [record(self.written, **changes)]}).encode())
        self.clients["s3"].put_object(Bucket=bucket, Key=name, Body=log)
        return name

    def send(self, told: Any) -> None:
        body = told if isinstance(told, str) else json.dumps(told)
        self.clients["sqs"].send_message(QueueUrl=self.url, MessageBody=body)

    def left(self) -> int:
        return Queue(lambda: self.clients["sqs"], self.url).waiting()

    def events(self) -> list[Event]:
        return list(self.history.events(key(), ALWAYS)) if self.history.path.exists() else []


@pytest.fixture
def place(
    clients: dict[str, Any],
    way: Passage,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    way.reset()
    monkeypatch.setattr(queue, "WAIT_SECONDS", 0)
    name = f"logs-{crc32(request.node.name.encode())}"
    url = clients["sqs"].create_queue(QueueName=name)["QueueUrl"]
    return Place(clients, url, SqliteHistory(tmp_path / "history.db"))


@pytest.mark.parametrize(
    "told",
    [
        lambda name: s3(name, size=1, eTag="e"),
        lambda name: in_sns(s3(name, size=1, eTag="e")),
        of_cloudtrail,
        lambda name: in_sns(of_cloudtrail(name)),
    ],
    ids=["S3", "S3 by SNS", "CloudTrail", "CloudTrail by SNS"],
)
def test_a_log_that_was_written_is_in_the_history_and_its_message_is_gone(
    place: Place, told: Callable[[str], Any]
) -> None:
    place.send(told(place.write()))
    follower = place.follower()
    assert follower.step()
    assert (len(place.events()), place.left()) == (1, 0)
    assert not follower.step()
    status = follower.status()
    assert (status.messages, status.logs, status.events, status.set_aside, status.problem) == (1, 1, 1, 0, None)
    assert (status.newest_event, status.queue_age) == (place.events()[0].at, None)


def test_a_log_is_known_again_however_it_was_named(place: Place, way: Passage) -> None:
    name = place.write()
    place.send(of_cloudtrail(name))
    assert place.follower().step()
    bucket = place.bucket()
    span = Span(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    way.reset()
    load_logs(place.history, (log for log in bucket.logs(f"{FOLDER}/", span) if log.name.endswith(name)))
    etag = place.clients["s3"].head_object(Bucket=TRAIL, Key=name)
    place.send(s3(name, size=etag["ContentLength"], eTag=etag["ETag"].strip('"')))
    assert place.follower().step()
    assert way.gets(".json.gz") == []
    assert (len(place.events()), place.left()) == (1, 0)


def test_many_messages_are_loaded_together(place: Place) -> None:
    for _ in range(14):
        place.send(s3(place.write(), size=1, eTag="e"))
    follower = place.follower()
    assert follower.step()
    assert (len(place.events()), place.left(), follower.status().messages) == (14, 0, 14)


def test_records_from_eventbridge_are_in_the_history_and_can_be_shown(place: Place) -> None:
    brought = [record(number) for number in (1, 2, 2, 3)]
    for each in brought:
        place.send({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "detail": each})
    assert place.follower().step()
    assert (len(place.events()), place.left()) == (3, 0)
    assert event_record(place.history, brought[3]["eventID"])["eventName"] == "ListUsers"
    place.send(s3(place.write(), size=1, eTag="e"))
    place.send({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "detail": record(9)})
    assert place.follower().step()
    assert len(place.events()) == 4
    assert describe(place.history).files == 2


POISON = ["", "not json", "[]", "{}", json.dumps({"Records": [{"s3": 1}]}), json.dumps(s3("\u0000" * 1100)), "9" * 9000]


def test_what_is_no_notice_is_set_aside_counted_and_never_stands_in_the_way(place: Place) -> None:
    for body in POISON[1:]:
        place.send(body)
    place.send(s3(place.write(), size=1, eTag="e"))
    follower = place.follower()
    assert follower.step()
    assert (len(place.events()), place.left()) == (1, 0)
    aside = describe(place.history).set_aside
    assert sum(each.count for each in aside) == len(POISON) - 1 == follower.status().set_aside
    assert {each.file for each in aside} == {f"sqs:{place.url.rsplit('/', 1)[-1]}"}
    assert all(each.reason.startswith("a message that is no notice of a log: ") for each in aside)
    place.send("more")
    assert place.follower().step()
    assert sum(each.count for each in describe(place.history).set_aside) == len(POISON)


def test_a_body_of_ten_megabytes_is_set_aside(place: Place, way: Passage) -> None:
    place.send("small")

    def answer(asked: Asked) -> tuple[int, bytes] | None:
        if not asked.target.endswith("ReceiveMessage") or any(each is not asked for each in taken):
            return None
        taken.append(asked)
        return 200, json.dumps({"Messages": [message]}).encode()

    taken: list[Asked] = []
    message = {"MessageId": "m", "ReceiptHandle": "h", "Body": "x" * 10_000_000}
    way.answer = answer
    follower = place.follower()
    follower.step()
    (aside, *_) = describe(place.history).set_aside
    assert aside.reason == "a message that is no notice of a log: larger than a message can be"


def test_a_log_that_is_not_there_yet_is_asked_for_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "SOON", timedelta(0))
    name = f"{FOLDER}/late.json.gz"
    place.send(s3(name, size=1, eTag="e"))
    follower = place.follower()
    assert follower.step()
    assert (place.left(), follower.status().tried_again) == (1, 1)
    aside = SetAside(f"s3://{TRAIL}/{name}", None, "could not be fetched: it is not there", 1)
    assert describe(place.history).set_aside == (aside,)
    place.write(name)
    assert follower.step()
    assert (len(place.events()), place.left(), describe(place.history).set_aside) == (1, 0, ())


@pytest.mark.parametrize("told", [s3, of_cloudtrail], ids=["its version known", "its version unknown"])
def test_what_waits_is_given_back_for_ever_longer(place: Place, way: Passage, told: Callable[..., Any]) -> None:
    place.send(told(f"{FOLDER}/never-{told.__name__}.json.gz"))
    place.follower().step()
    (given_back,) = [json.loads(each.body) for each in way.asked if "ChangeMessageVisibility" in each.target]
    assert [entry["VisibilityTimeout"] for entry in given_back["Entries"]] == [30]
    assert [follow._pause(times) // timedelta(seconds=1) for times in (1, 2, 3, 6, 40)] == [30, 60, 120, 900, 900]


def test_after_many_tries_a_log_stays_set_aside(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "SOON", timedelta(0))
    monkeypatch.setattr(follow, "MOST_TRIES", 3)
    place.send(s3(f"{FOLDER}/gone.json.gz", size=1, eTag="e"))
    follower = place.follower()
    assert [follower.step() for _ in range(4)] == [True, True, True, False]
    assert (place.left(), len(describe(place.history).set_aside)) == (0, 1)


def test_what_is_archived_is_set_aside_at_once_and_the_rest_is_loaded(place: Place, way: Passage) -> None:
    archived, good = place.write(), place.write()
    way.answer = lambda asked: (
        s3_error("InvalidObjectState", 403) if asked.method == "GET" and asked.path.endswith(archived) else None
    )
    place.send(of_cloudtrail(archived, good))
    assert place.follower().step()
    assert (len(place.events()), place.left()) == (1, 0)
    (aside,) = describe(place.history).set_aside
    assert "archived (Glacier)" in aside.reason


def test_only_the_named_buckets_are_read(place: Place, way: Passage) -> None:
    place.clients["s3"].create_bucket(Bucket="somebody-elses")
    name = place.write(bucket="somebody-elses")
    told = s3(name, size=1, eTag="e")
    told["Records"][0]["s3"]["bucket"]["name"] = "somebody-elses"
    place.send(told)
    way.reset()
    assert place.follower(buckets=[TRAIL]).step()
    assert (place.events(), place.left(), way.gets()) == ([], 0, [])
    (aside,) = describe(place.history).set_aside
    assert aside.reason == "a message that names a bucket not in [aws] log_buckets"


def test_a_message_is_deleted_only_once_its_log_is_stored(
    place: Place, way: Passage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "SOON", timedelta(0))
    place.send(s3(place.write(), size=1, eTag="e"))
    place.history.path.mkdir()
    follower = place.follower()
    assert not follower.step()
    assert "could not be written" in str(follower.status().problem)
    assert place.left() == 1
    assert not [each for each in way.asked if "DeleteMessage" in each.target]
    place.history.path.rmdir()
    assert follower.step()
    assert (len(place.events()), place.left(), follower.status().problem) == (1, 0, None)


def test_a_history_that_was_put_aside_is_begun_anew(place: Place, tmp_path: Path) -> None:
    follower = place.follower()
    place.send(s3(place.write(), size=1, eTag="e"))
    assert follower.step()
    for file in tmp_path.iterdir():
        file.rename(tmp_path / f"aside-{file.name}")
    place.history.close()
    place.send(s3(place.write(), size=1, eTag="e"))
    assert follower.step()
    assert [event.id for event in place.events()] == [record(2)["eventID"]]
    follower.close()


def test_others_may_load_between_two_steps(place: Place, tmp_path: Path) -> None:
    follower = place.follower()
    place.send(s3(place.write(), size=1, eTag="e"))
    assert follower.step()
    load_paths(place.history, [write(tmp_path / "log.json", [record(1), record(2), record(3)])])
    place.send(s3(place.write(), size=1, eTag="e"))
    assert follower.step()
    assert len(place.events()) == 3
    follower.close()


def test_killed_between_storing_and_deleting_it_counts_nothing_twice(place: Place, way: Passage) -> None:
    place.send(s3(place.write(), size=1, eTag="e"))
    refusal = 400, b'{"__type": "AccessDeniedException", "message": "no"}'
    way.answer = lambda asked: refusal if "DeleteMessage" in asked.target else None
    follower = place.follower()
    assert not follower.step()
    assert (len(place.events()), place.left()) == (1, 1)
    assert "could not be asked" in str(follower.status().problem)
    (entry,) = next(json.loads(each.body)["Entries"] for each in way.asked if "DeleteMessage" in each.target)
    way.reset()
    again = {"QueueUrl": place.url, "ReceiptHandle": entry["ReceiptHandle"], "VisibilityTimeout": 0}
    place.clients["sqs"].change_message_visibility(**again)
    assert place.follower().step()
    assert way.gets() == []
    assert (len(place.events()), place.left(), describe(place.history).duplicates) == (1, 0, 0)


def test_a_queue_that_cannot_be_asked_is_a_sentence_and_asked_ever_less_often(place: Place, way: Passage) -> None:
    follower = place.follower()
    way.answer = lambda _: (400, b'{"__type": "AccessDeniedException", "message": "no"}')
    for pause in (30, 60, 120):
        way.asked.clear()
        assert not follower.step()
        assert len(way.asked) == 1
        assert follower.status().problem == (
            f"The queue {place.url.rsplit('/', 1)[-1]} could not be asked: AccessDeniedException on ReceiveMessage."
        )
        place.clock.now += timedelta(seconds=pause - 1)
        assert not follower.step()
        assert len(way.asked) == 1
        place.clock.now += timedelta(seconds=1)
    way.reset()
    place.send(s3(place.write(), size=1, eTag="e"))
    assert follower.step()
    assert follower.status().problem is None


def test_credentials_that_have_ended_leave_the_message_in_the_queue(place: Place, way: Passage) -> None:
    name = place.write()
    place.send(s3(name, size=1, eTag="e"))
    way.answer = lambda asked: s3_error("ExpiredToken", 400) if asked.path.endswith(name) else None
    follower = place.follower()
    assert not follower.step()
    assert (place.events(), place.left()) == ([], 1)
    assert "ExpiredToken on GetObject" in str(follower.status().problem)


def test_the_status_says_how_far_behind_the_history_is(place: Place) -> None:
    began = datetime.now(UTC)
    place.send(s3(place.write(), size=1, eTag="e"))
    place.send(s3(f"{FOLDER}/not-yet.json.gz", size=1, eTag="e"))
    sent = datetime.now(UTC)
    place.clock.now = sent + timedelta(minutes=10)
    follower = place.follower()
    follower.step()
    status = follower.status()
    assert status.looked_at == place.clock.now
    assert status.queue_age is not None
    assert timedelta(minutes=10) <= status.queue_age <= timedelta(minutes=10, seconds=1) + (sent - began)
    assert (status.waiting, status.tried_again) == (2, 1)
    place.clock.now += timedelta(minutes=2)
    follower.step()
    assert (follower.status().waiting, follower.status().queue_age) == (1, None)


def test_the_queue_policy_of_the_documentation_lets_the_bucket_in_and_no_other(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "connecting-aws.md").read_text(encoding="utf-8")
    (policy,) = (block.text for block in blocks(page) if "sqs:SendMessage" in block.text)
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{place.url.rsplit('/', 1)[-1]}"
    names = {"arn:aws:sqs:eu-west-1:444455556666:triage-logs": arn, "444455556666": ACCOUNT, "YOUR-TRAIL-BUCKET": TRAIL}
    for shown, ours in names.items():
        policy = policy.replace(shown, ours)
    place.clients["sqs"].set_queue_attributes(QueueUrl=place.url, Attributes={"Policy": policy})
    place.clients["s3"].create_bucket(Bucket="a-strangers")
    wanted = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    for bucket in (TRAIL, "a-strangers"):
        place.clients["s3"].put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={"QueueConfigurations": [wanted]},
            SkipDestinationValidation=True,
        )
    name = place.write(bucket="a-strangers")
    place.write()
    monkeypatch.setattr(queue, "WAIT_SECONDS", 1)
    follower = place.follower()
    while follower.step():
        pass
    place.clients["s3"].put_bucket_notification_configuration(Bucket=TRAIL, NotificationConfiguration={})
    assert [event.id for event in place.events()] == [record(place.written)["eventID"]]
    assert all(name not in str(each) for each in describe(place.history).set_aside)
    assert place.left() == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://sqs.eu-west-1.amazonaws.com/111122223333/triage-logs", ("111122223333", "triage-logs", "eu-west-1")),
        ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/logs.fifo", ("111122223333", "logs.fifo", "cn-north-1")),
        ("http://127.0.0.1:4566/111122223333/logs", ("111122223333", "logs", None)),
        ("", None),
        ("https://sqs.eu-west-1.amazonaws.com/logs", None),
        ("arn:aws:sqs:eu-west-1:111122223333:logs", None),
    ],
)
def test_where_a_queue_is(url: str, told: tuple[str, str, str | None] | None) -> None:
    found = queue_address_of(url)
    assert (found and (found.account, found.name, found.region)) == told
