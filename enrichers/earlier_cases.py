"""Was it in an earlier case?

A key that was triaged before, or an address that an earlier thief used, saves half the night; an address of three
closed harmless cases is worth as much. An analyst's word stands before the bot's own verdict of that time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.model import AddressClass, Answer, Context, Declaration, EarlierCase, Fact, Kind, Observable, rfc3339

DECLARATION = Declaration(
    question="Was it in an earlier case?",
    takes=frozenset(Kind),
    needs=frozenset({"cases"}),
)

MOST_ADDRESSES = 10
MOST_FACTS = 8
MOST_NAMED = 3


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.cases is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    return judge(observable, {each: context.cases.with_observable(each) for each in _related(observable, context)})


def _related(observable: Observable, context: Context) -> list[Observable]:
    """The observable, and for a key or principal who is behind it and the public addresses it has now."""
    if observable.kind not in {Kind.ACCESS_KEY, Kind.PRINCIPAL}:
        return [observable]
    related = [observable]
    if context.principal is not None:
        related.append(Observable(Kind.PRINCIPAL, context.principal.id))
    uses = context.uses(observable, context.window.recent) if context.history is not None else ()
    ips = {use.ip: None for use in reversed(uses) if use.ip and use.address_class is AddressClass.PUBLIC}
    return list(dict.fromkeys([*related, *(Observable(Kind.IP, ip) for ip in [*ips][:MOST_ADDRESSES])]))


def judge(observable: Observable, found: Mapping[Observable, Sequence[EarlierCase]]) -> Answer:
    """What earlier cases say; ``found`` are those that had each of the observables."""
    shared: dict[int, list[str]] = {}
    by_id = {case.id: case for cases in found.values() for case in cases}
    for each, having in found.items():
        for case in having:
            shared.setdefault(case.id, []).append(each.value)
    cases = [by_id[case] for case in sorted(by_id, reverse=True)]
    named = ", ".join(_short(case) for case in cases[:MOST_NAMED])
    more = f" and {len(cases) - MOST_NAMED} more" if len(cases) > MOST_NAMED else ""
    return Answer(
        headline=f"{observable}: {f'in {named}{more}' if cases else 'in no other case of this bot'}",
        facts=tuple(Fact(f"Case #{case.id}", _fact(case, shared[case.id])) for case in cases[:MOST_FACTS]),
        found=bool(cases),
        data={
            "cases": [
                {
                    "case": case.id,
                    "subject": case.subject,
                    "title": case.title,
                    "verdict": case.verdict,
                    "score": case.score,
                    "opened_at": rfc3339(case.opened_at),
                    "open": case.open,
                    "concluded": case.concluded,
                    "shared": shared[case.id],
                }
                for case in cases
            ]
        },
    )


def _short(case: EarlierCase) -> str:
    judged = f"closed as {case.concluded}" if case.concluded else case.verdict or "no verdict"
    return f"case #{case.id} ({judged}, {case.opened_at:%Y-%m-%d})"


def _fact(case: EarlierCase, shared: Sequence[str]) -> str:
    score = f" ({case.score}/100)" if case.score is not None else ""
    state = f"{'open' if case.open else 'closed'}{f' as {case.concluded}' if case.concluded and not case.open else ''}"
    judged = f"{case.verdict or 'no verdict'}{score}, {state}, {rfc3339(case.opened_at)}"
    return f"{judged}, about {case.subject}: {case.title}; shares {', '.join(shared)}"
