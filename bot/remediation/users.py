"""IAM users as targets: what several remediations ask of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bot.model import rfc3339

if TYPE_CHECKING:
    from mypy_boto3_iam.client import IAMClient


def user_arns(partition: str, account: str, user: str) -> tuple[str, ...]:
    """A user's ARN as patterns: it holds the user's path, which most calls do not return."""
    users = f"arn:{partition}:iam::{account}:user"
    return (f"{users}/{user}", f"{users}/*/{user}")


def new_keys(iam: IAMClient, user: str, since: datetime) -> tuple[str, ...]:
    """A sentence for each access key of ``user`` that was made after ``since``."""
    pages = iam.get_paginator("list_access_keys").paginate(UserName=user)
    keys = [key for page in pages for key in page["AccessKeyMetadata"] if key["CreateDate"] > since]
    return tuple(
        f"{user} has a new access key, {key['AccessKeyId']} ({key['Status'].lower()}), made at "
        f"{rfc3339(key['CreateDate'])}."
        for key in keys
    )
