"""The pictures of a scope as files for the thread. Nothing waits for them: a picture that fails is not there."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import structlog

from bot.charts import Picture, pictures_of
from bot.model import Scope

log = structlog.get_logger()

ALONE = 2
"""Keys from which on a picture says more than the words beside it."""


def files_of(scope: Scope | None) -> list[dict[str, Any]]:
    """What the outbox keeps of each picture of ``scope``; empty where there is nothing to draw."""
    if scope is None or len(scope.confirmed) < ALONE:
        return []
    try:
        return [_file(picture) for picture in pictures_of(scope)]
    except Exception:
        log.exception("the pictures of a scope could not be drawn; the case goes on without them")
        return []


def _file(picture: Picture) -> dict[str, Any]:
    """The name holds a digest, by which a picture of a lost answer is found again."""
    digest = hashlib.sha256(picture.png).hexdigest()[:12]
    return {
        "filename": f"{picture.name}-{digest}.png",
        "title": picture.title,
        "alt_txt": picture.alt,
        "content": base64.b64encode(picture.png).decode(),
    }
