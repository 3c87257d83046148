"""The structure of ``rich_text`` blocks (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block)."""

from __future__ import annotations

from typing import Any

from bot.demo.slack.blockfields import Problems, known, string, web_address

STYLES = {"bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"}
CONTAINERS = {
    "rich_text_section": "type elements",
    "rich_text_preformatted": "type elements border language",
    "rich_text_quote": "type elements border",
    "rich_text_list": "type elements style indent offset border",
}
INLINE = {
    "text": "type text style",
    "link": "type url text unsafe style",
    "emoji": "type name unicode skin_tone style",
    "user": "type user_id style",
    "usergroup": "type usergroup_id style",
    "channel": "type channel_id style",
    "broadcast": "type range style",
    "date": "type timestamp format url fallback style",
    "color": "type value style",
}
REQUIRED = {
    "emoji": "name",
    "user": "user_id",
    "usergroup": "usergroup_id",
    "channel": "channel_id",
    "broadcast": "range",
    "color": "value",
}


def problems(elements: Any, at: str) -> Problems:
    """Why Slack would refuse ``elements`` as those of a ``rich_text`` block; takes any JSON."""
    if not isinstance(elements, list):
        yield f"must be an array [json-pointer:{at}]"
        return
    for index, element in enumerate(elements):
        yield from _container(element, f"{at}/{index}", tuple(CONTAINERS))


def _container(element: Any, at: str, allowed: tuple[str, ...]) -> Problems:
    if not isinstance(element, dict) or element.get("type") not in allowed:
        kind = element.get("type") if isinstance(element, dict) else element
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    yield from known(element, at, CONTAINERS[element["type"]])
    children = element.get("elements")
    if not isinstance(children, list):
        yield f"must be an array [json-pointer:{at}/elements]"
        return
    if element["type"] == "rich_text_list" and element.get("style") not in ("bullet", "ordered"):
        yield f"must be one of: bullet, ordered [json-pointer:{at}/style]"
    for index, child in enumerate(children):
        where = f"{at}/elements/{index}"
        if element["type"] == "rich_text_list":
            yield from _container(child, where, ("rich_text_section",))
        else:
            yield from _inline(child, where)


def _inline(element: Any, at: str) -> Problems:
    if not isinstance(element, dict) or element.get("type") not in tuple(INLINE):
        kind = element.get("type") if isinstance(element, dict) else element
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    kind = element["type"]
    yield from known(element, at, INLINE[kind])
    yield from _style(element.get("style", {}), f"{at}/style")
    if kind == "text":
        yield from string(element.get("text"), f"{at}/text", 13_200)
    elif kind == "link":
        yield from web_address(element.get("url"), f"{at}/url")
    elif kind == "date":
        yield from _date(element, at)
    else:
        yield from string(element.get(REQUIRED[kind]), f"{at}/{REQUIRED[kind]}", 255)


def _date(element: dict[str, Any], at: str) -> Problems:
    if isinstance(element.get("timestamp"), bool) or not isinstance(element.get("timestamp"), int):
        yield f"must be an integer [json-pointer:{at}/timestamp]"
    yield from string(element.get("format"), f"{at}/format", 255)


def _style(style: Any, at: str) -> Problems:
    if not isinstance(style, dict):
        yield f"must be an object [json-pointer:{at}]"
        return
    for name, value in style.items():
        if name not in STYLES:
            yield f"invalid additional property: {name} [json-pointer:{at}]"
        elif not isinstance(value, bool):
            yield f"must be a boolean [json-pointer:{at}/{name}]"
