"""One customer or business unit, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase

from bot.model.event import Principal
from bot.model.usual import Correction
from bot.networks import inside

PARTITION = re.compile(r"arn:(aws[a-z-]{0,16}):")
PROTECTED_APPROVERS = 2
"""How many people other than who planned must approve a change to a protected principal, at least."""


@dataclass(frozen=True, slots=True)
class ApprovedTest:
    """A penetration test somebody approved. All three must fit: who, from where, and when (both ends inclusive)."""

    name: str
    keys: tuple[str, ...]
    principals: tuple[str, ...]
    """Patterns, as in :func:`named_by`. A test names keys, principals, or both."""
    networks: tuple[str, ...]
    since: datetime
    until: datetime

    def names(self, key: str | None, principal: str) -> bool:
        """Whether a key, or the principal behind it, is one of the test's."""
        return key in self.keys or named_by(self.principals, principal)

    def covers(self, ip: str | None, at: datetime) -> bool:
        """Whether a call comes from the test's addresses in its time."""
        return ip is not None and self.since <= at <= self.until and inside(ip, self.networks)


@dataclass(frozen=True, slots=True)
class Environment:
    """One customer or business unit."""

    name: str = "default"
    accounts: frozenset[str] = frozenset()
    """Empty: every account."""
    channel: str = ""
    on_call: str = ""
    """The id of the Slack user group that is called when something is grave; empty: nobody."""
    own_networks: tuple[str, ...] = ()
    usual_countries: tuple[str, ...] = ()
    usual_providers: tuple[str, ...] = ()
    """Whose addresses calls may come from, by name or ``AS…``: where our own servers and VPN exits are rented."""
    account_names: Mapping[str, str] = field(default_factory=dict)
    """What people call an account, by its id."""
    partition: str = "aws"
    """``aws``, ``aws-us-gov`` or ``aws-cn``: what ARNs begin with, and where IAM lives."""
    automation: tuple[str, ...] = ()
    """Patterns of principals that are service accounts or CI, as in :func:`named_by`."""
    protected: tuple[str, ...] = ()
    """Patterns of principals that nobody touches lightly: break-glass users, Control Tower's roles."""
    tests: tuple[ApprovedTest, ...] = ()
    people: tuple[str, ...] = ()
    """Patterns of principals that are no automation, whatever else says so: an analyst's word."""
    corrections: tuple[Correction, ...] = ()
    """What analysts said is usual here, or not; networks and machines are among the above already."""

    def is_automation(self, principal: Principal | str) -> bool:
        """Whether config, or an analyst, says that a principal (or its id) is a machine."""
        return named_by(self.automation, principal) and not self.is_person(principal)

    def is_person(self, principal: Principal | str) -> bool:
        """Whether an analyst says that a principal (or its id) is no machine, whatever its habits say."""
        return named_by(self.people, principal)

    def is_protected(self, principal: Principal | str) -> bool:
        """Whether config asks for special care with a principal (or its id)."""
        return named_by(self.protected, principal)

    def says_of(self, principal: Principal | None) -> tuple[str, ...]:
        """What people should know of a principal, in a few words each."""
        if principal is None:
            return ()
        machine = ("a service account or CI, as is known here",) if self.is_automation(principal) else ()
        return (
            *machine,
            *(("protected: a change to it takes particular care",) if self.is_protected(principal) else ()),
        )

    def account(self, id_: str) -> str:
        """An account as people read it: its name with the id, or the id alone."""
        return f"{self.account_names[id_]} ({id_})" if id_ in self.account_names else id_


def named_by(patterns: Iterable[str], principal: Principal | str) -> bool:
    """Whether a pattern fits a principal by its bare name, its id ``<account>:<kind>/<name>``, or its ARN.

    ``*`` stands for anything. A role's session ARN counts as the role's own.
    """
    known = Principal(principal, None, None, None) if isinstance(principal, str) else principal
    names = set(_names(known))
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _names(principal: Principal) -> Iterator[str]:
    yield principal.id
    account, _, resource = principal.id.partition(":")
    kind, _, name = resource.partition("/")
    # Other kinds have no name of their own: a federated one is picked by whoever asks for the session.
    if kind in {"user", "role", "sso"}:
        yield name
    if kind in {"user", "role"}:
        # An ARN is what the caller's account says; what does not look like one tells no partition.
        partition = PARTITION.match(principal.arn or "")
        yield f"arn:{partition[1] if partition else 'aws'}:iam::{account}:{resource}"
    if principal.arn:
        yield principal.arn
