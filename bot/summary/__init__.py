"""A case in a few plain sentences: what the Slack card and the terminal both say, whatever draws them.

Nothing here is cleaned or escaped: strings may hold what attackers wrote, and the renderers make them safe.
"""

from bot.summary.cases import headline, pending, rows, short_rows, verdict_sentence
from bot.summary.changes import (
    BY_HAND,
    change_line,
    change_lines,
    drill_line,
    offered,
    others,
    own_request,
    owned,
    snooze_line,
    task_line,
    uncontained,
    undoable,
    undrilled_line,
    waiting_line,
    would_have_hidden,
)
from bot.summary.decisions import Decision, decisions
from bot.summary.digests import digest_rows, digest_title, quiet_lines, span, waiting_lines
from bot.summary.findings import COULD_NOT, could_be, did, findings, gaps, newest_record, searched, title, who
from bot.summary.wording import Row, enricher_name, moment, more, unanswered

__all__ = [
    "BY_HAND",
    "COULD_NOT",
    "Decision",
    "Row",
    "change_line",
    "change_lines",
    "could_be",
    "decisions",
    "did",
    "digest_rows",
    "digest_title",
    "drill_line",
    "enricher_name",
    "findings",
    "gaps",
    "headline",
    "moment",
    "more",
    "newest_record",
    "offered",
    "others",
    "own_request",
    "owned",
    "pending",
    "quiet_lines",
    "rows",
    "searched",
    "short_rows",
    "snooze_line",
    "span",
    "task_line",
    "title",
    "unanswered",
    "uncontained",
    "undoable",
    "undrilled_line",
    "verdict_sentence",
    "waiting_line",
    "waiting_lines",
    "who",
    "would_have_hidden",
]
