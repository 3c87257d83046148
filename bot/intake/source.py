"""Who sends alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SourceKind = Literal["auto", "generic", "guardduty"]


@dataclass(frozen=True, slots=True)
class Source:
    """A sender of alerts: its name, what form its alerts have, and where they keep what (JMESPath by field)."""

    name: str
    kind: SourceKind = "auto"
    fields: Mapping[str, str] = field(default_factory=dict)
