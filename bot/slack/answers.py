"""The jobs behind commands, clicks and submissions: ask ``operations``, then put the answer in the outbox.

Slow work is done before the returned change is committed; the answer and the end of the job commit together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from bot.commands import Command
from bot.database import Database
from bot.model import Actor, Alert, Containment, Kind, Place, Plan, Refusal, Waiting
from bot.slack import containing, modals, replies, snoozing
from bot.slack.asked import Operations
from bot.slack.buttons import (
    ACTIONS,
    ASK_AGAIN,
    CONTAIN,
    PLAN,
    REPORT,
    SECOND,
    SNOOZE,
    TAKE,
    TASK_DONE,
    TASK_TAKE,
    UNCONTAIN,
    UNDO,
)
from bot.slack.elements import Message, View
from bot.slack.filled import Filled
from bot.slack.home import home, refused_home
from bot.slack.owner import ANSWERS
from bot.slack.typed import Typed
from bot.store import outbox
from bot.store.jobs import Job
from bot.workers import Commit, Handler, nothing

CONTAINMENT_ID = "contain-"
"""How the id of a containment begins; a plan's has no hyphen there."""

AFTER_ACKNOWLEDGEMENT = timedelta(seconds=2)
"""The acknowledgement of a submission itself changes the window; a change that overtook it would be overwritten."""

SAID_IN_SLACK = "Done, as said with the button in Slack."
GONE = Refusal("That case or change is not known here any more. Ask with `/triage key …`.")

Clock = Callable[[], datetime]
Payload = Mapping[str, Any]


class Answers:
    """Handlers of the jobs that the listeners queue."""

    def __init__(
        self, operations: Operations, clock: Clock, problems: Callable[[], Sequence[str]] = lambda: ()
    ) -> None:
        self._problems = problems
        self._operations = operations
        self._typed = Typed(operations, clock)
        self._filled = Filled(operations)
        self._planned: Mapping[str, Callable[[str, Actor], Plan | Containment | Refusal]] = {
            SECOND: self._waiting,
            UNDO: operations.plan_undo,
            CONTAIN: self._containment,
            UNCONTAIN: operations.plan_containment_undo,
        }
        self._pressed: Mapping[str, Callable[[Payload, Actor], Commit]] = {
            ASK_AGAIN: self._asked_again,
            TASK_TAKE: self._tasked,
            TASK_DONE: self._tasked,
            TAKE: self._taken,
            ACTIONS: self._everything,
            SNOOZE: self._snoozing_of,
            REPORT: self._reported,
            **dict.fromkeys(ANSWERS, self._answered_by_owner),
        }
        self._clock = clock

    def handlers(self) -> dict[str, Handler]:
        """The jobs of the pool ``ask``."""
        asked = {
            "command": self.command,
            "click": self.click,
            "submit": self.submit,
            "shortcut": self.shortcut,
            "mention": self.mention,
            "home": self.home,
        }
        return {name: self._recognised(handler) for name, handler in asked.items()}

    def _recognised(self, handler: Handler) -> Handler:
        def handle(job: Job) -> Commit:
            self._operations.recognise(_actor(job.payload))
            return handler(job)

        return handle

    def command(self, job: Job) -> Commit:
        """What was asked for with ``/triage``."""
        payload, actor = job.payload, _actor(job.payload)
        command, values = Command(payload["command"]), tuple(payload["values"])
        if payload.get("view"):
            return self._snoozing_asked(payload, values, actor)
        try:
            answer = self._typed.answer(command, values, actor, f"job-{job.id}")
        except LookupError:
            answer = Refusal(f"There is no case {values[0]}." if values else GONE.sentence)
        message = replies.refusal(answer) if isinstance(answer, Refusal) else answer
        return self._respond(payload, message, shared=payload["share"] and not isinstance(answer, Refusal))

    def shortcut(self, job: Job) -> Commit:
        """A message of somebody else's that a person wants triaged, in its own thread."""
        payload = job.payload
        alert = msgspec.json.decode(payload["alert"], type=Alert)
        opened = self._operations.triage_alert(alert, _actor(payload), _place(payload))
        return self._respond(payload, replies.pointed_at(alert, opened))

    def mention(self, job: Job) -> Commit:
        """What was asked for by mentioning the bot, answered in that thread for everybody."""
        payload, place, once = job.payload, _place(job.payload), job.payload["event"]
        if refused := payload["refusal"]:
            message = replies.say(refused)
        elif payload["command"] == Command.HELP:
            message = replies.usage()
        else:
            message = self._typed_in_thread(payload, place)

        def commit(db: Database) -> None:
            under = outbox.at_message(db, place)
            slot, shown, now = f"mention:{once}", message.payload(), self._clock()
            outbox.show(db, slot, place.channel, shown, now, under=under, urgency=outbox.ASKED)

        return commit

    def _typed_in_thread(self, payload: Payload, place: Place) -> Message:
        command, values = Command(payload["command"]), tuple(payload["values"])
        try:
            answer = self._typed.answer(command, values, _actor(payload), f"mention-{payload['event']}", under=place)
        except LookupError:
            answer = GONE
        return replies.refusal(answer) if isinstance(answer, Refusal) else answer

    def home(self, job: Job) -> Commit:
        """The Home tab of a person who opened it."""
        actor = _actor(job.payload)
        overview = self._operations.overview(actor)
        if isinstance(overview, Refusal):
            view = refused_home(overview.sentence)
        else:
            view = home(overview, self._problems(), now=self._clock())
        return lambda db: outbox.publish(db, job.payload["user"], view, self._clock())

    def click(self, job: Job) -> Commit:
        """A button of a card."""
        try:
            return self._clicked(job.payload)
        except LookupError:
            return self._refuse(job.payload, GONE)

    def submit(self, job: Job) -> Commit:
        """The approval of a previewed change, or a form that was filled in."""
        payload = job.payload
        try:
            if self._filled.takes(payload["form"]):
                return self._said(payload, *self._filled.answer(payload, _actor(payload)))
            return self._approved_all(job) if payload["form"] == containing.APPROVE_ALL else self._approved(job)
        except LookupError:
            return self._show(payload, modals.refusal_view(GONE), after=AFTER_ACKNOWLEDGEMENT)

    def _said(self, payload: Payload, made: object, sentence: str) -> Commit:
        view = modals.refusal_view(made) if isinstance(made, Refusal) else modals.kept_view(sentence)
        return self._show(payload, view, after=AFTER_ACKNOWLEDGEMENT)

    def _approved(self, job: Job) -> Commit:
        payload = job.payload
        glass = payload["fields"].get(modals.GLASS) == modals.BREAK
        made = self._operations.approve(
            payload["about"], _actor(payload), payload["reason"], again=job.attempts > 1, break_glass=glass
        )
        if isinstance(made, Refusal):
            view = modals.refusal_view(made)
        else:
            view = modals.waiting_view(made) if isinstance(made, Waiting) else modals.done_view(made)
        return self._show(payload, view, after=AFTER_ACKNOWLEDGEMENT)

    def _approved_all(self, job: Job) -> Commit:
        payload = job.payload
        glass = payload["fields"].get(modals.GLASS) == modals.BREAK
        made = self._operations.approve_containment(
            payload["about"], _actor(payload), payload["reason"], again=job.attempts > 1, break_glass=glass
        )
        view = modals.refusal_view(made) if isinstance(made, Refusal) else containing.approved(made)
        return self._show(payload, view, after=AFTER_ACKNOWLEDGEMENT)

    def _clicked(self, payload: Payload) -> Commit:
        action, actor = str(payload["action"]), _actor(payload)
        handle = next((each for start, each in self._pressed.items() if action.startswith(start)), self._previewed)
        return handle(payload, actor)

    def _asked_again(self, payload: Payload, actor: Actor) -> Commit:
        asked = self._operations.ask_again(_case(payload["value"])[0], actor)
        return self._done(payload, asked, f"Case #{asked}: asking every question again.")

    def _taken(self, payload: Payload, actor: Actor) -> Commit:
        taken = self._operations.take(_case(payload["value"])[0], actor)
        return self._done(payload, taken, "" if isinstance(taken, Refusal) else f"Case #{taken.id} is yours.")

    def _snoozing_of(self, payload: Payload, actor: Actor) -> Commit:
        """A window to snooze something that the alerts of a case name, or what a mention named."""
        if asked := snoozing.typed_in(str(payload["value"])):
            return self._snoozing_asked(payload, asked, actor)
        found = self._operations.preview_snooze_of(_case(payload["value"])[0], actor)
        if isinstance(found, Refusal):
            return self._refuse(payload, found)
        return self._show(payload, snoozing.snooze_view(found[1], found[0]))

    def _snoozing_asked(self, payload: Payload, values: Sequence[str], actor: Actor) -> Commit:
        """The same for what somebody typed."""
        kind, value = Kind(values[0]), values[1]
        meant = self._operations.snoozable(kind, value, "user" if kind is Kind.PRINCIPAL else "")
        hidden = meant if isinstance(meant, Refusal) else self._operations.preview_snooze([meant], actor)
        if isinstance(hidden, Refusal):
            return self._refuse(payload, hidden)
        return self._show(payload, snoozing.snooze_view(hidden, ""))

    def _reported(self, payload: Payload, actor: Actor) -> Commit:
        case = self._operations.ask_for_report(_case(payload["value"])[0], actor)
        return self._done(payload, case, f"The report of case #{case} is being made; it comes into the case's thread.")

    def _answered_by_owner(self, payload: Payload, actor: Actor) -> Commit:
        """The press of whoever was asked; anybody else's is refused."""
        kind, _, number = str(payload["value"]).partition(":")
        if kind != "owner" or not number.isdecimal():
            raise LookupError(payload["value"])
        made = self._operations.answer_as_owner(int(number), actor, ANSWERS[str(payload["action"])])
        return self._done(payload, made, "Thank you. The security team was told.")

    def _everything(self, payload: Payload, actor: Actor) -> Commit:
        """A window with all that can be done about a case."""
        known = self._operations.case(_case(payload["value"])[0], actor)
        if isinstance(known, Refusal):
            return self._refuse(payload, known)
        return self._show(payload, modals.actions_view(known))

    def _previewed(self, payload: Payload, actor: Actor) -> Commit:
        """A window that shows what would be changed, to be approved."""
        operation, _, rest = str(payload["action"]).partition(":")
        if operation == PLAN.rstrip(":"):
            case, target = _case(payload["value"])
            plan: Plan | Containment | Refusal = self._operations.plan_offered(rest.split(":")[0], target, case, actor)
        else:
            plan = self._planned[operation](payload["value"], actor)
        if isinstance(plan, Refusal):
            return self._refuse(payload, plan)
        own = self._operations.is_requester(actor, plan)
        view = containing.preview(plan, own=own) if isinstance(plan, Containment) else modals.preview(plan, own=own)
        return self._show(payload, view)

    def _containment(self, value: str, actor: Actor) -> Containment | Refusal:
        return self._operations.plan_containment((), actor, case=_case(value)[0])

    def _waiting(self, value: str, actor: Actor) -> Plan | Containment | Refusal:
        """What waits for another person's approval: one plan, or a whole containment."""
        if not value.startswith(CONTAINMENT_ID):
            return self._operations.planned(value, actor)
        return self._operations.containment(value)

    def _tasked(self, payload: Payload, actor: Actor) -> Commit:
        """Somebody takes a task, or says that it is done."""
        kind, _, number = str(payload["value"]).partition(":")
        if kind != "task" or not number.isdecimal():
            raise LookupError(payload["value"])
        if str(payload["action"]).startswith(TASK_TAKE):
            return self._done(payload, self._operations.take_task(int(number), actor), f"Task {number} is yours.")
        made = self._operations.finish_task(int(number), actor, SAID_IN_SLACK)
        return self._done(payload, made, f"Task {number} is done.")

    def _done(self, payload: Payload, made: object, told: str) -> Commit:
        return self._refuse(payload, made) if isinstance(made, Refusal) else self._told(payload, told)

    def _refuse(self, payload: Payload, refusal: Refusal) -> Commit:
        if payload["view"]:
            return self._show(payload, modals.refusal_view(refusal))
        return self._respond(payload, replies.refusal(refusal))

    def _told(self, payload: Payload, sentence: str) -> Commit:
        """What came of a click: in the window it was made in, else beside the message."""
        if payload["view"]:
            return self._show(payload, modals.kept_view(sentence))
        return self._respond(payload, replies.say(sentence))

    def _show(self, payload: Payload, view: View, *, after: timedelta = timedelta()) -> Commit:
        external_id = payload["view"]
        if not external_id:
            return nothing
        now = self._clock()
        return lambda db: outbox.change_view(db, external_id, view, now, not_before=now + after)

    def _respond(self, payload: Payload, message: Message, *, shared: bool = False) -> Commit:
        url = payload["response_url"]
        if not url:
            return nothing
        whom = {"response_type": "in_channel"} if shared else {}
        return lambda db: outbox.respond(db, url, {**message.payload(), **whom}, self._clock())


def _place(payload: Payload) -> Place:
    return Place(payload["channel"], payload["ts"])


def _actor(payload: Payload) -> Actor:
    return Actor(payload["actor"]["id"], payload["actor"]["name"])


def _case(value: str) -> tuple[int, str]:
    """The case and the target of a button's ``case:<id>[:<target>]``. Raises ``LookupError`` for anything else."""
    kind, _, rest = value.partition(":")
    number, _, target = rest.partition(":")
    if kind != "case" or not number.isdecimal():
        raise LookupError(value)
    return int(number), target
