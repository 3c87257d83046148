"""Sends signed alerts at a steady rate, whatever the answers take, in a process of its own:
``python -m tests.bench.sender PORT RATE SECONDS KEYS SECRET``; what became of each is a JSON line on stdout.

An alert is due at its moment of the plan, and what it waits for a free connection counts as waiting.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import Random

from bot.intake.signatures import SIGNATURE, TIMESTAMP, sign
from bot.model import rfc3339
from tests.history.made import KALI
from tests.remediation.cloud import key_id

CONNECTIONS = 200
PATIENCE = 60.0
"""Seconds after which a sender has no answer."""


@dataclass(frozen=True, slots=True)
class Sent:
    """``at``: Unix seconds at which it was due; ``took``: seconds to the answer; ``status`` 0: none came."""

    key: str
    at: float
    took: float
    status: int
    delivery: str


def key_of(number: int, of: int, keys: int) -> str:
    """The keys come one after the other, each with as many alerts as the others."""
    return key_id(20_000 + number * keys // of)


def body_of(number: int, key: str, run: str) -> bytes:
    told = {
        "title": "Observed Hacking Tool User agent – Kali Linux",
        "severity": "high",
        "time": rfc3339(datetime.now(UTC).replace(microsecond=0)),
        "id": f"{run}-{number}",
        "access_key": key,
        "source_ip": "159.89.100.10",
        "user_agent": KALI,
        "event": "iam:ListUsers",
    }
    return json.dumps(told).encode()


class Sender:
    """A number of connections that are kept open, and what came back on them."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)
        self.sent: list[Sent] = []

    async def send(self, key: str, body: bytes, due: float) -> None:
        place = await self._free.get()
        back: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        status, delivery = 0, ""
        try:
            async with asyncio.timeout(PATIENCE):
                if place is not None and place[0].at_eof():  # closed by the bot, because nothing came for a while
                    place = None
                reader, writer = place or await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(self._request(body))
                status, answer, stays = await _answer(reader)
                back = (reader, writer) if stays else None
                delivery = json.loads(answer)["deliveries"][0]["delivery"] if status == 202 else ""
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            self._free.put_nowait(back)
        took = time.perf_counter() - due
        self.sent.append(Sent(key, time.time() - took, took, status, delivery))

    def _request(self, body: bytes) -> bytes:
        stamp = int(time.time())
        head = (
            "POST /alerts/siem HTTP/1.1",
            "Host: 127.0.0.1",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"{TIMESTAMP}: {stamp}",
            f"{SIGNATURE}: {sign(self._secret, stamp, body)}",
        )
        return "\r\n".join([*head, "", ""]).encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").lower().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length")), 0)
    return int(lines[0].split(" ")[1]), await reader.readexactly(length), "connection: close" not in lines


async def run(port: int, rate: float, seconds: float, keys: int, secret: str) -> list[Sent]:
    sender, begun, number = Sender(port, secret), time.perf_counter(), 0
    total, name = int(rate * seconds), f"{Random().getrandbits(32):x}"
    async with asyncio.TaskGroup() as under_way:
        for number in range(total):
            due = begun + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            key = key_of(number, total, keys)
            under_way.create_task(sender.send(key, body_of(number, key, name), due))
            if number % 50 == 0:
                await asyncio.sleep(0)
    return sender.sent


def main() -> None:
    port, rate, seconds, keys, secret = sys.argv[1:]
    for one in asyncio.run(run(int(port), float(rate), float(seconds), int(keys), secret)):
        sys.stdout.write(json.dumps(asdict(one)) + "\n")


if __name__ == "__main__":
    main()
