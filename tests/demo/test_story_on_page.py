"""The story as a person lives it: the demo's page in a real browser, the real bot, and an AWS that enforces."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.demo import replay
from bot.demo.stage import Stage
from tests.chromium import chromium

LONG = 20_000
"""Milliseconds: the card is paced by Slack's own limits, and the machine may be busy."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(seed=7, at=None, port=0, keep=None) as set_up:
        replay.begin(set_up)
        yield set_up


@pytest.fixture
def page(stage: Stage) -> Iterator[Page]:
    with chromium() as browser, browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.set_default_timeout(LONG)
        opened.goto(stage.slack.url)
        yield opened


def card_of(page: Page, key: str) -> Locator:
    return page.locator("[data-ts]", has=page.locator("[data-action-id]"), has_text=key).first


def press(page: Page, card: Locator, action: str) -> None:
    card.locator(f'[data-action-id="{action}"]').click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("stolen, confirmed with its owner")
    dialog.locator('button[type="submit"]').click()


def test_the_thread_shows_the_seven_keys_as_pictures(stage: Stage, page: Page) -> None:
    lead = stage.story.lead
    card_of(page, lead.id).get_by_role("button", name="View thread").click()
    timeline = page.get_by_role("img", name=re.compile(f"Timeline, .* a row a key\\. {lead.id} of "))
    expect(timeline.first).to_be_visible(timeout=LONG)
    graph = page.get_by_role("img", name=re.compile("Graph of 7 keys, from "))
    expect(graph.first).to_be_visible(timeout=LONG)
    made = page.get_by_text(f"e-mail sending {stage.story.account}/eu-central-1 (exists: sending is on)")
    expect(made.first).to_be_visible(timeout=LONG)


def test_an_analyst_asks_disables_and_takes_it_back(stage: Stage, page: Page) -> None:
    lead = stage.story.lead
    expect(card_of(page, lead.id)).to_contain_text(re.compile(r"Incident · \d+/100"), timeout=LONG)

    box = page.get_by_role("textbox", name="Message #soc")
    box.fill(f"/triage key {lead.id}")
    box.press("Enter")
    expect(page.locator(".ephemeral")).to_contain_text("Case #1", timeout=LONG)

    card = card_of(page, lead.id)
    assert stage.thief_calls().allowed
    press(page, card, "plan:disable_access_key")
    expect(card).to_contain_text(re.compile("confirmed; approved by"), timeout=LONG)
    refused = stage.thief_calls()
    assert (refused.allowed, refused.error_code) == (False, "InvalidClientTokenId")
    assert stage.aws.attempt(stage.story.other_key).allowed, "the owner's other key is not touched"

    page.get_by_role("dialog").get_by_role("button", name="Close").first.click()
    press(page, card, "undo")
    expect(card).to_contain_text("taken back since", timeout=LONG)
    assert stage.thief_calls().allowed
    posted = [message for message in stage.slack.messages() if message.get("thread_ts", message["ts"]) == message["ts"]]
    assert len(posted) == 1, "one case, one card"
