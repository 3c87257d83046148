"""The few pieces of Block Kit the bot draws with.

All text, ours and strangers', goes into ``plain_text`` or ``rich_text`` text elements, which Slack shows as they
are: mrkdwn can only escape ``& < >``, so a user agent such as ``*x*`` could still dress itself up there. Moments in it
become dates (``bot.slack.clocks``). The top-level ``text`` of a message is the one place of words that Slack reads as
mrkdwn; it is escaped.
https://docs.slack.dev/messaging/formatting-message-text/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.model import Actor
from bot.plain import clean, cut
from bot.slack.clocks import in_words, pieces, small
from bot.summary import Row

Block = dict[str, Any]
View = dict[str, Any]

HEADER = 150
BUTTON = 75
TITLE = 24
MOST_SMALL = 10
TEXT = 4000
PLAIN = 3000
BLOCKS = 50
BUDGET = 12_000
"""Characters over all blocks of a message. Slack refuses somewhat over 13,000 with ``msg_blocks_too_long``."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True)
class Message:
    """What Slack is asked to show. ``text`` is for notifications and screen readers, escaped already."""

    text: str
    blocks: tuple[Block, ...]

    def payload(self) -> dict[str, Any]:
        """As the outbox keeps it."""
        return {"text": self.text, "blocks": list(self.blocks)}


def message(text: str, *blocks: Block | None) -> Message:
    """A message; ``text`` is plain and gets escaped, absent blocks are left out."""
    return Message(escape(text), tuple(block for block in blocks if block))


def escape(text: str, limit: int = TEXT) -> str:
    """Plain ``text`` for a place Slack reads as mrkdwn: it pings nobody and links nowhere."""
    shown: list[str] = []
    left = limit - 1
    for character in clean(text):
        written = _ENTITIES.get(character, character)
        left -= len(written)
        if left < 0:
            return "".join(shown) + "…"
        shown.append(written)
    return "".join(shown)


def plain(text: str, limit: int = PLAIN) -> dict[str, Any]:
    """A ``plain_text`` object; ``:names:`` of emoji stay as they are written."""
    return {"type": "plain_text", "text": clean(text, limit) or "–", "emoji": False}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, HEADER)}


def context(*texts: str) -> Block | None:
    """Small print; at most ten elements."""
    shown = [clean(text, 300) for text in texts]
    elements = [element for text in shown for element in small(text)]
    if len(elements) > MOST_SMALL:
        elements = [plain(text) for text in shown if text][:MOST_SMALL]
    return {"type": "context", "elements": elements} if elements else None


def divider() -> Block:
    return {"type": "divider"}


def paragraph(text: str, limit: int = PLAIN) -> Block:
    """One paragraph of plain words."""
    return _rich([_section(pieces(clean(text, limit) or "–"))])


def heading(text: str) -> Block:
    """A line of bold words inside a message or window."""
    return _rich([_section([_text(clean(text, 150) or "–", bold=True)])])


def calling(group: str) -> Block | None:
    """A line that mentions a user group, by its id (``S…``): all its members are notified."""
    if not group:
        return None
    return _rich([_section([_text("On call: "), {"type": "usergroup", "usergroup_id": group}])])


def mentioned(people: Sequence[Actor]) -> Block | None:
    """A line that mentions ``people``, so that they are notified; nobody who does not come from Slack."""
    return mentioned_ids([person.id.rpartition(":")[2] for person in people if person.id.startswith("slack:")])


def mentioned_ids(ids: Sequence[str]) -> Block | None:
    """The same by Slack's own ids."""
    spaced = [piece for id_ in ids for piece in ({"type": "user", "user_id": id_}, _text(" "))]
    return _rich([_section(spaced[:-1])]) if spaced else None


def channel_link(text: str, channel: str) -> Block:
    """A paragraph that ends with a channel, by its id, to be opened by those who are in it."""
    return _rich([_section([*pieces(f"{clean(text, PLAIN)} "), {"type": "channel", "channel_id": channel}])])


def link(text: str, url: str) -> Block:
    """A line that leads to ``url``; never one that strangers wrote."""
    return _rich([_section([{"type": "link", "url": url, "text": clean(text, 150)}])])


def labelled(rows: Sequence[Row], limit: int = 300) -> Block | None:
    """Rows with bold labels in one block; a value is cut at ``limit`` characters."""
    drawn: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        label = ("\n" if number else "") + clean(row.label, 60) + ": "
        drawn += [_text(label, bold=True), *pieces(clean(row.value, limit) or "–")]
    return _rich([_section(drawn)]) if drawn else None


def bullets(lines: Sequence[str], limit: int = 300) -> Block | None:
    """A bulleted list."""
    items = [_section(pieces(clean(line, limit) or "–")) for line in lines]
    return _rich([{"type": "rich_text_list", "style": "bullet", "elements": items}]) if items else None


def commands(lines: Sequence[str]) -> Block | None:
    """Commands to copy, one a line, in a preformatted block. They are ours; only their values are others'."""
    text = "\n".join(clean(line, 500) for line in lines)
    return _rich([{"type": "rich_text_preformatted", "elements": [_text(cut(text, PLAIN))]}]) if text else None


def button(label: str, action: str, value: str, *, style: str | None = None) -> dict[str, Any]:
    drawn = {"type": "button", "text": plain(label, BUTTON), "action_id": action, "value": value}
    return {**drawn, "style": style} if style else drawn


def menu(action: str, options: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """An overflow menu; each option is a label and a value."""
    drawn = [{"text": plain(label, BUTTON), "value": value} for label, value in options]
    return {"type": "overflow", "action_id": action, "options": drawn}


def actions(block_id: str, buttons: Sequence[dict[str, Any]]) -> Block | None:
    return {"type": "actions", "block_id": block_id, "elements": list(buttons)} if buttons else None


def fitted(title: str, blocks: Iterable[Block | None], more: str) -> Message:
    """As many blocks as the budget and Slack's count allow under ``title``; where some are left out, ``more`` says how
    to see them."""
    rest = paragraph(more)
    kept, left = [header(title)], BUDGET - size([header(title), rest])
    for block in blocks:
        if block is None:
            continue
        left -= size([block])
        if left < 0 or len(kept) == BLOCKS - 1:
            kept.append(rest)
            break
        kept.append(block)
    return message(title, *kept)


def people_input(block: str, label: str, *, many: bool = False, first: Sequence[str] = ()) -> Block:
    """A choice of one person of the workspace, or of ``many``; ``first``, by Slack's ids, are chosen to begin with."""
    chosen = ({"initial_users": list(first)} if many else {"initial_user": first[0]}) if first else {}
    element = {"type": "multi_users_select" if many else "users_select", "action_id": block, **chosen}
    return {
        "type": "input",
        "block_id": block,
        "label": plain(label, 200),
        "element": element,
        **({"optional": True} if many else {}),
    }


def checkbox(block: str, label: str, option: str, value: str, told: str = "") -> Block:
    """One box to tick, or to leave."""
    drawn = {"text": plain(option, BUTTON), "value": value, **({"description": plain(told, BUTTON)} if told else {})}
    return {
        "type": "input",
        "block_id": block,
        "optional": True,
        "label": plain(label, 200),
        "element": {"type": "checkboxes", "action_id": block, "options": [drawn]},
    }


def line_input(block: str, label: str, *, optional: bool = False) -> Block:
    """A field for one line."""
    element = {"type": "plain_text_input", "action_id": block, "max_length": 500}
    return {"type": "input", "block_id": block, "label": plain(label, 200), "element": element, "optional": optional}


def choice(block: str, label: str, options: Sequence[tuple[str, str]], first: str | None = None) -> Block:
    """One of several ``options`` (value and label); ``first`` is chosen to begin with."""
    drawn = {value: {"text": plain(text, BUTTON), "value": value} for value, text in options}
    chosen = {"initial_option": drawn[first]} if first else {}
    element = {"type": "static_select", "action_id": block, "options": list(drawn.values()), **chosen}
    return {"type": "input", "block_id": block, "label": plain(label, 200), "element": element}


def size(blocks: Sequence[Block]) -> int:
    """The characters of all texts in ``blocks``, as the budget counts them."""
    return sum(len(text) for block in blocks for text in texts(block))


def texts(element: Any) -> Iterator[str]:
    """Every text in a block, in reading order."""
    if isinstance(element, Mapping):
        for key, value in element.items():
            if key in {"text", "fallback"} and isinstance(value, str):
                yield value
            elif key not in {"value", "action_id", "block_id", "type", "style"}:
                yield from texts(value)
    elif isinstance(element, list | tuple):
        for one in element:
            yield from texts(one)


def flattened(blocks: Sequence[Block]) -> str:
    """The words of ``blocks`` without any layout, escaped: what is sent where Slack refuses the layout."""
    words = " ".join("".join(texts(block)) for block in blocks)
    return escape(in_words(words))


def _rich(elements: list[dict[str, Any]]) -> Block:
    return {"type": "rich_text", "elements": elements}


def _section(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": elements}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})}
