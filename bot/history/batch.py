"""What decoding hands to storing: events grouped by everything but their second and id, files and all.

A batch goes from one process to another, so it is plain data (``msgspec``).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from bot.history.details import text_of
from bot.history.kept import Kept
from bot.history.schema import ADDRESS_CLASSES, DAY, OUTCOMES
from bot.model import Event

_CLASS_NUMBERS = {kind: number for number, kind in enumerate(ADDRESS_CLASSES)}
_OUTCOME_NUMBERS = {outcome: number for number, outcome in enumerate(OUTCOMES)}


class Manner(NamedTuple):
    """Everything the events of one use have in common, but for the day."""

    key: str | None
    principal: str
    type: str
    arn: str
    owner: str
    session: str | None
    ip: str | None
    address_class: int
    agent: str
    family: str
    name: str
    outcome: int
    error: str | None
    region: str
    account: str
    by_service: bool
    detail: str | None


class Related(NamedTuple):
    """An event that other records bear on; ``use`` is a position in ``Batch.uses``."""

    use: int
    entry: bytes
    shared: str | None
    amended_by: str | None
    home: bool


class FileRead(NamedTuple):
    """How far a file was read: ``records`` of it are in this batch; it ``begins`` and is ``done`` here or in another.

    ``size`` and ``changed`` are its identity (``bot.history.sources``) before it was read, ``newest`` is the day of
    its newest record so far. Of a ``stream`` there is more every time: what was read and set aside of it adds up.
    """

    path: str
    size: int
    changed: int
    records: int
    begins: bool
    done: bool
    set_aside: list[tuple[int | None, str, int]]
    stream: bool
    newest: int | None


class Batch(msgspec.Struct, array_like=True):
    """``packed[n]`` are the entries of ``uses[n]``; their file is a position in ``files``."""

    files: list[FileRead]
    manners: list[Manner]
    uses: list[tuple[int, int]]
    """(day, position in ``manners``)."""
    packed: list[bytes]
    related: list[Related]
    odd_ids: list[tuple[bytes, str]]
    minted: list[tuple[int, bytes, str]]
    """(day, event id, the access key the event gave out)."""
    kept: list[Kept]

    @property
    def records(self) -> int:
        return sum(file.records for file in self.files)


def manner_of(event: Event) -> Manner:
    who = event.principal
    return Manner(
        key=event.key,
        principal=who.id,
        type=who.type or "",
        arn=who.arn or "",
        owner=who.account or "",
        session=event.session,
        ip=event.ip,
        address_class=_CLASS_NUMBERS[event.address_class],
        agent=event.user_agent,
        family=event.family,
        name=event.name,
        outcome=_OUTCOME_NUMBERS[event.outcome],
        error=event.error_code,
        region=event.region,
        account=event.account,
        by_service=event.by_service,
        detail=text_of(event.detail),
    )


def day_and_second(event: Event) -> tuple[int, int]:
    """The UTC day of the Unix era, and the second of that day."""
    return divmod(int(event.at.timestamp()), DAY)
