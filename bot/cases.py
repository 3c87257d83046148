"""Open a case or join the open one.

One case per access key; else per principal; else per public address: two stolen keys are two cases, however loudly
one alert names them both. A case keeps the baseline of its first alert, so that asking again never makes yesterday's
attack today's normal. Every function that takes a ``Database`` runs inside a caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import msgspec

from bot import closings, custody, links, owners, tasks
from bot.database import Database
from bot.history.address import classify
from bot.model import (
    Actor,
    AddressClass,
    Alert,
    Case,
    Change,
    Environment,
    Kind,
    Observable,
    Ruling,
    Triage,
    Window,
    rfc3339,
)

SUBJECTS = (Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP)
"""What a case can be about, the most telling first."""


def subjects(alert: Alert) -> tuple[Observable, ...]:
    """What ``alert`` is to be triaged for: all its keys, else its principals, else its addresses.

    Several keys at one public address are somebody trying keys: then the address is a story of its own, too. A private
    address is somebody's only where no public one is named.
    """
    if alert.sample:
        return ()
    keys, principals, addresses = (tuple(each for each in alert.observables if each.kind is kind) for kind in SUBJECTS)
    public = tuple(each for each in addresses if _is_public(each.value))
    tried_at = public if len(keys) > 1 and len(public) == 1 else ()
    return (*keys, *tried_at) if keys else principals or public or addresses


def pivots(alert: Alert) -> tuple[Observable, ...]:
    """Everything of ``alert`` that can be triaged: its keys, principals and addresses, in that order."""
    if alert.sample:
        return ()
    return tuple(dict.fromkeys(each for kind in SUBJECTS for each in alert.observables if each.kind is kind))


def open_or_join(
    db: Database,
    alert: Alert,
    subject: Observable | None,
    environment: Environment,
    window: Window,
    *,
    delivery: str = "",
    thread: tuple[str, str] = ("", ""),
) -> tuple[int, bool]:
    """The id of the case ``alert`` belongs to, and whether it was opened for it; asked again, the same.

    ``window`` is the alert's; a case that is already open, or was closed a few days ago and is opened again, keeps the
    beginning of its own. An alert that a closed case has already leaves that closed. ``subject=None`` opens a case
    about the alert itself: it names nothing that can be looked up. ``thread``: the channel and the slot of the message
    whose thread a new case stands in.
    """
    kind, value = (subject.kind.value, subject.value) if subject else ("alert", alert.id)
    if judged := _judged_already(db, alert, environment.name, kind, value):
        return judged, False
    known = db.execute(
        "SELECT id FROM cases WHERE environment = ? AND subject_kind = ? AND subject_value = ? AND state = 'open'",
        [environment.name, kind, value],
    ).fetchone()
    again = None if known else closings.reopened(db, environment.name, kind, value, alert.at)
    case = known[0] if known else again or _open(db, alert, kind, value, environment, window, *thread)
    add(db, case, alert, delivery=delivery)
    db.execute("UPDATE cases SET until = max(until, ?) WHERE id = ?", [rfc3339(window.until), case])
    first = db.execute("SELECT alert_id FROM case_alerts WHERE case_id = ? ORDER BY rowid", [case]).fetchone()
    return case, first[0] == alert.id


def add(db: Database, case: int, alert: Alert, *, delivery: str = "") -> None:
    """Have ``case`` know of ``alert``; once, however often it comes. An update of it takes its place."""
    db.execute(
        "INSERT INTO case_alerts (case_id, alert_id, delivery, at, alert) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (case_id, alert_id) DO UPDATE SET delivery = excluded.delivery, at = excluded.at,"
        " alert = excluded.alert WHERE excluded.at >= case_alerts.at AND excluded.alert <> case_alerts.alert",
        [case, alert.id, delivery, rfc3339(alert.at), msgspec.json.encode(alert).decode()],
    )
    links.mention(db, case, alert)


def open_with(db: Database, alert: str) -> tuple[int, ...]:
    """The open cases that have the alert of this id."""
    rows = db.execute(
        "SELECT c.id FROM cases c JOIN case_alerts a ON a.case_id = c.id WHERE a.alert_id = ? AND c.state = 'open'"
        " ORDER BY c.id",
        [alert],
    ).fetchall()
    return tuple(row[0] for row in rows)


def has_alert(db: Database, alert: str) -> bool:
    """Whether any case, open or closed, has the alert of this id."""
    return db.execute("SELECT 1 FROM case_alerts WHERE alert_id = ?", [alert]).fetchone() is not None


def is_open(db: Database, case: int) -> bool:
    return db.execute("SELECT 1 FROM cases WHERE id = ? AND state = 'open'", [case]).fetchone() is not None


def look_until(db: Database, case: int, until: datetime) -> None:
    """Have the next questions of ``case`` reach up to ``until``; its baseline stays that of its first alert.

    Raises ``LookupError`` if there is no open case of that number.
    """
    found = db.execute("UPDATE cases SET until = max(until, ?) WHERE id = ? AND state = 'open'", [rfc3339(until), case])
    if not found.rowcount:
        raise LookupError(f"there is no open case {case}")


def settle(db: Database, case: int, triage: Triage) -> None:
    """Keep the newest state of a case's triage."""
    db.execute(
        "UPDATE cases SET triage = ?, verdict = ?, score = ? WHERE id = ?",
        [
            msgspec.json.encode(triage).decode(),
            triage.assessment.verdict.value,
            triage.assessment.score,
            case,
        ],
    )


def load(db: Database, id_: int) -> Case:
    """The case without its changes. Raises ``LookupError`` if there is none of that number."""
    row = db.execute(
        "SELECT id, environment, subject_kind, subject_value, title, channel, state, opened_at, since, recent_since,"
        " until, triage, reopened, owner, owner_name, thread, quiet FROM cases WHERE id = ?",
        [id_],
    ).fetchone()
    if row is None:
        raise LookupError(f"there is no case {id_}")
    return Case(
        id=row[0],
        environment=row[1],
        subject=None if row[2] == "alert" else Observable(Kind(row[2]), row[3]),
        title=row[4],
        channel=row[5],
        open=row[6] == "open",
        opened_at=datetime.fromisoformat(row[7]),
        window=Window(*(datetime.fromisoformat(at) for at in row[8:11])),
        alerts=tuple(_alerts(db, id_)),
        triage=msgspec.json.decode(row[11], type=Triage) if row[11] else None,
        rulings=tuple(_rulings(db, id_)),
        closings=closings.closings_of(db, id_),
        reopened=row[12],
        tasks=tasks.of_case(db, id_),
        owner=Actor(row[13], row[14]) if row[13] else None,
        handovers=custody.handovers_of(db, id_),
        declared=custody.declared(db, id_),
        questions=owners.of_case(db, id_),
        links=links.of_case(db, id_),
        thread=row[15],
        quiet=bool(row[16]),
        snoozed=_is_snoozed(db, id_),
    )


def take(db: Database, case: int, actor: Actor, at: datetime) -> bool:
    """Make ``case`` that of ``actor``; whether it was not theirs before. Raises ``LookupError`` if it is not open."""
    if not is_open(db, case):
        raise LookupError(f"there is no open case {case}")
    taken = db.execute(
        "UPDATE cases SET owner = ?, owner_name = ?, taken_at = ? WHERE id = ? AND owner IS NOT ?",
        [actor.id, actor.name, rfc3339(at), case, actor.id],
    )
    return bool(taken.rowcount)


def rule(db: Database, case: int, key: str, actor: Actor, reason: str, at: datetime, *, belongs: bool) -> bool:
    """Keep what an analyst decided about a key of a case's scope; whether it is news: a request a crash repeats is not.

    Raises ``LookupError`` if the case is not open.
    """
    if not is_open(db, case):
        raise LookupError(f"there is no open case {case}")
    newest = db.execute(
        "SELECT belongs, reason, actor FROM rulings WHERE case_id = ? AND key = ? ORDER BY seq DESC LIMIT 1",
        [case, key],
    ).fetchone()
    if newest and tuple(newest) == (int(belongs), reason, actor.id):
        return False
    db.execute(
        "INSERT INTO rulings (case_id, key, belongs, reason, actor, actor_name, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [case, key, belongs, reason, actor.id, actor.name, rfc3339(at)],
    )
    return True


def open_cases(db: Database) -> tuple[Case, ...]:
    """All open cases, the gravest first, then the oldest."""
    rows = db.execute("SELECT id FROM cases WHERE state = 'open' ORDER BY coalesce(score, -1) DESC, id").fetchall()
    return tuple(load(db, row[0]) for row in rows)


def last_alert(db: Database) -> datetime | None:
    """The time of the newest alert of any case."""
    row = db.execute("SELECT max(at) FROM case_alerts").fetchone()
    return datetime.fromisoformat(row[0]) if row[0] else None


def newest_cases(db: Database, most: int) -> tuple[Case, ...]:
    """The ``most`` newest cases, open or closed, the newest first."""
    rows = db.execute("SELECT id FROM cases ORDER BY id DESC LIMIT ?", [most]).fetchall()
    return tuple(load(db, row[0]) for row in rows)


def with_changes(case: Case, changes: tuple[Change, ...]) -> Case:
    """``case`` together with what has been done about it."""
    return replace(case, changes=changes)


def _is_public(address: str) -> bool:
    return classify(address)[1] is AddressClass.PUBLIC


def _judged_already(db: Database, alert: Alert, environment: str, kind: str, value: str) -> int | None:
    """The closed case of this subject that has this very alert: it comes again, and was judged.

    An update that tells of something after the closing was not.
    """
    found = db.execute(
        "SELECT c.id FROM cases c JOIN case_alerts a ON a.case_id = c.id WHERE c.environment = ? AND c.subject_kind = ?"
        " AND c.subject_value = ? AND c.state = 'closed' AND a.alert_id = ?"
        " AND coalesce((SELECT max(l.at) FROM closings l WHERE l.case_id = c.id), ?) >= ? ORDER BY c.id DESC",
        [environment, kind, value, alert.id, rfc3339(alert.at), rfc3339(alert.at)],
    ).fetchone()
    return int(found[0]) if found else None


def _open(
    db: Database,
    alert: Alert,
    kind: str,
    value: str,
    environment: Environment,
    window: Window,
    channel: str,
    thread: str,
) -> int:
    opened = db.execute(
        "INSERT INTO cases (environment, subject_kind, subject_value, title, channel, state, opened_at, since,"
        " recent_since, until, thread) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?) RETURNING id",
        [
            environment.name,
            kind,
            value,
            alert.title,
            channel or environment.channel,
            rfc3339(alert.at),
            rfc3339(window.since),
            rfc3339(window.recent_since),
            rfc3339(window.until),
            thread,
        ],
    ).fetchone()
    return int(opened[0])


def environment_of(db: Database, case: int) -> str:
    """The environment a case belongs to. Raises ``LookupError`` if there is no such case."""
    row = db.execute("SELECT environment FROM cases WHERE id = ?", [case]).fetchone()
    if row is None:
        raise LookupError(f"there is no case {case}")
    return str(row[0])


def stamp(db: Database, case: int, at: datetime) -> None:
    """Keep when ``case`` was opened by our own clock; its alert may be older. The first time counts."""
    db.execute("UPDATE cases SET created_at = ? WHERE id = ? AND created_at IS NULL", [rfc3339(at), case])


def hush(db: Database, case: int, *, quiet: bool) -> None:
    """Keep whether ``case`` is told in the digest alone."""
    db.execute("UPDATE cases SET quiet = ? WHERE id = ? AND quiet <> ?", [int(quiet), case, int(quiet)])


def _is_snoozed(db: Database, case: int) -> bool:
    """Whether every alert of ``case`` is covered by a snooze."""
    row = db.execute("SELECT count(*), sum(covered) FROM case_alerts WHERE case_id = ?", [case]).fetchone()
    return bool(row[0]) and row[0] == row[1]


def _alerts(db: Database, case: int) -> Iterator[Alert]:
    for row in db.execute("SELECT alert FROM case_alerts WHERE case_id = ? ORDER BY at, alert_id", [case]):
        yield msgspec.json.decode(row[0], type=Alert)


def _rulings(db: Database, case: int) -> Iterator[Ruling]:
    newest = "SELECT max(seq) FROM rulings WHERE case_id = ? GROUP BY key"
    query = f"SELECT key, belongs, reason, actor_name, at FROM rulings WHERE seq IN ({newest}) ORDER BY seq"  # noqa: S608 - no values
    for key, belongs, reason, by, at in db.execute(query, [case]):
        yield Ruling(key, bool(belongs), reason, by, datetime.fromisoformat(at))
