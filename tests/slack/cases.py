"""Cases as they stand at the moments a card is looked at. ``python -m tests.slack.cases`` writes the golden files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.model import (
    Activity,
    Actor,
    Alert,
    Answer,
    Assessment,
    Attacker,
    Case,
    Change,
    ChangeState,
    ClassPoints,
    Containment,
    ContainmentRow,
    Coverage,
    DeclaredIncident,
    Enrichment,
    Evidence,
    Excluded,
    Fact,
    Gap,
    Handover,
    Kind,
    Made,
    Observable,
    Plan,
    Principal,
    RareEvent,
    Reason,
    Refusal,
    Scope,
    Signal,
    Span,
    Standing,
    Status,
    Step,
    Suggestion,
    Suspicion,
    Sweep,
    Triage,
    Verdict,
    Waiting,
    Window,
)
from bot.slack.card import card
from tests.slack.readable import readable

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KEY = "AKIARTX3GSDSQAAAAAAA"
KALI = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"
ADDRESS = "203.0.113.77"
GOLDEN = Path(__file__).parent.parent / "data" / "cards"

SUBJECT = Observable(Kind.ACCESS_KEY, KEY)
ALERT = Alert(
    id="a-1",
    source="siem",
    title="Observed Hacking Tool User agent – Kali Linux",
    severity="high",
    at=NOW - timedelta(minutes=4),
    observables=(SUBJECT,),
)
ALICE = Actor("slack:T0AAAAAAA:U0AAAAAAA", "Alice Example")
NOOR = Actor("slack:T0AAAAAAA:U0NOORAAA", "Noor Haddad")


def enrichment(name: str, answer: Answer, observable: Observable = SUBJECT) -> Enrichment:
    return Enrichment(name, f"What does {name} say?", observable, Status.ANSWERED, answer)


def clients(*agents: str) -> Enrichment:
    families = [
        {"family": "aws-cli/1|linux|kali|-", "count": 3, "new": True, "agents": list(agents)},
        {"family": "boto3|linux|-|-", "count": 33, "new": False, "agents": ["Boto3/1.26.90 Python/3.9.2"]},
    ]
    signal = Signal("ua.offensive", "alice called AWS from Kali, a penetration-testing system.", ("event-1",))
    return enrichment(
        "user_agents",
        Answer(
            "2 clients, 1 new", (Fact("aws-cli/1 linux kali", "3 calls, new"),), (signal,), (), {"families": families}
        ),
    )


def addresses() -> tuple[Enrichment, ...]:
    seen = [
        {"ip": ADDRESS, "count": 3, "days": 1, "new": True},
        {"ip": "198.51.100.4", "count": 33, "days": 11, "new": False},
    ]
    origin = {
        "ip": ADDRESS,
        "asn": 14061,
        "organisation": None,
        "country": "NL",
        "provider": "DigitalOcean",
        "hosting": True,
        "big_three": False,
        "tor": False,
        "vpn": None,
    }
    return (
        enrichment("usual_ips", Answer("2 addresses, 1 new", data={"addresses": seen})),
        enrichment("ip_provider", Answer(f"{ADDRESS}: DigitalOcean", data=origin), Observable(Kind.IP, ADDRESS)),
    )


def denied() -> Enrichment:
    calls = [{"event": "iam:ListUsers", "count": 2, "error_codes": ["AccessDenied"], "source_ips": [ADDRESS]}]
    return enrichment("denied_calls", Answer("Refused calls: 3, iam:ListUsers 2", data={"total": 3, "calls": calls}))


LOCATION = Enrichment(
    "location",
    "Is the country usual for this organisation?",
    Observable(Kind.IP, ADDRESS),
    Status.SKIPPED,
    why="needs IP data: run `triage ipdata update`",
)


def assessment(verdict: Verdict = Verdict.INCIDENT, score: int = 80) -> Assessment:
    return Assessment(
        verdict=verdict,
        score=score,
        classes={"tool": ClassPoints(50, 45), "network": ClassPoints(20, 35)},
        reasons=(Reason("ua.offensive", 35, "alice called AWS from Kali.", ("event-1",)),),
        gaps=(Gap(LOCATION.question, f"skipped: {LOCATION.why}"), Gap("Is the key public?", "the search timed out")),
        could_be=None,
        sentence=f"{verdict} ({score}/100): attack tool, hosting provider.",
    )


def triage(*enrichments: Enrichment, judged: Assessment | None = None, pending: tuple[str, ...] = ()) -> Triage:
    return Triage(
        observable=SUBJECT,
        window=Window.ending(NOW),
        searched=Coverage(
            NOW - timedelta(days=14),
            NOW,
            ("111122223333",),
            {"us-east-1": NOW - timedelta(minutes=6)},
            ("no log of account 444455556666",),
        ),
        principal=Principal(
            "111122223333:user/alice", "IAMUser", "arn:aws:iam::111122223333:user/alice", "111122223333"
        ),
        principals=(),
        activity=Activity(
            events=36,
            denied=3,
            first_seen=NOW - timedelta(days=11),
            last_seen=NOW - timedelta(minutes=6),
            services={"ses": 31, "iam": 3, "sts": 2},
        ),
        enrichments=enrichments or (clients(KALI), *addresses(), denied(), LOCATION),
        assessment=judged or assessment(),
        suggested=(Suggestion("disable_access_key", KEY, "an attacker holds it"),),
        pending=pending,
    )


def change(state: ChangeState = ChangeState.CONFIRMED, **differing: Any) -> Change:
    made = Change(
        execution="exec-1",
        plan="plan-1",
        case=12,
        remediation="disable_access_key",
        target=KEY,
        state=state,
        undo_of=None,
        undone=False,
        approved_by=ALICE,
        reason="stolen",
        at=NOW,
        sentence=f"Disable access key {KEY} of alice: done.",
    )
    return replace(made, **differing)


def plan(**differing: Any) -> Plan:
    made = Plan(
        id="plan-1",
        remediation="disable_access_key",
        target=KEY,
        account="111122223333",
        case=12,
        undo_of=None,
        title=f"Disable access key {KEY} of alice",
        before={"status": "Active"},
        after={"status": "Inactive"},
        warnings=("Sessions made from this key live on.", "Mail sent with this key stops."),
        requested_by=ALICE,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
    )
    return replace(made, **differing)


def containment(**differing: Any) -> Containment:
    """One key that will be disabled, one user with nothing to do, one password a person has to take away."""
    commands = ("aws iam delete-login-profile --user-name alice",)
    made = Containment(
        id="contain-1",
        case=12,
        undo_of=None,
        requested_by=ALICE,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        rows=(
            ContainmentRow(Step.KEYS, "disable_access_key", KEY, plan(), None),
            ContainmentRow(
                Step.USERS, "quarantine_user", "111122223333:user/alice", None, Refusal("Denied.", (), True)
            ),
            ContainmentRow(Step.PASSWORDS, "reset_console_password", "x", None, Refusal("No way in.", commands)),
        ),
    )
    return replace(made, **differing)


CHECKING = Case(12, "default", SUBJECT, ALERT.title, "C0SOC", True, NOW, Window.ending(NOW), (ALERT,))
INCIDENT = replace(CHECKING, triage=triage())

SUSPECT = "AKIARTX3GSDSQCCCCCCC"


def suspicion(key: str, name: str, round_: int, *classes: str) -> Suspicion:
    traces = tuple(Evidence(each, each, 0.8, f"A trace of {each}.", (f"event-{each}",)) for each in classes)
    since, calls = NOW - timedelta(hours=2), {"ses:GetSendQuota": 4, "iam:ListUsers": 2}
    return Suspicion(key, f"111122223333:user/{name}", round_, 0.92, traces, since, NOW, calls)


HELPER = Made(
    kind="user",
    name="111122223333:user/helper",
    account="111122223333",
    region="us-east-1",
    calls=("iam:CreateUser",),
    key=KEY,
    principal="111122223333:user/alice",
    ip=ADDRESS,
    at=NOW - timedelta(minutes=30),
    thiefs=True,
    evidence=("event-9",),
    standing=Standing.EXISTS,
    told="made at 2026-11-23T09:30:00Z",
    remediation="disable_created",
    target="111122223333:user/helper",
)
OPEN_URL = replace(
    HELPER,
    kind="function URL",
    name="<!channel> *x*\u202e",
    calls=("lambda:CreateFunctionUrlConfig",),
    thiefs=False,
    standing=Standing.UNKNOWN,
    told="AccessDenied on GetFunctionUrlConfig",
    remediation=None,
    target=None,
    commands=("aws lambda delete-function-url-config --function-name x --region us-east-1",),
)
SWEEP = Sweep(NOW, (HELPER, OPEN_URL), (Gap("What is left of what these keys made?", "1 of 2 could not be asked"),))

SCOPE = Scope(
    leads=(SUBJECT,),
    window=Span(NOW - timedelta(days=1), NOW),
    baseline=Span(NOW - timedelta(days=31), NOW - timedelta(days=1)),
    searched=None,
    rounds=2,
    confirmed=(
        suspicion(KEY, "alice", 0, "lead"),
        suspicion("AKIARTX3GSDSQBBBBBBB", "bob", 1, "network", "tool"),
    ),
    suspects=(suspicion(SUSPECT, "carol", 2, "network"),),
    excluded=(Excluded("198.51.100.4", "used by 35 principals in the 30 days before"),),
    rare_events=(RareEvent("ses:UpdateAccountSendingEnabled", 0, 6),),
    attacker=Attacker((ADDRESS,), ("aws-cli/1|linux|kali|-",), ("iam:ListUsers",)),
    gaps=(Gap("What did the logs miss?", "eu-west-1 has no records"),),
    sweep=SWEEP,
)
SCOPED = replace(INCIDENT, triage=replace(triage(), scope=SCOPE))

BESIDE = (
    Suggestion("quarantine_user", "111122223333:user/alice", "it refuses all the user's keys"),
    Suggestion("reset_console_password", "111122223333:user/alice", "whoever knows it can sign in"),
    Suggestion("block_ip", "203.0.113.66", "it refuses every call from there"),
)

CASES: Mapping[str, Case] = {
    "scoped": SCOPED,
    "checking": CHECKING,
    "so_far_nothing_bad": replace(
        CHECKING,
        triage=triage(denied(), judged=assessment(Verdict.LOW, 10), pending=("What clients were used?",)),
    ),
    "so_far_an_incident": replace(CHECKING, triage=triage(clients(KALI), pending=("Where do the calls come from?",))),
    "incident": INCIDENT,
    "disabled": replace(INCIDENT, changes=(change(),)),
    "being_disabled": replace(INCIDENT, changes=(change(ChangeState.STARTED, sentence="Waiting for AWS."),)),
    "undone": replace(
        INCIDENT, changes=(change(undone=True), change(execution="exec-2", undo_of="exec-1", sentence="Active again."))
    ),
    "unknown_outcome": replace(
        INCIDENT, changes=(change(ChangeState.UNKNOWN, sentence="Interrupted; AWS could not be asked."),)
    ),
    "nothing_found": replace(
        CHECKING,
        triage=replace(triage(judged=assessment(Verdict.INCONCLUSIVE, 0)), activity=Activity(), searched=None),
    ),
    "waiting": replace(INCIDENT, waiting=(Waiting(plan(approvers=2), (NOOR,), 1),)),
    "contained": replace(SCOPED, changes=(change(),), containment="contain-1"),
    "containment_waiting": replace(SCOPED, waiting=(Waiting(plan(approvers=2), (), 2, "contain-1"),)),
    "more_suggested": replace(INCIDENT, triage=replace(triage(), suggested=(*triage().suggested, *BESIDE))),
    "taken": replace(INCIDENT, owner=ALICE),
    "declared": replace(INCIDENT, declared=DeclaredIncident(ALICE, "The thief sends mail.", NOW)),
    "handed_over": replace(
        INCIDENT, owner=NOOR, handovers=(Handover(ALICE, NOOR, "Ask the mail team.", NOW + timedelta(hours=1), NOW),)
    ),
    "closed": replace(INCIDENT, open=False, owner=ALICE, changes=(change(),)),
    "sample": replace(CHECKING, subject=None, alerts=(replace(ALERT, sample=True, secrets_removed=1),)),
}


def drawn(name: str) -> str:
    """What Slack is sent for the card ``name``."""
    return json.dumps(card(CASES[name], now=NOW).payload(), indent=1, ensure_ascii=False) + "\n"


def read(name: str) -> str:
    """The card ``name`` as a reviewer reads it."""
    return readable(card(CASES[name], now=NOW).payload())


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in CASES:
        (GOLDEN / f"{name}.json").write_text(drawn(name), encoding="utf-8")
        (GOLDEN / f"{name}.txt").write_text(read(name), encoding="utf-8")
