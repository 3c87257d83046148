"""The fields Block Kit is made of: strings with limits, text objects, identifiers, addresses, options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

Problems = Iterator[str]
IDENTIFIER_CHARACTERS = 255
ADDRESS_CHARACTERS = 3000


def record(value: Any, at: str) -> Problems:
    if not isinstance(value, dict):
        yield f"must be an object [json-pointer:{at}]"


def known(value: dict[str, Any], at: str, names: str) -> Problems:
    """Only these fields: Slack refuses what it does not know."""
    for name in value:
        if name not in names.split():
            yield f"invalid additional property: {name} [json-pointer:{at}]"


def at_most(limit: int, at: str) -> Problems:
    yield f"no more than {limit} items allowed [json-pointer:{at}]"


def listed(value: Any, at: str, limit: int, check: Callable[[Any, str], Problems]) -> Problems:
    """A list of one to ``limit`` items, each of which passes ``check``."""
    if not isinstance(value, list):
        yield f"must be an array [json-pointer:{at}]"
        return
    if not value:
        yield f"no fewer than 1 items allowed [json-pointer:{at}]"
    if len(value) > limit:
        yield from at_most(limit, at)
    for index, item in enumerate(value):
        yield from check(item, f"{at}/{index}")


def string(value: Any, at: str, limit: int) -> Problems:
    """A string of one to ``limit`` characters."""
    if not isinstance(value, str):
        yield f"must be a string [json-pointer:{at}]"
    elif not value:
        yield f"must be more than 0 characters [json-pointer:{at}]"
    elif len(value) > limit:
        yield f"must be less than {limit + 1} characters [json-pointer:{at}]"


def identifier(value: Any, at: str) -> Problems:
    yield from string(value, at, IDENTIFIER_CHARACTERS)


def web_address(value: Any, at: str) -> Problems:
    yield from string(value, at, ADDRESS_CHARACTERS)
    if isinstance(value, str) and not _is_web_address(value):
        yield f"must be a valid URL [json-pointer:{at}]"


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def text_object(value: Any, at: str, limit: int, types: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Problems:
    """A text object of one of ``types`` and one to ``limit`` characters."""
    if not isinstance(value, dict):
        yield f"must be an object [json-pointer:{at}]"
        return
    if value.get("type") not in types:
        yield f"must be one of: {', '.join(types)} [json-pointer:{at}/type]"
    only = "verbatim" if value.get("type") == "mrkdwn" else "emoji"
    yield from known(value, at, f"type text {only}")
    yield from string(value.get("text"), f"{at}/text", limit)


def mrkdwn_or_plain(value: Any, at: str, limit: int) -> Problems:
    yield from text_object(value, at, limit)


def plain(value: Any, at: str, limit: int) -> Problems:
    """Where Slack draws nothing but ``plain_text``."""
    yield from text_object(value, at, limit, ("plain_text",))


def option(value: Any, at: str) -> Problems:
    """One choice of a select, an overflow menu, checkboxes or radio buttons."""
    if not isinstance(value, dict):
        yield f"must be an object [json-pointer:{at}]"
        return
    yield from known(value, at, "text value description url")
    yield from text_object(value.get("text"), f"{at}/text", 75)
    yield from string(value.get("value"), f"{at}/value", 150)
    if "description" in value:
        yield from text_object(value["description"], f"{at}/description", 75)
