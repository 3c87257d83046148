"""Whose key is it, and what is its state?

The id alone tells its kind and, for newer keys, the account; IAM tells the owner, whether the key still works, how old
it is, when it was last used, and the owner's other key, which a thief of the first may hold as well. An access key of
the root user is the worst there is: no policy limits it. A key that lay still for months and wakes up is one that
everybody had forgotten, but for who found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.model import (
    Answer,
    Context,
    Declaration,
    Fact,
    KeyRecord,
    Kind,
    Observable,
    Signal,
    Span,
    Unknown,
    Unread,
    Use,
    account_of,
    key_kind,
    rfc3339,
)

DECLARATION = Declaration(
    question="Whose key is it, and what is its state?",
    takes=frozenset({Kind.ACCESS_KEY}),
    needs=frozenset(),
    raises=frozenset({"root.key", "key.dormant"}),
)

LONG_TERM = "AKIA"
NOT_ASKED = "not asked: name a reading role in config.toml"
ROOT = "<root_account>"
DORMANT = timedelta(days=90)
EVER = timedelta(days=400)
"""How far back an earlier use of the key is looked for: what lies further back is not in any history."""
MOST_EVIDENCE = 10


def enrich(observable: Observable, context: Context) -> Answer:
    account = context.principal.account if context.principal is not None else None
    long_term = observable.value.startswith(LONG_TERM)
    asked = context.iam.key(observable.value, account) if context.iam is not None and long_term else None
    uses = context.uses(observable) if context.history is not None else ()
    return judge(observable, context, asked, uses, _silence(observable, context, uses) if long_term else None)


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a key was not used before the recent part; ``before`` is its last use then, as far as it is known."""

    woke: datetime
    evidence: tuple[str, ...]
    before: datetime | None
    reach: datetime | None
    """How far back the history goes; ``None`` if it holds nothing of the time before."""


def _silence(observable: Observable, context: Context, uses: Sequence[Use]) -> Silence | None:
    """``None`` for a key that was not used lately, or was used all along."""
    window = context.window
    recent = [use for use in uses if use.last_seen in window.recent and not use.by_service]
    if not recent or any(use.first_seen < window.recent_since for use in uses) or context.history is None:
        return None
    earlier = Span(window.recent_since - EVER, window.baseline.until)
    last = context.history.events(observable, earlier, limit=1)
    coverage = context.history.coverage(earlier)
    first = min(recent, key=lambda use: use.first_seen)
    before, reach = last[0].at if last else None, coverage.since if coverage is not None else None
    return Silence(first.first_seen, first.evidence, before, reach)


def judge(
    observable: Observable,
    context: Context,
    asked: KeyRecord | Unread | None,
    uses: Sequence[Use],
    silence: Silence | None = None,
) -> Answer:
    """What the id and IAM say. ``uses`` are of the whole window."""
    key = observable.value
    record = asked if isinstance(asked, KeyRecord) else None
    dormant, unknowns = _dormant(key, silence, record)
    iam = _iam(asked, context, temporary=not key.startswith(LONG_TERM))
    return Answer(
        headline=f"{key}: {_headline(key, record, iam)}",
        facts=(*_facts(key, record, context), Fact("IAM", iam)),
        signals=(*_root(key, record, context, uses), *dormant),
        unknowns=unknowns,
        found=record is not None,
        data={
            "kind": key_kind(key),
            "account": account_of(key),
            "owner": record.owner if record else None,
            "status": record.status if record else None,
            "created_at": rfc3339(record.created_at) if record and record.created_at else None,
            "age_days": _age(record, context),
            "last_used_at": rfc3339(record.last_used_at) if record and record.last_used_at else None,
            "last_used_for": record.last_used_for if record else None,
            "other_keys": [{"key": other, "status": status} for other, status in record.others] if record else None,
            "iam": iam,
        },
    )


def _iam(asked: KeyRecord | Unread | None, context: Context, *, temporary: bool) -> str:
    if temporary:
        return "knows long-term keys only"
    if context.iam is None:
        return NOT_ASKED
    if isinstance(asked, Unread):
        return f"could not be asked: {asked.why}"
    return "asked" if asked is not None else "knows no such key: deleted, or of another account"


def _age(record: KeyRecord | None, context: Context) -> int | None:
    return (context.now - record.created_at).days if record and record.created_at else None


def _headline(key: str, record: KeyRecord | None, iam: str) -> str:
    if record is None:
        kind = key_kind(key) or "no kind of key we know"
        account = account_of(key)
        return f"{kind}{f' of account {account}' if account else ''}; IAM {iam}"
    others = [f"{other} ({status.lower()})" for other, status in record.others]
    state = (record.status or "state unknown").lower()
    other = f", other key {', '.join(others)}" if others else ""
    return f"{state}, of {record.owner}{other}"


def _facts(key: str, record: KeyRecord | None, context: Context) -> tuple[Fact, ...]:
    rows: list[tuple[str, str]] = [
        ("Kind", key_kind(key) or "unknown"),
        ("Account", account_of(key) or "unknown: older ids do not tell it"),
    ]
    if record is not None:
        age = _age(record, context)
        used = (
            f"{rfc3339(record.last_used_at)}, {record.last_used_for}"
            if record.last_used_at
            else "no use on record in IAM"
        )
        rows += [
            ("Owner", record.owner),
            ("Status", record.status or "unknown"),
            ("Age", f"{age} days" if age is not None else "unknown"),
            ("Last used", used),
            *((f"Other key {other}", status) for other, status in record.others),
        ]
    return tuple(Fact(label, value) for label, value in rows)


def _dormant(
    key: str, silence: Silence | None, record: KeyRecord | None
) -> tuple[tuple[Signal, ...], tuple[Unknown, ...]]:
    """A key that is used again after 90 days; a new key is silent before its first use, and no sleeper."""
    if silence is None:
        return (), ()
    since = silence.woke - DORMANT
    created = record.created_at if record is not None else None
    if (silence.before or created or since) > since:
        return (), ()
    if silence.before is None and (silence.reach is None or silence.reach > since):
        reach = f"goes back to {rfc3339(silence.reach)} only" if silence.reach else "holds nothing of the days before"
        return (), (Unknown("key.dormant", f"the key was not used before in the history, which {reach}"),)
    if silence.before is None and created is None:
        return (), (Unknown("key.dormant", "nothing tells whether the key is old: IAM does not say when it was made"),)
    last = f"since {rfc3339(silence.before)}" if silence.before else f"in the {DORMANT.days} days before"
    sentence = f"{key} was not used {last}, and woke up at {rfc3339(silence.woke)}."
    return (Signal("key.dormant", sentence, silence.evidence[:MOST_EVIDENCE]),), ()


def _root(key: str, record: KeyRecord | None, context: Context, uses: Sequence[Use]) -> tuple[Signal, ...]:
    """A long-term key of the root user, as records or IAM show it."""
    if not key.startswith(LONG_TERM):
        return ()
    calls = [use for use in uses if use.principal.endswith(":root") and not use.by_service]
    if not calls and (record is None or record.owner != ROOT):
        return ()
    evidence: tuple[Any, ...] = tuple(dict.fromkeys(event for use in reversed(calls) for event in use.evidence))
    sentence = f"{key} is an access key of the root user: no policy limits it."
    return (Signal("root.key", sentence, evidence[:MOST_EVIDENCE] or (f"iam:{key}",)),)
