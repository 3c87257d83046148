"""What the roles must be allowed: every call of the modules that look into AWS or change it, on as little as can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot import iam, statistics, topics
from bot.config.settings import Settings
from bot.evidence import iam as evidence
from bot.history import athena, bucket, lookup, queue
from bot.history.queue import QueueAddress, queue_address_of
from bot.made import sweeping
from bot.remediation import readiness, remediations
from bot.remediation.base import policy
from bot.remediation.offer import Offer, Organisation
from bot.trail import followed_queue

READING = iam.PERMISSIONS | evidence.PERMISSIONS | statistics.PERMISSIONS | readiness.PERMISSIONS | sweeping.PERMISSIONS
"""On everything, beside what remediations read."""
LOGS = bucket.PERMISSIONS
"""On the trail's own bucket."""
QUEUE = queue.PERMISSIONS
"""On the queue that is followed, where one is, and on those that bring alerts."""
TOPICS = topics.PERMISSIONS
"""On the topics that send alerts over HTTPS."""
ANY_BUCKET = "YOUR-TRAIL-BUCKET"
"""Stands where no bucket is configured: no bucket has a name in capitals, so it allows nothing as it is."""
ANY_RESULTS = "YOUR-ATHENA-RESULTS-BUCKET"
"""The same, for where the workgroup names the place of results."""


def offer_of(settings: Settings) -> Offer:
    """``[organisation]`` and ``[remediation]`` in the words of ``bot.remediation``."""
    organisation = Organisation(**settings.organisation.model_dump())
    table = settings.remediation
    return Offer(organisation, frozenset(table.enabled), table.sign_in, table.waf_ip_sets)


def offered_names(settings: Settings) -> frozenset[str]:
    """The remediations that can be carried out here: enabled, and configured where they need it."""
    offered = remediations(offer_of(settings))
    return frozenset(each.name for each in offered if each.permissions.act)


def acting_policy(settings: Settings, *, roles: bool = False) -> dict[str, Any]:
    """The least IAM policy document of the role that acts; ``roles``: of the optional third one."""
    partition = _partition(settings.aws.region)
    return policy(remediations(offer_of(settings)), act=True, roles=roles, partition=partition)


def reading_policy(settings: Settings) -> dict[str, Any]:
    """The least IAM policy document of the role that reads."""
    document = policy(remediations(offer_of(settings)), act=False, also=READING)
    return {**document, "Statement": [*document["Statement"], *_of_logs(settings)]}


def _of_logs(settings: Settings) -> Iterator[dict[str, Any]]:
    """Wherever CloudTrail's logs are read."""
    yield from _of_buckets(settings)
    yield from _of_queue(settings)
    yield from _of_sources(settings)
    if settings.history.remote == "athena":
        yield from _of_athena(settings)
    elif settings.history.remote == "lookup":
        yield _allowed(lookup.PERMISSIONS, "*")


def _of_athena(settings: Settings) -> Iterator[dict[str, Any]]:
    table = settings.history.athena
    region = table.region or settings.aws.region
    place = f"arn:{_partition(region)}:{{service}}:{region}:{settings.aws.log_account or '*'}:"
    glue = place.format(service="glue")
    yield _allowed(athena.PERMISSIONS, f"{place.format(service='athena')}workgroup/{table.workgroup}")
    named = [f"database/{table.database}", f"table/{table.database}/{table.table}"]
    yield _allowed(athena.CATALOGUE, *(glue + each for each in ("catalog", *named)))
    bucket_arn = f"arn:{_partition(region)}:s3:::{table.output.removeprefix('s3://').partition('/')[0] or ANY_RESULTS}"
    yield _allowed(athena.RESULTS, bucket_arn, f"{bucket_arn}/*")


def _allowed(actions: frozenset[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}


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
    return [{"Effect": "Allow", "Action": sorted(QUEUE), "Resource": _arn_of(where, region)}]


def _of_sources(settings: Settings) -> Iterator[dict[str, Any]]:
    """Wherever alerts are fetched, or must be subscribed to."""
    region = settings.aws.region
    queues = [queue_address_of(source.queue_url) for source in settings.sources.values() if source.queue_url]
    if arns := sorted({_arn_of(each, region) for each in queues if each}):
        yield _allowed(QUEUE, *arns)
    if arns := sorted({topic for source in settings.sources.values() for topic in source.topics}):
        yield _allowed(TOPICS, *arns)


def _arn_of(where: QueueAddress, region: str) -> str:
    return f"arn:{_partition(region)}:sqs:{where.region or region}:{where.account}:{where.name}"


def _partition(region: str) -> str:
    """``aws``, ``aws-cn`` or ``aws-us-gov``, by the names of their regions."""
    special = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    return next((name for start, name in special.items() if region.startswith(f"{start}-")), "aws")
