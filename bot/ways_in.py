"""How alerts get in: settings -> a door for each source that sends, a queue for each that is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot import web
from bot.aws import Aws
from bot.config.settings import Settings
from bot.config.settings import Source as SourceTable
from bot.history.queue import Queue, queue_address_of
from bot.intake import sns
from bot.intake.polling import AlertQueue
from bot.pipeline import Pipeline
from bot.store import jobs
from bot.store.state import State
from bot.topics import CONFIRM, Certificates, Subscriptions
from bot.workers import Handler


class Ways:
    """Every way in of one bot."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        aws: Aws,
        pipeline: Pipeline,
        state: State,
        clock: Callable[[], datetime],
    ) -> None:
        self._sources = settings.sources
        self._environ = environ
        self._aws = aws
        self._pipeline = pipeline
        self._state = state
        self._clock = clock
        topics = [sns.topic_of(arn) for table in self._sources.values() for arn in table.topics]
        regions = {topic.region for topic in topics if topic is not None}
        self._certificates = Certificates(lambda region: aws.endpoint("sns", region), regions, clock)
        self._subscriptions = Subscriptions(lambda account, region: aws.reader("sns", account, region))

    def doors(self) -> dict[str, web.Door | web.TopicDoor]:
        """A door for each source that sends. Raises ``MissingSecret``."""
        return {name: self._door(table) for name, table in self._sources.items() if table.auth != "sqs"}

    def queues(self) -> list[AlertQueue]:
        """A queue for each source that is asked."""
        return [self._queue(name, table) for name, table in self._sources.items() if table.auth == "sqs"]

    def handlers(self) -> dict[str, Handler]:
        return {CONFIRM: self._subscriptions.confirm}

    def close(self) -> None:
        self._certificates.close()

    def _door(self, table: SourceTable) -> web.Door | web.TopicDoor:
        match table.auth:
            case "hmac" | "bearer" | "api_key":
                return web.Door(table.auth, tuple(secret.read(self._environ) for secret in table.secrets))
        return web.TopicDoor(table.topics, self._certificates.certificate, self._confirm)

    def _queue(self, name: str, table: SourceTable) -> AlertQueue:
        where = queue_address_of(table.queue_url)
        account, region = (where.account, where.region) if where else ("", None)
        queue = Queue(lambda: self._aws.reader("sqs", account, region), table.queue_url)
        return AlertQueue(name, queue, self._pipeline.accept, self._pipeline.bury, self._clock)

    def _confirm(self, topic: str, token: str) -> None:
        """Queue the confirmation of a subscription, once for a token. Raises ``StateUnavailable``."""
        asked, once, now = {"topic": topic, "token": token}, f"confirm:{token}"[:200], self._clock()
        self._state.write(lambda db: jobs.add(db, CONFIRM, asked, now, pool="upkeep", once=once))
