"""A case's report as files in its thread: one HTML page, Markdown, and the calls of its keys as CSV.

Sharing a file is no call that may be made twice. So each request names its files, and where an answer was lost the
thread is searched for them. https://docs.slack.dev/messaging/working-with-files/
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.charts import pictures_of
from bot.charts.pictures import Picture
from bot.measures import Times
from bot.model import Actor, Case, Event, Refusal
from bot.report import as_html, as_markdown, events_csv, report
from bot.slack.client import FAULTS
from bot.store import jobs, outbox
from bot.store.jobs import Job
from bot.store.outbox import Posted
from bot.store.state import State
from bot.telling import REPORT, Telling, thread_of
from bot.workers import Commit, Handler, nothing

PAGE, PAGES = 200, 25
NO_SCOPE = "the app lacks files:write: install it again with deploy/slack-manifest.yaml"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a report."""

    extension: str
    title: str
    content: str


class Asked(Protocol):
    """What is asked of ``bot.operations``, for a person."""

    def recognise(self, actor: Actor) -> None: ...

    def case(self, number: int, actor: Actor) -> Case | Refusal: ...

    def times(self, case: int, actor: Actor) -> Times | Refusal: ...

    def events_of(self, case: int, actor: Actor) -> tuple[Event, ...] | Refusal: ...


class Reports:
    """The job behind “Report as files”."""

    def __init__(
        self, state: State, client: WebClient, telling: Telling, asked: Asked, clock: Callable[[], datetime]
    ) -> None:
        self._state = state
        self._client = client
        self._telling = telling
        self._asked = asked
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """The job of the pool ``ask``."""
        return {REPORT: self.send}

    def send(self, job: Job) -> Commit:
        """Make the report and share its files in the case's thread; where that cannot be, say so there."""
        number, name = job.payload["case"], job.payload["name"]
        actor = Actor(job.payload["actor"]["id"], job.payload["actor"]["name"])
        files = self._write(number, actor)
        if isinstance(files, Refusal):
            return self._refused(number, files.sentence)
        case = self._telling.load(self._state.read(), number)
        root = outbox.posted(self._state.read(), thread_of(case))
        if root is None:
            return self._refused(number, "The case has no card yet, so there is no thread for its report.")
        try:
            if job.attempts == 1 or not self._is_there(root, name):
                self._share(root, name, files, f"Report of case #{number}, asked for by {actor.name}.")
        except FAULTS as error:
            code = error.response.get("error") if isinstance(error, SlackApiError) else None
            if code != "missing_scope" and job.attempts < jobs.ATTEMPTS:
                raise
            why = NO_SCOPE if code == "missing_scope" else str(code or type(error).__name__)
            log.warning("a report could not be shared", case=number, why=why)
            told = f"The report of case #{number} could not be shared: {why}. `triage case report {number}` prints it."
            return self._refused(number, told)
        return nothing

    def _write(self, number: int, actor: Actor) -> tuple[Written, ...] | Refusal:
        """HTML and Markdown, and CSV where the history could be asked for the calls."""
        self._asked.recognise(actor)
        case = self._asked.case(number, actor)
        if isinstance(case, Refusal):
            return case
        times, events = self._asked.times(number, actor), self._asked.events_of(number, actor)
        told = report(case, self._clock(), None if isinstance(times, Refusal) else times)
        calls = [] if isinstance(events, Refusal) else [Written("csv", "Calls of its keys", events_csv(events))]
        return (
            Written("html", "Report: opens in a browser and prints", as_html(told, _drawn(case))),
            Written("md", "Report for a ticket", as_markdown(told)),
            *calls,
        )

    def _refused(self, case: int, sentence: str) -> Commit:
        return lambda db: self._telling.report_refused(db, case, sentence)

    def _share(self, root: Posted, name: str, files: tuple[Written, ...], comment: str) -> None:
        self._client.files_upload_v2(
            channel=root.channel,
            thread_ts=root.ts,
            initial_comment=comment,
            request_file_info=False,
            file_uploads=[
                {"content": each.content, "filename": f"{name}.{each.extension}", "title": each.title} for each in files
            ],
        )

    def _is_there(self, root: Posted, name: str) -> bool:
        """Whether an earlier attempt shared the files, though its answer was lost."""
        cursor = ""
        for _ in range(PAGES):
            page = self._client.conversations_replies(channel=root.channel, ts=root.ts, cursor=cursor, limit=PAGE)
            shared = [file for message in page.get("messages") or [] for file in message.get("files") or []]
            if any(str(file.get("name", "")).startswith(f"{name}.") for file in shared):
                return True
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return False


def _drawn(case: Case) -> tuple[Picture, ...]:
    """The pictures of the scope of a case."""
    scope = case.triage.scope if case.triage is not None else None
    return pictures_of(scope) if scope is not None else ()
