from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model import Answer, IdentityRecord, NotAnswered, NotAsked, Principal, Unread
from enrichers.principal import enrich
from tests.fakes import ALICE, LEAD, NOW, FakeIam, context

USER = IdentityRecord(
    "alice",
    created_at=NOW - timedelta(days=900),
    password=True,
    mfa=0,
    groups=("developers",),
    policies=("ReadOnlyAccess", "parcelhub-api"),
    admin=False,
    tags={"Team": "parcels", "cost": "12"},
)


def answer(record: IdentityRecord | Unread | None, principal: Principal | None = ALICE) -> Answer:
    return enrich(LEAD, context([], principal=principal, iam=FakeIam(of_identity=record)))


def test_a_user_as_a_responder_reads_it() -> None:
    given = answer(USER)
    assert given.headline == "alice: IAM user, no administrator, console password, no MFA, Team parcels"
    assert [(fact.label, fact.value) for fact in given.facts] == [
        ("Created", "2024-06-03T14:00:00Z"),
        ("Console password", "yes"),
        ("MFA devices", "0"),
        ("Rights", "no administrator"),
        ("Groups", "developers"),
        ("Policies", "ReadOnlyAccess, parcelhub-api"),
        ("Permissions boundary", "none"),
        ("Tag Team", "parcels"),
        ("Tag cost", "12"),
    ]


def test_a_role_has_neither_password_nor_mfa() -> None:
    role = Principal("111122223333:role/deploy", "AssumedRole", None, "111122223333")
    given = answer(IdentityRecord("deploy", policies=("AdministratorAccess",), admin=True), role)
    assert given.headline == "deploy: IAM role, administrator"
    assert (given.data["console_password"], given.data["mfa_devices"], given.data["admin"]) == (None, None, True)


def test_rights_that_could_not_be_read_are_unknown() -> None:
    given = answer(IdentityRecord("alice", password=False, mfa=1, admin=None))
    assert given.headline == "alice: IAM user, administrator or not: unknown, no console password, MFA"


@pytest.mark.parametrize(
    ("id_", "said"),
    [
        ("111122223333:root", "the root user: no policy limits it"),
        ("111122223333:sso/alice@example.com", "a person of IAM Identity Center"),
        ("idc:94482488-3041-7027-7270-abc", "a person of IAM Identity Center"),
        ("saml:alice", "a federated person"),
        ("web:token.actions.githubusercontent.com:repo:x/y", "a federated workload or person"),
        ("service:ses.amazonaws.com", "an AWS service"),
        ("anonymous", "no user or role of IAM"),
    ],
)
def test_who_is_not_in_iam_is_said_to_be_something_else(id_: str, said: str) -> None:
    given = answer(USER, Principal(id_, None, None, None))
    assert said in given.headline
    assert given.data["in_iam"] is False


def test_a_deleted_user() -> None:
    assert answer(None).headline == "alice: is not in IAM any more"


def test_nobody_known_behind_the_key() -> None:
    given = answer(USER, None)
    assert (given.found, given.data) == (False, {})


def test_could_not_ask_is_no_answer() -> None:
    with pytest.raises(NotAnswered, match="IAM could not be asked: AccessDenied on GetUser"):
        answer(Unread("AccessDenied on GetUser"))


def test_without_a_reading_role_users_are_skipped_and_people_from_elsewhere_are_told() -> None:
    with pytest.raises(NotAsked, match="name a reading role"):
        enrich(LEAD, context([]))
    person = Principal("111122223333:sso/alice@example.com", None, None, "111122223333")
    assert "a person of IAM Identity Center" in enrich(LEAD, context([], principal=person)).headline
