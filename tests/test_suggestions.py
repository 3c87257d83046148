from __future__ import annotations

import pytest

from bot.model import Kind, Observable, Verdict
from bot.suggestions import SPEAKS_AGAINST, WHY_DISABLE, suggestions

ALL = frozenset(
    {"disable_access_key", "quarantine_user", "reset_console_password", "revoke_sessions", "deny_sso_user", "block_ip"}
)
KEY = Observable(Kind.ACCESS_KEY, "AKIARTX3GSDSQAAAAAAA")
USER = Observable(Kind.PRINCIPAL, "111122223333:user/alice")


def names(observable: Observable, verdict: Verdict = Verdict.INCIDENT, offered: frozenset[str] = ALL) -> list[str]:
    return [each.remediation for each in suggestions(observable, verdict, offered)]


@pytest.mark.parametrize(
    ("observable", "wanted"),
    [
        (KEY, ["disable_access_key"]),
        (Observable(Kind.ACCESS_KEY, "ASIARTX3GSDSQAAAAAAA"), []),
        (USER, ["quarantine_user", "reset_console_password"]),
        (Observable(Kind.PRINCIPAL, "111122223333:role/deploy"), ["revoke_sessions"]),
        (Observable(Kind.PRINCIPAL, "111122223333:sso/ana@example.com"), ["deny_sso_user"]),
        (Observable(Kind.PRINCIPAL, "idc:906722b2ef-1"), ["deny_sso_user"]),
        (Observable(Kind.PRINCIPAL, "111122223333:root"), []),
        (Observable(Kind.PRINCIPAL, "service:ec2.amazonaws.com"), []),
        (Observable(Kind.IP, "203.0.113.5"), ["block_ip"]),
        (Observable(Kind.EVENT, "iam:ListUsers"), []),
        (Observable(Kind.USER_AGENT, "aws-cli/1|linux|kali|-"), []),
    ],
    ids=str,
)
def test_what_answers_each_kind_of_thing(observable: Observable, wanted: list[str]) -> None:
    assert names(observable) == wanted


@pytest.mark.parametrize("verdict", Verdict)
def test_a_key_can_always_be_disabled_and_the_rest_only_with_a_reason(verdict: Verdict) -> None:
    assert names(KEY, verdict) == ["disable_access_key"]
    assert WHY_DISABLE[verdict]
    assert bool(names(USER, verdict)) == (verdict in SPEAKS_AGAINST)


def test_only_what_is_offered_is_suggested() -> None:
    assert names(USER, offered=frozenset({"reset_console_password"})) == ["reset_console_password"]
    assert names(KEY, offered=frozenset()) == []
