"""Verified bytes → alerts in our normal form, one module for each form of source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.intake import cloudtrail, generic, guardduty, health, ocsf, securityhub
from bot.intake.envelope import opened, parts_of
from bot.intake.payload import MAX_ALERTS, Payload, Unreadable, read
from bot.intake.source import Source
from bot.model import Alert

__all__ = ["FORMS", "Payload", "Source", "Unreadable", "normalise", "parse", "parts", "read"]


@dataclass(frozen=True, slots=True)
class Form:
    """A form that alerts have: how it is told from others, how it is read, and where it holds several at once."""

    recognises: Callable[[Payload], bool]
    normalise: Callable[[Source, Payload, datetime], Alert]
    lists: tuple[str, ...] = ()


FORMS: Mapping[str, Form] = {
    "guardduty": Form(guardduty.recognises, guardduty.normalise),
    "health": Form(health.recognises, health.normalise),
    "securityhub": Form(securityhub.recognises, securityhub.normalise, securityhub.LISTS),
    "ocsf": Form(ocsf.recognises, ocsf.normalise, securityhub.LISTS),
    "cloudtrail": Form(cloudtrail.recognises, cloudtrail.normalise, ("Records",)),
}
"""Every form of AWS's own, in the order they are tried in for a source of the kind ``auto``."""


def parts(source: Source, payload: Payload) -> tuple[Payload, ...]:
    """The alerts of one payload, as :func:`read` gave it: SNS's envelope opened, each of a list on its own.

    Splitting a part again gives the same part. Raises :class:`Unreadable` if it holds more than 100.
    """
    found = tuple(part for one in opened(payload) for part in _parts(source, one))
    if len(found) > MAX_ALERTS:
        raise Unreadable(f"It holds {len(found)} alerts; send at most {MAX_ALERTS} at once.")
    return found


def normalise(source: Source, payload: Payload, received_at: datetime) -> Alert:
    """One of :func:`parts` as an alert. Raises nothing: what is odd in it becomes a note."""
    form = _form(source, payload)
    return (form.normalise if form else generic.normalise)(source, payload, received_at)


def parse(source: Source, body: bytes, received_at: datetime) -> tuple[Alert, ...]:
    """The alerts in ``body``, in order. Raises :class:`Unreadable` if it is not one alert or a list of them."""
    return tuple(normalise(source, part, received_at) for payload in read(body) for part in parts(source, payload))


def _parts(source: Source, payload: Payload) -> Iterator[Payload]:
    if source.each:
        yield from parts_of(payload, source.each)
        return
    for name in _lists(source):
        split = tuple(parts_of(payload, name))
        if len(split) > 1 and _form(source, split[0]):
            yield from split
            return
    yield payload


def _lists(source: Source) -> Sequence[str]:
    form = FORMS.get(source.kind)
    if form is not None:
        return form.lists
    return tuple(dict.fromkeys(name for each in FORMS.values() for name in each.lists)) if _is_auto(source) else ()


def _form(source: Source, payload: Payload) -> Form | None:
    """The form ``payload`` is to be read in; ``None`` for a generic one."""
    if source.kind in FORMS:
        return FORMS[source.kind]
    if not _is_auto(source):
        return None
    return next((form for form in FORMS.values() if form.recognises(payload)), None)


def _is_auto(source: Source) -> bool:
    """Told by the alert's own form; a mapping of the user's means that the source has a form of its own."""
    return source.kind == "auto" and not any(source.fields.values()) and not source.each
