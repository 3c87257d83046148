"""The counts of a triage."""

from __future__ import annotations

from pathlib import Path

from bot.history.activity import activity
from bot.model import Activity
from tests.history.made import ALWAYS, key, loaded, record


def test_every_record_is_in_at_most_one_class(tmp_path: Path) -> None:
    codes = ("AccessDenied", "ThrottlingException", "ExpiredToken", "Client.DryRunOperation", ...)
    records = [record(number, errorCode=code, errorMessage=...) for number, code in enumerate(codes)]
    found = activity(loaded(tmp_path, *records).uses(key(), ALWAYS))
    counts = (found.denied, found.failed, found.bad_credential, found.dry_run, found.login_failed)
    assert (found.events, *counts) == (5, 1, 1, 1, 1, 0)


def test_what_a_service_did_is_counted_apart_and_never_as_denied(tmp_path: Path) -> None:
    by_service = record()["userIdentity"] | {"invokedBy": "AWS Internal"}
    found = activity(loaded(tmp_path, record(1), record(2, userIdentity=by_service)).uses(key(), ALWAYS))
    assert (found.events, found.by_service, found.denied) == (2, 1, 1)


def test_names_services_and_regions_are_counted_most_frequent_first(tmp_path: Path) -> None:
    names = ("ListUsers", "GetSendQuota", "GetSendQuota")
    records = [
        record(
            number, eventName=name, eventSource="ses.amazonaws.com" if name == "GetSendQuota" else "iam.amazonaws.com"
        )
        for number, name in enumerate(names)
    ]
    found = activity(loaded(tmp_path, *records).uses(key(), ALWAYS))
    assert list(found.events_by_name.items()) == [("ses:GetSendQuota", 2), ("iam:ListUsers", 1)]
    assert (found.services, found.regions) == ({"ses": 2, "iam": 1}, {"us-east-1": 3})


def test_nothing_is_nothing() -> None:
    assert activity(()) == Activity()
