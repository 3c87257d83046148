"""The judgement, as a table: which signals, which score, which verdict."""

from __future__ import annotations

from typing import Any

import pytest

from bot.assessment import NOT_ASKED, Case, assess
from bot.model import (
    Alert,
    Answer,
    Assessment,
    ClassPoints,
    Enrichment,
    Gap,
    Kind,
    Observable,
    Signal,
    Status,
    Unknown,
    Verdict,
)
from bot.weights import shipped
from tests.fakes import NOW

ALL = frozenset(shipped().signals)
KEY = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAA")

TOOL = ("ua.offensive", "ua.new14")
NETWORK = ("ip.hosting", "geo.atypical", "ip.new")
CALLS = ("denied.recon", "ua.multi", "api.first")


def signals(*kinds: str) -> tuple[Signal, ...]:
    return tuple(Signal(kind, f"{kind} fired.", (f"event-{kind}",)) for kind in kinds)


def answered(*kinds: str, unknown: tuple[str, ...] = ()) -> Enrichment:
    answer = Answer("so", signals=signals(*kinds), unknowns=tuple(Unknown(kind, "too little") for kind in unknown))
    return Enrichment("made", "Is it odd?", KEY, Status.ANSWERED, answer)


def unanswered(*raises: str, status: Status = Status.FAILED, why: str = "ValueError: odd") -> Enrichment:
    return Enrichment("made", "Where from?", KEY, status, None, why, frozenset(raises))


def judged(*kinds: str, unknown: tuple[str, ...] = (), **case: Any) -> Assessment:
    return assess([answered(*kinds, unknown=unknown)], Case(answerable=ALL, **case))


def finding(title: str, severity: str | None = "medium") -> Alert:
    return Alert("a1", "from-the-siem", title, severity, NOW, (KEY,))


@pytest.mark.parametrize(
    ("case", "kinds", "score", "verdict"),
    [
        ("the published incident when it was declared", (*TOOL, *NETWORK), 80, "incident"),
        ("the same after the calls were read", (*TOOL, *NETWORK, *CALLS), 100, "incident"),
        ("the same where country and provider could not be looked up", (*TOOL, "ip.new"), 50, "probable"),
        ("through the company's VPN, Kali, refused discovery", (*TOOL, "denied.recon", "api.first"), 70, "probable"),
        ("a forged client on a rented server", (*NETWORK, "ses.toggle", "enum.high"), 100, "incident"),
        ("a traveller on a commercial VPN", NETWORK, 35, "suspicious"),
        ("a developer's first day with Kali at home", (*TOOL, "ip.new"), 50, "probable"),
        ("a new pipeline on a rented server", ("ua.new14", "ip.hosting", "ip.new", "api.first"), 50, "probable"),
        ("quarantined by AWS, no use seen", ("aws.quarantine",), 75, "incident"),
        ("a new laptop in the office", ("ua.new14",), 15, "low"),
        ("nothing", (), 0, "low"),
    ],
)
def test_cases(case: str, kinds: tuple[str, ...], score: int, verdict: str) -> None:
    given = judged(*kinds)
    assert (given.score, given.verdict) == (score, verdict), case


def test_an_approved_test_is_expected_and_shows_its_score() -> None:
    given = judged(*TOOL, *NETWORK, *CALLS, approved_test=True)
    assert (given.score, given.verdict) == (100, Verdict.EXPECTED)


@pytest.mark.parametrize("kind", ["aws.quarantine", "aws.health", "leak.found", "root.key"])
def test_what_proves_exposure_is_an_incident_even_in_a_test(kind: str) -> None:
    assert judged(kind).score == 75
    assert judged(kind, approved_test=True).verdict is Verdict.INCIDENT


def test_points_are_shown_before_the_cap() -> None:
    given = judged(*TOOL, "ip.new")
    assert given.classes == {"tool": ClassPoints(50, 45), "network": ClassPoints(5, 35)}
    assert [(reason.signal, reason.points) for reason in given.reasons] == [
        ("ua.offensive", 35),
        ("ua.new14", 15),
        ("ip.new", 5),
    ]


def test_a_reason_names_its_events() -> None:
    (reason,) = judged("ua.new14").reasons
    assert (reason.sentence, reason.evidence) == ("ua.new14 fired.", ("event-ua.new14",))


def test_a_kind_counts_once_however_many_say_it() -> None:
    many = [
        Enrichment(
            "ip", "Where from?", KEY, Status.ANSWERED, Answer("", signals=(Signal("ip.hosting", say, (event,)),))
        )
        for say, event in (("From A.", "e1"), ("From B.", "e2"), ("From A.", "e1"))
    ]
    given = assess(many, Case(answerable=ALL))
    assert (given.score, len(given.reasons)) == (15, 1)
    assert given.reasons[0].sentence == "From A. (1 more like it.)"
    assert given.reasons[0].evidence == ("e1", "e2")


@pytest.mark.parametrize(
    ("kinds", "score"),
    [
        (("playbook.impact", "ses.toggle"), 30),
        (("playbook.persistence", "console.pivot"), 30),
        (("ip.hosting", "ip.bigcloud"), 15),
        (("enum.medium", "enum.high"), 45),
        (("ses.toggle", "console.pivot"), 40),
    ],
)
def test_the_same_evidence_counts_once(kinds: tuple[str, ...], score: int) -> None:
    assert judged(*kinds).score == score


# ------------------------------------------------------------------------------------ what is not known


def test_what_could_not_be_decided_could_lift_the_score() -> None:
    given = judged(*TOOL, "ip.new", unknown=("ip.hosting", "geo.atypical"))
    assert (given.score, given.verdict, given.could_be) == (50, Verdict.PROBABLE, (Verdict.INCIDENT, 80))
    assert Gap(shipped().signals["ip.hosting"].question, "too little") in given.gaps
    assert given.sentence == (
        "probable (50/100): an offensive client, a kind of client not used before, an address never used "
        "before. Could be incident (80/100) if what could not be assessed is true."
    )


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.SKIPPED])
def test_what_had_no_answer_is_a_gap_and_could_lift_the_score(status: Status) -> None:
    given = assess([answered(*TOOL), unanswered("ip.hosting", "ip.bigcloud", status=status)], Case(answerable=ALL))
    assert given.could_be == (Verdict.PROBABLE, 60)
    assert given.gaps == (Gap("Where from?", f"{status.value.replace('_', ' ')}: ValueError: odd"),)


def test_what_fired_elsewhere_is_not_undecided() -> None:
    given = assess([answered("ip.hosting"), unanswered("ip.hosting")], Case(answerable=ALL))
    assert given.could_be is None


def test_no_unknown_changes_nothing() -> None:
    assert judged(*TOOL).could_be is None
    assert judged(*TOOL, unknown=("ua.offensive",)).could_be is None


@pytest.mark.parametrize(
    ("unknown", "searched", "verdict"),
    [
        ((), True, "low"),
        (("ip.hosting",), True, "low"),
        (TOOL, True, "low"),
        ((*TOOL, "ip.new"), True, "inconclusive"),
        ((), False, "inconclusive"),
    ],
)
def test_low_is_said_only_where_enough_was_checked(unknown: tuple[str, ...], searched: bool, verdict: str) -> None:
    assert judged(unknown=unknown, searched=searched).verdict == verdict


def test_more_than_low_needs_no_search() -> None:
    assert judged(*TOOL, searched=False).verdict is Verdict.SUSPICIOUS


def test_questions_still_open_are_undecided() -> None:
    given = judged("ua.offensive", undecided=frozenset({"ip.hosting", "unheard.of"}))
    assert given.could_be == (Verdict.PROBABLE, 50)


def test_what_nobody_asks_is_a_gap_where_it_is_expected() -> None:
    given = assess([answered()], Case(answerable=ALL - {"geo.atypical", "s3.tool", "key.dormant"}))
    assert given.gaps == (Gap("Is the country usual for this organisation?", NOT_ASKED),)
    assert given.could_be is None


def test_the_callers_gaps_come_first_and_each_once() -> None:
    gap = Gap("What else?", "nothing loaded")
    assert judged(unknown=("ip.new",), gaps=(gap, gap)).gaps[0] == gap
    assert len(judged(unknown=("ip.new",), gaps=(gap, gap)).gaps) == 2


def test_a_signal_without_a_weight_is_said() -> None:
    given = judged("their.own")
    assert (given.score, given.reasons) == (0, ())
    assert given.gaps == (Gap("their.own", "answered, but not weighed: weights.toml has no such signal"),)


def test_signals_of_our_detections_count() -> None:
    assert judged(*TOOL, signals=signals("scope.confirmed")).score == 85


# ----------------------------------------------------------------------------------- detectors' findings


@pytest.mark.parametrize(
    ("title", "severity", "kinds", "score"),
    [
        ("Recon:IAMUser/MaliciousIPCaller", "medium", (), 20),
        ("Recon:IAMUser/MaliciousIPCaller", "high", (), 50),
        ("Recon:IAMUser/MaliciousIPCaller", None, (), 20),
        ("Recon:IAMUser/MaliciousIPCaller", "Critical", (), 50),
        ("AttackSequence:IAM/CompromisedCredentials", "critical", (), 75),
        ("UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", "high", (), 75),
        ("PenTest:IAMUser/KaliLinux", "medium", (), 20),
        ("PenTest:IAMUser/KaliLinux", "medium", ("ua.offensive",), 35),  # one Kali, seen twice
        ("PenTest:IAMUser/KaliLinux", "high", ("ua.offensive",), 50),
        ("UnauthorizedAccess:IAMUser/TorIPCaller", "medium", ("ip.hosting",), 15),
        ("Recon:IAMUser/MaliciousIPCaller", "medium", ("ua.offensive",), 55),
    ],
)
def test_a_finding_of_guardduty(title: str, severity: str | None, kinds: tuple[str, ...], score: int) -> None:
    given = judged(*kinds, alerts=(finding(title, severity),))
    assert given.score == score
    reason = next(reason for reason in given.reasons if reason.signal == "guardduty.finding")
    assert reason.evidence == ("alert:a1",)
    assert reason.sentence == f"GuardDuty reports: {title}"


def test_two_findings_count_once_unless_one_says_something_new() -> None:
    kali, recon = finding("PenTest:IAMUser/KaliLinux"), finding("Recon:IAMUser/MaliciousIPCaller")
    assert judged("ua.offensive", alerts=(kali, kali)).score == 35
    assert judged("ua.offensive", alerts=(kali, recon)).score == 55


@pytest.mark.parametrize("title", ["", "Observed Hacking Tool: Kali", "https://evil/x", "AttackSequence: see ticket"])
def test_another_detectors_alert_is_no_finding_of_guardduty(title: str) -> None:
    assert judged(alerts=(finding(title, "high"),)).score == 0


# -------------------------------------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("kinds", "case", "sentence"),
    [
        ((), {}, "low (0/100): nothing unusual in what was checked."),
        ((), {"searched": False}, "inconclusive (0/100): too little could be checked."),
        (("ua.new14",), {}, "low (15/100): a kind of client not used before."),
        (
            ("ip.new", "ip.hosting"),
            {},
            "low (20/100): a hosting provider never used before, an address never used before.",
        ),
    ],
)
def test_the_verdict_in_a_sentence(kinds: tuple[str, ...], case: dict[str, Any], sentence: str) -> None:
    assert judged(*kinds, **case).sentence == sentence


def test_the_order_of_answers_changes_nothing_but_the_first_sentence() -> None:
    one, two = answered(*TOOL), answered(*CALLS, *NETWORK)
    assert assess([one, two], Case(answerable=ALL)) == assess([two, one], Case(answerable=ALL))
