"""The one place that builds Slack clients."""

from __future__ import annotations

import http.client
import logging

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

TIMEOUT_SECONDS = 10

FAULTS = (SlackClientError, OSError, http.client.HTTPException, ValueError)
"""Everything a call can raise: Slack said no, the network failed, or what answered was not Slack."""

logger = logging.getLogger("bot.slack.sdk")
"""What slack_sdk and Bolt log: warnings only, because on lower levels they write whole request bodies."""
logger.setLevel(logging.WARNING)


def web_client(
    token: str | None, api_url: str = "https://slack.com/api/", *, seconds: float = TIMEOUT_SECONDS
) -> WebClient:
    """A client that never sleeps: failures come back at once, and whoever called decides when to try again.
    After so many ``seconds`` without an answer it gives up."""
    base_url = api_url.rstrip("/") + "/"
    # slack_sdk says int and hands it to urllib, which takes parts of seconds.
    client = WebClient(token=token, base_url=base_url, timeout=seconds, retry_handlers=[], logger=logger)  # type: ignore[arg-type]
    # Without a proxy of its own the client asks urllib, which honours NO_PROXY; slack_sdk's own reading does not.
    client.proxy = None
    return client
