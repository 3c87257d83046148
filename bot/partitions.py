"""The partitions of AWS: separate worlds, each with credentials, ARNs and hosts of its own. Standard library only."""

from __future__ import annotations

import re

BEGINNINGS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
"""How regions outside of the standard partition are called (AWS General Reference, "AWS service endpoints")."""

GLOBAL_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where IAM lives and logs, by partition (botocore's endpoints.json, credential scope of ``iam``)."""

_ARN = re.compile(r"^arn:aws[a-z-]*:")


def partition_of(region: str) -> str:
    """The partition a region lies in."""
    return next((name for beginning, name in BEGINNINGS.items() if region.startswith(beginning)), "aws")


def in_partition(arn: str, partition: str) -> str:
    """``arn`` with ``partition`` for its own; what is no ARN of AWS as it is."""
    return _ARN.sub(f"arn:{partition}:", arn)
