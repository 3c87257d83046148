"""Whether an event is one of an observable's, for sources that hold events and no index."""

from __future__ import annotations

from bot.families import TERMINAL_PREFIX, terminal_of
from bot.history.address import classify
from bot.history.clients import is_meant
from bot.history.principal import UNKNOWN_ID, id_of_arn
from bot.model import Event, Kind, Observable, inside


def concerns(event: Event, observable: Observable) -> bool:
    """Whether ``event`` is among what ``observable`` did or was used for.

    A principal may be named by its id, its ARN or its bare name; a user agent as ``bot.history.clients`` says, or by
    the terminal in it (``sid/…``); an event by ``service:Name`` or its bare name; an address may be a network.
    """
    value, who = observable.value.strip(), event.principal
    if observable.kind is Kind.PRINCIPAL:
        return who.id != UNKNOWN_ID and (value in {who.id, who.arn, who.name} or id_of_arn(value) == who.id)
    if observable.kind is Kind.IP:
        return event.ip is not None and (inside(event.ip, [value]) if "/" in value else classify(value)[0] == event.ip)
    if observable.kind is Kind.USER_AGENT and value.startswith(TERMINAL_PREFIX):
        return terminal_of(event.user_agent) == value.removeprefix(TERMINAL_PREFIX)
    if observable.kind is Kind.USER_AGENT:
        return is_meant(value, event.user_agent, event.family)
    stated: dict[Kind, set[str | None]] = {
        Kind.ACCESS_KEY: {event.key},
        Kind.EVENT: {event.name, event.name.partition(":")[2]},
        Kind.ACCOUNT: {event.account},
    }
    return bool(value) and value in stated[observable.kind]
