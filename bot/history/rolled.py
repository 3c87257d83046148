"""Roll-ups → uses and events: whole days from the roll-up alone, a day cut by a span from its events, too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain, groupby
from typing import Any

from bot.history import packing
from bot.history.details import read_detail
from bot.history.normal import mints
from bot.history.schema import ADDRESS_CLASSES, DAY, OUTCOMES
from bot.history.selecting import Rows, Selection
from bot.history.words import Words, many
from bot.model import AddressClass, Event, Habit, Principal, Span, Use

_IN_SPAN = "day BETWEEN ? AND ? AND last >= ? AND first <= ?"
_USES = """SELECT id, count, first, last, newest, day, key, principal, address, agent, name, outcome, error, region,
        account, by_service, detail
    FROM use WHERE {where} AND {span}"""
_DAYS = "SELECT day, id, first, last, newest FROM use WHERE {where} AND {span} ORDER BY day DESC"
_EVENTS_OF = """SELECT u.id, n.value, outcome, e.value, k.value, p.value, d.type, d.arn, d.account, s.value,
        i.value, i.class, g.value, g.family, r.value, a.value, by_service, x.value
    FROM use u
    JOIN principal p ON p.id = u.principal JOIN identity d ON d.id = u.identity JOIN agent g ON g.id = u.agent
    JOIN name n ON n.id = u.name JOIN text r ON r.id = u.region JOIN text a ON a.id = u.account
    LEFT JOIN text k ON k.id = u.key LEFT JOIN address i ON i.id = u.address LEFT JOIN text e ON e.id = u.error
    LEFT JOIN text s ON s.id = u.session LEFT JOIN text x ON x.id = u.detail
    WHERE u.id IN ({places})"""
_ACCOUNT_AT = -3
"""Of a row of ``_EVENTS_OF``."""
_EVIDENCE = 2
_NO_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Seconds:
    """A span in Unix seconds, both ends inclusive."""

    since: int
    until: int

    @classmethod
    def of(cls, span: Span) -> Seconds:
        return cls(int(span.since.timestamp()), int(span.until.timestamp()))

    @property
    def values(self) -> tuple[int, int, int, int]:
        """What ``day BETWEEN ? AND ? AND last >= ? AND first <= ?`` asks for."""
        return self.since // DAY, self.until // DAY, self.since, self.until

    def holds(self, first: int, last: int) -> bool:
        return self.since <= first and last <= self.until


@dataclass(slots=True)
class _Counted:
    """What of a use lies inside a span; ``newest`` are the sorting parts of its newest two events."""

    count: int
    first: int
    last: int
    newest: tuple[bytes, ...]


_Alike = tuple[Any, ...]
"""Day to detail of a use, as numbers: what its events and those of another may have in common."""


class Rolled:
    """Questions over the ``use`` rows that ``where`` selects. Raises what ``rows`` raises."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._texts, self._names = Words(rows, "text", "value"), Words(rows, "name", "value")
        self._principals = Words(rows, "principal", "value")
        self._addresses = Words(rows, "address", "value", "class")
        self._agents = Words(rows, "agent", "value", "family")

    def uses(self, wanted: Selection, span: Seconds) -> tuple[Use, ...]:
        """What is inside the span, the oldest first."""
        merged = self._merged(wanted, span)
        odd = self._odd_ids(key for counted in merged.values() for key in counted.newest)
        return oldest_first(self._spelt(merged, odd))

    def habits(self, wanted: Selection, span: Seconds) -> tuple[Habit, ...]:
        """What was done on each day by hand or program, not by a service, and from where."""
        counts: Counter[_Alike] = Counter()
        for (*same, _, _, _, _, by_service, _), counted in self._merged(wanted, span).items():
            if not by_service:
                counts[tuple(same)] += counted.count
        return tuple(self._habits(counts))

    def _merged(self, wanted: Selection, span: Seconds) -> dict[_Alike, _Counted]:
        found = self._rows(_USES.format(where=wanted.where, span=_IN_SPAN), [*wanted.values, *span.values])
        cut = self._cut([(row[0], row[5]) for row in found if not span.holds(row[2], row[3])], span)
        merged: dict[_Alike, _Counted] = {}
        for number, count, first, last, newest, *alike in found:
            whole = span.holds(first, last)
            counted = _Counted(count, first, last, _keys(newest)) if whole else cut.get(number)
            if counted is not None:
                same = tuple(alike)
                merged[same] = _together(merged[same], counted) if same in merged else counted
        return merged

    def _habits(self, counts: Mapping[_Alike, int]) -> Iterator[Habit]:
        columns = list(zip(*counts, strict=True)) or [()] * 6
        keys, principals = self._texts.of(columns[1]), self._principals.of(columns[2])
        addresses, agents = self._addresses.of(columns[3]), self._agents.of(columns[4])
        names = self._names.of(columns[5])
        for (day, key, who, address, client, name), count in counts.items():
            ip, kind = addresses[address] or (None, None)
            agent, family = agents[client]
            where = (ip, address_class(kind), agent, family)
            yield Habit(_day(day), keys[key], principals[who], *where, names[name], count)

    def _spelt(self, merged: Mapping[_Alike, _Counted], odd: Mapping[bytes, str]) -> Iterator[Use]:
        columns = list(zip(*merged, strict=True)) or [()] * 12
        texts = self._texts.of(chain(columns[1], columns[7], columns[8], columns[9], columns[11]))
        principals, addresses = self._principals.of(columns[2]), self._addresses.of(columns[3])
        agents, names = self._agents.of(columns[4]), self._names.of(columns[5])
        days = {day: _day(day) for day in set(columns[0])}
        for (
            day,
            key,
            who,
            address,
            client,
            name,
            outcome,
            error,
            region,
            account,
            by_service,
            detail,
        ), counted in merged.items():
            ip, kind = addresses[address] or (None, None)
            agent, family = agents[client]
            yield Use(
                *(days[day], texts[key], principals[who], ip, address_class(kind), agent, family, names[name]),
                *(OUTCOMES[outcome], texts[error], texts[region], texts[account], bool(by_service)),
                *(counted.count, moment(counted.first), moment(counted.last), _ids(counted.newest, odd)),
                detail=read_detail(texts[detail]),
            )

    def events(self, wanted: Selection, span: Seconds, limit: int | None) -> tuple[Event, ...]:
        """The newest ``limit`` (default: all) inside the span, the newest first."""
        found = self._newest(wanted, span, _NO_LIMIT if limit is None else limit)
        known = self._described({use for _, use, _ in found})
        ordered = sorted(found, key=lambda each: known[each[1]][_ACCOUNT_AT])
        ordered.sort(key=lambda each: (each[0], each[2]), reverse=True)
        ordered = ordered[:limit]
        odd = self._odd_ids(key for _, _, key in ordered)
        minted = self._minted((day, packing.id_of(key)) for day, use, key in ordered if mints(known[use][0]))
        return tuple(_event(day, key, known[use], _id(key, odd), minted) for day, use, key in ordered)

    def newest(self, wanted: Selection, span: Seconds) -> tuple[int, int] | None:
        """The use and the second of the newest event; ``None`` if there is none."""
        found = self._newest(wanted, span, 1)
        if len(found) > 1:
            known = self._described({use for _, use, _ in found})
            found.sort(key=lambda each: known[each[1]][_ACCOUNT_AT])
        return (found[0][1], found[0][0] * DAY + packing.second_of(found[0][2])) if found else None

    def _newest(self, wanted: Selection, span: Seconds, limit: int) -> list[tuple[int, int, bytes]]:
        """(day, use, sorting part) of the newest ``limit`` events, the newest first.

        More than ``limit`` if the last of them stands in the logs of several accounts.
        """
        found: list[tuple[int, int, bytes]] = []
        for day, uses in self._day_by_day(wanted, span):
            keys = self._keys_of(uses, span, limit - len(found))
            found += [(day, use, key) for key, use in _first(limit - len(found), sorted(keys, reverse=True))]
            if len(found) >= limit:
                break
        return found

    def _day_by_day(self, wanted: Selection, span: Seconds) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """The uses of each day, the newest day first; most questions end with that."""
        query = _DAYS.format(where=wanted.where, span=_IN_SPAN)
        first, last, *seconds = span.values
        newest = self._rows(f"{query} LIMIT 1", [*wanted.values, *span.values])
        if newest:
            day = newest[0][0]
            yield day, self._rows(query, [*wanted.values, day, day, *seconds])
            rest = self._rows(query, [*wanted.values, first, min(last, day - 1), *seconds])
            yield from ((int(day), list(uses)) for day, uses in groupby(rest, key=lambda row: row[0]))

    def _keys_of(self, uses: Sequence[tuple[Any, ...]], span: Seconds, limit: int) -> list[tuple[bytes, int]]:
        """The (sorting part, use) of the events of one day; the newest ``limit`` of them are among these."""
        if limit <= _EVIDENCE and all(last <= span.until for _, _, _, last, _ in uses):
            return [
                (key, use)
                for day, use, _, _, newest in uses
                for key in _keys(newest)
                if day * DAY + packing.second_of(key) >= span.since
            ]
        low, high = _seconds_of_day(uses[0][0], span)
        chunks = self._chunks([use for _, use, *_ in uses])
        return [
            (each[: packing.KEY], use) for use, packed in chunks.items() for each in packing.between(packed, low, high)
        ]

    def _cut(self, uses: Sequence[tuple[int, int]], span: Seconds) -> dict[int, _Counted]:
        """What lies inside ``span`` of those uses that reach out of it; those with nothing inside are missing."""
        chunks, days, found = self._chunks([use for use, _ in uses]), dict(uses), {}
        for use, packed in chunks.items():
            inside = packing.between(packed, *_seconds_of_day(days[use], span))
            if inside:
                keys = sorted((each[: packing.KEY] for each in inside), reverse=True)
                start = days[use] * DAY
                first, last = start + packing.second_of(keys[-1]), start + packing.second_of(keys[0])
                found[use] = _Counted(len(keys), first, last, tuple(keys[:_EVIDENCE]))
        return found

    def _chunks(self, uses: Sequence[int]) -> dict[int, list[bytes]]:
        found: defaultdict[int, list[bytes]] = defaultdict(list)
        for use, packed in many(self._rows, "SELECT use, packed FROM event WHERE use IN ({places})", uses):
            found[use].append(packed)
        return found

    def _described(self, uses: Iterable[int]) -> dict[int, tuple[Any, ...]]:
        return {row[0]: row[1:] for row in many(self._rows, _EVENTS_OF, sorted(uses))}

    def _minted(self, minting: Iterable[tuple[int, bytes]]) -> dict[bytes, str]:
        """The keys that the events with these days and ids gave out, by event id."""
        query = """WITH wanted (day, id) AS (VALUES {places})
            SELECT event_id, key FROM wanted CROSS JOIN minted ON minted.day = wanted.day AND event_id = id"""
        values = [f"({day}, x'{event_id.hex()}')" for day, event_id in sorted(set(minting))]
        chunks = (values[start : start + 200] for start in range(0, len(values), 200))
        return {row[0]: row[1] for some in chunks for row in self._rows(query.format(places=", ".join(some)), [])}

    def _odd_ids(self, keys: Iterable[bytes]) -> dict[bytes, str]:
        digests = sorted({packing.id_of(key) for key in keys if not packing.is_uuid(key)})
        return dict(many(self._rows, "SELECT digest, value FROM odd_id WHERE digest IN ({places})", digests))


def _first(count: int, keys: Sequence[tuple[bytes, int]]) -> Sequence[tuple[bytes, int]]:
    """The first ``count``, and what has the same sorting part as the last of them."""
    while 0 < count < len(keys) and keys[count][0] == keys[count - 1][0]:
        count += 1
    return keys[:count]


def _keys(newest: bytes) -> tuple[bytes, ...]:
    return (newest,) if len(newest) == packing.KEY else (newest[: packing.KEY], newest[packing.KEY :])


def _together(one: _Counted, other: _Counted) -> _Counted:
    keys = sorted({*one.newest, *other.newest}, reverse=True)[:_EVIDENCE]
    return _Counted(one.count + other.count, min(one.first, other.first), max(one.last, other.last), tuple(keys))


def _seconds_of_day(day: int, span: Seconds) -> tuple[int, int]:
    return max(span.since - day * DAY, 0), min(span.until - day * DAY, DAY - 1)


def oldest_first(uses: Iterable[Use]) -> tuple[Use, ...]:
    by_time = sorted(uses, key=lambda use: use.first_seen)
    return tuple(each for _, same in groupby(by_time, lambda use: use.first_seen) for each in _in_order(list(same)))


def _in_order(uses: list[Use]) -> list[Use]:
    """Uses that began in the same second always come in the same order."""
    return uses if len(uses) == 1 else sorted(uses, key=_order)


def _order(use: Use) -> tuple[Any, ...]:
    return (
        *(use.day, use.event, use.key is not None, use.key or "", use.principal, use.ip is not None, use.ip or ""),
        *(use.user_agent, OUTCOMES.index(use.outcome), use.error_code is not None, use.error_code or ""),
        *(use.region, use.account, use.by_service, repr(use.detail)),
    )


def _ids(keys: Iterable[bytes], odd: Mapping[bytes, str]) -> tuple[str, ...]:
    # The same event may stand in the logs of several accounts: it is named once.
    return tuple(dict.fromkeys(_id(key, odd) for key in keys))


def _id(key: bytes, odd: Mapping[bytes, str]) -> str:
    packed = packing.id_of(key)
    return packing.uuid_text(packed) if packing.is_uuid(key) else odd[packed]


def _event(day: int, key: bytes, described: tuple[Any, ...], event_id: str, minted: Mapping[bytes, str]) -> Event:
    name, outcome, error, access_key, principal, kind, arn, owner, session, *where = described
    ip, its_class, agent, family, region, account, by_service, detail = where
    return Event(
        id=event_id,
        at=moment(day * DAY + packing.second_of(key)),
        name=name,
        outcome=OUTCOMES[outcome],
        error_code=error,
        key=access_key,
        principal=Principal(principal, kind or None, arn or None, owner or None),
        session=session,
        ip=ip,
        address_class=address_class(its_class),
        user_agent=agent,
        family=family,
        region=region,
        account=account,
        by_service=bool(by_service),
        minted=minted.get(packing.id_of(key)) if mints(name) else None,
        detail=read_detail(detail),
    )


def address_class(number: int | None) -> AddressClass:
    return AddressClass.OTHER if number is None else ADDRESS_CLASSES[number]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _day(number: int) -> date:
    return _EPOCH.date() + timedelta(days=number)
