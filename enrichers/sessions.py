"""Which sessions came of it, and who uses them?

A stolen key is seldom the end: it gives out sessions that outlive it, opens the console, takes on roles. And where an
organisation has no long-term keys, the session is what was stolen: that of an instance, a task or a function belongs
inside AWS, so its use from anywhere else means that its credentials left the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.model import (
    WIDENED_BASELINE,
    AddressClass,
    Answer,
    Baseline,
    Context,
    Declaration,
    Event,
    Fact,
    Kind,
    Observable,
    Outcome,
    Signal,
    Span,
    Unknown,
    Use,
    inside,
    rfc3339,
)

DECLARATION = Declaration(
    question="Which sessions came of it, and who uses them?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset({"history"}),
    raises=frozenset({"role.outside", "console.nomfa", "console.pivot", "session.spray"}),
)

SIGN_IN = "signin:ConsoleLogin"
TO_CONSOLE = (SIGN_IN, "signin:GetSigninToken", "sts:GetFederationToken", "iam:CreateLoginProfile")
"""How a key becomes a browser session: a password is set, or a token is had that the sign-in page takes."""
PASSWORD_SET = "iam:CreateLoginProfile"  # noqa: S105 - the name of a call
GIVING_OUT = (
    *("sts:GetFederationToken", "sts:GetSessionToken", "sts:AssumeRole"),
    *("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"),
)
PAGES = ("browser", "console")

MACHINE_SESSION = re.compile(r"i-[0-9a-f]{8,17}|[0-9a-f]{32}", re.IGNORECASE)
"""Sessions that AWS names: an instance's by its id, a task's by its 32 hex digits."""
MACHINES = frozenset({"aws_lambda", "aws_ecs", "ec2"})
"""Where a client says it runs, as a family's last part."""
OF_AWS = "AWS"

AT_HOME_DAYS = 3
SPRAY, SPRAY_WITHIN = 3, timedelta(minutes=60)
LONGEST_SESSION = timedelta(hours=36)
MOST_EVENTS = 10_000
MOST_PARENTS = 1_000
MOST_FACTS = 8
MOST_NAMED = 3
MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    return judge(
        observable,
        context,
        _events(observable, context.window.recent, MOST_EVENTS, context),
        _own(context),
        context.baseline(),
        passwords=_passwords(context),
        parent=_parent(observable, context),
    )


def judge(
    observable: Observable,
    context: Context,
    events: Sequence[Event],
    own: Sequence[Use],
    baseline: Baseline,
    *,
    passwords: Sequence[Event] = (),
    parent: Event | None = None,
) -> Answer:
    """What the calls say. ``events`` (newest first) are the observable's of the recent part, ``own`` its principal's.

    ``passwords`` are calls that set one for the principal; ``parent`` is the call that gave out the key asked about.
    """
    events = [event for event in events if not event.by_service]
    own = [use for use in own if not use.by_service]
    given_out = [event for event in events if event.minted]
    sign_ins = [use for use in own if use.event == SIGN_IN and use.outcome is Outcome.OK]
    outside, undecided = _outside(events, own, baseline, context)
    pivots, open_pivots = _pivots(own, passwords, baseline, context)
    spray, open_spray = _spray(given_out, baseline)
    rows = _sessions(events)
    return Answer(
        headline=_headline(rows, given_out, sign_ins, parent if _is_session(observable) else None, context.looked()),
        facts=_facts(rows, given_out, sign_ins, parent),
        signals=(*outside, *_without_mfa(sign_ins, context), *pivots, *spray),
        unknowns=(*undecided, *open_pivots, *open_spray),
        found=bool(given_out or sign_ins or outside or (_is_session(observable) and (rows or parent))),
        data={
            "sessions": rows,
            "given_out": [_given_row(event) for event in given_out],
            "given_out_by": _given_row(parent) if parent is not None else None,
            "sign_ins": [_sign_in_row(use) for use in sign_ins],
        },
    )


# --------------------------------------------------------------------------------- what is asked for


def _events(observable: Observable, span: Span, limit: int, context: Context) -> Sequence[Event]:
    assert context.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    return context.history.events(observable, span, limit=limit)


def _own(context: Context) -> Sequence[Use]:
    """What the principal did lately with all its keys and sessions: signing in is done with none."""
    if context.principal is None:
        return ()
    return context.uses(Observable(Kind.PRINCIPAL, context.principal.id), context.window.recent)


def _passwords(context: Context) -> Sequence[Event]:
    """The recent calls that set a console password for the principal, whoever made them."""
    account, kind, name = _parts(context)
    if kind != "user":
        return ()
    calls = _events(Observable(Kind.EVENT, PASSWORD_SET), context.window.recent, MOST_PARENTS, context)
    own = (call for call in calls if call.outcome is Outcome.OK and call.account in {account, ""})
    return [call for call in own if ((call.detail.user if call.detail else None) or call.principal.name) == name]


def _is_session(observable: Observable) -> bool:
    return observable.kind is Kind.ACCESS_KEY and not observable.value.startswith("AKIA")


def _parent(observable: Observable, context: Context) -> Event | None:
    """The call that gave out a session's key, looked for in the hours before its first use."""
    if not _is_session(observable):
        return None
    first = min((use.first_seen for use in context.uses(observable)), default=None)
    if first is None:
        return None
    span = Span(first - LONGEST_SESSION, first)
    calls = (call for name in GIVING_OUT for call in _events(Observable(Kind.EVENT, name), span, MOST_PARENTS, context))
    return next((call for call in calls if call.minted == observable.value), None)


def _parts(context: Context) -> tuple[str, str, str]:
    account, _, rest = (context.principal.id if context.principal is not None else "").partition(":")
    kind, _, name = rest.partition("/")
    return account, kind, name


# ------------------------------------------------------------------------------- what people read


def _sessions(events: Iterable[Event]) -> list[dict[str, Any]]:
    """One row a session of a role or federated user, the newest first."""
    by_session: dict[str, list[Event]] = {}
    for event in events:
        if event.session:
            by_session.setdefault(event.session, []).append(event)
    return [
        {
            "session": session,
            "count": len(found),
            "ips": list(dict.fromkeys(event.ip for event in found if event.ip)),
            "keys": list(dict.fromkeys(event.key for event in found if event.key)),
            "first_seen": rfc3339(found[-1].at),
            "last_seen": rfc3339(found[0].at),
        }
        for session, found in by_session.items()
    ]


def _given_row(event: Event) -> dict[str, Any]:
    return {
        "key": event.minted,
        "event": event.name,
        "at": rfc3339(event.at),
        "by": event.principal.id,
        "ip": event.ip,
        "event_id": event.id,
    }


def _sign_in_row(use: Use) -> dict[str, Any]:
    return {"ip": use.ip, "mfa": _mfa(use), "count": use.count, "last_seen": rfc3339(use.last_seen)}


def _mfa(use: Use) -> bool | None:
    return use.detail.mfa if use.detail is not None else None


def _headline(
    rows: Sequence[Mapping[str, Any]],
    given_out: Sequence[Event],
    sign_ins: Sequence[Use],
    parent: Event | None,
    looked: str,
) -> str:
    told = []
    if parent is not None:
        told.append(f"given out to {parent.principal.name} by {parent.name} at {rfc3339(parent.at)}")
    if given_out:
        keys = list(dict.fromkeys(str(event.minted) for event in given_out))
        more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
        told.append(f"gave out {', '.join(keys[:MOST_NAMED])}{more}")
    if sign_ins:
        count = sum(use.count for use in sign_ins)
        mfa = "without MFA" if any(_mfa(use) is False for use in sign_ins) else "with MFA or by an identity provider"
        told.append(f"signed in to the console {'once' if count == 1 else f'{count} times'}, {mfa}")
    if rows:
        told.append(f"session {rows[0]['session']} in use" if len(rows) == 1 else f"{len(rows)} sessions in use")
    return "; ".join(told) if told else f"Sessions: none {looked}"


def _facts(
    rows: Sequence[Mapping[str, Any]], given_out: Sequence[Event], sign_ins: Sequence[Use], parent: Event | None
) -> tuple[Fact, ...]:
    said = {True: "with MFA", False: "without MFA", None: "MFA or not: not in the record"}
    came = [Fact("Given out by", f"{parent.principal.name}, {parent.name} at {rfc3339(parent.at)}")] if parent else []
    gave = [Fact(f"Gave out {event.minted}", f"{event.name} at {rfc3339(event.at)}") for event in given_out]
    signed = [Fact("Signed in", f"{rfc3339(use.last_seen)} from {use.ip}, {said[_mfa(use)]}") for use in sign_ins]
    used = [
        Fact(
            f"Session {row['session']}", f"{row['count']} calls from {', '.join(row['ips'][:MOST_NAMED]) or 'nowhere'}"
        )
        for row in rows
    ]
    return tuple(fact for facts in (came, gave, signed, used) for fact in facts[:MOST_FACTS])


# ---------------------------------------------------------------------------------------- the signals

Decided = tuple[list[Signal], list[Unknown]]


def _outside(events: Sequence[Event], own: Sequence[Use], baseline: Baseline, context: Context) -> Decided:
    """A machine's session that is used where neither AWS nor the customer is."""
    machines = _machine_sessions(events, own, baseline, context)
    strange = [
        event
        for event in events
        if event.session in machines
        and event.ip
        and event.address_class is AddressClass.PUBLIC
        and not inside(event.ip, context.environment.own_networks)
        and event.ip not in _homes(baseline)
    ]
    if not strange:
        return [], []
    if context.addresses is None:
        return [], [Unknown("role.outside", "no IP data tells which addresses are AWS's: run `triage ipdata update`")]
    hits = [event for event in strange if context.addresses.origin(str(event.ip)).provider != OF_AWS]
    if not hits:
        return [], []
    places = ", ".join(list(dict.fromkeys(str(event.ip) for event in hits))[:MOST_NAMED])
    sessions = ", ".join(list(dict.fromkeys(str(event.session) for event in hits))[:MOST_NAMED])
    sentence = f"A machine's session ({sessions}) was used from {places}, which is neither AWS's nor one of yours."
    return [Signal("role.outside", sentence, _ids(hits))], []


def _machine_sessions(events: Iterable[Event], own: Iterable[Use], baseline: Baseline, context: Context) -> set[str]:
    """The sessions of instances, tasks and functions: by their names, or all of a role that such machines use."""
    if _parts(context)[1] != "role":
        return set()
    sessions = {event.session for event in events if event.session}
    where = {use.family.rpartition("|")[2] for use in (*own, *baseline.uses)}
    return sessions if where & MACHINES else {each for each in sessions if MACHINE_SESSION.fullmatch(each)}


def _homes(baseline: Baseline) -> set[str | None]:
    """Addresses outside AWS that were usual before: the customer's, whether config says so or not."""
    days: dict[str | None, set[Any]] = {}
    for use in baseline.uses:
        days.setdefault(use.ip, set()).add(use.day)
    return {ip for ip, found in days.items() if len(found) >= AT_HOME_DAYS}


def _without_mfa(sign_ins: Sequence[Use], context: Context) -> list[Signal]:
    """Users and root only: whoever signs in through an identity provider gives the second factor there."""
    hits = [use for use in sign_ins if _mfa(use) is False and _parts(context)[1] in {"user", "root"}]
    if not hits:
        return []
    who, places = _parts(context)[2] or "the root user", ", ".join(dict.fromkeys(str(use.ip) for use in hits))
    return [Signal("console.nomfa", f"{who} signed in to the console without MFA, from {places}.", _evidence(hits))]


def _pivots(own: Sequence[Use], passwords: Sequence[Event], baseline: Baseline, context: Context) -> Decided:
    """A user that only ever had keys gets into the console."""
    hits = [use for use in own if use.event in TO_CONSOLE and use.event != PASSWORD_SET and use.outcome is Outcome.OK]
    if _parts(context)[1] != "user" or not (hits or passwords) or _knows_console(context):
        return [], []
    if baseline.thin:
        return [], [Unknown("console.pivot", baseline.why_thin)]
    who, days = _parts(context)[2], WIDENED_BASELINE.days
    steps = ", ".join(dict.fromkeys([*(use.event for use in hits), *(event.name for event in passwords)]))
    sentence = f"{who}, who never used the console in the {days} days before, got into it or was let in: {steps}."
    return [Signal("console.pivot", sentence, (*_evidence(hits), *_ids(passwords))[:MOST_EVIDENCE])], []


def _knows_console(context: Context) -> bool:
    who = Observable(Kind.PRINCIPAL, context.principal.id if context.principal is not None else "")
    span = Span(context.window.recent_since - WIDENED_BASELINE, context.window.baseline.until)
    uses = context.uses(who, span)
    return any(use.event == SIGN_IN or use.family.partition("|")[0] in PAGES for use in uses if not use.by_service)


def _spray(given_out: Sequence[Event], baseline: Baseline) -> Decided:
    """One key gives out sessions as it never did before, one after the other."""
    made = {use.event for use in baseline.uses}
    by_key: dict[str | None, list[Event]] = {}
    for event in reversed(given_out):
        if event.name in GIVING_OUT and event.name not in made:
            by_key.setdefault(event.key, []).append(event)
    hits = max((_densest(calls) for calls in by_key.values()), key=len, default=[])
    if len(hits) < SPRAY:
        return [], []
    if baseline.thin:
        return [], [Unknown("session.spray", baseline.why_thin)]
    minutes = max(1, round((hits[-1].at - hits[0].at).total_seconds() / 60))
    sentence = f"One key gave out {len(hits)} sessions within {minutes} minutes, which its user never did before."
    return [Signal("session.spray", sentence, _ids(hits))], []


def _densest(calls: Sequence[Event]) -> list[Event]:
    """Most calls within ``SPRAY_WITHIN``; ``calls`` stand oldest first."""
    best, start = slice(0, 0), 0
    for end, call in enumerate(calls):
        while call.at - calls[start].at > SPRAY_WITHIN:
            start += 1
        if end + 1 - start > best.stop - best.start:
            best = slice(start, end + 1)
    return list(calls[best])


def _ids(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(event.id for event in events)[:MOST_EVIDENCE]


def _evidence(uses: Iterable[Use]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event for use in uses for event in use.evidence))[:MOST_EVIDENCE]
