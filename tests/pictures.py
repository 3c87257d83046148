"""Takes the pictures of docs/images from the demo in headless Chromium: ``make pictures``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from bot.demo.replay import CASE
from bot.demo.stage import Stage

IMAGES = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""The moment the story is told at, so that the pictures differ only where the card does."""

DESKTOP: ViewportSize = {"width": 800, "height": 1400}
"""As narrow as the page stays a desktop's, so that the picture is all card."""
PHONE: ViewportSize = {"width": 390, "height": 1600}
MOST_BYTES = 300_000
CARD = "article.message:has(.header)"


@dataclass(frozen=True, slots=True)
class Picture:
    """One file: what is shown how."""

    name: str
    scheme: Literal["light", "dark"] = "light"
    size: ViewportSize | None = None
    what: str = CARD


def main() -> None:
    """Write every picture; ends with a sentence if one is heavier than a page should carry."""
    if not subprocess.run(["fc-list", ":lang=und-zsye"], capture_output=True, check=True).stdout:
        sys.exit("No emoji font is installed: apt-get install fonts-noto-color-emoji")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with Stage(seed=7, at=AT, port=0, keep=None) as stage, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stage.wait(lambda: stage.slack.connections)
        stage.send_alert()
        stage.wait(lambda: stage.settled(CASE))
        for picture in (Picture("card-light"), Picture("card-dark", "dark"), Picture("card-phone", size=PHONE)):
            _take(chromium, stage, picture)
        _take(chromium, stage, Picture("preview-light", what="dialog"), _preview)
        chromium.close()


def _take(chromium: Browser, stage: Stage, picture: Picture, before: Callable[[Page], Any] = lambda page: None) -> None:
    file = IMAGES / f"{picture.name}.png"
    size = picture.size or DESKTOP
    with chromium.new_context(viewport=size, color_scheme=picture.scheme, device_scale_factor=1.25) as context:
        page = context.new_page()
        page.goto(stage.slack.url)
        expect(page.locator(CARD)).to_be_visible()
        before(page)
        page.locator(picture.what).first.screenshot(path=file, animations="disabled", caret="hide")
    weight = file.stat().st_size
    print(f"{file.relative_to(IMAGES.parent.parent)}: {weight // 1000} kB")  # noqa: T201
    if weight > MOST_BYTES:
        sys.exit(f"{file} is heavier than {MOST_BYTES // 1000} kB.")


def _preview(page: Page) -> None:
    page.get_by_role("button", name="Disable access key").click()
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_visible()


if __name__ == "__main__":
    main()
