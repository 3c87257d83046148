"""Who sends alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """A sender of alerts: its name, what form its alerts have, and where they keep what (JMESPath by field).

    ``kind`` is ``auto`` (told by the alert's own form), ``generic``, a form that this room knows, or a shipped mapping.
    ``fields`` are the user's own and come first; ``mapping`` is the shipped one of ``kind``. ``each`` names the list
    that holds several alerts at once, as ``data.alerts``.
    """

    name: str
    kind: str = "auto"
    fields: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    each: str = ""
