"""A message or window as text a reviewer can read: what stands where, which buttons, what is chosen.

``<2026-11-23 10:00 UTC>`` is a date, which Slack shows by the reader's own clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def readable(payload: Json) -> str:
    """The notification line of a message, or the title of a window, then every block."""
    head = f"[{payload['title']['text']}]" if payload.get("title") else f"[notification] {payload.get('text', '')}"
    lines = [head, *(line for block in payload["blocks"] for line in ("", *_block(block)))]
    if payload.get("submit"):
        lines += ["", f"[{payload['submit']['text']}] [{payload['close']['text']}]"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _block(block: Json) -> Iterator[str]:
    kind = block["type"]
    if kind == "header":
        yield f"# {block['text']['text']}"
    elif kind == "rich_text":
        for element in block["elements"]:
            yield from _rich(element)
    elif kind == "context":
        yield "  " + " ".join(_small(element).strip() for element in block["elements"])
    elif kind == "actions":
        yield "  ".join(_element(element) for element in block["elements"])
    elif kind == "input":
        optional = " (optional)" if block.get("optional") else ""
        yield f"{block['label']['text']}{optional}: {_element(block['element'])}"
    else:
        yield f"({kind})"


def _rich(element: Json) -> Iterator[str]:
    if element["type"] == "rich_text_list":
        yield from (f"• {_words(item)}" for item in element["elements"])
    else:
        prefix = "    " if element["type"] == "rich_text_preformatted" else ""
        yield from (f"{prefix}{line}" for line in _words(element).split("\n"))


def _words(section: Json) -> str:
    return "".join(_piece(piece) for piece in section["elements"])


def _piece(piece: Json) -> str:
    named = {"user": "user_id", "usergroup": "usergroup_id", "channel": "channel_id"}
    if piece["type"] in named:
        return f"<{piece[named[piece['type']]]}>"
    if piece["type"] == "date":
        return f"<{piece['fallback']}>"
    text = str(piece["text"])
    return f"\n{text.strip()} "[not text.startswith("\n") :] if piece.get("style", {}).get("bold") else text


def _small(element: Json) -> str:
    """A piece of small print; of a date, what the reader's clock is beside."""
    text = str(element["text"])
    return f"<{text[:-1].rpartition('|')[2]}>" if element["type"] == "mrkdwn" else text


def _element(element: Json) -> str:
    kind = element["type"]
    if kind == "button":
        style = {"danger": "!", "primary": "*"}.get(element.get("style", ""), "")
        return f"[{style}{element['text']['text']}]"
    options = [option["text"]["text"] for option in element.get("options", [])]
    if kind == "overflow":
        return f"[⋯ {' | '.join(options)}]"
    if kind in {"static_select", "checkboxes"}:
        return f"<{' | '.join(options)}>"
    return "<person>" if kind.endswith("users_select") else "____"
