"""The text of a log → raw records, one by one, whatever form it has; what cannot be read is reported, never raised.

Taken: CloudTrail's own ``{"Records": [...]}``, a bare array, JSON lines, one record alone. Of a broken log the whole
records before (and, where the text allows, after) the break are still given. A large log is read as it comes, and never
stands in memory as a whole.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec

PENDING = 32 * 1024 * 1024
"""The most of a large log that is held at once: a line, or a record with what stands before it."""

_BOM = b"\xef\xbb\xbf"
_NO_LOG = "not a CloudTrail log: neither JSON lines nor JSON with Records"
_BREAKS_OFF = "the JSON breaks off: what stands after the break is lost"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The JSON text of one record, and where it stands: ``position`` counts from 0, ``line`` from 1."""

    position: int
    line: int | None
    text: bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class Broken:
    """A part of a log, or all of it, that could not be read."""

    line: int | None
    reason: str


def records_in(content: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    """Everything in a text; one that is not ``whole`` is cut off, which is no news."""
    text = content.removeprefix(_BOM).strip()
    if not text:
        if whole:
            yield Broken(None, "empty")
    elif _is_json_lines(text):
        yield from _from_lines(text)
    else:
        yield from _from_document(text, whole=whole)


def records_of_large(begin: bytes, rest: Iterable[bytes]) -> Iterator[RawRecord | Broken]:
    """Everything in a text that begins so, some megabytes, and goes on. Raises what ``rest`` raises."""
    begin = begin.removeprefix(_BOM).lstrip()
    if _is_json_lines(begin):
        yield from _from_many_lines(chain((begin,), rest))
        return
    start = _start_of_array(begin)
    if start is None:
        yield Broken(None, _NO_LOG)
        return
    yield from _numbered(_objects_in_large_array(begin[start:], rest), whole=True)


class _Envelope(msgspec.Struct):
    records: list[msgspec.Raw] | None = msgspec.field(name="Records", default=None)
    event_id: msgspec.Raw = msgspec.field(name="eventID", default=msgspec.Raw())


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_FAILURES = (msgspec.MsgspecError, UnicodeError, RecursionError)


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
    first_lines = text[:PENDING].split(b"\n", 16)[:16]
    return any(_is_object(line) for line in first_lines)


def _is_object(line: bytes) -> bool:
    try:
        return bool(_ENVELOPE.decode(line) is not None and line.strip() != b"{}")
    except _FAILURES:
        return False


def _from_lines(text: bytes) -> Iterator[RawRecord | Broken]:
    yield from _from_numbered_lines(enumerate(io.BytesIO(text), start=1))


def _from_many_lines(pieces: Iterable[bytes]) -> Iterator[RawRecord | Broken]:
    too_long: list[int] = []
    yield from _from_numbered_lines(_lines(pieces, too_long))
    yield from (Broken(line, f"a line larger than {PENDING // 1024**2} MB") for line in too_long)


def _from_numbered_lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[RawRecord | Broken]:
    position = 0
    for number, line in lines:
        for raw in _of_line(line.strip()):
            yield RawRecord(position, number, raw)
            position += 1


def _lines(pieces: Iterable[bytes], too_long: list[int]) -> Iterator[tuple[int, bytes]]:
    """Every line with its number, but for those that are too long."""
    number, pending = 1, b""
    for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        for line in whole:
            if number not in too_long[-1:]:
                yield number, line
            number += 1
        if len(pending) > PENDING:
            pending = b""
            if number not in too_long[-1:]:
                too_long.append(number)
    if number not in too_long[-1:]:
        yield number, pending


def _of_line(line: bytes) -> Sequence[bytes | msgspec.Raw]:
    """The records of one line: itself, or those of an envelope on it; a broken line is given on to be set aside."""
    if b'"Records"' in line:
        try:
            records = _ENVELOPE.decode(line).records
        except _FAILURES:
            return [line]
        return [line] if records is None else records
    return [line] if line else []


# Strings are taken whole so that brackets inside them do not count; possessive, so a cut string costs one pass.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{}]', re.DOTALL)
_RECORDS_ARRAY = re.compile(rb'"Records"\s{0,64}:\s{0,64}\[')


def _salvaged(text: bytes, *, whole: bool) -> Iterator[RawRecord | Broken]:
    """The whole records of a document that is not valid JSON."""
    start = _start_of_array(text)
    if start is None:
        yield Broken(None, _NO_LOG)
    else:
        yield from _numbered(_objects_in_array(text, start), whole=whole)


def _start_of_array(text: bytes) -> int | None:
    if text.startswith(b"["):
        return 0
    found = _RECORDS_ARRAY.search(text)
    return found.end() - 1 if found else None


def _numbered(found: Iterable[bytes | Broken | None], *, whole: bool) -> Iterator[RawRecord | Broken]:
    position, complete = 0, False
    for raw in found:
        complete = not isinstance(raw, bytes)
        if isinstance(raw, bytes):
            yield RawRecord(position, None, raw)
            position += 1
        elif raw is not None:
            yield raw
    if not complete and whole:
        yield Broken(None, _BREAKS_OFF)


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


def _objects_in_large_array(text: bytes, rest: Iterable[bytes]) -> Iterator[bytes | Broken | None]:
    """The same of an array that begins with ``text``, and goes on in ``rest``; ends at one that is too large."""
    depth, begin, at = 0, 0, 0
    for piece in chain((b"",), rest):
        text += piece
        for token in _TOKEN.finditer(text, at):
            sign = token[0]
            if sign == b'"':
                break
            at = token.end()
            if sign in (b"{", b"["):
                depth += 1
                begin = token.start() if depth == 2 else begin
            elif sign in (b"}", b"]"):
                depth -= 1
                if depth == 1:
                    yield text[begin:at]
                if depth == 0:
                    yield None
                    return
        done = begin if depth > 1 else at
        text, at, begin = text[done:], at - done, 0
        if len(text) > PENDING:
            yield Broken(None, f"a record larger than {PENDING // 1024**2} MB: what stands after it is lost")
            return
