"""Whose addresses an organisation's calls come from, learned from the same sample as where its people work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.model import AddressClass, AddressData, AddressOrigin, Sampled, UsualProvider

LEAST_CALLS = 50
"""Fewer sampled calls teach nothing about which providers are usual."""
LEAST_SHARE = 0.02
LEAST_PRINCIPALS = 2
"""What a single one uses, a thief's victim perhaps, is nobody's usual provider."""
UNKNOWN = "unknown"


def name_of(origin: AddressOrigin) -> str | None:
    """By what an address's provider is called; ``None`` where nobody knows whose it is."""
    return origin.provider or origin.organisation or (f"AS{origin.asn}" if origin.asn is not None else None)


def learned(sample: Iterable[Sampled], addresses: AddressData) -> tuple[UsualProvider, ...]:
    """Every provider the sampled calls of people and machines came from, that of most calls first.

    Without enough calls nothing is learned. Calls of services for somebody come from AWS, and say nothing.
    """
    calls: Counter[str] = Counter()
    who: dict[str, set[str]] = {}
    hosting: dict[str, bool | None] = {}
    since = None
    for each in sample:
        if each.ip is None or each.by_service or each.address_class is not AddressClass.PUBLIC:
            continue
        origin = addresses.origin(each.ip)
        name = name_of(origin) or UNKNOWN
        calls[name] += each.count
        who.setdefault(name, set()).add(each.principal)
        hosting[name] = origin.hosting
        since = min(each.at, since or each.at)
    total = calls.total()
    ordered = sorted(calls, key=lambda name: (-calls[name], name))
    return tuple(
        UsualProvider(
            name=name,
            usual=name != UNKNOWN
            and total >= LEAST_CALLS
            and calls[name] >= LEAST_SHARE * total
            and len(who[name]) >= LEAST_PRINCIPALS,
            source="history",
            calls=calls[name],
            of=total,
            principals=len(who[name]),
            hosting=hosting[name],
            since=since,
        )
        for name in ordered
    )


def stated(origin: AddressOrigin, names: Iterable[str]) -> bool:
    """Whether config calls the provider of ``origin`` usual, by its name or AS number."""
    own = {name.casefold() for name in (origin.provider, origin.organisation) if name}
    own |= {f"as{origin.asn}"} if origin.asn is not None else set()
    return any(name.casefold() in own for name in names)


def provider_here(origin: AddressOrigin, names: Sequence[str], known: Sequence[UsualProvider]) -> UsualProvider | None:
    """What is known of the provider of ``origin`` here; ``None`` where nobody can say."""
    name = name_of(origin)
    if name is None:
        return None
    if stated(origin, names):
        return UsualProvider(name, usual=True, source="config")
    found = next((each for each in known if each.name == name), None)
    total = known[0].of if known else 0
    if found is not None or total < LEAST_CALLS:
        return found
    return UsualProvider(name, usual=False, source="history", of=total, since=known[0].since)
