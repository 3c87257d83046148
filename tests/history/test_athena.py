"""Athena as people meet it: what a question costs, how long it may take, and what is said when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.aws import NoWayIn
from bot.history.athena import AthenaHistory, AthenaSettings, Timing
from bot.history.athena.clauses import literal, parameter
from bot.history.athena.cost import Cost
from bot.history.athena.queries import REUSE_MINUTES
from bot.history.load import load_paths
from bot.history.principal import UNKNOWN_ID
from bot.history.sqlite import SqliteHistory
from bot.model import CannotSearch, Foreseen, History, HistoryUnavailableError, Kind, Observable, Span, Want
from tests.history.athena_door import BYTES_LIMIT, Door, Refused, doors, open_door
from tests.history.contract import ACCOUNTS, NOW, REAL_ACCOUNT, REGIONS, records
from tests.history.lake import Lake, write_trail
from tests.history.made import ACCOUNT, ALICE, DATA, KEY, MADE_FROM, key, principal, real, record
from tests.history.plain import Plain, in_plain_order

DAY = timedelta(days=1)
THIRTY_DAYS = Span(NOW - 20 * DAY, NOW + 10 * DAY)
TEN_DAYS = Span(MADE_FROM, MADE_FROM + 10 * DAY)
SETTINGS = AthenaSettings(accounts=ACCOUNTS, regions=REGIONS)


class Clock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def timing(self, now: datetime = NOW) -> Timing:
        return Timing(lambda: now, lambda: sum(self.pauses), self.pause)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("athena") / "bucket"
    write_trail(folder, records())
    return folder


@pytest.fixture(scope="module")
def lake(bucket: Path) -> Iterator[Lake]:
    made = Lake(bucket)
    yield made
    made.close()


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[Lake | None], Door]]:
    with doors() as opened:
        yield opened


@pytest.fixture
def door(lake: Lake, opened: Callable[[Lake | None], Door]) -> Door:
    return opened(lake)


def athena(door: Door, clock: Clock | None = None, **changes: Any) -> AthenaHistory:
    client = door.client()
    settings = AthenaSettings(**({"accounts": ACCOUNTS, "regions": REGIONS} | changes))
    return AthenaHistory.over(lambda: client, settings, (clock or Clock()).timing())


def why(history: History, observable: Observable | None = None) -> str:
    with pytest.raises(HistoryUnavailableError) as refused:
        history.uses(observable or key(), TEN_DAYS)
    return str(refused.value)


# ------------------------------------------------------------------------------------ what can go wrong


@pytest.mark.parametrize(
    ("operation", "code", "message", "sentence"),
    [
        ("GetWorkGroup", "AccessDeniedException", "not authorized", "give the reading role what `triage permissions`"),
        ("StartQueryExecution", "AccessDeniedException", "", "AccessDeniedException on StartQueryExecution"),
        ("StartQueryExecution", "InvalidRequestException", "WorkGroup triage is not found.", "has no workgroup triage"),
        (
            "StartQueryExecution",
            "InvalidRequestException",
            "No output location provided.",
            "no place for results: set one, or [history.athena] output",
        ),
        ("StartQueryExecution", "InvalidRequestException", "Queries are bad.", "could not be asked"),
        ("GetQueryExecution", "InternalServerException", "", "could not be asked: InternalServerException"),
        ("GetQueryResults", "AccessDeniedException", "", "may not be asked"),
    ],
)
def test_a_refused_call_is_a_sentence(door: Door, operation: str, code: str, message: str, sentence: str) -> None:
    door.faults[operation] = [Refused(code, message)]
    assert sentence in why(athena(door))


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("TABLE_NOT_FOUND: line 3:10: Table 'awsdatacatalog.triage.x' does not exist", "make it with deploy/athena"),
        ("COLUMN_NOT_FOUND: line 1:8: Column 'addendum' cannot be resolved", "lacks a column"),
        ("Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)", "`triage permissions`"),
        ("Permission denied on S3 path: s3://logs/AWSLogs/1111", "may not read the trail's bucket"),
        ("Query exhausted resources at this scale factor", "ran out of memory"),
        ("HIVE_BAD_DATA: Error parsing\n\x1b[31m" + "x" * 500, "could not run the query: HIVE_BAD_DATA: Error parsing"),
        ("", "it gave no reason"),
    ],
)
def test_a_failed_query_is_a_sentence(door: Door, reason: str, sentence: str) -> None:
    door.reasons = [reason]
    told = why(athena(door))
    assert sentence in told
    assert len(told) <= 200
    assert told.isprintable()


def test_the_limit_of_the_workgroup_ends_a_query(door: Door) -> None:
    door.workgroup["BytesScannedCutoffPerQuery"] = 10
    assert why(athena(door)).startswith("Athena stopped the query at the limit of the workgroup triage: raise it")
    assert door.started[0].reason == BYTES_LIMIT


def test_a_workgroup_without_a_limit_is_not_asked_unless_that_is_wanted(door: Door) -> None:
    del door.workgroup["BytesScannedCutoffPerQuery"]
    assert "could cost anything" in why(athena(door))
    assert not door.started
    assert athena(door, limit_required=False).uses(key(), TEN_DAYS)


def test_a_missing_table_is_told_by_the_query_itself(door: Door) -> None:
    assert "no table logs in the database triage" in why(athena(door, table="logs"))


def test_an_account_without_a_way_in_is_told(door: Door) -> None:
    def client() -> Any:
        raise NoWayIn("The bot has no role there.")

    history = AthenaHistory.over(client, SETTINGS, Clock().timing())
    assert why(history) == "Athena could not be asked: The bot has no role there."
    assert not door.calls


def test_an_athena_that_is_not_there_is_told() -> None:
    with open_door() as closed:
        history = athena(closed)
    assert "AWS could not be reached" in why(history)


# ------------------------------------------------------------------------------------------------ time


def test_being_asked_too_often_is_waited_for(door: Door) -> None:
    door.faults = {
        "StartQueryExecution": [Refused("TooManyRequestsException", "Rate exceeded")],
        "GetQueryResults": [Refused("ThrottlingException", "Rate exceeded")] * 2,
    }
    clock = Clock()
    assert athena(door, clock).uses(key(), TEN_DAYS)
    assert clock.pauses == [0.2, 0.2, 0.4]


def test_being_asked_too_often_for_ever_is_told(door: Door) -> None:
    door.faults["StartQueryExecution"] = [Refused("TooManyRequestsException", "Rate exceeded")] * 30
    clock = Clock()
    assert "asked too often just now" in why(athena(door, clock))
    assert sum(clock.pauses) <= 60


def test_a_query_is_looked_at_less_and_less_often(door: Door) -> None:
    door.waiting = ["QUEUED", *["RUNNING"] * 5]
    clock = Clock()
    assert athena(door, clock).uses(key(), TEN_DAYS)
    assert clock.pauses == [0.2, 0.4, 0.8, 1.0, 1.0, 1.0]


def test_a_query_that_takes_too_long_is_stopped(door: Door) -> None:
    door.stuck = True
    clock = Clock()
    assert "no answer within 5 seconds, and the query was stopped" in why(athena(door, clock, seconds=5.0))
    assert door.stopped == list(door.executions)
    assert sum(clock.pauses) <= 5


def test_a_query_whose_answer_cannot_be_had_is_stopped(door: Door) -> None:
    door.stuck = True
    door.faults["GetQueryExecution"] = [Refused("AccessDeniedException")]
    why(athena(door))
    assert door.stopped == list(door.executions)


def test_what_runs_is_stopped_when_the_history_is_closed(door: Door) -> None:
    door.stuck = True
    waiting = threading.Event()

    class Held(Clock):
        def pause(self, seconds: float) -> None:
            waiting.set()
            closed.wait(30)
            super().pause(seconds)

    closed, told = threading.Event(), []
    history = athena(door, Held())
    asking = threading.Thread(target=lambda: told.append(why(history)))
    asking.start()
    assert waiting.wait(30)
    history.close()
    closed.set()
    asking.join()
    assert told == ["Somebody stopped the query in Athena: ask again."]
    assert door.stopped == list(door.executions)


# ------------------------------------------------------------------------------------------- the answer


def test_results_come_in_pages(door: Door) -> None:
    whole = athena(door).uses(key(), TEN_DAYS)
    door.page = 7
    assert athena(door).uses(key(), TEN_DAYS) == whole
    assert door.calls.count("GetQueryResults") > 10


HOSTILE = ("'; DROP TABLE cloudtrail_logs; --", "a'b''c", "what? now?", "\\'", "Ünïcode 💥", "'" * 400, "x" * 900)


def test_a_value_is_bound_and_never_part_of_the_query(tmp_path: Path) -> None:
    made = [record(n, userAgent=each, sourceIPAddress=each[:200]) for n, each in enumerate(HOSTILE)]
    write_trail(tmp_path / "bucket", [*made, record(len(HOSTILE))])
    agents = [Observable(Kind.USER_AGENT, each) for each in HOSTILE]
    addresses = [Observable(Kind.IP, each[:200]) for each in HOSTILE]
    keys = [Observable(Kind.ACCESS_KEY, each) for each in HOSTILE]
    with open_door(Lake(tmp_path / "bucket")) as door:
        triage = athena(door).for_one_triage()
        triage.foresee([Foreseen(each, THIRTY_DAYS) for each in (*agents, *addresses, *keys)])
        for each in (*agents, *addresses):
            assert [use.count for use in triage.uses(each, THIRTY_DAYS)] == [1], each
        assert not any(triage.uses(each, THIRTY_DAYS) for each in keys)
        (execution,) = door.started
        bound = [each.lower() for each in execution.request["ExecutionParameters"]]
        for each in (*agents, *addresses, *keys):
            assert each.value not in execution.request["QueryString"]
            assert literal(each.value).lower() in bound


def test_a_value_that_is_too_long_to_bind_is_refused() -> None:
    with pytest.raises(CannotSearch, match="a value of 1,100 characters"):
        parameter("x" * 1100)


def test_a_long_user_agent_is_told_from_those_that_begin_alike(tmp_path: Path) -> None:
    agents = ["y" * 1000 + end for end in ("a", "b")]
    write_trail(tmp_path / "bucket", [record(n, userAgent=agent) for n, agent in enumerate(agents)])
    with open_door(Lake(tmp_path / "bucket")) as door:
        (use,) = athena(door).uses(Observable(Kind.USER_AGENT, agents[1]), THIRTY_DAYS)
        assert use.user_agent == agents[1]


@pytest.mark.parametrize("name", ["invictus_stratus_2023", "stratus_detonation"])
def test_every_real_record_is_told_as_the_store_tells_it(name: str, tmp_path: Path) -> None:
    store = SqliteHistory(tmp_path / "history.db")
    load_paths(store, [DATA / name])
    plain = Plain.of_files([DATA / name])
    whole = Span(datetime(2023, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    asked = [
        *(key(each) for each in sorted({event.key for event in plain.all if event.key})),
        *(principal(each) for each in sorted({event.principal.id for event in plain.all} - {UNKNOWN_ID})),
    ]
    write_trail(tmp_path / "bucket", real(name))
    with open_door(Lake(tmp_path / "bucket")) as door:
        triage = athena(door, accounts=(), regions=()).for_one_triage()
        triage.foresee([Foreseen(each, whole) for each in asked])
        for each in asked:
            assert in_plain_order(triage.uses(each, whole)) == in_plain_order(store.uses(each, whole))
        assert len(door.started) == 1
    store.close()


# ---------------------------------------------------------------------------------------- what is read


def _size(bucket: Path, *, account: str = "*", days: Sequence[int]) -> int:
    logs = [log for day in days for log in bucket.glob(f"AWSLogs/{account}/CloudTrail/*/2026/11/{day:02}/*.gz")]
    assert logs
    return sum(log.stat().st_size for log in logs)


def test_only_the_days_asked_about_and_the_one_after_are_read(door: Door, bucket: Path) -> None:
    athena(door).uses(Observable(Kind.IP, "203.0.113.5"), Span(MADE_FROM + 2 * DAY, MADE_FROM + 4 * DAY))
    assert door.scanned == _size(bucket, days=(3, 4, 5, 6))


@pytest.mark.parametrize("asked", [key(), principal(), principal(f"arn:aws:iam::{ACCOUNT}:user/alice")])
def test_of_a_key_or_a_principal_only_its_own_account_is_read(door: Door, bucket: Path, asked: Observable) -> None:
    athena(door).uses(asked, Span(MADE_FROM + 6 * DAY, MADE_FROM + 7 * DAY))
    assert door.scanned == _size(bucket, account=ACCOUNT, days=(7, 8, 9))
    assert _size(bucket, account=REAL_ACCOUNT, days=(8,))


def test_where_the_accounts_are_not_known_all_are_read(door: Door, bucket: Path) -> None:
    athena(door, accounts=()).uses(key(), Span(MADE_FROM + 6 * DAY, MADE_FROM + 7 * DAY))
    assert door.scanned == _size(bucket, days=(7, 8, 9))


def test_several_questions_read_each_log_once(door: Door, bucket: Path) -> None:
    """A principal's ten days in its own account, and three of all accounts for an address and a call."""
    triage = athena(door).for_one_triage()
    short = Span(MADE_FROM + 6 * DAY, MADE_FROM + 8 * DAY)
    address = Observable(Kind.IP, "203.0.113.5")
    triage.foresee(
        [
            Foreseen(principal(), TEN_DAYS),
            Foreseen(address, short),
            Foreseen(address, short, Want.EVENTS, 5000),
            Foreseen(Observable(Kind.EVENT, "iam:ListUsers"), short, Want.PREVALENCE),
        ]
    )
    others = _size(bucket, account=REAL_ACCOUNT, days=(8,))
    assert door.scanned == _size(bucket, account=ACCOUNT, days=range(1, 12)) + others
    assert triage.uses(principal(), TEN_DAYS)
    assert triage.uses(principal(), Span(TEN_DAYS.since, TEN_DAYS.until))
    assert triage.uses(address, short)
    assert triage.events(address, short, limit=5000)
    assert {ALICE, f"{ACCOUNT}:user/bob"} < set(triage.prevalence("iam:ListUsers", short).principals)
    assert len(door.started) == 1


def test_a_part_of_what_was_foreseen_costs_nothing_more(door: Door) -> None:
    triage = athena(door).for_one_triage()
    since = MADE_FROM + timedelta(hours=77, minutes=3)
    parts = [Span(TEN_DAYS.since, since - timedelta(seconds=1)), Span(since, TEN_DAYS.until)]
    triage.foresee([Foreseen(key(), TEN_DAYS), *(Foreseen(key(), part) for part in parts)])
    counts = [sum(use.count for use in triage.uses(key(), span)) for span in (TEN_DAYS, *parts)]
    assert counts[0] == counts[1] + counts[2] > 0
    assert len(door.started) == 1


def test_what_cannot_be_searched_for_spoils_no_other_question(door: Door) -> None:
    triage = athena(door).for_one_triage()
    account = Observable(Kind.ACCOUNT, ACCOUNT)
    triage.foresee([Foreseen(account, TEN_DAYS), Foreseen(key(), TEN_DAYS)])
    assert triage.uses(key(), TEN_DAYS)
    with pytest.raises(CannotSearch, match="load these days with `triage ingest`"):
        triage.events(account, TEN_DAYS)


def test_what_is_only_likely_is_asked_along_but_not_alone(door: Door) -> None:
    triage = athena(door).for_one_triage()
    likely = Foreseen(principal(), TEN_DAYS, certain=False)
    triage.foresee([likely])
    assert not door.started
    triage.foresee([likely, Foreseen(key(), TEN_DAYS)])
    triage.uses(principal(), TEN_DAYS)
    assert len(door.started) == 1


def test_more_queries_than_allowed_are_refused(door: Door) -> None:
    triage = athena(door, most_queries=2).for_one_triage()
    for number in (1, 2):
        triage.uses(key(), Span(MADE_FROM, MADE_FROM + number * DAY))
    with pytest.raises(CannotSearch, match="asked 2 times for this triage"):
        triage.uses(principal("bob"), TEN_DAYS)
    assert len(door.started) == 2


def test_more_rows_than_can_be_read_are_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.history.athena.history.MOST_ROWS", 20)
    assert "more than 20 kinds of call" in why(athena(door))


# -------------------------------------------------------------------------------------------- the cost


def _reuse(door: Door) -> list[int | None]:
    configured = [each.request.get("ResultReuseConfiguration") for each in door.started]
    return [each and each["ResultReuseByAgeConfiguration"]["MaxAgeInMinutes"] for each in configured]


def test_an_earlier_result_is_taken_for_what_has_settled_only(door: Door) -> None:
    long_ago, just_now = Span(MADE_FROM, NOW - 2 * DAY), Span(MADE_FROM, NOW)
    triages = [athena(door).for_one_triage() for _ in range(2)]
    told = [triage.uses(key(), span) for triage in triages for span in (long_ago, just_now)]
    assert told[:2] == told[2:]
    assert _reuse(door) == [REUSE_MINUTES, None] * 2
    assert [each.reused for each in door.started] == [False, False, True, False]
    assert triages[1].cost() == (
        f"Athena read {door.started[3].result.scanned / 1000:.3g} kB in 2 queries,"  # type: ignore[union-attr]
        " 1 of them answered from an earlier result: less than 0.01 USD."
    )


def test_an_earlier_result_of_other_values_is_another_query(door: Door) -> None:
    """Whatever Athena takes for the same query, two questions are never the same text."""
    long_ago = Span(MADE_FROM, NOW - 2 * DAY)
    history = athena(door)
    assert history.uses(key(), long_ago) != history.uses(key(f"{KEY[:-1]}B"), long_ago)
    assert not any(each.reused for each in door.started)


@pytest.mark.parametrize(
    ("scanned", "sentence"),
    [
        ([], None),
        ([0], "Athena read 0 bytes in 1 query: less than 0.01 USD."),
        ([999], "Athena read 999 bytes in 1 query: less than 0.01 USD."),
        ([1_500_000_000, 500_000_000], "Athena read 2 GB in 2 queries: about 0.01 USD."),
        ([1_234_000_000_000], "Athena read 1.23 TB in 1 query: about 6.17 USD."),
    ],
)
def test_the_cost_is_told(scanned: list[int], sentence: str | None) -> None:
    cost = Cost(5.0)
    for each in scanned:
        cost.add(each, reused=False)
    assert cost.sentence() == sentence
