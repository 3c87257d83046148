"""An SQS queue: messages taken, kept back for a while, given back, deleted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import NoWayIn, in_words

PERMISSIONS = frozenset(
    {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"}
)
"""Every call of this module; those of a batch are allowed with the single one (SQS developer guide, permissions)."""

AT_ONCE = 10
"""What one call may take or delete (SQS API reference)."""
WAIT_SECONDS = 5
"""How long a call waits for a message: less than what a client waits for an answer, and than a shutdown takes."""
HELD = timedelta(minutes=5)
"""How long a taken message is nobody else's."""

_URL = re.compile(r"https?://(?:sqs\.(?P<region>[a-z0-9-]+)\.)?[^/]+/(?P<account>\d{12})/(?P<name>[\w.-]{1,80})")


class QueueUnavailable(Exception):
    """The queue could not be asked; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class QueueAddress:
    """Where a queue is: its account and name, and its region where its URL says so."""

    account: str
    name: str
    region: str | None


def queue_address_of(url: str) -> QueueAddress | None:
    """What the URL of a queue says; ``None`` if it is not of that form."""
    found = _URL.fullmatch(url)
    return QueueAddress(found["account"], found["name"], found["region"]) if found else None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is ours for a while. ``received`` is how often it was taken, this time included."""

    id: str
    body: str
    sent_at: datetime
    received: int
    handle: str


class Queue:
    """One queue. ``client`` gives an SQS client, and may raise ``NoWayIn``, ``ClientError``, ``BotoCoreError``.

    Every method raises ``QueueUnavailable``.
    """

    def __init__(self, client: Callable[[], Any], url: str) -> None:
        self._client = client
        self._url = url
        self.name = url.rsplit("/", 1)[-1]

    def take(self, *, wait: bool) -> list[Message]:
        """Some messages, which nobody else gets for a while; with ``wait``, once there is one or a few seconds pass."""
        answer = self._call(
            "receive_message",
            MaxNumberOfMessages=AT_ONCE,
            WaitTimeSeconds=WAIT_SECONDS if wait else 0,
            VisibilityTimeout=int(HELD.total_seconds()),
            AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
        )
        return [_message(each) for each in answer.get("Messages", ())]

    def delete(self, messages: Sequence[Message]) -> None:
        for some in _some(messages):
            entries = [{"Id": str(number), "ReceiptHandle": each.handle} for number, each in enumerate(some)]
            self._call("delete_message_batch", Entries=entries)

    def give_back(self, messages: Sequence[Message], after: Callable[[Message], timedelta]) -> None:
        """Let each be taken again, by anybody, ``after`` a while."""
        for some in _some(messages):
            entries = [
                {"Id": str(n), "ReceiptHandle": each.handle, "VisibilityTimeout": int(after(each).total_seconds())}
                for n, each in enumerate(some)
            ]
            self._call("change_message_visibility_batch", Entries=entries)

    def waiting(self) -> int:
        """About how many messages are in the queue, those included that somebody has taken."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._call("get_queue_attributes", AttributeNames=names).get("Attributes", {})
        return sum(int(told.get(name, 0)) for name in names)

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client(), operation)(QueueUrl=self._url, **request)
        except NoWayIn as error:
            raise QueueUnavailable(str(error)) from error
        except (ClientError, BotoCoreError) as error:
            raise QueueUnavailable(f"The queue {self.name} could not be asked: {in_words(error)}.") from error
        return answer


def _message(told: dict[str, Any]) -> Message:
    attributes = told.get("Attributes", {})
    sent_at = datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC)
    received = int(attributes.get("ApproximateReceiveCount", 1))
    return Message(told["MessageId"], told.get("Body", ""), sent_at, received, told["ReceiptHandle"])


def _some(messages: Sequence[Message]) -> list[Sequence[Message]]:
    return [messages[start : start + AT_ONCE] for start in range(0, len(messages), AT_ONCE)]
