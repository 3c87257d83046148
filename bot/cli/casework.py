"""Commands over the bot's cases: list, show, close, and what the analysts' verdicts say of the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.cli.reach import desk_of, history_desk_of, me, settings_of
from bot.cli.terminal import REFUSED, USAGE, Config, Json, Reason, app, fail, granted, print_json, say
from bot.model import Case, Conclusion, Refusal, Task

if TYPE_CHECKING:
    from bot.charts import Picture

Result = TypeVar("Result")
Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="the case's number")]

case = typer.Typer(name="case", help="The bot's cases, and what analysts say of them.", no_args_is_help=True)
app.add_typer(case)
task = typer.Typer(name="task", help="Steps that failed, and who does them.", no_args_is_help=True)
case.add_typer(task)
TaskNumber = Annotated[int, typer.Argument(metavar="TASK", min=1, help="the task's number")]


@case.command(name="list")
def show_cases(
    all_: Annotated[bool, typer.Option("--all", help="closed ones, too: the newest 100")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The open cases, the gravest first."""
    from bot.casebook import cases_document, cases_text

    with desk_of(config, outside=False) as desk:
        found = granted(desk.operations.newest_cases(me()) if all_ else desk.operations.open_cases(me()))
    if as_json:
        print_json(cases_document(found))
    else:
        typer.echo(cases_text(found))


@case.command(name="show")
def show_case(number: Number, config: Config = None, as_json: Json = False) -> None:
    """Everything about one case: its card, its alerts, what was done and said about it."""
    from bot import text
    from bot.casebook import case_document

    with desk_of(config, outside=False) as desk:
        known = of_case(number, lambda: desk.operations.case(number, me()))
    if as_json:
        print_json(case_document(known))
    else:
        typer.echo(text.case_text(known))


@case.command(name="close")
def close_case(
    number: Number,
    verdict: Annotated[Conclusion, typer.Option("--verdict", help="what it was")],
    reason: Reason,
    of: Annotated[int | None, typer.Option("--of", metavar="ID", help="of a duplicate: the case that is kept")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what a case was, and close it. A new alert of the next days opens it again."""
    from bot import text
    from bot.casebook import case_document

    if (verdict is Conclusion.DUPLICATE) != (of is not None):
        fail("--verdict duplicate goes with --of ID, the case that is kept; no other verdict does.", USAGE)
    with desk_of(config, outside=False) as desk:
        closed = of_case(number, lambda: desk.operations.close(number, verdict, me(), reason, duplicate_of=of))
    if as_json:
        print_json(case_document(closed))
    else:
        typer.echo(text.notification(closed))


@case.command(name="leak")
def note_leak(
    number: Number,
    where: Annotated[str, typer.Option("--where", metavar="PLACE", help="a URL, or a few words; never the secret")],
    reason: Reason,
    key: Annotated[str | None, typer.Option("--key", metavar="AKIA…", help="default: the key of the case")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say that you saw the key of a case in public: at least 75 points, on your word."""
    from bot import text
    from bot.casebook import case_document

    with desk_of(config, outside=False) as desk:
        known = of_case(number, lambda: desk.operations.leak(number, where, me(), reason, key=key))
    if as_json:
        print_json(case_document(known))
    else:
        typer.echo(f"{text.notification(known)}; `triage serve` asks its questions again.")


@case.command(name="report")
def write_report(
    number: Number,
    html: Annotated[bool, typer.Option("--html", help="one HTML file that prints well, not Markdown")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="the calls of the case's keys, safe in a spreadsheet")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="default: standard output")] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", metavar="FOLDER", help="put the pictures of its scope there, as PNG")
    ] = None,
    config: Config = None,
) -> None:
    """A case for people who were not there: timeline, keys, decisions, what is not known."""
    from bot.report import as_html, as_markdown, events_csv, report

    if html and csv:
        fail("Choose --html or --csv.", USAGE)
    with history_desk_of(config) if csv else desk_of(config, outside=False) as desk:
        if csv:
            written = events_csv(of_case(number, lambda: desk.operations.events_of(number, me())))
        else:
            times = of_case(number, lambda: desk.operations.times(number, me()))
            reported = of_case(number, lambda: desk.operations.case(number, me()))
            told, drawn = report(reported, desk.clock(), times), _drawn(reported) if html else ()
            written = as_html(told, drawn) if html else as_markdown(told)
        if pictures is not None:
            _keep_pictures(_drawn(of_case(number, lambda: desk.operations.case(number, me()))), pictures)
    if out is None:
        typer.echo(written, nl=False)
    else:
        out.write_text(written, encoding="utf-8", newline="")
        say(f"{out}: written.")


def _drawn(reported: Case) -> tuple[Picture, ...]:
    from bot.charts import pictures_of

    scope = reported.triage.scope if reported.triage is not None else None
    return pictures_of(scope) if scope is not None else ()


def _keep_pictures(drawn: Sequence[Picture], folder: Path) -> None:
    """Each for light and for dark surroundings."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in drawn:
        (folder / f"{picture.name}.png").write_bytes(picture.png)
        (folder / f"{picture.name}-dark.png").write_bytes(picture.dark)
    nothing = "There is nothing to draw: no scope shows how the thief used its keys."
    say(f"{folder}: {2 * len(drawn)} pictures." if drawn else nothing)


@case.command(name="playbook")
def draft_playbook(
    number: Number,
    save: Annotated[bool, typer.Option("--save", help="put it into the folder of \\[hunts] playbooks")] = False,
    reason: Annotated[str, typer.Option("--reason", help="with --save: why; it goes on record")] = "",
    config: Config = None,
) -> None:
    """What the thief of a case did, drafted as a playbook to hunt with."""
    settings = settings_of(config)
    with desk_of(config, outside=False) as desk:
        if save:
            folder = settings.hunts.playbooks
            path = of_case(number, lambda: desk.operations.save_playbook(number, me(), reason, folder))
            say(f"Saved: `triage hunt playbook {path.stem}` hunts with it.")
        else:
            drafted = of_case(number, lambda: desk.operations.incident_playbook(number, me()))
            typer.echo(drafted, nl=False)


@case.command(name="calibrate")
def calibrate_weights(config: Config = None, as_json: Json = False) -> None:
    """The bot's verdicts beside the analysts', and what each signal is worth."""
    from bot.casebook import calibration_document, calibration_text

    with desk_of(config, outside=False) as desk:
        found = granted(desk.operations.calibration(me(), desk.investigate.weights))
    if as_json:
        print_json(calibration_document(found))
    else:
        typer.echo(calibration_text(found))


@task.command(name="list")
def show_tasks(number: Number, config: Config = None, as_json: Json = False) -> None:
    """What is left for people to do about a case, and what was done."""
    from bot import text
    from bot.casebook import task_document

    with desk_of(config, outside=False) as desk:
        found = granted(desk.operations.tasks(number, me()))
    if as_json:
        print_json({"case": number, "tasks": [task_document(each) for each in found]})
    else:
        typer.echo("\n".join(text.task_text(each) for each in found) or "No tasks.")


@task.command(name="take")
def take_task(number: TaskNumber, config: Config = None, as_json: Json = False) -> None:
    """Say that you do it."""
    with desk_of(config, outside=False) as desk:
        _tasked(number, lambda: desk.operations.take_task(number, me()), as_json=as_json)


@task.command(name="done")
def finish_task(number: TaskNumber, reason: Reason, config: Config = None, as_json: Json = False) -> None:
    """Say that it is done, and what came of it."""
    with desk_of(config, outside=False) as desk:
        _tasked(number, lambda: desk.operations.finish_task(number, me(), reason), as_json=as_json)


@case.command(name="export")
def export_case(
    number: Number,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="default: case-ID.zip")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Everything a case rests on in one archive, without secrets, each file with its SHA-256."""
    import hashlib

    file = out or Path(f"case-{number}.zip")
    with history_desk_of(config) as desk:
        made = of_case(number, lambda: desk.archive.export(number, me()))
    try:
        file.write_bytes(made)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}.")
    digest = hashlib.sha256(made).hexdigest()
    if as_json:
        print_json({"case": number, "file": str(file), "bytes": len(made), "sha256": digest})
    else:
        typer.echo(f"{file}: {len(made)} bytes, SHA-256 {digest}")


@case.command(name="reproduce")
def reproduce_case(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="as `triage case export` made it")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Reckon verdict and scope again from a bundle alone, and say whether they are the same to the byte."""
    from bot.evidence.bundle import NotABundle
    from bot.evidence.reproducing import reproduce

    try:
        found = reproduce(bundle.read_bytes(), settings_of(config).enrichers.enabled)
    except OSError as error:
        fail(f"{bundle} cannot be read: {error.strerror}.", USAGE)
    except NotABundle as error:
        fail(str(error))
    if as_json:
        print_json(
            {
                "same": found.same,
                "verdict": found.verdict,
                "confirmed": found.confirmed,
                "made_by": found.version,
                "difference": found.difference,
            }
        )
    elif found.same:
        scope = "" if found.confirmed is None else f", {found.confirmed} keys in the same hands"
        typer.echo(f"The same: {found.verdict}{scope}.")
    else:
        say(f"Not the same: {found.difference} The bundle was made by version {found.version}.")
    if not found.same:
        raise typer.Exit(REFUSED)


def _tasked(number: int, ask: Callable[[], Task | Refusal], *, as_json: bool) -> None:
    from bot import text
    from bot.casebook import task_document

    try:
        made = granted(ask())
    except LookupError:
        fail(f"There is no task {number}: `triage case show ID` has those of a case.")
    if as_json:
        print_json(task_document(made))
    else:
        typer.echo(text.task_text(made))


def of_case(number: int, ask: Callable[[], Result | Refusal]) -> Result:
    """What ``ask`` gives about a case; says so where there is none of that number."""
    try:
        return granted(ask())
    except LookupError:
        fail(f"There is no case #{number}: `triage case list --all` has them.")
