"""Real records in, known answers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.activity import activity
from bot.history.load import HistoryReport, LoadReport, describe, load_paths
from bot.history.schema import ADDRESS_CLASSES, OUTCOMES
from bot.history.sqlite import SqliteHistory
from bot.model import AddressClass, HistoryUnavailableError, Kind, Observable, Outcome, Principal, Span
from tests.history.made import ACCOUNT, ALICE, ALWAYS, DATA, KALI, KEY, key, loaded, principal, record, write

INVICTUS = Observable(Kind.ACCOUNT, "123837392027")


@pytest.fixture(scope="module")
def invictus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteHistory, LoadReport]]:
    history = SqliteHistory(tmp_path_factory.mktemp("invictus") / "history.sqlite")
    yield history, load_paths(history, [DATA / "invictus_stratus_2023"])
    history.close()


def test_holds_every_record_once(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    history, report = invictus
    held = describe(history)
    assert (report.events, report.duplicates, report.files, report.keys) == (2900, 0, 55, 133)
    assert (held.events, held.duplicates, held.files, held.keys) == (2900, 0, 55, 133)
    assert report.set_aside == held.set_aside == ()
    assert report.accounts == held.accounts == ("123837392027",)
    assert held.principals == report.principals > 1


def test_denied_calls_of_each_key(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    uses = invictus[0].uses(INVICTUS, ALWAYS)
    denied = Counter[str | None]()
    for use in uses:
        if use.outcome is Outcome.DENIED:
            denied[use.key] += use.count
    assert denied == {
        "ASIATFQR7NSCWLLE7IWW": 29,
        "ASIATFQR7NSC2632JLFK": 15,
        "AKIATFQR7NSC8Q4X20BJ": 13,
        "ASIATFQR7NSCVTLW746I": 2,
        "ASIATFQR7NSCVW2R4OHT": 1,
    }
    throttled = [use for use in uses if use.error_code == "ThrottlingException"]
    assert sum(use.count for use in throttled) == 102
    assert {use.outcome for use in throttled} == {Outcome.FAILED}
    for each, count in denied.items():
        assert activity(invictus[0].uses(key(str(each)), ALWAYS)).denied == count


def test_where_the_calls_came_from(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    classes = Counter[AddressClass]()
    for use in invictus[0].uses(INVICTUS, ALWAYS):
        classes[use.address_class] += use.count
    assert classes[AddressClass.AWS_INTERNAL] == 170
    assert classes[AddressClass.SERVICE_HOST] == 183


def test_who_asked_who_am_i(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    uses = invictus[0].uses(Observable(Kind.EVENT, "sts:GetCallerIdentity"), ALWAYS)
    assert sum(use.count for use in uses) == 15
    assert {use.ip for use in uses} == {"192.168.10.20"}
    assert {use.key for use in uses} == {"AKIATFQR7NSC8Q4X20BJ", "ASIATFQR7NSC36DZQP7P"}


def test_an_empty_key_id_is_no_key(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    history, _ = invictus
    assert not history.uses(key(""), ALWAYS)
    (use,) = history.uses(Observable(Kind.EVENT, "signin:CheckMfa"), ALWAYS)
    assert use.key is None
    assert use.principal.startswith("123837392027:user/")


def test_identities_without_a_type_are_services(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    typeless = [event for event in invictus[0].events(INVICTUS, ALWAYS, limit=5000) if event.principal.type is None]
    assert len(typeless) == 42
    assert all(event.principal.id.startswith("service:") and event.by_service for event in typeless)


def test_uses_and_events_agree(invictus: tuple[SqliteHistory, LoadReport]) -> None:
    history, _ = invictus
    events = history.events(INVICTUS, ALWAYS, limit=5000)
    uses = history.uses(INVICTUS, ALWAYS)
    assert sum(use.count for use in uses) == len(events) == 2900
    by_id = {event.id: event for event in events}
    for use in uses:
        newest = by_id[use.evidence[0]]
        assert (newest.at, newest.name, newest.user_agent) == (use.last_seen, use.event, use.user_agent)
        assert len(use.evidence) == min(2, use.count)
    assert list(uses) == sorted(uses, key=lambda use: use.first_seen)
    assert list(events) == sorted(events, key=lambda event: event.at, reverse=True)
    assert history.events(INVICTUS, ALWAYS, limit=7) == events[:7]


def test_every_set_loads(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.sqlite")
    report = load_paths(history, [DATA])
    assert (report.events, report.files, report.set_aside) == (3313, 91, ())
    impossible = history.uses(Observable(Kind.IP, "253.252.51.07"), ALWAYS)
    assert {use.address_class for use in impossible} == {AddressClass.OTHER}
    otrf = history.coverage(Span(datetime(2020, 9, 1, tzinfo=UTC), datetime(2020, 9, 30, tzinfo=UTC)))
    assert otrf is not None
    assert otrf.accounts == ("123456789123",)


def test_a_principal_is_found_by_id_arn_and_name(tmp_path: Path) -> None:
    history = loaded(tmp_path, record())
    for value in (ALICE, f"arn:aws:iam::{ACCOUNT}:user/alice", f"arn:aws:iam::{ACCOUNT}:user/team/alice", "alice"):
        assert history.principals(value) == (ALICE,)
        assert len(history.uses(principal(value), ALWAYS)) == 1
        who = history.principal(principal(value), ALWAYS.until)
        assert who == Principal(ALICE, "IAMUser", f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT)
    assert history.principals("bob") == ()
    assert history.uses(principal("bob"), ALWAYS) == ()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.USER_AGENT, KALI),
        (Kind.USER_AGENT, "aws-cli/1|linux|kali|-"),
        (Kind.IP, "203.0.113.5"),
        (Kind.IP, "::ffff:203.0.113.5"),
        (Kind.EVENT, "iam:ListUsers"),
        (Kind.EVENT, "ListUsers"),
        (Kind.ACCOUNT, ACCOUNT),
    ],
)
def test_every_kind_of_observable_can_be_asked(tmp_path: Path, kind: Kind, value: str) -> None:
    history = loaded(tmp_path, record())
    (use,) = history.uses(Observable(kind, value), ALWAYS)
    assert (use.key, use.count) == (KEY, 1)
    assert history.principal(Observable(kind, value), ALWAYS.until) is None


def test_both_ends_of_a_span_belong_to_it(tmp_path: Path) -> None:
    history, at = loaded(tmp_path, record()), datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
    second = timedelta(seconds=1)
    assert history.uses(key(), Span(at, at))
    assert not history.uses(key(), Span(at + second, at + second))
    assert not history.uses(key(), Span(at - second, at - second))
    assert history.principal(key(), at - second) is None


def test_who_used_a_key_is_the_newest_before_the_moment(tmp_path: Path) -> None:
    bob = record()["userIdentity"] | {"userName": "bob", "arn": f"arn:aws:iam::{ACCOUNT}:user/bob"}
    history = loaded(tmp_path, record(1), record(2, eventTime="2026-11-21T00:00:00Z", userIdentity=bob))
    found = [history.principal(key(), datetime(2026, 11, day, 23, tzinfo=UTC)) for day in (20, 21)]
    assert [each.name for each in found if each] == ["alice", "bob"]


def test_uses_are_counted_by_utc_day(tmp_path: Path) -> None:
    times = ("2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z", "2026-11-21T08:00:00+09:00")
    uses = loaded(tmp_path, *(record(n, eventTime=at) for n, at in enumerate(times))).uses(key(), ALWAYS)
    assert [(use.day.isoformat(), use.count) for use in uses] == [("2026-11-20", 2), ("2026-11-21", 1)]


def test_one_action_in_two_accounts_is_one_action(tmp_path: Path) -> None:
    other = "444455556666"
    copies = (record(1, sharedEventID="s"), record(2, sharedEventID="s", recipientAccountId=other))
    history = loaded(tmp_path, *copies)
    assert [use.account for use in history.uses(key(), ALWAYS)] == [ACCOUNT]
    assert len(history.uses(Observable(Kind.ACCOUNT, other), ALWAYS)) == 1
    assert describe(history).events == 2


def test_a_correction_replaces_its_original_whichever_is_read_first(tmp_path: Path) -> None:
    original = record(1)
    update = {"reason": "UPDATED_DATA", "originalEventID": original["eventID"]}
    correction = record(2, addendum=update, sourceIPAddress="198.51.100.7")
    for number, records in enumerate(([original, correction], [correction, original])):
        folder = tmp_path / str(number)
        folder.mkdir()
        history = loaded(folder, *records)
        (event,) = history.events(key(), ALWAYS)
        assert (event.id, event.ip) == (original["eventID"], "198.51.100.7")


def test_a_late_record_is_an_ordinary_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, record(addendum={"reason": "DELIVERY_DELAY"})).events(key(), ALWAYS)


def test_coverage_tells_what_is_missing(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(1, awsRegion="eu-west-1"), record(2, eventTime="2026-11-22T00:00:00Z"))
    before = history.coverage(Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)))
    assert before is None
    found = history.coverage(Span(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)))
    assert found is not None
    assert found.since == found.regions["eu-west-1"] == datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
    assert found.until == datetime(2026, 11, 21, tzinfo=UTC)
    assert found.missing == (
        "Nothing before 2026-11-20T14:03:11Z: the history begins there.",
        "No events from us-east-1, where IAM and other global services write theirs.",
    )


def test_an_empty_history_covers_nothing(tmp_path: Path) -> None:
    history = loaded(tmp_path)
    assert history.coverage(ALWAYS) is None
    assert history.newest() is None
    assert not history.uses(key(), ALWAYS)
    assert not history.events(key(), ALWAYS)
    assert describe(history) == HistoryReport(0, 0, 1, (), 0, 0, None, ())


def test_a_history_that_cannot_be_asked_never_says_nothing_found(tmp_path: Path) -> None:
    missing, damaged = tmp_path / "missing.sqlite", tmp_path / "damaged.sqlite"
    damaged.write_text("not a database at all, but long enough to be taken for one" * 20)
    for path, reason in ((missing, "triage ingest"), (damaged, "could not be read")):
        with pytest.raises(HistoryUnavailableError, match=reason):
            SqliteHistory(path).uses(key(), ALWAYS)
    assert not missing.exists()


def test_can_be_read_while_another_loads(tmp_path: Path) -> None:
    history = loaded(tmp_path, record(1))
    assert len(history.events(key(), ALWAYS)) == 1
    load_paths(SqliteHistory(history.path), [write(tmp_path / "more.json", [record(2)])])
    assert len(history.events(key(), ALWAYS)) == 2


def test_what_numbers_in_the_file_mean_never_changes() -> None:
    assert [str(each) for each in OUTCOMES] == [
        "ok",
        "denied",
        "bad_credential",
        "failed",
        "dry_run",
        "login_failed",
        "unknown",
    ]
    assert [str(each) for each in ADDRESS_CLASSES] == ["public", "private", "aws_internal", "service_host", "other"]


def _minting(number: int, name: str, response: object, source: str = "sts.amazonaws.com") -> dict[str, Any]:
    return record(number, eventSource=source, eventName=name, errorCode=..., responseElements=response)


@pytest.mark.parametrize(
    ("name", "source", "response", "minted"),
    [
        (
            "CreateAccessKey",
            "iam.amazonaws.com",
            {"accessKey": {"accessKeyId": "AKIA-NEW", "status": "Active"}},
            "AKIA-NEW",
        ),
        (
            "AssumeRole",
            "sts.amazonaws.com",
            {"credentials": {"accessKeyId": "ASIA-NEW", "sessionToken": "T"}},
            "ASIA-NEW",
        ),
        ("GetSessionToken", "sts.amazonaws.com", {"credentials": {"accessKeyId": "ASIA-NEW"}}, "ASIA-NEW"),
        ("GetFederationToken", "sts.amazonaws.com", {"credentials": {"accessKeyId": " "}}, None),
        ("GetFederationToken", "sts.amazonaws.com", {"credentials": ["ASIA-NEW"]}, None),
        ("GetFederationToken", "sts.amazonaws.com", "ASIA-NEW", None),
        ("GetCredentials", "redshift.amazonaws.com", {"credentials": {"accessKeyId": "ASIA-NEW"}}, None),
    ],
)
def test_an_event_names_the_key_it_gave_out(
    tmp_path: Path, name: str, source: str, response: object, minted: str | None
) -> None:
    history = loaded(tmp_path, _minting(1, name, response, source))
    assert [event.minted for event in history.events(key(), ALWAYS)] == [minted]


def test_everyones_events_are_all_of_a_span_with_copies_once(tmp_path: Path) -> None:
    copies = [record(n, sharedEventID="shared", recipientAccountId=f"{n:012d}") for n in (5, 6)]
    late = record(7, eventTime="2026-11-21T00:00:00Z")
    history = loaded(tmp_path, record(1), late, *copies)
    day = Span(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC))
    assert len(history.everyones_events(day)) == 2
    assert history.everyones_events(ALWAYS)[0].at == datetime(2026, 11, 21, tzinfo=UTC)


def test_everyones_habits_count_by_day_and_leave_out_what_a_service_did(tmp_path: Path) -> None:
    mine = record(1)["userIdentity"]
    by_service = record(4, userIdentity={**mine, "invokedBy": "athena.amazonaws.com"})
    history = loaded(tmp_path, record(1), record(2), record(3, eventTime="2026-11-21T00:00:00Z"), by_service)
    habits = history.everyones_habits(ALWAYS)
    assert sorted((habit.day.isoformat(), habit.principal, habit.event, habit.count) for habit in habits) == [
        ("2026-11-20", ALICE, "iam:ListUsers", 2),
        ("2026-11-21", ALICE, "iam:ListUsers", 1),
    ]
