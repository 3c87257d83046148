"""What the roles must be allowed: every call of the modules that look into AWS or change it, on as little as can be."""

from __future__ import annotations

from typing import Any

from bot import iam, statistics
from bot.config.settings import Settings
from bot.evidence import iam as evidence
from bot.history import bucket, queue
from bot.remediation import readiness, remediations
from bot.remediation.base import policy
from bot.remediation.offer import Offer, Organisation
from bot.trail import followed_queue

READING = iam.PERMISSIONS | evidence.PERMISSIONS | statistics.PERMISSIONS | readiness.PERMISSIONS
"""On everything, beside what remediations read."""
LOGS = bucket.PERMISSIONS
"""On the trail's own bucket."""
QUEUE = queue.PERMISSIONS
"""On the queue that is followed, where one is."""
ANY_BUCKET = "YOUR-TRAIL-BUCKET"
"""Stands where no bucket is configured: no bucket has a name in capitals, so it allows nothing as it is."""


def offer_of(settings: Settings) -> Offer:
    """``[organisation]`` and ``[remediation]`` in the words of ``bot.remediation``."""
    organisation = Organisation(**settings.organisation.model_dump())
    table = settings.remediation
    return Offer(organisation, frozenset(table.enabled), table.sign_in, table.waf_ip_sets)


def acting_policy(settings: Settings, *, roles: bool = False) -> dict[str, Any]:
    """The least IAM policy document of the role that acts; ``roles``: of the optional third one."""
    return policy(remediations(offer_of(settings)), act=True, roles=roles)


def reading_policy(settings: Settings) -> dict[str, Any]:
    """The least IAM policy document of the role that reads."""
    document = policy(remediations(offer_of(settings)), act=False, also=READING)
    return {**document, "Statement": [*document["Statement"], *_of_buckets(settings), *_of_queue(settings)]}


def _of_buckets(settings: Settings) -> list[dict[str, Any]]:
    names = settings.aws.log_buckets or (ANY_BUCKET,)
    arns = [f"arn:{_partition(settings.aws.region)}:s3:::{name}" for name in names]
    return [
        {"Effect": "Allow", "Action": sorted(LOGS - {"s3:GetObject"}), "Resource": arns},
        {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{arn}/*" for arn in arns]},
    ]


def _of_queue(settings: Settings) -> list[dict[str, Any]]:
    where, region = followed_queue(settings), settings.aws.region
    if where is None:
        return []
    arn = f"arn:{_partition(region)}:sqs:{where.region or region}:{where.account}:{where.name}"
    return [{"Effect": "Allow", "Action": sorted(QUEUE), "Resource": arn}]


def _partition(region: str) -> str:
    """``aws``, ``aws-cn`` or ``aws-us-gov``, by the names of their regions."""
    special = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    return next((name for start, name in special.items() if region.startswith(f"{start}-")), "aws")
