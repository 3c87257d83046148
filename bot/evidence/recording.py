"""A triage with everything it was told: what each port answered, so that the verdict can be reckoned again offline.

A triage is a function of its questions and of the answers it gets. ``Recorder`` stands between it and the world and
keeps the answers; :mod:`bot.evidence.replaying` gives them again.
"""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any, TypeVar, cast

import msgspec

from bot.evidence.written import write, write_error
from bot.history.redacted import redacted
from bot.model import (
    AddressData,
    Alert,
    Doubted,
    Enrichment,
    History,
    NotAnswered,
    Observable,
    Ruling,
    Searching,
    Signal,
    Status,
    Triage,
    UsualCountries,
    UsualProvider,
    Window,
)
from bot.scope.hands import Hands
from bot.scope.source import Answer, Source
from bot.triage import TriageWorld
from bot.usual.countries import Learner
from bot.weights import Weights

FORMAT = 2
PORTS = ("history", "addresses", "iam", "records", "cases", "statistics", "registries", "code_search", "threat_lists")
"""Whom a triage may ask, by their names in ``TriageWorld``."""
NOT_RECORDED = frozenset({"foresee", "foresight", "at_hand"})
"""What a history is told, or says of itself: no answer depends on it."""
KEPT = "kept"
"""The history in which other keys are looked for: not always the one that is asked about the one triaged."""
LEVEL = 1
"""Of gzip: people wait for the card."""

Port = TypeVar("Port")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was triaged."""

    observable: Observable
    window: Window
    alerts: tuple[Alert, ...] = ()
    signals: tuple[Signal, ...] = ()
    rulings: tuple[Ruling, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: whom, what, with which arguments (JSON), and what came of it."""

    port: str
    ask: str
    of: str
    gave: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stated:
    """What the organisation says of itself, for the search for other keys."""

    own_networks: tuple[str, ...] = ()
    automation: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything a triage rests on. ``gave_up`` are the questions that ran out of time: that cannot be reckoned."""

    format: int
    version: str
    asked: Asked
    enrichers: tuple[str, ...]
    weights: Weights
    searching: Searching
    ports: tuple[str, ...]
    stated: Stated | None
    """``None`` where no search for other keys can be made."""
    answers: tuple[Answered, ...]
    gave_up: tuple[Enrichment, ...] = ()
    offered: tuple[str, ...] = ("disable_access_key",)
    """The changes that could be suggested."""
    doubted: dict[str, datetime] = field(default_factory=dict)
    """Principals of open cases, whose recent habits were not counted."""


class Recorder:
    """Keeps the answers of one triage. Safe from several threads."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def listening(self, world: TriageWorld) -> TriageWorld:
        """``world``, every answer of which is kept from now on."""
        ports = {name: self._between(name, getattr(world, name)) for name in PORTS}
        addresses = ports["addresses"]
        scoper = world.scoper
        if isinstance(scoper, Hands):
            origin = addresses.origin if addresses is not None else scoper.known.origin
            kept = cast(Source, _Listening(self, KEPT, scoper.history))
            scoper = replace(scoper, history=kept, known=replace(scoper.known, origin=origin))
        return replace(
            world,
            **ports,
            scoper=scoper,
            learner=_ListeningLearner(self, world.learner),
            environment_of=lambda account: self.answer(
                "environment", "of", question([account]), lambda: world.environment_of(account)
            ),
            is_ours=lambda account: self.answer(
                "environment", "is_ours", question([account]), lambda: world.is_ours(account)
            ),
        )

    def _between(self, name: str, port: Port | None) -> Any:
        return None if port is None else cast(Port, _Listening(self, name, port))

    def answer(self, port: str, ask: str, of: str, give: Callable[[], Any]) -> Any:
        """What ``give`` gives or raises, which is kept."""
        try:
            given = give()
        except NotAnswered as error:
            self._keep(port, ask, of, write_error(error))
            raise
        # requestParameters may hold passwords and tokens; what is answered is not changed by what is kept of it.
        kept = redacted(dict(given)) if port == "records" and isinstance(given, Mapping) else given
        self._keep(port, ask, of, write(kept))
        return given

    def take(self, other: Recorder) -> None:
        """The answers of ``other``, too."""
        with other._lock:
            answers = dict(other._answers)
        with self._lock:
            self._answers |= answers

    def refused(self, port: str, ask: str, error: NotAnswered) -> None:
        """Nothing was answered to what a whole search asked, and ``error`` says why."""
        self._keep(port, ask, question([]), write_error(error))

    def _keep(self, port: str, ask: str, of: str, written: dict[str, Any]) -> None:
        with self._lock:
            self._answers[port, ask, of] = written

    def written(self, world: TriageWorld, asked: Asked, made: Triage) -> bytes:
        """All of it, compressed; the same for the same answers, in whatever order they came."""
        with self._lock:
            answers = dict(self._answers)
        known = world.scoper.known if isinstance(world.scoper, Hands) else None
        recording = Recording(
            format=FORMAT,
            version=version("triage-bot"),
            asked=asked,
            enrichers=tuple(plugin.name for plugin in world.plugins),
            weights=world.weights,
            searching=world.searching,
            ports=tuple(name for name in PORTS if getattr(world, name) is not None),
            stated=None if known is None else Stated(known.own_networks, known.automation, known.people),
            answers=tuple(Answered(*key, gave) for key, gave in sorted(answers.items(), key=lambda item: item[0])),
            gave_up=tuple(each for each in made.enrichments if has_given_up(each)),
            offered=tuple(sorted(world.offered)),
            doubted=dict(sorted(world.doubted.items())),
        )
        return gzip.compress(msgspec.json.encode(recording), LEVEL, mtime=0)


def has_given_up(enrichment: Enrichment) -> bool:
    """Whether a question ended by the clock: it would end otherwise on another day."""
    hung = enrichment.status is Status.FAILED and (enrichment.why or "").startswith("not asked:")
    return enrichment.status is Status.TIMED_OUT or hung


def question(arguments: Sequence[object], named: Mapping[str, object] | None = None) -> str:
    """The arguments of a question, as text that is the same for the same ones."""
    return msgspec.json.encode([arguments, dict(sorted((named or {}).items()))]).decode()


def read_recording(compressed: bytes) -> Recording:
    """A recording as :meth:`Recorder.written` wrote it. Raises ``ValueError`` with a sentence."""
    try:
        recording = msgspec.json.decode(gzip.decompress(compressed), type=Recording)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"What was asked and answered cannot be read: {error}.") from error
    if recording.format != FORMAT:
        raise ValueError(f"It is written in form {recording.format}, which this version does not know.")
    return recording


@dataclass(frozen=True)
class _Listening:
    """A port whose answers are kept."""

    recorder: Recorder
    name: str
    port: object

    def __getattr__(self, ask: str) -> Any:
        asked = getattr(self.port, ask)
        if ask == "for_one_triage":
            return lambda: replace(self, port=asked())
        if ask in NOT_RECORDED:
            return asked
        if ask == "settle":
            return self._settled
        if ask == "over":
            return lambda spans: replace(self, port=asked(spans))
        if not callable(asked):
            return self.recorder.answer(self.name, ask, question([]), lambda: asked)
        return lambda *of, **named: self.recorder.answer(
            self.name, ask, question(of, named), lambda: asked(*of, **named)
        )

    def _settled(self, work: Callable[[Source], Answer]) -> Answer:
        """Of a search that is made several times over only the last run counts: the others were told too little."""
        runs = [Recorder()]

        def once(source: Source) -> Answer:
            runs[:] = [Recorder()]
            return work(cast(Source, replace(self, recorder=runs[0], port=source)))

        try:
            settled = cast(Source, self.port).settle(once)
        except NotAnswered as error:
            self.recorder.refused(self.name, "settle", error)
            raise
        self.recorder.take(runs[0])
        return settled


@dataclass
class _ListeningLearner(Learner):
    """What is usual is learned once for many triages, so that is kept, and not what it was learned from."""

    recorder: Recorder = field(default_factory=Recorder)
    learner: Learner = field(default_factory=Learner)

    def __init__(self, recorder: Recorder, learner: Learner) -> None:
        super().__init__()
        self.recorder, self.learner = recorder, learner

    def countries(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None = None,
    ) -> UsualCountries:
        learned: UsualCountries = self.recorder.answer(
            "learner",
            "countries",
            question([list(accounts), until]),
            lambda: self.learner.countries(accounts, history, addresses, until, doubted),
        )
        return learned

    def providers(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None = None,
    ) -> tuple[UsualProvider, ...]:
        learned: tuple[UsualProvider, ...] = self.recorder.answer(
            "learner",
            "providers",
            question([list(accounts), until]),
            lambda: self.learner.providers(accounts, history, addresses, until, doubted),
        )
        return learned
