"""What kind of disk a file is on. SQLite's locks and shared memory hold on a disk of this machine only.

https://www.sqlite.org/wal.html ("all processes using a database must be on the same host computer"),
https://www.sqlite.org/faq.html#q5 (locks of NFS).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
"""Where Linux tells of mounts; elsewhere nothing is known, and nothing refused."""

NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs"),
        *("fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.mount-s3", "fuse.goofys"),
    }
)
"""File systems of other machines, on which a database that two processes open can be damaged."""

_LINE = re.compile(r"\S+ \S+ \S+ \S+ (?P<where>\S+) .*? - (?P<kind>\S+) ")


def network_disk(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The file system of another machine that ``path`` (which need not be there yet) stands on; ``None`` if none."""
    place = _real(path)
    # Of mounts one over the other the last one counts.
    around = [(where, kind) for where, kind in _mounts(mounts) if place.is_relative_to(where)]
    kind = max(around, key=lambda each: len(each[0].parts), default=(place, ""))[1] if around else ""
    return kind if kind in NETWORK else None


def free_bytes(path: Path) -> int:
    """What is free where ``path`` stands, or will stand. Raises ``OSError``."""
    place = _real(path)
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _real(path: Path) -> Path:
    return path.absolute().resolve()


def _mounts(file: Path) -> Iterator[tuple[Path, str]]:
    """Newest first, so that ``max`` takes the upper of two at one place."""
    try:
        lines = file.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in reversed(lines):
        if found := _LINE.match(line):
            yield Path(_unescaped(found["where"])), found["kind"]


def _unescaped(place: str) -> str:
    """Blanks in a path are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place)
