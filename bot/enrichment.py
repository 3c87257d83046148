"""Ask all enrichers at once; every question ends in exactly one ``Enrichment``.

Python cannot stop a thread, so an enricher that hangs keeps its thread after its time limit. A pool of fixed size
would be eaten up by such threads one by one, until the next triage waits for nothing. So a new thread is started
whenever none is idle, threads are used again, and the hanging ones are counted: an enricher that holds
``MOST_HANGING`` of them is not asked again until one returns.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from bot.model import Answer, Context, Enrichment, Fact, NotAnswered, NotAsked, Observable, Signal, Status, Unknown
from bot.plugins import Plugin
from bot.threads import Threads

MOST_HANGING = 4
LONGEST_MESSAGE = 200

REMEDIES = {
    "history": "needs CloudTrail records of this window: run `triage ingest`",
    "ip_data": "needs IP data: run `triage ipdata update`",
    "iam": "needs AWS access to read IAM: name a reading role in config.toml",
    "cases": "needs the cases of a bot that serves",
    "web": "needs the web: allow it in config.toml",
    "threat_lists": 'needs a key: [threat_lists] abuseipdb = "env:…", or one of the others there',
}
"""What a person can do about a missing need."""


@dataclass(frozen=True, slots=True)
class Question:
    """One enricher to be asked about one observable."""

    plugin: Plugin
    observable: Observable

    @property
    def seconds(self) -> float:
        return self.plugin.declaration.seconds

    def ended(
        self, status: Status, elapsed: float, *, answer: Answer | None = None, why: str | None = None
    ) -> Enrichment:
        declaration = self.plugin.declaration
        return Enrichment(
            self.plugin.name, declaration.question, self.observable, status, answer, why, declaration.raises, elapsed
        )


Ended = tuple[int, Enrichment]


@dataclass(eq=False, slots=True)
class Asking:
    """One question on its way. It ends once: answered before its limit, or given up."""

    index: int
    question: Question
    seconds: float
    given_up: bool = False
    returned: bool = False


class Runner:
    """Asks questions. One lives as long as the process, so that it knows what still hangs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._threads = Threads()
        self._hanging: Counter[str] = Counter()
        self._lock = threading.Lock()

    def ask(self, questions: Sequence[Question], context: Context) -> Iterator[Ended]:
        """The index of each question with its ``Enrichment``, as they end. All limits count from this call."""
        start = self._clock()
        arrived: SimpleQueue[tuple[Asking, Enrichment]] = SimpleQueue()
        waiting: list[Asking] = []
        refused: list[Ended] = []
        for index, question in enumerate(questions):
            why = self._why_not(question, context)
            if why is not None:
                refused.append((index, why))
                continue
            asking = Asking(index, question, _limit(question, context))
            waiting.append(asking)
            self._start(asking, context, start, arrived)
        yield from refused
        yield from self._collect(waiting, arrived, start)

    def ask_all(self, questions: Sequence[Question], context: Context) -> tuple[Enrichment, ...]:
        """Every question's ``Enrichment`` in the order of ``questions``, however they end."""
        ended = dict(self.ask(questions, context))
        return tuple(ended[index] for index in range(len(questions)))

    def _why_not(self, question: Question, context: Context) -> Enrichment | None:
        missing = [need for need in sorted(question.plugin.declaration.needs) if not _has(context, need)]
        if missing:
            return question.ended(Status.SKIPPED, 0.0, why="; ".join(REMEDIES[need] for need in missing))
        with self._lock:
            hanging = self._hanging[question.plugin.name]
        if hanging >= MOST_HANGING:
            why = f"not asked: {hanging} earlier askings of it still hang; restart the bot"
            return question.ended(Status.FAILED, 0.0, why=why)
        return None

    def _start(
        self, asking: Asking, context: Context, start: float, arrived: SimpleQueue[tuple[Asking, Enrichment]]
    ) -> None:
        def answer() -> None:
            ended = _answered(asking.question, context, lambda: self._clock() - start)
            with self._lock:
                asking.returned = True
                self._hanging[asking.question.plugin.name] -= asking.given_up
            arrived.put((asking, ended))

        self._threads.run(answer)

    def _collect(
        self, waiting: list[Asking], arrived: SimpleQueue[tuple[Asking, Enrichment]], start: float
    ) -> Iterator[Ended]:
        while waiting:
            try:
                left = start + min(asking.seconds for asking in waiting) - self._clock()
                asking, ended = arrived.get(timeout=max(left, 0.0))
            except Empty:
                yield from self._give_up(waiting, self._clock() - start)
            else:
                if asking in waiting:
                    waiting.remove(asking)
                    yield asking.index, ended

    def _give_up(self, waiting: list[Asking], elapsed: float) -> Iterator[Ended]:
        for asking in [asking for asking in waiting if asking.seconds <= elapsed]:
            waiting.remove(asking)
            with self._lock:
                asking.given_up = not asking.returned
                self._hanging[asking.question.plugin.name] += asking.given_up
            why = f"no answer within {asking.seconds:g} seconds"
            yield asking.index, asking.question.ended(Status.TIMED_OUT, elapsed, why=why)


def _limit(question: Question, context: Context) -> float:
    """The enricher's own limit, and what its history may take beyond."""
    asks = context.history is not None and "history" in question.plugin.declaration.needs
    return question.seconds + (context.history.patience if asks and context.history is not None else 0.0)


def _has(context: Context, need: str) -> bool:
    return getattr(context, {"ip_data": "addresses"}.get(need, need), None) is not None


def _answered(question: Question, context: Context, elapsed: Callable[[], float]) -> Enrichment:
    try:
        answer = question.plugin.enricher.enrich(question.observable, context)
    except BaseException as error:  # a thread that dies of SystemExit would look like a hang
        status = Status.SKIPPED if isinstance(error, NotAsked) else Status.FAILED
        return question.ended(status, elapsed(), why=_sentence(error))
    problem = _malformed(answer)
    if problem is not None:
        return question.ended(Status.FAILED, elapsed(), why=problem)
    return question.ended(Status.ANSWERED, elapsed(), answer=answer)


def _malformed(answer: object) -> str | None:
    if not isinstance(answer, Answer):
        return f"the enricher returned {type(answer).__name__}, not an Answer"
    for parts, kind in ((answer.facts, Fact), (answer.signals, Signal), (answer.unknowns, Unknown)):
        if not all(isinstance(part, kind) for part in parts):
            return f"the enricher's answer holds something that is no {kind.__name__}"
    return None


def _sentence(error: BaseException) -> str:
    """Class and message of ``error``: one short line, whatever an attacker got into it."""
    try:
        message = str(error)
    except Exception:  # a broken __str__ must not hide which error it was
        message = ""
    plain = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} else char for char in message)
    short = " ".join(plain.split())[:LONGEST_MESSAGE]
    if isinstance(error, NotAnswered) and short:
        return short
    return f"{type(error).__name__}: {short}" if short else type(error).__name__
