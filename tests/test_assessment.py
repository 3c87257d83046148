"""The judgement, as a table: which signals, which score, which verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.assessment import NOT_ASKED, Case, assess
from bot.excuses import Known
from bot.model import (
    Alert,
    Answer,
    ApprovedTest,
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


SPRING = ApprovedTest("spring", (KEY.value,), (), ("203.0.113.0/28",), NOW - timedelta(1), NOW + timedelta(1))


def test_an_approved_test_is_expected_and_shows_its_score() -> None:
    given = judged(*TOOL, *NETWORK, *CALLS, test=SPRING)
    assert (given.score, given.verdict) == (100, Verdict.EXPECTED)
    assert given.sentence.startswith("expected (100/100): an offensive client, ")
    assert "The approved test “spring”, until 2026-11-21T14:00:00Z, explains it." in given.sentence
    assert "100 would be incident (75 and more), but an approved test explains all of it: expected" in given.arithmetic


def test_a_test_that_does_not_fit_is_told() -> None:
    given = judged(*TOOL, no_test="The approved test “spring” does not explain it: 192.0.2.1 is not in its networks.")
    assert given.verdict is Verdict.SUSPICIOUS
    assert given.sentence.endswith("192.0.2.1 is not in its networks.")


@pytest.mark.parametrize("kind", ["aws.quarantine", "aws.health", "leak.found", "root.key"])
def test_what_proves_exposure_is_an_incident_even_in_a_test(kind: str) -> None:
    assert judged(kind).score == 75
    given = judged(kind, test=SPRING)
    assert given.verdict is Verdict.INCIDENT
    assert "does not excuse it" in given.sentence


@pytest.mark.parametrize(
    ("kinds", "score"),
    [
        (("playbook.succeeded",), 50),
        (("playbook.succeeded", "denied.recon"), 50),
        (("playbook.succeeded", "ua.new14"), 75),
        (("playbook.succeeded", "ip.new"), 75),
        (("playbook.succeeded", "playbook.impact", "ip.new"), 75),
        (("playbook.succeeded", *TOOL, *NETWORK, *CALLS), 100),
    ],
)
def test_damage_done_is_probable_and_beside_a_new_tool_or_place_an_incident(kinds: tuple[str, ...], score: int) -> None:
    assert judged(*kinds).score == score


# ------------------------------------------------------------------------------------------ known places


def of_address(ip: str, *kinds: str) -> Enrichment:
    return replace(answered(*kinds), observable=Observable(Kind.IP, ip))


def test_a_known_address_takes_the_networks_points_and_nothing_else() -> None:
    office = Known((("198.51.100.10", "it is one of the organisation's own"),))
    given = assess(
        [answered(*TOOL), of_address("198.51.100.10", "ip.hosting", "ua.multi")], Case(answerable=ALL, known=office)
    )
    assert given.classes == {"tool": ClassPoints(50, 45), "behaviour": ClassPoints(10, 45)}
    assert (given.score, given.verdict) == (55, Verdict.PROBABLE)
    shown = given.reasons[-1]
    assert (shown.signal, shown.points, shown.evidence) == ("ip.hosting", 0, ("event-ip.hosting",))
    assert shown.sentence == "ip.hosting fired. Not counted: it is one of the organisation's own."


def test_another_address_still_counts() -> None:
    office = Known((("198.51.100.10", "it was used on 9 days before"),))
    places = [of_address("198.51.100.10", "geo.atypical"), of_address("159.89.100.10", "ip.hosting")]
    assert assess(places, Case(answerable=ALL, known=office)).score == 15


# ------------------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize(
    ("kinds", "unknown", "lines"),
    [
        (
            (*TOOL, *NETWORK),
            (),
            (
                "tool: ua.offensive 35 + ua.new14 15 = 50, at most 45",
                "network: ip.hosting 15 + geo.atypical 15 + ip.new 5 = 35",
                "tool 45 + network 35 = 80",
                "80: incident (75 and more)",
            ),
        ),
        ((), (), ("no points = 0", "0: low (less than 25)")),
        (
            ("playbook.impact", "ses.toggle"),
            ("ip.hosting",),
            (
                "behaviour: playbook.impact 30",
                "behaviour 30 = 30",
                "ses.toggle counts nothing: playbook.impact holds the same",
                "30: suspicious (25 and more)",
                "not assessed: ip.hosting; 45 if all were so",
            ),
        ),
        (
            ("aws.quarantine",),
            (),
            (
                "intel: aws.quarantine 50",
                "intel 50 = 50",
                "at least 75, for aws.quarantine",
                "75: incident (75 and more)",
            ),
        ),
        (
            (*TOOL, *NETWORK, *CALLS),
            (),
            (
                "tool: ua.offensive 35 + ua.new14 15 = 50, at most 45",
                "network: ip.hosting 15 + geo.atypical 15 + ip.new 5 = 35",
                "behaviour: denied.recon 10 + ua.multi 10 + api.first 15 = 35",
                "tool 45 + network 35 + behaviour 35 = 115",
                "at most 100",
                "100: incident (75 and more)",
            ),
        ),
        (
            (),
            (*TOOL, "ip.new"),
            (
                "no points = 0",
                "0 would be low (less than 25), but too little could be checked to say so: inconclusive",
                "not assessed: ua.offensive, ua.new14, ip.new; 50 if all were so",
            ),
        ),
        (
            ("playbook.succeeded", "ip.new"),
            (),
            (
                "network: ip.new 5",
                "network 5 = 5",
                "at least 75, for playbook.succeeded beside a sign of network",
                "75: incident (75 and more)",
            ),
        ),
    ],
)
def test_the_arithmetic_is_told_term_by_term(
    kinds: tuple[str, ...], unknown: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    assert judged(*kinds, unknown=unknown).arithmetic == lines


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


def test_what_was_never_seen_is_not_cleared() -> None:
    given = judged(seen=False)
    assert given.verdict is Verdict.INCONCLUSIVE
    assert given.sentence == "inconclusive (0/100): it was not seen in what was searched."
    assert judged("aws.quarantine", seen=False).verdict is Verdict.INCIDENT


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


@pytest.mark.parametrize(
    ("code", "kind", "score"),
    [
        ("AWS_RISK_CREDENTIALS_EXPOSED", "aws.health", 75),
        ("AWS_RISK_CREDENTIALS_COMPROMISED", "aws.health", 75),
        ("AWS_RISK_ACCOUNT_CONSOLE_COMPROMISE", "aws.health", 75),
        ("AWS_RISK_IAM_QUARANTINE", "aws.quarantine", 75),
        ("AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED", "aws.health.suspected", 50),
        ("AWS_RISK_CREDENTIALS_COMPROMISE_SUSPECTED", "aws.health.suspected", 50),
    ],
)
def test_what_aws_health_reports_is_a_floor(code: str, kind: str, score: int) -> None:
    given = judged(alerts=(finding(code),))
    assert given.score == score
    assert [(reason.signal, reason.evidence) for reason in given.reasons] == [(kind, ("alert:a1",))]


def test_a_text_that_only_mentions_aws_health_is_none() -> None:
    assert judged(alerts=(finding("see AWS_RISK_CREDENTIALS_EXPOSED"),)).score == 0


# -------------------------------------------------------------------------------------------- sentences


def test_where_nothing_was_searched_it_is_not_guessed_what_it_could_be() -> None:
    open_questions: dict[str, Any] = {"searched": False, "undecided": frozenset({"ua.offensive", "ip.hosting"})}
    assert judged(**open_questions).could_be is None
    told = judged(alerts=(finding("see AWS_RISK_CREDENTIALS_EXPOSED"),), **open_questions)
    assert told.could_be is not None


@pytest.mark.parametrize(
    ("kinds", "case", "sentence"),
    [
        ((), {}, "low (0/100): nothing unusual in what was checked."),
        (
            *((), {"searched": False}),
            "inconclusive (0/100): insufficient history: nothing of this time was searched.",
        ),
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
