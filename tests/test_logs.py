"""Logs are JSON lines, one for each event, whatever is in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    written = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.set_up(stream=written)
    yield written
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = before


def test_an_event_is_one_line_whatever_is_in_it(stream: io.StringIO) -> None:
    structlog.get_logger().warning("alert refused", source="a\nb\x1b[31m", reason="…")
    (line,) = stream.getvalue().splitlines()
    written = json.loads(line)
    assert (written["event"], written["source"], written["level"]) == ("alert refused", "a\nb\x1b[31m", "warning")
    assert written["timestamp"].endswith("Z")


def test_libraries_write_the_same_form_and_no_bodies(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("slack_bolt.App").info("body: xoxb-canary")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "started"


def test_a_traceback_holds_no_values(stream: io.StringIO) -> None:
    token = "-".join(["xoxb", "canary"])
    try:
        int(token[:4])
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exception"]
    assert token not in stream.getvalue()
