from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.model import Answer, CannotSearch, Event, Kind, Observable, Principal, Span, Use
from enrichers.user_agents import _several, enrich
from tests.fakes import ALICE, KALI, KALI_AGENT, KEY, LEAD, LINUX, OFFICE, RENTED, FakeHistory, context, event, ordinary

TERRAFORM = "terraform|linux|ubuntu|-"


def answer(events: Sequence[Event], observable: Observable = LEAD) -> Answer:
    return enrich(observable, context(events))


def kinds(given: Answer) -> list[str]:
    return [signal.kind for signal in given.signals]


def stolen(**changes: Any) -> Event:
    return event(**({"family": KALI, "user_agent": KALI_AGENT, "ip": RENTED} | changes))


def test_an_attack_system_new_to_the_user_is_both() -> None:
    bad = stolen()
    given = answer([*ordinary(), bad])
    assert kinds(given) == ["ua.offensive", "ua.new14"]
    assert [signal.evidence for signal in given.signals] == [(bad.id,), (bad.id,)]
    assert given.signals[0].sentence == (
        f"alice called AWS from Kali Linux, a penetration-testing system ({KALI_AGENT})."
    )
    assert given.signals[1].sentence == (
        "This kind of client (aws-cli/1 linux kali) was not used by alice in the 13 days before "
        "(50 calls checked, usual: aws-cli/2 linux ubuntu)."
    )
    assert not given.unknowns


def test_a_tool_is_named() -> None:
    given = answer([*ordinary(), event(family="offensive:trufflehog", user_agent="TruffleHog")])
    assert given.signals[0].sentence == "alice called AWS from TruffleHog, an attack tool (TruffleHog)."


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        (LINUX, LINUX, False),
        (LINUX, "aws-cli/1|linux|ubuntu|-", True),
        (LINUX, "aws-cli/2|-|-|-", False),
        (LINUX, "aws-cli/2|macos|-|-", True),
        (LINUX, "aws-cli/2|linux|kali|-", True),
        ("aws-cli/2|linux|-|-", "aws-cli/2|linux|kali|-", True),
        (KALI, KALI, False),
        ("browser|windows", "browser|windows", False),
    ],
)
def test_new_is_compared_by_family(before: str, now: str, new: bool) -> None:
    given = answer([*ordinary(family=before), event(family=now)])
    row = next(row for row in given.data["families"] if row["family"] == now)
    assert row["new"] is new
    assert ("ua.new14" in kinds(given)) is new


def test_a_known_attack_system_is_still_one() -> None:
    assert kinds(answer([*ordinary(family=KALI), event(family=KALI)])) == ["ua.offensive"]


def test_what_is_not_recent_is_no_signal() -> None:
    given = answer([*ordinary(), stolen(), stolen(minutes_ago=3 * 24 * 60)])
    assert kinds(given) == ["ua.offensive"]
    assert given.data["families"][1]["count"] == 2


def test_a_thin_baseline_says_nothing_is_new() -> None:
    given = answer([*ordinary(days=2), stolen()])
    assert kinds(given) == ["ua.offensive"]
    assert [(unknown.kind, unknown.why) for unknown in given.unknowns] == [
        ("ua.new14", "insufficient history (only 10 events on 2 days in the 13 days before)")
    ]
    assert {row["new"] for row in given.data["families"]} == {None}


def test_nothing_recent_leaves_nothing_undecided() -> None:
    given = answer(ordinary(days=1))
    assert (given.signals, given.unknowns) == ((), ())


def test_no_calls_is_an_answer() -> None:
    given = answer([])
    assert given.headline == "Clients: no calls in what the alert tells; no CloudTrail of this window could be searched"
    assert given.data == {"families": [], "terminals": []}


def test_calls_by_services_are_nobodys_client() -> None:
    given = answer([*ordinary(), stolen(by_service=True)])
    assert not given.signals
    assert [row["family"] for row in given.data["families"]] == [LINUX]


def test_counts_add_up_and_agents_are_the_newest_ten() -> None:
    events = [event(number, user_agent=f"aws-cli/2.{number}") for number in range(1, 13)]
    row = answer([*ordinary(), *events]).data["families"][0]
    assert row["count"] == 62
    assert row["agents"] == [f"aws-cli/2.{number}" for number in range(1, 11)]
    assert (row["truncated"], row["agents_count"]) == (True, 13)


def test_an_agent_in_a_sentence_is_short() -> None:
    given = answer([*ordinary(), stolen(user_agent="kali " * 200)])
    assert len(given.signals[0].sentence) < 400


@pytest.mark.parametrize(
    ("before", "now", "fires"),
    [
        (LINUX, "s3browser|-|-|-", True),
        (LINUX, "rclone|linux|-|-", True),
        ("cyberduck|macos|-|-", "cyberduck|macos|-|-", False),
        (LINUX, TERRAFORM, False),
    ],
)
def test_a_program_to_carry_buckets_away_with(before: str, now: str, fires: bool) -> None:
    assert ("s3.tool" in kinds(answer([*ordinary(family=before), event(family=now)]))) is fires


# --------------------------------------------------------------------------------------- the terminals

SID = "4c55b1738b6d"
IN_TERMINAL = f"aws-cli/2.31.0 os/linux#6.8 sid/{SID} md/command#s3.ls"
BOB = Principal("111122223333:user/bob", "IAMUser", None, "111122223333")
BOBS = "AKIARTX3GSDSQBBBBBBB"


def test_other_keys_of_the_same_terminal_are_told() -> None:
    typed = [event(5, user_agent=IN_TERMINAL), event(3, user_agent=IN_TERMINAL, key=BOBS, principal=BOB)]
    given = answer([*ordinary(), *typed])
    assert given.data["terminals"] == [
        {
            "sid": SID,
            "keys": [{"key": BOBS, "principal": BOB.id, "count": 1, "last_seen": "2026-11-20T13:57:00Z"}],
        }
    ]
    assert given.headline == f"1 kind of client; the same terminal used {BOBS}"
    assert [fact.value for fact in given.facts if SID in fact.label] == [f"also used with {BOBS} of bob"]


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("another terminal", {"user_agent": IN_TERMINAL.replace(SID, "000000000000"), "key": BOBS}),
        ("the same key", {"user_agent": IN_TERMINAL}),
        ("a service", {"user_agent": IN_TERMINAL, "key": BOBS, "by_service": True}),
        ("no key", {"user_agent": IN_TERMINAL, "key": None}),
    ],
)
def test_a_terminal_of_one_key_is_nobody_elses(why: str, changes: dict[str, Any]) -> None:
    given = answer([*ordinary(), event(5, user_agent=IN_TERMINAL), event(3, **changes)])
    assert [row["keys"] for row in given.data["terminals"] if row["sid"] == SID] == [[]], why


def test_a_principals_own_keys_are_no_others() -> None:
    who = Observable(Kind.PRINCIPAL, ALICE.id)
    own = [event(5, user_agent=IN_TERMINAL), event(4, user_agent=IN_TERMINAL, key=f"{KEY[:-1]}B")]
    assert answer([*ordinary(), *own], who).data["terminals"] == [{"sid": SID, "keys": []}]


def test_a_history_that_cannot_look_for_terminals_says_so_of_them_alone() -> None:
    class Narrow(FakeHistory):
        def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
            if observable.kind is Kind.USER_AGENT:
                raise CannotSearch("no")
            return super().uses(observable, span)

    given = enrich(LEAD, context([], history=Narrow([*ordinary(), event(user_agent=IN_TERMINAL)])))
    assert given.data["terminals"] == [{"sid": SID, "keys": None}]
    assert given.headline == "1 kind of client"


# ---------------------------------------------------------------------------- several clients, one key


@pytest.mark.parametrize(
    ("first", "second", "fires"),
    [
        ({"family": LINUX}, {"family": KALI}, True),
        ({"family": LINUX}, {"family": "aws-cli/2|windows|-|-"}, True),
        ({"family": LINUX}, {"family": TERRAFORM}, False),  # a developer's day on one machine
        ({"family": LINUX}, {"family": "aws-cli/2|-|-|-"}, False),  # truncated, not another client
        ({"family": LINUX}, {"family": "s3browser|-|-|-"}, True),
        ({"family": LINUX}, {"family": "browser|windows"}, False),  # the console beside the command line
        ({"family": LINUX}, {"family": "console"}, False),
        ({"family": LINUX}, {"family": "none"}, False),
        ({"family": LINUX}, {"family": KALI, "ip": RENTED}, False),
        ({"family": LINUX}, {"family": KALI, "minutes_ago": 75}, False),
        ({"family": LINUX}, {"family": KALI, "minutes_ago": 60}, True),
        ({"family": LINUX}, {"family": KALI, "key": "AKIARTX3GSDSQAAAAAAB"}, False),
        ({"family": LINUX}, {"family": KALI, "by_service": True}, False),
        (
            {"family": LINUX, "key": "ASIARTX3GSDSQAAAAAAA"},
            {"family": KALI, "key": "ASIARTX3GSDSQAAAAAAA"},
            False,
        ),
    ],
)
def test_several_clients_on_one_long_term_key(first: dict[str, Any], second: dict[str, Any], fires: bool) -> None:
    events = [*ordinary(), event(**({"minutes_ago": 5} | first)), event(**({"minutes_ago": 20} | second))]
    given = answer(events, Observable(Kind.PRINCIPAL, ALICE.id))
    assert ("ua.multi" in kinds(given)) is fires


def test_the_clients_are_counted_and_named() -> None:
    events = [event(30), event(25, family=KALI), event(20, family="boto3|windows|-|-"), event(1, ip=OFFICE)]
    signal = next(signal for signal in answer([*ordinary(), *events]).signals if signal.kind == "ua.multi")
    assert signal.sentence == "One key, 3 different clients within 10 minutes."
    assert set(signal.evidence) == {each.id for each in events[:3]}


@pytest.mark.parametrize("kind", [Kind.IP, Kind.EVENT, Kind.USER_AGENT])
def test_an_address_has_clients_but_no_habits(kind: Kind) -> None:
    values = {Kind.IP: RENTED, Kind.EVENT: "s3:GetObject", Kind.USER_AGENT: KALI}
    given = enrich(Observable(kind, values[kind]), context([stolen()], principal=None))
    assert kinds(given) == ["ua.offensive"]
    assert [unknown.kind for unknown in given.unknowns] == ["ua.new14"]
    assert given.data["families"][0]["new"] is None


def test_a_key_is_judged_by_what_its_principal_usually_does() -> None:
    other = [event(24 * 60 * day, key="AKIARTX3GSDSQAAAAAAB", family=KALI) for day in range(2, 9) for _ in range(5)]
    given = answer([*other, stolen()], Observable(Kind.ACCESS_KEY, KEY))
    assert kinds(given) == ["ua.offensive"]


def test_a_caller_who_names_every_call_another_client_gains_no_time() -> None:
    """Ten thousand made-up tools on one machine: compared pair by pair, they would take minutes."""
    events = [event(number / 600, family=f"aws-sdk-x{number}|linux|-|-") for number in range(10_000)]
    assert not _several(events[::-1])
    different = [replace(each, family=f"other:{each.family[:12]}") for each in events]
    assert len(_several(different)) == 1


def test_the_largest_set_is_told() -> None:
    early = [event(300), event(299, family=KALI)]
    late = [event(30), event(20, family=KALI), event(10, family="boto3|windows|-|-")]
    signal = next(signal for signal in answer([*ordinary(), *early, *late]).signals if signal.kind == "ua.multi")
    assert signal.sentence == "One key, 3 different clients within 20 minutes."


def test_each_family_is_told_with_its_count_and_its_first_and_last_time() -> None:
    given = enrich(
        LEAD, context([*ordinary(), event(20, family=KALI), event(5, family=KALI), event(2, family="other:x")])
    )
    facts = {fact.label: fact.value for fact in given.facts}
    assert facts["aws-cli/1 linux kali"] == "2 calls, first 2026-11-20T13:40:00Z, last 2026-11-20T13:55:00Z, new"
    assert facts["other:x"] == "1 call, last 2026-11-20T13:58:00Z, new"
