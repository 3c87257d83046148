"""Reports: what they say, that they are safe to open, and that every hostile string does nothing in them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts import Picture
from bot.model import Actor, Case, Closing, Conclusion, Triage
from bot.report import Report, Section, Table, as_html, as_markdown, events_csv, report
from bot.report.events import COLUMNS
from tests.history import made
from tests.slack.cases import CASES

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> [x](https://evil.example) ![i](http://evil.example/p.png) | *b* `c`\n# h\u202e"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(text)
    return parser.seen


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_kind_of_case_can_be_reported(name: str) -> None:
    told = report(CASES[name], NOW)
    for written in (as_markdown(told), as_html(told)):
        assert f"Case #{CASES[name].id}" in written.replace("\\", "")
        assert "Timeline" in written


def test_a_scoped_case_says_whose_keys_why_and_what_was_done() -> None:
    written = as_markdown(report(CASES["scoped"], NOW)).replace("\\", "")
    scope = CASES["scoped"].triage
    assert scope is not None
    assert scope.scope is not None
    for each in scope.scope.confirmed:
        assert each.key in written
        assert all(evidence.sentence in written for evidence in each.evidence)
    assert "## What is not known" in written


def test_a_scoped_case_says_what_its_keys_made_and_what_is_left_of_it() -> None:
    written = as_markdown(report(CASES["scoped"], NOW)).replace("\\", "")
    assert "## Made, changed or given out by these keys, as of 2026-11-23 10:00 UTC" in written
    assert "| user 111122223333:user/helper |" in written
    assert "exists: made at" in written
    assert "triage plan disable_created 111122223333:user/helper" in written
    assert "could not ask: AccessDenied on GetFunctionUrlConfig" in written


def test_a_sweep_is_read_again_as_it_was_kept() -> None:
    triage = CASES["scoped"].triage
    assert msgspec.json.decode(msgspec.json.encode(triage), type=Triage) == triage


def test_the_page_holds_its_pictures_for_light_and_dark_and_asks_nobody_for_them() -> None:
    picture = Picture("timeline", "When <b>", 'of "x" <img>', b"light", b"dark")
    written = as_html(report(CASES["scoped"], NOW), [picture])
    seen = tags(written)
    (image,) = [attributes for tag, attributes in seen if tag == "img"]
    (source,) = [attributes for tag, attributes in seen if tag == "source"]
    assert (image["src"], image["alt"]) == ("data:image/png;base64,bGlnaHQ=", 'of "x" <img>')
    assert source["srcset"] == "data:image/png;base64,ZGFyaw=="
    assert "prefers-color-scheme: dark" in str(source["media"])
    assert "img-src data:" in written


def test_a_closed_case_says_by_whom_and_why() -> None:
    closing = Closing(1, Conclusion.TRUE, "it was stolen", Actor("slack:T:U", "Ana"), NOW)
    case = replace(CASES["scoped"], open=False, closings=(closing,))
    for written in (as_markdown(report(case, NOW)), as_html(report(case, NOW))):
        assert "closed as true by Ana" in written
        assert "Closed as true by Ana: it was stolen" in written


def hostile(text: str) -> Report:
    return Report(text, text, (Section(text, (text,), Table((text, "b"), ((text, text),))),))


def test_what_an_attacker_wrote_does_nothing_in_html() -> None:
    written = as_html(hostile(HOSTILE))
    seen = tags(written)
    assert {tag for tag, _ in seen} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p"),
        *("ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    }
    assert not [attributes for _, attributes in seen if {"src", "href"} & attributes.keys()]
    assert "\u202e" not in written


@given(st.text(max_size=80))
def test_no_text_makes_markup_of_its_own(text: str) -> None:
    usual = [tag for tag, _ in tags(as_html(hostile("x")))]
    assert [tag for tag, _ in tags(as_html(hostile(text)))] == usual
    written = as_markdown(hostile(text))
    headings = [line for line in written.splitlines() if line.startswith("#")]
    assert len(headings) == 2
    table = [line for line in written.splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert {line.replace("\\\\", "").replace("\\|", "").count("|") for line in table} == {3}


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/a", "[x](javascript:alert(1))", "<https://evil.example>", "www.evil.example", "@here"],
)
def test_nothing_becomes_a_link_in_markdown(link: str) -> None:
    written = as_markdown(hostile(link))
    assert "://" not in written
    assert "](" not in written
    assert "www." not in written
    assert " @here" not in written


def test_events_are_listed_oldest_first_and_no_cell_calculates(tmp_path: Path) -> None:
    agents = (" @SUM(1)", "=HYPERLINK(1)", "ordinary")
    records = [
        made.record(number, eventTime=f"2026-11-20T14:0{number}:00Z", userAgent=agent)
        for number, agent in enumerate(agents)
    ]
    history = made.loaded(tmp_path, *reversed(records))
    written = events_csv(history.events(made.key(), made.ALWAYS))
    head, *rows = list(csv.reader(io.StringIO(written)))
    assert tuple(head) == COLUMNS
    assert [row[0] for row in rows] == ["2026-11-20T14:00:00Z", "2026-11-20T14:01:00Z", "2026-11-20T14:02:00Z"]
    assert [row[7] for row in rows] == ["'@SUM(1)", "'=HYPERLINK(1)", "ordinary"]


def test_a_case_without_alert_or_triage_has_a_report() -> None:
    bare: Case = replace(CASES["sample"], alerts=(), triage=None, changes=(), closings=())
    assert "none: a person asked" in as_markdown(report(bare, NOW)).replace("\\", "")
