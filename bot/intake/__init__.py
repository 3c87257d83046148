"""Verified bytes → alerts in our normal form, one module for each form of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.intake import generic, guardduty
from bot.intake.payload import Payload, Unreadable, read
from bot.intake.source import Source
from bot.model import Alert

__all__ = ["Payload", "Source", "Unreadable", "normalise", "parse", "read"]

_Normalise = Callable[[Source, Payload, datetime], Alert]


def _auto(source: Source, payload: Payload, received_at: datetime) -> Alert:
    if guardduty.recognises(payload) and not any(source.fields.values()):
        return guardduty.normalise(source, payload, received_at)
    return generic.normalise(source, payload, received_at)


_KINDS: Mapping[str, _Normalise] = {
    "auto": _auto,
    "generic": generic.normalise,
    "guardduty": guardduty.normalise,
}


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """One payload, as :func:`read` gave it, as an alert. Raises nothing: what is odd in it becomes a note."""
    return _KINDS[source.kind](source, payload, received_at)


def parse(source: Source, body: bytes, received_at: datetime) -> tuple[Alert, ...]:
    """The alerts in ``body``, in order. Raises :class:`Unreadable` if it is not one alert or a list of them."""
    return tuple(normalise(source, payload, received_at) for payload in read(body))
