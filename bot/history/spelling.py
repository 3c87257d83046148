"""What stands behind the number of a manner, as a reader remembers it: a manner's row never changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.history.details import read_detail
from bot.history.schema import ADDRESS_CLASSES, OUTCOMES
from bot.history.selecting import Rows
from bot.model import AddressClass, Detail, Principal

_REMEMBERED = 50_000
_MANNERS = """SELECT m.id, k.value, p.value, i.value, i.class, g.value, g.family, n.value, m.outcome, e.value,
        r.value, a.value, m.by_service, d.type, d.arn, d.account, s.value, x.value
    FROM json_each(?) j CROSS JOIN manner m ON m.id = j.value JOIN place w ON w.id = m.place
    JOIN principal p ON p.id = m.principal JOIN identity d ON d.id = m.identity JOIN agent g ON g.id = m.agent
    JOIN name n ON n.id = m.name JOIN text r ON r.id = w.region JOIN text a ON a.id = w.account
    LEFT JOIN text k ON k.id = m.key LEFT JOIN address i ON i.id = m.address LEFT JOIN text e ON e.id = m.error
    LEFT JOIN text s ON s.id = m.session LEFT JOIN text x ON x.id = m.detail"""


@dataclass(frozen=True, slots=True)
class Spelt:
    """A manner in words. ``told`` are the fields of a ``Use`` from its key to its ``by_service``, in their order."""

    told: tuple[Any, ...]
    detail: Detail | None
    who: Principal
    session: str | None
    order: tuple[Any, ...]
    """Tells the order of uses that began in the same second, which is always the same."""

    @property
    def name(self) -> str:
        return str(self.told[6])

    @property
    def account(self) -> str:
        return str(self.told[10])

    @property
    def by_service(self) -> bool:
        return bool(self.told[11])


class Spelling:
    """Manners by their number. Safe from any thread."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: dict[int, Spelt] = {}

    def of(self, numbers: Iterable[int]) -> Mapping[int, Spelt]:
        """At least the given ones."""
        wanted, known = set(numbers), self._known
        missing = wanted - known.keys()
        if missing:
            found = {row[0]: _spelt(*row[1:]) for row in self._rows(_MANNERS, [json.dumps(sorted(missing))])}
            if len(known) > _REMEMBERED:
                known = {number: known[number] for number in wanted - missing}
            # Another thread may be reading the old one: it is left as it is.
            known = self._known = {**known, **found}
        return known


def _spelt(
    key: str | None,
    principal: str,
    ip: str | None,
    kind: int | None,
    agent: str,
    family: str,
    name: str,
    outcome: int,
    error: str | None,
    region: str,
    account: str,
    by_service: int,
    type_: str,
    arn: str,
    owner: str,
    session: str | None,
    detail: str | None,
) -> Spelt:
    address_class = AddressClass.OTHER if kind is None else ADDRESS_CLASSES[kind]
    what = (agent, family, name, OUTCOMES[outcome], error, region, account, bool(by_service))
    order = (
        *(name, key is not None, key or "", principal, ip is not None, ip or "", agent, outcome),
        *(error is not None, error or "", region, account, by_service, detail or ""),
    )
    who = Principal(principal, type_ or None, arn or None, owner or None)
    return Spelt((key, principal, ip, address_class, *what), read_detail(detail), who, session, order)
