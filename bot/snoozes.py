"""Observables that are kept silent for a while: alerts within are kept, counted and told in the digest.

Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import msgspec

from bot.database import Database, storable
from bot.model import Actor, Alert, Hidden, Kind, Observable, Snooze, inside, network_of, rfc3339
from bot.networks import common_start

LONGEST = 2000
PEOPLE = frozenset({"person", "slack", "owner"})
"""Sources that are somebody's own question or word: it is never kept silent."""

_COLUMNS = (
    "s.id, s.environment, s.kind, s.value, s.reason, s.actor, s.actor_name, s.at, s.until, s.lifted_by,"
    " s.lifted_by_name, s.lifted_at, count(a.alert_id), count(DISTINCT a.case_id)"
)
_QUERY = f"SELECT {_COLUMNS} FROM snoozes s LEFT JOIN case_alerts a ON a.snooze = s.id"  # noqa: S608 - our own names


def add(
    db: Database, environment: str, observable: Observable, until: datetime, actor: Actor, reason: str, at: datetime
) -> Snooze:
    """Keep ``observable`` silent from ``at`` to ``until``; a snooze of it that holds already is replaced."""
    lift_same = "UPDATE snoozes SET lifted_at = ?, lifted_by = ?, lifted_by_name = ? WHERE environment = ? AND kind = ?"
    db.execute(
        f"{lift_same} AND value = ? AND lifted_at IS NULL AND until > ?",
        [rfc3339(at), actor.id, actor.name, environment, observable.kind.value, observable.value, rfc3339(at)],
    )
    row = db.execute(
        "INSERT INTO snoozes (environment, kind, value, reason, actor, actor_name, at, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        [
            *(environment, observable.kind.value, observable.value, storable(reason, LONGEST)),
            *(actor.id, actor.name, rfc3339(at), rfc3339(until)),
        ],
    ).fetchone()
    return load(db, int(row[0]))


def lift(db: Database, id_: int, actor: Actor, at: datetime) -> tuple[int, ...]:
    """End a snooze; the open cases that it kept silent, which it does no longer. Raises ``LookupError``."""
    snooze = load(db, id_)
    db.execute(
        "UPDATE snoozes SET lifted_at = ?, lifted_by = ?, lifted_by_name = ? WHERE id = ? AND lifted_at IS NULL",
        [rfc3339(at), actor.id, actor.name, snooze.id],
    )
    rows = db.execute(
        "SELECT DISTINCT c.id FROM cases c JOIN case_alerts a ON a.case_id = c.id"
        " WHERE a.snooze = ? AND c.state = 'open' ORDER BY c.id",
        [id_],
    ).fetchall()
    return tuple(int(row[0]) for row in rows)


def uncover(db: Database, case: int) -> None:
    """Have no alert of an open case covered any longer: its card is shown like any other."""
    db.execute("UPDATE case_alerts SET covered = 0 WHERE case_id = ?", [case])


def load(db: Database, id_: int) -> Snooze:
    """Raises ``LookupError`` if there is none of that number."""
    row = db.execute(f"{_QUERY} WHERE s.id = ? GROUP BY s.id", [id_]).fetchone()
    if row is None:
        raise LookupError(f"there is no snooze {id_}")
    return _snooze(row)


def holding(db: Database, at: datetime) -> tuple[Snooze, ...]:
    """The snoozes that hold at ``at``, the one that ends first at the front."""
    where = "WHERE s.lifted_at IS NULL AND s.until > ? AND s.at <= ? GROUP BY s.id ORDER BY s.until, s.id"
    return tuple(_snooze(row) for row in db.execute(f"{_QUERY} {where}", [rfc3339(at), rfc3339(at)]).fetchall())


def covering(db: Database, environment: str, alert: Alert, at: datetime) -> Snooze | None:
    """The snooze that covers ``alert``, if one does; what a person asks or says is never covered."""
    if alert.source in PEOPLE:
        return None
    held = (each for each in holding(db, at) if each.environment in {"", environment})
    return next((each for each in held if _names(alert, each.observable)), None)


def cover(db: Database, case: int, alert: str, snooze: Snooze, at: datetime) -> None:
    """Keep that ``alert`` of ``case`` came while ``snooze`` held."""
    db.execute(
        "UPDATE case_alerts SET snooze = ?, covered = 1, snoozed_at = ?"
        " WHERE case_id = ? AND alert_id = ? AND snooze IS NULL",
        [snooze.id, rfc3339(at), case, alert],
    )


def would_hide(
    db: Database,
    observable: Observable,
    environment: str,
    since: datetime,
    until: datetime,
    is_grave: Callable[[int], bool],
) -> Hidden:
    """What a snooze of ``observable`` would have covered from ``since`` to ``until``; ``is_grave`` judges a case."""
    rows = db.execute(
        "SELECT a.case_id, a.alert FROM case_alerts a JOIN cases c ON c.id = a.case_id"
        " WHERE a.at >= ? AND a.at <= ? AND (? = '' OR c.environment = ?) AND instr(a.alert, ?) > 0",
        [rfc3339(since), rfc3339(until), environment, environment, _written(observable)],
    ).fetchall()
    named = [case for case, told in rows if _names(msgspec.json.decode(told, type=Alert), observable)]
    cases = tuple(dict.fromkeys(named))
    return Hidden(observable, since, until, len(named), len(cases), tuple(case for case in cases if is_grave(case)))


def is_network(observable: Observable) -> bool:
    """Whether it stands for every address of a network."""
    return observable.kind is Kind.IP and "/" in observable.value


def _written(observable: Observable) -> str:
    """What stands in every alert that names ``observable``, and in some that do not."""
    if is_network(observable):
        return f'"{common_start(observable.value)}'
    return json.dumps(observable.value, ensure_ascii=False)


def _names(alert: Alert, observable: Observable) -> bool:
    if alert.source in PEOPLE:
        return False
    if not is_network(observable):
        return observable in alert.observables
    return any(each.kind is Kind.IP and inside(each.value, (observable.value,)) for each in alert.observables)


def candidates(observables: Collection[Observable]) -> tuple[Observable, ...]:
    """What of an alert can be kept silent: what a detector names again and again. With an address its network."""
    order: Sequence[Kind] = (Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP, Kind.USER_AGENT)
    named = {each for each in observables if each.kind in order}
    around = {Observable(Kind.IP, network_of(each.value)) for each in named if each.kind is Kind.IP}
    return tuple(sorted(named | around, key=lambda each: (order.index(each.kind), is_network(each), each.value)))


def _snooze(row: Sequence[object]) -> Snooze:
    id_, environment, kind, value, reason, by, by_name, at, until, *rest = row
    lifted_by, lifted_name, lifted_at, hidden, cases = rest
    return Snooze(
        id=int(str(id_)),
        environment=str(environment),
        observable=Observable(Kind(str(kind)), str(value)),
        reason=str(reason),
        by=Actor(str(by), str(by_name)),
        at=datetime.fromisoformat(str(at)),
        until=datetime.fromisoformat(str(until)),
        lifted_by=Actor(str(lifted_by), str(lifted_name)) if lifted_by else None,
        lifted_at=datetime.fromisoformat(str(lifted_at)) if lifted_at else None,
        hidden=int(str(hidden)),
        cases=int(str(cases)),
    )
