"""Strings → the small integers that stand for them in a history file."""

from __future__ import annotations

from collections.abc import Callable

from bot.database import Database
from bot.families import terminal_of
from bot.history.batch import Manner

Fields = tuple[int | None, ...]
"""The columns of a use that tell it from others, in the order of ``FIELDS``."""

FIELDS = (
    *("day", "key", "principal", "identity", "session", "address", "agent", "name", "outcome", "error"),
    *("region", "account", "by_service", "detail", "copy"),
)
DAY_AT, PRINCIPAL_AT, NAME_AT, REGION_AT, ACCOUNT_AT, COPY_AT = (
    FIELDS.index(name) for name in ("day", "principal", "name", "region", "account", "copy")
)

_REMEMBERED = 100_000


class Numbers:
    """What is written is remembered while the transaction holds, up to 100,000 strings."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[tuple[object, ...], int] = {}
        self._manners: dict[Manner, Fields] = {}

    def forget(self) -> None:
        self._known.clear()
        self._manners.clear()

    def fields(self, day: int, manner: Manner, *, copy: bool = False) -> Fields:
        """The fields of the use of one day and manner."""
        known = self._manners.get(manner)
        if known is None:
            if len(self._manners) >= _REMEMBERED // 5:
                self._manners.clear()
            known = self._manners[manner] = self._fields(manner)
        return (day, *known, int(copy))

    def text(self, value: str | None) -> int | None:
        return None if value is None else self._number("text", value)

    def account(self, value: str) -> int:
        return self._number("text", value)

    def _fields(self, manner: Manner) -> Fields:
        principal = self._number("principal", manner.principal)
        who = {"principal": principal, "type": manner.type, "arn": manner.arn, "account": manner.owner}
        return (
            self.text(manner.key),
            principal,
            self._remembered(("identity", *who.values()), lambda: self._inserted("identity", who)),
            self.text(manner.session),
            None if manner.ip is None else self._number("address", manner.ip, **{"class": manner.address_class}),
            self._number("agent", manner.agent, family=manner.family, terminal=terminal_of(manner.agent)),
            self._number("name", manner.name),
            manner.outcome,
            self.text(manner.error),
            self._number("text", manner.region),
            self._number("text", manner.account),
            int(manner.by_service),
            self.text(manner.detail),
        )

    def _number(self, table: str, value: str, **more: object) -> int:
        return self._remembered((table, value), lambda: self._inserted(table, {"value": value}, **more))

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
