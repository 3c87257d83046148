"""Verdict and scope reckoned again from a bundle, with nobody to ask: are they what the bundle says?"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from bot.evidence.bundle import ASKED, SCOPE, TRIAGE, NotABundle, documents, unpacked
from bot.evidence.recording import read_recording
from bot.evidence.replaying import NotRecorded, replay
from bot.plugins import PluginError, shipped

SHOWN = 120
"""Characters of a value in a difference."""
MISSING = object()


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What came of it. ``difference`` is a sentence, ``None`` where all is the same to the byte."""

    verdict: str | None
    confirmed: int | None
    """Keys; ``None`` where no scope was made."""
    version: str
    """Of the bot that made the bundle."""
    difference: str | None = None

    @property
    def same(self) -> bool:
        return self.difference is None


def reproduce(archive: bytes, enrichers: Collection[str] = ()) -> Reproduced:
    """Make the triage of a bundle again and compare. ``enrichers`` are those beside the shipped ones that may be run: a
    bundle comes from elsewhere, and naming a module is running it. Raises :class:`NotABundle`.
    """
    files = unpacked(archive)
    if ASKED not in files or TRIAGE not in files:
        raise NotABundle("The bundle does not hold what the triage was told, so it cannot be made again.")
    try:
        recording = read_recording(files[ASKED])
    except ValueError as error:
        raise NotABundle(str(error)) from error
    strange = sorted(set(recording.enrichers) - {*shipped(), *enrichers})
    if strange:
        raise NotABundle(
            f"It was made with the enricher {strange[0]!r}, which is neither shipped nor named in [enrichers] enabled: "
            "install it and name it there."
        )
    try:
        again = documents(replay(recording))
    except (NotRecorded, PluginError, ValueError) as error:
        return Reproduced(None, None, recording.version, f"It cannot be made again: {error}.")
    verdict = json.loads(again[TRIAGE])["assessment"]["verdict"]
    confirmed = len(json.loads(again[SCOPE])["confirmed"]) if SCOPE in again else None
    return Reproduced(verdict, confirmed, recording.version, _difference(files, again))


def _difference(kept: Any, again: Any) -> str | None:
    """The first thing that differs between the documents of the bundle and those made again."""
    for name in (TRIAGE, SCOPE):
        one, other = kept.get(name), again.get(name)
        if one == other:
            continue
        if one is None or other is None:
            return f"{name} is {'only in the bundle' if other is None else 'not in the bundle'}."
        found = next(_differing(json.loads(one), json.loads(other), name.partition(".")[0]), None)
        return found or f"{name} says the same in other bytes."
    return None


def _differing(one: Any, other: Any, path: str) -> Iterator[str]:
    """Where two JSON values differ, the first first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            yield from _differing(one.get(name, MISSING), other.get(name, MISSING), f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list):
        for number, (left, right) in enumerate(zip_longest(one, other, fillvalue=MISSING)):
            yield from _differing(left, right, f"{path}[{number}]")
    elif one != other:
        yield f"{path}: {_shown(one)} in the bundle, {_shown(other)} now."


def _shown(value: Any) -> str:
    text = "nothing" if value is MISSING else json.dumps(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
