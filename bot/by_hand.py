"""Commands for a person to type: of the AWS CLI, quoted for a shell."""

from __future__ import annotations

import shlex


def typed(*words: str) -> str:
    """A command of the AWS CLI, quoted for a shell."""
    return shlex.join(["aws", *words])
