"""What Slack sends us: acknowledge, parse, keep, answer later.

Slack never repeats a command, a click or a submission, and waits three seconds. So each listener commits what the
person wants before it acknowledges, and does nothing slow: the one call made here is ``views.open``, because the
trigger that allows it lives three seconds as well. https://docs.slack.dev/interactivity/handling-user-interaction/
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import structlog
from slack_bolt import Ack, App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot import intake
from bot.commands import Command, parse
from bot.intake.secret_guard import remove_secrets
from bot.model import Refusal
from bot.slack import forms, modals, replies
from bot.slack.buttons import (
    ACTIONS,
    ASK_AGAIN,
    ASK_OWNER,
    CLOSE,
    CONTAIN,
    DECLARE,
    EXPECTED,
    HAND_OVER,
    LEAK,
    LIFT,
    MORE,
    PLAN,
    REPORT,
    RULE_IN,
    RULE_OUT,
    SECOND,
    SNOOZE,
    TAKE,
    TASK_DONE,
    TASK_TAKE,
    UNCONTAIN,
    UNDO,
    pressed,
)
from bot.slack.client import FAULTS, logger, web_client
from bot.slack.containing import APPROVE_ALL
from bot.slack.elements import View
from bot.slack.owner import ANSWERS
from bot.store import jobs, outbox
from bot.store.state import State, StateUnavailable

POOL = "ask"
OWNER = tuple(ANSWERS)
"""The buttons of a question to a key's owner."""
ANSWERED_BELOW = (ASK_AGAIN, TAKE, TASK_TAKE, TASK_DONE, REPORT, *OWNER)
"""Clicks that open no window: what came of them is said beside the button."""
LISTENERS = 50
"""Threads for listeners. Bolt's own five would let the sixth click of a busy minute go unacknowledged."""

NOTHING_DONE = "Nothing was done: the bot could not store your request. Try again in a minute, or tell whoever runs it."
NOT_OPENED = "Slack did not open the window in time, so nothing was changed. Ask for it again."

_NAMED = "|".join(
    [
        *(UNDO, SECOND, CONTAIN, UNCONTAIN, ASK_AGAIN, TAKE, TASK_TAKE, TASK_DONE),
        *(
            CLOSE,
            EXPECTED,
            LEAK,
            RULE_IN,
            RULE_OUT,
            MORE,
            HAND_OVER,
            DECLARE,
            ACTIONS,
            SNOOZE,
            LIFT,
            REPORT,
            ASK_OWNER,
            *OWNER,
        ),
    ]
)
OPERATIONS = re.compile(rf"^(?:{PLAN}.+|(?:{_NAMED})(?::.+)?)$")
_FORMS = "|".join((modals.APPROVE, forms.RULE, CLOSE, LEAK, APPROVE_ALL, HAND_OVER, DECLARE, SNOOZE, LIFT, ASK_OWNER))
FORMS = re.compile(rf"^(?:{_FORMS})$")

TRIAGE_MESSAGE = "triage_message"
EVENTS = ("app_mention", "app_home_opened")
MESSAGES = intake.Source("slack")
"""How a message is read as an alert: whatever in it looks like a key, an ARN, an address."""
_MENTION = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^>]*)?>")

Body = Mapping[str, Any]
Clock = Callable[[], datetime]

log = structlog.get_logger()


def build_app(client: WebClient, state: State, clock: Clock) -> App:
    """The Bolt app, for HTTP and Socket Mode alike. It takes every request for Slack's: :mod:`bot.slack.http` verifies,
    by either of two secrets where Bolt knows one, and a socket is opened by us.

    ``client`` carries the bot's token. Nothing is asked of Slack here, so the bot starts while Slack is down.
    """
    app = App(
        client=web_client(None, client.base_url),
        request_verification_enabled=False,
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=client.token),
        listener_executor=ThreadPoolExecutor(max_workers=LISTENERS, thread_name_prefix="slack-listener"),
        logger=logger,
    )
    listeners = _Listeners(client, state, clock)
    app.command("/triage")(listeners.command)
    app.action(OPERATIONS)(listeners.click)
    app.view(FORMS)(listeners.submit)
    app.shortcut(TRIAGE_MESSAGE)(listeners.shortcut)
    app.use(listeners.keep_event)
    for event in EVENTS:
        app.event(event)(_kept_already)
    return app


def _kept_already() -> None:
    """Slack is told that an event has come before its listener runs, so it was kept on the way here."""


def actor_of(body: Body) -> dict[str, str]:
    """Who acts: ``slack:<enterprise or team>:<user>``.

    On Enterprise Grid the enterprise counts, because a colleague may act from any of its workspaces. A person of
    another company in a shared channel carries their own team, which no rule of ours names.
    """
    user = body.get("user")
    if isinstance(user, Mapping):
        name, person, home = user.get("name") or user.get("username"), user.get("id"), user.get("team_id")
    else:
        name, person, home = body.get("user_name"), body.get("user_id"), None
    installed = _id(body.get("team")) or str(body.get("team_id") or "")
    stranger = home is not None and installed and home != installed and not _enterprise(body)
    owner = str(home) if stranger else _enterprise(body) or installed or str(home or "")
    return {"id": f"slack:{owner}:{person}", "name": str(name or person)}


class _Listeners:
    def __init__(self, client: WebClient, state: State, clock: Clock) -> None:
        self._client = client
        self._state = state
        self._clock = clock

    def command(self, ack: Ack, body: Body) -> None:
        """``/triage``. What was typed is never kept, only what it asks for: it may hold a secret."""
        ask = parse(str(body.get("text") or ""))
        if isinstance(ask, Refusal):
            ack(**replies.refusal(ask).payload())
        elif ask.command is Command.HELP:
            ack(**replies.usage().payload())
        elif form := forms.asked_for(ask):
            opened = self._open(body, form, secrets.token_hex(16))
            ack() if opened else ack(**replies.say(NOT_OPENED).payload())
        else:
            # What is snoozed is chosen in a window, once it is known what that would have hidden.
            view = secrets.token_hex(16) if ask.command is Command.SNOOZE and ask.values else None
            asked = {"command": ask.command.value, "values": list(ask.values), "share": ask.share, "view": view}
            kept = self._keep("command", {**asked, **_common(body)}, body)
            ack() if kept is not None else ack(**replies.say(NOTHING_DONE).payload())
            if kept and view and not self._open(body, modals.preparing(), view):
                self._tell(body, NOT_OPENED)

    def click(self, ack: Ack, body: Body) -> None:
        """A button of a card or its thread."""
        action, value = pressed(body["actions"][0])
        if form := forms.opened_by(action, value):
            ack()
            if not self._open(body, form, secrets.token_hex(16)):
                self._tell(body, NOT_OPENED)
            return
        view = secrets.token_hex(16) if not action.startswith(ANSWERED_BELOW) else _external_id(body)
        intent = {"action": action, "value": value, "view": view, **_common(body)}
        kept = self._keep("click", intent, body)
        ack()
        if kept is None:
            self._open(body, modals.refusal_view(Refusal(NOTHING_DONE)), secrets.token_hex(16))
        elif kept and view and view != _external_id(body) and not self._open(body, modals.preparing(), view):
            self._tell(body, NOT_OPENED)

    def submit(self, ack: Ack, body: Body) -> None:
        """The approval of a previewed change, or a form that was filled in."""
        view = body["view"]
        fields = forms.fields_of(view)
        intent = {
            "form": view.get("callback_id", ""),
            "about": view.get("private_metadata", ""),
            "reason": fields.get(modals.REASON_BLOCK, ""),
            "fields": fields,
            "view": view.get("external_id") or "",
            **_common(body),
        }
        if self._keep("submit", intent, body) is None:
            ack(response_action="errors", errors={modals.REASON_BLOCK: NOTHING_DONE})
        else:
            working = {**modals.working_view(intent["form"]), "external_id": intent["view"]}
            ack(response_action="update", view=working)

    def shortcut(self, ack: Ack, body: Body) -> None:
        """``Triage this message``: what it tells is kept, what it says is not; a secret in it is cut out first."""
        said, removed = remove_secrets(_said(body.get("message")))
        alert = replace(intake.normalise(MESSAGES, said, self._clock()), secrets_removed=removed)
        place = {"channel": _id(body.get("channel")), "ts": str(body.get("message_ts") or "")}
        intent = {"alert": msgspec.json.encode(alert).decode(), **place, **_common(body)}
        kept = self._keep("shortcut", intent, body)
        ack()
        if kept is None:
            self._tell(body, NOTHING_DONE)

    def keep_event(self, body: Body, next_: Callable[[], None]) -> BoltResponse | None:
        """Keep an event before Slack hears that it has come; what could not be kept is sent again."""
        event, id_ = body.get("event"), str(body.get("event_id") or "")
        is_event = body.get("type") == "event_callback" and isinstance(event, Mapping)
        if is_event and self._keep_event(event or {}, id_, body) is None:
            return BoltResponse(status=503)
        next_()
        return None

    def _keep_event(self, event: Mapping[str, Any], id_: str, body: Body) -> bool | None:
        who = {"actor": _actor_of_event(event, body), "response_url": "", "event": id_}
        if event.get("type") == "app_mention" and not event.get("bot_id"):
            place = {"channel": str(event.get("channel") or ""), "ts": str(event.get("thread_ts") or event.get("ts"))}
            return self._keep_once("mention", {**_asked_for(str(event.get("text") or "")), **place, **who}, id_)
        if event.get("type") == "app_home_opened" and event.get("tab") == "home":
            return self._keep_once("home", {"user": str(event.get("user") or ""), **who}, id_)
        return False

    def _keep(self, kind: str, intent: dict[str, Any], body: Body) -> bool | None:
        """Whether the intent is new; ``None`` if it could not be stored."""
        return self._keep_once(kind, intent, _identity(kind, body))

    def _keep_once(self, kind: str, intent: dict[str, Any], identity: str) -> bool | None:
        once = f"{kind}:{identity}"
        now = self._clock()
        try:
            return self._state.write(lambda db: jobs.add(db, kind, intent, now, pool=POOL, once=once))
        except StateUnavailable as error:
            log.warning("an intent could not be stored and was refused", kind=kind, why=str(error))
            return None

    def _open(self, body: Body, view: View, external_id: str) -> bool:
        shown, trigger = {**view, "external_id": external_id}, body["trigger_id"]
        try:
            if body.get("view"):  # a window that is opened out of another stands on top of it
                self._client.views_push(trigger_id=trigger, view=shown)
            else:
                self._client.views_open(trigger_id=trigger, view=shown)
        except FAULTS as error:
            log.warning("a window could not be opened", why=type(error).__name__)
            return False
        return True

    def _tell(self, body: Body, sentence: str) -> None:
        url, now = body.get("response_url"), self._clock()
        if url:
            said = replies.say(sentence).payload()
            self._state.write(lambda db: outbox.respond(db, str(url), said, now))


def _external_id(body: Body) -> str | None:
    """The id we gave the window a button was pressed in; ``None`` for a button of a message."""
    view = body.get("view")
    return str(view.get("external_id") or "") or None if isinstance(view, Mapping) else None


def _said(message: Any) -> dict[str, Any]:
    """What a message says: its text, its blocks, what other tools attach."""
    said = message if isinstance(message, Mapping) else {}
    kept = {name: said[name] for name in ("text", "blocks", "attachments") if said.get(name)}
    return {"title": str(said.get("text") or "A message"), **kept}


def _asked_for(text: str) -> dict[str, Any]:
    """What a mention asks for; of what was typed nothing else is kept."""
    asked = parse(_MENTION.sub(" ", text))
    if isinstance(asked, Refusal):
        return {"refusal": asked.sentence, "command": "", "values": []}
    return {"refusal": "", "command": asked.command.value, "values": list(asked.values)}


def _actor_of_event(event: Mapping[str, Any], body: Body) -> dict[str, str]:
    person = str(event.get("user") or "")
    return {"id": f"slack:{_enterprise(body) or body.get('team_id') or ''}:{person}", "name": person}


def _common(body: Body) -> dict[str, Any]:
    return {"actor": actor_of(body), "response_url": body.get("response_url") or ""}


def _identity(kind: str, body: Body) -> str:
    """What makes two deliveries the same interaction: a view is submitted once, a trigger is given once."""
    return str(body["view"]["id"]) if kind == "submit" else str(body["trigger_id"])


def _enterprise(body: Body) -> str:
    team = body.get("team")
    of_team = team.get("enterprise_id") if isinstance(team, Mapping) else None
    return _id(body.get("enterprise")) or str(of_team or body.get("enterprise_id") or "")


def _id(thing: Any) -> str:
    return str(thing.get("id") or "") if isinstance(thing, Mapping) else str(thing or "")
