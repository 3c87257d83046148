"""Hunts around one address or one principal, as a triage asks for them: the rules of the hunts over all, for which the
history is asked only about those who can have taken part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from bot.hunts.enumeration import enumerations
from bot.hunts.hunting import LONGEST_SESSION
from bot.hunts.library import Playbook, shipped
from bot.hunts.matching import matches
from bot.hunts.roots import lineage_of
from bot.hunts.usual import RARITY_UNKNOWN, SSO, Before
from bot.model import (
    Context,
    Event,
    Foreseen,
    Habit,
    Hits,
    Kind,
    Observable,
    Principal,
    Span,
    Use,
    Want,
    inside,
    is_trusted,
    site_of,
)
from bot.scope.rules import FIRST_LOOKS

MOST_CALLS = 10_000
"""Read from one address or principal, the newest first."""
MOST_NEIGHBOURS = 1_000
"""Calls that tell who used an address before."""
MOST_ASKED = 40
"""Principals at one address whose habits are read; an address with more newcomers is one office's first day."""


class Around:
    """``bot.model.Hunts`` over what a triage may ask. The history's own errors pass through."""

    def __init__(self, context: Context, playbooks: Sequence[Playbook] | None = None) -> None:
        self._context = context
        self._playbooks = tuple(shipped() if playbooks is None else playbooks)

    def enumeration(self, ip: str) -> Hits:
        """Where ``ip`` was used to try several keys in the recent part of the window."""
        place, networks = Observable(Kind.IP, site_of(ip)), self._context.environment.own_networks
        window = self._context.window
        reach = Span(window.recent_since - LONGEST_SESSION, window.until)
        if inside(ip, networks):
            return Hits()
        self._foresee(
            Foreseen(place, window.recent),
            Foreseen(place, reach, Want.EVENTS, MOST_CALLS),
            Foreseen(place, window.baseline, Want.EVENTS, MOST_NEIGHBOURS),
        )
        if not self._is_asked_of_several(place):
            return Hits()
        events = self._events(place, reach, MOST_CALLS)
        recent = [event for event in events if event.at in window.recent]
        before = Before(self._habits_at(place, recent))
        found = tuple(enumerations(recent, before, lineage_of(events), networks))
        return Hits(found, _cut(len(events)))

    def playbooks(self, observable: Observable) -> Hits:
        """Which playbooks the calls of ``observable`` resemble that reach into the recent part of the window."""
        window = self._context.window
        longest = max((each.window_hours for each in self._playbooks), default=0)
        span = Span(window.recent_since - timedelta(hours=longest), window.until)
        wanted = frozenset[str]().union(*(each.impact | each.support for each in self._playbooks))
        uses = [use for use in self._context.uses(observable, span) if not use.by_service]
        told = [use for use in uses if use.event in wanted]
        if not any(use.last_seen in window.recent for use in told):
            return Hits()
        events, sizes = self._calls(observable, span, uses, told)
        made = {use.event for use in self._context.baseline().uses}
        me = self._context.principal.id if self._context.principal is not None else None
        found = (
            hit
            for playbook in self._playbooks
            for hit in matches(
                playbook, events, self._rarity, lambda who, name: who == me and name in made, sizes=sizes, steps=True
            )
        )
        return Hits(tuple(hit for hit in found if hit.last_seen in window.recent))

    def _is_asked_of_several(self, place: Observable) -> bool:
        uses = self._context.uses(place, self._context.window.recent)
        return len({use.key for use in uses if use.event in FIRST_LOOKS and use.key and not use.by_service}) > 1

    def _habits_at(self, place: Observable, recent: Iterable[Event]) -> Iterator[Habit]:
        """What those who asked at ``place`` did before, and who was there before."""
        asking = {event.principal.id: event.principal for event in recent if event.name in FIRST_LOOKS}
        for principal in list(asking.values())[:MOST_ASKED]:
            who = Observable(Kind.PRINCIPAL, _person(principal))
            yield from (
                _habit(use) for use in self._context.uses(who, self._context.window.baseline) if self._trusts(use)
            )
        for event in self._events(place, self._context.window.baseline, MOST_NEIGHBOURS):
            if not event.by_service and is_trusted(event.principal.id, event.at, self._context.doubted):
                yield _habit_of(event)

    def _trusts(self, use: Use) -> bool:
        return is_trusted(use.principal, use.first_seen, self._context.doubted)

    def _calls(
        self, observable: Observable, span: Span, uses: Sequence[Use], told: Sequence[Use]
    ) -> tuple[Sequence[Event], dict[str, int]]:
        """The calls one by one; of whoever makes too many, the first and the last of each kind and day."""
        if sum(use.count for use in uses) <= MOST_CALLS:
            return self._events(observable, span, MOST_CALLS), {}
        ends = [(_event(use, first=first), use.count - 1 if not first else 1) for use in told for first in _ends(use)]
        return [event for event, _ in ends], {event.id: size for event, size in ends}

    def _foresee(self, *questions: Foreseen) -> None:
        assert self._context.history is not None  # noqa: S101 - hunts are handed in with a history
        self._context.history.foresee(questions)

    def _events(self, observable: Observable, span: Span, limit: int) -> Sequence[Event]:
        assert self._context.history is not None  # noqa: S101 - hunts are handed in with a history
        return self._context.history.events(observable, span, limit=limit)

    def _rarity(self, event: str) -> float:
        rarity = self._context.rarity(event)
        return RARITY_UNKNOWN if rarity is None else rarity


def _person(principal: Principal) -> str:
    """A person of IAM Identity Center is asked for in all accounts, by the bare name."""
    return principal.id.partition(SSO)[2] or principal.id


def _cut(events: int) -> str | None:
    return f"only the newest {MOST_CALLS} calls from it were looked at" if events >= MOST_CALLS else None


def _habit(use: Use) -> Habit:
    where = (use.ip, use.address_class, use.user_agent, use.family)
    return Habit(use.day, use.key, use.principal, *where, use.event, use.count)


def _habit_of(event: Event) -> Habit:
    where = (event.ip, event.address_class, event.user_agent, event.family)
    return Habit(event.at.date(), event.key, event.principal.id, *where, event.name)


def _ends(use: Use) -> tuple[bool, ...]:
    return (True, False) if use.count > 1 else (True,)


def _event(use: Use, *, first: bool) -> Event:
    """The first or the last of the calls of a use, under the id of one of them."""
    account = use.principal.partition(":")[0]
    return Event(
        id=use.evidence[-1] if first else use.evidence[0],
        at=use.first_seen if first else use.last_seen,
        name=use.event,
        outcome=use.outcome,
        error_code=use.error_code,
        key=use.key,
        principal=Principal(use.principal, None, None, account if account.isdigit() else None),
        session=None,
        ip=use.ip,
        address_class=use.address_class,
        user_agent=use.user_agent,
        family=use.family,
        region=use.region,
        account=use.account,
        by_service=use.by_service,
        detail=use.detail,
    )
