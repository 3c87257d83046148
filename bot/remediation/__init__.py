"""Changes to the world: planned from reading AWS, approved by a person, made once, read back, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bot.remediation.base import Remediation
from bot.remediation.disable_access_key import DisableAccessKey
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.quarantine_user import QuarantineUser
from bot.remediation.reset_console_password import ResetConsolePassword
from bot.remediation.revoke_sessions import RevokeSessions


def _utc() -> datetime:
    return datetime.now(UTC)


def remediations(offer: Offer = PLAIN, clock: Callable[[], datetime] = _utc) -> tuple[Remediation, ...]:
    """Every change this installation offers."""
    known: tuple[Remediation, ...] = (
        DisableAccessKey(offer),
        QuarantineUser(offer),
        ResetConsolePassword(offer),
        RevokeSessions(offer, clock),
    )
    return tuple(each for each in known if offer.enabled is None or each.name in offer.enabled)


NAMES = tuple(remediation.name for remediation in remediations())
"""Every change there is."""
