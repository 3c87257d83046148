"""An observable → which rows of the history file are its events."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.families import TERMINAL_PREFIX
from bot.history.address import classify
from bot.history.clients import BRACKET, beginnings, families_of, small
from bot.history.principal import id_of_arn
from bot.model import Kind, Observable, Trace, inside

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are asked about: the start of a WHERE clause over ``manner m`` and ``use u``, and its values.

    One ``by_place`` is about all events of some places, which ``places`` selects; it is read day by day.
    """

    where: str
    values: tuple[str | int, ...]
    places: str | None = None

    @property
    def by_place(self) -> bool:
        return self.places is not None


def _everything(places: str, values: tuple[str | int, ...], *, copies: bool) -> Selection:
    return Selection(places if copies else f"{places} AND NOT m.copy", values, places)


EVERYONE = _everything("u.place IN (SELECT id FROM place)", (), copies=False)


def selection_of(rows: Rows, observable: Observable) -> Selection:
    """The events of ``observable``; of an action that several accounts logged one, but for an account's own list."""
    value = observable.value.strip()
    if observable.kind is Kind.ACCOUNT:
        return _everything(_PLACES_OF_ACCOUNT, (value,), copies=True)
    if observable.kind is Kind.PRINCIPAL:
        chosen = _principals(rows, value)
    elif observable.kind is Kind.IP and "/" in value:
        chosen = _network(rows, value)
    else:
        chosen = _BY_KIND[observable.kind](value)
    return Selection(f"m.{chosen.where} AND NOT m.copy", chosen.values)


def with_trace(rows: Rows, trace: Trace) -> Selection:
    """The events that left a trace, copies and what services did among them."""
    if trace.kind == "address":
        chosen = _network(rows, trace.value) if "/" in trace.value else _address(trace.value)
        return Selection(f"m.{chosen.where}", chosen.values)
    return Selection(f"m.{_WITH_TRACE[trace.kind]}", (trace.value,))


_WITH_TRACE = {
    "event": "name = (SELECT id FROM name WHERE value = ?)",
    "agent": "agent = (SELECT id FROM agent WHERE value = ?)",
    "family": "agent IN (SELECT id FROM agent WHERE family = ?)",
    "terminal": "agent IN (SELECT id FROM agent WHERE terminal = ?)",
}
_PLACES_OF_ACCOUNT = "u.place IN (SELECT id FROM place WHERE account = (SELECT id FROM text WHERE value = ?))"


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


def principal_alone(value: str) -> Selection:
    """The events of the principal with just this id."""
    return Selection("m.principal = (SELECT id FROM principal WHERE value = ?) AND NOT m.copy", (value,))


def _principals(rows: Rows, value: str) -> Selection:
    ids = principal_ids(rows, value)
    places = ", ".join("?" * len(ids))
    return Selection(f"principal IN (SELECT id FROM principal WHERE value IN ({places}))", ids)  # noqa: S608 - only "?"s


def _key(value: str) -> Selection:
    return Selection("key = (SELECT id FROM text WHERE value = ?)", (value,))


def _address(value: str) -> Selection:
    return Selection("address = (SELECT id FROM address WHERE value = ?)", (classify(value)[0] or "",))


def _network(rows: Rows, value: str) -> Selection:
    """All addresses of a network, such as an IPv6 /64."""
    prefix = _spelling(value)
    query = "SELECT id, value FROM address WHERE value >= ? AND value < ?"
    ids = [number for number, ip in rows(query, [prefix, f"{prefix}\U0010ffff"]) if inside(ip, [value])]
    return Selection("address IN (SELECT value FROM json_each(?))", (json.dumps(ids),))


def _spelling(network: str) -> str:
    """How every address of a network begins when it is written out: its whole parts, up to a zero, which may be cut."""
    start, _, bits = network.partition("/")
    separator, width = (":", 16) if ":" in start else (".", 8)
    whole = start.split(separator)[: int(bits) // width if bits.isdigit() else 0]
    known = list(itertools.takewhile(lambda part: part.strip("0") or separator == ".", whole))
    return "".join(f"{part}{separator}" for part in known)


def _agent(value: str) -> Selection:
    if value.startswith(TERMINAL_PREFIX):
        return Selection("agent IN (SELECT id FROM agent WHERE terminal = ?)", (value.removeprefix(TERMINAL_PREFIX),))
    wanted = small(value)
    if not wanted:
        return Selection("agent IN ()", ())
    longer = beginnings(wanted)
    families = sorted(families_of(wanted))
    named = ["SELECT id FROM agent WHERE value COLLATE NOCASE IN (?, ?)", *[_BEGINS] * len(longer)]
    named.append(f"SELECT id FROM agent WHERE family IN ({', '.join('?' * len(families))})")  # noqa: S608 - only "?"s
    named.append("SELECT id FROM agent WHERE family >= ? AND family < ?")
    edges = (edge for start in longer for edge in (start, f"{start[:-1]}{chr(ord(start[-1]) + 1)}"))
    tool = f"{wanted}|", f"{wanted}}}"
    return Selection(f"agent IN ({' UNION '.join(named)})", (wanted, f"{BRACKET}{wanted}", *edges, *families, *tool))


_BEGINS = "SELECT id FROM agent WHERE value COLLATE NOCASE >= ? AND value COLLATE NOCASE < ?"


def _name(value: str) -> Selection:
    if ":" in value:
        return Selection("name = (SELECT id FROM name WHERE value = ?)", (value,))
    bare = "name IN (SELECT id FROM name WHERE substr(value, instr(value, ':') + 1) = ?)"
    return Selection(bare, (value,))


_BY_KIND: dict[Kind, Callable[[str], Selection]] = {
    Kind.ACCESS_KEY: _key,
    Kind.IP: _address,
    Kind.USER_AGENT: _agent,
    Kind.EVENT: _name,
}
