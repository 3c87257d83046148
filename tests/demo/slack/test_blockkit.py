"""What the local Slack refuses in blocks and views, against the limits Slack documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack.blockkit import characters, message_problems, view_problems
from tests.demo.slack.app import MODAL, card

Block = dict[str, Any]


def text(characters: int, kind: str = "plain_text") -> Block:
    return {"type": kind, "text": "x" * characters}


def section(**fields: Any) -> Block:
    return {"type": "section", **fields}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(number: int = 0, **fields: Any) -> Block:
    return {"type": "button", "action_id": f"b{number}", "text": text(4), **fields}


def confirm(**fields: Any) -> Block:
    return button(confirm={"title": text(100), "text": text(300), "confirm": text(30), "deny": text(30)} | fields)


def rich(*elements: Any) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def line(*elements: Any) -> Block:
    return {"type": "rich_text_section", "elements": list(elements)}


DIVIDER = {"type": "divider"}

AT_THE_LIMIT: list[list[Block]] = [
    card("x" * 150),
    [DIVIDER] * 50,
    [section(text=text(3000, "mrkdwn"))],
    [section(fields=[text(2000)] * 10)],
    [{"type": "context", "elements": [text(1)] * 10}],
    [actions(*(button(number) for number in range(25)))],
    [actions(button(text=text(75), value="v" * 2000))],
    [actions(confirm())],
    [rich(line({"type": "text", "text": "x", "style": {"bold": True}}), {"type": "rich_text_quote", "elements": []})],
    [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 20] * 100}],
]

OVER_THE_LIMIT: list[tuple[Any, str]] = [
    ("not a list", "must be an array"),
    ([DIVIDER] * 51, "no more than 50 items"),
    ([{"type": "header", "text": text(151)}], "/blocks/0/text/text"),
    ([{"type": "header", "text": text(5, "mrkdwn")}], "must be one of: plain_text"),
    ([section(text=text(3001, "mrkdwn"))], "must be less than 3001 characters"),
    ([section(text=text(0))], "must be more than 0 characters"),
    ([section()], "missing required field"),
    ([section(fields=[text(1)] * 11)], "no more than 10 items"),
    ([section(fields=[text(2001)])], "must be less than 2001 characters"),
    ([section(text=text(1), colour="red")], "invalid additional property: colour"),
    ([{"type": "context", "elements": [text(1)] * 11}], "no more than 10 items"),
    ([{"type": "context", "elements": []}], "no fewer than 1"),
    ([actions(*(button(number) for number in range(26)))], "no more than 25 items"),
    ([actions(button(), button())], "`action_id` b0 already exists"),
    ([{**DIVIDER, "block_id": "a"}, {**DIVIDER, "block_id": "a"}], "`block_id` a already exists"),
    ([{**DIVIDER, "block_id": "a" * 256}], "must be less than 256 characters"),
    ([actions(button(text=text(76)))], "must be less than 76 characters"),
    ([actions(button(text=text(4, "mrkdwn")))], "must be one of: plain_text"),
    ([actions(button(value="v" * 2001))], "must be less than 2001 characters"),
    ([actions(button(style="green"))], "must be one of: primary, danger"),
    ([actions(button(url="javascript:alert(1)"))], "must be a valid URL"),
    ([actions(confirm(title=text(101)))], "must be less than 101 characters"),
    ([actions(confirm(text=text(301)))], "must be less than 301 characters"),
    ([actions(confirm(deny=text(31)))], "must be less than 31 characters"),
    ([{"type": "sparkline"}], "unsupported type: sparkline"),
    ([rich({"type": "text", "text": "x"})], "unsupported type: text"),
    ([rich(line({"type": "rich_text_section", "elements": []}))], "unsupported type: rich_text_section"),
    ([rich(line({"type": "text", "text": ""}))], "must be more than 0 characters"),
    ([rich(line({"type": "text", "text": "x", "style": {"loud": True}}))], "invalid additional property: loud"),
    ([rich({"type": "rich_text_list", "elements": [line()]})], "must be one of: bullet, ordered"),
    ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}], "no more than 20 items"),
    ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}] * 2, "only one table"),
]


@pytest.mark.parametrize("blocks", AT_THE_LIMIT)
def test_what_is_just_small_enough_passes(blocks: list[Block]) -> None:
    assert message_problems(blocks) == []


@pytest.mark.parametrize(("blocks", "sentence"), OVER_THE_LIMIT)
def test_one_too_many_is_refused_with_its_place(blocks: Any, sentence: str) -> None:
    problems = message_problems(blocks)
    assert any(sentence in problem for problem in problems), problems
    assert all("[json-pointer:/blocks" in problem for problem in problems)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": text(25)}, "/view/title/text"),
        ({"submit": text(25)}, "/view/submit/text"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"blocks": [DIVIDER] * 101}, "no more than 100 items"),
        ({"type": "popup"}, "must be one of: modal, home"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "unsupported type: markdown"),
    ],
)
def test_views_have_limits_of_their_own(change: Block, sentence: str) -> None:
    assert view_problems(MODAL) == []
    assert any(sentence in problem for problem in view_problems({**MODAL, **change}))


def test_a_modal_with_inputs_needs_a_submit_button() -> None:
    problems = view_problems({name: value for name, value in MODAL.items() if name != "submit"})
    assert problems == ["`submit` must be defined in modals with `input` blocks [json-pointer:/view/submit]"]


def test_characters_are_counted_over_all_blocks() -> None:
    assert characters([section(text=text(10)), rich(line({"type": "text", "text": "abc"})), DIVIDER]) == 13


NAMES = st.sampled_from(["type", "text", "elements", "fields", "accessory", "style", "confirm", "rows", "options"])
TYPES = st.sampled_from(["section", "actions", "rich_text", "rich_text_list", "button", "table", "plain_text", "image"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(ODD)
def test_no_json_makes_the_validator_raise(odd: Any) -> None:
    for problems in (
        message_problems(odd),
        message_problems([odd]),
        view_problems(odd),
        view_problems({"blocks": odd}),
    ):
        assert all(isinstance(problem, str) for problem in problems)
    assert characters(odd) >= 0
