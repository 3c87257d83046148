"""What one person is told, and nobody else sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.commands import HELP, HELP_ENDING
from bot.model import Actor, Operation, Refusal
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
