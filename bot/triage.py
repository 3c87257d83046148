"""One observable → ``Triage``: the history, the answers of all enrichers, the judgement, what could be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from bot import counts
from bot.asking import address_gaps, addresses_of, questions_of
from bot.assessment import Case, assess
from bot.enrichment import Question, Runner
from bot.excuses import Doing, Known, approved_test, doings, known_places, told
from bot.found import ACTORS, Found, account, find
from bot.history.activity import activity
from bot.history.coverage import of_account
from bot.history.once import AskedOnce
from bot.history.overlay import WithAlerts, events_of, stated_principal
from bot.history.silent import Silent
from bot.hunts.around import Around
from bot.model import (
    AddressData,
    Alert,
    CodeSearch,
    Context,
    Doubted,
    EarlierCases,
    Enrichment,
    Environment,
    Event,
    Foreseen,
    Gap,
    History,
    HistoryUnavailableError,
    Iam,
    Kind,
    Observable,
    Principal,
    Records,
    Registries,
    Ruling,
    Scope,
    Searching,
    Signal,
    Statistics,
    Suggestion,
    ThreatLists,
    Triage,
    Use,
    Verdict,
    Window,
    rfc3339,
)
from bot.once import IamOnce
from bot.plugins import Plugin
from bot.rehearsal import asked_of, first_questions, rehearse
from bot.scope.leads import CONFIRMED, QUESTION, SCOPED, leads_of, signals_of
from bot.suggestions import suggestions
from bot.suggestions import told as what_is_told
from bot.usual.countries import Learner, UsualHere
from bot.usual.machines import machine_in_words
from bot.weights import Weights, shipped

LONG_TERM_KEY = "AKIA"
ALERT = "alert:"
"""How the ids of what only an alert tells of begin."""

Progress = Callable[[Triage], None]


class Scoper(Protocol):
    """Finds every key in the same hands as ``leads``, or says why that could not be done."""

    def __call__(
        self, leads: Sequence[Observable], window: Window, *, told: Sequence[Event], rulings: Sequence[Ruling]
    ) -> Scope | Gap: ...


@dataclass(frozen=True, slots=True)
class TriageWorld:
    """The clients and settings every triage is made with."""

    plugins: tuple[Plugin, ...]
    runner: Runner
    history: History | None = None
    addresses: AddressData | None = None
    iam: Iam | None = None
    records: Records | None = None
    cases: EarlierCases | None = None
    statistics: Statistics | None = None
    registries: Registries | None = None
    code_search: CodeSearch | None = None
    threat_lists: ThreatLists | None = None
    searching: Searching = field(default_factory=Searching)
    environment_of: Callable[[str | None], Environment] = lambda _: Environment()
    """The environment of an account; of the default one where the account is not known."""
    weights: Weights = field(default_factory=shipped)
    learner: Learner = field(default_factory=Learner)
    doubted: Doubted = field(default_factory=dict)
    """Principals of open cases: what they did since those began is no part of what was usual."""
    scoper: Scoper | None = None
    offered: Collection[str] = frozenset({"disable_access_key"})
    """The remediations this installation can carry out."""
    is_ours: Callable[[str], bool] = lambda account: True
    """Whether an account is one of the organisation's own: in others nothing is suggested."""


def triage(
    observable: Observable,
    window: Window,
    *,
    world: TriageWorld,
    alerts: Sequence[Alert] = (),
    signals: Sequence[Signal] = (),
    rulings: Sequence[Ruling] = (),
    on_progress: Progress | None = None,
) -> Triage:
    """Everything about ``observable`` in ``window``. ``alerts`` are those of its case, ``signals`` of our detections.

    ``on_progress`` is called with an unfinished ``Triage`` (its ``pending`` not empty) before the first answer and
    after each. The answers stand in the order of the config however they arrive. Where they are grave enough, the
    other keys in the same hands are looked for (``rulings`` are what analysts decided about some), and what that finds
    is judged with them.
    """
    world = replace(world, iam=IamOnce(world.iam) if world.iam is not None else None)
    store = world.history.for_one_triage() if world.history is not None else None
    found, history = _looked(observable, window, store, world, alerts)
    environment = world.environment_of(account(observable, found))
    # With nothing to search and nothing told, "none" would clear people: such questions are skipped instead.
    askable = history if found.searched is not None or found.uses or found.unanswered else None
    context = _context(window, askable, found.principal, environment, world, alerts)
    addresses = addresses_of(alerts, found.recent) if observable.kind in ACTORS else []
    questions = list(questions_of(observable, addresses, world.plugins))
    rehearse(observable, questions, context, world.runner)
    known = _known(observable, window, found, context, addresses)
    never_seen = _never_seen(observable, window, found, history)
    test, no_test = approved_test(environment.tests, _done(found, alerts, history), known)
    case = Case(
        alerts=tuple(alerts),
        signals=tuple(signals),
        answerable=frozenset[str]().union(*(plugin.declaration.raises for plugin in world.plugins)),
        gaps=(
            *_coverage_gaps(window, found, history),
            *never_seen,
            *address_gaps(alerts, found.recent, addresses),
            *alert_gaps(alerts),
        ),
        searched=found.searched is not None,
        seen=not never_seen,
        known=known,
        test=test,
        no_test=no_test,
    )
    making = _Making(
        *(observable, window, found, environment, questions, case, world.weights, store),
        *(world.offered, world.is_ours),
        (*environment.says_of(found.principal), *filter(None, [machine_in_words(context)])),
    )
    answers: dict[int, Enrichment] = {}
    if on_progress is not None:
        on_progress(making.triage(answers))
    for index, enrichment in world.runner.ask(questions, context):
        answers[index] = enrichment
        counts.ENRICHMENTS.add(enrichment.enricher, enrichment.status.value)
        if on_progress is not None and len(answers) < len(questions):
            on_progress(making.triage(answers))
    answered = making.triage(answers)
    leads = leads_of(observable, found.recent, answered.assessment.reasons)
    if world.scoper is None or not leads or answered.assessment.verdict not in SCOPED:
        return answered
    if on_progress is not None:
        on_progress(replace(answered, pending=(QUESTION,)))
    calls = [event for alert in alerts for event in events_of(alert, history)]
    return making.scoped(answers, leads, world.scoper(leads, window, told=calls, rulings=rulings))


@dataclass(frozen=True, slots=True)
class _Making:
    """A triage on its way: the same for every answer that arrives, but for the answers."""

    observable: Observable
    window: Window
    found: Found
    environment: Environment
    questions: Sequence[Question]
    case: Case
    weights: Weights
    history: History | None
    offered: Collection[str]
    is_ours: Callable[[str], bool]
    stated: tuple[str, ...]
    """What people should know of the principal, in a few words each."""

    def triage(self, answers: dict[int, Enrichment]) -> Triage:
        enrichments = tuple(answers[index] for index in sorted(answers))
        waiting = [question for index, question in enumerate(self.questions) if index not in answers]
        assessment = assess(enrichments, self._case(waiting), self.weights)
        owner = account(self.observable, self.found)
        return Triage(
            observable=self.observable,
            window=self.window,
            searched=self.found.searched,
            principal=self.found.principal,
            principals=() if self.observable.kind in ACTORS else _principals(self.found.uses),
            activity=activity(self.found.uses),
            enrichments=enrichments,
            assessment=assessment,
            suggested=self._suggested(owner, assessment.verdict, enrichments),
            pending=tuple(dict.fromkeys(question.plugin.declaration.question for question in waiting)),
            account_name=self.environment.account_names.get(owner or ""),
            stated=self.stated,
            cost=self.history.cost() if self.history is not None else None,
        )

    def _suggested(
        self, owner: str | None, verdict: Verdict, enrichments: Sequence[Enrichment]
    ) -> tuple[Suggestion, ...]:
        if any(alert.sample for alert in self.case.alerts) or (owner is not None and not self.is_ours(owner)):
            return ()
        known = [ip for ip, _ in self.case.known.why]
        said = what_is_told(enrichments, self.found.principal, known)
        return suggestions(self.observable, verdict, self.offered, said)

    def scoped(self, answers: dict[int, Enrichment], leads: Sequence[Observable], found: Scope | Gap) -> Triage:
        """The triage once the other keys have been looked for."""
        if isinstance(found, Gap):
            case = replace(self.case, gaps=(*self.case.gaps, found), undecided=frozenset({CONFIRMED}))
            return replace(self, case=case).triage(answers)
        case = replace(self.case, signals=(*self.case.signals, *signals_of(found, leads)))
        made = replace(self, case=case).triage(answers)
        cost = " ".join(filter(None, (made.cost, found.cost and f"To look for the other keys: {found.cost}")))
        return replace(made, scope=found, cost=cost or None)

    def _case(self, waiting: Sequence[Question]) -> Case:
        if not waiting:
            return self.case
        undecided = frozenset[str]().union(*(question.plugin.declaration.raises for question in waiting))
        return replace(self.case, undecided=undecided)


def _context(
    window: Window,
    history: History | None,
    principal: Principal | None,
    environment: Environment,
    world: TriageWorld,
    alerts: Sequence[Alert],
) -> Context:
    context = Context(
        window=window,
        history=history,
        addresses=world.addresses,
        environment=environment,
        principal=principal,
        usual=UsualHere(environment, history, world.addresses, world.learner, world.doubted),
        iam=world.iam,
        records=world.records,
        cases=world.cases,
        statistics=world.statistics,
        registries=world.registries,
        threat_lists=world.threat_lists,
        code_search=world.code_search,
        searching=world.searching,
        alerts=tuple(alerts),
        doubted=world.doubted,
    )
    return replace(context, hunts=Around(context)) if history is not None else context


def _looked(
    observable: Observable, window: Window, store: History | None, world: TriageWorld, alerts: Sequence[Alert]
) -> tuple[Found, History | None]:
    """What is found, and the history that enrichers ask. One that is asked over the network may not answer: the rest
    of the world does, so each question about it is then told why. One on this machine that cannot be read is for its
    operator to put right: raises ``HistoryUnavailableError``.
    """
    try:
        if store is not None and store.foresight:
            store.foresee(_foreseen(observable, window, store, world, alerts))
        return _found(observable, window, _history(store, alerts))
    except HistoryUnavailableError as error:
        if store is None or not store.patience:
            raise
        return _found(observable, window, _history(Silent(str(error)), alerts))


def _found(observable: Observable, window: Window, history: AskedOnce | None) -> tuple[Found, History | None]:
    """What ``history`` says, and the same history, which knows whose account it is asked about."""
    found = find(observable, window, history)
    owner = account(observable, found)
    searched = of_account(found.searched, owner)
    return replace(found, searched=searched), history and history.about(owner)


def _foreseen(
    observable: Observable, window: Window, store: History, world: TriageWorld, alerts: Sequence[Alert]
) -> list[Foreseen]:
    """What will be asked, as far as the alerts alone lead to it."""
    told = (stated_principal(call) for alert in alerts for call in alert.calls if call.principal)
    principal = next(told, None) if observable.kind is Kind.ACCESS_KEY else None
    environment = world.environment_of(account(observable, Found(None, principal, (), ())))
    context = _context(window, store, principal, environment, world, alerts)
    questions = list(questions_of(observable, addresses_of(alerts, ()), world.plugins))
    asked = asked_of(store, observable, questions, context, world.runner)
    return [*first_questions(observable, window, alerts), *asked]


def _history(history: History | None, alerts: Sequence[Alert]) -> AskedOnce | None:
    """``history`` with the alerts' calls in it, asked each question once."""
    if history is None:
        return None
    events = [event for alert in alerts for event in events_of(alert, history)]
    return AskedOnce(WithAlerts(history, events) if events else history)


def _known(observable: Observable, window: Window, found: Found, context: Context, addresses: Iterable[str]) -> Known:
    """The addresses that prove nothing, by what was done before: by the key, or for a session by its principal."""
    uses: Sequence[Use] = found.uses
    if observable.kind is Kind.ACCESS_KEY and not observable.value.startswith(LONG_TERM_KEY):
        uses = context.baseline().uses if context.history is not None else ()
    before = [use for use in uses if use.first_seen < window.recent_since] if observable.kind in ACTORS else []
    places = addresses if observable.kind in ACTORS else [observable.value]
    return known_places(places, before, context.environment, found.principal, context.addresses)


def _done(found: Found, alerts: Sequence[Alert], history: History | None) -> list[Doing]:
    """What is judged: the recent part, or without a history what the alerts tell."""
    if history is not None:
        return doings(found.recent)
    return told(event for alert in alerts for event in events_of(alert, history))


# ------------------------------------------------------------------------------------------ what is open


def _never_seen(observable: Observable, window: Window, found: Found, history: History | None) -> list[Gap]:
    """That a history was searched and does not know what is asked about, though it may be busy elsewhere."""
    if history is None or found.searched is None or found.unanswered or any(map(_is_recorded, found.uses)):
        return []
    if observable.kind in ACTORS and history.principal(observable, window.until) is not None:
        return []
    owner = account(observable, found)
    if owner and owner not in found.searched.accounts:
        why = f"the history has no events of account {owner}, to which it belongs"
    else:
        why = "the history never saw it; nothing can be said of what was not logged where it was searched"
    return [Gap("What was it used for?", why)]


def _is_recorded(use: Use) -> bool:
    """Whether CloudTrail tells of it, and not only an alert."""
    return not all(event.startswith(ALERT) for event in use.evidence)


def alert_gaps(alerts: Iterable[Alert]) -> list[Gap]:
    """What an alert leaves open by what it is."""
    gaps = []
    for alert in alerts:
        named = {observable.kind for observable in alert.observables}
        if alert.sample:
            gaps.append(
                Gap("What happened?", "this is a sample finding: its key and user are made up, none was looked up")
            )
        elif not named & ACTORS:
            gaps.append(Gap("Which key or principal is it about?", "the alert names none"))
    return list(dict.fromkeys(gaps))


def _coverage_gaps(window: Window, found: Found, history: History | None) -> list[Gap]:
    question, searched = "What else happened in the window?", found.searched
    if history is None:
        return [Gap(question, "there is no CloudTrail history: run `triage ingest`")]
    if found.unanswered:
        return [Gap(question, why) for why in found.unanswered]
    if searched is None:
        return [Gap(question, "the history holds nothing of this window")]
    covered = f"the history covers {rfc3339(searched.since)} to {rfc3339(searched.until)}"
    short = searched.since > window.since or searched.until < window.recent_since
    return [Gap(question, covered)] if short else []


# ------------------------------------------------------------------------------------- what was found


def _principals(uses: Iterable[Use]) -> tuple[tuple[str, int], ...]:
    return tuple(_counted((use.principal, use.count) for use in uses).items())


def _counted(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Sums by name, the largest first, then by name."""
    counts: Counter[str] = Counter()
    for name, count in pairs:
        counts[name] += count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
