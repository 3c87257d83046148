"""Contain all, on the command line: everything that stops a thief, in one preview and one approval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.cli.reach import me
from bot.cli.terminal import REFUSED, USAGE, fail, granted, print_json
from bot.model import ChangeState, Containment

if TYPE_CHECKING:
    from bot.app import Desk

CONTAIN = "contain"
"""The one word beside the remediations' names that `triage plan` takes."""


def plan_containment(
    desk: Desk, keys: Sequence[str], addresses: Sequence[str], scope: Path | None, case: int | None, *, as_json: bool
) -> None:
    """Print the preview of everything; nothing is changed."""
    found_keys, found_addresses = _confirmed(scope) if scope else ((), ())
    try:
        made = desk.operations.plan_containment(
            [*keys, *found_keys], me(), addresses=[*addresses, *found_addresses], case=case
        )
    except LookupError:
        fail(f"There is no case {case}.")
    _show(granted(made), as_json=as_json)
    planned = any(row.plan for row in granted(made).rows)
    settled = all(row.refusal and row.refusal.settled for row in granted(made).rows)
    if not planned and not settled:
        raise typer.Exit(REFUSED)


def approve_containment(desk: Desk, id_: str, reason: str, *, break_glass: bool, as_json: bool) -> None:
    """Approve every row and carry out what is approved; typed again, it goes on where it stopped."""
    operations = desk.operations
    granted(operations.approve_containment(id_, me(), reason, again=True, break_glass=break_glass))
    ended = granted(operations.carry_out_containment(id_))
    _show(ended, as_json=as_json)
    if not all(_is_done(ended, position) for position in range(len(ended.rows))):
        raise typer.Exit(REFUSED)


def undo_containment(desk: Desk, id_: str, reason: str, *, as_json: bool) -> None:
    """Take back everything of a containment that was made."""
    from bot import text

    made = granted(desk.operations.plan_containment_undo(id_, me()))
    typer.echo(text.containment_text(made), err=True)
    approve_containment(desk, made.id, reason, break_glass=False, as_json=as_json)


def is_containment(id_: str) -> bool:
    from bot.remediation.containments import PREFIX

    return id_.startswith(PREFIX)


def _show(containment: Containment, *, as_json: bool) -> None:
    from bot import document, text

    if as_json:
        print_json(document.containment_document(containment))
    else:
        typer.echo(text.containment_text(containment))


def _is_done(containment: Containment, position: int) -> bool:
    row = containment.rows[position]
    if row.change is not None:
        return row.change.state in {ChangeState.CONFIRMED, ChangeState.REHEARSED}
    return bool(row.refusal and row.refusal.settled)


def _confirmed(file: Path) -> tuple[list[str], list[str]]:
    """The confirmed keys and the attacker's addresses in what ``triage scope --json`` printed."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        keys = [str(each["key"]) for each in document["confirmed"]]
        addresses = [str(each) for each in document["attacker"]["ips"]]
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", USAGE)
    except (ValueError, KeyError, TypeError):
        fail(f"{file} is not what `triage scope --json` prints.", USAGE)
    return keys, addresses
