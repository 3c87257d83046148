"""Whom enrichers may ask outside the history, as far as the settings name a way: settings -> clients -> ports."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from bot.aws import Aws, AwsSettings
from bot.config.secret_ref import MissingSecret
from bot.config.settings import Settings
from bot.github import GithubCodeSearch
from bot.history.evidence import Fetch
from bot.iam import AwsIam
from bot.ipdata.origin import known_asns
from bot.ipdata.whois import KEPT_FOR, WhoisRegistries
from bot.kept import Kept
from bot.made.looking import AwsLooking, Looking
from bot.model import CodeSearch, Iam, Registries, Statistics, ThreatLists
from bot.statistics import AwsStatistics
from bot.threat_lists import WebThreatLists
from bot.trail import object_reader


@dataclass(frozen=True, slots=True)
class Outside:
    """Everybody who may be asked; ``None``: there is no way to ask, and the enricher says with what there would be."""

    iam: Iam | None = None
    statistics: Statistics | None = None
    registries: Registries | None = None
    code_search: CodeSearch | None = None
    threat_lists: ThreatLists | None = None
    objects: Fetch | None = None
    """What reads a log again in its bucket."""
    looking: Callable[[], Looking] | None = None
    """Who says what is left of made things; anew for each sweep."""


def aws_of(settings: Settings, environ: Mapping[str, str], clock: Callable[[], datetime]) -> Aws:
    """The AWS clients the settings allow. Raises ``MissingSecret``."""
    table = settings.aws
    external_id = table.external_id.read(environ) if table.external_id else None
    return Aws(replace(_roles(settings), external_id=external_id), clock)


def aws_at_hand(settings: Settings, environ: Mapping[str, str], clock: Callable[[], datetime]) -> Aws:
    """The same for what asks AWS nothing, on a machine that may lack the secret: whoever asks after all is told so."""
    try:
        return aws_of(settings, environ, clock)
    except MissingSecret as error:
        return Aws(replace(_roles(settings), barred=f"[aws] external_id cannot be read: {error}."), clock)


def _roles(settings: Settings) -> AwsSettings:
    table = settings.aws
    environments = [settings.environment(name) for name in settings.environments]
    partitions = {account: each.partition for each in environments for account in each.accounts}
    roles = table.read_role or None, table.act_role or None
    third = table.roles_role or None
    return AwsSettings(*roles, region=table.region, partitions=partitions, roles_role=third)


def outside_of(settings: Settings, aws: Aws, environ: Mapping[str, str], clock: Callable[[], datetime]) -> Outside:
    """For a bot that serves. Raises ``MissingSecret``."""
    web = Outside(
        registries=registries_of(settings, clock),
        code_search=_code_search(settings, environ, clock),
        threat_lists=_threat_lists(settings, environ, clock),
    )
    return _in_aws(web, settings, aws, clock)


def registries_of(settings: Settings, clock: Callable[[], datetime]) -> Registries | None:
    """The registries of addresses, where the settings let addresses leave the machine."""
    folder = settings.ipdata.path
    if not settings.ipdata.whois:
        return None
    return WhoisRegistries(Kept(folder / "registries", KEPT_FOR), clock, known_asns(folder))


def outside_at_hand(
    settings: Settings, clock: Callable[[], datetime], environ: Mapping[str, str] = os.environ
) -> Outside:
    """For a look from a terminal: nobody is asked for whom a secret is missing, as on an analyst's laptop."""
    found = Outside(registries=registries_of(settings, clock))
    with suppress(MissingSecret):
        found = _in_aws(found, settings, aws_of(settings, environ, clock), clock)
    with suppress(MissingSecret):
        found = replace(found, code_search=_code_search(settings, environ, clock))
    with suppress(MissingSecret):
        found = replace(found, threat_lists=_threat_lists(settings, environ, clock))
    return found


def _in_aws(others: Outside, settings: Settings, aws: Aws, clock: Callable[[], datetime]) -> Outside:
    """AWS is asked where a reading role is named: without one, each question would wait for credentials."""
    if not settings.aws.read_role:
        return others
    return replace(
        others,
        iam=AwsIam(aws),
        statistics=AwsStatistics(aws, clock),
        objects=object_reader(settings, aws),
        looking=lambda: AwsLooking(aws, clock),
    )


def _code_search(settings: Settings, environ: Mapping[str, str], clock: Callable[[], datetime]) -> CodeSearch | None:
    table = settings.exposure
    return GithubCodeSearch(table.github_token.read(environ), clock, table.github_url) if table.github_token else None


def _threat_lists(settings: Settings, environ: Mapping[str, str], clock: Callable[[], datetime]) -> ThreatLists | None:
    table = settings.threat_lists
    keys = {name: secret.read(environ) for name, secret in table.secrets()}
    folder = settings.ipdata.path / "threat_lists"
    return WebThreatLists(keys, clock, folder, addresses=table.addresses()) if keys else None
