"""Strings → the small integers that stand for them in a history file."""

from __future__ import annotations

from collections.abc import Callable

from bot.database import Database
from bot.families import terminal_of
from bot.history.batch import Manner
from bot.history.digest import Fields

_REMEMBERED = 100_000


class Numbers:
    """What is written is remembered while the transaction holds, up to 100,000 strings."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[tuple[object, ...], int] = {}

    def forget(self) -> None:
        self._known.clear()

    def fields(self, manner: Manner) -> Fields:
        """The columns of a manner that is no copy."""
        principal = self._number("principal", manner.principal)
        who = {"principal": principal, "type": manner.type, "arn": manner.arn, "account": manner.owner}
        account, region = self._number("text", manner.account), self._number("text", manner.region)
        return (
            self._text(manner.key),
            principal,
            self._row("identity", who),
            self._text(manner.session),
            None if manner.ip is None else self._number("address", manner.ip, **{"class": manner.address_class}),
            self._agent(manner),
            self._number("name", manner.name),
            manner.outcome,
            self._text(manner.error),
            self._text(manner.detail),
            self._row("place", {"account": account, "region": region}),
            int(manner.by_service),
            0,
        )

    def _text(self, value: str | None) -> int | None:
        return None if value is None else self._number("text", value)

    def _number(self, table: str, value: str, **more: object) -> int:
        return self._remembered((table, value), lambda: self._inserted(table, {"value": value}, **more))

    def _row(self, table: str, row: dict[str, object]) -> int:
        return self._remembered((table, *row.values()), lambda: self._inserted(table, row))

    def _agent(self, manner: Manner) -> int:
        return self._remembered(
            ("agent", manner.agent),
            lambda: self._inserted(
                "agent", {"value": manner.agent}, family=manner.family, terminal=terminal_of(manner.agent)
            ),
        )

    def _remembered(self, key: tuple[object, ...], find: Callable[[], int]) -> int:
        number = self._known.get(key)
        if number is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            number = self._known[key] = find()
        return number

    def _inserted(self, table: str, key: dict[str, object], **more: object) -> int:
        row = {**key, **more}
        where = " AND ".join(f"{column} = ?" for column in key)
        select = f"SELECT id FROM {table} WHERE {where}"  # noqa: S608 - table and columns are this module's own words
        found = self._db.execute(select, list(key.values())).fetchone()
        if found is None:
            places = ", ".join("?" * len(row))
            insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"  # noqa: S608 - same
            found = self._db.execute(insert, list(row.values())).fetchone()
        return int(found[0])
