"""Every question at once, as a triage asks them: of recorded attacks, of nothing, of what cannot be asked, and of
records in which attackers have written whatever they like."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.document import triage_document
from bot.enrichment import Runner
from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import (
    CannotSearch,
    Coverage,
    Event,
    HistoryUnavailableError,
    Kind,
    Observable,
    Span,
    Status,
    Triage,
    Use,
    Verdict,
    Window,
)
from bot.plugins import load_enrichers, shipped
from bot.slack.card import card
from bot.slack.details import details
from bot.slack.lint import lint
from bot.triage import TriageWorld, triage
from tests.fakes import LEAD, WINDOW, FakeCases, FakeHistory, FakeIam, event, ordinary
from tests.history.made import ALWAYS, DATA, KEY, record, write
from tests.slack.cases import INCIDENT

PLUGINS = load_enrichers(shipped())
ON_HISTORY = {plugin.name for plugin in PLUGINS if "history" in plugin.declaration.needs}
WEB = frozenset({"threat_lists"})
HERE = tuple(
    plugin
    for plugin in PLUGINS
    if plugin.declaration.needs <= {"history", "ip_data", "cases"} and plugin.name not in WEB
)
"""What needs AWS or the web has tests of its own."""


def world(history: Any) -> TriageWorld:
    near: dict[str, Any] = {"addresses": LocalAddressData(()), "cases": FakeCases({}), "iam": FakeIam()}
    return TriageWorld(HERE, Runner(), history=history, **near)


def statuses(made: Triage) -> dict[str, set[Status]]:
    found: dict[str, set[Status]] = {}
    for each in made.enrichments:
        found.setdefault(each.enricher, set()).add(each.status)
    return found


# --------------------------------------------------------------------------------- recorded attacks


@pytest.fixture(scope="module", params=["invictus_stratus_2023", "otrf_s3_exfil_2020", "stratus_detonation"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteHistory]:
    history = SqliteHistory(tmp_path_factory.mktemp("recorded") / "history.db")
    load_paths(history, [DATA / request.param])
    yield history
    history.close()


def busiest(history: SqliteHistory) -> list[Observable]:
    """The keys and principals with most calls, and who calls without a key."""
    keys = """SELECT k.value FROM use u JOIN manner m ON m.id = u.manner JOIN text k ON k.id = m.key
        GROUP BY 1 ORDER BY sum(count) DESC, 1 LIMIT 4"""
    who = """SELECT p.value FROM use u JOIN manner m ON m.id = u.manner JOIN principal p ON p.id = m.principal
        WHERE p.value NOT LIKE 'service:%' GROUP BY 1 ORDER BY sum(count) DESC, 1 LIMIT 4"""
    return [
        *(Observable(Kind.ACCESS_KEY, row[0]) for row in history.rows(keys)),
        *(Observable(Kind.PRINCIPAL, row[0]) for row in history.rows(who)),
    ]


def test_every_question_is_answered_on_recorded_attacks(recorded: SqliteHistory) -> None:
    for observable in busiest(recorded):
        newest = recorded.events(observable, ALWAYS, limit=1)[0].at
        made = triage(observable, Window.ending(newest + timedelta(minutes=1)), world=world(recorded))
        assert {status for found in statuses(made).values() for status in found} == {Status.ANSWERED}
        known = {each.id for each in recorded.events(Observable(Kind.PRINCIPAL, _who(made)), ALWAYS, limit=100_000)}
        cited = {each for reason in made.assessment.reasons for each in reason.evidence}
        assert cited <= known | {each for each in cited if recorded.pointer(each) is not None}
        json.dumps(triage_document(made))


def _who(made: Triage) -> str:
    assert made.principal is not None
    return made.principal.id


# ---------------------------------------------------------------------- three kinds of nothing


@pytest.mark.parametrize(
    "observable",
    [
        Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSZZZZZZZZ"),
        Observable(Kind.ACCESS_KEY, "ASIARTX3GSDSZZZZZZZZ"),
        Observable(Kind.PRINCIPAL, "111122223333:user/nobody"),
        Observable(Kind.PRINCIPAL, "111122223333:sso/nobody"),
        Observable(Kind.IP, "192.0.2.99"),
        Observable(Kind.USER_AGENT, "never-seen"),
        Observable(Kind.EVENT, "iam:NeverCalled"),
    ],
    ids=lambda each: f"{each.kind}:{each.value}",
)
def test_nothing_to_find_is_answered_and_raises_nothing(observable: Observable) -> None:
    made = triage(observable, WINDOW, world=world(FakeHistory([*ordinary(), event()])))
    assert {status for found in statuses(made).values() for status in found} == {Status.ANSWERED}
    assert made.assessment.reasons == ()
    assert made.assessment.verdict in {Verdict.LOW, Verdict.INCONCLUSIVE}


def test_without_a_history_no_question_of_it_is_asked() -> None:
    made = triage(LEAD, WINDOW, world=world(None))
    skipped = {name for name, found in statuses(made).items() if found == {Status.SKIPPED}}
    assert skipped == ON_HISTORY & statuses(made).keys()
    assert made.assessment.verdict is Verdict.INCONCLUSIVE


class Failing(FakeHistory):
    """A history that breaks where anything but what a key or principal adds up to is asked."""

    WHY = "the history could not be read: disk I/O error"

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
            raise HistoryUnavailableError(self.WHY)
        return super().uses(observable, span)

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        if limit == 1 or limit == len(self._events):  # who it was, and what its uses are counted from
            return super().events(observable, span, limit=limit)
        raise HistoryUnavailableError(self.WHY)

    def population(self, span: Span) -> int:
        raise HistoryUnavailableError(self.WHY)


def test_what_could_not_be_asked_is_told_and_counts_as_not_assessed() -> None:
    made = triage(LEAD, WINDOW, world=world(Failing([*ordinary(), event(name="iam:ListUsers")])))
    failed = {each.enricher: each.why for each in made.enrichments if each.status is Status.FAILED}
    assert failed.keys() >= {"playbooks", "enumeration", "sessions", "prevalence", "shared_address"}
    assert set(failed.values()) == {Failing.WHY}
    asked = {gap.question for gap in made.assessment.gaps}
    assert asked >= {plugin.declaration.question for plugin in HERE if plugin.name in failed}
    assert made.assessment.could_be is not None


class Narrow(FakeHistory):
    """A history that knows keys, users and calls, and cannot look for addresses or clients, nor count everybody."""

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        return super().uses(self._searchable(observable), span)

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        return super().events(self._searchable(observable), span, limit=limit)

    def population(self, span: Span) -> int:
        raise CannotSearch("it cannot count")

    def coverage(self, span: Span) -> Coverage | None:
        return super().coverage(span)

    def _searchable(self, observable: Observable) -> Observable:
        if observable.kind in {Kind.IP, Kind.USER_AGENT}:
            raise CannotSearch(f"it cannot search by {observable.kind}")
        return observable


def test_a_narrow_history_fails_only_what_is_about_addresses() -> None:
    made = triage(LEAD, WINDOW, world=world(Narrow([*ordinary(), event(user_agent="aws-cli/2 sid/4c55b1738b6d")])))
    failed = {name for name, found in statuses(made).items() if Status.FAILED in found}
    assert failed == {"enumeration", "shared_address"}


# ------------------------------------------------------------------------------ what attackers write

MARKUP = "<!channel> <https://evil.example|click> *x* `y` \u202egnp.exe\x1b[31m"
TOKEN, SECRET = "FwoGZXIvYXdzEXAMPLEsessionTOKEN+/=", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLESECRE"
hostile = st.sampled_from([MARKUP, "", "x" * 2000, "\ud800", "../../etc", "a|b|c|d|e", "{}", "None", "0"]) | st.text(
    max_size=12
)
agents = st.sampled_from(
    [
        f"aws-cli/2.31.0 os/linux#6.8 md/distrib#kali.2025 sid/4c55b1738b6d {MARKUP}",
        "S3 Browser/12.2.9",
        "aws-internal/3",
    ]
)
calls = st.sampled_from(
    [
        ("iam", "AttachUserPolicy"),
        ("iam", "CreateAccessKey"),
        ("iam", "CreateLoginProfile"),
        ("sts", "GetFederationToken"),
        ("sts", "AssumeRole"),
        ("sts", "GetCallerIdentity"),
        ("ses", "UpdateAccountSendingEnabled"),
        ("signin", "ConsoleLogin"),
        ("bedrock", "InvokeModel"),
        ("cloudtrail", "StopLogging"),
        ("ec2", "RunInstances"),
    ]
)


@st.composite
def odd_records(draw: st.DrawFn, number: int) -> dict[str, Any]:
    service, name = draw(calls)

    def text() -> str:
        return draw(hostile)

    identity = record()["userIdentity"] | draw(
        st.sampled_from(
            [
                {},
                {"userName": text(), "arn": text()},
                {"type": "AssumedRole", "arn": f"arn:aws:sts::111122223333:assumed-role/web/{text()}"},
                {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/web/i-0317f6c6b66ae9c40"},
                {"type": "FederatedUser", "principalId": f"111122223333:{text()}"},
                {"type": "Root", "userName": text()},
                {"type": text()},
            ]
        )
    )
    minutes = draw(st.integers(0, 60 * 24 * 3))
    at = WINDOW.until - timedelta(minutes=minutes)
    return record(
        number,
        eventTime=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        eventSource=f"{service}.amazonaws.com",
        eventName=draw(st.just(name) | hostile),
        sourceIPAddress=draw(st.sampled_from(["159.89.100.10", "2001:db8::1", "AWS Internal", ""]) | hostile),
        userAgent=draw(agents | hostile),
        awsRegion=draw(st.just("us-east-1") | hostile),
        errorCode=draw(st.sampled_from([None, "AccessDenied", "Client.DryRunOperation"]) | hostile),
        errorMessage=draw(
            st.sampled_from([None, f"with an explicit deny in a session policy: arn:aws:iam::1:policy/{MARKUP}"])
            | hostile
        ),
        userIdentity=identity,
        requestParameters={
            "userName": text(),
            "policyArn": f"arn:aws:iam::aws:policy/{text()}",
            "enabled": draw(st.booleans() | hostile),
            "password": SECRET,
        },
        responseElements={
            "ConsoleLogin": "Success",
            "credentials": {"accessKeyId": f"ASIA{number}", "sessionToken": TOKEN, "secretAccessKey": SECRET},
            "accessKey": {"accessKeyId": f"AKIA{number}", "secretAccessKey": SECRET},
        },
        additionalEventData={"MFAUsed": text(), "SamlProviderArn": None},
    )


batches = st.integers(1, 7).flatmap(lambda count: st.tuples(*(odd_records(number) for number in range(1, count + 1))))


@settings(max_examples=20, deadline=None)
@given(batches, st.booleans())
def test_odd_records_are_triaged_and_leak_nothing(records: tuple[dict[str, Any], ...], usual: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = SqliteHistory(Path(folder) / "history.db")
        before = [record(100 + n, eventTime=f"2026-11-{8 + n % 9:02}T12:00:00Z") for n in range(30 if usual else 0)]
        load_paths(history, [write(Path(folder) / "log.json", [*before, *records])])
        who = {event.principal.id for event in history.everyones_events(WINDOW.span)}
        for observable in (Observable(Kind.ACCESS_KEY, KEY), *(Observable(Kind.PRINCIPAL, each) for each in who)):
            made = triage(observable, WINDOW, world=world(history))
            ended = [each for each in made.enrichments if each.status not in {Status.ANSWERED, Status.SKIPPED}]
            assert [(each.enricher, each.why) for each in ended] == []
            _assert_harmless(made)
        history.close()


def _assert_harmless(made: Triage) -> None:
    case = replace(INCIDENT, triage=made)
    messages = [card(case, now=WINDOW.until).payload(), *(each.payload() for _, each in details(case))]
    assert [problem for message in messages for problem in lint(message)] == []
    shown = json.dumps([*messages, triage_document(made)])
    assert TOKEN not in shown
    assert SECRET not in shown
    assert "\\u001b" not in json.dumps(messages)
