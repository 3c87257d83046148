"""A wire between the bot and Slack that can fall silent without breaking, as a firewall makes it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Wire:
    """Carries bytes between whoever connects to :attr:`port` and the server, until it is silenced."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._silent = threading.Event()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self) -> None:
        """Carry nothing any more; both ends stay connected."""
        self._silent.set()

    def close(self) -> None:
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._server))
                self._ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while carried := source.recv(65536):
                if not self._silent.is_set():
                    target.sendall(carried)
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(server: int) -> Iterator[Wire]:
    """A wire to the server at ``server`` on loopback."""
    made = Wire(server)
    try:
        yield made
    finally:
        made.close()
