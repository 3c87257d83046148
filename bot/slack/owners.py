"""The job that asks a key's owner by direct message: finds them, opens the conversation, hands the question on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import owners
from bot.database import Database
from bot.model import Actor
from bot.slack.client import FAULTS
from bot.slack.whom import Whom
from bot.store import jobs
from bot.store.jobs import Job
from bot.store.state import State
from bot.telling import ASK_OWNER, Telling
from bot.workers import Commit, Handler

SCOPE = "the app lacks im:write: install it again with deploy/slack-manifest.yaml"

log = structlog.get_logger()


class OwnerQuestions:
    """Carries out what “Ask the owner…” asked for."""

    def __init__(
        self, state: State, client: WebClient, telling: Telling, whom: Whom, clock: Callable[[], datetime]
    ) -> None:
        self._state = state
        self._client = client
        self._telling = telling
        self._whom = whom
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """The job of the pool ``ask``."""
        return {ASK_OWNER: self.ask}

    def ask(self, job: Job) -> Commit:
        """Ask, once; where nobody can be asked, the case's thread says why."""
        number, actor = job.payload["case"], Actor(job.payload["actor"]["id"], job.payload["actor"]["name"])
        case = self._telling.load(self._state.read(), number)
        try:
            found = self._whom.owner(case)
            opened = self._client.conversations_open(users=found.user).get("channel") if found.user else None
        except FAULTS as error:
            code = error.response.get("error") if isinstance(error, SlackApiError) else None
            if code is None and job.attempts < jobs.ATTEMPTS:
                raise
            log.warning("the owner of a key could not be asked", case=number, why=str(code or type(error).__name__))
            why = SCOPE if code == "missing_scope" else f"Slack says {code or type(error).__name__}"
            return lambda db: self._telling.owner_not_asked(db, number, why)
        if not opened:
            return lambda db: self._telling.owner_not_asked(db, number, found.why)
        channel, person = str(opened["id"]), f"{actor.id.rpartition(':')[0]}:{found.user}"

        def commit(db: Database) -> None:
            now = self._clock()
            until = now + self._telling.patience()
            asked = owners.ask(db, number, person, found.why, actor, now, until)
            self._telling.owner_asked(db, asked, channel)

        return commit
