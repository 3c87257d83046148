"""Whether CloudTrail ever records an event of some name: a playbook that misspells one matches nobody, for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from botocore.loaders import Loader

from bot.hunts.library import Playbook, shipped

NO_API = frozenset({
    *("signin:ConsoleLogin", "signin:GetSigninToken", "signin:SwitchRole"),
    *("ec2:SharedSnapshotCopyInitiated", "ec2:SharedSnapshotVolumeCreated"),
    *("cloudshell:CreateEnvironment", "cloudshell:CreateSession", "sso:StartSSO", "sso:UpdateSsoConfiguration"),
    *("sso-directory:CreateUser", "sso-directory:AddMemberToGroup", "bedrock:PutFoundationModelEntitlement"),
})  # fmt: skip
"""Events of the console, of AWS itself and of console-only APIs: no SDK describes them."""


def names_of(playbook: Playbook) -> frozenset[str]:
    """Every event a playbook names."""
    return playbook.impact | playbook.support | playbook.not_to_contain | playbook.only_containment


def known_to_sdk(services: Collection[str]) -> frozenset[str]:
    """``service:Operation`` of every API the SDK knows under these prefixes of CloudTrail. Takes seconds."""
    loader, found = Loader(), set[str]()
    for service in loader.list_available_services("service-2"):
        metadata = (model := loader.load_service_model(service, "service-2"))["metadata"]
        prefixes = {service, metadata["endpointPrefix"], metadata.get("signingName", "")} & set(services)
        found |= {f"{prefix}:{operation}" for prefix in prefixes for operation in model["operations"]}
    return frozenset(found)


def unheard_of(playbooks: Iterable[Playbook]) -> dict[str, str | None]:
    """The events in ``playbooks`` that nobody knows, each with the known one that is most like it.

    The shipped playbooks name known ones, so that an own one which asks for the same costs nothing.
    """
    told = frozenset[str]().union(*map(names_of, playbooks)) - NO_API
    doubtful = told - frozenset[str]().union(*map(names_of, shipped()))
    if not doubtful:
        return {}
    known = known_to_sdk({name.partition(":")[0] for name in doubtful})
    return {name: next(iter(get_close_matches(name, known, 1)), None) for name in sorted(doubtful - known)}
