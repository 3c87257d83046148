"""Pieces of SQL whose values are bound: Athena gets them beside the query, as execution parameters.

An execution parameter is not text but a literal of SQL ("Use execution parameters" in the Amazon Athena user guide): a
string comes in quotes, with its own quotes doubled. ``literal`` is the one place that writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.model import CannotSearch

LONGEST_PARAMETER = 1024
"""Of one execution parameter, quotes and all, in characters (``StartQueryExecution``, Athena API reference)."""


@dataclass(frozen=True, slots=True)
class Clause:
    """SQL with the values of its question marks, in their order."""

    sql: str
    values: tuple[str, ...] = ()


def both(*clauses: Clause) -> Clause:
    return _joined(" AND ", clauses)


def either(*clauses: Clause) -> Clause:
    return _joined(" OR ", clauses)


def one_of(expression: str, values: Iterable[str]) -> Clause:
    """``expression`` is one of ``values``, of which there is at least one."""
    listed = tuple(values)
    return Clause(f"{expression} IN ({', '.join('?' * len(listed))})", listed)


def between(expression: str, first: str, last: str) -> Clause:
    return Clause(f"{expression} BETWEEN ? AND ?", (first, last))


def literal(value: str) -> str:
    """``value`` as a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def parameter(value: str) -> str:
    """``literal``, if Athena takes one so long; raises ``CannotSearch`` otherwise."""
    written = literal(value)
    if len(written) > LONGEST_PARAMETER:
        raise CannotSearch(f"Athena cannot search for a value of {len(value):,} characters.")
    return written


def _joined(word: str, clauses: tuple[Clause, ...]) -> Clause:
    sql = word.join(f"({clause.sql})" for clause in clauses)
    return Clause(sql, tuple(value for clause in clauses for value in clause.values))
