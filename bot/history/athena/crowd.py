"""A search for keys in the same hands → one query: who left a trace, what a few keys did, what is usual for a few.

Of a trace at most ``LISTED`` principals that left it before are told, with the number of all; of a call that more made
before, only the keys of those that make it for the first time. What was usual is counted by day. The rows are made
unique as in ``bot.history.athena.sql``, of which each log is read once here, too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.families import OFFENSIVE_DISTRIBUTIONS, TERMINAL_PREFIX
from bot.history.athena.clauses import Clause, both, either, one_of
from bot.history.athena.columns import (
    ADDRESS,
    AGENT,
    ANYBODY,
    EVERYTHING,
    HABIT,
    ISSUER,
    KEY,
    NAME,
    TIME,
    holder,
)
from bot.history.athena.sql import CHUNK, ID, LOG, SEEN, SEPARATOR, between_times, partitions_of
from bot.history.athena.topics import accounts_of, condition
from bot.model import CannotSearch, Kind, Observable, Span, Trace
from bot.scope.source import Spans

LISTED = 200
"""How many principals that left one trace before are listed; all are counted."""
MOST_ROWS = 100_000
MOST_NAMED = 1_000
"""Keys and principals in one query, whose text Athena limits to 262,144 bytes ("Service Quotas")."""
EVENTS, AGENTS, ADDRESSES = "event", "agent", "address"
CALLS, HABITS, PEOPLE, DAYS = "call", "habit", "who", "day"
BEFORE, NOW, LONG_AGO = "before", "now", "long ago"
_LONGEST_AGENT = 400
_PLAIN = frozenset({"user", "role", "sso"})
_TAIL = "[^/]+$"
_NAMES = (
    *("useridentity.username", f"regexp_extract(useridentity.arn, '{_TAIL}')", f"{ISSUER}.username"),
    *("split_part(useridentity.arn, '/', 2)", "split_part(useridentity.principalid, ':', 1)"),
    *("split_part(useridentity.principalid, ':', 2)", f"regexp_extract({ISSUER}.arn, '{_TAIL}')"),
    f"{ISSUER}.principalid",
)
"""Where a user, a role or the session that is a person is named."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is not known yet: of ``keys`` their calls in the window, of ``principals`` what was usual, of ``traces`` who
    left them. ``everybody``: how many there are, on which days, and what the logs hold; ``seen`` is a span about which
    that last is asked, too. ``long_ago``: of what was usual only the
    time before the baseline is asked.
    """

    keys: Collection[str] = ()
    principals: Collection[str] = ()
    traces: Collection[Trace] = ()
    everybody: bool = False
    seen: Span | None = None
    long_ago: bool = False

    def __bool__(self) -> bool:
        return bool(self.keys or self.principals or self.traces or self.everybody or self.seen)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is read of these accounts' logs (``None``: of all there are), and for which facets."""

    accounts: tuple[str, ...] | None
    span: Span
    facets: tuple[tuple[str, Clause], ...]


def stretches_of(asked: Asked, spans: Spans, accounts: Collection[str]) -> tuple[Stretch, ...]:
    """The time judged and what is usual, of all accounts if it is about anybody; the time before that of the accounts
    of those asked about.
    """
    recent = Span(spans.baseline.since, spans.window.until)
    who = _habits(asked.principals)
    facets = _facets_of_traces(asked.traces, recent)
    if asked.keys:
        called = one_of(KEY, sorted(asked.keys))
        facets.append((CALLS, both(called, between_times(spans.window))))
    if who is not None and not asked.long_ago:
        facets.append((HABITS, both(who, between_times(spans.baseline))))
    own = _accounts(asked, accounts)
    everyone = tuple(accounts) or None
    found = []
    if asked.everybody or asked.traces:
        # Who did anything is counted by whole days, as everywhere.
        days = Span(_midnight(recent), recent.until.replace(hour=23, minute=59, second=59))
        if asked.everybody:
            facets += [(PEOPLE, Clause("true")), (DAYS, both(_of_no_service(), between_times(spans.baseline)))]
            facets.append((SEEN, between_times(recent)))
        found.append(Stretch(everyone, days, tuple(facets)))
    elif facets:
        found.append(Stretch(own, recent if who is not None and not asked.long_ago else spans.window, tuple(facets)))
    if who is not None:
        found.append(Stretch(own, spans.earlier, ((HABITS, both(who, between_times(spans.earlier))),)))
    if asked.seen is not None:
        found.append(Stretch(everyone, asked.seen, ((SEEN, Clause("true")),)))
    return tuple(found)


def crowd_query(table: str, stretches: tuple[Stretch, ...], spans: Spans, doubted: Collection[str]) -> Clause:
    """The query for Athena; who is ``doubted`` is told as if never seen before.

    What it returns is read by ``bot.history.athena.found``.
    """
    parts = [_read(table, stretch, spans) for stretch in stretches]
    pairs = f"topic IN ('{EVENTS}', '{AGENTS}', '{ADDRESSES}')"
    again = either(Clause("false"), *(Clause("strpos(person, ?) > 0", (_last(each),)) for each in sorted(doubted)))
    values = (*(value for part in parts for value in part.values), *again.values)
    digest = hashlib.sha256("\0".join(values).encode()).hexdigest()
    called = "\n    UNION ALL\n".join(part.sql for part in parts)
    chunk = f"CASE WHEN topic = '{CALLS}' THEN CAST(floor((place - 1) / {CHUNK}.0) AS integer) ELSE 0 END"
    sql = f"""WITH called AS (
{called}
), once AS (
    SELECT topic, part, day, told, subject, person, id, amended, shared, home, log_account, log_region,
        min(event_time) AS first_time, max(event_time) AS last_time
    FROM called
    GROUP BY topic, part, day, told, subject, person, id, amended, shared, home, log_account, log_region
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
        PARTITION BY topic, CASE WHEN topic = '{CALLS}' THEN subject ELSE id END
        ORDER BY last_time DESC, id DESC) AS place
    FROM own WHERE copy = 1 OR id IS NULL
), counted AS (
    SELECT topic, part, day, told, subject, person, log_account, log_region, {chunk} AS chunk,
        count(*) AS calls, min(first_time) AS first_time, max(last_time) AS last_time,
        CASE WHEN topic = '{CALLS}' THEN array_join(max(last_time || ' ' || id, {CHUNK}), {SEPARATOR}) END AS entries
    FROM newest
    GROUP BY topic, part, day, told, subject, person, log_account, log_region, {chunk}
), packed AS (
    SELECT topic, part, told, subject, person, log_account, log_region, chunk, sum(calls) AS calls,
        min(first_time) AS first_time, max(last_time) AS last_time,
        CASE WHEN topic = '{HABITS}' THEN array_join(array_agg(day || ' ' || CAST(calls AS varchar)), {SEPARATOR})
            ELSE max(entries) END AS entries
    FROM counted
    GROUP BY topic, part, told, subject, person, log_account, log_region, chunk
), ranked AS (
    SELECT *, dense_rank() OVER (PARTITION BY topic, part, subject ORDER BY person) AS place,
        min(part) OVER (PARTITION BY topic, subject, person) AS met
    FROM packed
), sized AS (
    SELECT *, max(CASE WHEN part = '{BEFORE}' THEN place ELSE 0 END) OVER (PARTITION BY topic, subject) AS principals
    FROM ranked
)
SELECT topic, part, told, subject, log_account, log_region, calls, first_time, last_time, entries, principals
FROM sized
WHERE '{digest}' <> '' AND (NOT ({pairs}) OR (part = '{BEFORE}' AND place <= {LISTED}) OR (part = '{NOW}'
    AND (topic <> '{EVENTS}' OR principals <= {LISTED} OR met = '{NOW}' OR {again.sql})))
LIMIT {MOST_ROWS + 1}"""
    return Clause(sql, values)


def _read(table: str, stretch: Stretch, spans: Spans) -> Clause:
    window, baseline = (f"{TIME} >= '{each.since:%Y-%m-%dT%H:%M:%SZ}'" for each in (spans.window, spans.baseline))
    part = f"CASE WHEN {window} THEN '{NOW}' WHEN {baseline} THEN '{BEFORE}' ELSE '{LONG_AGO}' END"
    pairs = f"asked.topic IN ('{EVENTS}', '{AGENTS}', '{ADDRESSES}')"
    wanted = f"(asked.topic IN ('{CALLS}', '{HABITS}') OR {pairs})"
    asked = [Clause(f"CASE WHEN {each.sql} THEN '{topic}' END", each.values) for topic, each in stretch.facets]
    where = partitions_of(stretch.accounts, stretch.span)
    sql = f"""    SELECT asked.topic AS topic,
        CASE WHEN {pairs} OR asked.topic IN ('{SEEN}', '{HABITS}') THEN {part} END AS part,
        CASE WHEN asked.topic = '{HABITS}' THEN substr({TIME}, 1, 10) END AS day,
        CASE asked.topic WHEN '{SEEN}' THEN substr({TIME}, 1, 10) WHEN '{DAYS}' THEN substr({TIME}, 1, 10)
            WHEN '{PEOPLE}' THEN {ANYBODY} WHEN '{CALLS}' THEN {EVERYTHING} WHEN '{HABITS}' THEN {HABIT}
            ELSE {holder(window)} END AS told,
        CASE asked.topic WHEN '{EVENTS}' THEN {NAME} WHEN '{AGENTS}' THEN coalesce({AGENT}, '')
            WHEN '{ADDRESSES}' THEN {ADDRESS} WHEN '{CALLS}' THEN {KEY} ELSE '' END AS subject,
        CASE WHEN {pairs} THEN {ANYBODY} END AS person,
        CASE WHEN {wanted} THEN {ID} END AS id,
        CASE WHEN {wanted} AND addendum.reason = 'UPDATED_DATA' THEN eventid END AS amended,
        CASE WHEN {wanted} THEN coalesce(nullif(sharedeventid, ''), {LOG} || ' ' || {ID}) END AS shared,
        CASE WHEN {wanted} AND useridentity.accountid = recipientaccountid THEN 0 ELSE 1 END AS home,
        CASE WHEN asked.topic = '{DAYS}' THEN NULL ELSE {LOG} END AS log_account,
        CASE WHEN asked.topic IN ('{SEEN}', '{CALLS}') THEN awsregion END AS log_region,
        {TIME} AS event_time
    FROM {table}
    CROSS JOIN UNNEST(ARRAY[{", ".join(each.sql for each in asked)}]) AS asked (topic)
    WHERE asked.topic IS NOT NULL AND coalesce(eventcategory, '') <> 'Insight' AND {where.sql}"""
    return Clause(sql, (*(value for each in asked for value in each.values), *where.values))


def _facets_of_traces(traces: Collection[Trace], span: Span) -> list[tuple[str, Clause]]:
    kinds: dict[str, list[Clause]] = {EVENTS: [], AGENTS: [], ADDRESSES: []}
    of_kind = {kind: sorted(each.value for each in traces if each.kind == kind) for kind in ("event", "address")}
    if of_kind["event"]:
        kinds[EVENTS].append(one_of(NAME, of_kind["event"]))
    if of_kind["address"]:
        kinds[ADDRESSES].append(condition(Kind.IP, of_kind["address"]))
    kinds[AGENTS] += _agents(traces)
    at = both(_of_no_service(), between_times(span))
    return [(kind, both(either(*found), at)) for kind, found in kinds.items() if found]


def _agents(traces: Collection[Trace]) -> Iterator[Clause]:
    whole = sorted(each.value for each in traces if each.kind == "agent")
    short = [each for each in whole if len(each) <= _LONGEST_AGENT]
    if short:
        yield one_of(f"coalesce({AGENT}, '')", short)
    # What begins alike is told apart afterwards.
    yield from (Clause(f"starts_with({AGENT}, ?)", (each[:_LONGEST_AGENT],)) for each in whole if each not in short)
    for each in sorted(traces):
        if each.kind == "terminal":
            yield condition(Kind.USER_AGENT, [TERMINAL_PREFIX + each.value])
        elif each.kind == "family":
            systems = sorted(set(each.value.split("|")) & set(OFFENSIVE_DISTRIBUTIONS))
            named = (Clause(f"strpos(lower({AGENT}), ?) > 0", (system,)) for system in systems)
            yield both(*named) if systems else condition(Kind.USER_AGENT, [each.value])


def _habits(principals: Collection[str]) -> Clause | None:
    """Records that may be of one of ``principals``; who cannot be looked for has no habits."""
    plain = {_last(each) for each in principals if _is_plain(each)}
    found = [either(*(one_of(where, sorted(plain)) for where in _NAMES))] if plain else []
    for each in sorted(principals):
        if not _is_plain(each):
            try:
                found.append(condition(Kind.PRINCIPAL, [each]))
            except CannotSearch:
                continue
    return both(either(*found), _of_no_service()) if found else None


def _is_plain(principal: str) -> bool:
    """Whether it is named by one word that stands in a field of its own."""
    account, _, rest = principal.partition(":")
    kind, _, name = rest.partition("/")
    return account.isdigit() and kind in _PLAIN and bool(name) and "/" not in name and ":" not in name


def _last(principal: str) -> str:
    return principal.rpartition("/")[2].rpartition(":")[2]


def _of_no_service() -> Clause:
    return Clause("coalesce(useridentity.invokedby, '') = '' AND coalesce(useridentity.type, '') <> 'AWSService'")


def _accounts(asked: Asked, known: Collection[str]) -> tuple[str, ...] | None:
    """The accounts whose logs hold all that ``asked`` names; all there are where one of them tells no account."""
    about = [Observable(Kind.ACCESS_KEY, each) for each in asked.keys]
    about += [Observable(Kind.PRINCIPAL, each) for each in asked.principals]
    own = [accounts_of(each, known) for each in about]
    if not own or None in own:
        return tuple(known) or None
    return tuple(sorted({account for each in own for account in each or ()}))


def _midnight(span: Span) -> datetime:
    return span.since.replace(hour=0, minute=0, second=0)
