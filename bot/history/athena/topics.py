"""Questions → topics: what one query looks for at once, each with its condition in SQL.

A condition may let through more than was asked for (a name inside another name), never less: what is exact is decided
over the normal form (``bot.history.concerning``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import takewhile

from bot.families import TERMINAL_PREFIX
from bot.history.access_key import account_of
from bot.history.address import classify, parse_address
from bot.history.athena.clauses import LONGEST_PARAMETER, Clause, both, either, literal, one_of
from bot.history.athena.columns import ADDRESS, AGENT, BARE_NAME, IDENTITY_TEXT, ISSUER, KEY, NAME, OWNER
from bot.history.clients import BRACKET, small, words_of
from bot.history.principal import HIDDEN_NAME, UNKNOWN_ID, id_of_arn
from bot.model import CannotSearch, Foreseen, Kind, Observable, Span, Want

_OF_ACCOUNT = re.compile(r"(\d{12}):")
SERVICE = "service:"
TOGETHER = frozenset({Kind.IP, Kind.EVENT})
"""Kinds whose values are told apart in SQL, so that one topic can hold several."""
COUNTS = frozenset({Want.PREVALENCE, Want.POPULATION})
"""What is counted over a span and cannot be taken apart."""
EVERYBODY = Observable(Kind.ACCOUNT, "")
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Topic:
    """What is wanted of ``values``, all of one kind, inside ``span``.

    ``accounts`` are those whose logs hold all of it; ``None``: any account's may.
    """

    want: Want
    kind: Kind
    values: tuple[str, ...]
    span: Span
    limit: int
    accounts: tuple[str, ...] | None

    def answers(self, asked: Foreseen) -> bool:
        """Whether the topic's rows hold the answer; of a count of callers the span must be the same."""
        asked = canonical(asked)
        same = (self.want, self.kind) == (asked.want, asked.observable.kind)
        if not same or asked.observable.value not in self.values or self.limit < asked.limit:
            return False
        return self.span == asked.span if self.want in COUNTS else _holds(self.span, asked.span)


def topics_of(
    asked: Iterable[Foreseen], accounts: Collection[str], widest: timedelta | None = None
) -> tuple[Topic, ...]:
    """The fewest topics that answer ``asked``. ``accounts`` are all whose logs are at hand; empty: not known.

    Raises ``CannotSearch``, too, for a topic that is of anybody and over more than ``widest``.
    """
    found: list[Topic] = []
    questions = [canonical(each) for each in asked if each.want is not Want.COVERAGE]
    for each in sorted(dict.fromkeys(questions), key=_widest_first):
        about(each.want, each.observable.kind, (each.observable.value,))
        if any(topic.answers(each) for topic in found):
            continue
        topic = Topic(
            each.want,
            each.observable.kind,
            (each.observable.value,),
            each.span,
            each.limit,
            accounts_of(each.observable, accounts),
        )
        of_anybody = each.observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}
        if of_anybody and widest is not None and each.span.until - each.span.since > widest:
            raise CannotSearch(
                f"Athena reads the logs of all accounts for at most {widest.days} days: ask about fewer, or raise"
                " [history.athena] widest_days."
            )
        _add(found, topic)
    return tuple(found)


def canonical(asked: Foreseen) -> Foreseen:
    """The same question about a principal by its id, where an ARN says which that is; about everybody by whole days."""
    if asked.want is Want.POPULATION:
        since, until = asked.span.since, asked.span.until
        days = Span(since.replace(hour=0, minute=0, second=0), until.replace(hour=23, minute=59, second=59))
        return Foreseen(EVERYBODY, days, Want.POPULATION)
    if asked.observable.kind is not Kind.PRINCIPAL:
        return asked
    named = id_of_arn(asked.observable.value)
    return replace(asked, observable=Observable(Kind.PRINCIPAL, named)) if named else asked


def edges_of(asked: Iterable[Foreseen]) -> tuple[str, ...]:
    """The seconds at which the asked spans begin, and those after their ends: where a count must be split."""
    edges = {edge for each in asked for edge in (each.span.since, each.span.until + _SECOND)}
    return tuple(f"{edge:%Y-%m-%dT%H:%M:%SZ}" for edge in sorted(edges))


def about(want: Want, kind: Kind, values: Sequence[str]) -> Clause:
    """Which records a topic may be about. Raises ``CannotSearch``."""
    return Clause("true") if want is Want.POPULATION else condition(kind, values)


def condition(kind: Kind, values: Sequence[str]) -> Clause:
    """Which records may be about one of ``values``. Raises ``CannotSearch``."""
    if kind is Kind.EVENT:
        return _called(values)
    if kind is Kind.IP:
        return _from(values)
    return either(*(_ONE[kind](value.strip()) for value in values))


def _key(value: str) -> Clause:
    return Clause(f"{KEY} = ?", (value,))


def _principal(value: str) -> Clause:
    """Records in which the name stands anywhere in the identity, of the right account where the id says which."""
    told = id_of_arn(value) or value
    if told.startswith(SERVICE):
        who = Clause("useridentity.invokedby = ?", (_name_in(told),))
        return both(who, Clause("coalesce(useridentity.type, '') IN ('', 'AWSService')"))
    if told.endswith(":root"):
        named = Clause(f"(useridentity.type = 'Root' OR {ISSUER}.type = 'Root' OR {IDENTITY_TEXT} LIKE '%:root%')")
    else:
        named = Clause(f"strpos({IDENTITY_TEXT}, ?) > 0", (_name_in(told),))
    owner = _OF_ACCOUNT.match(told)
    return both(Clause(f"{OWNER} = ?", (owner[1],)), named) if owner else named


def _name_in(principal: str) -> str:
    """The part of a principal's id, ARN or bare name that stands in its records."""
    plain = principal.split("/", 1)[1] if _OF_ACCOUNT.match(principal) and "/" in principal else principal
    name = plain.rsplit(":", 1)[-1] if not plain.startswith("arn:") else plain.rsplit("/", 1)[-1]
    if name in {"", UNKNOWN_ID, HIDDEN_NAME}:
        raise CannotSearch(f"Athena cannot search for {principal}, whose records name nobody.")
    return name


def _agent(value: str) -> Clause:
    if value.startswith(TERMINAL_PREFIX):
        return Clause(f"strpos(lower({AGENT}), ?) > 0", (value.lower(),))
    wanted = small(value)
    words = words_of(wanted)
    if not wanted:
        return Clause("false")
    if words is None:
        raise CannotSearch(
            "Athena holds user agents as they were sent, and those of this family have no text in common: ask for a"
            " whole one, or load these days with `triage ingest`."
        )
    # Those that begin alike are told apart afterwards. Quotes count twice.
    start = wanted if len(literal(BRACKET + wanted)) <= LONGEST_PARAMETER else wanted[: (LONGEST_PARAMETER - 4) // 2]
    begins = [Clause(f"starts_with(lower({AGENT}), lower(?))", (each + start,)) for each in ("", BRACKET)]
    return either(*begins, *(Clause(f"strpos(lower({AGENT}), ?) > 0", (word,)) for word in words))


def _account(_: str) -> Clause:
    raise CannotSearch(
        "Athena is not asked for everything that happened in an account: load these days with `triage ingest`."
    )


_ONE: dict[Kind, Callable[[str], Clause]] = {
    Kind.ACCESS_KEY: _key,
    Kind.PRINCIPAL: _principal,
    Kind.USER_AGENT: _agent,
    Kind.ACCOUNT: _account,
}


def _called(names: Sequence[str]) -> Clause:
    whole = [name for name in names if ":" in name]
    bare = [name for name in names if ":" not in name]
    return either(*([one_of(NAME, whole)] if whole else []), *([one_of(BARE_NAME, bare)] if bare else []))


def _from(values: Sequence[str]) -> Clause:
    networks = [value for value in values if "/" in value]
    spellings = sorted({spelling for value in values if "/" not in value for spelling in _spellings(value)})
    alone = [one_of(f"lower({ADDRESS})", spellings)] if spellings else []
    return either(*alone, *(Clause(f"starts_with(lower({ADDRESS}), ?)", (_start_of(each),)) for each in networks))


def _start_of(network: str) -> str:
    """What every address of a network begins with as it is written: IPv6 without the zeros, and cut at the first."""
    try:
        of = ip_network(network.strip(), strict=False)
    except ValueError:
        raise CannotSearch(f"{network} is no network.") from None
    sign, size, parts, form = (":", 16, 8, "x") if of.version == 6 else (".", 8, 4, "d")
    number = int(of.network_address)
    fixed = [number >> size * (parts - n - 1) & (2**size - 1) for n in range(of.prefixlen // size)]
    told = list(takewhile(bool, fixed)) if of.version == 6 else fixed
    if not told:
        raise CannotSearch(f"Athena is not asked for a network as large as {network}.")
    return sign.join(f"{part:{form}}" for part in told) + sign * (len(told) < parts)


def _spellings(value: str) -> set[str]:
    """An address as a record may have it, in small letters; anything else as it is."""
    plain = (classify(value)[0] or "").lower()
    address = parse_address(plain)
    if address is None:
        return {plain}
    return {plain, address.exploded.lower(), *([f"::ffff:{plain}"] if address.version == 4 else [])}


def accounts_of(observable: Observable, known: Collection[str]) -> tuple[str, ...] | None:
    """The account whose log has everything: CloudTrail writes each call to the caller's own, whomever else it tells."""
    if observable.kind is Kind.ACCESS_KEY:
        own = account_of(observable.value)
    elif observable.kind is Kind.PRINCIPAL:
        found = _OF_ACCOUNT.match(id_of_arn(observable.value) or observable.value)
        own = found[1] if found else None
    else:
        own = None
    return (own,) if own is not None and own in known else None


def _add(found: list[Topic], topic: Topic) -> None:
    """Put ``topic`` beside the others, or its value into one that asks the same of other values."""
    for number, each in enumerate(found):
        if topic.kind in TOGETHER and replace(each, values=topic.values) == topic:
            found[number] = replace(each, values=(*each.values, *topic.values))
            return
    found.append(topic)


def _widest_first(asked: Foreseen) -> tuple[timedelta, int]:
    return asked.span.since - asked.span.until, -asked.limit


def _holds(outer: Span, inner: Span) -> bool:
    return outer.since <= inner.since and inner.until <= outer.until
