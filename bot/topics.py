"""SNS topics that alerts come from over HTTPS: their certificates, and the confirmation of their subscriptions.

Nothing that stands in a message is fetched: a certificate comes from SNS in the topic's own region, a subscription is
confirmed by a signed call.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import NoWayIn, in_words
from bot.http import Outbound, Unfetched
from bot.intake import sns
from bot.store.jobs import Job
from bot.workers import Commit, nothing

PERMISSIONS = frozenset({"sns:ConfirmSubscription"})
"""Every call of this module."""
CONFIRM = "confirm_subscription"

MOST_BYTES = 16 * 1024
SECONDS = 5.0
"""SNS waits 15 seconds for an answer."""
MOST_KEPT = 64
MOST_ASKED, ASKED_WITHIN = 30, timedelta(minutes=1)
"""Names of certificates that nobody knows yet, and that anybody may make up: so many are asked for, and no more."""

log = structlog.get_logger()


class CertificateUnavailable(Exception):
    """A certificate cannot be had now: whether a message is authentic is not known. The message is a sentence."""


class CannotConfirm(Exception):
    """A subscription could not be confirmed; the message is a sentence."""


class Certificates:
    """SNS's signing certificates, each asked for once. ``endpoint`` says where SNS is in a region."""

    def __init__(self, endpoint: Callable[[str], str], regions: Iterable[str], clock: Callable[[], datetime]) -> None:
        self._places = {region: endpoint(region).rstrip("/") for region in regions}
        self._outbound = Outbound(self._places.values(), seconds=SECONDS, most_bytes=MOST_BYTES)
        self._clock = clock
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._asked: deque[datetime] = deque(maxlen=MOST_ASKED)

    def certificate(self, region: str, name: str) -> bytes:
        """The certificate (PEM) of this name. Raises :class:`CertificateUnavailable`."""
        if (known := self._known(region, name)) is not None:
            return known
        with self._fetching:
            known = self._known(region, name)
            if known is None:
                known = self._fetched(region, name)
                self._keep((region, name), known)
            return known

    def close(self) -> None:
        self._outbound.close()

    def _known(self, region: str, name: str) -> bytes | None:
        with self._lock:
            return self._kept.get((region, name))

    def _fetched(self, region: str, name: str) -> bytes:
        now = self._clock()
        if len(self._asked) == MOST_ASKED and now - self._asked[0] < ASKED_WITHIN:
            raise CertificateUnavailable("too many unknown certificates were named within a minute")
        self._asked.append(now)
        try:
            page = self._outbound.get(f"{self._places[region]}/SimpleNotificationService-{name}.pem")
        except Unfetched as error:
            raise CertificateUnavailable(str(error)) from error
        if page.status != 200:
            raise CertificateUnavailable(f"SNS in {region} answered {page.status} for the certificate {name}")
        return page.body

    def _keep(self, name: tuple[str, str], certificate: bytes) -> None:
        with self._lock:
            self._kept[name] = certificate
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


class Subscriptions:
    """Confirms subscriptions of topics that are let in. ``client`` gives an SNS client for an account and a region."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client

    def confirm(self, job: Job) -> Commit:
        """The job ``confirm_subscription``. Raises :class:`CannotConfirm`: it is tried again."""
        topic = sns.topic_of(job.payload["topic"])
        if topic is None:
            return nothing
        try:
            # From then on, only the topic's owner can take the subscription away again.
            self._client(topic.account, topic.region).confirm_subscription(
                TopicArn=topic.arn, Token=job.payload["token"], AuthenticateOnUnsubscribe="true"
            )
        except NoWayIn as error:
            raise CannotConfirm(f"The subscription to {topic.arn} is not confirmed: {error}") from error
        except (ClientError, BotoCoreError) as error:
            why = f"{in_words(error)}; allow sns:ConfirmSubscription on the topic (`triage permissions`)"
            raise CannotConfirm(f"The subscription to {topic.arn} is not confirmed: {why}.") from error
        log.info("subscription confirmed", topic=topic.arn)
        return nothing
