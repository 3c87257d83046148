"""What a triage suggests doing: the changes that answer what was asked about, as far as this installation offers them.

A key can always be disabled, whatever the verdict: its owner may know better than the bot. Of principals and addresses,
whose changes stop more, something is suggested only where something speaks against them. Nothing in an account of
others is suggested, nor anything about what a sample finding made up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bot.model import Kind, Observable, Suggestion, Verdict

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
PERSON = "it refuses what the person's role sessions do in the organisation, and can be undone"
ADDRESS = "it refuses every call from there in the organisation, and can be undone; keys and users come first"


def suggestions(observable: Observable, verdict: Verdict, offered: Collection[str]) -> tuple[Suggestion, ...]:
    """The changes for ``observable`` among those that are ``offered``, the most useful first."""
    return tuple(each for each in _fitting(observable, verdict) if each.remediation in offered)


def _fitting(observable: Observable, verdict: Verdict) -> Iterator[Suggestion]:
    target = observable.value
    if observable.kind is Kind.ACCESS_KEY and target.startswith(LONG_TERM_KEY):
        yield Suggestion("disable_access_key", target, WHY_DISABLE[verdict])
    if verdict not in SPEAKS_AGAINST:
        return
    if observable.kind is Kind.PRINCIPAL:
        yield from _of_principal(target)
    elif observable.kind is Kind.IP:
        yield Suggestion("block_ip", target, ADDRESS)


def _of_principal(target: str) -> Iterator[Suggestion]:
    kind = target.partition(":")[2].partition("/")[0]
    if kind == "user":
        yield Suggestion("quarantine_user", target, QUARANTINE)
        yield Suggestion("reset_console_password", target, PASSWORD)
    elif kind == "role":
        yield Suggestion("revoke_sessions", target, SESSIONS)
    elif kind == "sso" or target.startswith("idc:"):
        yield Suggestion("deny_sso_user", target, PERSON)
