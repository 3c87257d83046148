"""Uses → the counts of a triage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bot.model import Activity, Outcome, Use


def activity(uses: Sequence[Use]) -> Activity:
    """What the uses add up to, in unique records.

    Calls a service made for the principal are in ``events`` and again in ``by_service``; never in ``denied``, where
    they would say what the service may not do. Each record is in at most one of the outcome counts. A call whose name
    or region is not known (an alert need not say) counts as an event, and under no service, name or region.
    """
    ended = Counter[Outcome]()
    for use in uses:
        if not (use.by_service and use.outcome is Outcome.DENIED):
            ended[use.outcome] += use.count
    return Activity(
        events=sum(use.count for use in uses),
        by_service=sum(use.count for use in uses if use.by_service),
        denied=ended[Outcome.DENIED],
        failed=ended[Outcome.FAILED],
        bad_credential=ended[Outcome.BAD_CREDENTIAL],
        dry_run=ended[Outcome.DRY_RUN],
        login_failed=ended[Outcome.LOGIN_FAILED],
        first_seen=min((use.first_seen for use in uses), default=None),
        last_seen=max((use.last_seen for use in uses), default=None),
        regions=_counted(uses, lambda use: use.region),
        services=_counted(uses, lambda use: use.event.partition(":")[0] if ":" in use.event else ""),
        events_by_name=_counted(uses, lambda use: use.event),
    )


def _counted(uses: Sequence[Use], key: Callable[[Use], str]) -> Mapping[str, int]:
    """Counts by ``key``, the most frequent first; what has no key is left out."""
    counts = Counter[str]()
    for use in uses:
        counts[key(use)] += use.count
    del counts[""]
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
