"""Who works in the large organisation, and with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from bot.demo.world.clients import CLIENTS
from bot.demo.world.identifiers import make_id
from bot.history.user_agent import family_of
from bot.model import Principal

OFFICES = (("217.91.32.18", "217.91.32.19"), ("62.154.200.7",))
NAT = ("18.184.77.21", "18.184.203.140", "3.121.9.14", "52.28.100.3")
"""The organisation's own exits in AWS."""
RUNNERS = ("20.55", "20.75", "52.150", "13.82")
HOMES = tuple(f"{first}.{second}" for first in (79, 84, 87, 88, 91) for second in range(128, 192))
VPN = "185.159.157"
"""Rented servers of a commercial VPN."""
SCANNERS = {"wiz": "34.76", "lacework": "52.36", "orca": "65.108"}
"""Vendors, and the network each calls from; the last rents servers of a hosting provider."""

JOBS = {
    "developer": (
        *("sts:GetCallerIdentity", "lambda:ListFunctions", "lambda:GetFunction", "logs:DescribeLogGroups"),
        *("logs:FilterLogEvents", "s3:ListBuckets", "dynamodb:DescribeTable", "sqs:GetQueueAttributes"),
        *("ecr:DescribeRepositories", "ssm:GetParameter", "cloudformation:DescribeStacks", "monitoring:GetMetricData"),
    ),
    "data": (
        *("athena:StartQueryExecution", "athena:GetQueryResults", "glue:GetTables", "glue:GetPartitions"),
        *("s3:ListBuckets", "kms:Decrypt", "redshift:DescribeClusters", "sts:GetCallerIdentity"),
    ),
    "platform": (
        *("ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "iam:ListRoles", "iam:GetRole", "iam:ListUsers"),
        *("eks:DescribeCluster", "autoscaling:DescribeAutoScalingGroups", "route53:ListHostedZones"),
        *("sts:GetCallerIdentity", "sts:AssumeRole", "rds:DescribeDBInstances", "kms:DescribeKey"),
    ),
    "office": (
        *("ec2:DescribeInstances", "monitoring:GetMetricData", "s3:ListBuckets", "health:DescribeEventAggregates"),
        *("ce:GetCostAndUsage", "support:DescribeCases", "logs:DescribeLogGroups", "iam:GetAccountSummary"),
    ),
    "mail": ("ses:ListIdentities", "ses:GetSendQuota", "sns:ListTopics", "monitoring:GetMetricData"),
    "deploy": (
        *("sts:GetCallerIdentity", "ecr:GetAuthorizationToken", "ecs:DescribeServices", "ecs:UpdateService"),
        *("cloudformation:DescribeStacks", "cloudformation:CreateChangeSet", "s3:ListBuckets"),
    ),
    "terraform": (
        *("sts:GetCallerIdentity", "ec2:DescribeVpcs", "ec2:DescribeSubnets", "iam:GetRole", "iam:ListRoles"),
        *("iam:ListAttachedRolePolicies", "s3:GetBucketPolicy", "kms:DescribeKey", "route53:ListHostedZones"),
    ),
    "scan": (
        *("sts:GetCallerIdentity", "iam:ListUsers", "iam:ListAccessKeys", "iam:GetAccountSummary", "iam:ListRoles"),
        *("s3:ListBuckets", "ec2:DescribeInstances", "rds:DescribeDBInstances", "guardduty:ListDetectors"),
    ),
    "worker": ("sqs:GetQueueAttributes", "ssm:GetParametersByPath", "secretsmanager:GetSecretValue"),
    "reporter": ("ses:GetSendQuota",),
}
UNUSUAL = tuple(
    f"{service}:{verb}{thing}"
    for service in [
        "ec2",
        "iam",
        "kms",
        "rds",
        "eks",
        "wafv2",
        "backup",
        "sns",
        "events",
        "elasticache",
        "organizations",
    ]
    for verb in ("Describe", "Get", "List", "Create", "Update", "Put")
    for thing in ("Policy", "Configuration", "Rule", "Target", "Snapshot")
)
"""What somebody does once in a while, and hardly anybody else ever."""


@cache
def client(name: str) -> tuple[str, str]:
    """User agent and family. Terminals and commands are left out: no detection here asks for them."""
    agent = CLIENTS[name].replace(" sid/{sid}", "").replace("{command}", "s3.ls")
    return agent, family_of(agent)


LAPTOPS = ("cli2 macos", "cli2 ubuntu", "cli2 windows", "boto3 macos", "terraform macos", "cli2 old macos")


@dataclass(frozen=True, slots=True)
class Person:
    """``principals`` are one in each account; ``key`` is the long-term key of an IAM user."""

    name: str
    job: str
    principals: Sequence[Principal]
    clients: Sequence[str]
    habits: Sequence[str]
    office: int
    key: str | None = None
    since: int = -400
    """The day from which on there is such a person."""


@dataclass(frozen=True, slots=True)
class Machine:
    """``shape`` tells how it gets its sessions; ``every`` how many days lie between two of its runs."""

    name: str
    shape: str
    principal: Principal
    job: str
    client: str
    place: str
    key: str | None = None
    every: int = 1


@dataclass(frozen=True, slots=True)
class Cast:
    accounts: Sequence[str]
    people: Sequence[Person]
    machines: Sequence[Machine]


def principal(account: str, kind: str, name: str) -> Principal:
    type_ = {"user": "IAMUser", "role": "AssumedRole", "sso": "AssumedRole"}[kind]
    return Principal(f"{account}:{kind}/{name}", type_, None, account)


def make_cast(seed: int, size: int, days: int) -> Cast:
    """About ``size`` principals; on each of ``days`` days one or two people are new."""
    rng = Random(f"{seed}/cast")
    accounts = [f"{rng.randrange(10**11, 10**12)}" for _ in range(max(3, size // 250))]
    hired = round(days * size / 4000)
    people = [_person(rng, accounts, n) for n in range(size * 22 // 100)]
    people += [_person(rng, accounts, 10**5 + n, since=n * days // max(hired, 1) - days) for n in range(hired)]
    people += [_iam_user(rng, accounts, n) for n in range(size * 6 // 100)]
    machines = [
        *(_runner(rng, accounts, n) for n in range(size * 9 // 100)),
        *(_terraform(each) for each in accounts),
        *(_scanner(each, vendor) for vendor in SCANNERS for each in accounts),
        *(_workload(rng, accounts, n) for n in range(size * 33 // 100)),
        *(_service_user(rng, accounts, n) for n in range(max(4, size * 2 // 100))),
    ]
    return Cast(accounts, people, machines)


def _person(rng: Random, accounts: Sequence[str], number: int, since: int = -400) -> Person:
    """Somebody with permission sets in one account or several."""
    name = f"person-{number}@large.example"
    job = rng.choice(("developer", "developer", "data", "platform", "office"))
    where = rng.sample(accounts, min(len(accounts), rng.choice((1, 1, 2, 3))))
    clients = ("browser windows",) if job == "office" else tuple(rng.sample(LAPTOPS, rng.choice((1, 2))))
    habits = (*JOBS[job], *rng.sample(UNUSUAL, 2))
    return Person(name, job, [principal(each, "sso", name) for each in where], clients, habits, number % 2, since=since)


def _iam_user(rng: Random, accounts: Sequence[str], number: int) -> Person:
    account, name = rng.choice(accounts), f"user-{number}"
    job = "mail" if number % 40 == 0 else rng.choice(("developer", "data", "platform"))
    key = make_id("AKIA", account, rng)
    clients = tuple(rng.sample(LAPTOPS, rng.choice((1, 2))))
    return Person(name, job, [principal(account, "user", name)], clients, JOBS[job], number % 2, key)


def _runner(rng: Random, accounts: Sequence[str], number: int) -> Machine:
    role = principal(rng.choice(accounts), "role", f"gha-{number}")
    return Machine(f"repo:large/app-{number}:ref:refs/heads/main", "runner", role, "deploy", "cli2 ubuntu", "", every=2)


def _terraform(account: str) -> Machine:
    return Machine(
        "terraform", "terraform", principal(account, "role", "terraform"), "terraform", "terraform linux", NAT[0]
    )


def _scanner(account: str, vendor: str) -> Machine:
    role = principal(account, "role", f"{vendor}-scanner")
    return Machine(vendor, "scanner", role, "scan", "boto3 linux", SCANNERS[vendor])


def _workload(rng: Random, accounts: Sequence[str], number: int) -> Machine:
    role = principal(rng.choice(accounts), "role", f"app-{number}")
    return Machine(f"app-{number}", "workload", role, "worker", "java linux", rng.choice(NAT))


def _service_user(rng: Random, accounts: Sequence[str], number: int) -> Machine:
    account, name = rng.choice(accounts), f"svc-{number}"
    job = "reporter" if number < 3 else "worker"
    who = principal(account, "user", name)
    return Machine(name, "user", who, job, "boto3 linux", rng.choice(NAT), make_id("AKIA", account, rng))
