"""The policies that deploy/ ships, as the code says them: `python -m tests.policies` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.config.settings import Settings
from bot.permissions import acting_policy, reading_policy
from tests.documents import ROOT

FOLDER = ROOT / "deploy" / "terraform" / "roles" / "policies"


def policies() -> dict[str, dict[str, Any]]:
    """Of each role what it may do by default; what names buckets and queues is added by whoever knows them."""
    settings = Settings()
    reading = reading_policy(settings)
    everywhere = [each for each in reading["Statement"] if each["Resource"] == "*"]
    return {
        "read": {**reading, "Statement": everywhere},
        "act": acting_policy(settings),
        "roles": acting_policy(settings, roles=True),
    }


def written(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


if __name__ == "__main__":
    for name, document in policies().items():
        Path(FOLDER / f"{name}.json").write_text(written(document), encoding="utf-8")
