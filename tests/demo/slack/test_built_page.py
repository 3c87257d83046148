"""The committed page: complete, self-contained, and with the licences of what is in it."""

from __future__ import annotations

import json
from pathlib import Path

PAGE = Path(__file__).parents[3] / "bot" / "demo" / "page"


def test_every_bundled_package_is_in_the_notice() -> None:
    locked = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    notice = (PAGE / "static" / "NOTICE.txt").read_text()
    for name in ("react", "react-dom", "slack-blocks-to-jsx"):
        assert f"{name}@{locked[f'node_modules/{name}']['version']} (" in notice


def test_the_lock_names_no_registry() -> None:
    locked = json.loads((PAGE / "package-lock.json").read_text())["packages"]
    assert [name for name, package in locked.items() if "resolved" in package] == []


def test_the_page_asks_for_nothing_but_its_own_files() -> None:
    html = (PAGE / "static" / "index.html").read_text()
    assert html.count("src=") == 1
    assert 'src="/static/page.js"' in html
    assert 'href="/static/page.css"' in html
    assert "@import" not in (PAGE / "static" / "page.css").read_text()
