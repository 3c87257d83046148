"""Topics → one query that reads each log once.

Every record of the partitions read is counted for the coverage (the topic ``seen``, one row for an account, a region
and a stretch of time); those a topic asks about come back as roll-ups: all that differ in nothing but their second and
id as one row, with their number, first and last time and the newest of their ids. What AWS wrote twice is taken once, a
correction takes the place of what it corrects, and of the copies of one action the caller's own account's counts.

The logs of a day stand in its partition or, where delivered after midnight, in the next day's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.history.athena.clauses import Clause, between, both, one_of
from bot.history.athena.columns import ADDRESS, ANYBODY, CALLER, EVERYTHING, NAME, TIME
from bot.history.athena.topics import Topic, about
from bot.model import Kind, Span, Want

SEEN = "seen"
EVIDENCE = 20
"""How many ids of a roll-up come back; the rest are counted."""
CHUNK = 500
"""How many events of a topic of single events share a row."""
MOST_CALLERS = 100
"""How many principals that made one call come back, those with the most calls first."""
SEPARATOR = "chr(31)"
ID = "CASE WHEN addendum.reason = 'UPDATED_DATA' THEN coalesce(nullif(addendum.originaleventid, ''), eventid) ELSE eventid END"  # noqa: E501
"""Of the event: a correction has that of what it corrects."""
LOG = "coalesce(nullif(recipientaccountid, ''), account)"
"""The account whose log it is."""

_DELIVERED_NEXT_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Partitions that are read: of these accounts (``None``: all), for the topics that may have something there."""

    accounts: tuple[str, ...] | None
    span: Span
    topics: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one query reads of a table, and what for. ``edges`` are times at which counts are split."""

    table: str
    topics: tuple[Topic, ...]
    stretches: tuple[Stretch, ...]
    edges: tuple[str, ...]
    most_rows: int = 50_000


def stretches_of(topics: Sequence[Topic], seen: Sequence[Span], accounts: Sequence[str]) -> tuple[Stretch, ...]:
    """What must be read for ``topics`` and for the coverage of ``seen``, no partition twice.

    Topics that one account's log answers alone are read of that account, and so is the coverage then; the others of
    all of them.
    """
    every = range(len(topics))
    everywhere = [number for number in every if topics[number].accounts is None]
    own = tuple(sorted({account for topic in topics for account in topic.accounts or ()}))
    wide = [topics[number].span for number in everywhere]
    if not own:
        return tuple(_stretches(tuple(accounts) or None, [*wide, *seen], topics, everywhere))
    others = tuple(account for account in accounts if account not in own)
    found = _stretches(own, [*(topic.span for topic in topics), *seen], topics, every)
    return (*found, *(_stretches(others, wide, topics, everywhere) if others else ()))


def _stretches(
    accounts: tuple[str, ...] | None, spans: Sequence[Span], topics: Sequence[Topic], numbers: Iterable[int]
) -> list[Stretch]:
    """One for each run of days."""
    return [
        Stretch(accounts, run, tuple(number for number in numbers if topics[number].span.intersection(run)))
        for run in _runs(spans)
    ]


def _runs(spans: Sequence[Span]) -> list[Span]:
    """The spans, those as one between which not a whole partition would be saved."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda each: each.since):
        if found and span.since <= found[-1].until + 2 * _DELIVERED_NEXT_DAY:
            found[-1] = Span(found[-1].since, max(found[-1].until, span.until))
        else:
            found.append(span)
    return found


def query_of(reading: Reading) -> Clause:
    """The query for Athena. What it returns is read by ``bot.history.athena.rows``."""
    parts = [_read(reading, stretch) for stretch in reading.stretches]
    values = tuple(value for part in parts for value in part.values)
    told = _Told(reading)
    called = "\n    UNION ALL\n".join(part.sql for part in parts)
    # Athena may answer from an earlier run of "the same" query: the text itself must differ where a value does.
    digest = hashlib.sha256("\0".join(values).encode()).hexdigest()
    sql = f"""WITH called AS (
{called}
), once AS (
    SELECT topic, part, day, told, subject, id, amended, shared, home, log_account, log_region,
        min(event_time) AS first_time, max(event_time) AS last_time
    FROM called
    GROUP BY topic, part, day, told, subject, id, amended, shared, home, log_account, log_region
), standing AS (
    SELECT *, row_number() OVER (
        PARTITION BY topic, log_account, id
        ORDER BY CASE WHEN amended IS NULL THEN 1 ELSE 0 END, amended DESC, told) AS version
    FROM once
), own AS (
    SELECT *, row_number() OVER (PARTITION BY topic, shared ORDER BY home, log_account, id) AS copy
    FROM standing WHERE version = 1 OR id IS NULL
), newest AS (
    SELECT *, row_number() OVER (
        PARTITION BY topic, CASE WHEN {told.limited} THEN subject ELSE id END
        ORDER BY last_time DESC, id DESC) AS place
    FROM own WHERE copy = 1 OR id IS NULL
), counted AS (
    SELECT topic, part, day, told, subject, log_account, log_region,
        CASE WHEN {told.limited} THEN CAST(floor((place - 1) / {CHUNK}.0) AS integer) ELSE 0 END AS chunk,
        count(*) AS calls, min(first_time) AS first_time, max(last_time) AS last_time,
        CASE WHEN topic = '{SEEN}' OR {told.everybody} THEN NULL
            WHEN {told.limited} THEN array_join(max(last_time || ' ' || id, {CHUNK}), {SEPARATOR})
            ELSE array_join(max(last_time || ' ' || id, {EVIDENCE}), {SEPARATOR}) END AS entries
    FROM newest WHERE {told.within_limit}
    GROUP BY topic, part, day, told, subject, log_account, log_region,
        CASE WHEN {told.limited} THEN CAST(floor((place - 1) / {CHUNK}.0) AS integer) ELSE 0 END
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY topic, subject ORDER BY calls DESC, told) AS caller FROM counted
)
SELECT topic, told, subject, log_account, log_region, calls, first_time, last_time, entries
FROM ranked
WHERE (NOT ({told.callers}) OR caller <= {MOST_CALLERS}) AND '{digest}' <> ''
LIMIT {reading.most_rows + 1}"""
    return Clause(sql, values)


def _read(reading: Reading, stretch: Stretch) -> Clause:
    """The records of a stretch, once for every topic they may be about and once to be seen."""
    told = _Told(reading)
    part = _part(reading.edges)
    asked = [_about(str(number), reading.topics[number], stretch.span) for number in stretch.topics]
    where = partitions_of(stretch.accounts, stretch.span)
    wanted = f"asked.topic <> '{SEEN}' AND NOT ({told.everybody_asked})"
    topics = ", ".join([*(each.sql for each in asked), f"'{SEEN}'"])
    sql = f"""    SELECT asked.topic AS topic,
        CASE WHEN {told.counts_asked} THEN 0 ELSE {part.sql} END AS part,
        CASE WHEN {wanted} AND NOT ({told.callers_asked}) THEN substr({TIME}, 1, 10) END AS day,
        CASE WHEN asked.topic = '{SEEN}' THEN NULL WHEN {told.everybody_asked} THEN {ANYBODY}
            WHEN {told.callers_asked} THEN {CALLER} ELSE {EVERYTHING} END AS told,
        {told.subject} AS subject,
        CASE WHEN {wanted} THEN {ID} END AS id,
        CASE WHEN {wanted} AND addendum.reason = 'UPDATED_DATA' THEN eventid END AS amended,
        CASE WHEN {wanted} THEN coalesce(nullif(sharedeventid, ''), {LOG} || ' ' || {ID}) END AS shared,
        CASE WHEN {wanted} AND useridentity.accountid = recipientaccountid THEN 0 ELSE 1 END AS home,
        {LOG} AS log_account,
        CASE WHEN {told.counts_asked} THEN NULL ELSE awsregion END AS log_region,
        {TIME} AS event_time
    FROM {reading.table}
    CROSS JOIN UNNEST(ARRAY[{topics}]) AS asked (topic)
    WHERE asked.topic IS NOT NULL AND coalesce(eventcategory, '') <> 'Insight' AND {where.sql}"""
    return Clause(sql, (*part.values, *(value for each in asked for value in each.values), *where.values))


def _about(number: str, topic: Topic, within: Span) -> Clause:
    found = both(
        about(topic.want, topic.kind, topic.values), between_times(topic.span.intersection(within) or topic.span)
    )
    return Clause(f"CASE WHEN {found.sql} THEN '{number}' END", found.values)


def partitions_of(accounts: tuple[str, ...] | None, span: Span) -> Clause:
    """The records of ``span`` in the logs of ``accounts`` (``None``: of all), and no partition without any."""
    last = span.until + _DELIVERED_NEXT_DAY
    return both(
        *([one_of("account", accounts)] if accounts else []),
        between("day", f"{span.since:%Y/%m/%d}", f"{last:%Y/%m/%d}"),
        between_times(span),
    )


def between_times(span: Span) -> Clause:
    """Records with a time inside ``span``."""
    return between(TIME, f"{span.since:%Y-%m-%dT%H:%M:%SZ}", f"{span.until:%Y-%m-%dT%H:%M:%SZ}")


def _part(edges: Sequence[str]) -> Clause:
    """The number of edges that lie before a record: what one roll-up counts lies between two of them."""
    if not edges:
        return Clause("0")
    steps = " ".join(f"WHEN {TIME} >= ? THEN {number}" for number in range(len(edges), 0, -1))
    return Clause(f"CASE {steps} ELSE 0 END", tuple(reversed(edges)))


class _Told:
    """Which topics are of which kind, as conditions over the column ``topic``."""

    def __init__(self, reading: Reading) -> None:
        topics = {str(number): topic for number, topic in enumerate(reading.topics)}
        limited = [number for number, topic in topics.items() if topic.want is Want.EVENTS]
        callers = [number for number, topic in topics.items() if topic.want is Want.PREVALENCE]
        everybody = [number for number, topic in topics.items() if topic.want is Want.POPULATION]
        self.everybody = _among("topic", everybody)
        self.everybody_asked = _among("asked.topic", everybody)
        self.counts_asked = _among("asked.topic", [*callers, *everybody])
        self.limited = _among("topic", limited)
        self.callers = _among("topic", callers)
        self.callers_asked = _among("asked.topic", callers)
        limits = " ".join(f"WHEN '{number}' THEN {topics[number].limit}" for number in limited)
        self.within_limit = f"place <= CASE topic {limits} ELSE place END" if limits else "true"
        addresses = [number for number in limited if topics[number].kind is Kind.IP]
        named = [number for number in (*limited, *callers) if topics[number].kind is Kind.EVENT]
        self.subject = (
            f"CASE WHEN {_among('asked.topic', addresses)} THEN {ADDRESS}"
            f" WHEN {_among('asked.topic', named)} THEN {NAME} ELSE '' END"
        )


def _among(column: str, numbers: Iterable[str]) -> str:
    listed = ", ".join(f"'{number}'" for number in numbers)
    return f"{column} IN ({listed})" if listed else "false"
