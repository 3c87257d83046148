"""A triage made again from its recording: every port answers as it did then, and nobody else is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from bot.enrichment import Ended, Question, Runner
from bot.evidence.recording import KEPT, NOT_RECORDED, PORTS, Recording, question
from bot.evidence.written import read, read_error
from bot.model import (
    AddressData,
    Context,
    Doubted,
    Enrichment,
    Environment,
    History,
    NotAnswered,
    Triage,
    UsualCountries,
    UsualProvider,
)
from bot.plugins import load_enrichers
from bot.scope.ground import Known
from bot.scope.hands import Hands
from bot.scope.source import Answer, Source, Spans
from bot.triage import TriageWorld, triage
from bot.usual.countries import Learner


class NotRecorded(NotAnswered):
    """Something is asked that was not asked then: the program, or what it was given, is another one."""


def replay(recording: Recording) -> Triage:
    """The triage once more. Raises ``PluginError`` if one of its enrichers is not installed."""
    answers = _Answers({(each.port, each.ask, each.of): each.gave for each in recording.answers})
    asked = recording.asked
    return triage(
        asked.observable,
        asked.window,
        world=_world(recording, answers),
        alerts=asked.alerts,
        signals=asked.signals,
        rulings=asked.rulings,
    )


def _world(recording: Recording, answers: _Answers) -> TriageWorld:
    ports: dict[str, Any] = {name: _Replaying(answers, name) for name in PORTS if name in recording.ports}
    scoper = None
    if (stated := recording.stated) is not None and "history" in ports:
        known = Known(
            own_networks=stated.own_networks,
            automation=stated.automation,
            people=stated.people,
            doubted=recording.doubted,
        )
        if "addresses" in ports:
            known = replace(known, origin=ports["addresses"].origin)
        scoper = Hands(cast(Source, _Replaying(answers, KEPT)), known)
    return TriageWorld(
        plugins=load_enrichers(recording.enrichers),
        runner=_GivingUp(recording.gave_up),
        **ports,
        searching=recording.searching,
        environment_of=lambda account: _environment(answers.give("environment", "of", question([account]))),
        offered=frozenset(recording.offered),
        is_ours=lambda account: bool(answers.give("environment", "is_ours", question([account]))),
        weights=recording.weights,
        learner=_ReplayingLearner(answers),
        doubted=recording.doubted,
        scoper=scoper,
    )


def _environment(given: Any) -> Environment:
    assert isinstance(given, Environment)  # noqa: S101 - nothing else is recorded under this name
    return given


@dataclass(frozen=True)
class _Answers:
    """What was answered then, by port, question and arguments."""

    given: Mapping[tuple[str, str, str], Mapping[str, Any]]

    def give(self, port: str, ask: str, of: str) -> Any:
        written = self.given.get((port, ask, of))
        if written is None:
            raise NotRecorded(f"{port}.{ask} was not asked then about {of[:200]}")
        if "raised" in written:
            raise read_error(written)
        return read(written)

    def has(self, port: str, ask: str, of: str) -> bool:
        return (port, ask, of) in self.given


@dataclass(frozen=True)
class _Replaying:
    """A port that answers from the recording."""

    answers: _Answers
    name: str

    def __getattr__(self, ask: str) -> Any:
        if ask.startswith("__"):
            raise AttributeError(ask)
        nothing = question([])
        if ask in NOT_RECORDED:
            return False if ask == "foresight" else _nothing
        if ask == "cost" and not self.answers.has(self.name, ask, nothing):  # an older recording
            return _nothing
        if ask in {"without_key", "patience"}:  # what is no question
            return self.answers.give(self.name, ask, nothing)
        return lambda *of, **named: self.answers.give(self.name, ask, question(of, named))

    def for_one_triage(self) -> _Replaying:
        return self

    def over(self, _: Spans) -> _Replaying:
        return self

    def settle(self, work: Callable[[Source], Answer]) -> Answer:
        nothing = question([])
        if self.answers.has(self.name, "settle", nothing):
            self.answers.give(self.name, "settle", nothing)
        return work(cast(Source, self))


def _nothing(*_: object) -> None:
    return None


@dataclass
class _ReplayingLearner(Learner):
    answers: _Answers = field(default_factory=lambda: _Answers({}))

    def __init__(self, answers: _Answers) -> None:
        super().__init__()
        self.answers = answers

    def countries(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None = None,
    ) -> UsualCountries:
        learned = self.answers.give("learner", "countries", question([list(accounts), until]))
        assert isinstance(learned, UsualCountries)  # noqa: S101 - nothing else is recorded under this name
        return learned

    def providers(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None = None,
    ) -> tuple[UsualProvider, ...]:
        return tuple(self.answers.give("learner", "providers", question([list(accounts), until])))


class _GivingUp(Runner):
    """Asks every question again but those that ran out of time then; these run out of it again, and no others do."""

    def __init__(self, gave_up: Sequence[Enrichment], clock: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__(clock)
        self._gave_up = {(each.enricher, each.observable): each for each in gave_up}

    def ask(self, questions: Sequence[Question], context: Context) -> Iterator[Ended]:
        asked = []
        for index, each in enumerate(questions):
            ended = self._gave_up.get((each.plugin.name, each.observable))
            if ended is not None:
                yield index, ended
            else:
                asked.append((index, each))
        for position, enrichment in super().ask([each for _, each in asked], context):
            yield asked[position][0], enrichment
