"""What do threat lists say of the address?

An address that others have reported was an attacker's for somebody, some time: a reason to look closer. It is no
verdict: addresses change hands within hours, anybody may report, and one that nobody has reported is not clean for it.
So it weighs nothing. Each list needs a key of yours, and learns which address you ask about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from bot.model import (
    Answer,
    Context,
    Declaration,
    Fact,
    Kind,
    NotAnswered,
    Observable,
    Reputation,
    Unread,
    inside,
)

DECLARATION = Declaration(
    question="What do threat lists say of the address?",
    takes=frozenset({Kind.IP}),
    needs=frozenset({"threat_lists"}),
    sends="the address, to AbuseIPDB, GreyNoise and AlienVault OTX, each where `[threat_lists]` has a key for it",
)


def enrich(observable: Observable, context: Context) -> Answer:
    assert context.threat_lists is not None  # noqa: S101 - the runner never asks an enricher without what it needs
    if inside(observable.value, context.environment.own_networks):
        return Answer(headline=f"{observable.value}: your own network, no list was asked", found=False)
    lists = context.threat_lists
    return judge(observable.value, lists.reputations(observable.value), lists.without_key)


def judge(ip: str, said: Mapping[str, Reputation | Unread], without_key: Mapping[str, str]) -> Answer:
    """What the lists said of ``ip``, by their names. Raises ``NotAnswered`` if none of those asked did."""
    known = {name: answer for name, answer in said.items() if isinstance(answer, Reputation)}
    unread = {name: answer.why for name, answer in said.items() if isinstance(answer, Unread)}
    if unread and not known:
        raise NotAnswered("; ".join(f"{name}: {why}" for name, why in unread.items()))
    listed = [name for name, answer in known.items() if answer.listed]
    return Answer(
        headline=f"{ip}: {_headline(list(known), listed)}",
        facts=(
            *(Fact(name, _words(answer)) for name, answer in known.items()),
            *(Fact(name, f"could not be asked: {why}") for name, why in unread.items()),
            *(
                Fact(name, f'not asked: needs a key, [threat_lists] {setting} = "env:…"')
                for name, setting in without_key.items()
            ),
        ),
        found=bool(listed),
        data={
            "ip": ip,
            "lists": [{"name": name, **asdict(answer)} for name, answer in known.items()],
            "could_not_ask": unread,
            "not_asked": sorted(without_key),
        },
    )


def _headline(asked: list[str], listed: list[str]) -> str:
    if listed:
        return f"reported on {' and '.join(listed)}"
    return f"not reported on {' or '.join(asked)}, which does not clear it" if asked else "no address for any list"


def _words(answer: Reputation) -> str:
    return f"{answer.words}; last {answer.last_seen}" if answer.last_seen else answer.words
