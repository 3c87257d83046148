"""References to secrets: configuration says where a secret stands, never what it is."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 64 * 1024
_IN_AWS = re.compile(r"[\w/+=.@:-]{1,2048}(?:#[\w.-]{1,256})?", re.ASCII)
"""A name or an ARN in Secrets Manager, and the member of the JSON object it holds, if it holds one."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class MissingSecret(Exception):
    """A secret cannot be read from where configuration says it stands; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret stands: ``env:NAME`` (or the file named by ``NAME_FILE``), ``file:/path``, or ``aws:NAME``.

    The last is a name or an ARN in AWS Secrets Manager; ``aws:NAME#member`` is one member of a JSON object there.
    """

    scheme: str
    place: str

    @classmethod
    def parse(cls, text: str) -> SecretRef:
        """Raises ``ValueError``, never with the text in it: somebody may have pasted the secret itself."""
        scheme, _, place = text.partition(":")
        if scheme == "env" and _VARIABLE.fullmatch(place):
            return cls(scheme, place)
        if scheme == "file" and place.strip():
            return cls(scheme, place)
        if scheme == "aws" and _IN_AWS.fullmatch(place):
            return cls(scheme, place)
        wanted = '"env:NAME", "file:/path" or "aws:NAME"'
        raise ValueError(f"must say where the secret stands, as {wanted}; a secret itself never does")

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}"

    def file(self, environ: Mapping[str, str]) -> Path | None:
        """The file the secret is read from; ``None`` if it comes from the environment itself."""
        if self.scheme == "file":
            return Path(self.place)
        if environ.get(self.place):
            return None
        named = environ.get(f"{self.place}_FILE")
        return Path(named) if named else None

    @property
    def far(self) -> bool:
        """Whether reading it asks somebody over the network."""
        return self.scheme == "aws"

    def read(self, environ: Mapping[str, str]) -> str:
        """The secret, without surrounding white space. Raises :class:`MissingSecret`."""
        if self.far:
            return _read_in_aws(self.place, environ)
        file = self.file(environ)
        secret = _read_file(file) if file else environ.get(self.place, "").strip()
        if not secret:
            where = f"the file {file} is empty" if file else f"{self.place} is not set"
            raise MissingSecret(f"{where}; {self._remedy(file)}")
        return secret

    def _remedy(self, file: Path | None) -> str:
        if file:
            return "write the secret into it"
        return f"set {self.place}, or {self.place}_FILE to a file that holds it"


def _read_in_aws(place: str, environ: Mapping[str, str]) -> str:
    from bot.aws import secret_value  # noqa: PLC0415 - boto3 costs more to import than most commands take

    name, _, member = place.partition("#")
    region = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 3 else ""
    region = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    value, why = secret_value(name, region)
    if why:
        raise MissingSecret(f"Secrets Manager did not give {name} in {region} ({why})")
    secret = (_member(value, member) if member else value).strip()
    if not secret:
        what = f'has no text under "{member}"' if member else "is empty"
        raise MissingSecret(f"{name} in Secrets Manager {what}; put the secret there")
    return secret


def _member(text: str, name: str) -> str:
    """The text under ``name`` of the JSON object ``text``; empty if there is none."""
    try:
        held = json.loads(text)
    except ValueError:
        return ""
    value = held.get(name) if isinstance(held, dict) else None
    return value if isinstance(value, str) else ""


def readable_by_everyone(file: Path) -> bool:
    """True if any user of this machine may read ``file``; False also where it cannot be looked at."""
    try:
        return bool(file.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):
        return False


def _read_file(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise MissingSecret(f"the file {file} is over {MAX_BYTES} bytes; a secret is one line")
        return content.decode().strip()
    except OSError as error:
        raise MissingSecret(
            f"the file {file} cannot be read ({error.strerror}); create it or correct its name"
        ) from error
    except ValueError as error:
        raise MissingSecret(f"the file {file} is not UTF-8 text; write the secret into it as one line") from error
