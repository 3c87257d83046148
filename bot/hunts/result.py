"""What hunts find in a window."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model import Coverage, Gap, Hit, Level, Severity, Span

__all__ = ("SEVERITIES", "Hit", "Hunted", "Level", "Severity")

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Hunted:
    """The hits of one or more hunts over a window."""

    window: Span
    searched: Coverage | None
    hits: tuple[Hit, ...]
    gaps: tuple[Gap, ...]
