"""How moments, cut lists and questions are put in words everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.model import Enrichment, Status

SHOWN = 3
"""Addresses, clients and services a row names before it counts the rest."""


@dataclass(frozen=True, slots=True)
class Row:
    """A label and what stands beside it."""

    label: str
    value: str


def moment(at: datetime) -> str:
    """``at`` in UTC to the minute, for people."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def enricher_name(name: str) -> str:
    """An enricher's name in words: ``usual_ips`` is "Usual IPs"."""
    words = [{"ip": "IP", "ips": "IPs"}.get(word, word) for word in name.rsplit(".", 1)[-1].split("_")]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def more(count: int) -> str:
    """How a cut list ends."""
    return f" (and {count} more)" if count > 0 else ""


def unanswered(enrichment: Enrichment) -> str:
    """How a question ended that has no answer, in words."""
    how = {Status.SKIPPED: "not asked", Status.FAILED: "could not be answered", Status.TIMED_OUT: "ran out of time"}
    return f"{how[enrichment.status]}: {enrichment.why or 'no reason given'}"
