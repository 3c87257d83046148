"""A case as a report for people who were not there: Markdown, one HTML file that prints well, and its events as CSV."""

from bot.report.content import Report, Section, Table, report
from bot.report.events import events_csv
from bot.report.rendering import as_html, as_markdown

__all__ = ["Report", "Section", "Table", "as_html", "as_markdown", "events_csv", "report"]
