"""What a person at a terminal types and reads: options, sentences, documents, exit codes."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from bot.model import Refusal
from bot.plain import clean

REFUSED, USAGE, INCOMPLETE = 1, 2, 3
FIRST_YEAR, LAST_YEAR = 2006, 9000
"""Far from the ends of what a ``datetime`` can hold, so that windows can be reckoned from any time between."""

Result = TypeVar("Result")

app = typer.Typer(
    name="triage",
    help="Says what a stolen AWS access key has done, and stops it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="default: $TRIAGE_CONFIG, ./config.toml")]
HistoryFile = Annotated[
    Path | None, typer.Option("--history", metavar="FILE", help="default: $TRIAGE_HISTORY, \\[history] path")
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="ISO 8601, or `latest`; default: now")]
Days = Annotated[
    float | None, typer.Option("--days", min=0.1, max=3650, help="how far back to look; default: \\[triage] days, 14")
]
Why = Annotated[bool, typer.Option("--why", help="show how the score came about, term by term")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="goes on record")]


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def say(sentence: str) -> None:
    """A sentence for a person, on stderr; what was typed or read may stand in it, and must not drive the terminal."""
    for line in sentence.splitlines():
        typer.echo(clean(line), err=True)


def fail(sentence: str, code: int = REFUSED) -> NoReturn:
    say(sentence)
    raise typer.Exit(code)


def time_of(at: str | None) -> datetime | None:
    """``at`` as UTC with whole seconds; a time without a zone is UTC."""
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        fail(f"{at!r} is not a time; write it as 2026-11-23T10:00:00Z.", USAGE)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        fail(f"{at!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}.", USAGE)
    return moment.replace(microsecond=0)


def granted(result: Result | Refusal) -> Result:
    if isinstance(result, Refusal):
        refuse(result)
    return result


def refuse(refusal: Refusal) -> NoReturn:
    """Say why nothing was done, and what a person can run instead; exit 1."""
    fail("\n".join([refusal.sentence, *(f"  {command}" for command in refusal.commands)]))


def read_payload(file: Path) -> bytes:
    from bot.intake.payload import MAX_BYTES

    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", USAGE)
