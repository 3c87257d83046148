"""What can be found out without a case: what a person means, and what the history says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot import cases
from bot.assessment import Case as Judged
from bot.assessment import assess
from bot.cases import SUBJECTS
from bot.history.address import parse_address
from bot.history.principal import id_of_arn
from bot.history.sqlite import SqliteHistory
from bot.hunts.hunting import WINDOW as HUNT_WINDOW
from bot.hunts.hunting import hunt
from bot.hunts.library import Playbook
from bot.hunts.library import shipped as shipped_playbooks
from bot.hunts.result import Hunted
from bot.hunts.watching import watch
from bot.model import (
    Alert,
    Assessment,
    Gap,
    Kind,
    Observable,
    Refusal,
    Scope,
    Span,
    Triage,
    Verdict,
    Window,
)
from bot.pipeline import Investigate
from bot.scope.ground import Known
from bot.scope.reading import scope
from bot.scope.source import Source
from bot.triage import alert_gaps

MOST_PIVOTS = 20
"""Keys, principals and addresses of one alert that are triaged."""

GRAVITY = (
    *(Verdict.INCIDENT, Verdict.PROBABLE, Verdict.SUSPICIOUS),
    *(Verdict.INCONCLUSIVE, Verdict.EXPECTED, Verdict.LOW),
)
"""The verdicts, the worst first: what could not be judged is worse than what is explained."""

SAMPLE = "the alert is a sample, and nothing of it was looked up"
NOTHING_NAMED = "the alert names no key, principal or address"

KEY_FORM = re.compile(r"[A-Za-z0-9*]{16,128}")
"""What an access key id looks like, masked ones of old exports too; its alphabet decides nothing."""


def observable_of(kind: Kind, value: str, history: SqliteHistory | None, word: str = "") -> Observable | Refusal:
    """What a person means by ``value``: a principal's name or ARN becomes its id, an address is written the usual way.

    ``word`` is what they called a principal: of a user and a role of one name, ``role`` means the role. A value that
    is in no history is still an observable: that nothing is known of it is an answer.
    """
    value = value.strip()
    if not value:
        return Refusal(f"Name the {word or kind.value.replace('_', ' ')} you ask about.")
    if kind is Kind.IP:
        address = parse_address(value)
        return Observable(kind, str(address)) if address else Refusal(f"{value} is not an IP address.")
    if kind is Kind.ACCESS_KEY and not KEY_FORM.fullmatch(value):
        return Refusal(f"{value} is not an access key id: one is 20 letters and digits, as in AKIA….")
    if kind is Kind.PRINCIPAL:
        return _principal_meant(value, history.principals(value) if history is not None else (), word)
    return Observable(kind, value)


def _principal_meant(value: str, known: Sequence[str], word: str) -> Observable | Refusal:
    named = id_of_arn(value)
    if value.startswith("arn:") and named is None:
        return Refusal(f"{value} names no {word or 'principal'}: name a user, a role, a session of one, or root.")
    known = known or [each for each in (named,) if each]
    meant = [id_ for id_ in known if not word or (":role/" in id_) == (word == "role")]
    if known and not meant:
        other = "user" if word == "role" else "role"
        return Refusal(f"{value} is {known[0]}: ask `triage {other} {value}`.")
    if len(meant) > 1:
        return Refusal(f"{value} could be any of {', '.join(meant)}: name one of them.")
    return Observable(Kind.PRINCIPAL, meant[0] if meant else value)


def about_scope(
    leads: Sequence[Observable], at: datetime, source: Source, known: Known, *, since: datetime | None = None
) -> Scope:
    """Every key in the same hands as ``leads`` (keys, addresses), up to ``at``. Raises ``HistoryUnavailableError``."""
    return scope(source, leads, at, since=since, known=known)


def about_alert(
    alert: Alert, window: Window, investigate: Investigate
) -> tuple[tuple[Triage, ...], Assessment, tuple[Gap, ...]]:
    """Everything about one alert without opening a case: a triage of each key, of the principals, named or behind the
    keys, and of each address; the worst assessment of them; every gap.
    """
    pivots = cases.pivots(alert)
    triages: dict[Observable, Triage] = {}
    for pivot in pivots[:MOST_PIVOTS]:
        triages[pivot] = investigate(pivot, window, alerts=(alert,))
    for behind in [triage.principal for triage in triages.values()]:
        who = Observable(Kind.PRINCIPAL, behind.id) if behind is not None else None
        if who is not None and who not in triages and len(triages) < MOST_PIVOTS:
            triages[who] = investigate(who, window, alerts=(alert,))
    if not triages:
        why = SAMPLE if alert.sample else NOTHING_NAMED
        open_ = tuple(alert_gaps([alert]))
        assessment = assess((), Judged(alerts=(alert,), gaps=open_, searched=False, not_asked=f"not asked: {why}"))
        return (), assessment, assessment.gaps
    ordered = tuple(triages[pivot] for pivot in sorted(triages, key=lambda each: SUBJECTS.index(each.kind)))
    worst = max((triage.assessment for triage in ordered), key=lambda each: (-GRAVITY.index(each.verdict), each.score))
    gaps = dict.fromkeys(gap for triage in ordered for gap in triage.assessment.gaps)
    return ordered, worst, (*gaps, *_left_out(len(pivots)))


def _left_out(pivots: int) -> tuple[Gap, ...]:
    why = f"the alert names {pivots}, and only the first {MOST_PIVOTS} were looked at"
    return (Gap("What about its other keys, principals and addresses?", why),) if pivots > MOST_PIVOTS else ()


def about_hunt(
    asked: Sequence[str],
    history: SqliteHistory,
    known: Known,
    *,
    until: datetime,
    since: datetime | None = None,
    own: Sequence[Playbook] = (),
) -> Hunted | Refusal:
    """``enumeration``, ``playbook NAME`` or ``all``, from ``since`` (default: 24 hours before) to ``until``; or
    ``detections``, those that run by themselves, over the 24 hours before ``until``. A playbook of the organisation's
    ``own`` stands before a shipped one of its name."""
    since = since or until - HUNT_WINDOW
    if since > until:
        return Refusal("A hunt begins before it ends: --since is later than --until.")
    playbooks = {playbook.name: playbook for playbook in (*shipped_playbooks(), *own)}
    match list(asked):
        case ["enumeration"]:
            chosen: list[Playbook] = []
        case ["detections"]:
            return watch(history, until, known)
        case ["all"]:
            chosen = list(playbooks.values())
        case ["playbook", name] if name in playbooks:
            chosen = [playbooks[name]]
        case ["playbook", *_]:
            return Refusal(f"Name one of the playbooks: {', '.join(playbooks)}.")
        case _:
            return Refusal("Hunt for `enumeration`, `playbook NAME`, `all` or `detections`.")
    enumeration = asked[0] != "playbook"
    return hunt(
        history,
        Span(since, until),
        enumeration=enumeration,
        playbooks=chosen,
        own_networks=known.own_networks,
        doubted=known.doubted,
    )
