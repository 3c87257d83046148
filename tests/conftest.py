"""For every test: no example is timed, with ``CI`` set none may be skipped, and no message may be one Slack refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from bot.demo.slack import LocalSlack
from tests.checkers import problems

# A slow machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("CI is set, and tests were skipped: that is a failure.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Shown:
    """What the local Slacks of this session were asked to show and nobody has judged yet."""

    def __init__(self) -> None:
        self._running: dict[LocalSlack, int] = {}
        self._left: list[dict[str, Any]] = []

    def began(self, slack: LocalSlack) -> None:
        self._running[slack] = 0

    def ended(self, slack: LocalSlack) -> None:
        if slack in self._running:
            self._left += slack.asked_to_show()[self._running.pop(slack) :]

    def take(self) -> list[dict[str, Any]]:
        taken, self._left = self._left, []
        for slack, seen in self._running.items():
            shown = slack.asked_to_show()
            taken += shown[seen:]
            self._running[slack] = len(shown)
        return taken


@pytest.fixture(scope="session", autouse=True)
def every_local_slack() -> Iterator[Shown]:
    """Notices each local Slack of the session, whoever starts it."""
    shown, start, stop = Shown(), LocalSlack.start, LocalSlack.stop

    def started(slack: LocalSlack) -> LocalSlack:
        shown.began(slack)
        return start(slack)

    def stopped(slack: LocalSlack) -> None:
        stop(slack)
        shown.ended(slack)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalSlack, "start", started)
        patch.setattr(LocalSlack, "stop", stopped)
        yield shown


@pytest.fixture(autouse=True)
def every_message_passes_three_checkers(every_local_slack: Shown, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever this test had a local Slack show, all three find nothing wrong; ``refusable`` marks the tests that
    send on purpose what Slack refuses, or what an app other than the bot sends."""
    yield
    found = [problem for shape in every_local_slack.take() for problem in problems(shape)]
    if request.node.get_closest_marker("refusable") is None:
        assert not found, f"Slack would be asked to show what it refuses: {found[:5]}"
