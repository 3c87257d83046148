"""Playbooks name events that exist, and a broken one says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import check
from bot.hunts.event_names import NO_API, known_to_sdk, names_of
from bot.hunts.library import PlaybookError, load_playbook, shipped

GOOD = (
    'title = "t"\ntactic = "impact"\nwindow_hours = 1\nmin_core = 1\nmin_distinct = 1\ncore = ["a:B"]\nsupport = []\n'
)


def test_every_playbook_names_events_that_exist() -> None:
    named = frozenset[str]().union(*map(names_of, shipped()))
    assert sorted(named - known_to_sdk({name.partition(":")[0] for name in named}) - NO_API) == []


def test_a_playbook_of_ones_own_that_names_no_event_is_told_with_what_may_be_meant(tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "mine.toml").write_text(
        GOOD.replace('"a:B"', '"ses:GetSendQuotas", "ses:CloneReceiptRuleSet", "signin:ConsoleLogin", "nosuch:Thing"')
    )
    (folder / "theirs.toml").write_text(GOOD.replace('"a:B"', '"iam:CreateUser"'))
    config = tmp_path / "config.toml"
    config.write_text(f'[hunts]\nplaybooks = "{folder}"\n')
    said = [str(each) for each in check(config, {}) if "playbooks" in str(each)]
    assert said == [
        f"{config}:2: warning: [hunts] playbooks has mine.toml, which names {name}: no API of AWS is called so{meant}"
        for name, meant in (("nosuch:Thing", ""), ("ses:GetSendQuotas", "; did you mean ses:GetSendQuota?"))
    ]


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
