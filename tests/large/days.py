"""What the large organisation does on one day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from bot.demo.world.identifiers import make_id
from bot.history.address import classify
from bot.model import Event, Outcome, Principal
from tests.large.cast import HOMES, JOBS, OFFICES, RUNNERS, UNUSUAL, VPN, Cast, Machine, Person, client

LEASE_DAYS = 9
"""How long a home connection keeps its address."""
PRESENT, AT_HOME = 0.6, 0.4
UNUSUAL_CALL, REFUSED = 0.1, 0.02
TRAVELLING, BY_VPN = 0.002, 0.25
NEW_LAPTOP = 0.002
EXPLORING = 0.001
"""Looks around in what is new to him and is refused a handful of times."""
ROLES_TRIED = 0.001
"""Assumes roles in several accounts for the first time."""
GITHUB = "token.actions.githubusercontent.com"
_VENDORS_ACCOUNT = "998877665544"


class Day:
    """One day of a cast: ``events`` are in no order. ``number`` counts from 0, older days are negative."""

    def __init__(self, seed: int, cast: Cast, midnight: datetime, number: int) -> None:
        self.seed = seed
        self.cast = cast
        self.midnight = midnight
        self.number = number
        self._made = 0

    def events(self) -> Iterator[Event]:
        if self.midnight.weekday() < 5:
            for person in self.cast.people:
                rng = self._rng(person.name)
                if person.since <= self.number and (rng.random() < PRESENT or person.since == self.number):
                    yield from self._works(person, rng)
        for machine in self.cast.machines:
            yield from self._runs(machine, self._rng(machine.principal.id))
        if self.number % 61 == 49:
            yield from self._new_trails()

    def _rng(self, name: str) -> Random:
        return Random(f"{self.seed}/{self.number}/{name}")

    # ------------------------------------------------------------------------------------------ people

    def _works(self, person: Person, rng: Random) -> Iterator[Event]:
        ip = self._place(person, rng)
        laptop = "cli2 macos" if self._has_new_laptop(person) else rng.choice(list(person.clients))
        who = rng.choice(list(person.principals))
        key = person.key or make_id("ASIA", who.account or "", rng)
        at = self.midnight + timedelta(seconds=rng.randrange(7 * 3600, 16 * 3600))
        calls = rng.sample(list(person.habits), min(5, len(person.habits)))
        if rng.random() < UNUSUAL_CALL:
            calls.append(rng.choice(UNUSUAL))
        for call in calls:
            at += timedelta(seconds=rng.randint(1, 90))
            outcome = Outcome.DENIED if rng.random() < REFUSED else Outcome.OK
            yield self._event(call, at, key, who, ip, laptop, outcome)
        if rng.random() < EXPLORING and person.job != "office":
            yield from self._explores(at, key, who, ip, laptop, rng)
        if rng.random() < ROLES_TRIED and person.job != "office":
            yield from self._tries_roles(at, key, who, ip, laptop, rng)

    def _explores(self, at: datetime, key: str, who: Principal, ip: str, laptop: str, rng: Random) -> Iterator[Event]:
        services = rng.sample(sorted({call.partition(":")[0] for call in UNUSUAL}), 2)
        calls = [call for call in UNUSUAL if call.startswith(tuple(f"{service}:" for service in services))]
        for n, call in enumerate(rng.sample(calls, 6)):
            yield self._event(call, at + timedelta(seconds=40 * n), key, who, ip, laptop, Outcome.DENIED)

    def _tries_roles(
        self, at: datetime, key: str, who: Principal, ip: str, laptop: str, rng: Random
    ) -> Iterator[Event]:
        for n, account in enumerate(rng.sample(list(self.cast.accounts), 3)):
            minted = make_id("ASIA", account, rng)
            yield self._event("sts:AssumeRole", at + timedelta(minutes=n), key, who, ip, laptop, minted=minted)

    def _place(self, person: Person, rng: Random) -> str:
        if rng.random() < TRAVELLING:
            if rng.random() < BY_VPN:
                return f"{VPN}.{rng.randint(1, 254)}"
            return f"94.{rng.randint(100, 120)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
        if rng.random() < AT_HOME:
            lease = Random(f"{self.seed}/home/{person.name}/{(self.number + person.office) // LEASE_DAYS}")
            return f"{lease.choice(HOMES)}.{lease.randint(1, 254)}.{lease.randint(1, 254)}"
        return rng.choice(OFFICES[person.office])

    def _has_new_laptop(self, person: Person) -> bool:
        """From some day on, for most it is never."""
        given = Random(f"{self.seed}/laptop/{person.name}")
        return given.random() < NEW_LAPTOP * 60 and self.number >= given.randint(-30, 30)

    # ---------------------------------------------------------------------------------------- machines

    def _runs(self, machine: Machine, rng: Random) -> Iterator[Event]:
        if rng.random() * machine.every >= 1:
            return
        at = self.midnight + timedelta(seconds=rng.randrange(0, 23 * 3600))
        ip, key = machine.place, machine.key or make_id("ASIA", machine.principal.account or "", rng)
        account = machine.principal.account or ""
        if machine.shape == "runner":
            pool = rng.randrange(4000)
            ip = f"{RUNNERS[pool % 4]}.{pool // 250}.{pool % 250 + 1}"
            subject = Principal(f"web:{GITHUB}:{machine.name}", "WebIdentityUser", None, None)
            yield self._given(at, key, subject, ip, "WithWebIdentity", machine, account)
        elif machine.shape == "scanner":
            week = Random(f"{self.seed}/{machine.name}/{self.number // 4}")
            ip = f"{machine.place}.{week.randint(1, 254)}.{week.randint(1, 254)}"
            vendor = Principal(f"account:{_VENDORS_ACCOUNT}", "AWSAccount", None, _VENDORS_ACCOUNT)
            yield self._given(at, key, vendor, ip, "", machine, account)
        elif machine.shape == "workload":
            service = Principal("service:ecs-tasks.amazonaws.com", "AWSService", None, None)
            yield self._given(at, key, service, "ecs-tasks.amazonaws.com", "", machine, account)
        elif machine.shape == "terraform":
            hub = Random(f"{self.seed}/{self.number}/hub")
            hub_account = self.cast.accounts[0]
            at = self.midnight + timedelta(hours=10, seconds=rng.randrange(900))
            root = Principal(f"{hub_account}:role/terraform-hub", "AssumedRole", None, hub_account)
            parent = make_id("ASIA", hub_account, hub)
            yield self._event("sts:AssumeRole", at, parent, root, ip, machine.client, minted=key)
        for call in self._calls(machine, rng):
            at += timedelta(seconds=rng.randint(1, 20))
            yield self._event(call, at, key, machine.principal, ip, machine.client)

    def _calls(self, machine: Machine, rng: Random) -> Sequence[str]:
        job = JOBS[machine.job]
        return rng.sample(job, min(len(job), 4))

    def _new_trails(self) -> Iterator[Event]:
        """Terraform changes the trail of every account, which it never did before: one migration."""
        for n, machine in enumerate(each for each in self.cast.machines if each.shape == "terraform"):
            rng = self._rng(f"trail/{n}")
            account = machine.principal.account or ""
            hub_account = self.cast.accounts[0]
            root = Principal(f"{hub_account}:role/terraform-hub", "AssumedRole", None, hub_account)
            parent = make_id("ASIA", hub_account, self._rng("trails"))
            at, key = self.midnight + timedelta(hours=11, seconds=n), make_id("ASIA", account, rng)
            yield self._event("sts:AssumeRole", at, parent, root, machine.place, machine.client, minted=key)
            later = at + timedelta(seconds=20)
            yield self._event("cloudtrail:UpdateTrail", later, key, machine.principal, machine.place, machine.client)

    def _given(self, at: datetime, key: str, by: Principal, ip: str, how: str, machine: Machine, account: str) -> Event:
        return self._event(f"sts:AssumeRole{how}", at, None, by, ip, machine.client, minted=key, account=account)

    def _event(
        self,
        call: str,
        at: datetime,
        key: str | None,
        who: Principal,
        ip: str,
        client_name: str,
        outcome: Outcome = Outcome.OK,
        *,
        minted: str | None = None,
        account: str = "",
    ) -> Event:
        self._made += 1
        address, address_class = classify(ip)
        agent, family = client(client_name)
        return Event(
            id=f"{self.number}/{self._made}",
            at=at,
            name=call,
            outcome=outcome,
            error_code="AccessDenied" if outcome is Outcome.DENIED else None,
            key=key,
            principal=who,
            session=None,
            ip=address,
            address_class=address_class,
            user_agent=agent,
            family=family,
            region="eu-central-1",
            account=account or who.account or "",
            by_service=False,
            minted=minted,
        )
