"""When a playbook fits, and when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.hunts.library import Playbook, shipped
from bot.hunts.matching import matches
from bot.hunts.result import Hit
from bot.model import Event, Outcome
from tests.scope.made import ACCOUNT, QUOTA, SENDING, USERS, WHO, call, key_of, minutes_ago

PLAYBOOKS = {playbook.name: playbook for playbook in shipped()}
ALICE = f"{ACCOUNT}:user/alice"


def made(name: str, minutes: float = 60, *, outcome: Outcome = Outcome.OK, who: str = ALICE) -> Event:
    return call(key_of(1), who, name, minutes_ago(minutes), outcome=outcome)


def hits(name: str, *events: Event, rarity: float = 0.5, habitual: bool = False) -> list[Hit]:
    return list(matches(PLAYBOOKS[name], events, lambda _: rarity, lambda *_: habitual))


def test_core_and_support_within_the_window_match() -> None:
    [hit] = hits("email-abuse", made(SENDING, 60), made(QUOTA, 59, outcome=Outcome.DENIED), made(WHO, 58))
    assert (hit.level, hit.severity, hit.principals, hit.source_ip) == ("match", "high", (ALICE,), "198.51.100.7")
    assert hit.events == {SENDING: 1, QUOTA: 1, WHO: 1}
    assert hit.outcomes == {"denied": 1, "ok": 2}


def test_attempts_count_for_intent_and_not_for_impact() -> None:
    tried = [made(name, outcome=Outcome.DENIED) for name in (SENDING, QUOTA, WHO)]
    assert [hit.severity for hit in hits("email-abuse", *tried)] == ["medium"]


def test_the_same_calls_days_apart_do_not_match() -> None:
    assert hits("email-abuse", made(SENDING, 4000), made(QUOTA, 2000), made(WHO, 1)) == []


def test_two_people_do_not_make_one_match() -> None:
    other = f"{ACCOUNT}:user/bob"
    assert hits("email-abuse", made(SENDING), made(QUOTA, who=other), made(WHO, who=other)) == []


def test_refused_support_calls_are_weak_where_they_are_rare() -> None:
    refused = [made(USERS, outcome=Outcome.DENIED), made(QUOTA, outcome=Outcome.DENIED)]
    assert [hit.level for hit in hits("email-abuse", *refused, rarity=0.71)] == ["weak"]
    assert hits("email-abuse", *refused, rarity=0.5) == []
    assert hits("email-abuse", made(QUOTA), rarity=1.0) == []


def test_regions_are_asked_for_where_the_playbook_does() -> None:
    asked = [made("sns:GetSMSAttributes", 50), made("sns:ListTopics", 49)]
    assert hits("sms-abuse", *asked) == []
    abroad = [replace(asked[0], id=region, region=region) for region in ("us-east-1", "us-west-2", "eu-west-1")]
    assert len(hits("sms-abuse", *asked, *abroad)) == 1


def test_many_events_are_asked_for_where_the_playbook_does() -> None:
    purge = [made("ec2:DeleteSnapshot"), made("ec2:DeleteVolume", 59)]
    assert hits("delete-and-extort", *purge) == []
    more = [replace(purge[0], id=str(n)) for n in range(9)]
    assert len(hits("delete-and-extort", *purge, *more)) == 1


@pytest.mark.parametrize(
    "who", ["service:config.amazonaws.com", f"{ACCOUNT}:role/AWSServiceRoleForTrustedAdvisor", "by service"]
)
def test_services_are_left_out(who: str) -> None:
    events = [made(name, who=ALICE if who == "by service" else who) for name in (SENDING, QUOTA, WHO)]
    assert hits("email-abuse", *(replace(event, by_service=who == "by service") for event in events)) == []


def test_awss_own_quarantine_is_not_persistence() -> None:
    attach = replace(made("iam:AttachUserPolicy"), family="aws-internal")
    assert hits("persist-iam", attach, made(USERS)) == []
    assert len(hits("persist-iam", made("iam:AttachUserPolicy"), made(USERS))) == 1


def test_whoever_always_does_it_is_a_quiet_hit() -> None:
    [hit] = hits("email-abuse", made(SENDING), made(QUOTA), made(WHO), habitual=True)
    assert (hit.level, hit.severity) == ("match", "low")


def test_playbooks_are_ordered_by_what_is_rare() -> None:
    bob = f"{ACCOUNT}:user/bob"
    events = [
        *(made(n) for n in (SENDING, QUOTA, WHO)),
        *(made(n, who=bob) for n in (SENDING, QUOTA, WHO, "ses:GetAccount")),
    ]
    assert [hit.principals for hit in hits("email-abuse", *events)] == [(bob,), (ALICE,)]


def test_every_shipped_playbook_can_match() -> None:
    def all_of(playbook: Playbook) -> list[Event]:
        names = sorted(playbook.impact | playbook.support)
        return [made(name, 30 - n / 100) for n, name in enumerate(names)]

    for playbook in shipped():
        assert [hit.level for hit in matches(playbook, all_of(playbook), lambda _: 1.0, lambda *_: False)] == ["match"]
