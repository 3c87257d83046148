"""What a person does in Slack: types, clicks, picks, submits. Each ends in how the app answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.demo.slack import payloads, views, workspace
from bot.demo.slack.delivery import Delivered
from bot.demo.slack.webapi import content
from bot.demo.slack.workspace import Channel, Json, Person, SlackError, Workspace, elements_of, snapshot

Deliver = Callable[[str, Json, int], Awaitable[Delivered]]
EVENT_RETRY_SECONDS = (0.0, 60.0, 300.0)
"""When Slack sends an unacknowledged event again: nearly at once, after one and after five minutes."""


class NotPossible(Exception):
    """What a person cannot do in Slack either: click what is not there, act in a channel they are not in."""


class Gestures:
    """The hands of the workspace's people. Lives on the server's event loop."""

    def __init__(self, space: Workspace, deliver: Deliver, origin: Callable[[], str]) -> None:
        self._space = space
        self._deliver = deliver
        self._origin = origin
        self._retries: set[asyncio.Task[None]] = set()

    # --------------------------------------------------------------------------------------- channel

    async def type_command(self, user: str, channel_id: str, text: str) -> Delivered:
        """``/name …`` in the composer of a channel."""
        with self._space.changed:
            person, channel = self._there(user, channel_id)
            name, _, rest = text.partition(" ")
            if not re.fullmatch(r"/[a-z0-9_-]+", name):
                raise NotPossible(f"{name!r} is not a slash command")
            payload = payloads.command(self._space, person, channel, name, rest.strip(), self._origin())
        done = await self._deliver("slash_commands", payload, 0)
        with self._space.changed:
            if done.error:
                self._space.notice(user, f"{name} failed with the error “{done.error}”", channel=channel.id)
            elif done.response.get("text") or done.response.get("blocks"):
                self._answer(person, channel, done.response)
        return done

    def _answer(self, person: Person, channel: Channel, response: Json) -> None:
        """An acknowledgement with content is a message: to the person alone unless it says ``in_channel``."""
        self._space.asked_to_show.append(response)
        try:
            body = content(response)
        except SlackError as refusal:
            self._space.notice(person.id, f"the app's answer was refused: {refusal.code}", channel=channel.id)
            return
        if response.get("response_type") == "in_channel":
            self._space.add_message(channel, workspace.BOT_USER, body)
        else:
            self._space.add_ephemeral(channel.id, person.id, body)

    async def say(self, user: str, channel_id: str, text: str, thread_ts: str | None = None) -> Delivered:
        """An ordinary message; the app hears of it only where it is mentioned."""
        with self._space.changed:
            _, channel = self._there(user, channel_id)
            message = self._space.add_message(channel, user, {"text": text}, thread_ts)
            if f"<@{workspace.BOT_USER}>" not in text:
                return Delivered(0)
            payload = payloads.event(self._space, payloads.app_mention(message, channel))
        return await self._send_event(payload)

    async def open_home(self, user: str) -> Delivered:
        """The app's Home tab."""
        with self._space.changed:
            payload = payloads.event(self._space, payloads.app_home_opened(self._space, self._space.person(user)))
        return await self._send_event(payload)

    async def _send_event(self, payload: Json) -> Delivered:
        done = await self._deliver("events_api", payload, 0)
        if done.error:
            task = asyncio.create_task(self._send_again(payload))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)
        return done

    async def _send_again(self, payload: Json) -> None:
        for number, seconds in enumerate(EVENT_RETRY_SECONDS, 1):
            await asyncio.sleep(seconds)
            if (await self._deliver("events_api", payload, number)).acked:
                return

    async def message_shortcut(self, user: str, channel_id: str, ts: str, callback_id: str) -> Delivered:
        """A shortcut from a message's menu."""
        with self._space.changed:
            person, channel = self._there(user, channel_id)
            message = self._space.message(channel, ts)
            payload = payloads.message_shortcut(self._space, person, channel, message, callback_id, self._origin())
        return await self._interact(person, payload, channel.id, message.get("thread_ts"))

    async def click(
        self, user: str, channel_id: str, ts: str, action_id: str, block_id: str | None = None, value: str | None = None
    ) -> Delivered:
        """A button, or an option (``value``) of a menu, in a message or in what only ``user`` sees."""
        with self._space.changed:
            person, channel = self._there(user, channel_id)
            message = self._seen(user, channel, ts)
            action = _action(message.get("blocks", []), action_id, block_id, value)
            payload = payloads.message_click(self._space, person, channel, message, action, {}, self._origin())
        return await self._interact(person, payload, channel.id, message.get("thread_ts"))

    def _seen(self, user: str, channel: Channel, ts: str) -> Json:
        for message in self._space.ephemeral:
            if message["ts"] == ts and message["to"] == user:
                return message
        return self._space.message(channel, ts)

    def _there(self, user: str, channel_id: str) -> tuple[Person, Channel]:
        person, channel = self._space.person(user), self._space.channel(channel_id)
        if user not in channel.members:
            raise NotPossible(f"{person.real_name} is not in #{channel.name}")
        return person, channel

    async def _interact(
        self, person: Person, payload: Json, channel: str = workspace.SOC, thread_ts: str | None = None
    ) -> Delivered:
        done = await self._deliver("interactive", payload, 0)
        if done.error:
            text = f"Triage did not take that: {done.error}. Try again."
            self._space.notice(person.id, text, channel=channel, thread_ts=thread_ts)
        return done

    # ----------------------------------------------------------------------------------------- views

    async def click_view(
        self, user: str, view_id: str, action_id: str, block_id: str | None = None, value: str | None = None
    ) -> Delivered:
        """A button or menu inside an open modal or the Home tab."""
        with self._space.changed:
            person, view = self._space.person(user), self._open_view(user, view_id)
            payload = payloads.view_click(
                self._space, person, view, _action(view["blocks"], action_id, block_id, value)
            )
        return await self._interact(person, payload)

    async def submit_view(self, user: str, view_id: str, values: Mapping[str, Any] | None = None) -> Delivered:
        """Send an open modal off. ``values`` are by ``action_id``: text, or the value of an option.

        The response's ``errors`` (by ``block_id``) stay on the view under ``errors`` for the page to show.
        """
        with self._space.changed:
            person, view = self._space.person(user), self._open_view(user, view_id)
            view.pop("errors", None)
            view["state"] = {"values": _state(view["blocks"], values or {})}
            payload = payloads.view_submission(self._space, person, view)
        done = await self._interact(person, payload)
        if done.acked:
            with self._space.changed:
                self._after_submission(user, view, done.response)
        return done

    def _after_submission(self, user: str, view: Json, response: Json) -> None:
        action = response.get("response_action")
        if response.get("view"):
            self._space.asked_to_show.append(response["view"])
        try:
            if action == "errors":
                view["errors"] = response.get("errors") or {}
            elif action == "update":
                views.keep_view(self._space, views.checked_view(response.get("view"), "modal"), view["id"])
            elif action == "push":
                views.push(self._space, user, views.checked_view(response.get("view"), "modal"))
            else:
                self._drop(user, everything=action == "clear")
        except SlackError as refusal:
            self._space.notice(user, f"Triage answered with a view Slack refuses: {refusal.code}")
        self._space.touch()

    async def close_view(self, user: str, view_id: str) -> Delivered:
        """Cancel the topmost modal; the app hears of it only if it asked to."""
        with self._space.changed:
            person, view = self._space.person(user), self._open_view(user, view_id)
            payload = payloads.view_closed(person, view, cleared=False)
            self._drop(user, everything=bool(view["clear_on_close"]))
            self._space.touch()
        if not view["notify_on_close"]:
            return Delivered(0)
        return await self._interact(person, payload)

    def _drop(self, user: str, *, everything: bool) -> None:
        stack = self._space.modals.get(user, [])
        for view_id in stack[:] if everything else stack[-1:]:
            stack.remove(view_id)
            self._space.views.pop(view_id, None)

    def _open_view(self, user: str, view_id: str) -> Json:
        home = self._space.homes.get(user)
        if home is not None and home["id"] == view_id:
            return home
        if view_id not in self._space.modals.get(user, []):
            raise NotPossible(f"{user} has no open view {view_id}")
        return self._space.views[view_id]


def _action(blocks: list[Json], action_id: str, block_id: str | None, value: str | None) -> Json:
    """The ``actions`` entry for an element. Raises ``NotPossible`` if no block shows it."""
    for block in blocks:
        for element in elements_of(block):
            if element.get("action_id") == action_id and block_id in (None, block["block_id"]):
                kept = {name: snapshot(element[name]) for name in KEPT if name in element}
                return kept | {"block_id": block["block_id"]} | _chosen(element, value)
    raise NotPossible(f"there is no {action_id!r} to click")


KEPT = ("type", "action_id", "text", "value", "style", "confirm", "url")


def _chosen(element: Json, value: str | None) -> Json:
    if element["type"] == "button":
        return {}
    if element["type"] == "users_select":
        return {"selected_user": value}
    return {"selected_option": _option(element, value)}


def _option(element: Json, value: Any) -> Json:
    groups = element.get("option_groups") or [element]
    for option in (option for group in groups for option in group.get("options", [])):
        if option["value"] == value:
            return {"text": option["text"], "value": option["value"]}
    raise NotPossible(f"there is no option {value!r} in {element.get('action_id')!r}")


def _state(blocks: list[Json], values: Mapping[str, Any]) -> Json:
    """``view.state.values``: what stands in each input, by block and action."""
    state: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if element["type"] not in ("button", "overflow"):
                given = values.get(element["action_id"])
                state.setdefault(block["block_id"], {})[element["action_id"]] = _input_state(element, given)
    return state


def _input_state(element: Json, given: Any) -> Json:
    kind = element["type"]
    if kind in ("plain_text_input", "number_input"):
        return {"type": kind, "value": element.get("initial_value") if given is None else (given or None)}
    if kind in ("checkboxes", "multi_static_select"):
        chosen = element.get("initial_options", []) if given is None else [_option(element, one) for one in given]
        return {"type": kind, "selected_options": chosen}
    if kind == "multi_users_select":
        return {"type": kind, "selected_users": element.get("initial_users", []) if given is None else list(given)}
    if kind == "users_select":
        return {"type": kind, "selected_user": given or element.get("initial_user")}
    chosen_one = element.get("initial_option") if given in (None, "") else _option(element, given)
    return {"type": kind, "selected_option": chosen_one}
