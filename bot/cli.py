"""The ``triage`` command: parses, delegates to operations, prints.

With ``--json`` one JSON document goes to stdout and nothing else; logs and sentences go to stderr. Exit codes: 0 done,
1 refused or failed with a sentence, 2 usage or config error, 3 done but a question that feeds the verdict failed or
timed out, or the history does not cover the window. Imports stand inside the commands, because boto3 and Slack cost
more to import than reading a history takes.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from bot.model import Actor, Change, ChangeState, Kind, Refusal, Status, Triage
from bot.plain import clean

if TYPE_CHECKING:
    from bot.app import Desk, Investigator
    from bot.config.settings import Settings
    from bot.history.sqlite import SqliteHistory

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
    Path | None, typer.Option("--history", metavar="FILE", help="default: $TRIAGE_HISTORY, [history] path")
]
Json = Annotated[bool, typer.Option("--json", help="print one JSON document")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="ISO 8601, or `latest`; default: now")]
Days = Annotated[
    float | None, typer.Option("--days", min=0.1, max=3650, help="how far back to look; default: [triage] days, 14")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="goes on record")]


def _lead_kind(text: str) -> Kind:
    kinds = {"key": Kind.ACCESS_KEY, "ip": Kind.IP}
    if text not in kinds:
        raise typer.BadParameter("a scope starts from `key` or `ip`")
    return kinds[text]


def main() -> None:
    """Run the command line; every expected failure ends in a sentence, never in a traceback."""
    try:
        app()
    except Exception as error:
        code = _exit_code(error)
        if code is None:
            raise
        _say(str(error))
        sys.exit(code)


def _exit_code(error: Exception) -> int | None:
    """The exit code of a failure that is somebody's to put right; ``None`` for one that is ours."""
    from bot.app import CannotListen
    from bot.config import ConfigError
    from bot.config.secret_ref import MissingSecret
    from bot.history.sqlite import HistoryUnavailableError
    from bot.plugins import PluginError
    from bot.store.state import StateUnavailable

    if isinstance(error, ConfigError | MissingSecret | PluginError):
        return USAGE
    return REFUSED if isinstance(error, CannotListen | HistoryUnavailableError | StateUnavailable) else None


# ------------------------------------------------------------------------------------------- reading


@app.command()
def ingest(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="CloudTrail files, folders, patterns; - for stdin")
    ],
    history: HistoryFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Load CloudTrail files into the history."""
    from bot import document, text
    from bot.history.decoders import DecoderLost
    from bot.history.files import matched
    from bot.history.load import STDIN, load_paths
    from bot.history.progress import Shown
    from bot.history.sqlite import SqliteHistory

    if any(str(each).startswith("s3:/") for each in paths):
        _fail("S3 is not read yet: copy the files with `aws s3 sync`, then ingest the folder.", USAGE)
    if missing := [each for each in paths if each != STDIN and not any(path.exists() for path in matched(each))]:
        _fail(f"There is no {missing[0]}.", USAGE)
    shown = Shown(sys.stderr)
    try:
        report = load_paths(SqliteHistory(_history(history, _settings(config))), paths, shown)
    except DecoderLost as error:
        _fail(str(error))
    finally:
        shown.close()
    if as_json:
        _print_json(document.history_document(report))
    else:
        typer.echo(text.history_text(report))


@app.command(name="history")
def show_history(history: HistoryFile = None, config: Config = None, as_json: Json = False) -> None:
    """What the history holds, and what was set aside and why."""
    from bot import document, text
    from bot.history.load import describe
    from bot.history.sqlite import SqliteHistory

    report = describe(SqliteHistory(_history(history, _settings(config))))
    if as_json:
        _print_json(document.history_document(report))
    else:
        typer.echo(text.history_text(report))


@app.command(name="event-record")
def show_event_record(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="as in `evidence` of --json")],
    history: HistoryFile = None,
    config: Config = None,
) -> None:
    """The CloudTrail record behind an evidence id, as JSON, without its secrets."""
    from bot.history.evidence import RecordUnavailable, event_record
    from bot.history.sqlite import HistoryUnavailableError, SqliteHistory

    try:
        _print_json(event_record(SqliteHistory(_history(history, _settings(config))), event_id))
    except (HistoryUnavailableError, RecordUnavailable) as error:
        _fail(str(error))


def _look(kind: Kind, name: str, help_text: str) -> None:
    """Register the command ``name``: everything known about one value of ``kind``."""

    def look(
        value: Annotated[str, typer.Argument(metavar="VALUE")],
        history: HistoryFile = None,
        at: At = None,
        days: Days = None,
        config: Config = None,
        as_json: Json = False,
    ) -> None:
        _about(kind, name, value, history, at, days, config, as_json=as_json)

    look.__doc__ = help_text
    app.command(name=name)(look)


_look(Kind.ACCESS_KEY, "key", "What an access key has done, from where, with what, and how bad that is.")
_look(Kind.PRINCIPAL, "user", "The same for an IAM user: its name, ARN or id.")
_look(Kind.PRINCIPAL, "role", "The same for a role: its name, ARN or id.")
_look(Kind.IP, "ip", "Who used an address, and for what.")
_look(Kind.USER_AGENT, "agent", "Who used a client: a raw user agent, or a family.")
_look(Kind.EVENT, "event", "Who made a call: `service:Name`.")


@app.command()
def alert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the payload; - for stdin")],
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="whose form it has")] = "generic",
    history: HistoryFile = None,
    at: At = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take one alert through the whole line, without Slack."""
    from bot import intake, text
    from bot.app import now
    from bot.document import alert_document
    from bot.operations import about_alert

    settings = _settings(config)
    investigator = _investigator(settings, history)
    try:
        payload, *more = intake.read(_read(file))
    except intake.Unreadable as error:
        _fail(str(error))
    if more:
        _fail(f"{file} holds {len(more) + 1} alerts; this command takes one. `triage serve` takes them all.")
    known = intake.normalise(_source(settings, source), payload, now())
    moment = _moment(at, investigator) if at else known.at
    triages, assessment, gaps = about_alert(known, investigator.window(moment), investigator)
    if as_json:
        _print_json(alert_document(known, triages, assessment, gaps))
    else:
        typer.echo(text.alert_text(known))
        for triage in triages:
            typer.echo(text.triage_text(triage))
    _exit_for(triages)


@app.command()
def scope(
    kind: Annotated[Kind, typer.Argument(metavar="key|ip", parser=_lead_kind)],
    values: Annotated[list[str], typer.Argument(metavar="VALUE...", help="access keys, or the attacker's addresses")],
    history: HistoryFile = None,
    at: At = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="default: 24 hours before --at")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Every key in the same hands: from one lead to all of them, each with its reasons."""
    from bot.operations import about_scope, observable_of
    from bot.scope.telling import scope_document, scope_text

    investigator = _investigator(_settings(config), history)
    store = _store(investigator)
    leads = [_granted(observable_of(kind, value, store)) for value in values]
    moment, start = _moment(at, investigator), _time(since)
    if start is not None and start > moment:
        _fail("--since is later than --at.", USAGE)
    found = about_scope(leads, moment, store, investigator.known(), since=start)
    if as_json:
        _print_json(scope_document(found))
    else:
        typer.echo(scope_text(found))
    if found.searched is None or found.searched.missing:
        raise typer.Exit(INCOMPLETE)


@app.command()
def hunt(
    what: Annotated[str, typer.Argument(metavar="enumeration|playbook|all")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="of the playbook")] = None,
    history: HistoryFile = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="default: 24 hours before --until")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="default: now")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Search the history for one address that tries several keys, and for what thieves do with them."""
    from bot.hunts.telling import hunted_document, hunted_text
    from bot.operations import about_hunt

    investigator = _investigator(_settings(config), history)
    end = _moment(until, investigator)
    asked = [what] if name is None else [what, name]
    found = _granted(about_hunt(asked, _store(investigator), investigator.known(), until=end, since=_time(since)))
    if as_json:
        _print_json(hunted_document(found))
    else:
        typer.echo(hunted_text(found))
    if found.searched is None or found.searched.missing:
        raise typer.Exit(INCOMPLETE)


@app.command()
def prevalence(
    events: Annotated[list[str], typer.Argument(metavar="EVENT...", help="`service:Name`")],
    history: HistoryFile = None,
    at: At = None,
    days: Days = 30,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """How many principals ever make a call, and who."""
    from bot.hunts.hunting import prevalence as count
    from bot.hunts.telling import prevalence_document, prevalence_text

    investigator = _investigator(_settings(config), history)
    found = count(_store(investigator), events, investigator.window(_moment(at, investigator), days).span)
    if as_json:
        _print_json(prevalence_document(found))
    else:
        typer.echo(prevalence_text(found))
    if found.searched is None or found.searched.missing:
        raise typer.Exit(INCOMPLETE)


# ---------------------------------------------------------------------------------------- containment


@app.command()
def plan(
    remediation: Annotated[str, typer.Argument(metavar="REMEDIATION", help="e.g. disable_access_key")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="e.g. AKIA…")],
    case: Annotated[int | None, typer.Option("--case", metavar="ID")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Preview a change; reads AWS, changes nothing, prints a plan id."""
    from bot import document, text

    with _desk(config) as desk:
        made = _granted(desk.operations.plan_for(remediation, target, _me(), case=case))
    if as_json:
        _print_json(document.plan_document(made))
    else:
        typer.echo(text.plan_text(made))


@app.command()
def approve(
    plan_id: Annotated[str, typer.Argument(metavar="PLAN")],
    reason: Reason,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Approve a plan and carry it out."""
    with _desk(config) as desk:
        approved = _granted(desk.operations.approve(plan_id, _me(), reason))
        _done(desk.operations.carry_out(approved.execution), as_json=as_json)


@app.command()
def undo(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION")],
    reason: Reason,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take a confirmed change back."""
    from bot import text

    with _desk(config) as desk:
        made = _granted(desk.operations.plan_undo(execution, _me()))
        typer.echo(text.plan_text(made), err=True)
        approved = _granted(desk.operations.approve(made.id, _me(), reason))
        _done(desk.operations.carry_out(approved.execution), as_json=as_json)


# -------------------------------------------------------------------------------------------- the bot


@app.command()
def serve(config: Config = None) -> None:
    """Run the bot."""
    from bot.app import serve as run
    from bot.config import check as problems_of
    from bot.config import find
    from bot.plugins import shipped
    from bot.remediation import REMEDIATIONS

    settings = _settings(config)
    names = [remediation.name for remediation in REMEDIATIONS]
    problems = problems_of(find(config), serving=True, enrichers=shipped(), remediations=names)
    for problem in problems:
        typer.echo(clean(str(problem)), err=True)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(USAGE)
    run(settings)


@app.command()
def check(config: Config = None) -> None:
    """Every mistake in the configuration at once, offline."""
    from bot.config import check as problems_of
    from bot.config import find
    from bot.plugins import shipped
    from bot.remediation import REMEDIATIONS

    names = [remediation.name for remediation in REMEDIATIONS]
    problems = problems_of(find(config), enrichers=shipped(), remediations=names)
    for problem in problems:
        typer.echo(clean(str(problem)))
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(USAGE)
    where = clean(str(find(config) or "the defaults"))
    missing = f"; {len(problems)} warnings: `triage serve` does not start without what is missing" if problems else ""
    typer.echo(f"{where}: no mistakes{missing}.")


@app.command()
def permissions(
    act: Annotated[bool, typer.Option("--act", help="of the role that carries out approved changes")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="accepted: it is JSON in any case")] = False,
) -> None:
    """The least IAM policy of the role that reads, from what the code calls."""
    from bot.iam import PERMISSIONS
    from bot.remediation import REMEDIATIONS
    from bot.remediation.base import policy

    _print_json(policy(REMEDIATIONS, act=act, also=frozenset() if act else PERMISSIONS))


@app.command()
def demo(
    port: Annotated[int, typer.Option("--port", min=0, max=65535)] = 8765,
    once: Annotated[bool, typer.Option("--once", help="replay without a browser, print the cards, exit")] = False,
    seed: Annotated[int, typer.Option("--seed", help="another organisation")] = 7,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="3 minutes after the alert; default: now"),
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="leave the history and the alert")] = None,
    as_json: Json = False,
) -> None:
    """Replay the incident of docs/story.md on a local Slack and a local AWS, offline."""
    if missing := [name for name in ("ministack", "websockets") if find_spec(name) is None]:
        _fail(f"The demo needs {' and '.join(missing)}: install the extra, as in `pip install 'triage-bot[demo]'`.")
    from bot.demo import replay
    from bot.demo.aws import LocalAwsError

    told_at = _time(at)
    try:
        played = replay.once(seed=seed, at=told_at, keep=keep) if once else None
        if played is None:
            replay.page(port=port, seed=seed, at=told_at, keep=keep)
    except (LocalAwsError, OSError) as error:
        _fail(f"The demo cannot go on: {error}")
    if played is not None and as_json:
        _print_json(played.document)
    elif played is not None:
        typer.echo(played.text)


# --------------------------------------------------------------------------------- what commands share


def _about(
    kind: Kind,
    word: str,
    value: str,
    history: Path | None,
    at: str | None,
    days: float | None,
    config: Path | None,
    *,
    as_json: bool,
) -> None:
    from bot import text
    from bot.document import triage_document
    from bot.operations import observable_of

    investigator = _investigator(_settings(config), history)
    observable = observable_of(kind, value, investigator.history, word)
    if isinstance(observable, Refusal):
        _fail(observable.sentence)
    triage = investigator(observable, investigator.window(_moment(at, investigator), days))
    if as_json:
        _print_json(triage_document(triage))
    else:
        typer.echo(text.triage_text(triage))
    _exit_for([triage])


def _exit_for(triages: Iterable[Triage]) -> None:
    if any(_incomplete(triage) for triage in triages):
        raise typer.Exit(INCOMPLETE)


def _incomplete(triage: Triage) -> bool:
    """Whether a question that feeds the verdict went unanswered, or the history does not cover the window."""
    from bot.history.coverage import covers

    unanswered = any(
        enrichment.raises and enrichment.status in {Status.FAILED, Status.TIMED_OUT}
        for enrichment in triage.enrichments
    )
    return unanswered or not covers(triage.searched, triage.window.span)


def _settings(config: Path | None) -> Settings:
    from bot.config import find, load

    return load(find(config))


def _history(given: Path | None, settings: Settings) -> Path:
    return given or settings.history.path


def _investigator(settings: Settings, history: Path | None) -> Investigator:
    from bot.app import Investigator, iam_at_hand

    path = _history(history, settings)
    if not path.is_file():
        _fail(f"There is no history {path}: make one with `triage ingest PATH... --history {path}`.")
    return Investigator(settings, path, iam=iam_at_hand(settings))


def _store(investigator: Investigator) -> SqliteHistory:
    if investigator.history is None:
        _fail("There is no history to search.")
    return investigator.history


def _desk(config: Path | None) -> Desk:
    from bot.app import Desk

    return Desk(_settings(config))


def _me() -> Actor:
    user = getpass.getuser()
    return Actor(f"local:{user}", user)


def _granted(result: Result | Refusal) -> Result:
    if isinstance(result, Refusal):
        _fail("\n".join([result.sentence, *(f"  {command}" for command in result.commands)]))
    return result


def _done(change: Change, *, as_json: bool) -> None:
    from bot import document, text

    if as_json:
        _print_json(document.change_document(change))
    else:
        typer.echo(text.change_text(change))
    if change.state is not ChangeState.CONFIRMED:
        raise typer.Exit(REFUSED)


def _source(settings: Settings, name: str) -> Any:
    from bot.app import sources_of
    from bot.intake.source import Source

    return sources_of(settings).get(name) or Source(name)


def _read(file: Path) -> bytes:
    from bot.intake.payload import MAX_BYTES

    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror}.", USAGE)


def _moment(at: str | None, investigator: Investigator) -> datetime:
    from bot.app import now

    if at == "latest":
        newest = investigator.history.newest() if investigator.history is not None else None
        return newest or now()
    return _time(at) or now()


def _time(at: str | None) -> datetime | None:
    """``at`` as UTC with whole seconds; a time without a zone is UTC."""
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        _fail(f"{at!r} is not a time; write it as 2026-11-23T10:00:00Z.", USAGE)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        _fail(f"{at!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}.", USAGE)
    return moment.replace(microsecond=0)


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _say(sentence: str) -> None:
    """A sentence for a person, on stderr; what was typed or read may stand in it, and must not drive the terminal."""
    for line in sentence.splitlines():
        typer.echo(clean(line), err=True)


def _fail(sentence: str, code: int = REFUSED) -> NoReturn:
    _say(sentence)
    raise typer.Exit(code)
