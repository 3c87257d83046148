"""Who stands behind a key: keys and sessions of one person, pipeline or vendor are one root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.model import Event
from bot.scope.usual import LONG_TERM_KEY

_DEEPEST = 10
"""AWS lets sessions be chained without end; nobody honest goes deeper."""
_SSO = ":sso/"


def lineage_of(events: Iterable[Event]) -> dict[str, Event]:
    """Each key that was given out, with the call that gave it out."""
    return {event.minted: event for event in sorted(events, key=lambda each: (each.at, each.id)) if event.minted}


def root_of(key: str, principal: str, lineage: Mapping[str, Event]) -> str:
    """The root of a key: what gave it out, and in turn what gave that out.

    A long-term key is its own; a pipeline is its OIDC subject, a vendor its account and role in all of ours; a person
    of IAM Identity Center is one in all accounts; any other session is its principal.
    """
    for _ in range(_DEEPEST):
        call = lineage.get(key)
        if call is None or call.by_service:
            break
        if call.key is None:
            # A vendor's scanner has a role of one name in every account.
            role = principal.partition(":")[2]
            return f"{call.principal.id}+{role}" if call.principal.id.startswith("account:") else call.principal.id
        key, principal = call.key, call.principal.id
    if key.startswith(LONG_TERM_KEY):
        return key
    return f"sso/{principal.partition(_SSO)[2]}" if _SSO in principal else principal
