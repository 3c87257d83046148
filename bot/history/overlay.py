"""The alert is evidence too: what an alert told, merged into a history that CloudTrail has not filled yet.

CloudTrail delivers minutes after a call; a detector may tell of it sooner. ``WithAlerts`` answers like the history
beneath it, with the alerts' calls among the records, and drops such a call as soon as the record itself is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.history.access_key import account_of
from bot.history.address import classify
from bot.history.concerning import concerns
from bot.history.gathered import use_of
from bot.history.merging import merged
from bot.history.outcome import outcome_of
from bot.history.principal import UNKNOWN_ID, id_of_arn
from bot.history.user_agent import MAX_LENGTH, family_of
from bot.model import (
    Alert,
    AnswerCut,
    Call,
    CannotSearch,
    Coverage,
    Event,
    Foreseen,
    History,
    Kind,
    Observable,
    Outcome,
    Prevalence,
    Principal,
    Sampled,
    Span,
    Use,
)

SAME_CALL = timedelta(minutes=15)
"""A detector's time may be the call's, its own or its rule's run: as far from the record as CloudTrail is late."""
_NEIGHBOURS = 100_000

UNNAMED = ""
"""The event name of a call whose name the alert does not tell: never counted under a service or name."""


def events_of(alert: Alert, history: History | None = None) -> tuple[Event, ...]:
    """The calls an alert tells of, as events with the id ``alert:<alert id>``.

    A principal the alert does not name is the one ``history`` last saw behind the key; an account nobody names is the
    one the key id encodes. What stays unknown is the empty string (event name, region, account, user agent), ``None``
    (key, address) or ``unknown`` (principal); the outcome is unknown unless the alert gave an error code.
    """
    return tuple(_event(alert.evidence_id, call, history) for call in alert.calls)


class WithEvents(History):
    """``bot.model.History`` over ``history`` and ``events`` that are not in it.

    Coverage is the history's own: what is laid over it does not say what else happened.
    """

    def __init__(self, history: History, events: Sequence[Event]) -> None:
        self._history = history
        self._events = tuple(events)

    def coverage(self, span: Span) -> Coverage | None:
        return self._history.coverage(span)

    def newest(self) -> datetime | None:
        known = [self._history.newest(), *(event.at for event in self._events)]
        return max((at for at in known if at is not None), default=None)

    def uses(self, observable: Observable, span: Span) -> Sequence[Use]:
        try:
            return self._with_told(self._history.uses(observable, span), observable, span)
        except AnswerCut as cut:
            raise AnswerCut(str(cut), cut.since, self._with_told(cut.uses, observable, span)) from cut
        except CannotSearch as error:
            if told := self._with_told((), observable, span):
                raise AnswerCut(str(error), span.until, told) from error
            raise

    def population(self, span: Span) -> int:
        return self._history.population(span)

    def events(self, observable: Observable, span: Span, *, limit: int = 1000) -> Sequence[Event]:
        events = [*self._history.events(observable, span, limit=limit), *self._unrecorded(observable, span)]
        return tuple(sorted(events, key=lambda event: event.at, reverse=True)[:limit])

    def principal(self, observable: Observable, until: datetime) -> Principal | None:
        known = self._history.principal(observable, until)
        told = (event for event in self._events if event.at <= until and event.principal.id != UNKNOWN_ID)
        return known or next((event.principal for event in told if concerns(event, observable)), None)

    def prevalence(self, event: str, span: Span) -> Prevalence:
        known = self._history.prevalence(event, span)
        told = [each for each in self._unrecorded(Observable(Kind.EVENT, event), span) if not each.by_service]
        if not told:
            return known
        first = min([each.at for each in told] + [at for at in [known.first_seen] if at is not None])
        principals = tuple(sorted({*known.principals, *(each.principal.id for each in told)}))
        return replace(known, count=known.count + len(told), principals=principals, first_seen=first)

    def sampled(self, accounts: Sequence[str], span: Span) -> Sequence[Sampled]:
        return self._history.sampled(accounts, span)

    @property
    def patience(self) -> float:  # type: ignore[override] # of a wrapper it is what is wrapped that says
        return self._history.patience

    @property
    def foresight(self) -> bool:  # type: ignore[override] # the same
        return self._history.foresight

    def foresee(self, questions: Sequence[Foreseen]) -> None:
        self._history.foresee(questions)

    def at_hand(self, question: Foreseen) -> bool:
        return self._history.at_hand(question)

    def cost(self) -> str | None:
        return self._history.cost()

    def _with_told(self, held: Sequence[Use], observable: Observable, span: Span) -> tuple[Use, ...]:
        told = self._unrecorded(observable, span)
        return merged([*held, *(use_of(event) for event in told)]) if told else tuple(held)

    def _unrecorded(self, observable: Observable, span: Span) -> list[Event]:
        return [event for event in self._events if event.at in span and concerns(event, observable)]


class WithAlerts(WithEvents):
    """``bot.model.History`` over ``history`` and the ``events`` of alerts.

    Such an event is the same call as a record if every field the alert states (key, else principal, else address;
    event name, address, user agent) is equal and the two lie at most 15 minutes apart; then only the record counts.
    """

    def _unrecorded(self, observable: Observable, span: Span) -> list[Event]:
        told = super()._unrecorded(observable, span)
        return [event for event in told if not self._is_recorded(event, span)]

    def _is_recorded(self, event: Event, span: Span) -> bool:
        """True if the record is in the answer: one just outside ``span`` does not count, and the call must."""
        who, around = _who(event), Span(event.at - SAME_CALL, event.at + SAME_CALL).intersection(span)
        if who is None or around is None:
            return False
        try:
            records = self._history.events(who, around, limit=_NEIGHBOURS)
        except (AnswerCut, CannotSearch):
            return False
        return any(_states_the_same(event, record) for record in records)


def _event(evidence_id: str, call: Call, history: History | None) -> Event:
    ip, address_class = classify(call.ip)
    agent = (call.user_agent or "")[:MAX_LENGTH]
    principal = _principal(call, history)
    return Event(
        id=evidence_id,
        at=call.at.replace(microsecond=0),
        name=call.event or UNNAMED,
        outcome=outcome_of(call.error_code, None) if call.error_code else Outcome.UNKNOWN,
        error_code=call.error_code,
        key=call.key,
        principal=principal,
        session=None,
        ip=ip,
        address_class=address_class,
        user_agent=agent,
        family=family_of(agent),
        region=call.region or "",
        account=call.account or principal.account or account_of(call.key or "") or "",
        by_service=False,
        provenance="alert",
    )


def _principal(call: Call, history: History | None) -> Principal:
    asked = [Observable(Kind.PRINCIPAL, call.principal)] if call.principal else []
    asked += [Observable(Kind.ACCESS_KEY, call.key)] if call.key and not call.principal else []
    account = call.account or account_of(call.key or "")
    found = (_last_behind(each, call.at, history) for each in asked) if history else iter(())
    # A bare name may be somebody else's in another account.
    own = (each for each in found if each and (account is None or each.account in {None, account}))
    return next(own, None) or stated_principal(call)


def _last_behind(observable: Observable, at: datetime, history: History) -> Principal | None:
    try:
        return history.principal(observable, at)
    except (AnswerCut, CannotSearch):
        return None


def stated_principal(call: Call) -> Principal:
    """The principal as the alert names it: an ARN, an id of ours, or a bare user name."""
    stated, account = (call.principal or "").strip(), call.account or account_of(call.key or "")
    if not stated:
        return Principal(UNKNOWN_ID, None, None, account)
    of_arn = id_of_arn(stated)
    if of_arn:
        return Principal(of_arn, None, stated, of_arn.split(":", 1)[0])
    if ":" in stated:
        return Principal(stated, None, None, account)
    return Principal(f"{account or ''}:user/{stated}", None, None, account)


def _who(event: Event) -> Observable | None:
    if event.key:
        return Observable(Kind.ACCESS_KEY, event.key)
    if event.principal.id != UNKNOWN_ID:
        return Observable(Kind.PRINCIPAL, event.principal.id)
    return Observable(Kind.IP, event.ip) if event.ip else None


def _states_the_same(told: Event, record: Event) -> bool:
    same_name = told.name in {UNNAMED, record.name, record.name.partition(":")[2]}
    same_ip = told.ip in {None, record.ip}
    return same_name and same_ip and told.user_agent in {"", record.user_agent}
