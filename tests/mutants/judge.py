"""Which mutants the tests notice: each has a process of its own, and the tests that run the changed statement."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType, FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.mutator import Mutant

SECONDS = 120
"""A mutant that takes longer runs for ever: noticed, too."""

SURVIVED, NOTICED, NOT_JUDGED = 0, 1, 3
UNCHANGED = "unchanged"
"""The name of a control: the module as it is, put in place as a mutant is. All tests must pass with it."""


class Judge:
    """A pytest plugin: runs the collected tests once as they are, and then those that matter once for each mutant."""

    def __init__(self, mutants: Sequence[Mutant], files: Mapping[str, str], workers: int) -> None:
        self._mutants = mutants
        self._files = files
        """The module of each source file."""
        self._workers = workers
        self._ran: dict[pytest.Item, frozenset[tuple[str, int]]] = {}
        self.survived: list[Mutant] = []
        self.broken: list[str] = []
        """Tests that fail without any mutant, after which nothing is judged; and mutants that could not be."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item, following in _with_next(session.items):
            with self._watched(item):
                reports = runtestprotocol(item, log=False, nextitem=following)
            self.broken += [report.nodeid for report in reports if report.failed]
        if not self.broken:
            self._judge_all()
        return True

    @contextmanager
    def _watched(self, item: pytest.Item) -> Iterator[None]:
        lines: set[tuple[str, int]] = set()

        def entered(frame: FrameType, event: str, arg: Any) -> Any:
            module = self._files.get(frame.f_code.co_filename)
            if module is None:
                return None

            def line(frame: FrameType, event: str, arg: Any) -> Any:
                lines.add((module, frame.f_lineno))
                return line

            return line

        threading.settrace(entered)  # what is written to the state file is written by a thread of its own
        sys.settrace(entered)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)
            self._ran[item] = frozenset(lines)

    def _judge_all(self) -> None:
        under_way: dict[int, Mutant] = {}
        for number, mutant in enumerate(self._mutants):
            if len(under_way) == self._workers:
                self._await_one(under_way)
            under_way[self._begin(mutant)] = mutant
            if number % 50 == 49:
                sys.stderr.write(f"{number + 1} of {len(self._mutants)} begun, {len(self.survived)} survived\n")
        while under_way:
            self._await_one(under_way)
        self.survived.sort(key=self._mutants.index)
        controls = [each for each in self._mutants if each.name == UNCHANGED]
        self.broken += [f"{each.module} unchanged" for each in controls if each not in self.survived]
        self.survived = [each for each in self.survived if each not in controls]

    def _await_one(self, under_way: dict[int, Mutant]) -> None:
        process, status = os.wait()
        mutant = under_way.pop(process)
        ended = os.waitstatus_to_exitcode(status)
        if ended == SURVIVED:
            self.survived.append(mutant)
        elif ended not in {NOTICED, -signal.SIGALRM}:
            self.broken.append(f"{mutant.function}: {mutant.name}")

    def _begin(self, mutant: Mutant) -> int:
        process = os.fork()
        if process:
            return process
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        signal.alarm(SECONDS)
        status = NOT_JUDGED
        try:
            put_in_place(mutant)
            status = NOTICED
            status = NOTICED if self._is_noticed(mutant) else SURVIVED
        finally:
            os._exit(status)

    def _is_noticed(self, mutant: Mutant) -> bool:
        touched = {(mutant.module, line) for line in mutant.lines}
        items = [item for item, lines in self._ran.items() if touched & lines or mutant.name == UNCHANGED]
        return any(
            report.failed
            for item, following in _with_next(items)
            for report in runtestprotocol(item, log=False, nextitem=following)
        )


def _with_next(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def put_in_place(mutant: Mutant) -> None:
    """Give the living function the mutant's code, so that whoever imported it has it, too."""
    fresh = ModuleType(mutant.module)
    exec(mutant.code, fresh.__dict__)  # noqa: S102
    living, changed = _function(sys.modules[mutant.module], mutant), _function(fresh, mutant)
    living.__code__ = changed.__code__
    living.__defaults__ = changed.__defaults__
    living.__kwdefaults__ = changed.__kwdefaults__


def _function(module: ModuleType, mutant: Mutant) -> FunctionType:
    found: Any = module
    for name in mutant.function.split("."):
        found = vars(found)[name]
    function = found.fget if isinstance(found, property) else found
    assert isinstance(function, FunctionType)
    return function
