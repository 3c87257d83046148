"""LookupEvents as the bot asks it: a real client over real HTTP, against a stand-in that refuses what AWS refuses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.aws import NoWayIn
from bot.history.looking import Looking
from bot.history.lookup import Limits, LookupHistory
from bot.history.pacing import Pacer
from bot.model import AnswerCut, CannotSearch, Foreseen, HistoryUnavailableError, Kind, Observable, Span, rfc3339
from tests.history.event_history import Door, EventHistory, FakeTime, open_door
from tests.history.made import ACCOUNT, ALICE, KEY, key, loaded, principal, record

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
OTHER = "444455556666"
NOON_BEFORE = datetime(2026, 11, 20, 12, tzinfo=UTC)
TWO_WEEKS = Span(NOW - timedelta(days=14), NOW)


@dataclass
class Site:
    cloud: EventHistory
    history: LookupHistory
    time: FakeTime
    watched: list[Looking]


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


class Opening(Protocol):
    def __call__(
        self,
        records: Sequence[dict[str, Any]],
        *,
        accounts: Sequence[str] = ...,
        regions: Sequence[str] = ...,
        limits: Limits | None = None,
        **cloud: Any,
    ) -> Site: ...


@pytest.fixture
def site(door: Door) -> Opening:
    """Makes a history that asks about the given records."""

    def made(
        records: Sequence[dict[str, Any]],
        *,
        accounts: Sequence[str] = (ACCOUNT,),
        regions: Sequence[str] = ("us-east-1", "eu-west-1"),
        limits: Limits | None = None,
        **cloud: Any,
    ) -> Site:
        time = FakeTime(NOW)
        door.history = EventHistory(records, lambda: time.now, lambda: time.seconds, **cloud)
        watched: list[Looking] = []
        timing = time.timing()
        history = LookupHistory(door.client, accounts, regions, limits=limits, timing=timing, watch=watched.append)
        return Site(door.history, history, time, watched)

    return made


def calls(count: int, *, minutes: float = 10, first: int = 1, **changes: Any) -> list[dict[str, Any]]:
    """``count`` calls of alice's, the newest now, each some minutes before the next."""
    return [record(first + n, eventTime=rfc3339(NOW - timedelta(minutes=n * minutes)), **changes) for n in range(count)]


ROLE = {
    "type": "AssumedRole",
    "principalId": "AROAMADE:run-1",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-1",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIARTX3GSDSQAAAAAAA",
    "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "deploy", "accountId": ACCOUNT}},
}


def test_answers_as_the_store_does(site: Opening, tmp_path: Path) -> None:
    copies = [
        record(900 + n, sharedEventID="shared", recipientAccountId=account, awsRegion="eu-west-1")
        for n, account in enumerate((OTHER, ACCOUNT))
    ]
    original = record(910, eventTime="2026-11-20T09:00:00Z")
    correction = record(
        911,
        eventTime="2026-11-20T09:00:00Z",
        sourceIPAddress="198.51.100.7",
        addendum={"reason": "UPDATED_DATA", "originalEventID": original["eventID"]},
    )
    records = [
        *calls(130),
        *calls(60, first=300, minutes=3, awsRegion="eu-west-1", errorCode=..., eventName="GetUser"),
        *copies,
        original,
        correction,
    ]
    store = loaded(tmp_path, *records)
    asked = site(records, accounts=(ACCOUNT, OTHER))
    for observable in (
        key(),
        principal(),
        Observable(Kind.EVENT, "iam:ListUsers"),
        Observable(Kind.EVENT, "GetUser"),
    ):
        for span in (TWO_WEEKS, Span(NOW - timedelta(hours=7), NOW - timedelta(hours=1))):
            assert list(asked.history.uses(observable, span)) == list(store.uses(observable, span))
            assert asked.history.events(observable, span) == store.events(observable, span)
            assert asked.history.events(observable, span, limit=7) == store.events(observable, span, limit=7)
    assert asked.history.principal(key(), NOW) == store.principal(key(), NOW)
    assert asked.history.newest() == store.newest() == NOW


def test_pages_are_fetched_at_the_pace_that_aws_allows(site: Opening) -> None:
    asked = site(calls(240), regions=("us-east-1",), paced=True)
    assert len(asked.history.events(key(), TWO_WEEKS, limit=5000)) == 240
    assert [each.get("NextToken") is None for each in asked.cloud.asked] == [True, *[False] * 4]
    assert sum(asked.time.paused) == pytest.approx(4 / 1.8)


def test_many_questions_at_once_keep_one_pace(site: Opening) -> None:
    keys = [f"{KEY[:-1]}{letter}" for letter in "ABCDEFGH"]
    records = [
        each
        for number, name in enumerate(keys)
        for each in calls(60, first=100 * number, userIdentity=record()["userIdentity"] | {"accessKeyId": name})
    ]
    asked = site(records, regions=("us-east-1",))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: asked.history.uses(key(name), TWO_WEEKS), keys))
        assert [sum(use.count for use in each) for each in found] == [60] * 8
        assert len(asked.cloud.asked) == 16
        assert asked.time.seconds == pytest.approx(15 / 1.8)


def test_the_questions_of_one_triage_fetch_an_event_once(site: Opening) -> None:
    asked = site(calls(120), regions=("us-east-1",))
    assert asked.history.principal(key(), NOW) is not None
    asked.history.uses(key(), TWO_WEEKS)
    fetched = len(asked.cloud.asked)
    assert fetched == 3
    asked.history.uses(key(), Span(NOW - timedelta(days=1), NOW))
    asked.history.events(key(), Span(NOW - timedelta(days=13), NOW - timedelta(days=1)))
    assert len(asked.cloud.asked) == fetched
    asked.history.uses(key(), Span(NOW - timedelta(days=80), NOW))
    assert asked.cloud.asked[-1]["EndTime"] < TWO_WEEKS.since.timestamp()


def test_a_later_triage_looks_again(site: Opening) -> None:
    records = calls(1, minutes=0)
    asked = site(records, regions=("us-east-1",))
    assert len(asked.history.events(key(), TWO_WEEKS)) == 1
    asked.cloud.records = [*records, record(2, eventTime=rfc3339(NOW - timedelta(minutes=1)))]
    asked.time.now += timedelta(minutes=5)
    assert len(asked.history.events(key(), TWO_WEEKS)) == 2


def test_one_triage_remembers_for_as_long_as_it_takes_and_the_next_begins_anew(site: Opening) -> None:
    asked = site(calls(120), regions=("us-east-1",), paced=True)
    one = asked.history.for_one_triage()
    for _ in range(3):
        assert len(one.events(key(), TWO_WEEKS)) == 120
        asked.time.now += timedelta(minutes=5)
    assert len(asked.cloud.asked) == 3
    # Whoever asks for whichever triage, the region is asked at one pace.
    assert len(asked.history.for_one_triage().events(key(), TWO_WEEKS)) == 120
    assert len(asked.cloud.asked) == 6


def test_what_is_foreseen_is_fetched_once_and_what_cannot_be_had_is_told_when_asked(site: Opening) -> None:
    asked = site(calls(120), regions=("us-east-1",), paced=True)
    address = Observable(Kind.IP, "203.0.113.5")
    spans = (Span(NOON_BEFORE, NOW), TWO_WEEKS, Span(TWO_WEEKS.since, NOON_BEFORE))
    asked.history.foresee([Foreseen(each, span) for each in (key(), address) for span in spans])
    asked.history.foresee([Foreseen(principal(), TWO_WEEKS, certain=False)])
    assert len(asked.cloud.asked) == 3
    for span in spans:
        asked.history.uses(key(), span)
    assert len(asked.cloud.asked) == 3
    with pytest.raises(CannotSearch):
        asked.history.uses(address, TWO_WEEKS)


def test_all_that_is_foreseen_may_take_no_longer_than_one_question(site: Opening) -> None:
    keys = [key(f"{KEY[:-1]}{letter}") for letter in "ABCDEFGH"]
    records = [
        each
        for number, one in enumerate(keys)
        for each in calls(60, first=100 * number, userIdentity=record()["userIdentity"] | {"accessKeyId": one.value})
    ]
    asked = site(records, regions=("us-east-1",), limits=Limits(seconds=5))
    asked.history.foresee([Foreseen(one, TWO_WEEKS) for one in keys])
    assert asked.time.seconds <= 5
    assert len(asked.cloud.asked) == 10


def test_two_who_ask_the_same_wait_for_one_answer(site: Opening) -> None:
    asked = site(calls(120), regions=("us-east-1",))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: asked.history.uses(key(), TWO_WEEKS), range(4)))
        assert all(each == found[0] for each in found)
        assert len(asked.cloud.asked) == 3


@pytest.mark.parametrize(
    ("limits", "reached"),
    [(Limits(pages=2), 100), (Limits(pages=1000, seconds=1.2), 150)],
)
def test_an_answer_that_was_cut_says_so_and_from_when_it_is_whole(site: Opening, limits: Limits, reached: int) -> None:
    asked = site(calls(500), regions=("us-east-1",), limits=limits)
    with pytest.raises(AnswerCut, match=f"Of {KEY} only what came after 2026-11-2.*us-east-1 of account") as cut:
        asked.history.uses(key(), TWO_WEEKS)
    assert cut.value.since == NOW - timedelta(minutes=10 * (reached - 1)) + timedelta(seconds=1)
    assert sum(use.count for use in cut.value.uses) == reached - 1
    recent = Span(cut.value.since, NOW)
    assert sum(use.count for use in asked.history.uses(key(), recent)) == reached - 1
    assert len(asked.history.events(key(), TWO_WEEKS, limit=reached - 1)) == reached - 1


def test_the_newest_events_are_had_without_fetching_all(site: Opening) -> None:
    asked = site(calls(500), regions=("us-east-1",))
    assert [event.at for event in asked.history.events(key(), TWO_WEEKS, limit=3)] == [
        NOW - timedelta(minutes=10 * n) for n in range(3)
    ]
    assert len(asked.cloud.asked) == 1


@pytest.mark.parametrize(
    ("observable", "why"),
    [
        (Observable(Kind.IP, "203.0.113.5"), "cannot search by address"),
        (Observable(Kind.USER_AGENT, "aws-cli/1"), "cannot search by client"),
        (Observable(Kind.ACCOUNT, ACCOUNT), "cannot search by account"),
        (principal(f"{ACCOUNT}:role/deploy"), "cannot search by role"),
        (principal(f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/run-1"), "cannot search by role"),
        (principal("service:cloudtrail.amazonaws.com"), "users and keys only"),
        (Observable(Kind.EVENT, "lambda:CreateFunction"), "end in a date"),
        (key(" "), "1 to 2,000 characters"),
        (key("A" * 3000), "1 to 2,000 characters"),
    ],
)
def test_what_cannot_be_searched_for_is_never_nothing(site: Opening, observable: Observable, why: str) -> None:
    asked = site([])
    with pytest.raises(CannotSearch, match=why):
        asked.history.uses(observable, TWO_WEEKS)
    assert asked.cloud.asked == []


@pytest.mark.parametrize(
    ("value", "identity", "found"),
    [
        (ALICE, {}, 1),
        (f"arn:aws:iam::{ACCOUNT}:user/team/alice", {}, 1),
        ("alice", {}, 1),
        (f"{ACCOUNT}:user/run-1", ROLE, 0),
        (f"{ACCOUNT}:root", {"type": "Root", "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"}, 1),
        (
            f"{ACCOUNT}:sso/ana@example.com",
            ROLE
            | {
                "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_1/ana@example.com",
                "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "AWSReservedSSO_Admin_1"}},
            },
            1,
        ),
    ],
)
def test_principals_are_searched_by_name_and_held_to_their_id(
    site: Opening, value: str, identity: Any, found: int
) -> None:
    changes = {"userIdentity": identity} if identity else {}
    asked = site([record(1, **changes)])
    assert len(asked.history.events(principal(value), TWO_WEEKS)) == found
    assert asked.cloud.asked[0]["LookupAttributes"][0]["AttributeKey"] == "Username"


def test_only_the_account_of_a_key_is_asked(site: Opening) -> None:
    asked = site(calls(1), accounts=(OTHER, ACCOUNT))
    asked.history.uses(key(), TWO_WEEKS)
    assert {each["account"] for each in asked.cloud.asked} == {ACCOUNT}
    with pytest.raises(HistoryUnavailableError, match="account 999900001111, and that account"):
        asked.history.uses(principal("999900001111:user/x"), TWO_WEEKS)


def test_coverage_says_what_was_asked_and_what_was_not(site: Opening) -> None:
    records = [*calls(3), *calls(2, first=50, awsRegion="eu-west-1", minutes=600)]
    refusing = {"eu-south-1": "UnrecognizedClientException", "me-south-1": "AccessDeniedException"}
    regions = ("us-east-1", "eu-west-1", "sa-east-1", "eu-south-1", "me-south-1")
    asked = site(records, regions=regions, denied=refusing)
    found = asked.history.coverage(Span(NOW - timedelta(days=120), NOW - timedelta(minutes=5)))
    assert found is not None
    assert (found.since, found.until) == (NOW - timedelta(days=90), NOW - timedelta(minutes=5))
    assert found.regions == {"eu-west-1": NOW - timedelta(hours=10), "us-east-1": NOW - timedelta(minutes=10)}
    assert found.accounts == (ACCOUNT,)
    assert found.missing == (
        "Nothing before 2026-08-23T14:00:00Z: the history begins there.",
        "Region sa-east-1 has no events in this time.",
        f"Not asked in account {ACCOUNT}: eu-south-1 (UnrecognizedClientException on LookupEvents).",
        f"Not asked in account {ACCOUNT}: me-south-1 (AccessDeniedException on LookupEvents).",
        "LookupEvents knows management events only: no reads or writes of objects, no calls of functions.",
        "LookupEvents finds what a user did in federated sessions by the keys of those only, not by the user.",
    )
    assert len(asked.history.events(key(), TWO_WEEKS)) == 5
    assert asked.history.coverage(Span(NOW - timedelta(days=120), NOW - timedelta(days=100))) is None


def test_where_no_region_answers_nothing_is_said(site: Opening) -> None:
    asked = site(calls(1), denied={"us-east-1": "AccessDeniedException", "eu-west-1": "AccessDeniedException"})
    for ask in (
        lambda: asked.history.uses(key(), TWO_WEEKS),
        lambda: asked.history.coverage(TWO_WEEKS),
        asked.history.newest,
    ):
        with pytest.raises(HistoryUnavailableError, match=r"us-east-1, eu-west-1 [(]AccessDenied"):
            ask()


def test_an_account_without_a_way_in_is_told_apart() -> None:
    def no_way(account: str, region: str) -> Any:
        raise NoWayIn(f"The bot has no role in {account}.")

    history = LookupHistory(no_way, [ACCOUNT], ["us-east-1"], timing=FakeTime(NOW).timing())
    with pytest.raises(HistoryUnavailableError, match=f"no role in {ACCOUNT}"):
        history.uses(key(), TWO_WEEKS)


def test_throttling_by_others_is_waited_out(site: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    asked = site(calls(1), regions=("us-east-1",), failing=["ThrottlingException"] * 5)
    assert len(asked.history.events(key(), TWO_WEEKS)) == 1


def test_a_region_that_fails_now_leaves_no_answer_that_looks_whole(
    site: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    records = [*calls(2), *calls(2, first=10, awsRegion="eu-west-1")]
    asked = site(records, denied={"eu-west-1": "ThrottlingException"})
    with pytest.raises(AnswerCut, match=r"eu-west-1 [(]ThrottlingException on LookupEvents") as cut:
        asked.history.uses(key(), TWO_WEEKS)
    assert sum(use.count for use in cut.value.uses) == 2


def test_a_region_that_fails_on_a_later_page_is_whole_up_to_there(site: Opening) -> None:
    asked = site(calls(120), regions=("us-east-1",))
    asked.history.events(key(), TWO_WEEKS, limit=40)
    asked.cloud.failing = ["AccessDeniedException"]
    with pytest.raises(AnswerCut, match="answered no further: AccessDeniedException"):
        asked.history.uses(key(), TWO_WEEKS)
    assert len(asked.history.events(key(), TWO_WEEKS, limit=120)) == 120


def test_what_cannot_be_read_is_counted(site: Opening) -> None:
    broken = record(2, eventSource="")
    asked = site([record(1), broken], regions=("us-east-1",))
    assert len(asked.history.events(key(), TWO_WEEKS)) == 1
    found = asked.history.coverage(TWO_WEEKS)
    assert found is not None
    assert found.missing[-1] == "1 record or file could not be read and was set aside."


def test_whoever_waits_is_told_how_far_it_is(site: Opening) -> None:
    asked = site([*calls(60), *calls(3, first=200, awsRegion="eu-west-1")])
    asked.history.uses(key(), TWO_WEEKS)
    assert (asked.watched[-1].regions, asked.watched[-1].of_regions, asked.watched[-1].events) == (2, 2, 63)
    oldest = rfc3339(NOW - timedelta(minutes=590))
    assert str(asked.watched[-1]) == (
        f"Looking up {KEY} in CloudTrail: 2 of 2 regions asked, 63 events, back to {oldest}"
    )


def test_a_turn_that_would_come_too_late_is_refused_at_once() -> None:
    time = FakeTime(NOW)
    pacer = Pacer(2, lambda: time.seconds, time.pause)
    assert [pacer.turn(1.2) for _ in range(4)] == [True, True, True, False]
    assert time.paused == [0.5, 0.5]
