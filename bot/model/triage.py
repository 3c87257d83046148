"""A triage as a whole: everything known about one observable at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.enricher import Enrichment
from bot.model.event import Activity, Principal
from bot.model.history import Coverage
from bot.model.judgement import Assessment, Suggestion
from bot.model.observable import Observable
from bot.model.scope import Scope
from bot.model.times import Window


@dataclass(frozen=True, slots=True)
class Triage:
    """Everything known about one observable at one moment: what cards and JSON documents are made from."""

    observable: Observable
    window: Window
    searched: Coverage | None
    principal: Principal | None
    principals: tuple[tuple[str, int], ...]
    """For an address, client or event: who used it, with counts; empty for keys and principals."""
    activity: Activity
    enrichments: tuple[Enrichment, ...]
    assessment: Assessment
    suggested: tuple[Suggestion, ...]
    pending: tuple[str, ...] = ()
    """Questions still being asked; empty once the triage is complete."""
    news: str | None = None
    """When a case was asked again: at which moment, and what that changed."""
    scope: Scope | None = None
    """Every key in the same hands; ``None`` if nobody asked, or it could not be found out (then a gap says so)."""
    account_name: str | None = None
    """What people call the principal's account."""
    stated: tuple[str, ...] = ()
    """What the configuration says of the principal, in a few words each."""
    cost: str | None = None
    """What asking the history cost, in a sentence; ``None`` where it costs nothing."""
