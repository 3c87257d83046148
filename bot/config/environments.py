"""``[environments.…]``: what each customer or business unit says of itself, and what of it cannot be meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import combinations
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.config.fields import Account, Country, KeyId, Moment, OwnNetwork, Principals, Provider, Table, TestedNetwork
from bot.history.address import classify
from bot.model import AddressClass, ApprovedTest, Environment, rfc3339
from bot.partitions import partition_of

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
LONGEST_TEST = timedelta(days=31)
"""A test that lasts longer is a standing exception in disguise."""

Name = Annotated[str, Field(pattern=NAME)]
Severity = Literal["error", "warning"]
Found = tuple[Severity, tuple[str, ...], str]
"""How bad, the key, and the sentence."""


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; say what people call the account")
    return value.strip()


class TestTable(Table):
    keys: tuple[KeyId, ...] = ()
    principals: tuple[Principals, ...] = ()
    networks: Annotated[tuple[TestedNetwork, ...], Field(min_length=1)]
    since: Moment
    until: Moment

    @model_validator(mode="after")
    def _is_somebodys(self) -> TestTable:
        if not self.keys and not self.principals:
            raise ValueError("names neither keys nor principals; a test is approved for those it uses, never for all")
        if self.since >= self.until:
            raise ValueError("ends before it begins; until must be later than since")
        return self


class EnvironmentTable(Table):
    accounts: tuple[Account, ...] = ()
    account_names: Mapping[Account, Annotated[str, AfterValidator(_words)]] = {}
    partition: Literal["", "aws", "aws-us-gov", "aws-cn"] = ""
    channel: str = ""
    on_call: str = ""
    own_networks: tuple[OwnNetwork, ...] = ()
    usual_countries: tuple[Country, ...] = ()
    usual_providers: tuple[Provider, ...] = ()
    automation: tuple[Principals, ...] = ()
    protected: tuple[Principals, ...] = ()
    tests: Mapping[Name, TestTable] = {}

    def environment(self, name: str, *, channel: str, on_call: str, region: str) -> Environment:
        """The environment ``name`` in the words of the bot: with ``channel``, and the partition of ``region``, if it
        names none of its own.
        """
        return Environment(
            name=name,
            accounts=frozenset(self.accounts),
            channel=self.channel or channel,
            on_call=self.on_call or on_call,
            own_networks=self.own_networks,
            usual_countries=self.usual_countries,
            usual_providers=self.usual_providers,
            account_names=dict(self.account_names),
            partition=self.partition or partition_of(region),
            automation=self.automation,
            protected=self.protected,
            tests=tuple(
                ApprovedTest(test, table.keys, table.principals, table.networks, table.since, table.until)
                for test, table in self.tests.items()
            ),
        )


def doubtful(
    environments: Mapping[str, EnvironmentTable], of_sources: Collection[str], region: str, at: datetime
) -> Iterator[Found]:
    """What is wrong between the tables, or doubtful at the moment ``at``.

    ``of_sources`` are the environments that sources name, ``region`` is the one of ``[aws]``.
    """
    yield from _accounts(environments)
    for name in environments.keys() - set(of_sources) - {"default"}:
        if not environments[name].accounts:
            sentence = "is empty, and no source names this environment: no alert will find it"
            yield "warning", ("environments", name, "accounts"), sentence
    yield from _networks(environments)
    for name, table in environments.items():
        yield from _names(name, table)
        yield from _tests(name, table, at)
        if table.partition not in {"", partition_of(region)}:
            sentence = (
                f'is "{table.partition}", but [aws] region {region} is in {partition_of(region)}: AWS is not asked '
                "about its accounts; run a second bot there"
            )
            yield "warning", ("environments", name, "partition"), sentence


def _accounts(environments: Mapping[str, EnvironmentTable]) -> Iterator[Found]:
    owners: dict[str, str] = {}
    for name, table in environments.items():
        for account in dict.fromkeys(table.accounts):
            owner = owners.setdefault(account, name)
            if owner != name:
                sentence = f"names {account}, which is in [environments.{owner}] already; an account has one"
                yield "error", ("environments", name, "accounts"), sentence


def _networks(environments: Mapping[str, EnvironmentTable]) -> Iterator[Found]:
    """Networks inside networks. Private ranges are everybody's, and an office two units share is named twice."""
    stated = [
        (name, ipaddress.ip_network(network))
        for name, table in environments.items()
        for network in table.own_networks
        if classify(network.split("/", 1)[0])[1] is AddressClass.PUBLIC
    ]
    for (one, first), (other, second) in combinations(stated, 2):
        if not first.overlaps(second) or (first == second and one != other):
            continue
        inner, outer = sorted((first, second), key=lambda each: -each.prefixlen)
        key = ("environments", other, "own_networks")
        if one == other:
            yield "warning", key, f"names {inner}, which {outer} holds already; leave one out"
        else:
            where = f"{second} and {first} of [environments.{one}]"
            yield "warning", key, f"overlap: {where}; whose are the addresses of {inner}?"


def _names(name: str, table: EnvironmentTable) -> Iterator[Found]:
    for account in table.account_names if table.accounts else ():
        if account not in table.accounts:
            sentence = f"is not one of [environments.{name}] accounts"
            yield "warning", ("environments", name, "account_names", account), sentence


def _tests(name: str, table: EnvironmentTable, at: datetime) -> Iterator[Found]:
    for test, window in table.tests.items():
        here = ("environments", name, "tests", test)
        if window.until < at:
            yield "warning", (*here, "until"), f"was {rfc3339(window.until)}: the test is over; take its table out"
        elif window.until - window.since > LONGEST_TEST:
            days = (window.until - window.since).days
            yield "warning", (*here, "until"), f"makes the test {days} days long; approve it month by month"
