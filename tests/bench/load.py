"""What a bot bears: alerts at a rate, people who click meanwhile, more than it can take, a kill in the middle, hours.

The bot is the real ``triage serve``, in a process of its own; the sender is another; Slack is a third, on this machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from re import sub

from bot.demo.slack import ANALYST, SOC, LocalSlack
from tests.bench import report
from tests.bench.report import Measured
from tests.bench.sender import Sent
from tests.remediation.cloud import seat
from tests.site import SECRET, WAIT_SECONDS, Site, history_of

KEYS = 50
CLICK = "plan:disable_access_key"
FIRST_CARD, CLICKED, ANSWERED = 5.0, 0.5, 0.25
"""The limits, in seconds."""
SHOWN_WITHIN = 120.0
"""After the last alert; a card that is not there by then counts as that late."""
MB = 1024 * 1024
IDLE_MB, WAL_MB, DRIFT = 150, 64, 0.10
SAMPLES = 120


@dataclass
class Process(Site):
    """The installed `triage serve`, at Slack's own pace."""

    running: subprocess.Popen[bytes] | None = field(default=None)

    def start(self, point: str | None = None) -> None:
        assert point is None
        triage = Path(sys.executable).with_name("triage")
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [str(triage), "serve", "--config", str(self.config)], env=dict(self.environ), stdout=log, stderr=log
            )
        self.slack.wait_until(lambda: self.slack.connections, WAIT_SECONDS)

    def end(self, how: signal.Signals) -> None:
        if self.running is not None:
            self.running.send_signal(how)
            self.running.wait(60)

    def sending(self, rate: float, seconds: float) -> subprocess.Popen[bytes]:
        args = (self.port, rate, seconds, KEYS, SECRET)
        command = [sys.executable, "-m", "tests.bench.sender", *map(str, args)]
        with self.told.open("wb") as out:  # a pipe would fill up while nobody reads
            return subprocess.Popen(command, stdout=out)

    @property
    def told(self) -> Path:
        """Where the sender writes what became of its alerts."""
        return self.folder / "sent.jsonl"

    def results(self, sender: subprocess.Popen[bytes]) -> list[Sent]:
        """What became of each alert, once all of them have an answer or none."""
        sender.wait()
        return [Sent(**json.loads(line)) for line in self.told.read_text().splitlines()]

    def lost(self, sent: Sequence[Sent]) -> int:
        """How many of those answered with 202 are not on the disk."""
        kept = {row[0] for row in self.rows("SELECT id FROM deliveries")}
        return sum(one.status == 202 and one.delivery not in kept for one in sent)


@dataclass(frozen=True, slots=True)
class Sample:
    """Of the process at one moment; bytes of memory and of the write-ahead log."""

    memory: int
    threads: int
    descriptors: int
    wal: int


@contextmanager
def bot() -> Iterator[Process]:
    with tempfile.TemporaryDirectory(prefix="triage-load-") as folder, LocalSlack() as slack:
        made = Process(Path(folder), slack, seat(1), "http://127.0.0.1:9")
        made.config.write_text(sub(r"\[aws\]\n(\w+ = .*\n)+", "", made.config.read_text()))
        history_of(made.seat, made.folder / "history.db").close()
        try:
            made.start()
            yield made
        finally:
            made.end(signal.SIGKILL)


# ----------------------------------------------------------------------------------------------- what is measured


def with_people(alerts: int = 1_000, seconds: float = 60.0) -> tuple[list[Measured], list[str]]:
    """Alerts over 50 keys, each key's first one after the other, while somebody clicks all the time."""
    with bot() as site:
        sender, clicks = site.sending(alerts / seconds, seconds), list[float]()
        while sender.poll() is None:
            cards = site.slack.messages(SOC)
            card = next((card for card in cards if CLICK in json.dumps(card.get("blocks"))), None)
            if card is not None:
                clicked = site.slack.click(ANALYST, SOC, card["ts"], CLICK)
                clicks.append(clicked.milliseconds / 1000 if clicked.acked else 3.0)
            time.sleep(0.1)
        sent = site.results(sender)
        until = time.monotonic() + SHOWN_WITHIN
        while len(shown := _first_cards(site, sent)) < len({one.key for one in sent}) and time.monotonic() < until:
            time.sleep(0.2)
        first = [shown[key] - due for key, due in _first_alerts(sent).items() if key in shown]
        first += [SHOWN_WITHIN] * (len(_first_alerts(sent)) - len(first))
        name = f"{alerts:,} alerts in {seconds:g} s over {KEYS} keys"
        return [
            Measured(f"{name}: a key's first alert, sent to its card", first, FIRST_CARD),
            Measured(f"{name}: a click meanwhile, to acknowledged", clicks, CLICKED, 99),
            Measured(f"{name}: sent to 202 (on disk)", [one.took for one in sent], ANSWERED, 99),
        ], [_told(f"{name}", site, sent)]


def at_rate(rate: float, seconds: float = 60.0) -> tuple[list[Measured], list[str]]:
    """Alerts at a rate the bot should bear."""
    with bot() as site:
        sent = site.results(site.sending(rate, seconds))
        name = f"{rate:,.0f} alerts/s for {seconds:g} s"
        return [Measured(f"{name}: sent to 202 (on disk)", [one.took for one in sent], ANSWERED, 99)], [
            _told(name, site, sent)
        ]


def too_much(rate: float = 2_000.0, seconds: float = 20.0) -> list[str]:
    """More than the bot can take; then the same with a kill in the middle."""
    with bot() as site:
        whole = _told(f"{rate:,.0f} alerts/s for {seconds:g} s", site, site.results(site.sending(rate, seconds)))
    with bot() as site:
        after = int(min(1_000.0, rate * seconds / 8))
        sent = killed(site, rate, seconds, after)
        return [whole, _told(f"the same, killed with `kill -9` after {after:,} were kept", site, sent)]


def killed(site: Process, rate: float, seconds: float, after: int) -> list[Sent]:
    """What became of alerts whose bot is killed once ``after`` of them are kept."""
    sender = site.sending(rate, seconds)
    while site.rows("SELECT count(*) FROM deliveries")[0][0] < after and sender.poll() is None:
        time.sleep(0.01)
    site.end(signal.SIGKILL)
    return site.results(sender)


def soak(seconds: float, rate: float = 20.0) -> list[tuple[str, str, str, float]]:
    """What the process holds, idle and while ``seconds`` pass; rows of what, measured, limit and ratio."""
    with bot() as site:
        time.sleep(min(10.0, seconds / 10))
        idle = sample(site)
        sender, samples = site.sending(rate, seconds), list[Sample]()
        while sender.poll() is None:
            samples.append(sample(site))
            time.sleep(max(0.05, seconds / SAMPLES))
        sent = site.results(sender)
        lost = site.lost(sent) + sum(one.status != 202 for one in sent)
    third = max(1, len(samples) // 3)
    before, after = samples[third : 2 * third], samples[-third:]
    drift = _mean([one.memory for one in after]) / _mean([one.memory for one in before]) - 1
    wal = max(one.wal for one in samples)
    return [
        ("memory, idle", f"{idle.memory / MB:.0f} MB", f"{IDLE_MB} MB", idle.memory / MB / IDLE_MB),
        ("memory of the last third, over that of the second", f"{drift:+.1%}", f"{DRIFT:.0%}", max(0.0, drift) / DRIFT),
        ("memory at its most", f"{max(one.memory for one in samples) / MB:.0f} MB", "–", 0.0),
        ("threads at their most, second third and last", _most(before, after, "threads"), "the same", 0.0),
        ("descriptors at their most, second third and last", _most(before, after, "descriptors"), "the same", 0.0),
        ("write-ahead log at its longest", f"{wal / MB:.1f} MB", f"{WAL_MB} MB", wal / MB / WAL_MB),
        (f"alerts lost, of {len(sent):,}", str(lost), "0", float(lost)),
    ]


def sample(site: Process) -> Sample:
    assert site.running is not None
    place = Path(f"/proc/{site.running.pid}")
    resident = int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    wal = site.folder / "state.db-wal"
    threads, descriptors = len(list((place / "task").iterdir())), len(list((place / "fd").iterdir()))
    return Sample(resident, threads, descriptors, wal.stat().st_size if wal.exists() else 0)


def soak_table(rows: Sequence[tuple[str, str, str, float]]) -> str:
    """Markdown; below 1 is within the limit."""
    cells = [f"| {what} | {measured} | {limit} | {ratio:.2f} |" for what, measured, limit, ratio in rows]
    return "\n".join(["| what | measured | limit | ratio |", "|---|---|---|---|", *cells])


def measure() -> str:
    """All of it but the hours, as Markdown."""
    people, told = with_people()
    steady, more = at_rate(200)
    return "\n".join([report.table([*people, *steady]), "", *(f"- {line}" for line in [*told, *more, *too_much()])])


def main() -> None:
    """``python -m tests.bench.load SECONDS``: the soak, written to docs/benchmarks.md."""
    seconds = float(sys.argv[1])
    content = f"{seconds:,.0f} s at 20 alerts/s.\n\n{soak_table(soak(seconds))}"
    report.write("the soak", content)
    sys.stdout.write(f"{content}\n")


def _told(name: str, site: Process, sent: Sequence[Sent]) -> str:
    answers = Counter(one.status for one in sent)
    said = ", ".join(f"{count:,} × {status or 'no answer'}" for status, count in sorted(answers.items()))
    waited = sorted(one.took for one in sent if one.status)
    slowest = f", p99 {waited[int(len(waited) * 0.99) - 1]:.2f} s" if waited else ""
    return f"{name}: {said}{slowest}; answered with 202 and not on the disk: {site.lost(sent)}"


def _first_alerts(sent: Sequence[Sent]) -> dict[str, float]:
    first: dict[str, float] = {}
    for one in sorted(sent, key=lambda one: one.at):
        first.setdefault(one.key, one.at)
    return first


def _first_cards(site: Process, sent: Sequence[Sent]) -> dict[str, float]:
    """When each key's card came up, in Unix seconds."""
    keys, shown = {one.key for one in sent}, dict[str, float]()
    for message in site.slack.messages(SOC):
        for key in (key for key in keys if key in message["text"]):
            shown[key] = min(float(message["ts"]), shown.get(key, float("inf")))
    return shown


def _most(before: Sequence[Sample], after: Sequence[Sample], name: str) -> str:
    return " and ".join(str(max(getattr(one, name) for one in some)) for some in (before, after))


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
