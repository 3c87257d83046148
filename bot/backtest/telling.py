"""A backtest → its JSON document, and the same as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from bot.backtest.run import Backtest
from bot.backtest.trial import Trial
from bot.document import cut, searched_document
from bot.model import Verdict, rfc3339
from bot.plain import clean

Json = dict[str, Any]
_NOTHING = "not told"


def backtest_document(found: Backtest) -> Json:
    """The document of ``triage backtest``."""
    document: Json = cut(
        {
            "window": None
            if found.window is None
            else {"since": rfc3339(found.window.since), "until": rfc3339(found.window.until)},
            "searched": searched_document(found.searched),
            "seed": found.seed,
            "days": len(found.days),
            "alerts": {"count": found.noise.alerts, "a_week": found.noise.a_week()},
            "detections": [
                {
                    "detection": name,
                    "alerts": found.noise.of.get(name, 0),
                    "a_week": found.noise.a_week(found.noise.of.get(name, 0)),
                    "thefts": sum(name in trial.detections for trial in found.trials),
                }
                for name in _detections(found)
            ],
            "verdicts": [
                {"verdict": verdict, "alerts": ordinary, "thefts": stolen}
                for verdict, ordinary, stolen in _verdicts(found)
            ],
            "thefts": {
                "tried": len(found.trials),
                "found": sum(trial.found for trial in found.trials),
                "keys": sum(len(trial.theft.keys) for trial in found.trials),
                "keys_named": sum(len(trial.named) for trial in found.trials),
                "keys_confirmed": sum(len(trial.confirmed) for trial in found.trials),
                "keys_known": sum(len(trial.known) for trial in found.trials),
                "innocents": sum(len(trial.innocents | trial.told_of) for trial in found.trials),
                "trials": [_trial(trial) for trial in found.trials],
            },
            "signals": [
                {"signal": name, "points": found.points.get(name), "in_alerts": ordinary, "in_thefts": stolen}
                for name, ordinary, stolen in _signals(found)
            ],
            "gaps": [{"question": gap.question, "why": gap.why} for gap in found.gaps],
            "cost": {"seconds": found.cost.seconds, "events": found.cost.events},
        }
    )
    return document


def backtest_text(found: Backtest) -> str:
    """What a person at a terminal reads."""
    lines = [_headline(found)]
    if found.days:
        lines += ["", *_detections_table(found), "", *_verdicts_table(found)]
    if found.trials:
        lines += ["", *_thefts(found), "", *_signals_table(found)]
    lines += ["", *(clean(f"Not known: {gap.question} {gap.why}.") for gap in found.gaps)]
    read = f"It took {found.cost.seconds:.0f} seconds and read {found.cost.events:,} events"
    return "\n".join([*lines, f"{read}; nothing was written or sent."])


def _headline(found: Backtest) -> str:
    if not found.days:
        return "Nothing could be replayed."
    span = f"{found.days[0]} to {found.days[-1]}"
    alerts = f"{found.noise.alerts} alerts, {found.noise.a_week():.2f} a week"
    days = "1 day" if len(found.days) == 1 else f"{len(found.days)} days"
    return f"{days} replayed, {span}: {alerts}"


def _detections_table(found: Backtest) -> list[str]:
    rows = [
        [
            name,
            str(found.noise.of.get(name, 0)),
            f"{found.noise.a_week(found.noise.of.get(name, 0)):.2f}",
            f"{sum(name in trial.detections for trial in found.trials)} of {len(found.trials)}",
        ]
        for name in _detections(found)
    ]
    return _table(["detection", "alerts", "a week", "in thefts"], rows)


def _verdicts_table(found: Backtest) -> list[str]:
    rows = [[verdict or _NOTHING, str(ordinary), str(stolen)] for verdict, ordinary, stolen in _verdicts(found)]
    return _table(["verdict", "alerts of ordinary days", "thefts"], rows)


def _thefts(found: Backtest) -> list[str]:
    trials = found.trials
    keys, known = sum(len(each.theft.keys) for each in trials), sum(len(each.known) for each in trials)
    innocents = sorted({who for each in trials for who in each.innocents | each.told_of})
    first = sum(len(each.confirmed) for each in trials)
    share = f"{sum(each.found for each in trials)} of {len(trials)} found"
    return [
        f"Thefts laid over copies of the history (seed {found.seed}): {share}.",
        f"Keys: {known} of {keys} known from alerts and scope, {first} confirmed from the first case on.",
        clean(f"Innocents named: {len(innocents)}{': ' + ', '.join(innocents) if innocents else ''}."),
        *(f"  {_told(each)}" for each in trials),
    ]


def _told(trial: Trial) -> str:
    keys = len(trial.theft.keys)
    at = f"{trial.theft.at:%Y-%m-%d %H:%M}"
    if not trial.alerts:
        return f"{at}: {keys} keys, not told of"
    missed = sorted(trial.theft.keys - trial.known)
    lost = f"; missed {', '.join(missed)}" if missed else ""
    score = f"{trial.verdict} ({trial.score}/100)"
    found = f"{len(trial.confirmed)} of {keys} keys confirmed, {len(trial.named)} in {trial.alerts} alerts"
    return clean(f"{at}: {score}, {found}{lost}")


def _signals_table(found: Backtest) -> list[str]:
    rows = [
        [
            name,
            str(found.points.get(name, "–")),
            f"{ordinary} of {len(found.judged)}",
            f"{stolen} of {len(found.trials)}",
        ]
        for name, ordinary, stolen in _signals(found)
    ]
    return _table(["signal", "points", "in alerts of ordinary days", "in thefts"], rows)


def _trial(trial: Trial) -> Json:
    return {
        "at": rfc3339(trial.theft.at),
        "addresses": list(trial.theft.addresses),
        "stolen": [victim.key for victim in trial.theft.victims],
        "alerts": trial.alerts,
        "detections": list(trial.detections),
        "verdict": trial.verdict,
        "score": trial.score,
        "found": trial.found,
        "named": sorted(trial.named),
        "confirmed": sorted(trial.confirmed),
        "missed": sorted(trial.theft.keys - trial.known),
        "innocents": sorted(trial.innocents | trial.told_of),
        "suspects": sorted(trial.suspects),
    }


def _detections(found: Backtest) -> list[str]:
    """Those with a part in anything, the loudest on ordinary days first."""
    names = set(found.noise.of) | {name for trial in found.trials for name in trial.detections}
    return sorted(names, key=lambda name: (-found.noise.of.get(name, 0), name))


def _verdicts(found: Backtest) -> list[tuple[Verdict | None, int, int]]:
    ordinary = Counter(each.verdict for each in found.judged)
    stolen = Counter(trial.verdict for trial in found.trials)
    return [
        (verdict, ordinary[verdict], stolen[verdict])
        for verdict in (*Verdict, None)
        if ordinary[verdict] + stolen[verdict]
    ]


def _signals(found: Backtest) -> list[tuple[str, int, int]]:
    """Each signal that counted, how often in alerts of ordinary days and in thefts; the most telling first."""
    ordinary = _counted(each.signals for each in found.judged)
    stolen = _counted(trial.signals for trial in found.trials)
    names = sorted(ordinary | stolen, key=lambda name: (ordinary[name] - stolen[name], name))
    return [(name, ordinary[name], stolen[name]) for name in names]


def _counted(signals: Iterable[Sequence[str]]) -> Counter[str]:
    return Counter(name for some in signals for name in set(some))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in [head, *rows]
    ]
