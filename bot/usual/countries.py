"""Where people work, and from whose addresses, learned from an even sample of 90 days of calls."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.model import (
    AddressClass,
    AddressData,
    AddressOrigin,
    CannotSearch,
    Correction,
    Doubted,
    Environment,
    History,
    NotAnswered,
    Ordinary,
    Sampled,
    Span,
    UsualCountries,
    UsualProvider,
    is_trusted,
)
from bot.usual import providers

LEAST_SHARE = 0.02
"""A country with a smaller share of the calls people make here is not usual: a traveller leaves a few, too."""
LEAST_CALLS = 50
"""Fewer calls with a known country teach nothing about where an organisation works."""

LEARNED = timedelta(days=90)
MOST_REMEMBERED = 100

Learned = TypeVar("Learned")

PEOPLE = (":user/", ":sso/", ":root", ":saml/")


def learned(sample: Iterable[Sampled], addresses: AddressData) -> UsualCountries:
    """The countries people's calls come from. A server's country says nothing about where people are."""
    people = [each for each in sample if by_person(each)]
    calls: Counter[str] = Counter()
    for each in people:
        calls[each.ip or ""] += each.count
    countries: Counter[str] = Counter()
    for ip, count in calls.items():
        origin = addresses.origin(ip)
        if origin.country and origin.hosting is not True:
            countries[origin.country] += count
    total = countries.total()
    if total < LEAST_CALLS:
        return UsualCountries()
    names = frozenset(name for name, count in countries.items() if count >= LEAST_SHARE * total)
    since = min(each.at for each in people)
    words = f"{_shares(countries, total)} sampled calls since {since:%Y-%m-%d}"
    return UsualCountries(names, "history", words, since)


def by_person(each: Sampled) -> bool:
    """Made by a person's principal from a public address, not by a service for it."""
    public = each.address_class is AddressClass.PUBLIC and not each.by_service
    return public and any(kind in each.principal for kind in PEOPLE)


def _shares(countries: Mapping[str, int], total: int) -> str:
    top = sorted(countries.items(), key=lambda item: (-item[1], item[0]))[:3]
    share = round(100 * sum(count for _, count in top) / total)
    names = ", ".join(name for name, _ in top)
    return f"{names} make {share} % of {total}"


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


@dataclass
class Learner:
    """Learns, and remembers what it learned until the history has gone on by an hour. Safe from several threads."""

    _known: dict[object, tuple[UsualCountries, tuple[UsualProvider, ...]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def countries(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None = None,
    ) -> UsualCountries:
        """As of the full hour before ``until``. Raises what ``history`` raises; that is not remembered."""
        return self._learned(accounts, history, addresses, until, doubted)[0]

    def providers(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None = None,
    ) -> tuple[UsualProvider, ...]:
        """As :meth:`countries`, of the same sample."""
        return self._learned(accounts, history, addresses, until, doubted)[1]

    def _learned(
        self,
        accounts: Sequence[str],
        history: History,
        addresses: AddressData,
        until: datetime,
        doubted: Doubted | None,
    ) -> tuple[UsualCountries, tuple[UsualProvider, ...]]:
        until, newest, doubted = _hour(until), history.newest(), doubted or {}
        key = (tuple(accounts), until, _hour(newest) if newest else None, frozenset(doubted.items()))
        with self._lock:
            known = self._known.get(key)
        if known is None:
            sample = history.sampled(accounts, Span(until - LEARNED, until))
            trusted = [each for each in sample if is_trusted(each.principal, each.at, doubted)]
            known = learned(trusted, addresses), providers.learned(trusted, addresses)
            with self._lock:
                if len(self._known) >= MOST_REMEMBERED:
                    self._known.clear()
                self._known[key] = known
        return known


def _in_words(said: Correction) -> str:
    return f"{said.value} is {'usual' if said.usual else 'not usual'}, says {said.by.name} since {said.at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class UsualHere:
    """``bot.model.Usual`` in one environment, over the history of one triage."""

    environment: Environment
    history: History | None
    addresses: AddressData | None
    learner: Learner
    doubted: Doubted = field(default_factory=dict)

    def countries(self, account: str | None, until: datetime) -> UsualCountries:
        known = self._uncorrected(account, until)
        said = [each for each in self.environment.corrections if each.kind is Ordinary.COUNTRY]
        if not said:
            return known
        corrected = {each.value: each.usual for each in said}
        added = {name for name, usual in corrected.items() if usual}
        names = frozenset((known.names | added) - (corrected.keys() - added))
        words = "; ".join(each for each in (known.words, *map(_in_words, said)) if each)
        return replace(known, names=names, words=words, corrected=corrected)

    def _uncorrected(self, account: str | None, until: datetime) -> UsualCountries:
        stated = frozenset(self.environment.usual_countries)
        if stated:
            return UsualCountries(stated, "config", f"usual: {', '.join(sorted(stated))}, stated in config")
        try:
            return self._learned(self.learner.countries, account, until) or UsualCountries()
        except CannotSearch:
            # A history that cannot be sampled teaches nothing; whoever asks is told that nothing is known.
            return UsualCountries()

    def provider(self, origin: AddressOrigin, account: str | None, until: datetime) -> UsualProvider | None:
        names = self.environment.usual_providers
        try:
            known = () if providers.stated(origin, names) else self._learned(self.learner.providers, account, until)
        except NotAnswered:
            known = ()
        return providers.provider_here(origin, names, known or ())

    def _learned(self, learn: Callable[..., Learned], account: str | None, until: datetime) -> Learned | None:
        """What is learned of the environment's accounts and ``account``; ``None`` where nothing can be."""
        accounts = sorted(self.environment.accounts | ({account} if account else set()))
        if self.history is None or self.addresses is None or not accounts:
            return None
        return learn(accounts, self.history, self.addresses, until, self.doubted)
