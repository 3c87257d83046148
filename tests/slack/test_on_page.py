"""Declared with a private channel, asked of the owner, handed over: on the page, as each of them sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.demo.slack import KEY_OWNER, SECOND_ANALYST
from tests.chromium import chromium
from tests.slack.office import Office, office

ON = f"""
[owners]
ask = true
[owners.people]
"alice" = "{KEY_OWNER}"
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path, ON) as opened:
        opened.alert()
        opened.card()
        yield opened


@pytest.fixture
def page(browser: Browser, room: Office) -> Iterator[Page]:
    complaints: list[str] = []
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(room.slack.url)
        yield opened
    assert complaints == []


def more(page: Page, label: str) -> None:
    """Pick what stands under More, with the keyboard's own means: a select and a button."""
    page.locator("select.overflow").first.select_option(label="More…")
    everything = page.get_by_role("dialog", name="Case #1")
    everything.get_by_role("button", name=label).press("Enter")


def test_an_incident_has_a_private_channel_that_its_people_see_and_others_do_not(page: Page, room: Office) -> None:
    page.locator("select.overflow").first.select_option(label="Declare incident…")
    dialog = page.get_by_role("dialog", name="Declare incident")
    dialog.get_by_label("Reason").fill("The thief sends mail.")
    dialog.get_by_label("Open one for this incident").check()
    dialog.get_by_label("Whom to invite, beside you").select_option([SECOND_ANALYST, KEY_OWNER])
    dialog.get_by_role("button", name="Declare incident").click()
    working = page.get_by_role("dialog", name="Working")
    working.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    places = page.get_by_role("navigation", name="Conversations")
    expect(places.get_by_role("button", name="private channel incident-1")).to_be_visible(timeout=20_000)
    places.get_by_role("button", name="private channel incident-1").press("Enter")
    expect(page.get_by_role("heading", name="Case #1: 🚨 Declared incident")).to_be_visible()
    page.get_by_label("You are").select_option(KEY_OWNER)
    expect(page.get_by_text("no conversation yet")).to_be_visible()


def test_the_owner_answers_in_their_own_messages(page: Page, room: Office) -> None:
    more(page, "Ask the owner…")
    dialog = page.get_by_role("dialog", name="Ask the owner")
    dialog.get_by_label("Reason").fill("Kali on a holiday")
    dialog.get_by_role("button", name="Ask the owner").click()
    room.until(lambda: room.slack.conversations(KEY_OWNER))
    page.goto(f"{room.slack.url}?user={KEY_OWNER}")
    page.get_by_role("button", name="Not sure").press("Enter")
    expect(page.get_by_text("Thank you. You said: not sure.")).to_be_visible(timeout=20_000)


def test_windows_and_conversations_fit_a_phone_in_either_theme(page: Page, room: Office) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for theme in ("light", "dark"):
        page.goto(f"{room.slack.url}?theme={theme}")
        page.locator("select.overflow").first.select_option(label="Hand over…")
        dialog = page.get_by_role("dialog", name="Hand over")
        expect(dialog.get_by_label("To whom")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def test_a_moment_stands_by_the_clock_of_whoever_reads_with_utc_beside(browser: Browser, room: Office) -> None:
    for zone, shown in (("Asia/Tokyo", "Nov 21, 2026 12:00 AM"), ("America/New_York", "Nov 20, 2026 10:00 AM")):
        with browser.new_context(timezone_id=zone) as context:
            page = context.new_page()
            page.goto(room.slack.url)
            small = page.locator(".context").filter(has_text="last changed").first
            expect(small).to_contain_text(f"{shown} (15:00 UTC)")
            expect(small).not_to_contain_text("<!date")
