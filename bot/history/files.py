"""Files and folders → raw records, one by one; what cannot be read is reported, never raised.

Taken: CloudTrail's own ``{"Records": [...]}``, a bare array, JSON lines, one record alone; each also gzipped. Of a
broken file the whole records before (and, where the text allows, after) the break are still given.
"""

from __future__ import annotations

import glob
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from isal import isal_zlib

MAX_FILE_BYTES = 1024**3
"""The largest file taken, decompressed: CloudTrail's own are a few MB; a gzip bomb is not."""

_NOT_GZIP: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class a value

_CHUNK = 1024 * 1024
_GZIP = b"\x1f\x8b"
_LOG_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".gz", ".log"})
_NOT_LOGS = frozenset({"CloudTrail-Digest", "CloudTrail-Insight"})
"""Folders beside the logs in a trail's bucket: hashes of the logs, and statistics over them."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The JSON text of one record, and where it stands: ``position`` counts from 0, ``line`` from 1."""

    position: int
    line: int | None
    text: bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a file, or all of it, that could not be read."""

    line: int | None
    reason: str


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


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, decompressed, and what is wrong with it; nothing at all where it cannot be read."""

    text: bytes
    broken: str | None = None

    def records(self) -> Iterator[RawRecord | Broken]:
        """Everything in it, in its order."""
        if self.text or not self.broken:
            yield from _records_in(self.text, whole=not self.broken)
        if self.broken:
            yield Broken(None, self.broken)


def content_of(path: Path) -> Content:
    """The content of one file. Never raises."""
    if path.exists() and not path.is_file():
        return Content(b"", "cannot be read: not a file")
    try:
        return _content(path)
    except OSError as error:
        return Content(b"", f"cannot be read: {error.strerror or error}")


def raw_records(path: Path) -> Iterator[RawRecord | Broken]:
    """Everything in one file, in its order."""
    yield from content_of(path).records()


def matched(path: Path) -> Sequence[Path]:
    """What a pattern such as ``logs/**/*.gz`` matches; a path that exists, or without a match, is itself."""
    if path.exists() or not glob.has_magic(str(path)):
        return (path,)
    return [Path(found) for found in sorted(glob.glob(str(path), recursive=True))] or (path,)  # noqa: PTH207 - patterns may be absolute


def _logs_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") or part in _NOT_LOGS for part in parts) or not path.is_file():
            continue
        if path.suffix.lower() in _LOG_SUFFIXES or _begins_like_a_log(path):
            yield path


def _begins_like_a_log(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False
    return start.startswith((b"{", b"[", _GZIP))


def _content(path: Path) -> Content:
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
        file.seek(0)
        chunks = iter(lambda: file.read(_CHUNK), b"")
        return _gathered(_inflated(chunks) if compressed else chunks)


def _gathered(pieces: Iterator[bytes]) -> Content:
    content = bytearray()
    try:
        for piece in pieces:
            content += piece
            if len(content) > MAX_FILE_BYTES:
                limit = MAX_FILE_BYTES // 1024**2
                return Content(b"", f"larger than {limit} MB when decompressed: nothing of it was read")
    except (_NOT_GZIP, EOFError) as error:
        truncated = isinstance(error, EOFError)
        what = "a truncated gzip file" if truncated else "a damaged gzip file"
        return Content(bytes(content), f"{what}: what stands after the break is lost")
    return Content(bytes(content))


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, in pieces of at most 1 MB. Raises ``EOFError`` if cut."""
    inflator = isal_zlib.decompressobj(wbits=31)
    for chunk in chunks:
        rest = chunk
        while rest:
            if inflator.eof:
                if not rest.strip(b"\0"):
                    break
                if not _GZIP.startswith(rest[:2]):
                    raise _NOT_GZIP("what follows is no gzip member")
                inflator = isal_zlib.decompressobj(wbits=31)
            yield inflator.decompress(rest, _CHUNK)
            rest = inflator.unconsumed_tail or inflator.unused_data
    while not inflator.eof:
        piece = inflator.decompress(inflator.unconsumed_tail, _CHUNK)
        if not piece:
            raise EOFError
        yield piece


class _Envelope(msgspec.Struct):
    records: list[msgspec.Raw] | None = msgspec.field(name="Records", default=None)
    event_id: msgspec.Raw = msgspec.field(name="eventID", default=msgspec.Raw())


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_FAILURES = (msgspec.MsgspecError, UnicodeError, RecursionError)


def _records_in(content: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        if whole:
            yield Broken(None, "empty")
    elif _is_json_lines(text):
        yield from _from_lines(text)
    else:
        yield from _from_document(text, whole=whole)


def _from_document(text: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    try:
        found = _ARRAY.decode(text) if text.startswith(b"[") else _from_envelope(text)
    except _FAILURES:
        yield from _salvaged(text, whole=whole)
        return
    if found is None:
        yield Broken(None, "no Records")
        return
    yield from (RawRecord(position, None, raw) for position, raw in enumerate(found))


def _from_envelope(text: bytes) -> list[msgspec.Raw] | None:
    envelope = _ENVELOPE.decode(text)
    if envelope.records is None and envelope.event_id != msgspec.Raw():
        return [msgspec.Raw(text)]
    return envelope.records


def _is_json_lines(text: bytes) -> bool:
    """True if one of the first lines is a JSON object by itself and is not the whole text."""
    if not text.startswith(b"{") or b"\n" not in text:
        return False
    first_lines = text[: 64 * _CHUNK].split(b"\n", 16)[:16]
    return any(_is_object(line) for line in first_lines)


def _is_object(line: bytes) -> bool:
    try:
        return bool(_ENVELOPE.decode(line) is not None and line.strip() != b"{}")
    except _FAILURES:
        return False


def _from_lines(text: bytes) -> Iterator[RawRecord | Broken]:
    position = 0
    for number, line in enumerate(io.BytesIO(text), start=1):
        for raw in _of_line(line.strip()):
            yield RawRecord(position, number, raw)
            position += 1


def _of_line(line: bytes) -> Sequence[bytes | msgspec.Raw]:
    """The records of one line: itself, or those of an envelope on it; a broken line is given on to be set aside."""
    if b'"Records"' in line:
        try:
            return _ENVELOPE.decode(line).records or [line]
        except _FAILURES:
            return [line]
    return [line] if line else []


# Strings are taken whole so that brackets inside them do not count; possessive, so a cut string costs one pass.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{}]', re.DOTALL)
_RECORDS_ARRAY = re.compile(rb'"Records"\s{0,64}:\s{0,64}\[')


def _salvaged(text: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    """The whole records of a document that is not valid JSON."""
    start = 0 if text.startswith(b"[") else None
    if start is None:
        found = _RECORDS_ARRAY.search(text)
        start = found.end() - 1 if found else None
    if start is None:
        yield Broken(None, "not a CloudTrail log: neither JSON lines nor JSON with Records")
        return
    position, complete = 0, False
    for raw in _objects_in_array(text, start):
        complete = raw is None
        if raw is not None:
            yield RawRecord(position, None, raw)
            position += 1
    if not complete and whole:
        yield Broken(None, "the JSON breaks off: what stands after the break is lost")


def _objects_in_array(text: bytes, start: int) -> Iterator[bytes | None]:
    """Every object directly in the array that begins at ``start``; ``None`` once the array ends."""
    depth, begin = 0, 0
    for token in _TOKEN.finditer(text, start):
        sign = token[0]
        if sign in (b"{", b"["):
            depth += 1
            if depth == 2:
                begin = token.start()
        elif sign in (b"}", b"]"):
            depth -= 1
            if depth == 1:
                yield text[begin : token.end()]
            if depth == 0:
                yield None
                return
        elif sign == b'"':
            return
