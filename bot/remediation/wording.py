"""What went wrong, in sentences someone can act on."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Fault, NoWayIn, fault
from bot.remediation.base import State

AwsError = (ClientError, BotoCoreError, NoWayIn)
"""Everything a remediation may raise when AWS cannot be read or changed."""

MEANINGS = {
    Fault.DENIED: "the bot's role lacks that permission there (`triage permissions`), or there is no such thing there",
    Fault.MISSING: "it does not exist there, or no longer belongs to that user",
    Fault.THROTTLED: "too many requests at the moment; try again shortly",
    Fault.BUSY: "it is still being changed; try again shortly",
    Fault.FULL: "a quota of AWS is full",
    Fault.CREDENTIALS: "the bot's own AWS credentials are not valid; renew them",
    Fault.REFUSED: "AWS did not accept the request",
    Fault.NOT_SENT: "AWS could not be reached; check the network and the bot's credentials",
    Fault.LOST: "AWS did not answer",
}


def more_people(count: int) -> str:
    """So many people who must still approve."""
    return "1 more person" if count == 1 else f"{count} more people"


def why(error: Exception) -> str:
    """One sentence, without its full stop, for what AWS or the way there said."""
    if isinstance(error, NoWayIn):
        return str(error).rstrip(".")
    if not isinstance(error, (ClientError, BotoCoreError)):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "an error")
        if error.operation_name == "AssumeRole" and fault(error) is Fault.DENIED:
            return "The bot may not assume its role there: check the role's trust policy and [aws] external_id"
        meaning = MEANINGS[fault(error)] if fault(error) is not Fault.LOST else "an error inside AWS"
        return f"AWS answered {error.operation_name} with {code}: {meaning}"
    meaning = MEANINGS[fault(error)]
    return f"{meaning[0].upper()}{meaning[1:]} ({type(error).__name__})"


def by_hand(commands: tuple[str, ...]) -> str:
    """The commands for a person, at the end of a sentence about a change that did not happen."""
    return f" By hand: {' && '.join(commands)}" if commands else ""


def described(state: State) -> str:
    """A state in a few words."""
    return ", ".join(f"{name} {value}" for name, value in state.items()) or "gone"
