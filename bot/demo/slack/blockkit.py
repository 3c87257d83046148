"""What Slack accepts as Block Kit, checked as its API does; shares no code with the bot's own linter.

The limits are those of https://docs.slack.dev/reference/block-kit (blocks, block elements, composition objects) and
https://docs.slack.dev/reference/views. ``problems`` answers with sentences that end in the JSON pointer of the
offender, as Slack's ``response_metadata.messages`` do. It takes any JSON and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bot.demo.slack import richtext
from bot.demo.slack.blockfields import (
    Problems,
    at_most,
    identifier,
    known,
    listed,
    mrkdwn_or_plain,
    option,
    plain,
    record,
    string,
    text_object,
    web_address,
)

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_CHARACTERS = 13_200
MARKDOWN_CHARACTERS = 12_000


def message_problems(blocks: Any) -> list[str]:
    """Why Slack would refuse ``blocks`` in a message; empty if it would not."""
    return list(_surface(blocks, MESSAGE_BLOCKS, MESSAGE_CHECKS))


def view_problems(view: Any) -> list[str]:
    """Why Slack would refuse ``view`` (a modal or a Home tab); empty if it would not."""
    return list(_view(view))


def characters(blocks: Any) -> int:
    """How much text a message holds over all its blocks: what ``msg_blocks_too_long`` is about."""
    if isinstance(blocks, dict):
        own = len(blocks["text"]) if isinstance(blocks.get("text"), str) else 0
        return own + sum(characters(value) for value in blocks.values())
    if isinstance(blocks, list):
        return sum(characters(value) for value in blocks)
    return 0


def _surface(blocks: Any, limit: int, checks: dict[str, Callable[[Any, str], Problems]]) -> Problems:
    if not isinstance(blocks, list):
        yield "must be an array [json-pointer:/blocks]"
        return
    if len(blocks) > limit:
        yield f"no more than {limit} items allowed [json-pointer:/blocks]"
    for index, block in enumerate(blocks):
        yield from _block(block, f"/blocks/{index}", checks)
    yield from _duplicates(blocks)
    if sum(isinstance(block, dict) and block.get("type") == "table" for block in blocks) > 1:
        yield "only one table allowed per message [json-pointer:/blocks]"
    markdown = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "markdown"]
    if sum(len(text) for text in markdown if isinstance(text, str)) > MARKDOWN_CHARACTERS:
        yield f"markdown must be less than {MARKDOWN_CHARACTERS + 1} characters in all [json-pointer:/blocks]"


def _block(block: Any, at: str, checks: dict[str, Callable[[Any, str], Problems]]) -> Problems:
    if not isinstance(block, dict):
        yield f"must be an object [json-pointer:{at}]"
    elif not isinstance(block.get("type"), str) or block["type"] not in checks:
        yield f"unsupported type: {block.get('type')} [json-pointer:{at}/type]"
    else:
        if "block_id" in block:
            yield from identifier(block["block_id"], f"{at}/block_id")
        yield from checks[block["type"]](block, at)


def _duplicates(blocks: list[Any]) -> Problems:
    block_ids: set[str] = set()
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in block_ids:
            yield f"`block_id` {block_id} already exists [json-pointer:/blocks/{index}/block_id]"
        if isinstance(block_id, str):
            block_ids.add(block_id)
        yield from _duplicate_actions(block, f"/blocks/{index}")


def _duplicate_actions(block: dict[str, Any], at: str) -> Problems:
    seen: set[str] = set()
    elements = block.get("elements")
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(action_id, str) and action_id in seen:
            yield f"`action_id` {action_id} already exists [json-pointer:{at}/elements/{index}/action_id]"
        elif isinstance(action_id, str):
            seen.add(action_id)


# ---------------------------------------------------------------------------------------------- blocks


def _section(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id text fields accessory expand")
    if "text" not in block and "fields" not in block:
        yield f"missing required field: text or fields [json-pointer:{at}]"
    if "text" in block:
        yield from mrkdwn_or_plain(block["text"], f"{at}/text", 3000)
    if "fields" in block:
        yield from listed(block["fields"], f"{at}/fields", 10, lambda value, where: mrkdwn_or_plain(value, where, 2000))
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory", ACCESSORIES)


def _header(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id text level")
    yield from plain(block.get("text"), f"{at}/text", 150)


def _divider(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id")


def _context(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id elements")
    yield from listed(block.get("elements"), f"{at}/elements", 10, _context_element)


def _context_element(element: Any, at: str) -> Problems:
    if isinstance(element, dict) and element.get("type") == "image":
        yield from _image_element(element, at)
    else:
        yield from mrkdwn_or_plain(element, at, 3000)


def _actions(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id elements")
    yield from listed(block.get("elements"), f"{at}/elements", 25, lambda value, where: _element(value, where, ACTIONS))


def _image(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id image_url slack_file alt_text title")
    yield from _image_source(block, at)
    if "title" in block:
        yield from plain(block["title"], f"{at}/title", 2000)


def _image_source(value: Any, at: str) -> Problems:
    yield from string(value.get("alt_text"), f"{at}/alt_text", 2000)
    if ("image_url" in value) == ("slack_file" in value):
        yield f"exactly one of image_url and slack_file is required [json-pointer:{at}]"
    if "image_url" in value:
        yield from web_address(value["image_url"], f"{at}/image_url")


def _rich_text(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id elements")
    yield from richtext.problems(block.get("elements"), f"{at}/elements")


def _markdown(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id text")
    yield from string(block.get("text"), f"{at}/text", MARKDOWN_CHARACTERS)


def _table(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id rows column_settings")
    yield from listed(block.get("rows"), f"{at}/rows", 100, lambda row, where: listed(row, where, 20, _cell))
    settings = block.get("column_settings")
    if isinstance(settings, list) and len(settings) > 20:
        yield from at_most(20, f"{at}/column_settings")


def _cell(cell: Any, at: str) -> Problems:
    if not isinstance(cell, dict) or cell.get("type") not in ("raw_text", "rich_text"):
        yield f"must be a raw_text or rich_text object [json-pointer:{at}]"
    elif cell["type"] == "rich_text":
        yield from _rich_text(cell, at)
    else:
        yield from string(cell.get("text"), f"{at}/text", 3000)


def _input(block: Any, at: str) -> Problems:
    yield from known(block, at, "type block_id label element dispatch_action hint optional")
    yield from plain(block.get("label"), f"{at}/label", 2000)
    if "hint" in block:
        yield from plain(block["hint"], f"{at}/hint", 2000)
    yield from _element(block.get("element"), f"{at}/element", INPUTS)


# -------------------------------------------------------------------------------------------- elements


def _element(element: Any, at: str, checks: dict[str, Callable[[Any, str], Problems]]) -> Problems:
    if not isinstance(element, dict):
        yield f"must be an object [json-pointer:{at}]"
    elif not isinstance(element.get("type"), str) or element["type"] not in checks:
        yield f"unsupported type: {element.get('type')} [json-pointer:{at}/type]"
    else:
        if "action_id" in element:
            yield from identifier(element["action_id"], f"{at}/action_id")
        if "confirm" in element:
            yield from _confirm(element["confirm"], f"{at}/confirm")
        if "placeholder" in element:
            yield from plain(element["placeholder"], f"{at}/placeholder", 150)
        yield from checks[element["type"]](element, at)


def _button(element: Any, at: str) -> Problems:
    yield from known(element, at, "type text action_id url value style confirm accessibility_label")
    yield from plain(element.get("text"), f"{at}/text", 75)
    if "value" in element:
        yield from string(element["value"], f"{at}/value", 2000)
    if "url" in element:
        yield from web_address(element["url"], f"{at}/url")
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"must be one of: primary, danger [json-pointer:{at}/style]"
    if "accessibility_label" in element:
        yield from string(element["accessibility_label"], f"{at}/accessibility_label", 75)


def _confirm(confirm: Any, at: str) -> Problems:
    yield from record(confirm, at)
    if isinstance(confirm, dict):
        yield from known(confirm, at, "title text confirm deny style")
        yield from plain(confirm.get("title"), f"{at}/title", 100)
        yield from text_object(confirm.get("text"), f"{at}/text", 300)
        yield from plain(confirm.get("confirm"), f"{at}/confirm", 30)
        yield from plain(confirm.get("deny"), f"{at}/deny", 30)
        if confirm.get("style", "primary") not in ("primary", "danger"):
            yield f"must be one of: primary, danger [json-pointer:{at}/style]"


def _options(limit: int) -> Callable[[Any, str], Problems]:
    def check(element: Any, at: str) -> Problems:
        if "option_groups" in element:
            groups = element["option_groups"]
            yield from listed(groups, f"{at}/option_groups", 100, _option_group)
        else:
            yield from listed(element.get("options"), f"{at}/options", limit, option)

    return check


def _option_group(group: Any, at: str) -> Problems:
    yield from record(group, at)
    if isinstance(group, dict):
        yield from plain(group.get("label"), f"{at}/label", 75)
        yield from listed(group.get("options"), f"{at}/options", 100, option)


def _anything(element: Any, at: str) -> Problems:
    yield from ()


def _image_element(element: Any, at: str) -> Problems:
    yield from known(element, at, "type image_url slack_file alt_text")
    yield from _image_source(element, at)


def _text_input(element: Any, at: str) -> Problems:
    yield from known(
        element,
        at,
        "type action_id initial_value multiline min_length max_length dispatch_action_config focus_on_load placeholder",
    )
    for name in ("min_length", "max_length"):
        value = element.get(name, 1)
        if not isinstance(value, int) or not 0 <= value <= 3000:
            yield f"must be between 0 and 3000 [json-pointer:{at}/{name}]"


ACTIONS: dict[str, Callable[[Any, str], Problems]] = {
    "button": _button,
    "static_select": _options(100),
    "multi_static_select": _options(100),
    "overflow": _options(5),
    "checkboxes": _options(10),
    "radio_buttons": _options(10),
    "users_select": _anything,
    "multi_users_select": _anything,
    "datepicker": _anything,
}
ACCESSORIES = ACTIONS | {"image": _image_element}
INPUTS = {name: check for name, check in ACTIONS.items() if name not in {"button", "overflow"}} | {
    "plain_text_input": _text_input,
    "number_input": _anything,
}
MESSAGE_CHECKS: dict[str, Callable[[Any, str], Problems]] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "rich_text": _rich_text,
    "markdown": _markdown,
    "table": _table,
    "input": _input,
}
VIEW_CHECKS = {name: check for name, check in MESSAGE_CHECKS.items() if name not in {"markdown", "table"}}


# ----------------------------------------------------------------------------------------------- views


def _view(view: Any) -> Iterator[str]:
    if not isinstance(view, dict):
        yield "must be an object [json-pointer:/view]"
        return
    if view.get("type") not in ("modal", "home"):
        yield "must be one of: modal, home [json-pointer:/view/type]"
    names = "type title blocks close submit private_metadata callback_id clear_on_close notify_on_close external_id"
    yield from known(view, "/view", f"{names} submit_disabled")
    if view.get("type") == "modal":
        yield from plain(view.get("title"), "/view/title", 24)
        yield from _modal_buttons(view)
    for name, limit in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if name in view and (not isinstance(view[name], str) or len(view[name]) > limit):
            yield f"must be less than {limit + 1} characters [json-pointer:/view/{name}]"
    for problem in _surface(view.get("blocks"), VIEW_BLOCKS, VIEW_CHECKS):
        yield problem.replace("[json-pointer:/blocks", "[json-pointer:/view/blocks")


def _modal_buttons(view: dict[str, Any]) -> Problems:
    for name in ("submit", "close"):
        if name in view:
            yield from plain(view[name], f"/view/{name}", 24)
    blocks = view.get("blocks")
    blocks = blocks if isinstance(blocks, list) else []
    inputs = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if inputs and "submit" not in view:
        yield "`submit` must be defined in modals with `input` blocks [json-pointer:/view/submit]"
