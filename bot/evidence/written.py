"""Answers of the world as JSON that can be read back: an answer is written with the name of what it is.

``msgspec`` cannot tell the records of a union apart, and the ports' answers are unions of a record and a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from bot.model import (
    AddressOrigin,
    AnswerCut,
    CannotSearch,
    CodeFound,
    ContactRecord,
    Coverage,
    EarlierCase,
    Environment,
    Event,
    Habit,
    HistoryUnavailableError,
    Holder,
    IdentityRecord,
    KeyRecord,
    MailSent,
    NotAnswered,
    Prevalence,
    Principal,
    Registration,
    Reputation,
    Unread,
    Use,
    Users,
    UsualCountries,
    UsualProvider,
)

RECORDS: Mapping[str, type] = {
    each.__name__: each
    for each in (
        *(AddressOrigin, CodeFound, ContactRecord, Coverage, EarlierCase, Environment, Event, Habit, Holder),
        *(IdentityRecord, KeyRecord, MailSent, Prevalence, Principal, Registration, Reputation, Unread, Use, Users),
        *(UsualCountries, UsualProvider),
    )
}
"""Everything a port may answer with, by the name it is written under."""
ERRORS: Mapping[str, type[NotAnswered]] = {
    each.__name__: each for each in (CannotSearch, HistoryUnavailableError, NotAnswered)
}

Json = dict[str, Any]


def write(answer: object) -> Json:
    """``answer`` with the name of what it is; encoded later, so that writing costs nothing while people wait."""
    name = type(answer).__name__
    if name in RECORDS:
        return {"one": name, "is": answer}
    if isinstance(answer, datetime):
        return {"one": "datetime", "is": answer}
    if isinstance(answer, list | tuple) and answer and type(answer[0]).__name__ in RECORDS:
        return {"many": type(answer[0]).__name__, "is": list(answer)}
    if isinstance(answer, Mapping) and answer and all(type(each).__name__ in RECORDS for each in answer.values()):
        return {"each": {name: write(one) for name, one in answer.items()}}
    return {"plain": answer}


def read(written: Mapping[str, Any]) -> Any:
    """What :func:`write` was given; sequences as tuples. Raises ``ValueError`` for what it never writes."""
    try:
        if "plain" in written:
            return written["plain"]
        if "each" in written:
            return {name: read(one) for name, one in written["each"].items()}
        if "many" in written:
            return tuple(msgspec.convert(one, RECORDS[written["many"]]) for one in written["is"])
        kind = datetime if written["one"] == "datetime" else RECORDS[written["one"]]
        return msgspec.convert(written["is"], kind)
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise ValueError(f"an answer in the bundle cannot be read: {error}") from error


def write_error(error: NotAnswered) -> Json:
    """Why there was no answer, so that the same can be raised again."""
    if isinstance(error, AnswerCut):
        return {"raised": "AnswerCut", "says": str(error), "since": error.since, "is": list(error.uses)}
    name = next((name for name, kind in ERRORS.items() if type(error) is kind), NotAnswered.__name__)
    return {"raised": name, "says": str(error)}


def read_error(written: Mapping[str, Any]) -> NotAnswered:
    """What :func:`write_error` was given. Raises ``ValueError`` for what it never writes."""
    try:
        if written["raised"] == "AnswerCut":
            uses = [msgspec.convert(one, Use) for one in written["is"]]
            return AnswerCut(written["says"], msgspec.convert(written["since"], datetime), uses)
        return ERRORS[written["raised"]](written["says"])
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise ValueError(f"a refusal in the bundle cannot be read: {error}") from error
