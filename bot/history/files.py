"""Finding the CloudTrail files of a load."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.history.content import GZIP

LOG_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".gz", ".log"})
NOT_LOGS = frozenset({"CloudTrail-Digest", "CloudTrail-Insight"})
"""Folders beside the logs in a trail's bucket: hashes of the logs, and statistics over them."""


def log_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Every file named or matched by a pattern, and in folders every log, in a stable order, none twice.

    In a folder, hidden files, a trail's digests, and files that neither are named nor begin like a log (a licence, a
    read-me) are left alone. A file named outright is always given.
    """
    given: set[Path] = set()
    for path in (each for named in paths for each in matched(named)):
        for found in _logs_in(path) if path.is_dir() else (path,):
            resolved = found.resolve()
            if resolved not in given:
                given.add(resolved)
                yield resolved


def matched(path: Path) -> Sequence[Path]:
    """What a pattern such as ``logs/**/*.gz`` matches; a path that exists, or without a match, is itself."""
    if path.exists() or not glob.has_magic(str(path)):
        return (path,)
    return [Path(found) for found in sorted(glob.glob(str(path), recursive=True))] or (path,)  # noqa: PTH207 - patterns may be absolute


def _logs_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in NOT_LOGS for part in parts) or not path.is_file():
            continue
        if path.suffix.lower() in LOG_SUFFIXES or _begins_like_a_log(path):
            yield path


def _begins_like_a_log(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False
    return start.startswith((b"{", b"[", GZIP))
