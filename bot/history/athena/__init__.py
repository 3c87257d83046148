"""CloudTrail's logs in S3, asked through Amazon Athena."""

from bot.history.athena.history import AthenaHistory
from bot.history.athena.queries import PERMISSIONS, AthenaSettings, Timing

__all__ = ("PERMISSIONS", "AthenaHistory", "AthenaSettings", "Timing")
