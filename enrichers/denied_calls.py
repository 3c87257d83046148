"""Which calls were refused?

Somebody who tries a stolen key does not know what it opens: the first calls ask who it is and what there is, and
many are refused. A refused discovery call that this principal never made before is a strong hint on a long-term key.
A broken permission change or a scanner refuses calls too, but the same ones on many days. What a quarantine of AWS's or
a deny of ours refuses shows that the containment works: it is no new attack, and the owner meets it as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.model import (
    Answer,
    Baseline,
    Context,
    Declaration,
    Detail,
    Event,
    Fact,
    Kind,
    Observable,
    Outcome,
    Signal,
    Unknown,
    Use,
    is_containment,
    rfc3339,
)

DECLARATION = Declaration(
    question="Which calls were refused?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP, Kind.USER_AGENT, Kind.EVENT}),
    needs=frozenset({"history"}),
    raises=frozenset({"denied.recon", "denied.burst"}),
)

ACTORS = frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL})

DISCOVERY = frozenset(
    {
        "sts:GetCallerIdentity",
        "iam:GetUser",
        "iam:ListUsers",
        "iam:ListAccessKeys",
        "iam:GetAccountSummary",
        "iam:ListAccountAliases",
        "iam:GetAccountAuthorizationDetails",
        "iam:ListRoles",
        "iam:ListAttachedUserPolicies",
        "iam:ListUserPolicies",
        "ses:GetSendQuota",
        "ses:GetAccount",
        "ses:ListIdentities",
        "s3:ListBuckets",
        "sns:GetSMSAttributes",
        "bedrock:ListFoundationModels",
    }
)
"""What published incidents show in the first minute with a fresh key: who am I, who else, what can it send or read."""

BURST = timedelta(minutes=10)
BURST_NEW_CALLS, BURST_NEW_NAMES = 5, 3
"""So many refused calls, of so many names that were not refused in the baseline, within ``BURST``."""
BURST_ANY_CALLS = 15

PAGES = ("browser", "console")
"""Families of console pages: every page view makes 5 to 20 calls that may be refused."""

PUTTING_ON = ("iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary")
OF_THE_USER = frozenset({"identity-based policy", "permissions boundary", "policy"})
"""Kinds of policies by which a user is contained, in AWS's words."""

MOST_EVENTS = 10_000
MOST_FACTS = 8
MOST_EVIDENCE = 10


@dataclass(frozen=True, slots=True)
class Containment:
    """A stretch of time in which a policy that stops a thief was on the user."""

    policy: str
    since: datetime
    until: datetime | None = None


def enrich(observable: Observable, context: Context) -> Answer:
    uses, recent = context.uses(observable), context.uses(observable, context.window.recent)
    events = _events(observable, context, recent)
    changes = context.policy_changes() if _is_unnamed(uses) else ()
    return judge(observable, context, uses, recent, context.baseline(), events=events, changes=changes)


def judge(
    observable: Observable,
    context: Context,
    uses: Sequence[Use],
    recent: Sequence[Use],
    baseline: Baseline,
    *,
    events: Sequence[Event] = (),
    changes: Sequence[Event] = (),
) -> Answer:
    """What the rows say. ``uses`` are of the whole window, ``recent`` and ``events`` (newest first) of its end.

    ``changes`` are those of the user's policies, oldest first: they tell who refused a call where AWS does not.
    """
    held = containments(changes)
    refused = _refused(uses)
    total, calls = sum(use.count for use in refused), _calls(refused, held)
    suspect = [use for use in _refused(recent) if not _contained_by(use.detail, use.last_seen, held)]
    loose = [event for event in events if not _contained_by(event.detail, event.at, held)]
    burst = _burst(loose, baseline)
    return Answer(
        headline=_headline(total, calls, context.looked()),
        facts=tuple(Fact(row["event"], _fact(row)) for row in calls[:MOST_FACTS]),
        signals=(*_discovery(suspect, baseline), *burst),
        unknowns=_unknowns(observable, suspect, baseline, loose, burst=bool(burst)),
        data={"total": total, "by_containment": sum(row["by_containment"] for row in calls), "calls": calls},
    )


def _events(observable: Observable, context: Context, recent: Iterable[Use]) -> Sequence[Event]:
    """The single calls of the recent part, read only where enough were refused for a burst."""
    refused = [use for use in _refused(recent) if not use.family.startswith(PAGES)]
    enough = sum(use.count for use in refused) >= BURST_NEW_CALLS
    if observable.kind not in ACTORS or not enough or context.history is None:
        return ()
    return context.history.events(observable, context.window.recent, limit=MOST_EVENTS)


def _refused(uses: Iterable[Use]) -> list[Use]:
    return [use for use in uses if use.outcome is Outcome.DENIED and not use.by_service]


# ------------------------------------------------------------------------------------- who refused them


def containments(changes: Iterable[Event]) -> list[Containment]:
    """When which policy that stops a thief was on the user; ``changes`` stand oldest first."""
    held: list[Containment] = []
    for event in changes:
        policy = event.detail.policy if event.detail is not None else None
        taken_off = event.name not in PUTTING_ON
        # Taking a boundary off names none: there is only one.
        if taken_off and (policy is None or is_containment(policy)):
            held = [_ended(each, event.at) if policy in {None, each.policy} else each for each in held]
        elif policy is not None and is_containment(policy):
            held.append(Containment(policy, event.at))
    return held


def _ended(held: Containment, at: datetime) -> Containment:
    return Containment(held.policy, held.since, held.until or at)


def _is_unnamed(uses: Iterable[Use]) -> bool:
    """Whether a Deny refused a call and AWS did not name the policy."""
    details = (use.detail for use in _refused(uses))
    return any(detail is not None and detail.explicit and detail.denying_policy is None for detail in details)


def _contained_by(detail: Detail | None, at: datetime, held: Iterable[Containment]) -> str | None:
    """The policy that stopped a call, if it is one that is there to stop a thief."""
    if detail is None or not detail.explicit:
        return None
    if detail.denying_policy is not None:
        return detail.denying_policy if is_containment(detail.denying_policy) else None
    if detail.denied_by not in OF_THE_USER:
        return None
    standing = (each for each in held if each.since <= at and (each.until is None or at <= each.until))
    return next((each.policy for each in standing), None)


def _reason(use: Use, held: Iterable[Containment]) -> str | None:
    """Why a call was refused, in words; ``None`` if its message does not say."""
    detail = use.detail
    if detail is None or detail.denied_by is None:
        return None
    policy = _contained_by(detail, use.last_seen, held) or detail.denying_policy
    named = f" ({policy})" if policy else ""
    return f"a Deny in the {detail.denied_by}{named}" if detail.explicit else f"no {detail.denied_by} allows it"


# ------------------------------------------------------------------------------------------ the calls


def _calls(refused: Iterable[Use], held: Sequence[Containment]) -> list[dict[str, Any]]:
    """One row an event name, the most refused first."""
    by_event: dict[str, list[Use]] = {}
    for use in refused:
        by_event.setdefault(use.event, []).append(use)
    rows = [
        {
            "event": event,
            "count": sum(use.count for use in rows),
            "by_containment": sum(use.count for use in rows if _contained_by(use.detail, use.last_seen, held)),
            "error_codes": sorted({use.error_code for use in rows if use.error_code}),
            "reasons": sorted({reason for use in rows if (reason := _reason(use, held))}),
            "source_ips": _newest_first((use.ip, use.last_seen) for use in rows),
            "user_agents": _newest_first((use.user_agent, use.last_seen) for use in rows),
            "first_seen": rfc3339(min(use.first_seen for use in rows)),
            "last_seen": rfc3339(max(use.last_seen for use in rows)),
        }
        for event, rows in by_event.items()
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["event"]))


def _newest_first(seen: Iterable[tuple[str | None, datetime]]) -> list[str]:
    last_seen: dict[str, datetime] = {}
    for value, at in seen:
        if value:
            last_seen[value] = max(at, last_seen.get(value, at))
    return sorted(last_seen, key=lambda value: (-last_seen[value].timestamp(), value))


def _headline(total: int, calls: Sequence[Mapping[str, Any]], looked: str) -> str:
    if not total:
        return f"Refused calls: none {looked}"
    contained = sum(row["by_containment"] for row in calls)
    if contained == total:
        return f"Refused calls: {total}, all by a containment: it works"
    loose = [(row["count"] - row["by_containment"], row["event"]) for row in calls]
    shown = sorted([each for each in loose if each[0]], key=lambda each: (-each[0], each[1]))
    named = ", ".join(f"{count} × {event}" for count, event in shown[:3])
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f"Refused calls: {named}{more}" + (f"; besides, {contained} by a containment" if contained else "")


def _fact(row: Mapping[str, Any]) -> str:
    codes = ", ".join(row["error_codes"]) or "refused"
    reasons = f": {'; '.join(row['reasons'])}" if row["reasons"] else ""
    return f"{row['count']} × {codes}{reasons}, last {row['last_seen']}"


# ---------------------------------------------------------------------------------------- the signals


def _discovery(refused: Sequence[Use], baseline: Baseline) -> list[Signal]:
    hits = _unfamiliar(refused, baseline)
    if baseline.thin or not hits:
        return []
    count = sum(use.count for use in hits)
    names = ", ".join(sorted({use.event for use in hits}))
    calls = "1 discovery call was refused" if count == 1 else f"{count} discovery calls were refused"
    evidence = tuple(dict.fromkeys(event for use in hits for event in use.evidence))[:MOST_EVIDENCE]
    return [Signal("denied.recon", f"{calls} ({names}): someone is trying the key to see what it opens.", evidence)]


def _unfamiliar(refused: Sequence[Use], baseline: Baseline) -> list[Use]:
    """Refused discovery calls with a long-term key that the principal never made before, refused or not."""
    made = {use.event for use in baseline.uses}
    return [
        use
        for use in sorted(refused, key=lambda use: use.last_seen, reverse=True)
        if use.event in DISCOVERY and use.event not in made and use.key is not None and use.key.startswith("AKIA")
    ]


def _burst(events: Sequence[Event], baseline: Baseline) -> list[Signal]:
    """The largest of the bursts, if there is any."""
    before = {use.event for use in _refused(baseline.uses)}
    refused = [event for event in reversed(events) if _counts_for_burst(event)]
    new: Counter[str] = Counter()
    best, start = slice(0, 0), 0
    for end, event in enumerate(refused):
        new[event.name] += event.name not in before
        while event.at - refused[start].at > BURST:
            new[refused[start].name] -= refused[start].name not in before
            start += 1
        if end - start >= best.stop - best.start and _is_burst(end + 1 - start, new, baseline):
            best = slice(start, end + 1)
    stretch = refused[best]
    return [_burst_signal(stretch)] if stretch else []


def _is_burst(calls: int, new: Counter[str], baseline: Baseline) -> bool:
    if calls >= BURST_ANY_CALLS:
        return True
    names = +new
    return not baseline.thin and names.total() >= BURST_NEW_CALLS and len(names) >= BURST_NEW_NAMES


def _counts_for_burst(event: Event) -> bool:
    return event.outcome is Outcome.DENIED and not event.by_service and not event.family.startswith(PAGES)


def _burst_signal(stretch: Sequence[Event]) -> Signal:
    minutes = max(1, round((stretch[-1].at - stretch[0].at).total_seconds() / 60))
    names = len({event.name for event in stretch})
    kinds = "one kind" if names == 1 else f"{names} kinds"
    sentence = f"{len(stretch)} calls of {kinds} were refused within {minutes} minutes."
    return Signal("denied.burst", sentence, tuple(event.id for event in reversed(stretch))[:MOST_EVIDENCE])


def _unknowns(
    observable: Observable, refused: Sequence[Use], baseline: Baseline, events: Sequence[Event], *, burst: bool
) -> tuple[Unknown, ...]:
    """Only what could have fired: where nothing was refused there is nothing to decide."""
    if observable.kind not in ACTORS:
        why = "asked of keys and principals only: triage those that were used"
        return tuple(Unknown(kind, why) for kind in ("denied.recon", "denied.burst")) if refused else ()
    unknowns = []
    if baseline.thin and _unfamiliar(refused, baseline):
        unknowns.append(Unknown("denied.recon", baseline.why_thin))
    if not burst:
        if baseline.thin and len([event for event in events if _counts_for_burst(event)]) >= BURST_NEW_CALLS:
            unknowns.append(Unknown("denied.burst", baseline.why_thin))
        elif len(events) >= MOST_EVENTS:
            unknowns.append(Unknown("denied.burst", f"only the newest {MOST_EVENTS} recent calls were looked at"))
    return tuple(unknowns)
