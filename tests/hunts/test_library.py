"""Playbooks name events that exist, and a broken one says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.loaders import Loader

from bot.hunts.library import PlaybookError, load_playbook, shipped

NO_API = {
    *("signin:ConsoleLogin", "signin:GetSigninToken", "signin:SwitchRole"),
    *("ec2:SharedSnapshotCopyInitiated", "ec2:SharedSnapshotVolumeCreated"),
    *("cloudshell:CreateEnvironment", "cloudshell:CreateSession", "sso:StartSSO", "sso:UpdateSsoConfiguration"),
    *("sso-directory:CreateUser", "sso-directory:AddMemberToGroup", "bedrock:PutFoundationModelEntitlement"),
}
"""Events of the console, of AWS itself and of console-only APIs: no SDK describes them."""
GOOD = (
    'title = "t"\ntactic = "impact"\nwindow_hours = 1\nmin_core = 1\nmin_distinct = 1\ncore = ["a:B"]\nsupport = []\n'
)


def sdk_events() -> set[str]:
    """``service:Operation`` of every API the SDK knows, under the prefixes CloudTrail uses."""
    loader, found = Loader(), set[str]()
    wanted = {name.partition(":")[0] for playbook in shipped() for name in playbook.impact | playbook.support}
    for service in loader.list_available_services("service-2"):
        metadata = (model := loader.load_service_model(service, "service-2"))["metadata"]
        prefixes = {service, metadata["endpointPrefix"], metadata.get("signingName", "")} & wanted
        found |= {f"{prefix}:{operation}" for prefix in prefixes for operation in model["operations"]}
    return found


def test_every_playbook_names_events_that_exist() -> None:
    named = {
        name
        for playbook in shipped()
        for name in playbook.impact | playbook.support | playbook.not_to_contain | playbook.only_containment
    }
    assert sorted(named - sdk_events() - NO_API) == []


def test_the_library_is_complete() -> None:
    assert len(shipped()) == 14
    assert all(playbook.title and playbook.core and playbook.tactic for playbook in shipped())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "cannot be read"),
        (GOOD + "cores = []", "keys that no playbook has: cores"),
        ('title = "t"', "lacks core, min_core"),
        (GOOD.replace("window_hours = 1", "window_hours = 0"), "window_hours is a number above 0"),
        (GOOD.replace('["a:B"]', '"a:B"'), "core is a list of names"),
    ],
)
def test_a_broken_playbook_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(PlaybookError, match=told):
        load_playbook(path)


def test_a_playbook_is_named_for_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    assert load_playbook(tmp_path / "mine.toml").name == "mine"
