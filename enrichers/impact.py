"""What has it cost so far?

A thief comes to send mail or messages, to mine, to run models, to read what is there or to delete it; how far that has
gone decides who must be called tonight. The owner works with the key too, so what is recent stands beside what was
usual before. Much leaves no trace: reading objects, sending mail and messages are in a log only where a trail was told
to take data events, mail by SMTP in none. That is said, and never taken for "nothing happened". SES counts itself what
an account mails, whoever mailed it and however. What does which harm is a table, ``impact.toml``.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from bot.model import (
    Answer,
    Context,
    Declaration,
    Event,
    Fact,
    Kind,
    MailSent,
    Observable,
    Outcome,
    Unread,
    Use,
    Window,
    account_of,
    rfc3339,
)

DECLARATION = Declaration(
    question="What has it cost so far?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset({"history"}),
    seconds=8.0,
)

TABLE = Path(__file__).with_suffix(".toml")

SES = "ses:"
STARTING = "ec2:RunInstances"
NOT_ASKED = "not asked: name a reading role in config.toml"

MOST_REGIONS = 6
MOST_TRACES = 100
MOST_EVENTS = 1_000
MOST_READ = 10
"""Records that are read again for what was started, the newest first."""
MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Harm:
    """A row of the table: one way to do damage, and the calls that do it."""

    what: str
    calls: frozenset[str]
    data_events: str | None = None
    traces: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    but: frozenset[str] = frozenset()
    note: str | None = None

    def holds(self, event: str) -> bool:
        if event in self.calls:
            return True
        return bool(self.verbs) and event.partition(":")[2].startswith(self.verbs) and event not in self.but


@cache
def harms() -> tuple[Harm, ...]:
    """The table; a call that one row names is not what another row means by its verbs."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["harms"]
    named = {call for row in rows for call in row["calls"]}
    return tuple(
        Harm(
            row["what"],
            frozenset(row["calls"]),
            row.get("data_events"),
            tuple(row.get("traces", ())),
            tuple(row.get("verbs", ())),
            frozenset(row.get("but", ())) | named,
            row.get("note"),
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class Done:
    """What was done in the recent part of the window, and before it; ``before`` is ``None`` where nobody knows."""

    recent: Sequence[Use]
    before: Sequence[Use] | None


@dataclass(frozen=True, slots=True)
class Started:
    """Instances by type, out of the ``read`` newest of ``calls``."""

    types: Mapping[str, int]
    read: int
    calls: int


Mailed = Mapping[str, MailSent | Unread] | str
"""What SES counted, by region; a string says why nobody was asked."""


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    window, account = context.window, _account(observable, context)
    held = context.history.coverage(window.baseline)
    known = held is not None and (account is None or account in held.accounts)
    before = context.uses(observable, window.baseline) if known else None
    done = Done(context.uses(observable, window.recent), before)
    return judge(
        done,
        {harm.data_events: _logged(harm, account, context) for harm in harms() if harm.data_events},
        _started(observable, context, done.recent),
        _mailed(account, regions_of([*done.recent, *(before or ())]), context),
        context,
    )


def _account(observable: Observable, context: Context) -> str | None:
    if context.principal is not None and context.principal.account:
        return context.principal.account
    return account_of(observable.value) if observable.kind is Kind.ACCESS_KEY else None


def _logged(harm: Harm, account: str | None, context: Context) -> bool:
    """Whether the account's data events of this kind are in the history: anybody's in the window show it."""
    assert context.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    span = context.window.span
    found = (context.history.events(Observable(Kind.EVENT, call), span, limit=MOST_TRACES) for call in harm.traces)
    return any(account in {None, event.account} for events in found for event in events)


def _started(observable: Observable, context: Context, recent: Iterable[Use]) -> Started | None:
    """What recent calls that start instances started; ``None`` if there were none."""
    calls = sum(use.count for use in recent if use.event == STARTING and use.outcome is Outcome.OK)
    if not calls or context.history is None or context.records is None:
        return Started({}, 0, calls) if calls else None
    everyones = context.history.events(Observable(Kind.EVENT, STARTING), context.window.recent, limit=MOST_EVENTS)
    own = [event for event in everyones if event.outcome is Outcome.OK and _is_of(event, observable, context)]
    found = [context.records.instances(event.id) for event in own[:MOST_READ]]
    types: Counter[str] = Counter()
    for each in found:
        types.update(each or {})
    return Started(dict(types.most_common()), sum(each is not None for each in found), calls)


def _is_of(event: Event, observable: Observable, context: Context) -> bool:
    if observable.kind is Kind.ACCESS_KEY:
        return event.key == observable.value
    return context.principal is not None and event.principal.id == context.principal.id


def regions_of(uses: Iterable[Use]) -> list[str]:
    """Where it was active: the regions of its calls to SES first, then those of most calls."""
    counts: Counter[str] = Counter()
    mailing = set()
    for use in uses:
        counts[use.region] += use.count
        if use.event.startswith(SES):
            mailing.add(use.region)
    return sorted((region for region in counts if region), key=lambda each: (each not in mailing, -counts[each], each))


def _mailed(account: str | None, regions: Sequence[str], context: Context) -> Mailed:
    if context.statistics is None:
        return NOT_ASKED
    if account is None or not regions:
        return f"not asked: nothing says {'in which region it was active' if account else 'whose account it is'}"
    left = len(regions) - MOST_REGIONS
    asked = dict(context.statistics.mail(account, regions[:MOST_REGIONS]))
    return {**asked, f"{left} more regions": Unread("not asked")} if left > 0 else asked


# -------------------------------------------------------------------------------------- what it says


def judge(done: Done, logged: Mapping[str, bool], started: Started | None, mailed: Mailed, context: Context) -> Answer:
    """What the rows and SES say. ``logged``: whose data events are in the history."""
    window, looked = context.window, context.looked()
    rows = [_row(harm, done, logged) for harm in harms()]
    counts = [_counted(region, sent, window) for region, sent in ({} if isinstance(mailed, str) else mailed).items()]
    facts = [Fact(row["what"], _said(row, looked, window)) for row in rows]
    if started is not None:
        facts.append(Fact("Instances", _said_started(started)))
    facts += [Fact(f"SES in {each['region']}", _said_counted(each, window)) for each in counts]
    facts += [Fact("SES", mailed)] if isinstance(mailed, str) else []
    told = [row for row in (*rows, *counts) if row["recent"] and row["more_than_usual"] is not False]
    return Answer(
        headline=f"Cost so far: {_headline(rows, told, looked)}",
        facts=tuple(facts),
        found=bool(told),
        data={
            "recent_since": rfc3339(window.recent_since),
            "harms": rows,
            "instances": dict(started.types) if started is not None and started.read else None,
            "mail": counts,
        },
    )


def _row(harm: Harm, done: Done, logged: Mapping[str, bool]) -> dict[str, Any]:
    """The calls of one harm; ``None`` is what cannot be counted."""
    recent = [use for use in done.recent if harm.holds(use.event)]
    before = [use for use in done.before or () if harm.holds(use.event) and use.outcome is Outcome.OK]
    made = [use for use in recent if use.outcome is Outcome.OK]
    counted = bool(made or before) or harm.data_events is None or logged[harm.data_events]
    now = sum(use.count for use in made)
    usual = _usual((use.day, use.count) for use in before) if counted and done.before is not None else None
    return {
        "what": harm.what,
        "recent": now if counted else None,
        "before": sum(use.count for use in before) if usual is not None else None,
        "most_in_a_day_before": usual,
        "more_than_usual": now > usual if usual is not None else None,
        "refused": sum(use.count for use in recent if use.outcome not in {Outcome.OK, Outcome.UNKNOWN}),
        "regions": _sums((use.region, use.count) for use in made),
        "calls": _sums((use.event, use.count) for use in made),
        "first_seen": rfc3339(min(use.first_seen for use in made)) if made else None,
        "last_seen": rfc3339(max(use.last_seen for use in made)) if made else None,
        "why_unknown": None if counted else f"no {harm.data_events} data event of this account is in the history",
        "data_events": harm.data_events,
        "note": harm.note,
    }


def _counted(region: str, sent: MailSent | Unread, window: Window) -> dict[str, Any]:
    """What SES counted in one region; ``None`` is what it did not say."""
    why = sent.why if isinstance(sent, Unread) else None
    if isinstance(sent, MailSent) and sent.since > window.recent_since:
        why = f"SES keeps what it counted since {sent.since:%Y-%m-%d}"
    quarters = sent.quarters if isinstance(sent, MailSent) and why is None else ()
    recent = [each for each in quarters if each.at in window.recent]
    before = [each for each in quarters if each.at in window.baseline]
    now, usual = sum(each.sent for each in recent), _usual((each.at.date(), each.sent) for each in before)
    return {
        "region": region,
        "recent": now if why is None else None,
        "before": sum(each.sent for each in before) if why is None else None,
        "most_in_a_day_before": usual if why is None else None,
        "more_than_usual": now > usual if why is None else None,
        "bounced": sum(each.bounced for each in recent) if why is None else None,
        "complained": sum(each.complained for each in recent) if why is None else None,
        "rejected": sum(each.rejected for each in recent) if why is None else None,
        "why_unknown": why,
    }


def _usual(counts: Iterable[tuple[date, int]]) -> int:
    """The most of one day."""
    days: Counter[date] = Counter()
    for day, count in counts:
        days[day] += count
    return max(days.values(), default=0)


def _sums(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for name, count in counts:
        sums[name] += count
    return dict(sums.most_common())


def _headline(rows: Iterable[Mapping[str, Any]], told: Sequence[Mapping[str, Any]], looked: str) -> str:
    blind = ", ".join(row["what"].lower() for row in rows if row["recent"] is None)
    unseen = f"; not in this history: {blind}" if blind else ""
    if not told:
        return f"nothing beyond the usual {looked}{unseen}"
    counts = _sums((row["what"].lower() if "what" in row else "mails counted by SES", row["recent"]) for row in told)
    known = all(row["more_than_usual"] for row in told)
    usual = "more than on any day before" if known else "what was usual before is unknown"
    return f"{', '.join(f'{what} {count}' for what, count in counts.items())}; {usual}{unseen}"


def _said(row: Mapping[str, Any], looked: str, window: Window) -> str:
    tried = f"; {row['refused']} more were tried in vain" if row["refused"] else ""
    note = f"; {row['note']}" if row["note"] else ""
    if row["why_unknown"]:
        return f"cannot be counted: {row['why_unknown']}{note}{tried}"
    if not row["recent"] and not row["before"]:
        return f"none {looked}{', as far as data events are taken' if row['data_events'] else ''}{note}{tried}"
    told = [f"{row['recent']} since {window.recent_since:%Y-%m-%d %H:%M} UTC, {_said_usual(row)}"]
    told += [
        ", ".join(f"{name} {count}" for name, count in [*row[key].items()][:MOST_NAMED]) for key in ("calls", "regions")
    ]
    return f"{'; '.join(part for part in told if part)}{tried}"


def _said_usual(row: Mapping[str, Any]) -> str:
    if row["before"] is None:
        return "what was usual before is unknown"
    return f"{row['before']} before, at most {row['most_in_a_day_before']} a day" if row["before"] else "none before"


def _said_started(started: Started) -> str:
    if not started.read:
        return f"started by {started.calls} calls; which stands in records that cannot be read again"
    types = ", ".join(f"{kind} {count}" for kind, count in started.types.items()) or "none"
    of = f" by the newest {started.read} of {started.calls} calls" if started.read < started.calls else ""
    return f"{sum(started.types.values())} started{of}: {types}"


def _said_counted(row: Mapping[str, Any], window: Window) -> str:
    if row["why_unknown"]:
        return f"unknown: {row['why_unknown']}"
    whose = "by the whole account, SMTP included"
    if not row["recent"] and not row["before"]:
        return f"no mail since {window.since:%Y-%m-%d %H:%M} UTC {whose}"
    ended = ", ".join(f"{row[how]} {how}" for how in ("bounced", "complained", "rejected") if row[how])
    since = f"{window.recent_since:%Y-%m-%d %H:%M} UTC"
    return f"{row['recent']} mails since {since} {whose}{f' ({ended})' if ended else ''}; {_said_usual(row)}"
