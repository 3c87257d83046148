"""The page in a real browser, in front of a real Bolt app: what a person reads, types, confirms and is spared."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from slack_sdk import WebClient

from bot.demo.slack import ANALYST, SECOND_ANALYST, SOC, LocalSlack
from tests.chromium import chromium
from tests.demo.slack.app import HOSTILE, bolt_app, socket_mode


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    with (
        LocalSlack(shortcuts={"triage_message": "Triage this message"}) as local,
        socket_mode(local, bolt_app(local).app),
    ):
        yield local


@pytest.fixture
def page(browser: Browser, slack: LocalSlack) -> Iterator[Page]:
    """The page as the analyst has it open; whatever the browser refuses or complains of fails the test."""
    complaints: list[str] = []
    foreign: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((slack.url, "data:")):
            foreign.append(request.url)

    def told(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        opened.on("console", told)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "request", lambda asked: None if asked.url.startswith((slack.url, "data:")) else foreign.append(asked.url)
        )
        opened.goto(slack.url)
        yield opened
    assert complaints == []
    assert foreign == []


def say(page: Page, text: str) -> None:
    box = page.get_by_role("textbox", name="Message #soc")
    box.fill(text)
    box.press("Enter")


def test_typing_help_shows_the_answer_to_its_author_alone(page: Page, slack: LocalSlack) -> None:
    say(page, "/triage help")
    expect(page.locator(".ephemeral")).to_contain_text("/triage key AKIA…")
    expect(page.locator(".ephemeral .only-you")).to_have_text("Only visible to you")
    page.get_by_label("You are").select_option(SECOND_ANALYST)
    expect(page.locator(".ephemeral")).to_have_count(0)


def test_a_button_with_a_confirmation_asks_first_and_then_updates_the_card(page: Page, slack: LocalSlack) -> None:
    say(page, "/triage card")
    page.get_by_role("button", name="Disable the key").click()
    dialog = page.get_by_role("dialog", name="Disable the key?")
    expect(dialog).to_contain_text("alice loses access until it is undone.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert [call.method for call in slack.calls("chat.update")] == []
    page.get_by_role("button", name="Disable the key").click()
    dialog.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_role("heading", name="Key disabled")).to_be_visible()
    expect(page.get_by_text("(edited)")).to_be_visible()


def test_what_an_attacker_wrote_shows_as_itself_and_links_nowhere(page: Page, slack: LocalSlack) -> None:
    say(page, "/triage card")
    expect(page.get_by_text(HOSTILE, exact=True)).to_have_count(3)
    expect(page.locator(".message a")).to_have_count(0)
    expect(page.locator(".message strong, .message b", has_text="x")).to_have_count(0)


def test_what_a_person_types_is_text_and_not_markup(page: Page, slack: LocalSlack) -> None:
    say(page, "see <https://evil.example|here> & <!channel>")
    expect(page.locator(".message .content")).to_contain_text("see <https://evil.example|here> & <!channel>")
    assert slack.messages(SOC)[0]["text"] == "see &lt;https://evil.example|here&gt; &amp; &lt;!channel&gt;"


def test_a_modal_keeps_what_was_typed_until_it_is_accepted(page: Page, slack: LocalSlack) -> None:
    say(page, "/triage card")
    page.get_by_role("button", name="Ask more").click()
    dialog = page.get_by_role("dialog", name="Why?")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog.get_by_role("alert")).to_have_text("Say why")
    dialog.get_by_label("Reason").fill("seen from Kali")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Ask more").click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert slack.open_views(ANALYST) == []


def test_a_thread_opens_beside_the_channel_and_refuses_slash_commands(page: Page, slack: LocalSlack) -> None:
    say(page, "@Triage look at this")
    page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_text("you called")).to_be_visible()
    thread.get_by_role("textbox").fill("/triage help")
    thread.get_by_role("textbox").press("Enter")
    expect(thread.get_by_role("alert")).to_have_text(
        "/triage cannot be used in a thread; mention @Triage there instead"
    )


def test_a_message_shortcut_answers_its_author(page: Page, slack: LocalSlack) -> None:
    slack.say(SECOND_ANALYST, SOC, "odd: 203.0.113.7")
    page.get_by_text("odd: 203.0.113.7").hover()
    page.get_by_role("button", name="Triage this message").click()
    expect(page.locator(".ephemeral")).to_contain_text("looking")


def test_a_silent_app_is_told_of(browser: Browser) -> None:
    with LocalSlack(ack_seconds=0.05) as slack, browser.new_context() as context:
        page = context.new_page()
        page.goto(slack.url)
        say(page, "/triage help")
        expect(page.locator(".notice")).to_contain_text("/triage failed with the error “dispatch_failed”")


def test_the_story_is_told_and_its_buttons_act(page: Page, slack: LocalSlack) -> None:
    slack.narrate("The alert arrives: Kali Linux on alice's key.")
    slack.offer("Thief tries again", lambda: "The thief calls iam:ListUsers: refused.")
    story = page.get_by_role("complementary", name="The story so far")
    expect(story.get_by_role("listitem")).to_have_count(1)
    story.get_by_role("button", name="Thief tries again").click()
    expect(story.get_by_role("listitem").last).to_have_text("The thief calls iam:ListUsers: refused.")


def test_nothing_overflows_on_a_phone_in_either_theme(page: Page, slack: LocalSlack) -> None:
    slack.narrate("The alert arrives.")
    say(page, "/triage card")
    expect(page.get_by_role("button", name="Disable the key")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 740})
    for theme in ("light", "dark"):
        page.goto(f"{slack.url}?theme={theme}")
        expect(page.get_by_role("button", name="Disable the key")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("", {"Host": "evil.example"}),
        ("page/state", {}),
        ("page/state", {"X-Page-Token": "guessed"}),
        ("page/stream", {}),
        ("page/state", {"Origin": "https://evil.example"}),
        ("page/act", {"Origin": "null"}),
    ],
)
def test_another_site_learns_and_does_nothing(slack: LocalSlack, path: str, headers: dict[str, str]) -> None:
    method = "POST" if path == "page/act" else "GET"
    answer = httpx.request(method, slack.url + path, headers=headers, content="{}", trust_env=False)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert slack.messages(SOC) == []


def test_a_shared_picture_is_seen_with_its_words_and_only_by_this_page(slack: LocalSlack, page: Page) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (40, 20), "#0069a8").save(drawn, "PNG")
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    for name, content in (("timeline.png", drawn.getvalue()), ("events.csv", b"a,b")):
        title = f"Title of {name}"
        client.files_upload_v2(channel=SOC, filename=name, content=content, title=title, alt_txt="Seven keys")
    picture = page.get_by_role("img", name="Seven keys")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 40
    expect(page.get_by_text("Title of events.csv")).to_be_visible()
    assert page.get_by_role("img", name="Seven keys").count() == 1
    path = f"{slack.url.rstrip('/')}{picture.get_attribute('src')}"
    assert httpx.get(path).content == drawn.getvalue()
    assert httpx.get(path.partition("?")[0]).status_code == 403
    files = {file["name"]: file["id"] for message in slack.messages() for file in message["files"]}
    assert httpx.get(path.replace(files["timeline.png"], files["events.csv"])).status_code == 404
