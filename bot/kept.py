"""Answers of others, kept in small files for a while: what was asked once need not be sent out again.

Nothing here is worth keeping for its own sake. A folder that cannot be written keeps nothing, and a file that cannot be
read is no answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from bot.model import rfc3339

log = structlog.get_logger()


class Kept:
    """The answers of one service in ``folder``, each for ``age``. Safe from several threads and processes."""

    def __init__(self, folder: Path, age: timedelta) -> None:
        self._folder = folder
        self._age = age
        self._swept: date | None = None

    def answer(self, question: str, now: datetime) -> Mapping[str, Any] | None:
        """What was answered to ``question`` at most an age before ``now``; ``None`` if nothing was."""
        try:
            held = json.loads(self._file(question).read_bytes())
            at = datetime.fromisoformat(held["at"])
            fresh = timedelta(0) <= now - at <= self._age
        except (OSError, ValueError, TypeError, KeyError):
            return None
        answer = held.get("answer")
        return answer if fresh and held.get("question") == question and isinstance(answer, dict) else None

    def keep(self, question: str, answer: Mapping[str, Any], now: datetime) -> None:
        """Keep ``answer`` in the place of an earlier one."""
        file = self._file(question)
        new = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}.new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps({"question": question, "at": rfc3339(now), "answer": answer}), encoding="utf-8")
            os.utime(new, (now.timestamp(), now.timestamp()))
            new.replace(file)
            self._sweep(now)
        except OSError as error:
            log.warning("an answer could not be kept and will be asked for again", why=str(error))

    def _file(self, question: str) -> Path:
        return self._folder / f"{hashlib.sha256(question.encode('utf-8', 'replace')).hexdigest()[:32]}.json"

    def _sweep(self, now: datetime) -> None:
        """Once a day, remove what has become too old to be an answer."""
        if self._swept == now.date():
            return
        self._swept = now.date()
        for file in self._folder.iterdir():
            if file.stat().st_mtime < (now - self._age).timestamp():
                file.unlink(missing_ok=True)
