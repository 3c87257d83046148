"""Whose is it, and whom to ask?

Only the owner can say "that was me", and whoever disables a key breaks what its owner runs. So a responder looks for a
person before the button is pressed: who made the key, what the tags say, who used it last as people do, and whom the
account names for the worst case. Names of sessions, and tags a thief could set, are claims; a telephone call is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from bot.model import (
    AddressClass,
    Answer,
    Baseline,
    ContactRecord,
    Context,
    Declaration,
    Event,
    Fact,
    IdentityRecord,
    KeyRecord,
    Kind,
    Observable,
    Outcome,
    Principal,
    Span,
    Unread,
    Use,
    account_of,
    inside,
    offensive_name,
    rfc3339,
)

DECLARATION = Declaration(
    question="Whose is it, and whom to ask?",
    takes=frozenset({Kind.ACCESS_KEY, Kind.PRINCIPAL}),
    needs=frozenset(),
)

LONG_TERM = "AKIA"
NOT_ASKED = Unread("not asked: name a reading role in config.toml")
NO_ACCOUNT = Unread("not asked: nothing says whose account it is")

REACHING = ("owneremail", "email", "ownercontact", "contact", "owner", "maintainer", "responsible", "createdby")
"""Tags that name somebody to reach, without their punctuation; the most direct first."""
GROUPING = ("team", "squad", "department", "service", "project", "application", "costcenter")
"""Tags that say where to look for somebody."""

HANDS = ("console", "browser", "aws-cli/", "awspowershell", "aws-tools-powershell", "s3browser", "cyberduck", "winscp")
"""How the families of clients begin that people type or click in; programs run the CLI, too."""
RUNTIMES = ("aws_lambda", "aws_ecs", "ec2")
"""Environments in a family where nobody types."""

ABOUT = timedelta(minutes=5)
"""How far a record's time may be from the date IAM keeps: the call ends a moment after IAM writes it down."""
FURTHEST = timedelta(days=90)
"""How far back the making is looked for where IAM does not say when it was."""
MOST_EVENTS = 200
MOST_READ = 5
"""Records that are read again for the name they are about."""


@dataclass(frozen=True, slots=True)
class Making:
    """How a key, user or role came to be. ``event`` is the call that made it; without one, ``why`` says why not."""

    at: datetime | None
    event: Event | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Hands:
    """The last use that looks like a person's, from where and with what the owner had worked before."""

    use: Use
    session: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that could be found out. An ``Unread`` could not be asked; ``None``: there is no such thing."""

    makings: Mapping[str, Making]
    identity: IdentityRecord | Unread | None
    contact: ContactRecord | Unread | None
    hands: Hands | str
    """A string says why nobody is named."""


def enrich(observable: Observable, context: Context) -> Answer:
    principal, account, kind, name = _who(observable, context)
    key = _key(observable, context, account)
    identity = _identity(context, account, kind, name)
    makings = {}
    if observable.kind is Kind.ACCESS_KEY and observable.value.startswith(LONG_TERM):
        makings["Key"] = _making(context, "iam:CreateAccessKey", _made_at(key), lambda e: e.minted == observable.value)
    if kind in {"user", "role"}:
        makings[kind.capitalize()] = _making(
            context, f"iam:Create{kind.capitalize()}", _made_at(identity), _naming(context, account, kind, name)
        )
    known = Known(makings, identity, _account_contact(context, account), _hands(observable, context, kind))
    return judge(observable, principal, account, known)


def _who(observable: Observable, context: Context) -> tuple[Principal | None, str | None, str, str]:
    """Who is behind the observable, with account, kind and name of their id."""
    principal = context.principal
    account = principal.account if principal is not None else None
    if account is None and observable.kind is Kind.ACCESS_KEY:
        account = account_of(observable.value)
    first, _, rest = (principal.id if principal is not None else "").partition(":")
    kind, _, name = rest.partition("/") if first.isdigit() else (first, "", rest)
    return principal, account, kind, name


def _key(observable: Observable, context: Context, account: str | None) -> KeyRecord | Unread | None:
    long_term = observable.kind is Kind.ACCESS_KEY and observable.value.startswith(LONG_TERM)
    return context.iam.key(observable.value, account) if context.iam is not None and long_term else None


def _identity(context: Context, account: str | None, kind: str, name: str) -> IdentityRecord | Unread | None:
    if kind not in {"user", "role"} or account is None:
        return None
    if context.iam is None:
        return NOT_ASKED
    return context.iam.identity(account, cast(Literal["user", "role"], kind), name)


def _account_contact(context: Context, account: str | None) -> ContactRecord | Unread | None:
    if context.iam is None:
        return NOT_ASKED
    return context.iam.contact(account) if account is not None else NO_ACCOUNT


def _made_at(record: KeyRecord | IdentityRecord | Unread | None) -> datetime | None:
    return record.created_at if isinstance(record, KeyRecord | IdentityRecord) else None


# ----------------------------------------------------------------------------------------- who made it


def _making(context: Context, call: str, at: datetime | None, is_it: Callable[[Event], bool]) -> Making:
    """The call that made it: around the date IAM keeps, else in the last 90 days."""
    if context.history is None:
        return Making(at, None, "there is no CloudTrail of this window to look into")
    span = Span(at - ABOUT, at + ABOUT) if at is not None else Span(context.now - FURTHEST, context.now)
    coverage, newest = context.history.coverage(span), context.history.newest()
    if coverage is None:
        late = at is not None and newest is not None and at > newest
        return Making(at, None, "CloudTrail has not delivered that time yet" if late else "older than the history")
    events = context.events_or_why(Observable(Kind.EVENT, call), span, limit=MOST_EVENTS)
    if isinstance(events, str):
        return Making(at, None, events.rstrip("."))
    made = next((event for event in events if event.outcome is Outcome.OK and is_it(event)), None)
    if made is not None:
        return Making(at or made.at, made)
    looked = f"no record of it between {_day(coverage.since)} and {_day(coverage.until)}"
    return Making(at, None, looked if at is None else "the history reaches back that far and holds no record of it")


def _naming(context: Context, account: str | None, kind: str, name: str) -> Callable[[Event], bool]:
    """Whether a call is about ``name``, read from its record; the newest few only, for files are slow to search."""
    left = iter(range(MOST_READ))

    def is_about(event: Event) -> bool:
        if context.records is None or event.account != account or next(left, None) is None:
            return False
        return (context.records.parameters(event.id) or {}).get(f"{kind}Name") == name

    return is_about


# ----------------------------------------------------------------------------------- who used it last


def _hands(observable: Observable, context: Context, kind: str) -> Hands | str:
    if context.history is None:
        return "there is no CloudTrail of this window to look into"
    found = last_by_hand(context.uses(observable), context.baseline(), context.environment.own_networks)
    if isinstance(found, str):
        return found
    # Only events tell the session, and only a role has many people behind it.
    moment = Span(found.last_seen, found.last_seen)
    events = context.history.events(observable, moment, limit=MOST_EVENTS) if kind == "role" else ()
    return Hands(found, next((event.session for event in events if event.ip == found.ip), None))


def last_by_hand(uses: Iterable[Use], baseline: Baseline, own_networks: Sequence[str]) -> Use | str:
    """The last use with a client that people use, from where and with what there was work before; else why none."""
    by_hand = [use for use in uses if not use.by_service and typed(use.family)]
    if not by_hand:
        return "no client that people use"
    if baseline.thin:
        return f"nobody can be told from a thief: {baseline.why_thin}"
    addresses = {use.ip for use in baseline.uses if not use.by_service}
    families = {use.family for use in baseline.uses if not use.by_service}
    usual = [
        use
        for use in by_hand
        if use.family in families and (use.ip in addresses or (use.ip and inside(use.ip, own_networks)))
    ]
    if not usual:
        return "every client that people use is new, or at a new address: it may be the thief's"
    return max(usual, key=lambda use: (use.last_seen, use.evidence))


def typed(family: str) -> bool:
    """Whether people type or click in clients of this family, and no thief's distribution is in it."""
    return family.startswith(HANDS) and not family.endswith(RUNTIMES) and offensive_name(family) is None


# -------------------------------------------------------------------------------------- what it says


def judge(observable: Observable, principal: Principal | None, account: str | None, known: Known) -> Answer:
    """Whom to ask, the most direct first, and what that rests on."""
    tags = known.identity.tags if isinstance(known.identity, IdentityRecord) else {}
    asking = list(_asking(principal, account, known, tags))
    who = principal.name if principal is not None else str(observable)
    return Answer(
        headline=f"{who}: {_headline(asking, account)}",
        facts=tuple(Fact(label, value) for label, value in _rows(known, asking)),
        found=bool(asking),
        data={
            "made": {
                what.lower(): {
                    "at": rfc3339(making.at) if making.at else None,
                    "by": making.event.principal.id if making.event else None,
                    "event": making.event.id if making.event else None,
                    "why": making.why or None,
                }
                for what, making in known.makings.items()
            },
            "tags": {tag: value for _, tag, value in _telling_tags(tags)},
            "security_contact": asdict(known.contact) if isinstance(known.contact, ContactRecord) else None,
            "last_human": _hands_data(known.hands),
            "ask": [{"who": name, "why": why} for name, why in asking],
        },
    )


def _asking(
    principal: Principal | None, account: str | None, known: Known, tags: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    """Whom to ask and why, each once, the most direct first."""
    named: dict[str, str] = {}
    ranked = _telling_tags(tags)
    for rank, tag, value in ranked:
        if rank < len(REACHING):
            named.setdefault(value, f"the tag {tag}")
    for name, why in (*_person(principal, known.hands), *_makers(principal, known.makings)):
        named.setdefault(name, why)
    for _, tag, value in ranked:
        named.setdefault(value, f"the tag {tag}")
    if isinstance(known.contact, ContactRecord):
        named.setdefault(_contact(known.contact), f"the security contact of account {account}")
    return named.items()


def _person(principal: Principal | None, hands: Hands | str) -> Iterable[tuple[str, str]]:
    if principal is None:
        return
    if ":sso/" in principal.id:
        yield principal.name, "the person who signs in"
    elif isinstance(hands, Hands):
        name = hands.session or principal.name
        yield name, "the session's name of the last use by hand" if hands.session else "used last as people do"


def _makers(principal: Principal | None, makings: Mapping[str, Making]) -> Iterable[tuple[str, str]]:
    for what, making in makings.items():
        if making.event is not None and (principal is None or making.event.principal.id != principal.id):
            yield _by(making.event), f"made the {what.lower()}"


def _headline(asking: Sequence[tuple[str, str]], account: str | None) -> str:
    if not asking:
        return f"owner unknown; ask whoever administers account {account or 'and key, which nothing names'}"
    first, *rest = (f"{name} ({why})" for name, why in asking)
    return f"ask {first}{f', else {rest[0]}' if rest else ''}"


def _rows(known: Known, asking: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for what, making in known.makings.items():
        yield f"{what} made", _made(making)
    if isinstance(known.identity, Unread):
        yield "Tags", _unread(known.identity)
    elif known.identity is not None:
        told = ", ".join(f"{tag} {value}" for _, tag, value in _telling_tags(known.identity.tags))
        yield "Tags", told or "none that names an owner"
    yield "Last use by hand", _used(known.hands)
    yield "Security contact", _contact_row(known.contact)
    yield "Whom to ask", "; ".join(f"{name} ({why})" for name, why in asking) or "nobody is named"


def _made(making: Making) -> str:
    at = rfc3339(making.at) if making.at else None
    if making.event is None:
        return f"{at or 'date unknown'}; by whom is unknown: {making.why}"
    event = making.event
    where = f" from {event.ip}" if event.ip else ""
    return f"{at} by {_by(event)}{where} ({event.id})"


def _by(event: Event) -> str:
    return f"{event.principal.name} (session {event.session})" if event.session else event.principal.name


def _used(hands: Hands | str) -> str:
    if isinstance(hands, str):
        return f"unknown: {hands}"
    use = hands.use
    where = use.ip if use.address_class in {AddressClass.PUBLIC, AddressClass.PRIVATE} else "an address of AWS"
    session = f", session {hands.session}" if hands.session else ""
    client = " ".join(part for part in use.family.split("|") if part != "-")
    return f"{rfc3339(use.last_seen)}, {client} from {where}{session}, both used before; who sat there no log can tell"


def _telling_tags(tags: Mapping[str, str]) -> list[tuple[int, str, str]]:
    """Tags that name somebody or say where to look, the most direct first, each with its rank."""
    known = (*REACHING, *GROUPING)
    ranked = [
        (known.index(plain), tag, value) for tag, value in tags.items() if value and (plain := _plain(tag)) in known
    ]
    return sorted(ranked)


def _plain(tag: str) -> str:
    """``Company:Owner-Email`` → ``owneremail``."""
    return "".join(char for char in tag.replace("/", ":").rpartition(":")[2].lower() if char.isalnum())


def _contact(contact: ContactRecord) -> str:
    return " ".join(part for part in (contact.name, f"<{contact.email}>" if contact.email else None) if part)


def _contact_row(contact: ContactRecord | Unread | None) -> str:
    if isinstance(contact, Unread):
        return _unread(contact)
    if contact is None:
        return "the account names none"
    return ", ".join(part for part in (_contact(contact), contact.title, contact.phone) if part)


def _unread(asked: Unread) -> str:
    return asked.why if asked in {NOT_ASKED, NO_ACCOUNT} else f"unknown: {asked.why}"


def _hands_data(hands: Hands | str) -> dict[str, Any] | None:
    if isinstance(hands, str):
        return None
    use = hands.use
    return {
        "at": rfc3339(use.last_seen),
        "session": hands.session,
        "ip": use.ip,
        "family": use.family,
        "evidence": list(use.evidence),
    }


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
