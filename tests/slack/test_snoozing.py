"""Snoozed from a card, kept silent, counted, broken through, listed and lifted; and the digests that tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.slack import ANALYST, SOC
from bot.digesting import Digests, Schedule
from tests.remediation.cloud import key_id
from tests.slack.office import ME, NOW, Office, office
from tests.slack.readable import readable

KEYS = [key_id(number) for number in range(2, 9)]
SCANNER = "198.51.100.7"
WEEKLY = """
[digest]
weekly = "0 9 * * 1"
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path, WEEKLY) as opened:
        yield opened


def harmless(room: Office, number: int, **more: Any) -> None:
    """An alert that nothing speaks for: of a key that no record knows."""
    told: dict[str, Any] = {"access_key": KEYS[number], "user_agent": "aws-cli/2.31.0", "source_ip": SCANNER}
    room.alert(f"calm-{number}", title="Something was used", **{**told, **more})
    room.settle()
    room.move(timedelta(seconds=4))
    room.settle()


def snooze(room: Office, case: int = 1) -> str:
    card = room.card(case)
    room.press(f"snooze case:{case}", card=card)
    room.settle()
    window = readable(room.window("Snooze"))
    chosen = next(n for n, each in enumerate(options(room)) if SCANNER in each)
    told = room.submit("Snooze", {"what": str(chosen), "lasting": "24", "reason": "our scanner"})
    assert "198.51.100.7 in default is snoozed until" in told
    return window


def options(room: Office) -> list[str]:
    blocks = room.window("Snooze")["blocks"]
    [select] = [block["element"] for block in blocks if block.get("block_id") == "what"]
    return [option["text"]["text"] for option in select["options"]]


def test_what_nothing_speaks_against_gets_no_card_and_is_told_in_the_digest(room: Office) -> None:
    for number in range(3):
        harmless(room, number)
    assert room.slack.messages(SOC) == []
    assert room.case(1).quiet
    room.move(timedelta(hours=18))
    room.settle()
    (digest,) = room.slack.messages(SOC)
    told = readable(digest)
    assert "Digest of default: 2026-11-20 08:00 UTC to 2026-11-21 08:00 UTC" in told
    assert "New cases: 3: 3 low" in told
    assert "Without a card: 3 cases" in told
    assert "From siem: 3 alerts, 3 cases" in told
    assert told.count("🟢 Low") == 3


def test_a_quiet_day_is_not_told(room: Office) -> None:
    room.move(timedelta(hours=18))
    room.settle()
    assert room.slack.messages(SOC) == []


def test_the_weekly_digest_has_times_noise_and_what_waits(room: Office) -> None:
    room.alert()
    room.card()
    harmless(room, 1)
    room.move(timedelta(hours=2))
    room.settle()
    room.move(timedelta(days=3))
    room.settle()
    weekly = next(each for each in room.slack.messages(SOC) if "2026-11-23 09:00 UTC" in str(each["text"]))
    told = readable(weekly)
    assert "Digest of default: 2026-11-16 09:00 UTC to 2026-11-23 09:00 UTC" in told
    assert "New cases: 2: " in told
    assert ", 1 low" in told
    assert "Alert to card: 0 s" in told
    assert "nobody has taken it" in told


def test_digests_come_once_and_without_a_gap_however_often_the_bot_is_started(room: Office) -> None:
    state, told = room.bot.desk.state, []
    schedule = Schedule("0 8 * * *", "0 9 * * 1")
    digests = Digests(state, room.bot.desk.clock, schedule, {SOC: ()}, lambda *each: told.append(each))
    waiting = "SELECT payload FROM jobs WHERE kind = 'digest' AND state = 'ready' ORDER BY id"
    before = state.read().execute(waiting).fetchall()
    assert len(before) == 2
    for _ in range(3):
        state.write(digests.begin)
    assert state.read().execute(waiting).fetchall() == before
    later = Digests(state, room.bot.desk.clock, Schedule("0 10 * * *", ""), {SOC: ()}, lambda *each: None)
    state.write(later.begin)
    (left,) = [json.loads(row[0]) for row in state.read().execute(waiting)]
    assert (left["since"], left["until"]) == ("2026-11-20T08:00:00Z", "2026-11-21T10:00:00Z")


def test_a_snooze_says_what_it_would_have_hidden_and_then_hides_it(room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    window = snooze(room)
    assert "In the last 30 days it would have hidden:" in window
    assert f"{SCANNER}: 1 alert in 1 case" in window
    assert (ME, "snooze", f"ip {SCANNER}", "silent until 2026-11-21 15:00 UTC in default") in room.audit()
    shown = len(room.slack.messages(SOC))
    for number in range(2):
        room.alert(f"more-{number}", access_key=KEYS[number], source_ip=SCANNER, user_agent="aws-cli/2.31.0")
    room.settle()
    room.move(timedelta(seconds=4))
    room.settle()
    assert len(room.slack.messages(SOC)) == shown
    assert room.case(2).snoozed
    room.slack.type_command(ANALYST, SOC, "/triage snooze")
    room.settle()
    listed = readable(room.slack.ephemeral(ANALYST)[-1])
    assert f"{SCANNER} in default is snoozed until <2026-11-21 15:00 UTC> by sam: our scanner (2 alerts" in listed
    room.slack.click(ANALYST, SOC, room.slack.ephemeral(ANALYST)[-1]["ts"], "lift:1")
    assert "is lifted" in room.submit("Lift snooze", {"reason": "it was not ours"})
    room.settle()
    assert (ME, "lift snooze", f"ip {SCANNER}", "lifted; 2 open cases are shown again") in room.audit()


def test_what_is_grave_breaks_through(room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    snooze(room)
    finding = "AttackSequence:IAM/CompromisedCredentials"
    room.alert("worse", title=finding, access_key=KEYS[5], source_ip=SCANNER)
    assert "Incident" in room.card(2)["text"]


def test_a_snooze_ends_by_itself(room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    snooze(room)
    room.move(timedelta(hours=25))
    room.alert("later", access_key=KEYS[5], source_ip=SCANNER)
    room.settle()
    room.move(timedelta(seconds=4))
    assert not room.case(2).snoozed


def test_it_is_previewed_for_what_was_typed(room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    room.card()
    assert room.slack.type_command(ANALYST, SOC, f"/triage snooze ip {SCANNER}").acked
    room.settle()
    assert f"{SCANNER}: 1 alert in 1 case" in readable(room.window("Snooze"))
    assert room.times[0] == NOW


NETWORK = "198.51.100.0/24"


def test_a_network_is_snoozed_from_a_card_and_hides_every_address_in_it_alone(room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    room.press("snooze case:1", card=room.card())
    room.settle()
    assert f"{NETWORK}: 1 alert in 1 case" in readable(room.window("Snooze"))
    chosen = options(room).index(f"Network {NETWORK}")
    told = room.submit("Snooze", {"what": str(chosen), "lasting": "24", "reason": "our scanners"})
    assert f"{NETWORK} in default is snoozed until" in told
    for number, ip in ((1, "198.51.100.99"), (2, "198.51.101.7")):
        room.alert(f"more-{number}", access_key=KEYS[number], source_ip=ip, user_agent="aws-cli/2.31.0")
    room.settle()
    assert [room.case(2).snoozed, room.case(3).snoozed] == [True, False]


@pytest.mark.parametrize(
    ("typed", "title", "said"),
    [
        (f"ip {NETWORK}", "Snooze", f"{NETWORK}: 1 alert in 1 case"),
        ("198.51.100.7/16", "Snooze", "198.51.0.0/16: 1 alert in 1 case"),
        ("ip 203.0.113.0/24", "Snooze", "203.0.113.0/24: nothing"),
        ("ip 198.0.0.0/8", "Nothing was changed", "198.0.0.0/8 is too wide to be kept silent: at most a /16"),
        ("ip 0.0.0.0/0", "Nothing was changed", "is too wide"),
        ("ip 2001:db8::/31", "Nothing was changed", "or a /32 of IPv6"),
    ],
)
def test_a_typed_network_is_previewed(typed: str, title: str, said: str, room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    room.card()
    assert room.slack.type_command(ANALYST, SOC, f"/triage snooze {typed}").acked
    room.settle()
    assert said in readable(room.window(title))


def test_a_mention_gives_a_button_that_opens_the_window(room: Office) -> None:
    room.alert("first", source_ip=SCANNER)
    room.card()
    room.slack.mention(ANALYST, SOC, f"snooze {NETWORK}")
    room.settle()
    answer = room.slack.messages(SOC)[-1]
    assert f"what a snooze of {NETWORK} would have hidden" in answer["text"]
    room.press("snooze", card=answer)
    room.settle()
    assert f"{NETWORK}: 1 alert in 1 case" in readable(room.window("Snooze"))
