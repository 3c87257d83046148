"""What one person is told, and nobody else sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.commands import HELP, HELP_ENDING
from bot.model import Actor, Alert, Kind, Operation, Refusal
from bot.slack.elements import Message, bullets, commands, message, paragraph


def say(sentence: str) -> Message:
    """A sentence."""
    return message(sentence, paragraph(sentence))


def usage() -> Message:
    """What ``/triage`` understands."""
    lines = [f"{written}: {meaning}" for written, meaning in HELP]
    return message("How to use /triage", paragraph("How to use /triage"), bullets(lines), paragraph(HELP_ENDING))


def refusal(refused: Refusal) -> Message:
    """Why nothing was done, and the commands a person can run instead."""
    return message(refused.sentence, paragraph(refused.sentence, 1500), commands(refused.commands))


def opened(cases: Sequence[tuple[int, bool]]) -> Message:
    """Which cases a request opened (``True``) or joined (``False``)."""
    numbered = [f"case #{number} {'opened' if new else 'joined: it was already open'}" for number, new in cases]
    sentence = "; ".join(numbered)
    return say(f"{sentence[:1].upper()}{sentence[1:]}. Its card is being updated." if sentence else "No case.")


def whoami(actor: Actor, rights: Mapping[Operation, str]) -> Message:
    """Who the person is to the bot, and a sentence for each right."""
    lines = [f"{operation.value}: {sentence}" for operation, sentence in rights.items()]
    name = f"You are {actor.name}, {actor.id}."
    return message(name, paragraph(name), bullets(lines))


def pointed_at(alert: Alert, opened: Sequence[int] | Refusal) -> Message:
    """What became of a message that a person wanted triaged."""
    if isinstance(opened, Refusal):
        return refusal(opened)
    kinds = {observable.kind for observable in alert.observables}
    found = bool(kinds & {Kind.ACCESS_KEY, Kind.PRINCIPAL, Kind.IP})
    numbers = ", ".join(f"#{number}" for number in opened)
    told = f"Case {numbers}: the card stands in this message's thread, or where the case already was."
    if not found:
        told = "No access key, user, role or public address was found in that message; the case in its thread says so."
    if alert.secrets_removed:
        told += (
            " The message holds a secret access key. It was not kept, but everybody here has seen it: treat it as "
            "public, disable the key, and delete the message."
        )
    return say(told)
