"""Detections that run by themselves: what a principal did in a window, against what was usual before.

Each detection is one function: a principal's calls in, a finding out. A *telling* finding is an alert by itself. A
*weak* one (a new client, a rare call) is not: half of all new laptops would page somebody. Weak findings are told where
two classes of oddity (tool, network, behaviour) meet in one principal's unfamiliar use. One story is one alert,
however many calls and findings it has. The rules are those of DOMAIN's table of detections.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from bot.hunts.result import SEVERITIES, Hit, Severity
from bot.model import Event, Outcome, is_quarantine, offensive_name
from bot.scope.ground import Ground
from bot.scope.rules import FIRST_LOOKS
from bot.scope.usual import LONG_TERM_KEY, pivot_of

BURST, BURST_WITHIN, BURST_NAMES = 5, timedelta(minutes=10), 3
SPRAY, SPRAY_WITHIN = 3, timedelta(minutes=60)
SWITCHES = frozenset({
    *("ses:UpdateAccountSendingEnabled", "ses:PutAccountSendingAttributes", "ses:PutAccountDetails"),
})  # fmt: skip
"""Account-wide e-mail sending."""
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
MINTING = frozenset({"sts:GetFederationToken", "sts:GetSessionToken", "sts:AssumeRole"})
QUARANTINING = frozenset({"iam:AttachUserPolicy", "iam:PutUserPolicy"})
_NAMED = 4
_EVIDENCE = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detection says of one principal. ``class_`` is the kind of oddity; a weak one needs another class."""

    detection: str
    class_: str
    sentence: str
    events: tuple[Event, ...]
    severity: Severity = "medium"
    telling: bool = True


class Doing:
    """What one principal did in the window, with its own hands: not what services did for it."""

    def __init__(self, ground: Ground, principal: str, events: Sequence[Event]) -> None:
        self.ground = ground
        self.principal = principal
        self.events = sorted(events, key=lambda event: (event.at, event.id))

    @cached_property
    def fresh(self) -> list[Event]:
        """Calls the principal never made before."""
        return [event for event in self.events if self.ground.is_fresh(self.principal, event.name)]

    @cached_property
    def unfamiliar(self) -> list[Event]:
        return [event for event in self.events if self.ground.is_unfamiliar_use(event)]

    @property
    def is_known(self) -> bool:
        """Enough is known of the principal to call anything new."""
        return not self.ground.usual.is_thin(self.principal)

    def among(self, names: frozenset[str], events: Iterable[Event] | None = None) -> list[Event]:
        return [event for event in (self.events if events is None else events) if event.name in names]


Detection = Callable[[Doing], Finding | None]


def offensive_client(doing: Doing) -> Finding | None:
    """``ua.offensive``: a penetration-testing system or tool, new to the principal."""
    calls = [
        event
        for event in doing.events
        if offensive_name(event.family) and doing.ground.client_is_new(doing.principal, event.family)
    ]
    name = offensive_name(calls[0].family) if calls else None
    return _found("ua.offensive", "tool", f"It was used from {name}, a penetration-testing client.", calls, "high")


def new_client(doing: Doing) -> Finding | None:
    """``ua.new14``: a kind of client the principal did not use before. Weak: every new laptop is one."""
    calls = [event for event in doing.unfamiliar if doing.ground.client_is_new(doing.principal, event.family)]
    if not calls or not doing.is_known:
        return None
    sentence = f"A kind of client it never used: {calls[0].family}."
    return _found("ua.new14", "tool", sentence, calls, telling=False)


def rented_address(doing: Doing) -> Finding | None:
    """``ip.hosting``: an address of a hosting provider, new to the principal. Weak: VPN exits are rented, too."""
    calls = [
        event
        for event in doing.unfamiliar
        if (place := pivot_of(event.ip, event.address_class)) and doing.ground.hosting_network(place)
    ]
    places = sorted({event.ip for event in calls if event.ip})
    sentence = f"Used from {_listed(places)}, rented, where it never was."
    return _found("ip.hosting", "network", sentence, calls, telling=False)


def denied_burst(doing: Doing) -> Finding | None:
    """``denied.burst``: five refusals of three calls it never made, within ten minutes, by no console page."""
    refused = [
        event
        for event in doing.fresh
        if event.outcome is Outcome.DENIED and not event.family.startswith(("browser", "console"))
    ]
    for window in _windows(refused, BURST_WITHIN):
        names = {event.name for event in window}
        if len(window) >= BURST and len(names) >= BURST_NAMES:
            sentence = f"{len(window)} calls it never made were refused within 10 minutes: {_listed(sorted(names))}."
            return _found("denied.burst", "behaviour", sentence, window)
    return None


def denied_recon(doing: Doing) -> Finding | None:
    """``denied.recon``: a refused first look by a long-term key that never looked. Weak: scopes are set wrong, too."""
    calls = [
        event
        for event in doing.among(FIRST_LOOKS, doing.fresh)
        if event.outcome is Outcome.DENIED and (event.key or "").startswith(LONG_TERM_KEY)
    ]
    names = sorted({event.name for event in calls})
    return _found("denied.recon", "behaviour", f"First looks were refused: {_listed(names)}.", calls, telling=False)


def rare_call(doing: Doing) -> Finding | None:
    """``api.first``: calls that are rare here and new to it, where it is not at home. Weak: there are release days."""
    here = {event.id for event in doing.unfamiliar}
    calls = [event for event in doing.fresh if event.id in here and doing.ground.is_rare(event.name)]
    names = sorted({event.name for event in calls}, key=lambda name: (-doing.ground.rarity(name), name))
    return _found("api.first", "behaviour", f"Rare calls, new to it: {_listed(names)}.", calls, telling=False)


def sending_switched(doing: Doing) -> Finding | None:
    """``ses.toggle``: account-wide e-mail sending switched by who has no history with e-mail."""
    calls = doing.among(SWITCHES, doing.fresh)
    regions = len({event.region for event in calls})
    sentence = f"It switched account-wide e-mail sending in {regions} region{'s' if regions != 1 else ''}."
    return _found("ses.toggle", "behaviour", sentence, calls, "high" if regions > 1 else "medium")


def console_pivot(doing: Doing) -> Finding | None:
    """``console.pivot``: a key that never had a console gets one, away from where its owner works."""
    here = {event.id for event in doing.unfamiliar}
    calls = [event for event in doing.among(PIVOTS, doing.fresh) if event.id in here]
    never = not any(
        family.startswith(("browser", "console")) for family in doing.ground.usual.families(doing.principal)
    )
    if not calls or not never or not doing.is_known:
        return None
    names = _listed(sorted({event.name for event in calls}))
    return _found("console.pivot", "behaviour", f"A key became console access: {names}.", calls, "high")


def session_spray(doing: Doing) -> Finding | None:
    """``session.spray``: one key gives out three sessions within the hour, which it never did."""
    minted = [event for event in doing.among(MINTING, doing.fresh) if event.minted]
    for key in sorted({event.key for event in minted if event.key}):
        for window in _windows([event for event in minted if event.key == key], SPRAY_WITHIN):
            sessions = {event.minted for event in window}
            if len(sessions) >= SPRAY:
                sentence = f"{key} gave out {len(sessions)} sessions within the hour, which it never did."
                return _found("session.spray", "behaviour", sentence, window)
    return None


def root_key(doing: Doing) -> Finding | None:
    """``root.key``: an access key of the root user. There is no good reason for one."""
    calls = [e for e in doing.events if e.principal.id.endswith(":root") and (e.key or "").startswith(LONG_TERM_KEY)]
    return _found("root.key", "behaviour", "An access key of the root user was used.", calls, "critical")


def logging_tampered(doing: Doing) -> Finding | None:
    """``logging.tamper``: our own sight was touched, or was tried to be, by who never did that."""
    calls = doing.among(TAMPERING, doing.fresh)
    names = _listed(sorted({event.name for event in calls}))
    return _found("logging.tamper", "behaviour", f"It touched logging or detection: {names}.", calls, "high")


DETECTIONS: tuple[Detection, ...] = (
    *(root_key, offensive_client, logging_tampered, sending_switched, console_pivot, session_spray, denied_burst),
    *(denied_recon, rare_call, new_client, rented_address),
)


def detect(ground: Ground, quarantines: Iterable[Event] = ()) -> Iterator[Hit]:
    """A hit for each principal with something to tell, the gravest first; ``quarantines`` are AWS's own (DOMAIN 4.3).

    ``ground`` holds the window's events and what was usual before.
    """
    doings: defaultdict[str, list[Event]] = defaultdict(list)
    for events in ground.events.values():
        for event in events:
            doings[event.principal.id].append(event)
    hits = [
        hit
        for principal in sorted(doings)
        if not principal.startswith("service:")
        and (hit := _story(Doing(ground, principal, doings[principal]))) is not None
    ]
    yield from sorted([*hits, *_quarantined(quarantines)], key=lambda hit: (SEVERITIES.index(hit.severity), hit.keys))


def _story(doing: Doing) -> Hit | None:
    found = [finding for detection in DETECTIONS if (finding := detection(doing)) is not None]
    telling = [finding for finding in found if finding.telling]
    if not telling and len({finding.class_ for finding in found}) < 2:
        return None
    if not telling and all(finding.class_ != "behaviour" for finding in found):
        return None
    return _hit(doing.principal, found)


def _quarantined(events: Iterable[Event]) -> Iterator[Hit]:
    """AWS found a key in public and limited its user: the one alert that is never wrong."""
    users: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        policy = event.detail.policy if event.detail else None
        if event.name in QUARANTINING and event.outcome is Outcome.OK and is_quarantine(policy):
            users[event.principal.id].append(event)
    for principal, attached in sorted(users.items()):
        sentence = "AWS attached its quarantine policy: it considers a key of this user public."
        yield _hit(principal, [Finding("aws.quarantine", "intel", sentence, tuple(attached), "critical")])


def _hit(principal: str, found: Sequence[Finding]) -> Hit:
    events = sorted({e.id: e for finding in found for e in finding.events}.values(), key=lambda e: (e.at, e.id))
    telling = [finding for finding in found if finding.telling] or list(found)
    gravest = min(telling, key=lambda finding: SEVERITIES.index(finding.severity))
    return Hit(
        hunt="+".join(finding.detection for finding in found),
        source_ip=next((event.ip for event in reversed(events) if pivot_of(event.ip, event.address_class)), None),
        keys=tuple(sorted({event.key for event in events if event.key})),
        principals=(principal,),
        events=dict(sorted(Counter(event.name for event in events).items())),
        first_seen=events[0].at,
        last_seen=events[-1].at,
        severity=gravest.severity,
        level="match" if any(finding.telling for finding in found) else "weak",
        sentence=" ".join(finding.sentence for finding in found),
        evidence=tuple(event.id for event in reversed(events))[:_EVIDENCE],
        outcomes=dict(sorted(Counter(event.outcome.value for event in events).items())),
        regions=tuple(sorted({event.region for event in events if event.region})),
    )


def day_of(hit: Hit) -> date:
    """The UTC day a story belongs to: the same one on the same day is the same alert."""
    return hit.first_seen.date()


def _windows(events: Sequence[Event], within: timedelta) -> Iterator[list[Event]]:
    """For each event, those that came no longer than ``within`` before it."""
    start = 0
    for n, event in enumerate(events):
        while event.at - events[start].at > within:
            start += 1
        yield list(events[start : n + 1])


def _found(
    detection: str,
    class_: str,
    sentence: str,
    calls: Sequence[Event],
    severity: Severity = "medium",
    *,
    telling: bool = True,
) -> Finding | None:
    return Finding(detection, class_, sentence, tuple(calls), severity, telling) if calls else None


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
