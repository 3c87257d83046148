"""What AWS wraps around an alert: an SNS notification, an EventBridge event; and lists of several alerts in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.intake.payload import MAX_ALERTS, Payload, Unreadable, objects_in

NOTIFICATION = "Notification"
MOST_ENVELOPES = 3
"""An EventBridge event that one SNS topic hands to another is two deep; more is a game."""


def opened(payload: Payload) -> Iterator[Payload]:
    """What stands in an SNS notification: the alerts of its message, or its text; anything else as it is."""
    waiting = [(payload, 0)]
    while waiting:
        one, depth = waiting.pop(0)
        if not _is_notification(one):
            yield one
        elif depth < MOST_ENVELOPES and (inner := objects_in(one["Message"])) is not None:
            waiting += [(each, depth + 1) for each in inner]
        else:
            yield _as_text(one)


def parts_of(payload: Payload, path: str) -> Iterator[Payload]:
    """``payload`` once for each object of the list at ``path``, with that object alone in it; else ``payload``.

    Each part has the form of the whole. Raises :class:`Unreadable` if there are more than 100.
    """
    listed = _at(payload, path)
    objects = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if len(objects) > MAX_ALERTS:
        raise Unreadable(f"{path} holds {len(objects)} alerts; send at most {MAX_ALERTS} at once.")
    if not objects:
        yield payload
    for one in objects:
        yield _with(payload, path.split("."), [one])


def detail_of(payload: Payload) -> Payload:
    """What an EventBridge event is about; ``payload`` itself if it is none."""
    detail = payload.get("detail")
    return detail if isinstance(detail, dict) else payload


def at(value: Any, *names: str) -> Payload:
    """The object at ``names``, or an empty one where anything on the way is missing or something else."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def first_of(value: Any) -> Payload:
    """The first object of a list; an empty one if there is none."""
    return next((one for one in value if isinstance(one, dict)), {}) if isinstance(value, list) else {}


def objects_of(value: Any) -> list[Payload]:
    """The objects of a list; none if it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_notification(payload: Payload) -> bool:
    return payload.get("Type") == NOTIFICATION and isinstance(payload.get("Message"), str) and "TopicArn" in payload


def _as_text(notification: Payload) -> Payload:
    return {
        "title": notification.get("Subject") or "Message of an SNS topic",
        "text": notification["Message"],
        "time": notification.get("Timestamp"),
    }


def _at(payload: Any, path: str) -> Any:
    for name in path.split("."):
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def _with(payload: Payload, path: list[str], value: Any) -> Payload:
    name, *rest = path
    return {**payload, name: _with(payload[name], rest, value) if rest else value}
