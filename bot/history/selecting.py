"""An observable → which rows of the history file are its events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.history.address import classify
from bot.history.principal import id_of_arn
from bot.history.user_agent import MAX_LENGTH
from bot.model import Kind, Observable

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The start of a WHERE clause over ``event`` and its values; no values: nothing in the history can match."""

    where: str
    values: tuple[int, ...]


def selection_of(rows: Rows, observable: Observable) -> Selection:
    """The rows of ``observable``. An action that several accounts logged counts once, but for an account's own list."""
    column, numbers = _COLUMN[observable.kind], _NUMBERS[observable.kind](rows, observable.value.strip())
    places = ", ".join("?" * len(numbers))
    once = "" if observable.kind is Kind.ACCOUNT else " AND copy = 0"
    return Selection(f"{column} IN ({places}){once}", tuple(numbers))


def principal_ids(rows: Rows, value: str) -> tuple[str, ...]:
    """The ids of every principal ``value`` may mean: an id, an ARN, or a bare user or role name."""
    value = value.strip()
    for query in (
        "SELECT value FROM principal WHERE value = ?",
        "SELECT DISTINCT p.value FROM identity d JOIN principal p ON p.id = d.principal WHERE d.arn = ? ORDER BY 1",
    ):
        found = rows(query, [value])
        if found:
            return tuple(row[0] for row in found)
    named = id_of_arn(value)
    if named:
        return tuple(row[0] for row in rows("SELECT value FROM principal WHERE value = ?", [named]))
    query = "SELECT value FROM principal WHERE substr(value, instr(value, '/') + 1) = ? ORDER BY value"
    return tuple(row[0] for row in rows(query, [value]))


def _texts(rows: Rows, value: str) -> list[int]:
    return _numbers(rows, "SELECT id FROM text WHERE value = ?", value)


def _addresses(rows: Rows, value: str) -> list[int]:
    return _numbers(rows, "SELECT id FROM address WHERE value = ?", classify(value)[0] or "")


def _agents(rows: Rows, value: str) -> list[int]:
    query = "SELECT id FROM agent WHERE value = ?1 OR family = ?1 ORDER BY id"
    return _numbers(rows, query, value[:MAX_LENGTH])


def _names(rows: Rows, value: str) -> list[int]:
    if ":" in value:
        return _numbers(rows, "SELECT id FROM name WHERE value = ?", value)
    return _numbers(rows, "SELECT id FROM name WHERE substr(value, instr(value, ':') + 1) = ? ORDER BY id", value)


def _principals(rows: Rows, value: str) -> list[int]:
    ids = principal_ids(rows, value)
    return [number for each in ids for number in _numbers(rows, "SELECT id FROM principal WHERE value = ?", each)]


def _numbers(rows: Rows, query: str, value: str) -> list[int]:
    return [int(row[0]) for row in rows(query, [value])]


_COLUMN = {
    Kind.ACCESS_KEY: "key",
    Kind.PRINCIPAL: "principal",
    Kind.IP: "address",
    Kind.USER_AGENT: "agent",
    Kind.EVENT: "name",
    Kind.ACCOUNT: "account",
}
_NUMBERS: dict[Kind, Callable[[Rows, str], list[int]]] = {
    Kind.ACCESS_KEY: _texts,
    Kind.PRINCIPAL: _principals,
    Kind.IP: _addresses,
    Kind.USER_AGENT: _agents,
    Kind.EVENT: _names,
    Kind.ACCOUNT: _texts,
}
