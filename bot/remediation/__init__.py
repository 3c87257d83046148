"""Changes to the world: planned from reading AWS, approved by a person, made once, read back, and taken back."""

from bot.remediation.base import Remediation
from bot.remediation.disable_access_key import DisableAccessKey

REMEDIATIONS: tuple[Remediation, ...] = (DisableAccessKey(),)
"""Every change the bot offers."""
