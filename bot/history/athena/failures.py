"""Athena's failures → sentences with what can be done about them.

The wording of ``StateChangeReason`` is Athena's own and has no codes for what matters most; the parts that are looked
for stand in "Troubleshooting in Athena" and "Set up data usage controls" of the Amazon Athena user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bot.aws import Fault, fault, in_words
from bot.model import HistoryUnavailableError
from bot.plain import clean, cut

if TYPE_CHECKING:
    from bot.history.athena.queries import AthenaSettings

_LONGEST = 120

_NO_ACCESS = (
    "Athena may not read the trail's bucket or write its result: give the reading role what `triage permissions` lists."
)
_REMEDIES = {
    "bytes scanned limit": (
        "Athena stopped the query at the limit of the workgroup {workgroup}: raise it, or ask about fewer days."
    ),
    "does not exist": (
        "Athena knows no table {table} in the database {database}: make it with deploy/athena/table.sql."
    ),
    "cannot be resolved": "Athena's table {table} lacks a column: make it anew with deploy/athena/table.sql.",
    "access denied": _NO_ACCESS,
    "permission denied": _NO_ACCESS,
    "exhausted resources": (
        "Athena ran out of memory for the query: ask about fewer days, or load them with `triage ingest`."
    ),
}


def unanswered(execution: dict[str, Any], settings: AthenaSettings) -> HistoryUnavailableError:
    """Why a query that has ended has no result."""
    status = execution["Status"]
    reason = clean(str(status.get("StateChangeReason") or status.get("AthenaError", {}).get("ErrorMessage") or ""))
    for mark, sentence in _REMEDIES.items():
        if mark in reason.lower():
            named = {"workgroup": settings.workgroup, "table": settings.table, "database": settings.database}
            return HistoryUnavailableError(sentence.format(**named))
    if status["State"] == "CANCELLED":
        return HistoryUnavailableError("Somebody stopped the query in Athena: ask again.")
    short = cut(reason, _LONGEST).rstrip(".") or "it gave no reason"
    return HistoryUnavailableError(f"Athena could not run the query: {short}.")


def refused(error: ClientError | BotoCoreError, workgroup: str) -> HistoryUnavailableError:
    """Why Athena took no call."""
    kind, what = fault(error), in_words(error)
    if kind is Fault.THROTTLED:
        return HistoryUnavailableError(f"Athena is asked too often just now ({what}): ask again in a minute.")
    if kind is Fault.DENIED:
        return HistoryUnavailableError(
            f"Athena may not be asked ({what}): give the reading role what `triage permissions` lists."
        )
    message = str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else ""
    if "workgroup" in message.lower() and "not found" in message.lower():
        return HistoryUnavailableError(
            f"Athena has no workgroup {workgroup}: make it with deploy/athena, or name another in [history.athena]."
        )
    if "output" in message.lower() and "location" in message.lower():
        return HistoryUnavailableError(
            f"Athena's workgroup {workgroup} has no place for results: set one, or [history.athena] output."
        )
    return HistoryUnavailableError(f"Athena could not be asked: {what}.")
