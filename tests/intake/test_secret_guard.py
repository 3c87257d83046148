"""No secret access key and no session token is ever stored."""

from __future__ import annotations

from typing import Any

import pytest

from bot.intake.secret_guard import REMOVED, remove_secrets
from tests.intake.samples import KEY, SECRET

TOKEN = "IQoJb3JpZ2luX2VjCanary" + "A1b2/+" * 20 + "=="


@pytest.mark.parametrize(
    ("payload", "removed"),
    [
        (f"{KEY} {SECRET}", 1),
        (f"{KEY}/{SECRET}", 1),
        (f"{KEY}:{SECRET}", 1),
        (f"AWS_ACCESS_KEY_ID={KEY}\nAWS_SECRET_ACCESS_KEY={SECRET}", 1),
        ({"a": KEY, "b": SECRET}, 1),
        ({"a": {"deep": [KEY]}, "b": [{"c": f"so: '{SECRET}'."}], SECRET: 1}, 2),
        ({"secretAccessKey": SECRET[:-1]}, 1),
        ({"aws_secret_access_key": "short"}, 1),
        ({"credentials": {"sessionToken": TOKEN}}, 1),
        (f"export AWS_SESSION_TOKEN={TOKEN}", 1),
        (f'{{"Message": "{{\\"key\\": \\"{KEY}\\", \\"s\\": \\"{SECRET}\\"}}"}}', 1),
    ],
)
def test_secrets_are_cut_out_and_counted(payload: Any, removed: int) -> None:
    cleaned, count = remove_secrets(payload)
    assert count == removed
    assert str(cleaned).count(REMOVED) == removed
    assert SECRET not in str(cleaned)
    assert TOKEN not in str(cleaned)
    assert str(cleaned).count(KEY) == str(payload).count(KEY)
    assert remove_secrets(cleaned) == (cleaned, 0)


@pytest.mark.parametrize(
    "payload",
    [
        SECRET,
        f"{KEY} {'0123456789abcdef' * 2}01234567",
        f"{KEY} {SECRET}x",
        f"{KEY} {SECRET[:-1]}",
        f"{KEY} UpdateServiceSpecificCredentialForSomeOne",
        {"key": KEY, "count": 40, "none": None, "yes": True, "secretKey": ""},
        "",
    ],
)
def test_what_is_no_secret_stays(payload: Any) -> None:
    assert remove_secrets(payload) == (payload, 0)
