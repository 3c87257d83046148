"""What was filled in and sent off in a window, asked of ``operations``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot import summary
from bot.model import Actor, Conclusion, Refusal, RoomAsked
from bot.slack import forms, snoozing
from bot.slack.asked import Operations
from bot.slack.buttons import ASK_OWNER, CLOSE, DECLARE, HAND_OVER, LEAK, LIFT, SNOOZE

Payload = Mapping[str, Any]
Said = tuple[object, str]


class Filled:
    """The forms that ask before anything is read. Every answer raises ``LookupError`` for a case that is not there."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._forms: Mapping[str, Callable[[Payload, Actor], Said]] = {
            forms.RULE: self._ruled,
            CLOSE: self._closed,
            LEAK: self._leaked,
            HAND_OVER: self._handed_over,
            DECLARE: self._declared,
            SNOOZE: self._snoozed,
            LIFT: self._lifted,
            ASK_OWNER: self._owner_asked,
        }

    def takes(self, form: str) -> bool:
        return form in self._forms

    def answer(self, payload: Payload, actor: Actor) -> Said:
        """What was made, or the refusal, and the sentence for the first."""
        return self._forms[payload["form"]](payload, actor)

    def _ruled(self, payload: Payload, actor: Actor) -> Said:
        case, key, belongs = forms.ruling_of(payload["about"])
        kept = self._operations.rule(case, key, actor, payload["reason"], belongs=belongs)
        what = "counts as in the attacker's hands" if belongs else "was set aside"
        told = f"{key} {what} in case #{case}. The scope is made again; the card shows what it finds."
        return kept, told

    def _closed(self, payload: Payload, actor: Actor) -> Said:
        fields = payload["fields"]
        other = fields.get(forms.DUPLICATE_OF, "").lstrip("#")
        if other and not other.isdecimal():
            return Refusal(f"{other} is no case number."), ""
        case, conclusion = forms.case_of(payload["about"]), Conclusion(fields.get(forms.CONCLUSION, ""))
        made = self._operations.close(
            case, conclusion, actor, payload["reason"], duplicate_of=int(other) if other else None
        )
        return made, f"Case #{case} is closed as {conclusion}."

    def _leaked(self, payload: Payload, actor: Actor) -> Said:
        case, place = forms.case_of(payload["about"]), payload["fields"].get(forms.PLACE, "")
        made = self._operations.leak(case, place, actor, payload["reason"])
        return made, f"Kept. Case #{case} is judged again with it; the card shows the verdict."

    def _handed_over(self, payload: Payload, actor: Actor) -> Said:
        case, fields = forms.case_of(payload["about"]), payload["fields"]
        chosen, minutes = fields.get(forms.NEXT_ONE, ""), fields.get(forms.CHECK_IN, "")
        if not chosen:
            return Refusal("Choose who shall have the case. Nothing was handed over."), ""
        to = Actor(f"{actor.id.rpartition(':')[0]}:{chosen}", chosen)
        check_in = timedelta(minutes=int(minutes)) if minutes in forms.CHECKS else None
        made = self._operations.hand_over(case, to, actor, fields.get(forms.NOTE, ""), check_in=check_in)
        name = made.to.name if not isinstance(made, Refusal) else ""
        return made, f"Case #{case} is {name}'s now; they are mentioned in its thread."

    def _declared(self, payload: Payload, actor: Actor) -> Said:
        case, fields = forms.case_of(payload["about"]), payload["fields"]
        wanted = RoomAsked(tuple(fields.get(forms.INVITED, "").split()), fields.get(forms.WITH_OWNER) == forms.YES)
        room = wanted if fields.get(forms.ROOM) == forms.YES else None
        made = self._operations.declare(case, actor, payload["reason"], room=room)
        told = f"Case #{case} is declared an incident; the channel was told."
        if room:
            told += " The private channel is being opened; the case's thread links it."
        return made, told

    def _snoozed(self, payload: Payload, actor: Actor) -> Said:
        observable, lasting, environment = snoozing.asked_in(payload["about"], payload["fields"])
        made = self._operations.snooze(observable, lasting, actor, payload["reason"], environment=environment)
        told = "" if isinstance(made, Refusal) else f"{summary.snooze_line(made)}. `/triage snooze` lists and lifts it."
        return made, told

    def _lifted(self, payload: Payload, actor: Actor) -> Said:
        made = self._operations.lift_snooze(snoozing.snooze_of(payload["about"]), actor, payload["reason"])
        return made, "" if isinstance(made, Refusal) else f"The snooze of {made.observable} is lifted."

    def _owner_asked(self, payload: Payload, actor: Actor) -> Said:
        case = forms.case_of(payload["about"])
        made = self._operations.ask_owner(case, actor, payload["reason"])
        return made, f"The owner is being asked; the thread of case #{case} says who, and what they answer."
