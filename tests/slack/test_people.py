"""Who somebody is, asked of the local Slack over HTTP; and what that means for what they may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.access import AccessRules, decide
from bot.demo.slack import (
    ANALYST,
    BOT_USER,
    FORMER,
    GUEST,
    SECOND_ANALYST,
    SERVER_ERROR,
    SOC_GROUP,
    STRANGER,
    TEAM_ID,
    LocalSlack,
)
from bot.model import Actor, Operation
from bot.slack.client import web_client
from bot.slack.people import People

GROUP = f"slack:{TEAM_ID}:{SOC_GROUP}"


class Clock:
    now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def actor(user: str) -> Actor:
    return Actor(f"slack:{TEAM_ID}:{user}", user)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(slack: LocalSlack, clock: Clock) -> People:
    return People(web_client(slack.bot_token, slack.api_url), clock)


def rules(people: People, *named: str) -> AccessRules:
    return AccessRules({Operation.APPROVE: frozenset(named)}, {"local:sam": f"slack:{TEAM_ID}:{ANALYST}"}, people)


def decided(user: Actor, access: AccessRules) -> str | None:
    """Why ``user`` may not approve; ``None`` if they may."""
    access.refresh([user])
    decision = decide(user, Operation.APPROVE, access)
    return None if decision.allowed else decision.sentence


def test_a_full_member_who_is_named_may(people: People) -> None:
    assert decided(actor(ANALYST), rules(people, actor(ANALYST).id)) is None
    assert "ask someone named" in str(decided(actor(SECOND_ANALYST), rules(people, actor(ANALYST).id)))


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (GUEST, "guests may do nothing here"),
        (STRANGER, "people of other organisations may do nothing here"),
        (FORMER, "this account was deactivated"),
        (BOT_USER, "bots may do nothing here"),
        ("U0NOBODY", "Slack could not be asked"),
    ],
)
def test_who_is_no_full_member_may_do_nothing_though_named(people: People, user: str, why: str) -> None:
    assert why in str(decided(actor(user), rules(people, actor(user).id)))


def test_nobody_is_believed_before_slack_was_asked(people: People) -> None:
    decision = decide(actor(ANALYST), Operation.APPROVE, rules(people, actor(ANALYST).id))
    assert not decision.allowed
    assert "Slack could not be asked" in decision.sentence


def test_members_of_a_named_group_may_until_five_minutes_after_slack_said_so(
    slack: LocalSlack, people: People, clock: Clock
) -> None:
    slack.groups[SOC_GROUP] = [ANALYST]
    access = rules(people, GROUP)
    assert decided(actor(ANALYST), access) is None
    assert decided(Actor("local:sam", "sam"), access) is None
    assert decided(actor(SECOND_ANALYST), access) is not None
    slack.groups[SOC_GROUP] = []
    assert decided(actor(ANALYST), access) is None, "for five minutes an answer holds"
    clock.now += timedelta(minutes=5, seconds=1)
    assert decided(actor(ANALYST), access) is not None


def test_a_stale_answer_is_a_no(slack: LocalSlack, people: People, clock: Clock) -> None:
    slack.groups[SOC_GROUP] = [ANALYST]
    access = rules(people, GROUP)
    assert decided(actor(ANALYST), access) is None
    clock.now += timedelta(minutes=5, seconds=1)
    slack.fail_next("users.info", SERVER_ERROR)
    slack.fail_next("usergroups.users.list", SERVER_ERROR)
    assert "Slack could not be asked" in str(decided(actor(ANALYST), access))


def test_slack_is_asked_once_in_five_minutes(slack: LocalSlack, people: People) -> None:
    access = rules(people, actor(ANALYST).id, GROUP)
    slack.groups[SOC_GROUP] = [ANALYST]
    for _ in range(3):
        decided(actor(ANALYST), access)
    assert (len(slack.calls("users.info")), len(slack.calls("usergroups.users.list"))) == (1, 1)


def test_at_a_terminal_a_group_has_no_members() -> None:
    access = AccessRules({Operation.APPROVE: frozenset({GROUP})})
    assert not decide(actor(ANALYST), Operation.APPROVE, access).allowed
