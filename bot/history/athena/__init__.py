"""CloudTrail's logs in S3, asked through Amazon Athena."""

from bot.history.athena.history import AthenaHistory
from bot.history.athena.queries import CATALOGUE, PERMISSIONS, RESULTS, AthenaSettings, Timing

__all__ = ("CATALOGUE", "PERMISSIONS", "RESULTS", "AthenaHistory", "AthenaSettings", "Timing")
