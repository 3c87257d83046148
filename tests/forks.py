"""Processes that start at once: forked from one that has everything imported and the service models of AWS read."""

from __future__ import annotations

import multiprocessing

from bot.config.settings import Settings

processes = multiprocessing.get_context("forkserver")
# What every start would import again. A process has one such server, so that this is said in one place.
processes.set_forkserver_preload(
    [
        *["tests.crash_runner", "bot.app", "pytest", "typer._adapters", "pydantic.type_adapter"],
        *["h11", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.auto"],
        *["uvicorn.protocols.websockets.auto", *(f"enrichers.{name}" for name in Settings().enrichers.enabled)],
        "tests.remediation.warm",
    ]
)
