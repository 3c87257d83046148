"""Stories: all that the detections say of one principal is one alert, however many calls and findings it has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from bot.hunts.detections import DETECTIONS, LIFTING, QUARANTINING, SIGN_IN
from bot.hunts.doing import Doing, Finding, Keys, listed
from bot.hunts.result import SEVERITIES, Hit
from bot.hunts.roots import lineage_of, root_of
from bot.model import Event, Outcome, is_quarantine
from bot.scope.ground import Ground
from bot.scope.usual import pivot_of

_EVIDENCE = 20


def detect(ground: Ground, everything: Sequence[Event], keys: Keys | None = None) -> Iterator[Hit]:
    """A hit for each principal with something to tell, the gravest first.

    ``everything`` is the whole window with what services did, AWS's own quarantines among it; ``ground`` says what was
    usual before.
    """
    doings: defaultdict[str, list[Event]] = defaultdict(list)
    for key in sorted({event.key for event in everything if event.key}):
        for event in ground.calls(key):
            doings[event.principal.id].append(event)
    for event in everything:
        if event.name == SIGN_IN and event.key is None and not event.by_service:
            doings[event.principal.id].append(event)
    stories = {
        principal: found
        for principal in sorted(doings)
        if not principal.startswith("service:") and (found := _story(Doing(ground, principal, doings[principal], keys)))
    }
    hits = _told(stories, lineage_of(everything))
    yield from sorted([*hits, *_quarantined(everything)], key=lambda hit: (SEVERITIES.index(hit.severity), hit.keys))


def _told(stories: Mapping[str, Sequence[Finding]], lineage: Mapping[str, Event]) -> Iterator[Hit]:
    """A hit for each story; what one hand did in many accounts, through sessions of roles there, is one."""
    of_root: defaultdict[str, list[str]] = defaultdict(list)
    for principal, story in stories.items():
        roots = {root_of(event.key, principal, lineage) for each in story for event in each.events if event.key}
        of_root[roots.pop() if len(roots) == 1 else principal].append(principal)
    for principals in of_root.values():
        if len(principals) == 1:
            yield _hit(principals[0], stories[principals[0]])
            continue
        merged: dict[str, Finding] = {}
        for finding in (each for principal in principals for each in stories[principal]):
            first = merged.get(finding.detection, replace(finding, events=()))
            merged[finding.detection] = replace(first, events=(*first.events, *finding.events))
        one = _hit(principals[0], list(merged.values()))
        sentence = f"In {len(principals)} roles by one hand: {one.sentence}"
        hands = {given.key for key in one.keys if (given := lineage.get(key)) is not None and given.key}
        yield replace(one, keys=tuple(sorted(hands)) or one.keys[:1], principals=tuple(principals), sentence=sentence)


def _story(doing: Doing) -> Sequence[Finding]:
    found = [finding for detection in DETECTIONS if (finding := detection(doing)) is not None]
    telling = [finding for finding in found if finding.telling]
    if not telling and len({finding.class_ for finding in found}) < 2:
        return ()
    if not telling and all(finding.class_ != "behaviour" for finding in found):
        return ()
    return found


def _quarantined(events: Iterable[Event]) -> Iterator[Hit]:
    """AWS found a key in public and limited its user: the one alert that is never wrong. Somebody who takes that off
    again is told of as well: AWS asks to leave it until the key is replaced.

    The record of the first names the user itself as the actor, from an address of AWS.
    """
    users: defaultdict[str, list[Event]] = defaultdict(list)
    lifted: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        policy = event.detail.policy if event.detail else None
        if event.outcome is Outcome.OK and is_quarantine(policy):
            if event.name in QUARANTINING:
                users[event.principal.id].append(event)
            elif event.name in LIFTING:
                lifted[event.principal.id].append(event)
    for principal, attached in sorted(users.items()):
        sentence = "AWS attached its quarantine policy: it considers a key of this user public."
        yield _hit(principal, [Finding("aws.quarantine", "intel", sentence, tuple(attached), "critical")])
    for principal, calls in sorted(lifted.items()):
        whose = sorted({event.detail.user for event in calls if event.detail and event.detail.user})
        sentence = f"It took AWS's quarantine policy off {listed(whose) or 'a user'}."
        yield _hit(principal, [Finding("quarantine.lifted", "intel", sentence, tuple(calls), "high")])


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
