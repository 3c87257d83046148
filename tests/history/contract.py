"""What every ``bot.model.History`` answers, whatever keeps the records.

A store joins with a test module of a few lines: it defines the fixture ``stored`` (module scope) and subclasses
``HistoryContract``. Every answer is held against ``Plain`` over the same raw records. A store that cannot look for
something says so in ``Stored.cannot_search``, and is then held to refuse: an empty answer would read as "none".
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.model import AnswerCut, CannotSearch, Event, History, Kind, Observable, Prevalence, Principal, Span, Use
from tests.history.made import ACCOUNT, ALICE, KALI, KEY, MADE_FROM, assorted, key, principal, real, record
from tests.history.plain import Plain, in_plain_order

Record = dict[str, Any]
Told = tuple[str, str | None, str | None]
Found = TypeVar("Found", Sequence[Use], Sequence[Event], Sequence[Told], Sequence[Prevalence])

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NOW = datetime(2026, 11, 12, tzinfo=UTC)
"""When the contract's questions are asked: no record is from later, none older than 20 days."""
REAL_ACCOUNT = "123837392027"
OTHER_ACCOUNT = "444455556666"
ACCOUNTS = (ACCOUNT, REAL_ACCOUNT, OTHER_ACCOUNT)
"""Every account a store is told of; the last never has a record unless a test makes one."""
REGIONS = ("us-east-1", "eu-west-1")


@dataclass(frozen=True)
class Stored:
    """How a store is filled, and what it says it cannot look for.

    ``opened`` gives a history that holds ``records`` as CloudTrail would have written them, asked at ``NOW``; it may
    use the folder. The accounts and regions it is told of are ``ACCOUNTS`` and ``REGIONS``.
    """

    opened: Callable[[Path, Sequence[Record]], AbstractContextManager[History]]
    cannot_search: Callable[[Observable], bool] = lambda _: False
    in_part: bool = False
    """What cannot be searched for in the whole of it may be known of a part, and is then told as such."""
    counts_everybody: bool = True


def records() -> list[Record]:
    """900 made records of ten days with some of them twice, and a real attack, moved in time by whole days."""
    chance = random.Random(23)
    made = assorted(chance, 900)
    return [*made, *chance.sample(made, 60), *_real()]


def _real() -> list[Record]:
    return [each | {"eventTime": f"2026-11-08{each['eventTime'][10:]}"} for each in real("invictus_stratus_2023")]


QUESTIONS = (
    *(key(), key(f"{KEY[:-1]}B"), key("AKIATFQR7NSC8Q4X20BJ"), key("AKIARTX3GSDSZZZZZZZZ")),
    *(principal(), principal("bob"), principal(f"arn:aws:iam::{ACCOUNT}:user/team/alice"), principal("nobody")),
    *(principal(f"{REAL_ACCOUNT}:user/bert-jan"), principal("service:rds.amazonaws.com")),
    principal(f"{REAL_ACCOUNT}:role/stratus-red-team-ec2-steal-credentials-role"),
    *(Observable(Kind.IP, ip) for ip in ("203.0.113.5", "::ffff:198.51.100.7", "192.168.10.20", "192.0.2.99")),
    *(Observable(Kind.IP, network) for network in ("203.0.113.0/24", "2001:db8::/64", "192.0.2.0/24")),
    *(Observable(Kind.USER_AGENT, f"sid/{terminal}") for terminal in ("4c55b1738b6d", "000000000000")),
    *(Observable(Kind.USER_AGENT, agent) for agent in (KALI, "aws-cli/1|linux|kali|-", "boto3|-|-|-", "none")),
    *(Observable(Kind.USER_AGENT, agent) for agent in ("aws-cli/1.22.34", "AWS-CLI", "Boto3", "aws-cli/1 linux kali")),
    *(Observable(Kind.USER_AGENT, agent) for agent in ("aws-cli/1.22", "aws_cli", "aws-cli%")),
    *(Observable(Kind.EVENT, name) for name in ("iam:ListUsers", "ListRoles", "sts:GetCallerIdentity", "iam:None")),
    Observable(Kind.ACCOUNT, ACCOUNT),
    Observable(Kind.ACCOUNT, OTHER_ACCOUNT),
)
SPANS = (
    Span(MADE_FROM - 5 * DAY, NOW),
    Span(MADE_FROM + DAY, MADE_FROM + 3 * DAY - SECOND),
    Span(MADE_FROM + timedelta(hours=43, minutes=17), MADE_FROM + timedelta(hours=171, seconds=7)),
    Span(datetime(2026, 11, 8, 12, tzinfo=UTC), datetime(2026, 11, 8, 12, 20, 1, tzinfo=UTC)),
    Span(MADE_FROM - 5 * DAY, MADE_FROM - 3 * DAY),
)

questions = pytest.mark.parametrize("observable", QUESTIONS, ids=lambda each: f"{each.kind}:{each.value[:24]}")


class HistoryContract:
    """The tests themselves; ``history`` holds ``records()``, ``plain`` the same."""

    def test_the_questions_are_about_something(self, plain: Plain) -> None:
        answered = [observable for observable in QUESTIONS if plain.of(observable, SPANS[0])]
        assert len(answered) == len(QUESTIONS) - 10

    @questions
    def test_uses_are_those_of_the_plain_way(
        self, observable: Observable, history: History, plain: Plain, stored: Stored
    ) -> None:
        for span in SPANS:
            found = _asked(partial(history.uses, observable, span), observable, stored)
            if found is not None:
                assert in_plain_order(found) == plain.uses(observable, span)
                assert [use.first_seen for use in found] == sorted(use.first_seen for use in found)

    @questions
    def test_events_are_those_of_the_plain_way(
        self, observable: Observable, history: History, plain: Plain, stored: Stored
    ) -> None:
        for span, limit in zip((SPANS[0], *SPANS), (5_000, 1000, 7, 1, 1000, 10), strict=True):
            found = _asked(partial(history.events, observable, span, limit=limit), observable, stored)
            assert found is None or list(found) == plain.of(observable, span)[:limit]

    @questions
    def test_who_it_was_is_that_of_the_newest_event(
        self, observable: Observable, history: History, plain: Plain, stored: Stored
    ) -> None:
        if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
            assert history.principal(observable, NOW) is None
            return
        for until in (NOW, MADE_FROM + timedelta(days=4, hours=5), MADE_FROM - DAY):
            found = _asked(partial(_behind, history, observable, until), observable, stored)
            if found is not None:
                before = plain.of(observable, Span(MADE_FROM - 30 * DAY, until))[:1]
                assert found == [_told(event.principal) for event in before]

    @pytest.mark.parametrize("name", ["iam:ListUsers", "sts:GetCallerIdentity", "signin:ConsoleLogin", "iam:None"])
    def test_who_makes_a_call_is_counted(self, name: str, history: History, plain: Plain, stored: Stored) -> None:
        call = Observable(Kind.EVENT, name)
        for span in SPANS:
            found = _asked(partial(_counted, history, name, span), call, stored)
            if found is not None:
                own = [event for event in plain.of(call, span) if not event.by_service]
                who = {event.principal.id for event in own}
                assert found[0].exact
                assert (found[0].count, found[0].principals) == (len(own), tuple(sorted(who)))
                assert found[0].first_seen == min((event.at for event in own), default=None)

    def test_what_was_searched_names_every_account_and_the_newest_event_of_every_region(
        self, history: History, plain: Plain
    ) -> None:
        for span in SPANS[:4]:
            inside = [event for event in plain.all if event.at in span]
            found = history.coverage(span)
            assert found is not None
            assert span.since <= found.since <= found.until <= span.until
            assert set(found.accounts) == {event.account for event in inside}
            assert dict(found.regions) == {event.region: event.at for event in sorted(inside, key=lambda each: each.at)}

    def test_what_nothing_is_held_of_is_never_covered_in_silence(self, history: History) -> None:
        quiet = history.coverage(SPANS[4])
        assert quiet is None or quiet.missing
        long_before = history.coverage(Span(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 20, tzinfo=UTC)))
        assert long_before is None or long_before.missing

    def test_what_is_missing_is_told_in_sentences(self, history: History) -> None:
        quiet_since = history.coverage(Span(MADE_FROM, NOW))
        assert quiet_since is not None
        assert any("2026-11-10T" in sentence for sentence in quiet_since.missing), quiet_since.missing
        without_the_real = history.coverage(SPANS[1])
        assert without_the_real is not None
        assert any(REAL_ACCOUNT in sentence for sentence in without_the_real.missing), without_the_real.missing
        only_the_real = history.coverage(SPANS[3])
        assert only_the_real is not None
        assert all(each.endswith(".") and "\n" not in each for each in only_the_real.missing)

    def test_an_account_that_falls_silent_is_told(self, stored: Stored, tmp_path: Path) -> None:
        made = [_at(f"2026-11-{day:02}T12:00:00Z", day) for day in range(2, 12)]
        made += [_at(f"2026-11-{day:02}T13:00:00Z", day + 20, recipientAccountId=OTHER_ACCOUNT) for day in range(2, 6)]
        with stored.opened(tmp_path, made) as history:
            found = history.coverage(SPANS[0])
            assert found is not None
            assert found.accounts == (ACCOUNT, OTHER_ACCOUNT)
            told = f"Account {OTHER_ACCOUNT} has no events after 2026-11-05T13:00:00Z, others do: "
            assert any(each.startswith(told) for each in found.missing), found.missing
            while_both_spoke = history.coverage(Span(SPANS[0].since, datetime(2026, 11, 6, 23, tzinfo=UTC)))
            assert while_both_spoke is not None
            assert not any(OTHER_ACCOUNT in each for each in while_both_spoke.missing)

    def test_a_region_without_events_is_told(self, stored: Stored, tmp_path: Path) -> None:
        made = [_at(f"2026-11-{day:02}T12:00:00Z", day) for day in range(2, 12)]
        made += [_at("2026-11-03T12:00:00Z", 30, awsRegion="eu-west-1")]
        with stored.opened(tmp_path, made) as history:
            for since, silent in ((2, False), (4, True)):
                found = history.coverage(
                    Span(datetime(2026, 11, since, tzinfo=UTC), datetime(2026, 11, 11, 12, tzinfo=UTC))
                )
                assert found is not None
                assert set(found.regions) == {"us-east-1"} | (set() if silent else {"eu-west-1"})
                assert ("Region eu-west-1 has no events in this time." in found.missing) is silent

    def test_an_account_never_seen_is_told(self, stored: Stored, tmp_path: Path) -> None:
        with stored.opened(tmp_path, [_at("2026-11-07T14:03:11Z")]) as history:
            found = history.coverage(SPANS[0])
            assert found is not None
            told = f"2 accounts have no events in this time: {REAL_ACCOUNT}, {OTHER_ACCOUNT}."
            assert told in found.missing, found.missing

    def test_the_newest_event_is_known(self, history: History, plain: Plain) -> None:
        assert history.newest() == max(event.at for event in plain.all)

    def test_the_population_is_counted_by_days(self, history: History, plain: Plain, stored: Stored) -> None:
        for span in SPANS:
            if not stored.counts_everybody:
                with pytest.raises(CannotSearch):
                    history.population(span)
            else:
                assert history.population(span) == plain.population(span)

    def test_an_empty_history_covers_nothing(self, stored: Stored, tmp_path: Path) -> None:
        with stored.opened(tmp_path, []) as history:
            covered = history.coverage(SPANS[0])
            assert covered is None or (not covered.regions and covered.missing)
            assert (history.newest(), history.principal(key(), NOW)) == (None, None)
            assert not history.uses(key(), SPANS[0])
            assert not history.events(key(), SPANS[0])

    def test_both_ends_of_a_span_belong_to_it(self, stored: Stored, tmp_path: Path) -> None:
        at = datetime(2026, 11, 7, 14, 3, 11, tzinfo=UTC)
        with stored.opened(tmp_path, [_at("2026-11-07T14:03:11Z")]) as history:
            assert history.uses(key(), Span(at, at))
            assert not history.uses(key(), Span(at + SECOND, at + 5 * SECOND))
            assert not history.uses(key(), Span(at - 5 * SECOND, at - SECOND))
            assert history.principal(key(), at - SECOND) is None

    def test_one_action_in_two_accounts_is_one_action(self, stored: Stored, tmp_path: Path) -> None:
        copies = [_at("2026-11-07T14:03:11Z", number, sharedEventID="shared") for number in (1, 2)]
        copies[1]["recipientAccountId"] = OTHER_ACCOUNT
        with stored.opened(tmp_path, copies) as history:
            assert [(use.account, use.count) for use in history.uses(key(), SPANS[0])] == [(ACCOUNT, 1)]
            in_other = Observable(Kind.ACCOUNT, OTHER_ACCOUNT)
            listed = _asked(lambda: history.uses(in_other, SPANS[0]), in_other, stored)
            assert listed is None or [use.count for use in listed] == [1]

    @pytest.mark.parametrize("first", [0, 1], ids=["in order", "the correction first"])
    def test_a_correction_replaces_its_original(self, first: int, stored: Stored, tmp_path: Path) -> None:
        original = _at("2026-11-07T14:03:11Z")
        update = {"reason": "UPDATED_DATA", "originalEventID": original["eventID"]}
        correction = _at("2026-11-07T14:03:11Z", 2, addendum=update, sourceIPAddress="198.51.100.7")
        both = [original, correction]
        with stored.opened(tmp_path, both[first:] + both[:first]) as history:
            (event,) = history.events(key(), SPANS[0])
            assert (event.id, event.ip) == (original["eventID"], "198.51.100.7")
            (use,) = history.uses(key(), SPANS[0])
            assert (use.count, use.evidence) == (1, (original["eventID"],))

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_order_and_repetition_change_nothing(self, seed: int, stored: Stored, tmp_path: Path) -> None:
        chance = random.Random(seed)
        made = assorted(chance, 60)
        plain = Plain.of_records(made)
        made += chance.sample(made, 20)
        chance.shuffle(made)
        with stored.opened(tmp_path, made) as history:
            assert in_plain_order(history.uses(key(), SPANS[0])) == plain.uses(key(), SPANS[0])
            assert list(history.events(principal(ALICE), SPANS[0])) == plain.of(principal(ALICE), SPANS[0])

    def test_a_key_that_was_given_out_is_named(self, stored: Stored, tmp_path: Path) -> None:
        given = {"accessKey": {"accessKeyId": "AKIARTX3GSDSQBBBBBBB", "status": "Active", "userName": "alice"}}
        calls = [
            _at("2026-11-07T14:03:11Z", 1, eventName="CreateAccessKey", errorCode=..., responseElements=given),
            _at("2026-11-07T14:03:12Z", 2, eventName="CreateUser", errorCode=..., responseElements=given),
        ]
        with stored.opened(tmp_path, calls) as history:
            assert [each.minted for each in history.events(key(), SPANS[0])] == [None, "AKIARTX3GSDSQBBBBBBB"]


def _at(time: str, number: int = 1, **changes: Any) -> Record:
    return record(number, eventTime=time, **changes)


def _counted(history: History, name: str, span: Span) -> Sequence[Prevalence]:
    return [history.prevalence(name, span)]


def _behind(history: History, observable: Observable, until: datetime) -> Sequence[Told]:
    found = history.principal(observable, until)
    return [] if found is None else [_told(found)]


def _told(who: Principal) -> Told:
    """What one record says of its principal; the ARN may be another record's."""
    return who.id, who.type, who.account


def _asked(ask: Callable[[], Found], observable: Observable, stored: Stored) -> Found | None:
    """The answer; ``None`` where the store has said that it cannot look for ``observable`` and refused with why."""
    if not stored.cannot_search(observable):
        return ask()
    if stored.in_part:
        with suppress(CannotSearch, AnswerCut):
            return ask()
        return None
    with pytest.raises(CannotSearch) as refused:
        ask()
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert len(sentence) > 20
    assert "\n" not in sentence
    return None
