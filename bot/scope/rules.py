"""The weights and thresholds of scoping: ``scope.toml``, read and frozen."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SHIPPED = Path(__file__).parent / "scope.toml"

FIRST_LOOKS = frozenset({
    *("sts:GetCallerIdentity", "iam:GetUser", "iam:ListUsers", "iam:ListAccessKeys", "iam:GetAccountSummary"),
    *("iam:ListAccountAliases", "iam:GetAccountAuthorizationDetails", "iam:ListRoles"),
    *("iam:ListAttachedUserPolicies", "iam:ListUserPolicies", "ses:GetSendQuota", "ses:GetAccount"),
    *("ses:ListIdentities", "s3:ListBuckets", "sns:GetSMSAttributes", "bedrock:ListFoundationModels"),
})  # fmt: skip
"""What a thief asks in the first minute with a new key: who is it, and what is it worth."""


@dataclass(frozen=True, slots=True)
class Weights:
    attacker_address: float
    known_attacker_address: float
    hosting_network: float
    terminal: float
    offensive_client: float
    user_agent: float
    rare_event: float
    rare_events_at_most: float
    first_seen_overlap: float
    recon_together: float
    denied_first: float
    session_from_usual_place: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    confirm: float
    suspect: float
    overlap: float
    shared_address_principals: int
    rare_agent_principals: int
    explosion_principals: int
    rounds: int
    most_confirmed: int
    recon_minutes: int


@dataclass(frozen=True, slots=True)
class HabitRules:
    baseline_days: int
    widened_days: int
    familiar_days: int
    familiar_spread_days: int
    rare_share: float
    rare_at_most: int
    roaming_addresses: int
    roaming_days: int
    service_share_of_days: float
    service_clients: int
    thin_factor: float
    service_factor: float


@dataclass(frozen=True, slots=True)
class Rules:
    weights: Weights
    thresholds: Thresholds
    habits: HabitRules


@cache
def shipped() -> Rules:
    """The table that comes with the bot."""
    return load_rules(SHIPPED)


def load_rules(path: Path) -> Rules:
    """The table in ``path``. Raises ``OSError``, ``tomllib.TOMLDecodeError`` or ``TypeError`` (wrong keys)."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Rules(Weights(**table["weights"]), Thresholds(**table["thresholds"]), HabitRules(**table["habits"]))
