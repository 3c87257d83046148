"""Strings → the small integers that stand for them in a history file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from bot.database import Database
from bot.families import terminal_of
from bot.history.batch import Manner
from bot.history.digest import Fields

_REMEMBERED = 50_000
_NOTHING: Mapping[str, object] = MappingProxyType({})


class Numbers:
    """What is written is remembered while nobody else writes, up to 50,000 strings."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, dict[object, int]] = defaultdict(dict)

    def forget(self) -> None:
        self._known.clear()

    def fields(self, manner: Manner) -> Fields:
        """The columns of a manner that is no copy."""
        if sum(map(len, self._known.values())) > _REMEMBERED:
            self._known.clear()
        principal = self._principal(manner.principal)
        place = self._text(manner.account), self._text(manner.region)
        return (
            None if manner.key is None else self._text(manner.key),
            principal,
            self._identity(principal, manner.type, manner.arn, manner.owner),
            None if manner.session is None else self._text(manner.session),
            None if manner.ip is None else self._address(manner.ip, manner.address_class),
            self._agent(manner.agent, manner.family),
            self._name(manner.name),
            manner.outcome,
            None if manner.error is None else self._text(manner.error),
            None if manner.detail is None else self._text(manner.detail),
            self._place(*place),
            int(manner.by_service),
            0,
        )

    def _text(self, value: str) -> int:
        return self._known["text"].get(value) or self._find("text", value, value=value)

    def _principal(self, value: str) -> int:
        return self._known["principal"].get(value) or self._find("principal", value, value=value)

    def _name(self, value: str) -> int:
        return self._known["name"].get(value) or self._find("name", value, value=value)

    def _address(self, value: str, kind: int) -> int:
        return self._known["address"].get(value) or self._find("address", value, {"class": kind}, value=value)

    def _agent(self, value: str, family: str) -> int:
        known = self._known["agent"].get(value)
        return known or self._find("agent", value, {"family": family, "terminal": terminal_of(value)}, value=value)

    def _identity(self, principal: int, kind: str, arn: str, owner: str) -> int:
        who = principal, kind, arn, owner
        known = self._known["identity"].get(who)
        return known or self._find("identity", who, principal=principal, type=kind, arn=arn, account=owner)

    def _place(self, account: int, region: int) -> int:
        known = self._known["place"].get((account, region))
        return known or self._find("place", (account, region), account=account, region=region)

    def _find(self, table: str, known_as: object, more: Mapping[str, object] = _NOTHING, **key: object) -> int:
        """The row with this key; a new one with ``more`` beside it where there is none."""
        where = " AND ".join(f"{column} = ?" for column in key)
        select = f"SELECT id FROM {table} WHERE {where}"  # noqa: S608 - table and columns are this module's own words
        found = self._db.execute(select, list(key.values())).fetchone()
        if found is None:
            row = {**key, **more}
            places = ", ".join("?" * len(row))
            insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"  # noqa: S608 - same
            found = self._db.execute(insert, list(row.values())).fetchone()
        number = self._known[table][known_as] = int(found[0])
        return number
