"""Logs: one JSON object a line on stderr, for people's log tools. Values are data, so nothing in them is markup."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def set_up(*, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send our logs and those of our libraries to ``stream`` (default: stderr) as JSON lines.

    Tracebacks are written without the values of local variables: a secret may be one of them.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # These write request bodies and headers, tokens among them, at INFO and DEBUG.
    for chatty in ("slack_bolt", "slack_sdk", "botocore", "boto3", "urllib3", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
