"""Which calls make, change or give out something: a table for what is known, and the verb of the call for the rest."""

from __future__ import annotations

import re

from bot.made import kinds
from bot.made.kinds import MadeKind
from bot.model import Event, Outcome

KINDS = tuple(each for each in vars(kinds).values() if isinstance(each, MadeKind))
_KIND_OF = {call: kind for kind in KINDS for call in kind.calls}
_CHANGES = re.compile(
    r"(?:Accept|Add|Allocate|Associate|Attach|Authorize|Change|Copy|Create|Deactivate|Delete|Deregister|Detach|Disable|"
    r"Disassociate|Enable|Import|Leave|Modify|Purchase|Put|Register|Remove|Replace|Request|Reset|Restore|Revoke|Run|Set|"
    r"Share|Start|Stop|Terminate|Update|Upload)(?=[A-Z])"
)
"""How the names of calls begin that change something which stays; sending, publishing and invoking leave nothing."""
_READS = frozenset({"logs:StartQuery", "logs:StopQuery", "athena:StartQueryExecution", "athena:StopQueryExecution"})


def kind_of(event: Event) -> MadeKind | None:
    """What ``event`` made, changed or gave out; ``None`` if nothing, or nothing that CloudTrail says was answered."""
    if event.outcome is not Outcome.OK or event.by_service:
        return None
    known = _KIND_OF.get(event.name)
    if known is not None:
        return known
    if event.minted is not None:
        return kinds.SESSION
    changes = event.name not in _READS and _CHANGES.match(event.name.partition(":")[2])
    return kinds.OTHER if changes else None


def is_durable(kind: MadeKind) -> bool:
    """Whether it tells something even of a call that the owner may have made: users and rights do, sessions do not."""
    return kind not in {kinds.SESSION, kinds.OTHER}
