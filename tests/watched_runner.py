"""The bot in a process of its own whose network ends at this machine, and which writes down whom it asks for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests import crash_runner

HERE = ("127.0.0.1", "::1", "localhost")


def serve(config: str, environ: Mapping[str, str], log: str, asked: str) -> None:
    """`triage serve`."""
    watch(asked)
    crash_runner.serve(config, environ, log, None)


def watch(asked: str) -> None:
    """From now on each host and port that is looked up or connected to goes to the file ``asked``; others than ours
    are refused."""
    file = Path(asked).open("a", buffering=1)  # noqa: SIM115 - as long as the process lives

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            host, port = args[0], args[1]
        elif event == "socket.connect" and isinstance(args[1], tuple):
            host, port = args[1][0], args[1][1]
        else:
            return
        name = host.decode() if isinstance(host, bytes) else str(host)
        file.write(f"{name} {port}\n")
        if name not in HERE:
            raise OSError(f"{name} is not on this machine")

    sys.addaudithook(note)


def main(asked: str, commands: str) -> None:
    """Each of ``commands`` of `triage`, a JSON list of lists, one after the other."""
    from bot.cli import main as triage

    watch(asked)
    for command in json.loads(commands):
        sys.argv = ["triage", *command]
        with suppress(SystemExit):
            triage()


if __name__ == "__main__":
    main(*sys.argv[1:])
