"""An attacker and their victims, as these tests know them. The key ids are made: they encode account 111122223333."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

DATA = Path(__file__).parent.parent / "data" / "alerts"
KEY = "AKIARTX3GSDSQAAAAAAA"
SESSION_KEY = "ASIARTX3GSDSQAAAAAAB"
ACCOUNT = "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
KALI = "aws-cli/1.22.34 Python/3.9.11 Linux/5.15.0-kali3-amd64 botocore/1.27.84"
# 40 characters of base64, made up for these tests.
SECRET = "cAn4ry/Zq81LrT0bW+vYxK3dPfGhJmN5sUeR7oQ2"
RECEIVED = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)
