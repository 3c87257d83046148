"""What stands in the messages of a queue, and what a stranger may have put there."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.history.notices import LONGEST, NoNotice, Notice, WrittenLog, notice_of
from tests.history.made import ACCOUNT, record

KEY = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/11/20/a+b c.json.gz"
LOG = WrittenLog("trail", KEY, 1024, "e1")


def s3(key: str = KEY.replace("+", "%2B").replace(" ", "+"), event: str = "ObjectCreated:Put", **found: Any) -> Any:
    made = {"key": key, "size": 1024, "eTag": "e1", "sequencer": "0"} | found
    about = {"bucket": {"name": "trail", "arn": "arn:aws:s3:::trail"}, "object": made}
    return {"Records": [{"eventSource": "aws:s3", "eventName": event, "awsRegion": "us-east-1", "s3": about}]}


def by_eventbridge(kind: str = "Object Created", source: str = "aws.s3", **detail: Any) -> Any:
    about = {"bucket": {"name": "trail"}, "object": {"key": KEY, "size": 1024, "etag": "e1"}} | detail
    return {"version": "0", "id": "1", "source": source, "account": ACCOUNT, "detail-type": kind, "detail": about}


def of_cloudtrail(*keys: Any) -> Any:
    return {"s3Bucket": "trail", "s3ObjectKey": list(keys)}


def in_sns(told: Any, **changes: Any) -> Any:
    message = told if isinstance(told, str) else json.dumps(told)
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:…", "Message": message} | changes


@pytest.mark.parametrize(
    ("told", "logs"),
    [
        (s3(), [LOG]),
        (s3(eTag='"e1"'), [LOG]),
        (s3(event="ObjectCreated:CompleteMultipartUpload"), [LOG]),
        (s3(event="ObjectRemoved:Delete"), []),
        (s3("AWSLogs/1/CloudTrail-Digest/a.json.gz"), []),
        (s3("folder/"), []),
        ({"Records": []}, []),
        (in_sns(s3()), [LOG]),
        (by_eventbridge(), [LOG]),
        (in_sns(by_eventbridge()), [LOG]),
        (by_eventbridge("Object Deleted"), []),
        (of_cloudtrail(KEY), [WrittenLog("trail", KEY)]),
        (in_sns(of_cloudtrail(KEY, "b.json.gz", KEY)), [WrittenLog("trail", KEY), WrittenLog("trail", "b.json.gz")]),
        (in_sns("CloudTrail validation message."), []),
        (in_sns("Confirm", Type="SubscriptionConfirmation"), []),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}, []),
        (in_sns({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}), []),
    ],
)
def test_logs_that_were_written(told: Any, logs: list[WrittenLog]) -> None:
    assert notice_of(json.dumps(told)) == Notice(tuple(logs))


@pytest.mark.parametrize(
    "kind", ["AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail", "AWS Service Event via CloudTrail"]
)
def test_records_that_were_brought(kind: str) -> None:
    told = {"detail-type": kind, "source": "aws.iam", "detail": record(1)}
    for each in (told, in_sns(told)):
        (brought,) = notice_of(json.dumps(each)).records
        assert json.loads(brought) == record(1)


DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ("\x00\ud800", "not JSON"),
        ("[1]", "not a JSON object"),
        ("null", "not a JSON object"),
        (DEEP, "nested too deeply"),
        ("9" * 5000, "not JSON"),
        ("x" * (LONGEST + 1), "larger than a message can be"),
        ("{}", "of no known form"),
        (json.dumps({"Message": 7}), "of no known form"),
        (json.dumps(in_sns("not json")), "not JSON"),
        (json.dumps(in_sns(in_sns(s3()))), "of no known form"),
        (json.dumps({"Records": [record(1)]}), "not those of S3"),
        (json.dumps({"Records": ["x"]}), "not those of S3"),
        (json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]}), "does not say which"),
        (json.dumps(s3(size="many")), "does not say which"),
        (json.dumps(s3(size=1e308 * 10)), "does not say which"),
        (json.dumps(s3(size=1 << 70)), "does not say which"),
        (json.dumps(s3(size=-1)), "does not say which"),
        (json.dumps(s3(eTag=["x"])), "does not say which"),
        (json.dumps(s3("")), "does not say which"),
        (json.dumps(s3("k" * 1025)), "does not say which"),
        (json.dumps(of_cloudtrail(7)), "does not say which"),
        (json.dumps(of_cloudtrail("\ud800.json")), "does not say which"),
        (json.dumps({"s3Bucket": "../../etc", "s3ObjectKey": ["passwd.json"]}), "does not say which"),
        (json.dumps({"s3Bucket": "trail", "s3ObjectKey": "a.json"}), "s3ObjectKey is not a list"),
        (json.dumps(of_cloudtrail(*(f"{n}.json" for n in range(1001)))), "more than 1,000 logs"),
        (json.dumps(by_eventbridge(object="x")), "does not say which"),
        (json.dumps(by_eventbridge(source="aws.guardduty", kind="GuardDuty Finding")), "of no known form"),
        (json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": {"a": 1}}), "no CloudTrail record"),
        (json.dumps({"detail-type": "AWS API Call via CloudTrail", "detail": [1]}), "of no known form"),
    ],
    ids=lambda value: value[:40].strip("\x00\ud800") if isinstance(value, str) else value,
)
def test_anything_else_is_no_notice(body: str, reason: str) -> None:
    with pytest.raises(NoNotice, match=reason):
        notice_of(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("Records", "eventSource", "eventName", "s3", "bucket", "object", "name", "key", "size", "eTag"),
                    *(
                        "s3Bucket",
                        "s3ObjectKey",
                        "detail",
                        "detail-type",
                        "source",
                        "Message",
                        "Type",
                        "Event",
                        "eventID",
                    ),
                ]
            ),
            inner
            | st.sampled_from(
                ["aws:s3", "ObjectCreated:Put", "aws.s3", "Object Created", "AWS API Call via CloudTrail"]
            ),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_whatever_is_sent_is_a_notice_or_none(told: Any) -> None:
    with suppress(NoNotice):
        assert all(each.key for each in notice_of(json.dumps(told)).logs)
