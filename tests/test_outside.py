"""Whom enrichers may ask, as the settings say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.config import load
from bot.config.secret_ref import MissingSecret
from bot.model import Searching
from bot.outside import Outside, aws_of, outside_at_hand, outside_of

ROLE = """[aws]
read_role = "arn:aws:iam::{account}:role/triage-read"
external_id = "env:TRIAGE_EXTERNAL_ID"
"""
GITHUB = """[exposure]
github_token = "env:TRIAGE_GITHUB_TOKEN"
words = ["parcelhub.example"]
"""
AWS_SECRET = {"TRIAGE_EXTERNAL_ID": "made-up"}
GITHUB_SECRET = {"TRIAGE_GITHUB_TOKEN": "made-up"}


def now() -> datetime:
    return datetime(2026, 11, 20, tzinfo=UTC)


def asked(outside: Outside) -> set[str]:
    return {name for name in ("iam", "statistics", "code_search") if getattr(outside, name) is not None}


@pytest.mark.parametrize(
    ("text", "environ", "there"),
    [
        ("", {}, set()),
        (ROLE + GITHUB, AWS_SECRET | GITHUB_SECRET, {"iam", "statistics", "code_search"}),
        (ROLE + GITHUB, AWS_SECRET, {"iam", "statistics"}),
        (ROLE + GITHUB, GITHUB_SECRET, {"code_search"}),
        (ROLE, AWS_SECRET, {"iam", "statistics"}),
        (GITHUB, GITHUB_SECRET, {"code_search"}),
    ],
)
def test_a_terminal_asks_whom_it_has_the_secrets_for(
    tmp_path: Path, text: str, environ: dict[str, str], there: set[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    assert asked(outside_at_hand(load(file, {}), now, environ)) == there


def test_a_bot_that_serves_needs_every_secret_it_names(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(ROLE + GITHUB, encoding="utf-8")
    settings = load(file, {})
    aws = aws_of(settings, AWS_SECRET, now)
    assert asked(outside_of(settings, aws, GITHUB_SECRET, now)) == {"iam", "statistics", "code_search"}
    with pytest.raises(MissingSecret):
        outside_of(settings, aws, {}, now)
    assert settings.searching() == Searching(words=("parcelhub.example",))
