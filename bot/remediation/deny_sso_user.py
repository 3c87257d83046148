"""Deny everything to a person of IAM Identity Center, whichever of its roles they use.

``AWSReservedSSO_*`` roles cannot be edited, and ending portal sessions leaves the role sessions going: what ends them
is a service control policy on ``identitystore:userId``. Signing in again is for the identity provider to stop.
"""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from bot.aws import Aws, Fault, fault
from bot.by_hand import typed
from bot.model import Kind, Refusal
from bot.remediation.base import Draft
from bot.remediation.listed import Listed
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.organisation import DenyList, attaching, deploying, targets_of

PERSONS = DenyList("identitystore:userId", "00000000-0000-0000-0000-000000000000")
USER_ID = re.compile(r"(?:[0-9a-f]{10}-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A UserId of the identity store (identity store API reference); CloudTrail's ``onBehalfOf.userId`` is one."""
PERSON = re.compile(r"(?:\d{12}:sso/)?([\w+=,.@-]{1,128})", re.ASCII)

REACH = (
    "It refuses what this person's role sessions do in the member accounts, running ones too; not in the management "
    "account."
)
TASKS = (
    "For people: disable the user at the identity provider, so that they cannot sign in again, and end their sessions "
    "in the AWS access portal. Ending portal sessions alone leaves the role sessions going."
)
NOT_CONFIGURED = (
    "Denying a person of Identity Center takes a service control policy that was deployed before: set [organisation] "
    "persons_policy in config.toml (docs/remediations.md). Until then disable the user at the identity provider and "
    "delete their sessions in the AWS access portal."
)


class DenySsoUser(Listed):
    """``UpdatePolicy``; undone by taking the person out of the list again."""

    name = "deny_sso_user"
    title = "Deny Identity Center user"
    takes = frozenset({Kind.PRINCIPAL})
    target_form = "111122223333:sso/alice@example.com, idc:<user id>, or the user id itself"

    def __init__(self, offer: Offer = PLAIN) -> None:
        settings = offer.organisation
        names = frozenset({"identitystore:GetUserId"}) if settings.identity_store else frozenset[str]()
        super().__init__(PERSONS, settings.account, settings.persons_policy, names)
        self._store = settings.identity_store
        self._region = settings.identity_region

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        if not self._policy:
            return Refusal(NOT_CONFIGURED, _deploying(target.removeprefix("idc:")))
        person = self._person(target, aws)
        if isinstance(person, Refusal):
            return person
        if not targets_of(aws, self._account, self._policy):
            told = f"{self._policy} is attached to nothing: attach it to the organisation's root first."
            return Refusal(told, attaching(self._policy))
        title = f"Deny everything to {target} of Identity Center"
        return self.drafted(f"idc:{person}", person, title, aws, (REACH, TASKS), stops=None, principal=f"idc:{person}")

    def _person(self, target: str, aws: Aws) -> str | Refusal:
        """The user id ``target`` names. Raises as :meth:`plan`."""
        if USER_ID.fullmatch(target.removeprefix("idc:")):
            return target.removeprefix("idc:")
        named = PERSON.fullmatch(target)
        if named is None or ":user/" in target or ":role/" in target:
            return Refusal(f"Name the person as {self.target_form}.")
        if not self._store:
            return Refusal(
                f"Which id {named[1]} has in Identity Center is not known: set [organisation] identity_store, or name "
                "the user id that CloudTrail shows as onBehalfOf.userId."
            )
        return self._looked_up(named[1], aws)

    def _looked_up(self, name: str, aws: Aws) -> str | Refusal:
        store = aws.reader("identitystore", self._account, self._region or None)
        unique = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": name}}
        try:
            found = store.get_user_id(IdentityStoreId=self._store, AlternateIdentifier=unique)
        except ClientError as error:
            if fault(error) is Fault.MISSING:
                return Refusal(f"Identity Center knows nobody called {name} in {self._store}.")
            raise
        return str(found["UserId"])

    def lookups(self, target: str) -> tuple[str, ...]:
        name = target.rpartition("/")[2]
        unique = f'{{"UniqueAttribute":{{"AttributePath":"userName","AttributeValue":"{name}"}}}}'
        words = ("identitystore", "get-user-id", "--identity-store-id", self._store or "d-…")
        return (typed(*words, "--alternate-identifier", unique), *super().lookups(target))


def _deploying(person: str) -> tuple[str, ...]:
    """A policy for this one person, where their id is known."""
    if not USER_ID.fullmatch(person):
        return ()
    denied = {"Sid": "TriageDeniedPersons", "Effect": "Deny", "Action": "*", "Resource": "*"}
    condition = {"StringEquals": {PERSONS.key: [person]}}
    return deploying("triage-denied-persons", {**denied, "Condition": condition})
