"""31 days of an ordinary organisation: people at desks and at home, machines, pipelines, services."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from bot.demo.world import cast
from bot.demo.world.cast import ACCOUNT, HOME_REGION, Machine, Person
from bot.demo.world.clients import CLIENTS, user_agent
from bot.demo.world.identifiers import make_id
from bot.demo.world.records import (
    Caller,
    Record,
    api_call,
    assume_role,
    console_identity,
    console_login,
    role_identity,
    user_identity,
)
from bot.demo.world.stage import DAY, HOUR, MINUTE, Made, Stage

_LEASE_DAYS = 12
"""How long a home connection keeps its address."""

_CONSOLE_JOBS = {"finance": "finance", "api": "api console"}
"""What people of these jobs look at in the console; the others look at everything."""


def ordinary(stage: Stage) -> Made:
    """Every ordinary record up to the last; the owners of the stolen keys stop a day before, theft.py goes on."""
    for person in cast.PEOPLE:
        yield from _within(stage, _person(stage, person), stage.at)
    for person in cast.API_TEAM:
        yield from _within(stage, _person(stage, person), stage.at - DAY - 1)
    for n, machine in enumerate(cast.MACHINES):
        yield from _within(stage, _machine(stage, machine, cast.NAT_GATEWAYS[n % 2]), stage.at)
    yield from _within(stage, _pipelines(stage), stage.at)
    yield from _within(stage, _mail_setup(stage), stage.at)


def _within(stage: Stage, made: Iterable[tuple[int, Record]], until: int) -> Made:
    return (entry for entry in made if stage.since <= entry[0] <= until)


def home_address(stage: Stage, name: str, day: int = 0) -> str:
    """Where ``name`` is at home, ``day`` days before the last. The owners of stolen keys never get a new address."""
    lease = 0 if name in cast.STOLEN_USERS else day // _LEASE_DAYS
    rng = stage.rng("home", name, str(lease))
    return f"{rng.choice(cast.HOME_NETWORKS)}.{rng.randint(1, 254)}.{rng.randint(1, 254)}"


def usual_address(stage: Stage, person: Person, day: int, rng: Random) -> str:
    if person.rented_server:
        return cast.RENTED_SERVER
    return rng.choice(cast.OFFICE) if rng.random() < 0.6 else home_address(stage, person.name, day)


# ------------------------------------------------------------------------------------------- people


def _person(stage: Stage, person: Person) -> Made:
    rng = stage.rng("person", person.name)
    for day in stage.working_days():
        present = rng.random() >= 0.08 or person in cast.API_TEAM
        if not present:
            continue
        ip = usual_address(stage, person, day, rng)
        if person.clients:
            yield from _desk_day(stage, person, day, ip, rng)
        if person.console and (not person.clients or rng.random() < 0.25):
            yield from _console_day(stage, person, day, ip, rng)


def _desk_day(stage: Stage, person: Person, day: int, ip: str, rng: Random) -> Made:
    for n in range(rng.randint(2, 3)):
        caller = desk_caller(stage, person.name, ip, second=person is cast.API_TEAM[0] and n > 0)
        at = _office_hour(stage, day, rng)
        refused = 0.04 if person.refused else 0.0
        calls = 3 if person is cast.API_TEAM[0] and n == 0 else rng.randint(4, 11)
        yield from stage.work(
            caller, rng.choice(person.clients), person.job, at=at, calls=calls, rng=rng, refused=refused
        )
    if person.admin and rng.random() < 0.3:
        yield from _admin_work(stage, person, ip, _office_hour(stage, day, rng), rng)


def desk_caller(stage: Stage, user: str, ip: str, *, second: bool = False) -> Caller:
    """``user`` with their long-term key, or the second of two."""
    key = stage.key(user, "second" if second else "first")
    return Caller(user_identity(ACCOUNT, user, stage.user_id(user), key.id), ip, "", ACCOUNT)


def _admin_work(stage: Stage, person: Person, ip: str, at: int, rng: Random) -> Made:
    own = desk_caller(stage, person.name, ip)
    role = cast.ADMIN_ROLE
    key = make_id("ASIA", ACCOUNT, rng)
    identity = role_identity(ACCOUNT, role, stage.role_id(role), session=person.name, key=key, since=at)
    agent = user_agent("cli2 macos", "sts:AssumeRole", f"{rng.getrandbits(48):012x}")
    yield at, assume_role(Caller(own.identity, ip, agent, ACCOUNT), at, HOME_REGION, rng, minted=identity)
    as_admin = Caller(identity, ip, "", ACCOUNT)
    yield from stage.work(as_admin, "cli2 macos", "platform", at=at + 2, calls=rng.randint(4, 9), rng=rng)


def _console_day(stage: Stage, person: Person, day: int, ip: str, rng: Random) -> Made:
    at = _office_hour(stage, day, rng)
    browser = person.console or ""
    identity = _console_identity(stage, person, at, rng)
    signed_in = {k: v for k, v in identity.items() if k != "accessKeyId"}
    mfa = "No" if person.sso else "Yes"
    yield at, console_login(Caller(signed_in, ip, CLIENTS[browser], ACCOUNT), at, "eu-north-1", rng, mfa=mfa)
    from_console = {"sessionCredentialFromConsole": "true"}
    for _ in range(rng.randint(2, 4)):
        at += rng.randint(20, 40 * MINUTE)
        proxied = rng.random() < 0.5
        where, client = ("AWS Internal", "") if proxied else (ip, browser)
        page = Caller(identity, where, "AWS Internal", ACCOUNT, from_console)
        job = _CONSOLE_JOBS.get(person.job, "console")
        yield from stage.work(page, client, job, at=at, calls=rng.randint(3, 8), rng=rng, pace=2)


def _console_identity(stage: Stage, person: Person, since: int, rng: Random) -> Record:
    key = make_id("ASIA", ACCOUNT, rng)
    if not person.sso:
        return console_identity(ACCOUNT, person.name, stage.user_id(person.name), key, since)
    role, session = cast.SSO_ROLE, f"{person.name}@parcelhub.example"
    path = f"/aws-reserved/sso.amazonaws.com/{HOME_REGION}/"
    return role_identity(ACCOUNT, role, stage.role_id(role), session=session, key=key, since=since, path=path)


def _office_hour(stage: Stage, day: int, rng: Random) -> int:
    return stage.midnight(day) + rng.randint(int(8.5 * HOUR), int(17.5 * HOUR))


def _mail_setup(stage: Stage) -> Made:
    """What the one person who looks after e-mail did when a new sending domain was set up."""
    rng = stage.rng("mail setup")
    person = next(person for person in cast.PEOPLE if person.job == "mail")
    caller = desk_caller(stage, person.name, cast.OFFICE[0])
    for day, call in ((16, "ses:VerifyDomainIdentity"), (16, "ses:GetIdentityDkimAttributes"), (9, "ses:GetSendQuota")):
        at = _office_hour(stage, day, rng)
        agent = user_agent("cli2 macos", call, f"{rng.getrandbits(48):012x}")
        yield at, api_call(Caller(caller.identity, caller.ip, agent, ACCOUNT), call, at, HOME_REGION, rng)


# ------------------------------------------------------------------------------- machines and pipelines


def _machine(stage: Stage, machine: Machine, gateway: str) -> Made:
    rng = stage.rng("machine", machine.name)
    period = machine.minutes * MINUTE
    shapes = {"user": _user_machine, "role": _role_machine, "linked": _linked_machine}
    for wake in range(stage.since + rng.randrange(period), stage.at + 1, period):
        at = wake + rng.randrange(60)
        yield from shapes[machine.shape](stage, machine, gateway, at, rng)


def _user_machine(stage: Stage, machine: Machine, gateway: str, at: int, rng: Random) -> Made:
    caller = desk_caller(stage, machine.name, gateway)
    yield from stage.work(caller, machine.client, machine.job, at=at, calls=machine.calls, rng=rng, pace=4)


def _role_machine(stage: Stage, machine: Machine, gateway: str, at: int, rng: Random) -> Made:
    since = at - (at - stage.since) % (12 * HOUR)
    lasting = stage.rng("session", machine.name, str(since))
    session = {"ec2": f"i-0{stage.rng('instance', machine.name).getrandbits(64):016x}", "lambda": machine.name}.get(
        machine.service, f"{lasting.getrandbits(128):032x}"
    )
    key = make_id("ASIA", ACCOUNT, lasting)
    identity = role_identity(ACCOUNT, machine.name, stage.role_id(machine.name), session=session, key=key, since=since)
    if at - since < machine.minutes * MINUTE:
        host = f"{machine.service}.amazonaws.com"
        service = Caller({"type": "AWSService", "invokedBy": host}, host, host, ACCOUNT)
        yield since, assume_role(service, since, HOME_REGION, rng, minted=identity)
    ip = f"3.120.{lasting.randint(1, 254)}.{lasting.randint(1, 254)}" if machine.service == "lambda" else gateway
    yield from stage.work(
        Caller(identity, ip, "", ACCOUNT), machine.client, machine.job, at=at, calls=machine.calls, rng=rng, pace=3
    )


def _linked_machine(stage: Stage, machine: Machine, _gateway: str, at: int, rng: Random) -> Made:
    host, role = f"{machine.service}.amazonaws.com", machine.name
    key = make_id("ASIA", ACCOUNT, rng)
    path = f"/aws-service-role/{host}/"
    identity = role_identity(
        ACCOUNT, role, stage.role_id(role), session=machine.service, key=key, since=at, path=path
    ) | {"invokedBy": host}
    yield from stage.work(
        Caller(identity, host, host, ACCOUNT), "", machine.job, at=at, calls=machine.calls, rng=rng, pace=3
    )


def _pipelines(stage: Stage) -> Made:
    rng = stage.rng("ci")
    for day in stage.working_days():
        for _ in range(rng.randint(4, 8)):
            yield from _deployment(stage, _office_hour(stage, day, rng), rng)
        for _ in range(rng.randint(1, 3)):
            runner = desk_caller(stage, cast.CI_USER, _runner_address(rng))
            yield from stage.work(
                runner, "boto3 linux", "deploy", at=_office_hour(stage, day, rng), calls=6, rng=rng, pace=8
            )


def _deployment(stage: Stage, at: int, rng: Random) -> Made:
    ip, repository, issuer = (
        _runner_address(rng),
        rng.choice(cast.CI_REPOSITORIES),
        "token.actions.githubusercontent.com",
    )
    web = {
        "type": "WebIdentityUser",
        "principalId": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}:sts.amazonaws.com:{repository}",
        "userName": repository,
        "identityProvider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}",
    }
    key = make_id("ASIA", ACCOUNT, rng)
    identity = role_identity(
        ACCOUNT, cast.CI_ROLE, stage.role_id(cast.CI_ROLE), session="GitHubActions", key=key, since=at
    )
    runner = Caller(web, ip, CLIENTS["boto3 linux"], ACCOUNT)
    yield at, assume_role(runner, at, HOME_REGION, rng, minted=identity, how="WithWebIdentity")
    deploying = Caller(identity, ip, "", ACCOUNT)
    yield from stage.work(deploying, "cli2 ubuntu", "deploy", at=at + 3, calls=rng.randint(5, 10), rng=rng, pace=20)


def _runner_address(rng: Random) -> str:
    return f"{rng.choice(cast.CI_NETWORKS)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"
