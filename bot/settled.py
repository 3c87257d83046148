"""Settings in the words of those who work by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.access import AccessRules, Directory
from bot.config.settings import Settings
from bot.config.settings import Source as SourceTable
from bot.intake import shipped
from bot.intake.source import Source
from bot.ipdata import LocalAddressData
from bot.ipdata.plevin_package import plevin_at_hand
from bot.ipdata.update import update
from bot.ipdata.upkeep import Upkeep
from bot.model import (
    Alert,
    Environment,
    Kind,
    Observable,
    Operation,
    account_of,
)
from bot.paging import Pager, pager
from bot.remediation.arming import is_armed
from bot.remediation.planning import RemediationSettings


def environment_of(settings: Settings, alert: Alert, subject: Observable | None = None) -> Environment:
    """The environment an alert belongs to, by its source, the account of its ``subject``, or an account in it.

    One alert may name keys of two customers: each goes to its own.
    """
    known = {account for table in settings.environments.values() for account in table.accounts}
    if subject is not None and subject.kind is Kind.ACCESS_KEY:
        others = tuple(each for each in alert.observables if each.kind is not Kind.ACCESS_KEY)
        alert = replace(alert, observables=(*others, subject))
    accounts = (account for account in (_account_of(subject), *accounts_of(alert)) if account in known)
    return settings.environment_of(next(accounts, None), alert.source)


def _account_of(subject: Observable | None) -> str | None:
    """The account of a key, as its id says it, or of a principal."""
    match subject:
        case Observable(Kind.ACCESS_KEY, key):
            return account_of(key)
        case Observable(Kind.PRINCIPAL, principal):
            return principal.partition(":")[0]
    return None


def accounts_of(alert: Alert) -> Iterator[str]:
    """The accounts an alert tells of: named, of the caller, of a principal, encoded in a key id; in that order."""
    yield from (each.value for each in alert.observables if each.kind is Kind.ACCOUNT)
    yield from (call.account for call in alert.calls if call.account)
    yield from (each.value.partition(":")[0] for each in alert.observables if each.kind is Kind.PRINCIPAL)
    keys = (account_of(each.value) for each in alert.observables if each.kind is Kind.ACCESS_KEY)
    yield from (account for account in keys if account)


def sources_of(settings: Settings) -> dict[str, Source]:
    """Who may send alerts, in the words of the intake."""
    return {name: _source(name, table) for name, table in settings.sources.items()}


def source_of_kind(name: str, kind: str) -> Source:
    """A source that is known by nothing but what it sends."""
    product = shipped.mapping(kind)
    return Source(name, kind, mapping=product.fields, each=product.each)


def _source(name: str, table: SourceTable) -> Source:
    product = shipped.mapping(table.kind)
    return Source(name, table.kind, table.fields.mapped(), product.fields, table.each or product.each)


def access_of(settings: Settings, directory: Directory | None = None) -> AccessRules:
    """``[access]`` in the words of ``bot.access``."""
    named = {operation: frozenset(getattr(settings.access, operation.value)) for operation in Operation}
    return AccessRules(named, dict(settings.access.people), directory)


def address_data_of(settings: Settings) -> LocalAddressData:
    """Where addresses come from, from what is on this machine. Raises ``AddressDataUnreadable``."""
    plevin = plevin_at_hand() if settings.ipdata.plevin else None
    return LocalAddressData(settings.ipdata.mmdb, settings.ipdata.path, [plevin] if plevin is not None else ())


def upkeep_of(settings: Settings, clock: Callable[[], datetime]) -> Upkeep:
    """The address data's upkeep, as often as the settings say."""
    table = settings.ipdata
    return Upkeep(table.update_hours, lambda: update(table.path, clock, mirror=table.mirror), clock)


def remediation_settings_of(settings: Settings) -> RemediationSettings:
    """``[remediation]``, and whom the environments protect, in the words of ``bot.remediation``."""
    return RemediationSettings(
        timedelta(minutes=settings.remediation.expiry_minutes),
        dict(settings.remediation.approvers),
        lambda account, principal: settings.environment_of(account).is_protected(principal),
        lambda db, account: not is_armed(db, settings.environment_of(account).name),
        frozenset(settings.remediation.drill.canaries),
        is_ours=lambda account: is_ours(settings, account),
    )


def is_ours(settings: Settings, account: str) -> bool:
    """Whether an account is one of the environments'; where none of them names any, every account is."""
    named = {each for table in settings.environments.values() for each in table.accounts}
    return not named or account in named


def accounts_by_environment(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The accounts of each environment."""
    return {name: tuple(table.accounts) for name, table in settings.environments.items()} or {"default": ()}


def pager_of(settings: Settings, environ: Mapping[str, str]) -> Pager | None:
    """What calls whoever is on call, if a service is named. Raises ``MissingSecret``."""
    table = settings.on_call
    return pager(table.service, table.key.read(environ), table.url) if table.service else None


def channels_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The channels that cards go to, each with the environments it hears of."""
    found: dict[str, list[str]] = {}
    for name in (*settings.environments, "default"):
        found.setdefault(settings.environment(name).channel, []).append(name)
    return {channel: tuple(dict.fromkeys(names)) for channel, names in found.items()}
