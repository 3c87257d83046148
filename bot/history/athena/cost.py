"""What a triage has cost at Athena, in a sentence."""

from __future__ import annotations

import threading

LEAST_BILLED = 10_000_000
"""Bytes that a query is billed for at least ("Amazon Athena pricing")."""
_TERA = 10**12
_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


class Cost:
    """Adds up queries; safe from any thread. ``usd_per_tb`` is the price of what is read."""

    def __init__(self, usd_per_tb: float) -> None:
        self._price = usd_per_tb
        self._lock = threading.Lock()
        self._queries = self._reused = self._scanned = self._billed = 0

    def add(self, scanned: int, *, reused: bool) -> None:
        """A query that has read ``scanned`` bytes, or whose result was there already."""
        with self._lock:
            self._queries += 1
            self._reused += reused
            self._scanned += scanned
            self._billed += 0 if reused else max(scanned, LEAST_BILLED)

    def sentence(self) -> str | None:
        """``None`` if nothing was asked."""
        with self._lock:
            if not self._queries:
                return None
            queries = "1 query" if self._queries == 1 else f"{self._queries} queries"
            again = f", {self._reused} of them answered from an earlier result" if self._reused else ""
            usd = self._billed / _TERA * self._price
            price = "less than 0.01 USD" if usd < 0.01 else f"about {usd:.2f} USD"
            return f"Athena read {_amount(self._scanned)} in {queries}{again}: {price}."


def _amount(scanned: int) -> str:
    unit, size = next(((unit, size) for unit, size in _UNITS if scanned >= size), ("bytes", 1))
    return f"{scanned / size:.3g} {unit}" if size > 1 else f"{scanned} bytes"
