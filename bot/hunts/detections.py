"""Detections that run by themselves: what a principal did in a window, against what was usual before.

Each detection is one function: a principal's calls in, a finding out. A *telling* finding is an alert by itself. A
*weak* one (a new client, a rare call) is not: half of all new laptops would page somebody. Weak findings are told where
two classes of oddity (tool, network, behaviour) meet in one principal's unfamiliar use. One story is one alert,
however many calls and findings it has. The rules are those of DOMAIN's table of detections.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.hunts.doing import Doing, Finding, found, listed, windows
from bot.model import Event, Outcome, offensive_name
from bot.scope.rules import FIRST_LOOKS
from bot.scope.usual import LONG_TERM_KEY, pivot_of

BURST, BURST_WITHIN, BURST_NAMES = 5, timedelta(minutes=10), 3
BURST_SERVICES, BURST_OF_ALL = 5, 15
SPRAY, SPRAY_WITHIN = 3, timedelta(minutes=60)
SWITCHES = frozenset({
    *("ses:UpdateAccountSendingEnabled", "ses:PutAccountSendingAttributes", "ses:PutAccountDetails"),
})  # fmt: skip
"""Account-wide e-mail sending."""
WORTH = frozenset({"ses:GetSendQuota", "ses:GetAccount"})
"""What e-mail sending is worth: asked on the same day, a switch is no clean-up."""
TAMPERING = frozenset({
    *("cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:UpdateTrail"),
    *("guardduty:DeleteDetector", "guardduty:UpdateDetector", "guardduty:DisassociateFromMasterAccount"),
    *("config:StopConfigurationRecorder", "config:DeleteConfigurationRecorder", "config:DeleteDeliveryChannel"),
    *("organizations:LeaveOrganization", "securityhub:DisableSecurityHub"),
})  # fmt: skip
PIVOTS = frozenset({
    *("iam:CreateLoginProfile", "sts:GetFederationToken", "signin:GetSigninToken", "signin:ConsoleLogin"),
})  # fmt: skip
"""How a key becomes a console."""
SIGN_IN = "signin:ConsoleLogin"
"""Its record names no key."""
MINTING = frozenset({"sts:GetFederationToken", "sts:GetSessionToken", "sts:AssumeRole"})
MODELS = "bedrock:ListFoundationModels"
INVOKING = frozenset({
    *("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:Converse", "bedrock:ConverseStream"),
})  # fmt: skip
PROBED_WITHIN = timedelta(minutes=15)
QUARANTINING = frozenset({"iam:AttachUserPolicy", "iam:PutUserPolicy"})
LIFTING = frozenset({"iam:DetachUserPolicy", "iam:DeleteUserPolicy"})

Detection = Callable[[Doing], Finding | None]


def offensive_client(doing: Doing) -> Finding | None:
    """``ua.offensive``: a penetration-testing system or tool, new to the principal."""
    calls = [
        event
        for event in doing.events
        if offensive_name(event.family) and doing.ground.client_is_new(doing.principal, event.family)
    ]
    name = offensive_name(calls[0].family) if calls else None
    return found("ua.offensive", "tool", f"It was used from {name}, a penetration-testing client.", calls, "high")


def new_client(doing: Doing) -> Finding | None:
    """``ua.new14``: a kind of client the principal did not use before. Weak: every new laptop is one; and none at an
    exit that many share, where new laptops are unpacked.
    """
    calls = [
        event
        for event in doing.unfamiliar
        if doing.ground.client_is_new(doing.principal, event.family) and not _is_shared(doing, event)
    ]
    if not calls or not doing.is_known:
        return None
    sentence = f"A kind of client it never used: {calls[0].family}."
    return found("ua.new14", "tool", sentence, calls, telling=False)


def rented_address(doing: Doing) -> Finding | None:
    """``ip.hosting``: an address of a hosting provider, new to the principal; not of AWS, Google or Microsoft, where
    everybody's runners are. Weak: VPN exits are rented, too.
    """
    calls = [
        event
        for event in doing.unfamiliar
        if (place := pivot_of(event.ip, event.address_class)) and doing.ground.is_rented(place)
    ]
    places = sorted({event.ip for event in calls if event.ip})
    sentence = f"Used from {listed(places)}, rented, where it never was."
    return found("ip.hosting", "network", sentence, calls, telling=False)


def denied_burst(doing: Doing) -> Finding | None:
    """``denied.burst``: five refusals of three calls it never made, within ten minutes, by no console page (which meets
    a dozen by itself). Weak, because people come upon a service they may not use; in five services, or of fifteen
    different calls, it is a tool that tries everything.
    """
    refused = [
        event
        for event in doing.fresh
        if event.outcome is Outcome.DENIED and not event.family.startswith(("browser", "console"))
    ]
    widest: list[Event] = []
    for window in windows(refused, BURST_WITHIN):
        if len(window) >= BURST and len({e.name for e in window}) >= max(BURST_NAMES, len({e.name for e in widest})):
            widest = window
    names = sorted({event.name for event in widest})
    services = {name.partition(":")[0] for name in names}
    sentence = f"{len(widest)} calls it never made were refused within 10 minutes: {listed(names)}."
    everything = len(services) >= BURST_SERVICES or len(names) >= BURST_OF_ALL
    return found("denied.burst", "behaviour", sentence, widest, telling=everything)


def denied_recon(doing: Doing) -> Finding | None:
    """``denied.recon``: a refused first look by a long-term key that never looked. Weak: scopes are set wrong, too."""
    calls = [
        event
        for event in doing.among(FIRST_LOOKS, doing.fresh)
        if event.outcome is Outcome.DENIED and (event.key or "").startswith(LONG_TERM_KEY)
    ]
    names = sorted({event.name for event in calls})
    return found("denied.recon", "behaviour", f"First looks were refused: {listed(names)}.", calls, telling=False)


def rare_call(doing: Doing) -> Finding | None:
    """``api.first``: calls that are rare here and new to it, where it is not at home. Weak: there are release days."""
    calls = [event for event in doing.fresh if event.id in doing.away and doing.ground.is_rare(event.name)]
    names = sorted({event.name for event in calls}, key=lambda name: (-doing.ground.rarity(name), name))
    return found("api.first", "behaviour", f"Rare calls, new to it: {listed(names)}.", calls, telling=False)


def sending_switched(doing: Doing) -> Finding | None:
    """``ses.toggle``: account-wide e-mail sending switched by who has no history with e-mail."""
    calls = doing.among(SWITCHES, doing.fresh)
    regions = len({event.region for event in calls})
    sentence = f"It switched account-wide e-mail sending in {regions} region{'s' if regions != 1 else ''}."
    priced = doing.among(WORTH)
    return found("ses.toggle", "behaviour", sentence, calls, "high" if regions > 1 or priced else "medium")


def console_pivot(doing: Doing) -> Finding | None:
    """``console.pivot``: a key that never had a console gets one, away from where its owner works."""
    calls = [event for event in doing.among(PIVOTS, doing.fresh) if event.id in doing.away]
    never = not any(family.startswith(("browser", "console")) for family in doing.ground.own(doing.principal).families)
    if not calls or not never or not doing.is_known:
        return None
    names = listed(sorted({event.name for event in calls}))
    return found("console.pivot", "behaviour", f"A key became console access: {names}.", calls, "high")


def sign_in_without_mfa(doing: Doing) -> Finding | None:
    """``console.nomfa``: the root user or an IAM user signs in without MFA; of a provider of identities MFA is its own
    affair. Weak of a user, and only where it is not at home.
    """
    root = doing.principal.endswith(":root")
    calls = [
        event
        for event in doing.events
        if event.name == SIGN_IN
        and event.outcome is Outcome.OK
        and event.detail is not None
        and event.detail.mfa is False
        and (root or (":user/" in doing.principal and event.id in doing.away))
    ]
    who = "The root user" if root else "It"
    return found("console.nomfa", "behaviour", f"{who} signed in without MFA.", calls, "high", telling=root)


def session_spray(doing: Doing) -> Finding | None:
    """``session.spray``: one key gives out three sessions within the hour, which it never did. Weak: somebody is given
    roles in several accounts every week.
    """
    minted = [event for event in doing.among(MINTING, doing.fresh) if event.minted]
    for key in sorted({event.key for event in minted if event.key}):
        for window in windows([event for event in minted if event.key == key], SPRAY_WITHIN):
            sessions = {event.minted for event in window}
            if len(sessions) >= SPRAY:
                sentence = f"{key} gave out {len(sessions)} sessions within the hour, which it never did."
                return found("session.spray", "behaviour", sentence, window, telling=False)
    return None


def models_probed(doing: Doing) -> Finding | None:
    """``llm.probe``: a long-term key asks which language models there are and tries one within a quarter of an hour,
    which it never did. Weak where its owner works: somebody begins with models every week.
    """
    calls = [event for event in doing.fresh if (event.key or "").startswith(LONG_TERM_KEY)]
    listed_at = [event for event in calls if event.name == MODELS]
    pairs = [
        (one, other)
        for one in listed_at
        for other in calls
        if other.name in INVOKING and one.key == other.key and timedelta(0) <= other.at - one.at <= PROBED_WITHIN
    ]
    probing = [event for pair in pairs for event in pair]
    away = any(event.id in doing.away for event in probing)
    sentence = "It asked which language models there are and tried one within 15 minutes, which it never did."
    return found("llm.probe", "behaviour", sentence, probing, "high", telling=away)


def root_key(doing: Doing) -> Finding | None:
    """``root.key``: an access key of the root user. There is no good reason for one."""
    calls = [e for e in doing.events if e.principal.id.endswith(":root") and (e.key or "").startswith(LONG_TERM_KEY)]
    return found("root.key", "behaviour", "An access key of the root user was used.", calls, "critical")


def dormant_key(doing: Doing) -> Finding | None:
    """``key.dormant``: a long-term key that slept for 90 days is used. Weak at an exit that many share or at a place
    its owner uses anyway: there are yearly jobs, and people find an old profile.
    """
    calls = [event for event in doing.events if event.key in doing.keys.asleep]
    strange = any(_is_elsewhere(doing, event) for event in calls)
    keys = sorted({event.key for event in calls if event.key})
    sentence = f"{listed(keys)} woke up after 90 days or more."
    return found("key.dormant", "behaviour", sentence, calls, telling=strange)


def _is_shared(doing: Doing, event: Event) -> bool:
    place = pivot_of(event.ip, event.address_class)
    return place is not None and doing.ground.proves_nothing(place) is not None


def _is_elsewhere(doing: Doing, event: Event) -> bool:
    """From an address that neither its owner's other keys nor several others used before."""
    place = pivot_of(event.ip, event.address_class)
    if place is None or doing.ground.proves_nothing(place):
        return False
    return all(place != used for used, _ in doing.ground.own(doing.principal).places())


def role_outside(doing: Doing) -> Finding | None:
    """``role.outside``: a session of an instance, a task or a function, used from an address that is neither AWS's nor
    one where the role or several others were before. Not told where nothing is known of the address.
    """
    calls = [
        event
        for event in doing.unfamiliar
        if event.key in doing.keys.workloads
        and (place := pivot_of(event.ip, event.address_class))
        and doing.ground.is_outside_aws(place)
    ]
    places = sorted({event.ip for event in calls if event.ip})
    sentence = f"The session of a machine in AWS was used from {listed(places)}, outside AWS."
    return found("role.outside", "network", sentence, calls, "high")


def logging_tampered(doing: Doing) -> Finding | None:
    """``logging.tamper``: our own sight was touched, or was tried to be, by who never did that."""
    calls = doing.among(TAMPERING, doing.fresh)
    names = listed(sorted({event.name for event in calls}))
    return found("logging.tamper", "behaviour", f"It touched logging or detection: {names}.", calls, "high")


DETECTIONS: tuple[Detection, ...] = (
    *(root_key, offensive_client, role_outside, logging_tampered, sending_switched, console_pivot, session_spray),
    *(sign_in_without_mfa, models_probed),
    *(denied_burst, dormant_key, denied_recon, rare_call, new_client, rented_address),
)
