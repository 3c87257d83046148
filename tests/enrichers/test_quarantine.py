from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.raw_records import RawRecords
from bot.history.sqlite import SqliteHistory
from bot.model import Answer, Context, Event, IdentityRecord, Kind, Observable, Outcome, Principal, Unread, Window
from enrichers.quarantine import LIMITS, enrich
from tests.fakes import LEAD, FakeIam, FakeRecords, context, event
from tests.history.made import ALICE, record, write

V3 = "AWSCompromisedKeyQuarantineV3"
ARN = f"arn:aws:iam::aws:policy/{V3}"


def attached(minutes_ago: float = 30, name: str = "iam:AttachUserPolicy", **changes: Any) -> Event:
    """As CloudTrail tells it: the victim itself, from an address of Amazon."""
    return event(minutes_ago, name=name, **({"ip": "72.21.217.97", "family": "aws-internal|-|-|-"} | changes))


def answer(steps: Mapping[Event, Mapping[str, Any]], others: Sequence[Event] = (), **changes: Any) -> Answer:
    records = FakeRecords({step.id: parameters for step, parameters in steps.items()})
    return enrich(LEAD, context([*steps, *others, event()], records=records, **changes))


def request(policy: str = ARN, user: str = "alice") -> dict[str, str]:
    return {"userName": user, "policyArn": policy}


def test_aws_quarantined_the_key() -> None:
    step = attached()
    given = answer({step: request()})
    assert [(signal.kind, signal.evidence) for signal in given.signals] == [("aws.quarantine", (step.id,))]
    assert given.signals[0].sentence.startswith(f"AWS itself attached {V3} to alice: it considers the key public.")
    assert given.headline == f"AWS quarantined alice ({V3}); {LIMITS}"
    assert given.data["quarantined"] is True


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        (request("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantine"), True),
        (request("arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV9"), True),
        (request("arn:aws-us-gov:iam::aws:policy/AWSCompromisedKeyQuarantineV2"), True),
        ({"userName": "alice", "policyName": "AWSExposedCredentialPolicy_DO_NOT_REMOVE"}, True),
        (request(user="bob"), False),
        (request("arn:aws:iam::aws:policy/AdministratorAccess"), False),
        (request("arn:aws:iam::111122223333:policy/NotAWSCompromisedKeyQuarantine"), False),
        ({}, False),
        ({"policyArn": None, "userName": 7}, False),
    ],
)
def test_the_policy_is_known_by_how_it_begins(parameters: dict[str, Any], fires: bool) -> None:
    given = answer({attached(): parameters})
    assert bool(given.signals) is fires
    assert given.unknowns == ()


def test_a_refused_attachment_is_none() -> None:
    assert answer({attached(outcome=Outcome.DENIED): request()}).signals == ()


def test_taken_off_again_is_said() -> None:
    given = answer({attached(30): request(), attached(10, "iam:DetachUserPolicy", family="boto3|linux|-|-"): request()})
    assert given.headline == f"AWS quarantined alice ({V3}), and somebody took that off again"
    assert [signal.kind for signal in given.signals] == ["aws.quarantine"]
    assert given.data["taken_off"] is True


def test_iam_knows_what_the_window_does_not() -> None:
    given = answer({}, iam=FakeIam(of_identity=IdentityRecord("alice", policies=("ReadOnlyAccess", V3))))
    assert [signal.evidence for signal in given.signals] == [(f"iam:{V3}",)]
    assert given.data["now_in_iam"] is True


@pytest.mark.parametrize("asked", [None, Unread("no role"), IdentityRecord("alice", policies=("ReadOnlyAccess",))])
def test_none_is_said_with_the_span(asked: IdentityRecord | Unread | None) -> None:
    given = answer({}, iam=FakeIam(of_identity=asked))
    assert given.headline == "Quarantine by AWS: none between 2026-11-20 13:50 and 2026-11-20 13:50 UTC"
    assert (given.found, given.data["quarantined"]) == (False, False)


def test_a_record_that_is_gone_leaves_it_open_only_where_aws_acted() -> None:
    given = answer({}, [attached()])
    assert (given.signals, [unknown.kind for unknown in given.unknowns]) == ((), ["aws.quarantine"])
    assert given.data["quarantined"] is None
    assert answer({}, [attached(family="boto3|linux|-|-")]).unknowns == ()


@pytest.mark.parametrize("id_", ["111122223333:role/deploy", "111122223333:root", "service:x"])
def test_only_users_are_quarantined(id_: str) -> None:
    given = answer({attached(): request()}, principal=Principal(id_, None, None, None))
    assert given.headline == "Quarantine: AWS quarantines IAM users only"


def test_from_the_record_itself(tmp_path: Path) -> None:
    """A record in the shape of those AWS writes when it quarantines a key, loaded and read again."""
    raw = record(
        1,
        eventName="AttachUserPolicy",
        errorCode=...,
        errorMessage=...,
        sourceIPAddress="72.21.217.97",
        userAgent="aws-internal/3 aws-sdk-java/1.12.50 Linux/5.4 java/1.8.0_312",
        requestParameters={"userName": "alice", "policyArn": ARN},
    )
    history = SqliteHistory(tmp_path / "history.db")
    log = write(tmp_path / "log.json", [record(2), raw])
    load_paths(history, [log])
    newest = history.newest()
    assert newest is not None
    observable = Observable(Kind.PRINCIPAL, ALICE)
    world = Context(Window.ending(newest), history, principal=history.principal(observable, newest))
    read = Context(world.window, history, principal=world.principal, records=RawRecords(history))
    assert [signal.evidence for signal in enrich(observable, read).signals] == [(raw["eventID"],)]
    log.unlink()
    assert [unknown.kind for unknown in enrich(observable, read).unknowns] == ["aws.quarantine"]
