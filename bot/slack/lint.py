"""Slack's limits, checked before Slack does: it refuses a whole message for one field too long.

https://docs.slack.dev/reference/block-kit/blocks/ and …/block-elements/; the sum over all blocks is not documented
and was measured at about 13,200 characters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bot.slack.elements import BUDGET, size

Shape = Mapping[str, Any]

MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
KNOWN_BLOCKS = frozenset({"header", "section", "context", "actions", "divider", "input", "rich_text"})
RICH_ELEMENTS = frozenset(
    {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"},
)
NAMED_PIECES = {"usergroup": "usergroup_id", "user": "user_id", "channel": "channel_id"}
TEXT_LIMITS = {"title": 24, "submit": 24, "close": 24}
ID_LIMIT = 255


def lint(shape: Shape) -> list[str]:
    """Everything Slack would refuse in a message payload or a view; empty if it is fine."""
    surface = str(shape.get("type", "message"))
    return list(_surface(shape, surface))


def _surface(shape: Shape, surface: str) -> Iterator[str]:
    blocks = shape.get("blocks") or []
    yield from _message(shape) if surface == "message" else _view(shape)
    if len(blocks) > MOST_BLOCKS.get(surface, 100):
        yield f"{len(blocks)} blocks in a {surface}"
    if size(blocks) > BUDGET:
        yield f"{size(blocks)} characters over all blocks, the budget is {BUDGET}"
    yield from _repeated("block_id", [block.get("block_id") for block in blocks])
    for number, block in enumerate(blocks):
        yield from (f"block {number} ({block.get('type')}): {problem}" for problem in _block(block, surface))


def _message(shape: Shape) -> Iterator[str]:
    yield from _length("text", shape.get("text"), 4000)


def _view(shape: Shape) -> Iterator[str]:
    for name, limit in TEXT_LIMITS.items():
        if name in shape:
            yield from _plain_text(name, shape[name], limit)
    if "title" not in shape and shape.get("type") != "home":
        yield "a modal needs a title"
    has_input = any(block.get("type") == "input" for block in shape.get("blocks", []))
    if has_input and "submit" not in shape:
        yield "a modal with an input needs a submit button"
    if len(shape.get("private_metadata", "")) > 3000:
        yield "private_metadata over 3000"
    for name in ("callback_id", "external_id"):
        if len(shape.get(name, "")) > ID_LIMIT:
            yield f"{name} over {ID_LIMIT}"


def _block(block: Shape, surface: str) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KNOWN_BLOCKS:
        yield "a kind that older clients do not draw"
    if len(str(block.get("block_id", ""))) > ID_LIMIT:
        yield f"block_id over {ID_LIMIT}"
    yield from {
        "header": lambda: _plain_text("text", block.get("text"), 150),
        "section": lambda: _section(block),
        "context": lambda: _context(block),
        "actions": lambda: _actions(block),
        "input": lambda: _input(block, surface),
        "rich_text": lambda: _rich_text(block),
    }.get(str(kind), lambda: iter(()))()


def _section(block: Shape) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield "neither text nor fields"
    if "text" in block:
        yield from _length("text", block["text"].get("text"), 3000)
    if len(fields) > 10:
        yield f"{len(fields)} fields"
    for field in fields:
        yield from _length("field", field.get("text"), 2000)


def _context(block: Shape) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 10:
        yield f"{len(elements)} elements"
    for element in elements:
        if element.get("type") in {"plain_text", "mrkdwn"}:
            yield from _length("element", element.get("text"), 3000)


def _actions(block: Shape) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield f"{len(elements)} elements"
    yield from _repeated("action_id", [element.get("action_id") for element in elements])
    for element in elements:
        yield from _menu(element) if element.get("type") == "overflow" else _button(element)


def _menu(element: Shape) -> Iterator[str]:
    options = element.get("options", [])
    if not 1 <= len(options) <= 5:
        yield f"{len(options)} options in a menu"
    yield from _length("action_id", element.get("action_id"), ID_LIMIT)
    for option in options:
        yield from _plain_text("option", option.get("text"), 75)
        yield from _length("option value", option.get("value"), 150)


def _button(element: Shape) -> Iterator[str]:
    yield from _plain_text("button", element.get("text"), 75)
    yield from _length("action_id", element.get("action_id"), ID_LIMIT)
    if len(str(element.get("value", ""))) > 2000:
        yield "value over 2000"
    if element.get("style", "primary") not in {"primary", "danger"}:
        yield f"style {element['style']}"
    if confirm := element.get("confirm"):
        yield from _plain_text("confirm title", confirm.get("title"), 100)
        yield from _length("confirm text", confirm.get("text", {}).get("text"), 300)


def _input(block: Shape, surface: str) -> Iterator[str]:
    if surface == "message":
        yield "an input in a message"
    yield from _plain_text("label", block.get("label"), 2000)
    yield from _length("action_id", block.get("element", {}).get("action_id"), ID_LIMIT)
    if block.get("element", {}).get("max_length", 0) > 3000:
        yield "max_length over 3000"
    for option in block.get("element", {}).get("options", []):
        yield from _plain_text("option", option.get("text"), 75)
        if "description" in option:
            yield from _plain_text("option description", option["description"], 75)


def _rich_text(block: Shape) -> Iterator[str]:
    elements = block.get("elements", [])
    if not elements:
        yield "no elements"
    for element in elements:
        if element.get("type") not in RICH_ELEMENTS:
            yield f"element {element.get('type')}"
        yield from _rich_element(element)


def _rich_element(element: Shape) -> Iterator[str]:
    if not element.get("elements"):
        yield f"an empty {element.get('type')}"
    for piece in element.get("elements", []):
        if piece.get("type") == "rich_text_section":
            yield from _rich_element(piece)
        elif piece.get("type") in NAMED_PIECES:
            name = NAMED_PIECES[piece["type"]]
            yield from _length(name, piece.get(name), ID_LIMIT)
        elif piece.get("type") == "date":
            yield from _length("format", piece.get("format"), ID_LIMIT)
            yield from _length("fallback", piece.get("fallback"), ID_LIMIT)
        elif piece.get("type") == "link":
            yield from _length("url", piece.get("url"), 3000)
        elif piece.get("type") != "text":
            yield f"{piece.get('type')} in {element.get('type')}"
        elif not piece.get("text"):
            yield "an empty text"


def _plain_text(what: str, text: Any, limit: int) -> Iterator[str]:
    if not isinstance(text, Mapping) or text.get("type") != "plain_text":
        yield f"{what} is not plain_text"
        return
    yield from _length(what, text.get("text"), limit)


def _length(what: str, text: Any, limit: int) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield f"{what} is empty"
    elif len(text) > limit:
        yield f"{what} has {len(text)} characters, the limit is {limit}"


def _repeated(what: str, ids: list[Any]) -> Iterator[str]:
    counts = Counter(one for one in ids if one is not None)
    yield from (f"{what} {one} is used {count} times" for one, count in counts.items() if count > 1)
