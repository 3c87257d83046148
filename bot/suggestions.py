"""What a triage suggests doing: the changes that answer what was asked about, as far as this installation offers them.

A key can always be disabled, whatever the verdict: its owner may know better than the bot. Of principals and addresses,
whose changes stop more, something is suggested only where something speaks against them: of whoever is behind a key,
only what AWS says is there to be taken away; of the addresses it was used from, only those that were never near it
before. Nothing in an account of others is suggested, nor anything about what a sample finding made up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.model import Enrichment, Kind, Observable, Principal, Suggestion, Verdict

LONG_TERM_KEY = "AKIA"
WHY_DISABLE = {
    Verdict.INCIDENT: "an attacker holds this long-term key; disabling it stops new calls and can be undone",
    Verdict.PROBABLE: "this long-term key is probably stolen; disabling it stops new calls and can be undone",
    Verdict.SUSPICIOUS: "if its owner does not know these calls, disable this long-term key; it can be undone",
    Verdict.LOW: "nothing asks for it so far; disabling this long-term key stops new calls and can be undone",
    Verdict.EXPECTED: "only if the approved test must stop; disabling this long-term key can be undone",
    Verdict.INCONCLUSIVE: "too little could be checked to clear this long-term key; disabling it can be undone",
}
SPEAKS_AGAINST = frozenset({Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS})

QUARANTINE = "it refuses all the user's keys and the sessions minted from them, and can be undone"
PASSWORD = "whoever knows the user's password can sign in; removing it has no way back"  # noqa: S105 - a sentence
SESSIONS = "it ends every session of the role, the workloads' own too, and can be undone"
USER_SESSIONS = "sessions were given out to the user's keys; it refuses them and the user everything, and can be undone"
PERSON = "it refuses what the person's role sessions do in the organisation, and can be undone"
ADDRESS = "it refuses every call from there in the organisation, and can be undone; keys and users come first"

MOST_ADDRESSES = 2
A_SERVER = "hosting"
"""The one kind of place that may be blocked; the others are homes, offices and networks of one's own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the answers say of who is behind a key, and of where it was used from."""

    principal: str | None = None
    """Its id, where AWS says that there is such a user or role, or it is a person of Identity Center."""
    password: bool | None = None
    """Whether AWS says that it has a console password; ``None`` where AWS did not say."""
    sessions: bool = False
    """Whether sessions were given out to it."""
    addresses: tuple[str, ...] = ()
    """Addresses, servers first, that neither it nor, as far as is known, anybody else here used before."""


NOTHING = Told()


def told(enrichments: Iterable[Enrichment], principal: Principal | None, known: Collection[str]) -> Told:
    """What ``enrichments`` say. ``known`` are addresses that prove nothing."""
    answers = [each.answer.data for each in enrichments if each.answer is not None]
    told_of = next((data for data in answers if "in_iam" in data), {})
    outside = principal is not None and _kind(principal.id) in {"sso", "idc"}
    return Told(
        principal=principal.id if principal is not None and (outside or told_of.get("in_iam")) else None,
        password=told_of.get("console_password"),
        sessions=any(data.get("given_out") for data in answers),
        addresses=tuple(_strange(answers, known)),
    )


def suggestions(
    observable: Observable, verdict: Verdict, offered: Collection[str], known: Told = NOTHING
) -> tuple[Suggestion, ...]:
    """The changes for ``observable`` among those that are ``offered``, the most useful first."""
    return tuple(each for each in _fitting(observable, verdict, offered, known) if each.remediation in offered)


def _fitting(observable: Observable, verdict: Verdict, offered: Collection[str], known: Told) -> Iterator[Suggestion]:
    target = observable.value
    if observable.kind is Kind.ACCESS_KEY and target.startswith(LONG_TERM_KEY):
        yield Suggestion("disable_access_key", target, WHY_DISABLE[verdict])
    if verdict not in SPEAKS_AGAINST:
        return
    if observable.kind is Kind.ACCESS_KEY and known.principal is not None:
        yield from _of_principal(known.principal, known, offered, has_password=known.password is True)
    elif observable.kind is Kind.PRINCIPAL:
        yield from _of_principal(target, known, offered, has_password=known.password is not False)
    elif observable.kind is Kind.IP:
        yield Suggestion("block_ip", target, ADDRESS)
    if observable.kind in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
        yield from (Suggestion("block_ip", ip, ADDRESS) for ip in known.addresses[:MOST_ADDRESSES])


def _of_principal(target: str, known: Told, offered: Collection[str], *, has_password: bool) -> Iterator[Suggestion]:
    kind = _kind(target)
    if kind == "user":
        yield Suggestion("quarantine_user", target, QUARANTINE)
        if known.sessions and "quarantine_user" not in offered:  # of a user, both are the same change
            yield Suggestion("revoke_sessions", target, USER_SESSIONS)
        if has_password:
            yield Suggestion("reset_console_password", target, PASSWORD)
    elif kind == "role":
        yield Suggestion("revoke_sessions", target, SESSIONS)
    elif kind in {"sso", "idc"}:
        yield Suggestion("deny_sso_user", target, PERSON)


def _kind(principal: str) -> str:
    """``user``, ``role``, ``sso`` … of an id as ``111122223333:user/alice``, or ``idc`` of ``idc:906…``."""
    first, _, rest = principal.partition(":")
    return "idc" if first == "idc" else rest.partition("/")[0]


def _strange(answers: Iterable[Mapping[str, Any]], known: Collection[str]) -> Iterator[str]:
    """The addresses of a network that was never used before, by what each answer says of them."""
    answers = list(answers)
    ours = {data.get("ip") for data in answers if data.get("own") or data.get("big_three") or data.get("shared_exit")}
    rows = [row for data in answers for row in data.get("addresses", ()) if row.get("network_new")]
    places = {row["ip"]: row["place"] for row in rows if row["ip"] not in ours and row["ip"] not in known}
    yield from (ip for ip, place in places.items() if place == A_SERVER)
    yield from (ip for ip, place in places.items() if place is None)
