"""Has AWS quarantined the key?

When AWS finds a key in public it attaches a policy that denies part of what its owner may do: proof that the key is
out, and no containment. Secrets, parameters, most reads and sending mail still work. CloudTrail often names the victim
itself as the one who attached it, from an address of Amazon: that is not an attacker staying, it is AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.model import (
    Answer,
    Context,
    Declaration,
    Event,
    Fact,
    IdentityRecord,
    Kind,
    Observable,
    Outcome,
    Signal,
    Unknown,
    Unread,
    rfc3339,
)

DECLARATION = Declaration(
    question="Has AWS quarantined the key?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset({"history"}),
    raises=frozenset({"aws.quarantine"}),
)

POLICIES = ("AWSCompromisedKeyQuarantine", "AWSExposedCredentialPolicy_DO_NOT_REMOVE")
"""How the policies begin: there are V2 and V3 of the first, and there may be more (AWS managed policy reference)."""

ATTACHING = ("iam:AttachUserPolicy", "iam:PutUserPolicy")
TAKING_OFF = ("iam:DetachUserPolicy", "iam:DeleteUserPolicy")
NOT_TYPED = ("aws-internal", "service", "none")
"""Families of what AWS calls with; a person may forge them, and then has only quarantined the victim."""

MOST_EVENTS = 200
MOST_READ = 20
"""Records that are read again for the name of their policy, the newest first."""

LIMITS = "it limits the key and does not disable it: secrets, parameters, most reads and sending mail still work"


@dataclass(frozen=True, slots=True)
class Step:
    """A quarantine policy put on or taken off; ``policy`` is ``None`` where the record could not be read again."""

    event: Event
    policy: str | None


def enrich(observable: Observable, context: Context) -> Answer:
    user = _user(context)
    if user is None:
        return Answer("Quarantine: AWS quarantines IAM users only", found=False, data={"quarantined": None})
    account, name = user
    steps = [step for call in (*ATTACHING, *TAKING_OFF) for step in _steps(call, name, context)]
    asked = context.iam.identity(account, "user", name) if context.iam is not None else None
    return judge(name, steps, asked, context.looked())


def _user(context: Context) -> tuple[str, str] | None:
    """Account and name of the IAM user behind the observable."""
    account, _, rest = (context.principal.id if context.principal is not None else "").partition(":")
    kind, _, name = rest.partition("/")
    return (account, name) if kind == "user" and name else None


def _steps(call: str, user: str, context: Context) -> Iterable[Step]:
    """The uses of ``call`` that may be about a quarantine of ``user``. Where the record is gone, AWS's own are kept."""
    assert context.history is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    events = context.history.events(Observable(Kind.EVENT, call), context.window.span, limit=MOST_EVENTS)
    for event in [event for event in events if event.outcome is Outcome.OK][:MOST_READ]:
        parameters = context.records.parameters(event.id) if context.records is not None else None
        if parameters is None:
            if _by_aws(event) and event.principal.name == user and call in ATTACHING:
                yield Step(event, None)
        elif (policy := _policy(parameters)) and str(parameters.get("userName", user)) == user:
            yield Step(event, policy)


def _by_aws(event: Event) -> bool:
    return event.family.partition("|")[0] in NOT_TYPED


def _policy(parameters: Mapping[str, Any]) -> str | None:
    """The name of a quarantine policy in the request; ``None`` if it is about another one."""
    named = (str(parameters.get(key) or "").rpartition("/")[2] for key in ("policyArn", "policyName"))
    return next((name for name in named if name.startswith(POLICIES)), None)


def judge(user: str, steps: Sequence[Step], asked: IdentityRecord | Unread | None, looked: str) -> Answer:
    """What the records and IAM say."""
    known = sorted((step for step in steps if step.policy), key=lambda step: (step.event.at, step.event.id))
    unread = [step for step in steps if step.policy is None]
    held = [name for name in asked.policies if name.startswith(POLICIES)] if isinstance(asked, IdentityRecord) else []
    attached = [step for step in known if step.event.name in ATTACHING]
    taken_off = bool(known) and known[-1].event.name in TAKING_OFF
    policy = next((name for name in (*(step.policy for step in reversed(attached)), *held) if name), None)
    evidence = tuple(step.event.id for step in reversed(known)) or ((f"iam:{held[0]}",) if held else ())
    return Answer(
        headline=_headline(user, policy, looked, taken_off=taken_off and not held, unread=bool(unread)),
        facts=tuple(
            Fact(rfc3339(step.event.at), f"{step.policy} {'attached' if step in attached else 'taken off'}")
            for step in known
        ),
        signals=(Signal("aws.quarantine", _sentence(policy, user), evidence),) if policy else (),
        unknowns=_unknowns(unread) if not policy else (),
        found=bool(policy or unread),
        data={
            "quarantined": bool(policy) if policy or not unread else None,
            "policy": policy,
            "taken_off": taken_off and not held,
            "now_in_iam": bool(held) if isinstance(asked, IdentityRecord) else None,
        },
    )


def _sentence(policy: str, user: str) -> str:
    return f"AWS itself attached {policy} to {user}: it considers the key public. {LIMITS[:1].upper()}{LIMITS[1:]}."


def _headline(user: str, policy: str | None, looked: str, *, taken_off: bool, unread: bool) -> str:
    if policy and taken_off:
        return f"AWS quarantined {user} ({policy}), and somebody took that off again"
    if policy:
        return f"AWS quarantined {user} ({policy}); {LIMITS}"
    if unread:
        return f"AWS attached a policy to {user}; which one could not be read"
    return f"Quarantine by AWS: none {looked}"


def _unknowns(unread: Sequence[Step]) -> tuple[Unknown, ...]:
    why = "AWS attached a policy to the user; its name stands in a record that can no longer be read"
    return (Unknown("aws.quarantine", why),) if unread else ()
