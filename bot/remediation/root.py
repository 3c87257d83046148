"""The root user: what no policy and no button binds, and what people do instead."""

from __future__ import annotations

from bot.by_hand import typed
from bot.model import Refusal

TASK = "arn=arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
"""The task policy with which AssumeRoot may delete a member account's root credentials (STS API, AssumeRoot)."""


def root_refusal(account: str, organisation_account: str, key: str | None = None) -> Refusal:
    """The human path for ``account``'s root user, and for its access ``key`` where one is known.

    ``organisation_account`` is that of AWS Organizations, empty where none is configured: for its member accounts the
    credentials can be taken away without the root user's password.
    """
    what = f"{key} belongs to the root user of account {account}" if key else f"This is the root user of {account}"
    then = (
        "Then change the root password, check its MFA devices and the account's alternate contacts, and open a case "
        "with AWS Support."
    )
    if organisation_account and organisation_account != account:
        return Refusal(
            f"{what}: no policy of the account binds it, and the bot does not touch it. From account "
            f"{organisation_account}, with central root access enabled, take a root session for this one task (the STS "
            "endpoint must be a Regional one), look at its keys, and delete them with the credentials it returns; "
            f"there is no way back. {then}",
            _task(account, key),
            task=f"Take the root user's credentials of account {account} away",
        )
    return Refusal(
        f"{what}: only the root user can change that, signed in to the console under Security credentials: "
        f"deactivate, then delete its access keys. {then}",
        task=f"Take the root user's credentials of account {account} away",
    )


def _task(account: str, key: str | None) -> tuple[str, ...]:
    session = ("sts", "assume-root", "--region", "us-east-1", "--target-principal", account, "--task-policy-arn", TASK)
    delete = ("iam", "delete-access-key", "--access-key-id", key or "AKIA…")
    return (typed(*session), typed("iam", "list-access-keys"), typed(*delete))
