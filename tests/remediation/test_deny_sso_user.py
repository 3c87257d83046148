from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bot.aws import Aws, AwsSettings
from bot.model import ChangeState, Refusal
from bot.remediation.base import Draft
from bot.remediation.deny_sso_user import DenySsoUser
from bot.remediation.offer import Offer, Organisation
from tests.remediation.bench import Bench
from tests.remediation.cloud import ACCOUNT, MANAGEMENT, Cloud, shipped

NAME = "deny_sso_user"
PERSON = "906722b2ef-1a2b3c4d-0000-1111-2222-333344445555"
ANOTHER = "f0a1b2c3-0000-1111-2222-333344445556"


@pytest.fixture(scope="session")
def policy(cloud: Cloud) -> str:
    return cloud.deploy("denied-persons", shipped("denied-persons"))


def denying(policy: str, store: str = "") -> Offer:
    return Offer(Organisation(MANAGEMENT, persons_policy=policy, identity_store=store))


@pytest.fixture
def denier(bench: Bench, policy: str) -> Bench:
    bench.offering(denying(policy))
    return bench


def listed(bench: Bench, policy: str) -> list[str]:
    condition: Any = bench.cloud.content(policy)["Statement"][0]["Condition"]
    return list(condition["StringEquals"]["identitystore:userId"])


def test_a_person_is_listed_and_taken_out_again(denier: Bench, policy: str) -> None:
    done = denier.done(NAME, f"idc:{PERSON}")
    assert done.state is ChangeState.CONFIRMED
    assert listed(denier, policy) == [PERSON]
    denier.undone(done.execution)
    assert listed(denier, policy) == ["00000000-0000-0000-0000-000000000000"]


def test_the_preview_leaves_tasks_to_people(denier: Bench) -> None:
    warnings = " ".join(denier.plan(NAME, ANOTHER).warnings)
    assert "disable the user at the identity provider" in warnings
    assert "Ending portal sessions alone leaves the role sessions going" in warnings
    assert "not in the management account" in warnings


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"{ACCOUNT}:sso/ana@example.com", "set [organisation] identity_store"),
        ("ana", "set [organisation] identity_store"),
        (f"{ACCOUNT}:user/ana", "Name the person as"),
        (f"arn:aws:iam::{ACCOUNT}:role/x", "Name the person as"),
        ("", "Name the person as"),
    ],
)
def test_whose_id_is_not_known_is_not_denied(denier: Bench, target: str, words: str) -> None:
    assert words in denier.refusal(NAME, target).sentence
    assert denier.door.of("UpdatePolicy") == []


def test_without_a_policy_it_says_what_people_do(bench: Bench) -> None:
    refusal = bench.refusal(NAME, PERSON)
    assert "set [organisation] persons_policy" in refusal.sentence
    assert "disable the user at the identity provider" in refusal.sentence
    (command,) = refusal.commands
    assert command.startswith('aws organizations attach-policy --policy-id "$(aws organizations create-policy --name ')
    assert f'{{"identitystore:userId":["{PERSON.removeprefix("idc:")}"]}}' in command
    assert bench.refusal(NAME, f"{ACCOUNT}:sso/alice@example.com").commands == ()


def test_the_calls_made_are_exactly_the_declared_permissions(denier: Bench, policy: str) -> None:
    done = denier.done(NAME, ANOTHER)
    denier.clock.forward(minutes=16)
    denier.carry_out_due_jobs()
    denier.undone(done.execution)
    declared = DenySsoUser(denying(policy)).permissions
    assert denier.door.calls() == declared.read | declared.act


class Scripted(Aws):
    """The identity store is in no local AWS: it answers as scripted, everything else is real."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(AwsSettings(), bench.clock, bench.session)
        self._bench = bench
        self.store = boto3.client(
            "identitystore", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.answers = Stubber(self.store)
        self.answers.activate()

    def reader(self, service: str, account: str, region: str | None = None) -> Any:
        return self.store if service == "identitystore" else self._bench.cloud.as_root(account, service)


def asked(name: str) -> dict[str, Any]:
    unique = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
    return {"IdentityStoreId": "d-0123456789", "AlternateIdentifier": unique}


def test_a_person_may_be_named_where_the_identity_store_is_known(bench: Bench, policy: str) -> None:
    remedy, aws = DenySsoUser(denying(policy, "d-0123456789")), Scripted(bench)
    arn = f"arn:aws:identitystore:::user/{PERSON}"
    answer = {"UserId": PERSON, "IdentityStoreId": "d-0123456789", "UserArn": arn}
    aws.answers.add_response("get_user_id", answer, asked("ana@example.com"))
    draft = remedy.plan(f"{ACCOUNT}:sso/ana@example.com", aws)
    assert isinstance(draft, Draft)
    assert (draft.target, draft.after["entry"]) == (f"idc:{PERSON}", PERSON)
    assert "identitystore:GetUserId" in remedy.permissions.read
    aws.answers.add_client_error("get_user_id", "ResourceNotFoundException", http_status_code=404)
    unknown = remedy.plan("nobody", aws)
    assert isinstance(unknown, Refusal)
    assert "knows nobody called nobody" in unknown.sentence
