"""`make bench-history`: load, size, memory and answers of the history, with others beside it in the same run.

Prints a table and puts it into ``docs/benchmarks.md``. The logs are made from a seed (``tests.bench.made_logs``). Each
load runs in a process of its own, so that peak memory is its own; the peers read the first files only, a rate does not
change with more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb
import msgspec
from isal import isal_zlib

from bot.database import Database
from bot.enrichment import Runner
from bot.history.activity import activity
from bot.history.decoders import PROCESSES
from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.raw import Record
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.model import Event, Kind, Observable, Outcome, Use, Window
from bot.plugins import load_enrichers, shipped
from bot.scope.ground import Known
from bot.scope.reading import scope
from bot.triage import TriageWorld, triage
from tests.bench.made_logs import BUSY_KEY, PER_FILE, SINCE, usual_keys, write_logs

DAYS = 30
PEER_EVENTS = 60_000
PAGE = Path("docs/benchmarks.md")
BEGIN, END = "<!-- bench-history: {events} events -->", "<!-- /bench-history -->"


@dataclass(frozen=True)
class Load:
    """One way to read the same files; ``bytes`` of what it wrote, ``peak`` MB of its processes together."""

    name: str
    events: int
    seconds: float
    bytes: int
    peak: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class _Log(msgspec.Struct):
    records: list[Record] = msgspec.field(name="Records")


def _unpacked(path: Path) -> bytes:
    return isal_zlib.decompress(path.read_bytes(), wbits=31)


def ours(logs: Sequence[Path], into: Path) -> int:
    return load_paths(SqliteHistory(into), logs).events


def bare(logs: Sequence[Path], into: Path) -> int:
    """Gunzip and a typed decode of the fields needed, nothing else: what no load can be faster than."""
    decoder = msgspec.json.Decoder(_Log)
    return sum(len(decoder.decode(_unpacked(path)).records) for path in logs)


def sqlite_utils_insert_all(logs: Sequence[Path], into: Path) -> int:
    """Whole records into a table, as ``sqlite-utils insert`` does."""
    db = Database(str(into))
    db.table("event").insert_all(
        (record for path in logs for record in json.loads(_unpacked(path))["Records"]),
        pk="eventID",
        ignore=True,
        alter=True,
    )
    return int(db.table("event").count)


def duckdb_read_json(logs: Sequence[Path], into: Path) -> int:
    """The same fields as typed columns into a table."""
    text = "eventID eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode recipientAccountId"
    fields = ", ".join(f'"{name}" VARCHAR' for name in text.split())
    identity = (
        "userIdentity STRUCT(type VARCHAR, userName VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR)"
    )
    columns = f"{{Records: 'STRUCT({fields}, {identity})[]'}}".replace('"', "")
    files = "[" + ", ".join(f"'{path}'" for path in logs) + "]"
    db = duckdb.connect(str(into))
    db.execute(
        f"CREATE TABLE event AS SELECT unnest(Records, recursive := true) FROM read_json({files}, columns = {columns})"  # noqa: S608 - our own folder and columns
    )
    row = db.execute("SELECT count(*) FROM event").fetchone()
    db.close()
    return int(row[0]) if row else 0


OURS = "this history"
WAYS: dict[str, Callable[[Sequence[Path], Path], int]] = {
    OURS: ours,
    "bare gunzip and typed decode": bare,
    "sqlite-utils insert_all": sqlite_utils_insert_all,
    "DuckDB read_json": duckdb_read_json,
}


def measured(name: str, logs: Path, files: int, into: Path) -> Load:
    command = [sys.executable, "-m", "tests.bench.history", "--way", name, "--logs", str(logs), "--files", str(files)]
    out = subprocess.run([*command, "--into", str(into)], check=True, capture_output=True, text=True).stdout
    return Load(name, **json.loads(out))


def one_way(name: str, logs: Path, files: int, into: Path) -> None:
    paths = sorted(logs.iterdir())[:files]
    started = time.perf_counter()
    events = WAYS[name](paths, into)
    seconds = time.perf_counter() - started
    own, helpers = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    # What is told of the helpers is the largest.
    peak = own + helpers * (PROCESSES if name == OURS else 0)
    size = sum(path.stat().st_size for path in into.parent.glob(f"{into.name}*"))
    sys.stdout.write(json.dumps({"events": events, "seconds": seconds, "bytes": size, "peak": peak}))


# ------------------------------------------------------------------------------------------ questions

AT = SINCE + timedelta(days=28, hours=13, minutes=7)
WINDOW = Window.ending(AT)


def questions_about(history: SqliteHistory, observable: Observable) -> int:
    """Clients, addresses, refused calls and activity in 14 days: one reading and four views of it."""
    uses = history.uses(observable, WINDOW.span)
    clients, addresses = {use.family for use in uses}, {use.ip for use in uses}
    refused = [use for use in uses if use.outcome is Outcome.DENIED]
    return len(clients) + len(addresses) + len(refused) + activity(uses).events


def keys_from(uses: Sequence[Use]) -> set[str | None]:
    return {use.key for use in uses}


def latencies(ask: Callable[[Observable], object], about: Sequence[Observable]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    taken = []
    for observable in about:
        started = time.perf_counter()
        ask(observable)
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return statistics.median(taken), taken[max(0, round(len(taken) * 0.95) - 1)]


def world_of(history: SqliteHistory) -> TriageWorld:
    """Every shipped question that asks neither AWS nor the web."""
    plugins = [
        plugin
        for plugin in load_enrichers(shipped())
        if plugin.declaration.needs <= {"history", "ip_data"} and plugin.name != "threat_lists"
    ]
    return TriageWorld(tuple(plugins), Runner(), history=history, addresses=LocalAddressData(()))


def stolen(history: SqliteHistory, keys: Sequence[Observable]) -> list[Event]:
    """What a thief did with ``keys`` in the hour before: who is it, may it send mail, mail on."""
    made = []
    for number, key in enumerate(keys):
        (newest,) = history.events(key, WINDOW.span, limit=1)
        for step, name in enumerate(("sts:GetCallerIdentity", "ses:GetSendQuota", "ses:UpdateAccountSendingEnabled")):
            at = AT - timedelta(minutes=3 * number + step)
            made.append(
                replace(
                    newest,
                    id=f"stolen/{number}/{step}",
                    at=at,
                    name=name,
                    ip="192.0.2.77",
                    user_agent="python-requests/2.31",
                    family="python-requests|-|-|-",
                )
            )
    return made


def answers(history: SqliteHistory, events: int) -> list[tuple[str, float, float]]:
    keys = [Observable(Kind.ACCESS_KEY, key) for key in usual_keys(events, DAYS)[:200]]
    busy = [Observable(Kind.ACCESS_KEY, BUSY_KEY)] * 20
    ips = {use.ip for key in keys[:60] for use in history.uses(key, WINDOW.span) if use.ip}
    addresses = [Observable(Kind.IP, ip) for ip in sorted(ips)]
    world, known = world_of(history), Known(origin=LocalAddressData(()).origin)
    theft = stolen(history, keys[:7])
    month = ((AT - timedelta(days=30)).date(), AT.date())
    asked: list[tuple[str, Callable[[Observable], object], Sequence[Observable]]] = [
        (
            "clients, addresses, refused calls, activity of a usual key",
            lambda each: questions_about(history, each),
            keys,
        ),
        ("the same of the busiest key, a third of all events", lambda each: questions_about(history, each), busy),
        ("principals of each event name in 30 days", lambda _: history.callers(*month), busy),
        ("all keys of one address", lambda each: keys_from(history.uses(each, WINDOW.span)), addresses),
        ("the newest 1,000 events of a usual key", lambda each: history.events(each, WINDOW.span), keys),
        ("who is behind a key", lambda each: history.principal(each, AT), keys),
        ("what the history covers", lambda _: history.coverage(WINDOW.span), busy),
        (
            "every key in the same hands as a usual one, which is nobody's",
            lambda each: scope(Everyone(history), [each], AT, known=known),
            keys[:40],
        ),
        (
            "every key in the same hands as one of seven stolen ones",
            lambda each: scope(Everyone(history), [each], AT, known=known, told=theft),
            keys[:7],
        ),
        (
            "every key in the same hands as the busiest one",
            lambda each: scope(Everyone(history), [each], AT, known=known),
            busy[:3],
        ),
        ("every question of the triage of a usual key", lambda each: triage(each, WINDOW, world=world), keys[:40]),
        ("every question of the triage of the busiest key", lambda each: triage(each, WINDOW, world=world), busy[:10]),
    ]
    return [(name, *latencies(ask, about)) for name, ask, about in asked]


# --------------------------------------------------------------------------------------------- report


def table(loads: Sequence[Load], asked: Sequence[tuple[str, float, float]], json_bytes: float) -> str:
    own = loads[0]
    made = f"{own.events:,} events, {json_bytes:,.0f} bytes of JSON each, {PER_FILE} a file, {DAYS} days."
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}."
    lines = [
        f"{made} {machine}",
        "",
        "| load | events/s | this history is | bytes an event | peak memory, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for each in loads:
        size = f"{each.bytes / each.events:,.0f}" if each.bytes else "–"
        lines.append(f"| {each.name} | {each.rate:,.0f} | {own.rate / each.rate:.2f} × | {size} | {each.peak:,.0f} |")
    lines += ["", "| question, 14 days unless said | p50, ms | p95, ms |", "|---|---:|---:|"]
    lines += [f"| {name} | {p50:.1f} | {p95:.1f} |" for name, p50, p95 in asked]
    return "\n".join(lines)


def publish(text: str, events: int) -> bool:
    """Put the table between the markers of the page for so many events, if it has any."""
    page, begin = PAGE.read_text(), BEGIN.format(events=f"{events:,}")
    before, found, rest = page.partition(begin)
    _, _, after = rest.partition(END)
    if not found:
        return False
    PAGE.write_text(f"{before}{begin}\n{text}\n{END}{after}")
    return True


def run(events: int, logs: Path | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        made = logs or place / "logs"
        if not made.is_dir():
            write_logs(made, events, DAYS)
        count = len(list(made.iterdir()))
        few = min(count, PEER_EVENTS // PER_FILE)
        own = measured(OURS, made, count, place / "history.db")
        peers = [measured(name, made, few, place / f"{number}.db") for number, name in enumerate(list(WAYS)[1:])]
        asked = answers(SqliteHistory(place / "history.db"), own.events)
        return table([own, *peers], asked, _json_bytes(made))


def _json_bytes(logs: Path) -> float:
    first = _unpacked(min(logs.iterdir()))
    return len(first) / len(json.loads(first)["Records"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--logs", type=Path, help="a folder of made logs; made there if it is not there")
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--files", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        one_way(given.way, given.logs, given.files, given.into)
        return
    text = run(given.events, given.logs)
    written = f"\nWritten to {PAGE}.\n" if publish(text, given.events) else ""
    sys.stdout.write(f"{text}\n{written}")


if __name__ == "__main__":
    main()
