"""Where evidence stands: a folder beside the state file, each piece under the hash of its content.

What a piece is called, and that it is one, is in the state file: a piece is written and flushed to disk first, then
kept in a transaction, so that a crash leaves at most a file nobody knows of. Functions that take a ``Database`` run
inside a caller's transaction.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.database import Database
from bot.model import rfc3339

NEWEST = 4


class EvidenceSpoilt(Exception):
    """A piece is gone, or is not what was kept; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a case's evidence. ``gap`` says why there is none of that name; then it has no hash."""

    name: str
    sha256: str = ""
    size: int = 0
    about: str = ""
    """The targets of the changes before which it was taken, parted by blanks; empty if it was not taken for any."""
    gap: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.about.split())


class Shelf:
    """The evidence of all cases. Safe from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, case: int, name: str, content: bytes, about: str = "") -> Piece:
        """``content``, on disk once this returns. Raises ``OSError``."""
        piece = Piece(name, hashlib.sha256(content).hexdigest(), len(content), about)
        file = self._file(case, piece)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}.new")
        with open(new, "wb", opener=_for_us_alone) as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
        return piece

    def read(self, case: int, piece: Piece) -> bytes:
        """The content of ``piece``. Raises :class:`EvidenceSpoilt`."""
        try:
            content = self._file(case, piece).read_bytes()
        except OSError as error:
            raise EvidenceSpoilt(f"{piece.name} of case #{case} cannot be read: {error.strerror}.") from error
        if hashlib.sha256(content).hexdigest() != piece.sha256:
            raise EvidenceSpoilt(f"{piece.name} of case #{case} was changed: it is not what was kept.")
        return content

    def sweep(self, case: int, name: str, held: Sequence[Piece]) -> None:
        """Remove old contents beside ``name`` that are none of ``held``: earlier triages that a later one replaced.

        The newest few stay: somebody may be about to keep one. Raises ``OSError``.
        """
        kept = {piece.sha256 for piece in held}
        folder = self._file(case, Piece(name, "any")).parent
        files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns) if folder.is_dir() else []
        for file in files[:-NEWEST]:
            if file.name not in kept:
                file.unlink(missing_ok=True)

    def _file(self, case: int, piece: Piece) -> Path:
        return self._folder / f"case-{case}" / Path(piece.name).parent / piece.sha256


def keep(db: Database, case: int, piece: Piece, at: datetime) -> None:
    """Keep that ``piece`` is the one of its name in ``case``."""
    db.execute(
        "INSERT INTO evidence (case_id, name, about, sha256, size, gap, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (case_id, name) DO UPDATE SET about = excluded.about, sha256 = excluded.sha256,"
        " size = excluded.size, gap = excluded.gap, at = excluded.at",
        [case, piece.name, piece.about, piece.sha256, piece.size, piece.gap, rfc3339(at)],
    )


def pieces(db: Database, case: int) -> tuple[Piece, ...]:
    """Everything kept of ``case``, gaps included, by name."""
    rows = db.execute("SELECT name, sha256, size, about, gap FROM evidence WHERE case_id = ? ORDER BY name", [case])
    return tuple(Piece(*row) for row in rows)


def every_piece(db: Database) -> tuple[tuple[int, Piece], ...]:
    """Everything kept of every case, with its case; gaps, of which there is nothing on disk, are left out."""
    rows = db.execute("SELECT case_id, name, sha256, size, about, gap FROM evidence WHERE sha256 <> '' ORDER BY 1, 2")
    return tuple((row[0], Piece(*row[1:])) for row in rows)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
