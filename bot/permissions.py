"""What the reading role must be allowed: every call of the modules that look into AWS, on as little as can be named."""

from __future__ import annotations

from typing import Any

from bot import iam, statistics
from bot.config.settings import Settings
from bot.history import bucket
from bot.remediation import REMEDIATIONS
from bot.remediation.base import policy

READING = iam.PERMISSIONS | statistics.PERMISSIONS
"""On everything, beside what remediations read."""
LOGS = bucket.PERMISSIONS
"""On the trail's own bucket."""
ANY_BUCKET = "YOUR-TRAIL-BUCKET"
"""Stands where no bucket is configured: no bucket has a name in capitals, so it allows nothing as it is."""


def reading_policy(settings: Settings) -> dict[str, Any]:
    """The least IAM policy document of the role that reads."""
    document = policy(REMEDIATIONS, act=False, also=READING)
    return {**document, "Statement": [*document["Statement"], *_of_buckets(settings)]}


def _of_buckets(settings: Settings) -> list[dict[str, Any]]:
    names = settings.aws.log_buckets or (ANY_BUCKET,)
    arns = [f"arn:{_partition(settings.aws.region)}:s3:::{name}" for name in names]
    return [
        {"Effect": "Allow", "Action": sorted(LOGS - {"s3:GetObject"}), "Resource": arns},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{arn}/*" for arn in arns]},
    ]


def _partition(region: str) -> str:
    """``aws``, ``aws-cn`` or ``aws-us-gov``, by the names of their regions."""
    special = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    return next((name for start, name in special.items() if region.startswith(f"{start}-")), "aws")
