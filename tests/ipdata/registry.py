"""The registries' RDAP and Team Cymru's DNS on loopback: what ipwhois asks, answered here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.request import BaseHandler, HTTPDefaultErrorHandler, HTTPErrorProcessor, OpenerDirector, Request, urlopen

import dns.message
import dns.resolver
import dns.rrset

from tests.publisher import Publisher


class ToLoopback(BaseHandler):
    """Sends whatever is asked of a registry to ``publisher``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def https_open(self, request: Request) -> Any:
        host = request.host.replace(".", "-")
        return urlopen(Request(f"{self._publisher.origin}/{host}{request.selector}", headers=request.headers))  # noqa: S310 - loopback


def opener_to(publisher: Publisher) -> OpenerDirector:
    opener = OpenerDirector()
    for handler in (ToLoopback(publisher), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    return opener


@contextmanager
def naming(texts: Mapping[str, str]) -> Iterator[dns.resolver.Resolver]:
    """A resolver whose name server has these TXT records; every other name does not exist."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    threading.Thread(target=_answer_all, args=(server, texts), daemon=True).start()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
    resolver.timeout = resolver.lifetime = 1.0
    try:
        yield resolver
    finally:
        server.close()


def _answer_all(server: socket.socket, texts: Mapping[str, str]) -> None:
    while True:
        try:
            wire, asker = server.recvfrom(4096)
        except OSError:
            return
        question = dns.message.from_wire(wire)
        answer = dns.message.make_response(question)
        name = question.question[0].name
        if (text := texts.get(str(name))) is not None:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(answer.to_wire(), asker)
