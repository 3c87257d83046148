"""One triage in a few plain rows: who, where, with what, what they did, and what could not be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.model import Activity, Coverage, Gap, Kind, Observable, Status, Triage, Verdict, offensive_name
from bot.scope.telling import in_a_line, in_few_words
from bot.summary.wording import SHOWN, Row, enricher_name, moment, more

WORDS = {
    Verdict.INCIDENT: "🔴 Incident",
    Verdict.PROBABLE: "🟠 Probable incident",
    Verdict.SUSPICIOUS: "🟡 Suspicious",
    Verdict.LOW: "🟢 Low",
    Verdict.EXPECTED: "🔵 Expected",
    Verdict.INCONCLUSIVE: "⚪ Inconclusive",
}

_LABELLED = re.compile(r"([A-Z][a-z]+(?: [a-z]+){0,2}): (.+)", re.DOTALL)
"""A headline that begins with a label of its own, as "Refused calls: none …" does."""

COULD_NOT = "Could not check"

_ENDED = re.compile(r"^(?:skipped|failed|timed out|not asked): ")

TELLING = 3
"""Answers that a card has room for."""


def title(triage: Triage) -> str:
    """Verdict and score with the observable, or the observable alone where nothing is judged."""
    judged = triage.assessment
    if triage.observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP}:
        return str(triage.observable)
    return f"{WORDS[judged.verdict]} · {judged.score}/100 · {triage.observable}"


def brief(triage: Triage) -> tuple[Row, ...]:
    """The most telling answers in few words, for a screen that is small."""
    where, clients = _where(triage), _clients(triage, raw=False)
    return (
        Row("Who", who(triage, short=True)),
        *([Row("Where", where)] if where else []),
        *([Row("Client", clients)] if clients else []),
        Row("Activity", did(triage.activity, triage.searched, when=False)),
        *([Row("Same hands", in_few_words(triage.scope, triage.observable.value))] if triage.scope else []),
        *([Row("Asked again", triage.news)] if triage.news else []),
        *_headlines(triage, _drawn(bool(where), bool(clients)), TELLING),
    )


def findings(triage: Triage) -> tuple[Row, ...]:
    """Who, where, with what, what they did, and every other answer in a line of its own."""
    where, clients = _where(triage), _clients(triage)
    return (
        Row("Who", who(triage)),
        *([Row("Where", where)] if where else []),
        *([Row("Client", clients)] if clients else []),
        Row("Activity", did(triage.activity, triage.searched)),
        *([Row("Same hands", in_a_line(triage.scope, triage.observable.value))] if triage.scope else []),
        *([Row("Asked again", triage.news)] if triage.news else []),
        *([Row("Cost", triage.cost)] if triage.cost else []),
        *_headlines(triage, _drawn(bool(where), bool(clients)), None),
    )


def gaps(triage: Triage) -> tuple[Row, ...]:
    """Every question nobody answered, by the reason: what could not be checked, then what was not asked."""
    skipped = {e.question for e in triage.enrichments if e.status is Status.SKIPPED}
    could_not: dict[str, list[str]] = {}
    not_asked: dict[str, list[str]] = {}
    for gap in (*triage.assessment.gaps, *_missing(triage)):
        reason = _ENDED.sub("", gap.why)
        unasked = gap.question in skipped or gap.why.startswith(("not asked", "skipped"))
        group = not_asked if unasked else could_not
        group.setdefault(reason, []).append(gap.question)
    return (*_by_reason(COULD_NOT, could_not), *_by_reason("Not asked", not_asked))


def _missing(triage: Triage) -> Iterator[Gap]:
    """What the judgement does not list itself: answers that are not there, accounts and regions without a log."""
    listed = {gap.question for gap in triage.assessment.gaps}
    for enrichment in triage.enrichments:
        if enrichment.status is not Status.ANSWERED and enrichment.question not in listed:
            yield Gap(enrichment.question, enrichment.why or enrichment.status.value)
    yield from (Gap("CloudTrail", sentence) for sentence in (triage.searched.missing if triage.searched else ()))


def _by_reason(label: str, group: Mapping[str, list[str]]) -> Iterator[Row]:
    for reason, questions in group.items():
        asked = list(dict.fromkeys(questions))
        several = f"{len(asked)} questions ({reason}): {' '.join(asked)}"
        yield Row(label, several if len(asked) > 1 else f"{asked[0]} ({reason})")


def could_be(triage: Triage) -> str | None:
    """What the verdict would be if every open question went against the key; ``None`` if the sentence says it."""
    if triage.assessment.could_be is None or "Could be" in triage.assessment.sentence:
        return None
    verdict, score = triage.assessment.could_be
    return f"Could be {verdict.value} ({score}/100) if what could not be checked spoke against it."


def searched(coverage: Coverage | None) -> str:
    """How new the newest record is, and over which span CloudTrail was searched: it delivers minutes late."""
    if coverage is None:
        return "CloudTrail: nothing of this span could be searched"
    newest = max(coverage.regions.values(), default=coverage.until)
    span = f"searched {moment(coverage.since)} to {moment(coverage.until)}"
    return f"Newest CloudTrail record {moment(newest)}; {span}"


def newest_record(coverage: Coverage | None) -> str:
    """Up to when CloudTrail has delivered, in few words."""
    if coverage is None:
        return "CloudTrail: nothing of this span could be searched"
    return f"CloudTrail up to {moment(max(coverage.regions.values(), default=coverage.until))}"


def who(triage: Triage, *, short: bool = False) -> str:
    """The principal with its account; for a shared observable, who used it most. ``short``: without the observable."""
    if triage.principal:
        principal = triage.principal
        kind = f" ({principal.type})" if principal.type else ""
        account = f", account {_account(principal.account, triage)}" if principal.account else ""
        stated = "".join(f"; {words}" for words in triage.stated)
        about = "" if short else f"; {_kind(triage.observable)} {triage.observable}"
        return f"{principal.name}{kind}{account}{about}{stated}"
    if triage.principals:
        shown = ", ".join(f"{name} ({count:,} calls)" for name, count in triage.principals[:SHOWN])
        return shown + more(len(triage.principals) - SHOWN)
    return f"unknown: nothing says who is behind {_kind(triage.observable)} {triage.observable}"


def _account(account: str, triage: Triage) -> str:
    return f"{triage.account_name} ({account})" if triage.account_name else account


def did(activity: Activity, coverage: Coverage | None, *, when: bool = True) -> str:
    """How many calls, how they ended, to which services, and ``when``."""
    if not activity.events:
        if coverage is None:
            return "not known: CloudTrail could not be searched"
        return "no calls found in what could be searched" if coverage.missing else "no calls found"
    ends = {
        "refused": activity.denied,
        "failed": activity.failed,
        "with bad credentials": activity.bad_credential,
        "dry runs": activity.dry_run,
        "failed sign-ins": activity.login_failed,
        "made by AWS services": activity.by_service,
    }
    parts = [f"{activity.events:,} calls", *(f"{count:,} {what}" for what, count in ends.items() if count)]
    services = _top(activity.services)
    return "; ".join(part for part in (", ".join(parts), services, _when(activity) if when else "") if part)


def _when(activity: Activity) -> str:
    if activity.first_seen is None or activity.last_seen is None:
        return ""
    return f"{moment(activity.first_seen)} to {moment(activity.last_seen)}"


def _kind(observable: Observable) -> str:
    return {"access_key": "key", "ip": "address", "user_agent": "client"}.get(observable.kind, observable.kind.value)


def _where(triage: Triage) -> str:
    origins = {str(data["ip"]): data for data in _answers(triage) if "ip" in data and "hosting" in data}
    seen = {str(entry["ip"]): entry for entry in _entries(triage, "addresses", "ip")}
    known = {ip: seen.get(ip) for ip in (*(ip for ip in seen if ip in origins), *origins, *seen)}
    return _telling([(entry, f"{ip} ({_origin(origins.get(ip))})") for ip, entry in known.items()])


def _origin(data: Mapping[str, Any] | None) -> str:
    if data is None:
        return "origin not looked up"
    network = f"AS{data['asn']}" if data.get("asn") else None
    name = data.get("provider") or data.get("organisation")
    hosting = {True: "hosting", False: "not hosting"}.get(data["hosting"], "hosting unknown")
    parts = [name or "provider unknown", network, data.get("country"), hosting]
    parts += [word for key, word in (("tor", "Tor exit"), ("vpn", "VPN")) if data.get(key)]
    return ", ".join(str(part) for part in parts if part)


def _clients(triage: Triage, *, raw: bool = True) -> str:
    families = sorted(_entries(triage, "families", "family"), key=_least_telling)
    return _telling([(entry, _client(entry, raw=raw and number == 0)) for number, entry in enumerate(families)])


def _client(entry: Mapping[str, Any], *, raw: bool) -> str:
    family = " ".join(part for part in str(entry["family"]).split("|") if part != "-") or "unknown client"
    count = entry.get("count")
    calls = "1 call" if count == 1 else f"{count:,} calls" if isinstance(count, int) else "calls not counted"
    agents = entry.get("agents") or [""]
    return f"{family}, {calls} ({agents[0]})" if raw and agents[0] else f"{family}, {calls}"


def _least_telling(family: Mapping[str, Any]) -> tuple[bool, bool]:
    """Sorts offensive clients first, then new ones."""
    return offensive_name(str(family["family"])) is None, not family.get("new")


Told = tuple[Mapping[str, Any] | None, str]


def _telling(entries: Sequence[Told]) -> str:
    """What is new, or cannot be told from new, by name; what was used before only counted beside it."""
    before = [line for entry, line in entries if entry is not None and entry.get("new") is False]
    fresh = [(entry, line) for entry, line in entries if entry is None or entry.get("new") is not False]
    if not fresh:
        return f"used before: {'; '.join(before[:SHOWN])}{more(len(before) - SHOWN)}" if before else ""
    groups: dict[str, list[str]] = {}
    for entry, line in fresh[:SHOWN]:
        groups.setdefault(_novelty(entry), []).append(line)
    told = [f"{novelty}: {'; '.join(lines)}" for novelty, lines in groups.items()]
    told[-1] += more(len(fresh) - SHOWN)
    rest = [f"{len(before)} other{'s' if len(before) > 1 else ''} used before"] if before else []
    return ". ".join([*told, *rest])


def _novelty(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "not seen in CloudTrail"
    return "NEW" if entry.get("new") else "too little history to say whether it is new"


def _headlines(triage: Triage, without: frozenset[str], most: int | None) -> Iterator[Row]:
    spoken: dict[str, list[str]] = {}
    for enrichment in triage.enrichments:
        answer = enrichment.answer
        if answer and answer.found and not without & answer.data.keys():
            spoken.setdefault(enrichment.enricher, []).append(answer.headline)
    told = spoken if most is None else [name for name in _by_weight(triage) if name in spoken][:most]
    for name in told:
        lines = spoken[name]
        yield _spoken(enricher_name(name), "; ".join(lines[:SHOWN]) + more(len(lines) - SHOWN), triage)


def _by_weight(triage: Triage) -> list[str]:
    """Enrichers, those whose signals count most first; those without a signal last, in their order."""
    points = {reason.signal: reason.points for reason in triage.assessment.reasons}
    weight: dict[str, int] = {}
    for each in triage.enrichments:
        signals = each.answer.signals if each.answer else ()
        heaviest = max((points.get(signal.kind, 0) for signal in signals), default=0)
        weight[each.enricher] = max(heaviest, weight.get(each.enricher, 0))
    return sorted(weight, key=lambda name: -weight[name])


def _spoken(name: str, headline: str, triage: Triage) -> Row:
    """A headline beside its enricher's name, or beside the label it brings; whom the card is about is said above."""
    if own := _LABELLED.match(headline):
        return Row(own[1], own[2])
    about = [triage.observable.value, *([triage.principal.name] if triage.principal else [])]
    for subject in about:
        headline = headline.removeprefix(f"{subject}: ")
    return Row(name, headline)


def _drawn(where: bool, clients: bool) -> frozenset[str]:
    return frozenset((["addresses", "hosting"] if where else []) + (["families"] if clients else []))


def _answers(triage: Triage) -> Iterator[Mapping[str, Any]]:
    for enrichment in triage.enrichments:
        if enrichment.answer:
            yield enrichment.answer.data


def _entries(triage: Triage, key: str, name: str) -> Iterator[Mapping[str, Any]]:
    for data in _answers(triage):
        listed = data.get(key)
        for entry in listed if isinstance(listed, list | tuple) else ():
            if isinstance(entry, Mapping) and name in entry:
                yield entry


def _top(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in most[:SHOWN]) + more(len(most) - SHOWN)
