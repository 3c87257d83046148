"""The settings: every key of ``config.toml`` with its default. ``config.example.toml`` explains each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jmespath
from pydantic import AfterValidator, Field, PlainValidator, model_validator

from bot.config.environments import EnvironmentTable, Name
from bot.config.fields import KeyId, Table, matching
from bot.config.history import History, QueueUrl
from bot.config.organisation import Organisation
from bot.config.secret_ref import SecretRef
from bot.cron import parse_cron
from bot.intake import FORMS, shipped
from bot.model import Environment, Searching


def _reference(value: Any) -> SecretRef:
    if isinstance(value, SecretRef):
        return value
    return SecretRef.parse(value if isinstance(value, str) else "")


def _source_kind(value: str) -> str:
    known = ("auto", "generic", *FORMS, *shipped.names())
    if value not in known:
        raise ValueError(f"must be one of: {', '.join(known)}")
    return value


def _expression(value: str) -> str:
    try:
        jmespath.compile(value or "@")  # empty: not mapped
    except Exception:  # its lexer and parser raise a dozen kinds, all of them meaning this
        raise ValueError("is not a JMESPath expression; see https://jmespath.org/tutorial.html") from None
    return value


def _cron(value: str) -> str:
    if value:
        parse_cron(value)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'names no time zone this machine knows: {value!r}; as in "Europe/Berlin"') from None
    return value


LogAccount = Annotated[str, AfterValidator(matching(r"|\d{12}", "must be an account id of 12 digits, as a string"))]
BucketName = Annotated[
    str, AfterValidator(matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "must be the name of a bucket, without s3://"))
]
WebAddress = Annotated[
    str,
    AfterValidator(
        matching(r"|https?://[\w.:\[\]-]+(/[\w./~-]*)?", 'must be an address such as "https://lists.example.com/ip"')
    ),
]
TopicArn = Annotated[
    str,
    AfterValidator(
        matching(
            r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?",
            'must be the ARN of a topic such as "arn:aws:sns:eu-west-1:111122223333:alerts"',
        )
    ),
]
SourceKind = Annotated[str, AfterValidator(_source_kind)]
ListName = Annotated[
    str,
    AfterValidator(matching(r"|[\w-]+(\.[\w-]+)*", 'must name a list, such as "alerts" or "data.hits"')),
]
Secret = Annotated[SecretRef, PlainValidator(_reference)]
IpSet = Annotated[
    str,
    AfterValidator(
        matching(
            r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:(regional|global)/ipset/[\w-]+/[0-9a-f-]+",
            'must be the ARN of a WAFv2 IP set: "arn:aws:wafv2:eu-west-1:111122223333:regional/ipset/…"',
        )
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Expression = Annotated[str, AfterValidator(_expression)]
SlackPerson = Annotated[
    str,
    AfterValidator(
        matching(r"slack:[TE][A-Z0-9]+:[UW][A-Z0-9]+", 'must be a Slack person such as "slack:T0123ABCD:U0123ABCD"')
    ),
]
Allowed = Annotated[
    str,
    AfterValidator(
        matching(
            r"slack:[TE][A-Z0-9]+:[UWS][A-Z0-9]+|local:[^\s:]+",
            'must be "slack:<team>:<user>", "slack:<team>:<user group>" or "local:<os user>"',
        )
    ),
]
ServiceAddress = Annotated[
    str,
    AfterValidator(
        matching(
            r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:\d{1,5})?(/[\w./~-]*)?",
            'must be an https address such as "https://lists.example.com": a key goes there',
        )
    ),
]
GithubAddress = Annotated[
    str,
    AfterValidator(
        matching(
            r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:\d{1,5})?(/[\w./~-]*)?",
            'must be an https address such as "https://github.example.com/api/v3": a token goes there',
        )
    ),
]
GithubOrganisation = Annotated[
    str, AfterValidator(matching(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?", "must be an organisation's name"))
]
Word = Annotated[
    str, AfterValidator(matching(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}", 'must be a word such as "parcelhub.example"'))
]
Cron = Annotated[str, AfterValidator(_cron)]
Zone = Annotated[str, AfterValidator(_zone)]
PersonOrEmail = Annotated[
    str,
    AfterValidator(
        matching(
            r"[UW][A-Z0-9]{6,20}|[\w.%+-]+@[\w.-]+", 'must be a Slack id such as "U0123ABCD", or an e-mail address'
        )
    ),
]
UserGroup = Annotated[str, AfterValidator(matching(r"|S[A-Z0-9]+", 'must be a user group\'s id such as "S0123ABCD"'))]
RoleTemplate = Annotated[
    str,
    AfterValidator(
        matching(
            r"|arn:aws[a-z-]*:iam::(\{account\}|\d{12}):role/[\w+=,.@/-]+",
            'must be a role such as "arn:aws:iam::{account}:role/triage-read"',
        )
    ),
]


class Slack(Table):
    mode: Literal["socket", "http"] = "socket"
    channel: str = ""
    fallback_channel: str = ""
    on_call: UserGroup = ""
    bot_token: Secret = SecretRef("env", "SLACK_BOT_TOKEN")
    app_token: Secret = SecretRef("env", "SLACK_APP_TOKEN")
    signing_secret: Secret = SecretRef("env", "SLACK_SIGNING_SECRET")
    other_signing_secret: Secret | None = None
    api_url: str = "https://slack.com/api/"

    def secrets(self) -> Iterator[tuple[str, SecretRef]]:
        """The secrets this mode needs, by key."""
        yield "bot_token", self.bot_token
        if self.mode == "socket":
            yield "app_token", self.app_token
        else:
            yield "signing_secret", self.signing_secret
            if self.other_signing_secret:
                yield "other_signing_secret", self.other_signing_secret

    def signing_secrets(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """Those with which Slack may have signed: two while one is changed for the other. Raises ``MissingSecret``."""
        both = (self.signing_secret, self.other_signing_secret)
        return tuple(secret.read(environ) for secret in both if secret is not None)


class OnCall(Table):
    service: Literal["", "pagerduty", "opsgenie"] = ""
    key: Secret = SecretRef("env", "TRIAGE_ON_CALL_KEY")
    url: ServiceAddress | Literal[""] = ""


class Server(Table):
    host: str = "127.0.0.1"
    port: Port = 8080
    health_host: str = "127.0.0.1"
    health_port: Port = 8081

    @model_validator(mode="after")
    def _two_ports(self) -> Server:
        if self.port == self.health_port and self.host == self.health_host:
            raise ValueError("port and health_port must differ; health has its own port so that it can stay private")
        return self


class Store(Table):
    path: Path = Path("state.db")
    evidence: str = ""

    def evidence_folder(self) -> Path:
        """Where evidence stands: beside the state file, if nothing else is said."""
        return Path(self.evidence) if self.evidence else self.path.with_suffix(".evidence")


class Triage(Table):
    days: Annotated[int, Field(ge=2, le=90)] = 14
    recent_hours: Annotated[int, Field(ge=1, le=168)] = 24
    weights: str = ""

    @model_validator(mode="after")
    def _has_baseline(self) -> Triage:
        if self.recent_hours >= self.days * 24:
            raise ValueError("recent_hours must be shorter than days, or nothing is left to compare with")
        return self


class Detections(Table):
    minutes: Annotated[int, Field(ge=0, le=1440)] = 5


class Hunts(Table):
    playbooks: str = ""
    later: Cron = ""


class Enrichers(Table):
    enabled: tuple[str, ...] = (
        *("user_agents", "usual_ips", "denied_calls", "interesting_calls", "prevalence"),
        *("sessions", "playbooks", "enumeration"),
        *("ip_provider", "location", "shared_address", "threat_lists"),
        *("access_key", "principal", "owner", "quarantine", "impact", "exposure", "earlier_cases"),
    )


class IpData(Table):
    path: Path = Path("ipdata")
    mmdb: tuple[Path, ...] = ()
    update_hours: Annotated[int, Field(ge=0, le=720)] = 0
    mirror: WebAddress = ""
    plevin: bool = True
    whois: bool = False


class Exposure(Table):
    github_token: Secret | None = None
    github_url: GithubAddress = "https://api.github.com"
    organisations: tuple[GithubOrganisation, ...] = ()
    words: tuple[Word, ...] = ()
    send_key_ids: bool = False


class ThreatListsTable(Table):
    abuseipdb: Secret | None = None
    greynoise: Secret | None = None
    otx: Secret | None = None
    abuseipdb_url: ServiceAddress = "https://api.abuseipdb.com"
    greynoise_url: ServiceAddress = "https://api.greynoise.io"
    otx_url: ServiceAddress = "https://otx.alienvault.com"

    def secrets(self) -> Iterator[tuple[str, SecretRef]]:
        """The keys that are named, each with its setting."""
        named = {"abuseipdb": self.abuseipdb, "greynoise": self.greynoise, "otx": self.otx}
        yield from ((setting, secret) for setting, secret in named.items() if secret is not None)

    def addresses(self) -> Mapping[str, str]:
        """Where each list is asked, by the setting of its key."""
        return {"abuseipdb": self.abuseipdb_url, "greynoise": self.greynoise_url, "otx": self.otx_url}


class Aws(Table):
    region: str = "us-east-1"
    read_role: RoleTemplate = ""
    act_role: RoleTemplate = ""
    roles_role: RoleTemplate = ""
    external_id: Secret | None = None
    log_account: LogAccount = ""
    log_buckets: tuple[BucketName, ...] = ()


class Fields(Table):
    """Where a source's own alerts keep what a generic alert names, as JMESPath."""

    id: Expression = ""
    title: Expression = ""
    severity: Expression = ""
    time: Expression = ""
    access_key: Expression = ""
    principal: Expression = ""
    source_ip: Expression = ""
    user_agent: Expression = ""
    event: Expression = ""
    account: Expression = ""
    region: Expression = ""
    error_code: Expression = ""
    over: Expression = ""

    def mapped(self) -> Mapping[str, str]:
        """The fields that are mapped, and their expressions."""
        return {name: expression for name, expression in self.model_dump().items() if expression}


class Source(Table):
    kind: SourceKind = "auto"
    auth: Literal["hmac", "bearer", "api_key", "sns", "sqs"] = "hmac"
    secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)] = ()
    topics: Annotated[tuple[TopicArn, ...], Field(max_length=50)] = ()
    queue_url: QueueUrl = ""
    environment: str = ""
    each: ListName = ""
    fields: Fields = Fields()

    def lacking(self) -> str | None:
        """The key that its way in needs and that is not there."""
        needed = {"sns": ("topics", self.topics), "sqs": ("queue_url", self.queue_url)}
        key, value = needed.get(self.auth, ("secrets", self.secrets))
        return None if value else key

    def needless(self) -> tuple[str, ...]:
        """The keys of other ways in."""
        used = {"sns": "topics", "sqs": "queue_url"}.get(self.auth, "secrets")
        given = {"secrets": self.secrets, "topics": self.topics, "queue_url": self.queue_url}
        return tuple(key for key, value in given.items() if value and key != used)


class Access(Table):
    triage: tuple[Allowed, ...] = ()
    approve: tuple[Allowed, ...] = ()
    undo: tuple[Allowed, ...] = ()
    break_glass: tuple[Allowed, ...] = ()
    people: Mapping[str, SlackPerson] = {}


class DigestTable(Table):
    verdicts: tuple[Literal["low", "expected", "inconclusive", "suspicious"], ...] = ("low", "expected")
    hold_seconds: Annotated[int, Field(ge=0, le=60)] = 3
    daily: Cron = "0 8 * * *"
    weekly: Cron = "0 8 * * 1"
    zone: Zone = "UTC"


class Owners(Table):
    ask: bool = False
    hours: Annotated[int, Field(ge=1, le=72)] = 4
    tags: tuple[str, ...] = ("slack", "owner-email", "email", "owner-contact", "contact", "owner")
    people: Mapping[str, PersonOrEmail] = {}


class DrillTable(Table):
    days: Annotated[int, Field(ge=0, le=365)] = 0
    canaries: Mapping[KeyId, Secret] = {}


class Remediation(Table):
    enabled: tuple[str, ...] = (
        *("disable_access_key", "quarantine_user", "reset_console_password", "revoke_sessions", "deny_sso_user"),
        *("block_ip", "block_ip_waf", "pause_ses", "disable_created", "organisation_deny"),
    )
    sign_in: Literal["remove", "force_change"] = "remove"
    waf_ip_sets: tuple[IpSet, ...] = ()
    expiry_minutes: Annotated[int, Field(ge=1, le=1440)] = 30
    approvers: Mapping[str, Annotated[int, Field(ge=1, le=5)]] = {}
    drill: DrillTable = DrillTable()


class Settings(Table):
    """All settings, validated and frozen; secrets stand in it by reference only."""

    slack: Slack = Slack()
    on_call: OnCall = OnCall()
    server: Server = Server()
    store: Store = Store()
    history: History = History()
    triage: Triage = Triage()
    enrichers: Enrichers = Enrichers()
    detections: Detections = Detections()
    hunts: Hunts = Hunts()
    ipdata: IpData = IpData()
    exposure: Exposure = Exposure()
    threat_lists: ThreatListsTable = ThreatListsTable()
    aws: Aws = Aws()
    sources: Mapping[Name, Source] = {}
    environments: Mapping[Name, EnvironmentTable] = {}
    access: Access = Access()
    owners: Owners = Owners()
    digest: DigestTable = DigestTable()
    organisation: Organisation = Organisation()
    remediation: Remediation = Remediation()

    def secrets(self) -> Iterator[tuple[tuple[str, ...], SecretRef]]:
        """Every secret that serving needs, with the path of its key."""
        yield from ((("slack", key), ref) for key, ref in self.slack.secrets())
        if self.on_call.service:
            yield ("on_call", "key"), self.on_call.key
        if self.aws.external_id:
            yield ("aws", "external_id"), self.aws.external_id
        if self.exposure.github_token:
            yield ("exposure", "github_token"), self.exposure.github_token
        yield from ((("threat_lists", key), ref) for key, ref in self.threat_lists.secrets())
        canaries = self.remediation.drill.canaries
        yield from ((("remediation", "drill", "canaries", key), ref) for key, ref in canaries.items())
        for name, source in self.sources.items():
            yield from ((("sources", name, "secrets"), ref) for ref in source.secrets)

    def searching(self) -> Searching:
        """What may be searched for in public."""
        table = self.exposure
        return Searching(table.words, table.organisations, table.send_key_ids)

    def logged_accounts(self) -> tuple[str, ...]:
        """Every account that is named as one whose CloudTrail should be in the history."""
        asked = {"athena": self.history.athena.accounts, "lookup": self.history.lookup.accounts, "": ()}
        owned = (account for table in self.environments.values() for account in table.accounts)
        return tuple(sorted({*owned, *asked[self.history.remote]}))

    def environment(self, name: str) -> Environment:
        """The environment called ``name``; its channel is the default one where it names none.

        Without any ``[environments.…]`` there is one, called ``default``. Raises ``KeyError`` for any other name.
        """
        table = EnvironmentTable() if name == "default" and name not in self.environments else self.environments[name]
        return table.environment(name, channel=self.slack.channel, on_call=self.slack.on_call, region=self.aws.region)

    def environment_of(self, account: str | None, source: str | None = None) -> Environment:
        """The environment an alert belongs to: its source's, else the one that owns ``account``, else the default."""
        table = self.sources.get(source) if source else None
        if table and table.environment:
            return self.environment(table.environment)
        owners = (name for name, table in self.environments.items() if account and account in table.accounts)
        return self.environment(next(owners, "default"))
