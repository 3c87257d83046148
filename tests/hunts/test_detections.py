"""What stands out by itself: each detection on made calls, and what ordinary days must not tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.app import Desk
from bot.config import load
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.hunts.result import Hit
from bot.hunts.seeing import blind_spots
from bot.hunts.stories import detect
from bot.hunts.watching import Watch, alert_of, watch
from bot.model import AddressOrigin, Detail, Event, Kind, Outcome, Principal, Span
from bot.scope.ground import Ground, Known
from bot.scope.whole import Whole
from tests.fakes import ALICE, KALI, KALI_AGENT, KEY, NOW, RENTED, event
from tests.history import made
from tests.scope.made import MadeHistory

ROOT = Principal("111122223333:root", "Root", "arn:aws:iam::111122223333:root", "111122223333")
CURL = "curl|-|-|-"
SESSION = "ASIARTX3GSDSQAAAAAAA"
DAY = 24 * 60


def rented(ip: str) -> AddressOrigin:
    return AddressOrigin(ip, provider="DigitalOcean" if ip == RENTED else None, hosting=ip == RENTED or None)


def ordinary(days: int = 20) -> list[Event]:
    """Twenty days of alice at her office, with one client."""
    return [event(DAY * (day + 1) + 60 * hour, name="s3:GetObject") for day in range(days) for hour in range(4)]


def ground(*calls: Event) -> Ground:
    window = Span(NOW - timedelta(days=1) + timedelta(seconds=1), NOW)
    return Ground(Whole(MadeHistory([*ordinary(), *calls])), window, Known(origin=rented))


def told(*calls: Event) -> list[Hit]:
    return list(detect(ground(*calls), calls))


def names(*calls: Event) -> set[str]:
    return {name for hit in told(*calls) for name in hit.hunt.split("+")}


def stolen(minutes: float, name: str = "iam:ListUsers", **changes: Any) -> Event:
    values: dict[str, Any] = {"ip": RENTED, "family": CURL, "user_agent": "curl/8"}
    return event(minutes, name=name, **(values | changes))


def signed_in(minutes: float, *, mfa: bool = False, **changes: Any) -> Event:
    """A sign-in to the console: its record names no key."""
    values: dict[str, Any] = {"key": None, "family": "browser|windows", "detail": Detail(mfa=mfa)}
    return event(minutes, name="signin:ConsoleLogin", **(values | changes))


def refused(minutes: float, name: str, **changes: Any) -> Event:
    return stolen(minutes, name, outcome=Outcome.DENIED, **changes)


@pytest.mark.parametrize(
    ("detection", "severity", "calls"),
    [
        ("ua.offensive", "high", lambda: [stolen(9, family=KALI, user_agent=KALI_AGENT)]),
        ("ses.toggle", "medium", lambda: [stolen(9, "ses:UpdateAccountSendingEnabled")]),
        (
            "ses.toggle",
            "high",
            lambda: [stolen(9 + n, "ses:PutAccountDetails", region=f"eu-west-{n}") for n in (1, 2)],
        ),
        ("logging.tamper", "high", lambda: [stolen(9, "cloudtrail:StopLogging", outcome=Outcome.DENIED)]),
        ("console.pivot", "high", lambda: [stolen(9, "sts:GetFederationToken")]),
        ("llm.probe", "high", lambda: [stolen(20, "bedrock:ListFoundationModels"), refused(9, "bedrock:InvokeModel")]),
        ("denied.burst", "medium", lambda: [refused(9, f"service{n}:Describe") for n in range(5)]),
        ("denied.burst", "medium", lambda: [refused(9, f"ec2:Describe{n}") for n in range(15)]),
        ("root.key", "critical", lambda: [stolen(9, principal=ROOT)]),
        ("console.nomfa", "high", lambda: [signed_in(9, principal=ROOT)]),
        ("console.pivot", "high", lambda: [signed_in(9, ip=RENTED)]),
        (
            "aws.quarantine",
            "critical",
            lambda: [event(9, name="iam:AttachUserPolicy", detail=Detail(policy="AWSCompromisedKeyQuarantineV3"))],
        ),
        (
            "quarantine.lifted",
            "high",
            lambda: [event(9, name="iam:DetachUserPolicy", detail=Detail(policy="AWSCompromisedKeyQuarantineV3"))],
        ),
        (
            "ses.toggle",
            "high",
            lambda: [stolen(9, "ses:UpdateAccountSendingEnabled"), stolen(10, "ses:GetSendQuota")],
        ),
    ],
)
def test_each_detection_fires_on_what_it_is_for(
    detection: str, severity: str, calls: Callable[[], list[Event]]
) -> None:
    hits = [hit for hit in told(*calls()) if detection in hit.hunt.split("+")]
    assert [(hit.severity, hit.level) for hit in hits] == [(severity, "match")]
    assert hits[0].evidence


@pytest.mark.parametrize(
    "calls",
    [
        lambda: [event(9, name="s3:PutObject")],
        lambda: [stolen(9, "s3:GetObject", ip="203.0.113.99")],
        lambda: [stolen(9, "s3:GetObject")],
        lambda: [event(9, name="ec2:DescribeInstances", family=CURL, user_agent="curl/8")],
        lambda: [event(9, name="iam:ListUsers", outcome=Outcome.DENIED)],
        lambda: [event(9 + n, name="ec2:DescribeInstances", outcome=Outcome.DENIED) for n in range(9)],
        lambda: [event(9, name="sts:GetFederationToken")],
        lambda: [event(9, name="iam:AttachUserPolicy", detail=Detail(policy="ReadOnlyAccess"))],
        lambda: [event(9, name="s3:GetObject", outcome=Outcome.DENIED) for _ in range(40)],
    ],
    ids=[
        "new call",
        "new place and client",
        "rented place",
        "new laptop",
        "a refusal",
        "one call refused",
        "at home",
        "policy",
        "a broken program at home",
    ],
)
def test_what_one_oddity_alone_does_not_tell(calls: Callable[[], list[Event]]) -> None:
    assert told(*calls()) == []


@pytest.mark.parametrize(
    ("detection", "calls"),
    [
        ("session.spray", [("sts:AssumeRole", f"ASIARTX3GSDSQAAAAAA{n}") for n in (2, 3, 4)]),
        ("denied.burst", [(f"ec2:Describe{n % 3}", None) for n in range(5)]),
    ],
)
def test_what_people_meet_every_week_is_told_only_beside_another_class(
    detection: str, calls: list[tuple[str, str | None]]
) -> None:
    outcome = Outcome.DENIED if detection == "denied.burst" else Outcome.OK
    (hit,) = told(*(stolen(9 + n, name, minted=minted, outcome=outcome) for n, (name, minted) in enumerate(calls)))
    assert (detection in hit.hunt.split("+"), hit.level) == (True, "weak")
    home = [event(9 + n, name=name, minted=minted, outcome=outcome) for n, (name, minted) in enumerate(calls)]
    assert told(*home) == []


@pytest.mark.parametrize(
    "calls",
    [
        lambda: [event(20, name="bedrock:ListFoundationModels"), event(9, name="bedrock:Converse")],
        lambda: [stolen(25, "bedrock:ListFoundationModels"), stolen(9, "bedrock:Converse")],
        lambda: [stolen(9, "bedrock:ListFoundationModels"), stolen(20, "bedrock:Converse")],
        lambda: [stolen(20, "bedrock:ListFoundationModels", key=SESSION), stolen(9, "bedrock:Converse", key=SESSION)],
    ],
    ids=["at home", "too late", "the other way round", "a session"],
)
def test_what_is_no_probing_of_models(calls: Callable[[], list[Event]]) -> None:
    assert not any(hit.level == "match" or "llm.probe" in hit.hunt for hit in told(*calls()))


def test_weak_findings_of_two_classes_tell_together() -> None:
    (hit,) = told(stolen(9, "ses:GetSendQuota"))
    assert hit.level == "weak"
    assert set(hit.hunt.split("+")) == {"api.first", "ua.new14", "ip.hosting"}


def test_one_story_is_one_alert_whatever_it_holds() -> None:
    calls = [stolen(30 - n, "ses:UpdateAccountSendingEnabled", family=KALI, user_agent=KALI_AGENT) for n in range(20)]
    (hit,) = told(*calls)
    alert = alert_of(hit)
    assert alert.id == f"detection:story:111122223333:user/alice:{NOW.date()}"
    assert (alert.severity, alert.source) == ("high", "detection")
    assert [each.kind for each in alert.observables] == [Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP]
    assert alert_of(told(*calls[:3])[0]).id == alert.id


def test_a_sign_in_without_mfa_at_home_or_with_mfa_tells_nothing() -> None:
    assert told(signed_in(9)) == []
    assert told(signed_in(9, mfa=True, principal=ROOT)) == []
    assert "console.nomfa" not in names(signed_in(9, mfa=True, ip=RENTED))
    assert "console.nomfa" in names(signed_in(9, ip=RENTED))


def test_what_a_service_does_for_somebody_tells_nothing() -> None:
    assert told(stolen(9, "cloudtrail:StopLogging", by_service=True)) == []


def test_what_a_principal_of_an_open_case_did_since_is_not_usual() -> None:
    days = [stolen(DAY * day + 9, "ses:UpdateAccountSendingEnabled") for day in (3, 2, 1, 0)]
    history = MadeHistory([*ordinary(), *days])
    assert [hit for hit in watch(history, NOW, Known()).hits if "ses.toggle" in hit.hunt] == []
    doubted = {"111122223333:user/alice": NOW - timedelta(days=4)}
    (hit,) = watch(history, NOW, Known(doubted=doubted)).hits
    assert hit.hunt == "ses.toggle+api.first+ua.new14"


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([], "is empty"),
        ([event(9, name="s3:PutObject")], "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
        ([event(DAY * 5)], "nothing has come in since"),
        ([event(DAY * 20 + 60), event(9)], "20 days of the 30"),
        ([event(DAY * 40 + 60), event(9)], "40 days of the 90"),
    ],
)
def test_the_doctor_says_what_the_detections_cannot_see(history: list[Event], why: str) -> None:
    assert any(why in gap.why for gap in blind_spots(MadeHistory(history), NOW))


def test_the_doctor_has_nothing_to_say_of_a_history_that_is_whole() -> None:
    assert blind_spots(MadeHistory([event(DAY * 100), event(9)]), NOW) == ()


def test_without_read_only_calls_it_says_what_it_cannot_see() -> None:
    history = MadeHistory([*ordinary(), event(9, name="s3:PutObject")])
    found = watch(history, NOW, Known())
    assert any("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" in gap.why for gap in found.gaps)


# ------------------------------------------------------------------------------------ as it runs by itself

CONFIG = """\
[slack]
channel = "C0SOC"
[store]
path = "{folder}/state.db"
[history]
path = "{folder}/history.db"
"""
USER = {"type": "IAMUser", "userName": "alice", "accountId": made.ACCOUNT, "accessKeyId": KEY}


def record(number: int, minutes: float, name: str, **changes: Any) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"userIdentity": USER, "userAgent": "aws-cli/2.31.0 md/distrib#ubuntu", "errorCode": None}
    source = "ses.amazonaws.com" if name.startswith("Update") else "s3.amazonaws.com"
    return made.record(number, eventTime=at, eventName=name, eventSource=source, **(values | changes))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    usual = [record(n, DAY * (n + 1), "GetObject") for n in range(20)]
    kept = SqliteHistory(tmp_path / "history.db")
    load_paths(kept, [made.write(tmp_path / "usual.json", usual)])
    kept.close()
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with Desk(load(config, {}), {}, lambda: NOW) as opened:
        yield opened


def test_a_theft_that_was_loaded_opens_a_case_once(desk: Desk, tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.db")
    now = [NOW]
    watching = Watch(history, desk.investigate.known, lambda: now[-1], desk.pipeline.detected, timedelta(minutes=5))
    cases = "SELECT subject_value, title FROM cases"
    watching.step()
    assert list(desk.state.read().execute(cases)) == []
    theft = [record(900, 30, "UpdateAccountSendingEnabled", sourceIPAddress=RENTED, userAgent=KALI_AGENT)]
    load_paths(history, [made.write(tmp_path / "theft.json", theft)])
    watching.step()
    assert list(desk.state.read().execute(cases)) == [], "not before it is time again"
    for _ in range(3):
        now.append(now[-1] + timedelta(minutes=5))
        watching.step()
    ((subject, title),) = desk.state.read().execute(cases).fetchall()
    assert subject == KEY
    assert "penetration-testing client" in title
    triage = json.dumps({"principal": {"id": ALICE.id}})
    desk.state.write(lambda db: db.execute("UPDATE cases SET triage = ?", [triage]))
    assert set(desk.investigate.known().doubted) == {ALICE.id}
    history.close()


def test_what_is_left_of_a_story_past_midnight_is_no_second_one(desk: Desk, tmp_path: Path) -> None:
    midnight, numbers = NOW.replace(hour=0, minute=0, second=0), count(900)
    history, now = SqliteHistory(tmp_path / "history.db"), [NOW]
    known = Known(doubted={ALICE.id: midnight - timedelta(minutes=20)})
    watching = Watch(history, lambda: known, lambda: now[-1], desk.pipeline.detected, timedelta(minutes=5))

    def looked(at: datetime, name: str = "UpdateAccountSendingEnabled", **changes: Any) -> list[str]:
        """The alerts that cases have, once a call was made, loaded and looked at."""
        call = record(next(numbers), (NOW - at) / timedelta(minutes=1), name, **changes)
        load_paths(history, [made.write(tmp_path / f"{at:%d-%H-%M}.json", [call])])
        now.append(at)
        watching.step()
        return [row[0] for row in desk.state.read().execute("SELECT alert_id FROM case_alerts ORDER BY rowid")]

    thief = {"sourceIPAddress": RENTED, "userAgent": KALI_AGENT}
    begun = looked(midnight - timedelta(minutes=20), **thief)
    assert len(begun) == 1
    assert looked(midnight + timedelta(minutes=20), **thief) == begun, "the same story"
    the_next_night = midnight + timedelta(hours=23, minutes=50)
    assert looked(the_next_night, "GetObject") == begun, "what is left of it"
    assert len(looked(the_next_night + timedelta(minutes=6), **thief)) == 2, "it goes on"
    history.close()
