"""Which histories are asked: settings -> clients -> a store, or two of them as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.aws import Aws
from bot.config.settings import Settings
from bot.history import athena, lookup
from bot.history.athena import AthenaHistory, AthenaSettings
from bot.history.everyone import Everyone
from bot.history.joined import JoinedHistory
from bot.history.looking import Watch
from bot.history.lookup import REGIONS, Limits, LookupHistory
from bot.history.sqlite import SqliteHistory
from bot.model import Coverage, Event, Habit, History, HistoryUnavailableError, Holder, Span, Trace, Users
from bot.scope.source import Source


class NobodyKept(Source):
    """``bot.scope.source.Source`` where no history is kept here: every question raises, with ``why``."""

    def __init__(self, why: str) -> None:
        self._why = why

    def coverage(self, span: Span) -> Coverage | None:
        raise HistoryUnavailableError(self._why)

    def population(self, span: Span) -> int:
        raise HistoryUnavailableError(self._why)

    def days(self, span: Span) -> int:
        raise HistoryUnavailableError(self._why)

    def users(self, trace: Trace, span: Span) -> Users:
        raise HistoryUnavailableError(self._why)

    def holders(self, trace: Trace, span: Span) -> Sequence[Holder]:
        raise HistoryUnavailableError(self._why)

    def newcomers(self, event: str, span: Span, before: Span, doubted: Sequence[str]) -> Sequence[Holder]:
        raise HistoryUnavailableError(self._why)

    def habits(self, principal: str, span: Span) -> Sequence[Habit]:
        raise HistoryUnavailableError(self._why)

    def calls(self, key: str, span: Span) -> Sequence[Event]:
        raise HistoryUnavailableError(self._why)


def kept_of(settings: Settings, path: Path) -> SqliteHistory:
    """The history in the file at ``path``, which should have events of every account the settings name."""
    return SqliteHistory(path, settings.logged_accounts())


def history_of(settings: Settings, kept: SqliteHistory | None, remote: History | None) -> History | None:
    """What questions are put to: ``kept``, ``remote``, or ``kept`` with ``remote`` for what it does not cover."""
    if remote is None or kept is None:
        return remote or kept
    return JoinedHistory(kept, remote) if settings.history.beyond else remote


def everyone_of(kept: SqliteHistory | None, history: History | None, why: str) -> Source:
    """What one search for keys in the same hands asks; ``why`` it cannot, where nothing knows what everybody did."""
    if isinstance(history, JoinedHistory | AthenaHistory):
        return history.everyone()
    return Everyone(kept) if kept is not None else NobodyKept(why)


def remote_of(
    settings: Settings,
    aws: Callable[[], Aws],
    clock: Callable[[], datetime],
    watch: Watch = lambda _: None,
) -> History | None:
    """The history that is asked over the network, where the settings name one. Raises what ``aws`` raises.

    ``watch`` is told how far a question is that is asked region by region.
    """
    match settings.history.remote:
        case "athena":
            return _athena(settings, aws(), clock)
        case "lookup":
            return _lookup(settings, aws(), clock, watch)
    return None


def _athena(settings: Settings, aws: Aws, clock: Callable[[], datetime]) -> History:
    table = settings.history.athena

    def client() -> Any:
        account = settings.aws.log_account or aws.identity().account
        return aws.reader("athena", account, table.region or None)

    chosen = AthenaSettings(
        table=table.table,
        database=table.database,
        workgroup=table.workgroup,
        output=table.output or None,
        accounts=table.accounts,
        regions=table.regions,
        seconds=table.seconds,
        most_queries=table.most_queries,
        widest_days=table.widest_days,
        usd_per_tb=table.usd_per_tb,
        limit_required=table.limit_required,
    )
    return AthenaHistory.over(client, chosen, athena.Timing(clock))


def _lookup(settings: Settings, aws: Aws, clock: Callable[[], datetime], watch: Watch) -> History:
    table = settings.history.lookup
    return LookupHistory(
        lambda account, region: aws.reader("cloudtrail", account, region),
        table.accounts,
        table.regions or REGIONS,
        limits=Limits(table.pages, table.seconds),
        timing=lookup.Timing(now=clock),
        watch=watch,
    )
