"""One observable, everything that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.asking import MOST_ADDRESSES
from bot.document import triage_document
from bot.enrichment import Runner
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import (
    AddressClass,
    Alert,
    ApprovedTest,
    Attacker,
    Call,
    Environment,
    Event,
    Evidence,
    Gap,
    IdentityRecord,
    Kind,
    Observable,
    Outcome,
    Ruling,
    Scope,
    Span,
    Status,
    Suggestion,
    Suspicion,
    Triage,
    Verdict,
    Window,
)
from bot.plugins import load_enrichers
from bot.triage import TriageWorld, triage
from tests.fakes import (
    ALICE,
    KALI,
    KALI_AGENT,
    KEY,
    LEAD,
    NOW,
    OFFICE,
    RENTED,
    WINDOW,
    FakeAddresses,
    FakeHistory,
    FakeIam,
    event,
    ordinary,
)

PLUGINS = load_enrichers(["ip_provider", "usual_ips", "user_agents", "denied_calls"])
CLOUDTRAIL = Path(__file__).parent / "data" / "cloudtrail"


def world(events: Sequence[Event], **changes: Any) -> TriageWorld:
    values: dict[str, Any] = {"history": FakeHistory(events), "addresses": FakeAddresses()}
    return TriageWorld(PLUGINS, Runner(), **(values | changes))


def stolen(minutes_ago: float = 10, name: str = "iam:ListUsers", **changes: Any) -> Event:
    values: dict[str, Any] = {"outcome": Outcome.DENIED, "ip": RENTED, "family": KALI, "user_agent": KALI_AGENT}
    return event(minutes_ago, name=name, **(values | changes))


def asked(made: Triage) -> list[tuple[str, str]]:
    return [(each.enricher, each.observable.value) for each in made.enrichments]


def test_the_published_incident() -> None:
    calls = [stolen(30), stolen(25, family="aws-cli/1|windows|-|-"), stolen(20, "ses:GetSendQuota")]
    made = triage(LEAD, WINDOW, world=world([*ordinary(), *calls]))
    assert made.assessment.verdict is Verdict.INCIDENT
    assert {reason.signal for reason in made.assessment.reasons} == {
        "ua.offensive", "ua.new14", "ua.multi", "ip.hosting", "ip.new", "denied.recon",
    }  # fmt: skip
    assert [gap.question for gap in made.assessment.gaps if "country" in gap.question]
    assert made.suggested == (
        Suggestion(
            "disable_access_key",
            KEY,
            "an attacker holds this long-term key; disabling it stops new calls and can be undone",
        ),
    )
    assert made.principal == ALICE
    assert (made.activity.events, made.activity.denied) == (53, 3)


@pytest.mark.parametrize("password", [True, False])
def test_of_a_stolen_key_its_user_and_the_thief_s_address_are_suggested_too(password: bool) -> None:
    iam = FakeIam(of_identity=IdentityRecord("alice", password=password))
    plugins = load_enrichers(["ip_provider", "usual_ips", "user_agents", "denied_calls", "principal"])
    offered = {"disable_access_key", "quarantine_user", "reset_console_password", "revoke_sessions", "block_ip"}
    here = replace(world([*ordinary(), stolen(30), stolen(20, "ses:GetSendQuota")], iam=iam), plugins=plugins)
    made = triage(LEAD, WINDOW, world=replace(here, offered=offered))
    suggested = [(each.remediation, each.target) for each in made.suggested]
    assert suggested == [
        ("disable_access_key", KEY),
        ("quarantine_user", ALICE.id),
        *[("reset_console_password", ALICE.id)] * password,
        ("block_ip", RENTED),
    ]
    ours = replace(here, offered=offered, environment_of=lambda _: Environment(own_networks=(f"{RENTED}/32",)))
    assert "block_ip" not in [each.remediation for each in triage(LEAD, WINDOW, world=ours).suggested]
    others = replace(here, offered=offered, is_ours=lambda account: False)
    assert triage(LEAD, WINDOW, world=others).suggested == ()


def test_a_quiet_key_is_low() -> None:
    made = triage(LEAD, WINDOW, world=world([*ordinary(), event()]))
    assert (made.assessment.verdict, made.assessment.score) == (Verdict.LOW, 0)


def test_answers_stand_in_the_order_of_config_and_addresses_newest_first() -> None:
    made = triage(LEAD, WINDOW, world=world([*ordinary(), event(50, ip="203.0.113.9"), stolen()]))
    assert asked(made) == [
        ("ip_provider", RENTED),
        ("ip_provider", "203.0.113.9"),
        ("usual_ips", KEY),
        ("user_agents", KEY),
        ("denied_calls", KEY),
    ]


def test_at_most_ten_recent_addresses_are_looked_up_and_the_rest_is_a_gap() -> None:
    many = [event(number, ip=f"203.0.{number}.1") for number in range(1, 15)]
    made = triage(LEAD, WINDOW, world=world([*ordinary(), *many]))
    looked_up = [value for name, value in asked(made) if name == "ip_provider"]
    assert looked_up == [f"203.0.{number}.1" for number in range(1, MOST_ADDRESSES + 1)]
    why = "only the newest 10 of 14 were asked about"
    assert why in [gap.why for gap in made.assessment.gaps]


@pytest.mark.parametrize(
    "changes",
    [
        {"address_class": AddressClass.PRIVATE, "ip": "10.0.0.1"},
        {"address_class": AddressClass.AWS_INTERNAL, "ip": "AWS Internal"},
        {"by_service": True},
        {"ip": None},
        {"minutes_ago": 3 * 24 * 60},
    ],
)
def test_only_recent_public_addresses_of_the_caller_are_looked_up(changes: dict[str, Any]) -> None:
    made = triage(LEAD, WINDOW, world=world([*ordinary(), stolen(**changes)]))
    assert "ip_provider" not in [name for name, _ in asked(made)]


@pytest.mark.parametrize(
    ("observable", "names"),
    [
        (Observable(Kind.PRINCIPAL, ALICE.id), ["ip_provider", "usual_ips", "user_agents", "denied_calls"]),
        (Observable(Kind.IP, RENTED), ["ip_provider", "user_agents", "denied_calls"]),
        (Observable(Kind.USER_AGENT, KALI), ["usual_ips", "user_agents", "denied_calls"]),
        (Observable(Kind.EVENT, "iam:ListUsers"), ["usual_ips", "user_agents", "denied_calls"]),
    ],
)
def test_each_kind_is_asked_what_it_can_answer(observable: Observable, names: list[str]) -> None:
    made = triage(observable, WINDOW, world=world([*ordinary(), stolen()]))
    assert [name for name, _ in asked(made)] == names
    assert {each.status for each in made.enrichments} == {Status.ANSWERED}


def test_an_address_has_those_who_used_it() -> None:
    bob = replace(ALICE, id="111122223333:user/bob")
    events = [event(number) for number in range(3)] + [event(principal=bob)]
    made = triage(Observable(Kind.IP, OFFICE), WINDOW, world=world(events))
    assert made.principals == ((ALICE.id, 3), (bob.id, 1))
    assert (made.principal, made.suggested) == (None, ())


# ------------------------------------------------------------------------------- the alert as evidence


def alert(sample: bool = False, **call: Any) -> Alert:
    told = Call(NOW, **({"key": KEY, "ip": RENTED, "user_agent": KALI_AGENT, "event": "iam:ListUsers"} | call))
    return Alert("a1", "generic", "Kali", "high", NOW, (LEAD, Observable(Kind.IP, RENTED)), (told,), sample=sample)


def test_what_only_the_alert_tells_is_evidence() -> None:
    made = triage(LEAD, WINDOW, world=world(ordinary()), alerts=[alert()])
    offensive = next(reason for reason in made.assessment.reasons if reason.signal == "ua.offensive")
    assert offensive.evidence == ("alert:a1",)
    assert ("ip_provider", RENTED) in asked(made)
    assert made.assessment.score >= 65


def test_the_alerts_address_is_looked_up_without_any_history() -> None:
    made = triage(LEAD, WINDOW, world=world([], history=None), alerts=[alert()])
    assert ("ip_provider", RENTED) in asked(made)
    assert made.searched is None


def test_a_made_up_key_is_not_to_be_disabled() -> None:
    made = triage(LEAD, WINDOW, world=world(ordinary()), alerts=[alert(sample=True)])
    assert made.suggested == ()


def test_a_session_key_cannot_be_disabled() -> None:
    session = "ASIARTX3GSDSQAAAAAAA"
    made = triage(Observable(Kind.ACCESS_KEY, session), WINDOW, world=world([event(key=session)]))
    assert made.suggested == ()


def test_nothing_is_suggested_in_an_account_of_others() -> None:
    ours = world([event()], is_ours=lambda account: account == "111122223333")
    theirs = world([event()], is_ours=lambda account: account == "444455556666")
    assert [len(triage(LEAD, WINDOW, world=each).suggested) for each in (ours, theirs)] == [1, 0]


# ------------------------------------------------------------------------------------- what is missing


def test_no_events_is_an_answer_over_what_was_searched() -> None:
    nobody = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAB")
    made = triage(nobody, WINDOW, world=world(ordinary()))
    assert (made.activity.events, made.principal) == (0, None)
    assert {each.status for each in made.enrichments} == {Status.ANSWERED}
    assert made.searched is not None


NOBODY = "the history never saw it; nothing can be said of what was not logged where it was searched"


@pytest.mark.parametrize(
    ("observable", "verdict", "why"),
    [
        (Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAB"), Verdict.INCONCLUSIVE, NOBODY),
        (Observable(Kind.PRINCIPAL, "111122223333:user/nobody"), Verdict.INCONCLUSIVE, NOBODY),
        (Observable(Kind.IP, "192.0.2.77"), Verdict.INCONCLUSIVE, NOBODY),
        (
            Observable(Kind.ACCESS_KEY, "AKIARZPUZDIKAAAAAAAA"),
            Verdict.INCONCLUSIVE,
            "the history has no events of account 123456789012, to which it belongs",
        ),
        (LEAD, Verdict.LOW, None),  # silent for weeks, but known
    ],
)
def test_what_was_never_seen_is_not_cleared(observable: Observable, verdict: Verdict, why: str | None) -> None:
    quiet = [event(60 * 24 * 40), *ordinary(key="AKIARTX3GSDSQAAAAAAC")]
    made = triage(observable, WINDOW, world=world(quiet))
    assert made.activity.events == 0
    assert made.assessment.verdict is verdict
    assert [gap.why for gap in made.assessment.gaps if gap.question == "What was it used for?"] == (
        [why] if why else []
    )


@pytest.mark.parametrize(
    ("told", "verdict"),
    [({"ip": None, "user_agent": None}, Verdict.INCONCLUSIVE), ({}, Verdict.SUSPICIOUS)],
)
def test_what_only_an_alert_tells_of_is_not_cleared_either(told: dict[str, Any], verdict: Verdict) -> None:
    nobody = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAB")
    named = replace(alert(key=nobody.value, **told), observables=(nobody,))
    made = triage(nobody, WINDOW, world=world(ordinary()), alerts=[named])
    assert made.assessment.verdict is verdict
    assert NOBODY in [gap.why for gap in made.assessment.gaps]


# ------------------------------------------------------------------------- what explains it


SPRING = ApprovedTest("spring", (KEY,), (), ("159.89.100.0/24",), NOW - timedelta(hours=1), NOW)


@pytest.mark.parametrize(
    ("events", "test", "verdict"),
    [
        ([stolen(30), stolen(20)], SPRING, Verdict.EXPECTED),
        ([stolen(30), event()], SPRING, Verdict.EXPECTED),
        ([stolen(30), stolen(90)], SPRING, Verdict.INCIDENT),
        ([stolen(30)], replace(SPRING, keys=("AKIARTX3GSDSQAAAAAAB",)), Verdict.INCIDENT),
        ([stolen(30)], replace(SPRING, networks=("203.0.113.0/24",)), Verdict.INCIDENT),
    ],
)
def test_an_approved_test_explains_a_key(events: list[Event], test: ApprovedTest, verdict: Verdict) -> None:
    given = world([*ordinary(), *events], environment_of=lambda _: Environment(tests=(test,)))
    made = triage(LEAD, WINDOW, world=given)
    assert (made.assessment.verdict, made.assessment.score) == (verdict, 75)


def test_an_approved_test_explains_its_address_and_its_user_too() -> None:
    given = world([*ordinary(), stolen(30)], environment_of=lambda _: Environment(tests=(SPRING,)))
    for observable in (Observable(Kind.IP, RENTED), Observable(Kind.PRINCIPAL, ALICE.id)):
        assert triage(observable, WINDOW, world=given).assessment.verdict is Verdict.EXPECTED


def test_the_environment_of_an_address_is_that_of_the_accounts_it_was_used_in() -> None:
    own = Environment("ours", frozenset({"111122223333"}), own_networks=("159.89.100.0/24",))
    given = world([stolen()], environment_of=lambda account: own if account in own.accounts else Environment())
    made = triage(Observable(Kind.IP, RENTED), WINDOW, world=given)
    assert not [reason.points for reason in made.assessment.reasons if reason.signal.startswith("ip.")]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"history": None}, "there is no CloudTrail history: run `triage ingest`"),
        ({"history": FakeHistory([])}, "the history holds nothing of this window"),
    ],
)
def test_nothing_searched_clears_nobody(changes: dict[str, Any], why: str) -> None:
    made = triage(LEAD, WINDOW, world=world([], **changes))
    assert made.assessment.verdict is Verdict.INCONCLUSIVE
    assert why in [gap.why for gap in made.assessment.gaps]
    assert {each.status for each in made.enrichments if each.enricher != "ip_provider"} == {Status.SKIPPED}


def test_a_history_that_begins_late_is_a_gap() -> None:
    made = triage(LEAD, WINDOW, world=world(ordinary(days=4)))
    assert made.assessment.gaps[0].why == "the history covers 2026-11-16T11:59:00Z to 2026-11-19T13:59:00Z"


# --------------------------------------------------------------------------------- while it is asked


def test_progress_fills_the_card_in() -> None:
    seen: list[Triage] = []
    made = triage(LEAD, WINDOW, world=world([*ordinary(), stolen()]), on_progress=seen.append)
    assert [len(each.enrichments) for each in seen] == [0, 1, 2, 3]
    assert all(each.pending for each in seen)
    assert seen[0].assessment.verdict is Verdict.INCONCLUSIVE
    assert (made.pending, len(made.enrichments)) == ((), 4)


def test_the_environment_is_that_of_the_principals_account() -> None:
    own = Environment("ours", frozenset({"111122223333"}), own_networks=("159.89.100.0/24",))
    given = world(
        [*ordinary(), stolen()], environment_of=lambda account: own if account in own.accounts else Environment()
    )
    made = triage(LEAD, WINDOW, world=given)
    assert not {"ip.new", "ip.hosting"} & {reason.signal for reason in made.assessment.reasons}


# ---------------------------------------------------------------------------------- on real records


@pytest.fixture(scope="module")
def invictus(tmp_path_factory: pytest.TempPathFactory) -> SqliteHistory:
    history = SqliteHistory(tmp_path_factory.mktemp("history") / "history.sqlite")
    load_paths(history, [CLOUDTRAIL / "invictus_stratus_2023"])
    return history


@pytest.mark.parametrize(
    ("key", "denied"),
    [
        ("AKIATFQR7NSC8Q4X20BJ", 13),
        ("ASIATFQR7NSCWLLE7IWW", 29),
        ("ASIATFQR7NSC2632JLFK", 15),
        ("ASIATFQR7NSCVTLW746I", 2),
        ("ASIATFQR7NSCVW2R4OHT", 1),
    ],
)
def test_real_records_agree_with_themselves(invictus: SqliteHistory, key: str, denied: int) -> None:
    newest = invictus.newest()
    assert newest is not None
    real = TriageWorld(PLUGINS, Runner(), invictus, LocalAddressData())
    made = triage(Observable(Kind.ACCESS_KEY, key), Window.ending(newest), world=real)
    assert {each.status for each in made.enrichments} == {Status.ANSWERED}
    document = triage_document(made)
    data = {each["enricher"]: each["data"] for each in document["enrichments"]}
    activity = document["activity"]
    assert data["denied_calls"]["total"] == activity["denied"] == denied
    families = data["user_agents"]["families"]
    assert sum(row["count"] for row in families) == activity["events"] - activity["by_service"]
    assert all(reason["evidence"] for reason in document["assessment"]["reasons"])


def test_the_window_is_the_one_asked_about(invictus: SqliteHistory) -> None:
    early = Window.ending(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=1))
    made = triage(
        Observable(Kind.ACCESS_KEY, "AKIATFQR7NSC8Q4X20BJ"), early, world=TriageWorld(PLUGINS, Runner(), invictus)
    )
    assert (made.searched, made.activity.events) == (None, 0)
    assert made.assessment.verdict is Verdict.INCONCLUSIVE


# ------------------------------------------------------------------------------------- the same hands


class Hands:
    """A scoper that remembers what it was asked and finds ``confirmed``, or cannot say."""

    def __init__(self, *confirmed: str, gap: str | None = None) -> None:
        self.confirmed, self.gap = confirmed, gap
        self.asked: list[tuple[list[str], list[str], list[str]]] = []

    def __call__(
        self, leads: Sequence[Observable], window: Window, *, told: Sequence[Event], rulings: Sequence[Ruling]
    ) -> Scope | Gap:
        self.asked.append(([each.value for each in leads], [each.id for each in told], [each.key for each in rulings]))
        if self.gap:
            return Gap("Which other keys are in the same hands?", self.gap)
        trace = Evidence("address", "network", 0.8, "It was used from there.", ("event-x",))
        found = tuple(Suspicion(key, "111122223333:user/bob", 1, 0.9, (trace,)) for key in (KEY, *self.confirmed))
        span = Span(window.since, window.until)
        return Scope(tuple(leads), span, span, None, 1, found, (), (), (), Attacker(), ())


def test_what_is_grave_enough_is_scoped_and_judged_again() -> None:
    hands = Hands("AKIARTX3GSDSQBBBBBBB")
    seen: list[Triage] = []
    suspicious = [*ordinary(), stolen(10, ip=OFFICE)]
    alone = triage(LEAD, WINDOW, world=world(suspicious))
    ruling = Ruling("AKIARTX3GSDSQCCCCCCC", False, "a test", "Alice", NOW)
    made = triage(LEAD, WINDOW, world=world(suspicious, scoper=hands), rulings=[ruling], on_progress=seen.append)
    assert hands.asked == [([KEY], [], ["AKIARTX3GSDSQCCCCCCC"])]
    assert made.assessment.score == alone.assessment.score + 40
    assert made.assessment.reasons[0].signal == "scope.confirmed"
    assert made.scope is not None
    assert [each.key for each in made.scope.confirmed] == [KEY, "AKIARTX3GSDSQBBBBBBB"]
    assert seen[-1].pending == ("Which other keys are in the same hands?",)
    assert made.pending == ()


def test_an_ordinary_key_is_not_scoped() -> None:
    hands = Hands()
    made = triage(LEAD, WINDOW, world=world(ordinary(), scoper=hands))
    assert (made.assessment.verdict, made.scope, hands.asked) == (Verdict.LOW, None, [])


def test_a_scope_that_could_not_be_made_is_a_gap_and_could_raise_the_verdict() -> None:
    made = triage(LEAD, WINDOW, world=world([*ordinary(), stolen(10, ip=OFFICE)], scoper=Hands(gap="no disk")))
    assert Gap("Which other keys are in the same hands?", "no disk") in made.assessment.gaps
    assert made.scope is None
    assert made.assessment.could_be is not None
    assert made.assessment.could_be[1] >= made.assessment.score + 40


def test_what_an_alert_tells_is_scoped_too() -> None:
    hands = Hands()
    call = Call(NOW - timedelta(minutes=1), key=KEY, ip=RENTED, user_agent=KALI_AGENT, event="iam:ListUsers")
    alert = Alert("a-9", "siem", "Kali", "high", NOW, (LEAD,), (call,))
    triage(LEAD, WINDOW, world=world(ordinary(), scoper=hands), alerts=[alert])
    assert hands.asked == [([KEY], ["alert:a-9"], [])]
