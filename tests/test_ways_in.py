"""Alerts from a queue and from a topic, over real HTTP: none is lost and none counts twice, wherever the bot dies."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from bot.config import load
from bot.demo.slack import LocalSlack
from bot.permissions import reading_policy
from tests.crash_runner import TAKE_IN
from tests.history.passage import Asked, Passage, opened
from tests.intake.test_forms import event, notification
from tests.remediation.cloud import ACCOUNT, SEATS, running, seat
from tests.signing import CERTIFICATE, Signer
from tests.site import Site

SIGNER = Signer("sns.amazonaws.com", datetime.now(UTC))


def root(service: str, way: Passage) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=way.url, **keys)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    with running(tmp_path_factory.mktemp("aws")) as cloud, opened(cloud.endpoint) as passage:
        passage.answer = certificate
        yield passage


def certificate(asked: Asked) -> tuple[int, bytes] | None:
    """What SNS answers for the certificate; the local one has none."""
    if asked.method == "GET" and asked.path.endswith(".pem"):
        return (200, SIGNER.certificate) if asked.path == f"/{CERTIFICATE}.pem" else (403, b"")
    return None


@dataclass
class Senders:
    queue: str
    topic: str


@pytest.fixture
def senders(tmp_path: Path, way: Passage) -> Senders:
    queue = root("sqs", way).create_queue(QueueName=tmp_path.name)["QueueUrl"]
    return Senders(queue, root("sns", way).create_topic(Name=tmp_path.name)["TopicArn"])


@pytest.fixture
def site(tmp_path: Path, way: Passage, senders: Senders) -> Iterator[Site]:
    """A bot with a queue and a topic of its own, and a reading role that may do what is declared and nothing else."""
    with LocalSlack() as slack:
        made = Site(tmp_path, slack, seat(SEATS // 4), way.url)
        with made.config.open("a") as config:
            config.write(f'[sources.aws]\nauth = "sqs"\nqueue_url = {json.dumps(senders.queue)}\n')
            config.write(f'[sources.topic]\nauth = "sns"\ntopics = [{json.dumps(senders.topic)}]\n')
        document = reading_policy(load(made.config, {}))
        # AWS lets call a batch whoever may make the single call; the local one asks for the batch's own name.
        statement = next(each for each in document["Statement"] if "sqs:DeleteMessage" in each["Action"])
        statement["Action"] += ["sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch"]
        policy = json.dumps(document)
        root("iam", way).put_role_policy(RoleName="TriageRead", PolicyName="declared", PolicyDocument=policy)
        yield made
        made.close()


def record(site: Site, number: int) -> dict[str, Any]:
    """A call of the stolen key, as CloudTrail tells it."""
    user = {
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{site.seat.user}",
        "accountId": ACCOUNT,
        "accessKeyId": site.seat.stolen.id,
        "userName": site.seat.user,
    }
    return {
        "eventID": f"event-{number}",
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "iam.amazonaws.com",
        "eventName": "ListUsers",
        "sourceIPAddress": "203.0.113.7",
        "awsRegion": "us-east-1",
        "userIdentity": user,
    }


def put(way: Passage, senders: Senders, *bodies: Any) -> None:
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        root("sqs", way).send_message(QueueUrl=senders.queue, MessageBody=text)


def left(way: Passage, senders: Senders) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = root("sqs", way).get_queue_attributes(QueueUrl=senders.queue, AttributeNames=names)["Attributes"]
    return sum(int(told[name]) for name in names)


def known(site: Site) -> list[str]:
    return [row[0] for row in site.rows("SELECT alert_id FROM case_alerts ORDER BY alert_id")]


# ------------------------------------------------------------------------------------------------------- the queue


SELDOM = ("alert kept, not committed", "deleted")
"""Points that the others stand for: `make test-full` dies there, too."""


@pytest.mark.parametrize(
    "point", [pytest.param(name, marks=[pytest.mark.full] if name in SELDOM else []) for name in TAKE_IN]
)
def test_an_alert_is_taken_in_once_wherever_the_bot_dies(
    site: Site, way: Passage, senders: Senders, point: str
) -> None:
    site.start(f"take in: {point}")
    put(way, senders, event(record(site, 1)), event(record(site, 2)))
    assert site.ended() == -signal.SIGKILL
    put(way, senders, notification(event(record(site, 3))))
    site.start()
    site.until(lambda: len(known(site)) == 3 and left(way, senders) == 0)
    assert known(site) == ["aws:event-1", "aws:event-2", "aws:event-3"]
    assert site.rows("SELECT count(*) FROM deliveries") == [(3,)]
    assert site.rows("SELECT count(*) FROM cases") == [(1,)]
    assert site.stop() == 0


def test_a_message_that_is_no_alert_is_kept_apart_and_stops_nothing(site: Site, way: Passage, senders: Senders) -> None:
    put(way, senders, "hello", "[" * 1000, event(record(site, 1)))
    site.start()
    site.until(lambda: known(site) and left(way, senders) == 0)
    dead = site.rows("SELECT kind, json_extract(payload, '$.body'), error FROM jobs WHERE state = 'dead' ORDER BY id")
    assert sorted(dead) == [
        ("read", "[" * 1000, "The JSON is nested deeper than 64 levels."),
        ("read", "hello", "The body is not JSON: Expecting value (line 1, column 1)."),
    ]


# ------------------------------------------------------------------------------------------------------- the topic


@contextmanager
def resigned(site: Site, **changes: Any) -> Iterator[tuple[str, list[int]]]:
    """An address that signs what the local SNS sends, and hands it on to the bot; what the bot answered."""
    answers: list[int] = []

    class Relay(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            signed = SIGNER.sign({**body, "SignatureVersion": "2"}) | changes
            answers.append(post(site, signed).status_code)
            self.send_response(answers[-1])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(site: Site, message: dict[str, Any]) -> httpx.Response:
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    url = f"http://127.0.0.1:{site.port}/alerts/topic"
    return httpx.post(url, content=json.dumps(message), headers=headers, trust_env=False, timeout=30)


def pending(way: Passage, subscription: str) -> bool:
    told = root("sns", way).get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    return bool(told["PendingConfirmation"] == "true")


def test_a_topic_is_subscribed_to_by_a_call_of_ours_and_its_messages_are_alerts(
    site: Site, way: Passage, senders: Senders
) -> None:
    site.start()
    way.asked.clear()
    with resigned(site) as (relay, answers):
        asked = {"TopicArn": senders.topic, "Protocol": "http", "Endpoint": relay, "ReturnSubscriptionArn": True}
        root("sns", way).subscribe(**asked)
        (subscription,) = root("sns", way).list_subscriptions_by_topic(TopicArn=senders.topic)["Subscriptions"]
        site.until(lambda: b"Action=ConfirmSubscription" in b"".join(each.body for each in way.asked))
        site.until(lambda: not site.rows("SELECT 1 FROM jobs WHERE kind = 'confirm_subscription' AND state <> 'done'"))
        assert b"AuthenticateOnUnsubscribe=true" in b"".join(each.body for each in way.asked)
        assert not [each for each in way.asked if each.method == "GET" and "ConfirmSubscription" in each.path]
        assert subscription
        root("sns", way).publish(TopicArn=senders.topic, Message=json.dumps(event(record(site, 1))))
        site.until(lambda: known(site))
    assert known(site) == ["topic:event-1"]
    assert answers == [202, 202]
    assert [each.path for each in way.asked if each.path.endswith(".pem")] == [f"/{CERTIFICATE}.pem"]


def made_up(senders: Senders, **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "Type": "Notification",
        "MessageId": "m",
        "TopicArn": senders.topic,
        "Message": '{"title": "made up"}',
        "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": "2",
        **changes,
    }


def test_who_cannot_sign_for_the_topic_is_not_heard(site: Site, way: Passage, senders: Senders) -> None:
    site.start()
    way.asked.clear()
    thief = Signer("sns.amazonaws.com", datetime.now(UTC))
    old = (datetime.now(UTC) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for refused in (
        thief.sign(made_up(senders)),
        SIGNER.sign(made_up(senders, TopicArn=f"{senders.topic}2")),
        SIGNER.sign(made_up(senders, Timestamp=old)),
        {**SIGNER.sign(made_up(senders)), "Message": "changed"},
        {**made_up(senders), "Signature": "FAKE", "SigningCertURL": f"{way.url}/{CERTIFICATE}.pem"},
        thief.sign({**made_up(senders, Type="SubscriptionConfirmation"), "Token": "t", "SubscribeURL": way.url}),
    ):
        answer = post(site, refused)
        assert (answer.status_code, answer.content) == (401, b"")
    unknown = {**SIGNER.sign(made_up(senders)), "SigningCertURL": f"https://x/{CERTIFICATE[:-8]}00000000.pem"}
    assert post(site, unknown).status_code == 503
    assert post(site, SIGNER.sign(made_up(senders))).status_code == 202
    assert site.rows("SELECT count(*) FROM deliveries") == [(1,)]
    assert not site.rows("SELECT 1 FROM jobs WHERE kind = 'confirm_subscription'")
