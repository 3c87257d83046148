"""What AWS itself counts: ``bot.model.Statistics`` over the clients of ``bot.aws``. It only reads.

SES counts what an account mails in each region, whoever mailed it and however: mail by SMTP is in no CloudTrail log,
and mail by API only where a trail takes SES's data events. Regions are asked at once, and one that does not answer in
time is an ``Unread`` like every failure.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Aws, NoWayIn, in_words
from bot.model import MailQuarter, MailSent, Unread
from bot.threads import Threads

PERMISSIONS = frozenset({"ses:GetSendStatistics"})
"""Every call of this module. SES's quota would tell less, and asking for it is what thieves do first."""

KEPT = timedelta(days=14)
"""How far back SES counts (SES API reference, GetSendStatistics)."""
SECONDS = 5.0
REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,16}){1,3}-\d{1,2}")
"""A record may hold anything in its region's place, and boto3 makes a host's name of it."""


class AwsStatistics:
    """``bot.model.Statistics``. Safe from several threads."""

    def __init__(self, aws: Aws, clock: Callable[[], datetime], seconds: float = SECONDS) -> None:
        self._aws = aws
        self._clock = clock
        self._seconds = seconds
        self._threads = Threads()

    def mail(self, account: str, regions: Sequence[str]) -> Mapping[str, MailSent | Unread]:
        """What ``account`` mailed in each of ``regions``, all of them asked at once."""
        arrived: SimpleQueue[tuple[str, MailSent | Unread]] = SimpleQueue()
        for region in regions:
            self._ask(account, region, arrived)
        found: dict[str, MailSent | Unread] = {}
        until = time.monotonic() + self._seconds
        while len(found) < len(regions):
            try:
                region, sent = arrived.get(timeout=max(until - time.monotonic(), 0.0))
            except Empty:
                break
            found[region] = sent
        late = Unread(f"no answer within {self._seconds:g} seconds")
        return {region: found.get(region, late) for region in regions}

    def _ask(self, account: str, region: str, arrived: SimpleQueue[tuple[str, MailSent | Unread]]) -> None:
        self._threads.run(lambda: arrived.put((region, self._mail(account, region))))

    def _mail(self, account: str, region: str) -> MailSent | Unread:
        if not REGION.fullmatch(region):
            return Unread("that is no region of AWS")
        try:
            answer = self._aws.reader("ses", account, region).get_send_statistics()
            return MailSent(self._clock() - KEPT, tuple(sorted(map(_quarter, answer["SendDataPoints"]), key=_at)))
        except NoWayIn as error:
            return Unread(str(error))
        except (ClientError, BotoCoreError) as error:
            return Unread(in_words(error))


def _quarter(point: Mapping[str, Any]) -> MailQuarter:
    return MailQuarter(
        at=point["Timestamp"].astimezone(UTC),
        sent=point["DeliveryAttempts"],
        bounced=point["Bounces"],
        complained=point["Complaints"],
        rejected=point["Rejects"],
    )


def _at(quarter: MailQuarter) -> datetime:
    return quarter.at
