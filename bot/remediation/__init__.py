"""Changes to the world: planned from reading AWS, approved by a person, made once, read back, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from bot.made.makings import Makings
from bot.remediation.base import Remediation
from bot.remediation.block_ip import BlockIp
from bot.remediation.block_ip_waf import BlockIpWaf
from bot.remediation.deny_sso_user import DenySsoUser
from bot.remediation.disable_access_key import DisableAccessKey
from bot.remediation.disable_created import DisableCreated
from bot.remediation.offer import PLAIN, Offer
from bot.remediation.organisation_deny import OrganisationDeny
from bot.remediation.pause_ses import PauseSes
from bot.remediation.quarantine_user import QuarantineUser
from bot.remediation.reset_console_password import ResetConsolePassword
from bot.remediation.revoke_sessions import RevokeSessions
from bot.remediation.usage import Usage


def _utc() -> datetime:
    return datetime.now(UTC)


def remediations(
    offer: Offer = PLAIN,
    clock: Callable[[], datetime] = _utc,
    usage: Usage | None = None,
    makings: Makings | None = None,
) -> tuple[Remediation, ...]:
    """Every change this installation offers.

    ``usage`` says who else uses an address, ``makings`` who made a thing.
    """
    usage, sessions = usage or Usage(clock), RevokeSessions(offer, clock)
    known: tuple[Remediation, ...] = (
        DisableAccessKey(offer),
        QuarantineUser(offer),
        ResetConsolePassword(offer),
        sessions,
        DenySsoUser(offer),
        BlockIp(offer, usage),
        BlockIpWaf(offer, usage),
        PauseSes(),
        DisableCreated(offer, sessions, makings or Makings(clock)),
        OrganisationDeny(offer),
    )
    return tuple(each for each in known if offer.enabled is None or each.name in offer.enabled)


NAMES = tuple(remediation.name for remediation in remediations())
"""Every change there is."""
