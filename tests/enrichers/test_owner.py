from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.history.load import load_paths
from bot.history.raw_records import RawRecords
from bot.history.sqlite import SqliteHistory
from bot.model import (
    AddressClass,
    Answer,
    ContactRecord,
    Context,
    Environment,
    Event,
    IdentityRecord,
    KeyRecord,
    Kind,
    Observable,
    Outcome,
    Principal,
    Unread,
    Window,
)
from enrichers.owner import enrich, typed
from tests.fakes import KALI, KEY, LEAD, LINUX, NOW, RENTED, FakeIam, FakeRecords, context, event, ordinary
from tests.history.made import DATA

MADE = NOW - timedelta(days=10)
"""When alice and her key were made."""
IAM_KEY = KeyRecord(KEY, "alice", created_at=MADE)
IAM_USER = IdentityRecord("alice", created_at=MADE)
DESK = ContactRecord("Security Desk", "Incident response", "security@example.com", "+49 30 0000")
ADMIN = Principal("111122223333:role/admin", "AssumedRole", None, "111122223333")
APP = "boto3|linux|-|aws_lambda"
ROLE = Principal("111122223333:role/support", "AssumedRole", None, "111122223333")


def by_admin(name: str, **changes: Any) -> Event:
    """A call of an administrator's at the moment IAM says the key was made."""
    return event(10 * 24 * 60, name=name, principal=ADMIN, key="ASIAADMIN", session="lars@example.com", **changes)


def answer(
    events: Sequence[Event], iam: FakeIam | None, about: Observable = LEAD, **changes: Any
) -> tuple[Answer, dict[str, str]]:
    given = enrich(about, context(events, iam=iam, **changes))
    return given, {fact.label: fact.value for fact in given.facts}


# ------------------------------------------------------------------------------------------- who made it


def test_who_made_the_key_and_the_user() -> None:
    key, user = by_admin("iam:CreateAccessKey", minted=KEY), by_admin("iam:CreateUser")
    other = by_admin("iam:CreateAccessKey", minted="AKIARTX3GSDSQAAAAAAB")
    records = FakeRecords({user.id: {"userName": "alice"}})
    given, facts = answer([*ordinary(), key, user, other], FakeIam(IAM_KEY, IAM_USER), records=records)
    assert (
        facts["Key made"] == f"2026-11-10T14:00:00Z by admin (session lars@example.com) from 198.51.100.10 ({key.id})"
    )
    assert (
        facts["User made"] == f"2026-11-10T14:00:00Z by admin (session lars@example.com) from 198.51.100.10 ({user.id})"
    )
    assert given.data["made"]["key"] == {"at": "2026-11-10T14:00:00Z", "by": ADMIN.id, "event": key.id, "why": None}
    assert {"who": "admin (session lars@example.com)", "why": "made the key"} in given.data["ask"]


@pytest.mark.parametrize(
    ("events", "iam", "said"),
    [
        ([], FakeIam(IAM_KEY), "2026-11-10T14:00:00Z; by whom is unknown: older than the history"),
        (
            [event(11 * 24 * 60)],
            FakeIam(IAM_KEY),
            "2026-11-10T14:00:00Z; by whom is unknown: CloudTrail has not delivered that time yet",
        ),
        (
            [event(10 * 24 * 60)],
            FakeIam(IAM_KEY),
            "2026-11-10T14:00:00Z; by whom is unknown: the history reaches back that far and holds no record of it",
        ),
        (
            [by_admin("iam:CreateAccessKey", minted=KEY, outcome=Outcome.DENIED)],
            FakeIam(IAM_KEY),
            "2026-11-10T14:00:00Z; by whom is unknown: the history reaches back that far and holds no record of it",
        ),
        (
            [event(10 * 24 * 60)],
            FakeIam(Unread("AccessDenied on GetAccessKeyLastUsed")),
            "date unknown; by whom is unknown: no record of it between 2026-11-10 and 2026-11-10",
        ),
        (
            [event(10 * 24 * 60)],
            None,
            "date unknown; by whom is unknown: no record of it between 2026-11-10 and 2026-11-10",
        ),
    ],
)
def test_why_nobody_knows_who_made_it(events: Sequence[Event], iam: FakeIam | None, said: str) -> None:
    assert answer(events, iam)[1]["Key made"] == said


def test_without_iam_the_record_itself_tells_when() -> None:
    made = by_admin("iam:CreateAccessKey", minted=KEY)
    assert answer([made], None)[0].data["made"]["key"]["at"] == "2026-11-10T14:00:00Z"


def test_a_user_of_that_name_in_another_account_is_somebody_else() -> None:
    elsewhere = by_admin("iam:CreateUser", account="999900001111")
    given, _ = answer(
        [elsewhere], FakeIam(IAM_KEY, IAM_USER), records=FakeRecords({elsewhere.id: {"userName": "alice"}})
    )
    assert given.data["made"]["user"]["by"] is None


def test_a_user_whose_record_cannot_be_read_again_is_nobodys_making() -> None:
    given, facts = answer([by_admin("iam:CreateUser")], FakeIam(IAM_KEY, IAM_USER), records=FakeRecords({}))
    assert "holds no record of it" in facts["User made"]
    assert given.data["made"]["user"]["by"] is None


def test_whoever_makes_a_key_of_their_own_is_not_named_beside_themselves() -> None:
    own = event(10 * 24 * 60, name="iam:CreateAccessKey", minted=KEY)
    given, facts = answer([own], FakeIam(IAM_KEY))
    assert "by alice from" in facts["Key made"]
    assert given.data["ask"] == []


# -------------------------------------------------------------------------------------------- whom to ask


def test_the_most_direct_way_comes_first() -> None:
    tags = {"Team": "parcels", "corp:Owner-Email": "alice@example.com", "stage": "prod", "owner": "Alice A."}
    given, facts = answer(ordinary(), FakeIam(IAM_KEY, IdentityRecord("alice", tags=tags), DESK))
    assert given.headline == "alice: ask alice@example.com (the tag corp:Owner-Email), else Alice A. (the tag owner)"
    assert [each["who"] for each in given.data["ask"]] == [
        *("alice@example.com", "Alice A.", "alice", "parcels"),
        "Security Desk <security@example.com>",
    ]
    assert facts["Tags"] == "corp:Owner-Email alice@example.com, owner Alice A., Team parcels"
    assert facts["Security contact"] == "Security Desk <security@example.com>, Incident response, +49 30 0000"
    assert given.data["security_contact"]["phone"] == "+49 30 0000"


@pytest.mark.parametrize(
    ("iam", "tags", "contact"),
    [
        (None, "not asked: name a reading role in config.toml", "not asked: name a reading role in config.toml"),
        (FakeIam(IAM_KEY, IAM_USER), "none that names an owner", "the account names none"),
        (
            FakeIam(
                Unread("x"), Unread("AccessDenied on GetUser"), Unread("AccessDeniedException on GetAlternateContact")
            ),
            "unknown: AccessDenied on GetUser",
            "unknown: AccessDeniedException on GetAlternateContact",
        ),
    ],
)
def test_nobody_named_not_asked_and_could_not_ask_are_three_things(
    iam: FakeIam | None, tags: str, contact: str
) -> None:
    given, facts = answer([event(family=APP)], iam)
    assert (facts["Tags"], facts["Security contact"]) == (tags, contact)
    assert given.headline == "alice: owner unknown; ask whoever administers account 111122223333"
    assert (given.found, given.data["ask"]) == (False, [])


def test_a_person_of_identity_center_is_asked_in_person() -> None:
    person = Principal("111122223333:sso/eva@example.com", "AssumedRole", None, "111122223333")
    given, _ = answer([], FakeIam(of_account=DESK), principal=person)
    assert given.headline.startswith(
        "eva@example.com: ask eva@example.com (the person who signs in), else Security Desk"
    )


def test_nothing_says_who_is_behind_the_key() -> None:
    given, facts = answer([], FakeIam(), Observable(Kind.ACCESS_KEY, "ASIAIQHE2AAAAAAAAAAA"), principal=None)
    assert facts["Security contact"] == "not asked: nothing says whose account it is"
    assert given.headline.endswith("owner unknown; ask whoever administers account and key, which nothing names")


# ------------------------------------------------------------------------------------- the last use by hand


def test_the_last_use_by_hand_is_the_owners_and_not_the_thiefs() -> None:
    hers = event(60, family=LINUX)
    thief = [event(5, family=KALI, ip=RENTED), event(4, family=LINUX, ip=RENTED), event(3, family="browser|windows")]
    given, facts = answer([*ordinary(), hers, *thief, event(2, family=APP)], None)
    assert given.data["last_human"] == {
        "at": "2026-11-20T13:00:00Z",
        "session": None,
        "ip": "198.51.100.10",
        "family": LINUX,
        "evidence": [hers.id],
    }
    where = "2026-11-20T13:00:00Z, aws-cli/2 linux ubuntu from 198.51.100.10"
    assert facts["Last use by hand"] == f"{where}, both used before; who sat there no log can tell"
    assert given.headline == "alice: ask alice (used last as people do)"


def test_an_own_network_is_as_good_as_an_address_used_before() -> None:
    hers = event(60, ip="203.0.113.77")
    given, _ = answer([*ordinary(), hers], None, environment=Environment(own_networks=("203.0.113.0/24",)))
    assert given.data["last_human"]["evidence"] == [hers.id]


def test_the_session_of_a_role_names_a_person() -> None:
    events = ordinary(principal=ROLE, session="jule@example.com", key="ASIAROLE")
    given, _ = answer(events, FakeIam(), Observable(Kind.PRINCIPAL, ROLE.id), principal=ROLE)
    assert given.data["ask"] == [{"who": "jule@example.com", "why": "the session's name of the last use by hand"}]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([event(family=APP)], "unknown: no client that people use"),
        ([event(by_service=True)], "unknown: no client that people use"),
        (
            [event()],
            (
                "unknown: nobody can be told from a thief: "
                "insufficient history (only 0 events on 0 days in the 13 days before)"
            ),
        ),
        (
            [*ordinary(family=APP), event(ip=RENTED)],
            "unknown: every client that people use is new, or at a new address: it may be the thief's",
        ),
        ([*ordinary(family=LINUX, ip=RENTED), event(family=LINUX)], None),
    ],
)
def test_nobody_is_named_without_a_reason(events: Sequence[Event], said: str | None) -> None:
    facts = answer(events, None)[1]
    used = facts["Last use by hand"]
    assert used == (said or used)
    assert used.startswith("unknown") is bool(said)


def test_without_a_history_that_is_said() -> None:
    facts = answer([], FakeIam(IAM_KEY, IAM_USER), history=None)[1]
    assert facts["Last use by hand"] == "unknown: there is no CloudTrail of this window to look into"
    assert facts["Key made"].endswith("there is no CloudTrail of this window to look into")


def test_a_use_in_the_console_has_an_address_of_aws() -> None:
    changes: dict[str, Any] = {"family": "console", "ip": "AWS Internal", "address_class": AddressClass.AWS_INTERNAL}
    facts = answer([*ordinary(**changes), event(**changes)], None)[1]
    assert "console from an address of AWS" in facts["Last use by hand"]


@pytest.mark.parametrize(
    ("family", "by_hand"),
    [
        *((family, True) for family in ("console", "browser|macos", LINUX, "aws-cli/1|-|-|-", "cyberduck|macos|-|-")),
        *((family, False) for family in (KALI, APP, "boto3|linux|-|-", "terraform|macos|-|-", "none", "aws-internal")),
        ("aws-cli/2|linux|amzn|ec2", False),
        ("aws-cli/2|linux|amzn|cloudshell", True),
    ],
)
def test_what_people_type_in(family: str, by_hand: bool) -> None:
    assert typed(family) is by_hand


def test_who_made_a_key_in_real_records(tmp_path: Path) -> None:
    """Stratus Red Team makes a user and a key for it, as an attacker does who wants to stay."""
    history = SqliteHistory(tmp_path / "history.db")
    load_paths(history, [DATA / "invictus_stratus_2023"])
    made = Principal("123837392027:user/malicious-iam-user", "IAMUser", None, "123837392027")
    world = Context(Window.ending(history.newest() or NOW), history, principal=made, records=RawRecords(history))
    given = enrich(Observable(Kind.ACCESS_KEY, "AKIATFQR7NSCQLA2F4OD"), world)
    assert {what: each["by"] for what, each in given.data["made"].items()} == {
        "key": "123837392027:user/bert-jan",
        "user": "123837392027:user/bert-jan",
    }
    assert given.headline == "malicious-iam-user: ask bert-jan (made the key)"
