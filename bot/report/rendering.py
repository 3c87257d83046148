"""A report as Markdown, and as one HTML file without scripts and outside references."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence

from bot.charts.paper import WIDTH
from bot.charts.pictures import Picture
from bot.plain import clean
from bot.report.content import Report, Section, Table

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
_LINKING = re.compile(r"://|(?<=www)\.|(?<!\w)@", re.IGNORECASE)
"""What wikis and ticket systems make links and mentions of by themselves; defanged as analysts do it."""
_LINE_START = re.compile(r"^(\s*)([-=]|\d+[.])")
_STYLE = """\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
h2 { margin-top: 2rem; break-after: avoid; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figcaption { margin-bottom: .4rem; font-weight: 600; }
figure img { max-width: 100%; height: auto; border-radius: 8px; }
tr { break-inside: avoid; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } }
"""


_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def as_markdown(report: Report) -> str:
    """The report for a ticket or a wiki; what strangers wrote is shown and does nothing."""
    lines = [f"# {_md(report.title)}", "", _md(report.sentence), ""]
    for section in report.sections:
        lines += [f"## {_md(section.title)}", "", *_md_body(section)]
    return "\n".join(lines).rstrip() + "\n"


def _md_body(section: Section) -> Iterator[str]:
    for line in section.lines:
        yield f"- {_md(line)}"
    if section.lines:
        yield ""
    if section.table is not None and section.table.rows:
        yield from _md_rows(section.table)
        yield ""


def _md_rows(table: Table) -> Iterator[str]:
    yield _md_row(table.head)
    yield _md_row(("---",) * len(table.head), escaped=True)
    for row in table.rows:
        yield _md_row(row)


def _md_row(cells: tuple[str, ...], *, escaped: bool = False) -> str:
    return "| " + " | ".join(cell if escaped else _md(cell) for cell in cells) + " |"


def _md(text: str) -> str:
    """On one line, with every sign that Markdown or HTML would read taken at its word."""
    defanged = _LINKING.sub(lambda found: f"[{found[0][0]}]{found[0][1:]}", clean(text))
    return _LINE_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", defanged))


def as_html(report: Report, pictures: Sequence[Picture] = ()) -> str:
    """One file that opens anywhere, prints well and asks nobody for anything; ``pictures`` are in it."""
    drawn = [_html_picture(each) for each in pictures]
    body = "\n".join([*drawn, *(_html_section(section) for section in report.sections)])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{_esc(report.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_esc(report.title)}</h1>\n<p>{_esc(report.sentence)}</p>\n{body}\n</body>\n</html>\n"
    )


def _html_picture(picture: Picture) -> str:
    """Light or dark as the reader's screen, light on paper."""
    light, dark = (f"data:image/png;base64,{b64encode(png).decode()}" for png in (picture.png, picture.dark))
    source = f'<source media="screen and (prefers-color-scheme: dark)" srcset="{dark}">'
    image = f'<img src="{light}" alt="{_esc(picture.alt)}" width="{WIDTH // 2}">'
    return f"<figure><figcaption>{_esc(picture.title)}</figcaption><picture>{source}{image}</picture></figure>"


def _html_section(section: Section) -> str:
    items = "".join(f"<li>{_esc(line)}</li>" for line in section.lines)
    told = f"<ul>{items}</ul>" if items else ""
    return f"<h2>{_esc(section.title)}</h2>\n{told}{_html_table(section.table)}"


def _html_table(table: Table | None) -> str:
    if table is None or not table.rows:
        return ""
    head = "".join(f'<th scope="col">{_esc(cell)}</th>' for cell in table.head) if any(table.head) else ""
    rows = "".join(f"<tr>{''.join(f'<td>{_esc(cell)}</td>' for cell in row)}</tr>\n" for row in table.rows)
    return f"<table>\n{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>\n{rows}</tbody></table>"


def _esc(text: str) -> str:
    return html.escape(clean(text))
