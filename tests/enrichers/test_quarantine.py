from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import (
    Alert,
    Answer,
    Context,
    Detail,
    Event,
    IdentityRecord,
    Kind,
    Observable,
    Outcome,
    Principal,
    Unread,
    Window,
)
from enrichers import user_agents, usual_ips
from enrichers.quarantine import LIMITS, enrich
from tests.fakes import LEAD, NOW, FakeIam, context, event
from tests.history.made import ALICE, record, write

V3 = "AWSCompromisedKeyQuarantineV3"
ARN = f"arn:aws:iam::aws:policy/{V3}"
ADMIN = Principal("111122223333:user/admin", "IAMUser", None, "111122223333")


def attached(minutes_ago: float = 30, policy: str | None = V3, user: str | None = "alice", **changes: Any) -> Event:
    """As CloudTrail tells it: the victim itself, from an address of Amazon, in the name of a service."""
    amazon = {"ip": "72.21.217.97", "family": "aws-internal", "by_service": True}
    detail = Detail(policy=policy, user=user) if policy or user else None
    return event(minutes_ago, **({"name": "iam:AttachUserPolicy", "detail": detail} | amazon | changes))


def answer(steps: Sequence[Event] = (), **changes: Any) -> Answer:
    return enrich(LEAD, context([*steps, event()], **changes))


def health(code: str) -> Alert:
    return Alert("h-1", "health", code, "critical", NOW, (LEAD,))


def test_aws_quarantined_the_key() -> None:
    step = attached()
    given = answer([step])
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("aws.quarantine", (step.id,))]
    assert given.signals[0].sentence.startswith(f"AWS itself attached {V3} to alice: it considers the key public.")
    assert given.headline == f"AWS quarantined alice ({V3}); {LIMITS}"
    assert given.data["quarantined"] is True


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"policy": "AWSCompromisedKeyQuarantine"}, True),
        ({"policy": "AWSCompromisedKeyQuarantineV9"}, True),
        ({"policy": "AWSExposedCredentialPolicy_DO_NOT_REMOVE", "name": "iam:PutUserPolicy"}, True),
        ({"user": None}, True),  # the victim is named as the caller
        ({"principal": ADMIN}, True),
        ({"user": "bob"}, False),
        ({"policy": "AdministratorAccess"}, False),
        ({"policy": "NotAWSCompromisedKeyQuarantine"}, False),
        ({"outcome": Outcome.DENIED}, False),
        ({"account": "444455556666"}, False),  # of that name in another account
    ],
)
def test_the_policy_is_known_by_how_it_begins(changes: dict[str, Any], fires: bool) -> None:
    given = answer([attached(**changes)])
    assert bool(given.signals) is fires
    assert given.unknowns == ()


def test_who_took_it_off_again_is_said() -> None:
    taken_off = attached(10, name="iam:DetachUserPolicy", principal=ADMIN, family="boto3", by_service=False)
    given = answer([attached(30), taken_off])
    assert given.headline == f"AWS quarantined alice ({V3}), and admin took that off again at 2026-11-20T13:50:00Z"
    assert [signal.kind for signal in given.signals] == ["aws.quarantine"]
    assert (given.data["taken_off"], given.data["taken_off_by"]) == (True, ADMIN.id)


def test_iam_knows_what_the_window_does_not() -> None:
    given = answer(iam=FakeIam(of_identity=IdentityRecord("alice", policies=("ReadOnlyAccess", V3))))
    assert [signal.evidence for signal in given.signals] == [(f"iam:{V3}",)]
    assert given.data["now_in_iam"] is True


@pytest.mark.parametrize("asked", [None, Unread("no role"), IdentityRecord("alice", policies=("ReadOnlyAccess",))])
def test_none_is_said_with_the_span(asked: IdentityRecord | Unread | None) -> None:
    given = answer(iam=FakeIam(of_identity=asked))
    assert given.headline == "Quarantine by AWS: none between 2026-11-20 13:50 and 2026-11-20 13:50 UTC"
    assert (given.found, given.data["quarantined"]) == (False, False)


def test_a_history_that_does_not_say_which_policy_leaves_it_open_only_where_aws_acted() -> None:
    given = answer([attached(policy=None, user=None)])
    assert (given.signals, [unknown.kind for unknown in given.unknowns]) == ((), ["aws.quarantine"])
    assert given.data["quarantined"] is None
    assert answer([attached(policy=None, user=None, family="boto3|linux|-|-")]).unknowns == ()


@pytest.mark.parametrize("code", ["AWS_RISK_CREDENTIALS_EXPOSED", "AWS_RISK_CREDENTIALS_EXPOSURE_SUSPECTED"])
def test_what_aws_health_reports_is_told(code: str) -> None:
    given = answer(alerts=(health(code), health("some other alert about AWS_RISK_CREDENTIALS_EXPOSED")))
    assert given.headline.startswith(f"AWS Health reports {code}; no quarantine was seen between")
    assert (given.found, given.data["aws_health"]) == (True, [code])
    assert given.signals == ()  # the alert itself is weighed


@pytest.mark.parametrize("id_", ["111122223333:role/deploy", "111122223333:root", "service:x"])
def test_only_users_are_quarantined(id_: str) -> None:
    who = Principal(id_, None, None, None)
    assert answer([attached()], principal=who).headline == "Quarantine: AWS quarantines IAM users only"
    told = answer(principal=who, alerts=(health("AWS_RISK_CREDENTIALS_EXPOSED"),))
    assert told.found


def test_from_the_record_itself(tmp_path: Path) -> None:
    """A record in the shape of those AWS writes: the victim's client and address are usual all the same."""
    raw = record(
        1,
        eventName="AttachUserPolicy",
        errorCode=...,
        errorMessage=...,
        sourceIPAddress="72.21.217.97",
        userAgent="aws-internal/3 aws-sdk-java/1.12.50 Linux/5.4 java/1.8.0_312",
        requestParameters={"userName": "alice", "policyArn": ARN},
    )
    before = [record(2 + n, eventTime=f"2026-11-{8 + n % 10:02}T12:00:00Z") for n in range(30)]
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [write(tmp_path / "log.json", [*before, raw])])
    newest = history.newest()
    assert newest is not None
    observable = Observable(Kind.PRINCIPAL, ALICE)
    world = Context(Window.ending(newest), history, principal=history.principal(observable, newest))
    assert [signal.evidence for signal in enrich(observable, world).signals] == [(raw["eventID"],)]
    for other in (usual_ips, user_agents):
        assert other.enrich(observable, world).signals == ()
