"""The process of the local AWS: MiniStack, for as long as whoever started it holds the other end of its stdin.

Started by :mod:`bot.demo.aws` as ``python -m bot.demo.ministack``, with MiniStack's own settings in the environment;
``MANAGEMENT_ACCOUNT`` and ``MEMBER_ACCOUNTS`` (comma-separated) give it an organisation.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from threading import Thread
from typing import Any

from ministack import app
from ministack.services import account, iam

from bot.demo.enforcement import enforce_more

_DENY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": "*"}]}
"""The text of the AWS-managed policy AWSDenyAll (AWS Managed Policy Reference), which MiniStack does not know."""

_CONTACT = {
    "AlternateContactType": "SECURITY",
    "Name": "ParcelHub Security Desk",
    "Title": "Incident response",
    "EmailAddress": "security@parcelhub.example",
    "PhoneNumber": "+49 30 5550100",
}
"""The account's security contact, which MiniStack does not keep."""


def main() -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    record = iam._make_aws_managed_record("AWSDenyAll", json.dumps(_DENY_ALL))
    iam._aws_managed_policies[record["Arn"]] = record
    account._DISPATCH["/getAlternateContact"] = _alternate_contact
    members = tuple(filter(None, os.environ.get("MEMBER_ACCOUNTS", "").split(",")))
    enforce_more(os.environ.get("MANAGEMENT_ACCOUNT", ""), members)
    app.main()


def _alternate_contact(_: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps({"AlternateContact": _CONTACT}).encode()


def _end_with_parent() -> None:
    """Whatever ended the parent has closed the pipe: there is nothing to save, and nobody else to clear up."""
    sys.stdin.buffer.read()
    shutil.rmtree(os.environ["STATE_DIR"], ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
