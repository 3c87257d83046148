"""Has AWS quarantined the key?

When AWS finds a key in public it attaches a policy that denies part of what its owner may do, and AWS Health says so:
proof that the key is out, and no containment. Secrets, parameters, most reads and sending mail still work. CloudTrail
often names the victim itself as the one who attached it, from an address of Amazon: that is no attacker, it is AWS.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.model import (
    Alert,
    Answer,
    Context,
    Declaration,
    Event,
    Fact,
    IdentityRecord,
    Kind,
    Observable,
    Signal,
    Unknown,
    Unread,
    is_quarantine,
    rfc3339,
)

DECLARATION = Declaration(
    question="Has AWS quarantined the key?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset({"history"}),
    raises=frozenset({"aws.quarantine"}),
)

ATTACHING = ("iam:AttachUserPolicy", "iam:PutUserPolicy")
OF_AWS = ("aws-internal", "service", "none")
"""Families of what AWS calls with; a person may forge them, and then has only quarantined the victim."""

HEALTH = re.compile(r"AWS_RISK_[A-Z_]{3,80}")
"""How AWS Health names what it says of exposed and compromised credentials (AWS Health event types)."""

LIMITS = "it limits the key and does not disable it: secrets, parameters, most reads and sending mail still work"


def enrich(observable: Observable, context: Context) -> Answer:
    user = _user(context)
    if user is None:
        return _not_a_user(context.alerts)
    account, name = user
    asked = context.iam.identity(account, "user", name) if context.iam is not None else None
    return judge(name, context.policy_changes(), asked, context.alerts, context.looked())


def _user(context: Context) -> tuple[str, str] | None:
    """Account and name of the IAM user behind the observable."""
    account, _, rest = (context.principal.id if context.principal is not None else "").partition(":")
    kind, _, name = rest.partition("/")
    return (account, name) if kind == "user" and name else None


def _not_a_user(alerts: Sequence[Alert]) -> Answer:
    told = _of_health(alerts)
    said = f"; AWS Health reports {', '.join(alert.title for alert in told)}" if told else ""
    return Answer(
        f"Quarantine: AWS quarantines IAM users only{said}",
        facts=_health_facts(told),
        found=bool(told),
        data={"quarantined": None, "aws_health": [alert.title for alert in told]},
    )


def judge(
    user: str,
    changes: Sequence[Event],
    asked: IdentityRecord | Unread | None,
    alerts: Sequence[Alert],
    looked: str,
) -> Answer:
    """What the records, IAM and AWS Health say. ``changes`` are those of the user's policies, oldest first."""
    known = [event for event in changes if event.detail is not None and is_quarantine(event.detail.policy)]
    unread = [event for event in changes if _is_unread(event)]
    held = [name for name in asked.policies if is_quarantine(name)] if isinstance(asked, IdentityRecord) else []
    attached = [event for event in known if event.name in ATTACHING]
    freed = known[-1] if known and known[-1].name not in ATTACHING and not held else None
    policy = next((name for name in (*(_policy(event) for event in reversed(attached)), *held) if name), None)
    evidence = tuple(event.id for event in reversed(known)) or ((f"iam:{held[0]}",) if held else ())
    told = _of_health(alerts)
    return Answer(
        headline=_headline(user, policy, looked, freed=freed, unread=bool(unread), told=told),
        facts=(*(Fact(rfc3339(event.at), _step(event)) for event in known), *_health_facts(told)),
        signals=(Signal("aws.quarantine", _sentence(policy, user), evidence),) if policy else (),
        unknowns=_unknowns() if unread and not policy else (),
        found=bool(policy or unread or told),
        data={
            "quarantined": bool(policy) if policy or not unread else None,
            "policy": policy,
            "taken_off": freed is not None,
            "taken_off_by": freed.principal.id if freed is not None else None,
            "now_in_iam": bool(held) if isinstance(asked, IdentityRecord) else None,
            "aws_health": [alert.title for alert in told],
        },
    )


def _policy(event: Event) -> str | None:
    return event.detail.policy if event.detail is not None else None


def _is_unread(event: Event) -> bool:
    """AWS put a policy on the user, and the history does not say which: it was made by an older version."""
    return event.name in ATTACHING and _policy(event) is None and event.family.partition("|")[0] in OF_AWS


def _of_health(alerts: Sequence[Alert]) -> list[Alert]:
    return [alert for alert in alerts if HEALTH.fullmatch(alert.title)]


def _health_facts(told: Sequence[Alert]) -> tuple[Fact, ...]:
    return tuple(Fact("AWS Health", f"{alert.title}, {rfc3339(alert.at)}") for alert in told)


def _step(event: Event) -> str:
    what = "attached" if event.name in ATTACHING else f"taken off by {event.principal.name}"
    return f"{_policy(event)} {what}"


def _sentence(policy: str, user: str) -> str:
    return f"AWS itself attached {policy} to {user}: it considers the key public. {LIMITS[:1].upper()}{LIMITS[1:]}."


def _headline(
    user: str, policy: str | None, looked: str, *, freed: Event | None, unread: bool, told: Sequence[Alert]
) -> str:
    if policy and freed is not None:
        return (
            f"AWS quarantined {user} ({policy}), and {freed.principal.name} took that off again at {rfc3339(freed.at)}"
        )
    if policy:
        return f"AWS quarantined {user} ({policy}); {LIMITS}"
    if told:
        return f"AWS Health reports {', '.join(alert.title for alert in told)}; no quarantine was seen {looked}"
    if unread:
        return f"AWS attached a policy to {user}; which one, the history does not say"
    return f"Quarantine by AWS: none {looked}"


def _unknowns() -> tuple[Unknown, ...]:
    why = "AWS attached a policy to the user, and the history was loaded by a version that did not keep its name"
    return (Unknown("aws.quarantine", why),)
