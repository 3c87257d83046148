"""The bundle of a case: everything it rests on in one archive, the same bytes for the same case.

A manifest names every file with its SHA-256. Nothing in it is secret: what came in was cleaned before it was stored,
and what goes out is cleaned again.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from bot.audit import Entry
from bot.casebook import case_document
from bot.document import triage_document
from bot.evidence.collecting import events_written
from bot.evidence.shelf import EvidenceSpoilt, Piece, Shelf
from bot.intake.secret_guard import remove_secrets
from bot.made.telling import sweep_document
from bot.model import Case, Event, Triage
from bot.scope.telling import scope_document

FORMAT = 1
MANIFEST = "manifest.json"
ASKED = "told/triage.json.gz"
"""What the newest triage was told."""
TRIAGE, SCOPE, SWEEP = "triage.json", "scope.json", "sweep.json"
MOST_BYTES = 1 << 30
"""Of a bundle that is read, unpacked."""
MOST_FILES = 10_000
_WHEN = (1980, 1, 1, 0, 0, 0)
"""The oldest time the form has: a bundle says nothing of when it was made."""


class NotABundle(Exception):
    """A file is no bundle, or not a whole one; the text is a sentence."""


def bundle(
    case: Case, place: Shelf, pieces: Iterable[Piece], events: Iterable[Event], entries: Iterable[Entry]
) -> bytes:
    """The archive of ``case``. What of its evidence cannot be read is a gap in the manifest."""
    files: dict[str, bytes] = {
        "case.json": written(remove_secrets(case_document(case))[0]),
        "events.jsonl": events_written(events),
        "audit.jsonl": b"".join(_line(remove_secrets(entry.document())[0]) for entry in entries),
        **(documents(case.triage) | left(case.triage) if case.triage is not None else {}),
    }
    gaps = []
    for piece in pieces:
        if piece.gap:
            gaps.append(f"{piece.about}: {piece.gap}")
            continue
        try:
            files[piece.name] = place.read(case.id, piece)
        except EvidenceSpoilt as error:
            gaps.append(str(error))
    if ASKED not in files:
        gaps.append("what the triage was told was not kept, so it cannot be made again")
    manifest = {
        "format": FORMAT,
        "version": version("triage-bot"),
        "case": case.id,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "gaps": gaps,
    }
    return _packed({**files, MANIFEST: written(manifest)})


def documents(made: Triage) -> dict[str, bytes]:
    """A triage as its bundle holds it: verdict and scope, each a file; without a scope there is none.

    What was left of what the keys made is a file of its own (:func:`left`): AWS was asked that after all was judged.
    """
    scope = {SCOPE: written(scope_document(replace(made.scope, sweep=None)))} if made.scope is not None else {}
    return {TRIAGE: written(triage_document(made)), **scope}


def left(made: Triage) -> dict[str, bytes]:
    """The sweep of a triage, a file; none where no scope was made."""
    swept = made.scope.sweep if made.scope is not None else None
    return {SWEEP: written(sweep_document(swept))} if swept is not None else {}


def unpacked(archive: bytes) -> Mapping[str, bytes]:
    """The files of a bundle, each as its manifest says. Raises :class:`NotABundle`."""
    try:
        files = _files(archive)
        manifest = json.loads(files.pop(MANIFEST))
        named = dict(manifest["files"])
        form = manifest["format"]
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, NotImplementedError) as error:
        raise NotABundle(f"This is no bundle of a case: {error}.") from error
    if form != FORMAT:
        raise NotABundle(f"It is written in form {form}, which this version does not know.")
    if missing := sorted(named.keys() - files.keys()):
        raise NotABundle(f"The bundle is not whole: {missing[0]} is missing.")
    if extra := sorted(files.keys() - named.keys()):
        raise NotABundle(f"The bundle was changed: its manifest does not name {extra[0]}.")
    changed = [name for name, content in files.items() if hashlib.sha256(content).hexdigest() != named[name]]
    if changed:
        raise NotABundle(f"The bundle was changed: {min(changed)} is not what its manifest says.")
    return files


def written(document: Any) -> bytes:
    """A JSON document for people: indented, its keys in the order it was made in."""
    return (json.dumps(document, indent=1) + "\n").encode()


def _line(document: Any) -> bytes:
    return (json.dumps(document) + "\n").encode()


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            about = zipfile.ZipInfo(name, _WHEN)
            about.compress_type, about.external_attr, about.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
            archive.writestr(about, files[name])
    return packed.getvalue()


def _files(archive: bytes) -> dict[str, bytes]:
    """Raises what ``zipfile`` raises, and :class:`NotABundle` for one that would fill the memory."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        listed = opened.infolist()
        if len(listed) > MOST_FILES or sum(each.file_size for each in listed) > MOST_BYTES:
            raise NotABundle("This is no bundle of a case: it unpacks to more than a case can hold.")
        return {each.filename: opened.read(each) for each in listed}
