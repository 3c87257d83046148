"""The one place where AWS clients are built, and where AWS's failures are told apart.

Two roles: *read* for looking, *act* for one approved change; and, for the few changes whose right is a power of its
own, an optional third. The acting roles are assumed for one change alone, under the approver's name as
``SourceIdentity`` and with a session policy that allows nothing else, so CloudTrail itself says who did it. Where no
role is configured the process's own credentials are used, for their own account only; the third role has no such
substitute.
``AWS_ENDPOINT_URL`` and ``AWS_ENDPOINT_URL_<SERVICE>`` are honoured by boto3 itself.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own: the request never left
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
)

from bot.partitions import GLOBAL_REGIONS, in_partition, partition_of

ACCOUNT_IN_ARN = re.compile(r"^arn:[a-z-]+:iam::(\d{12}):role/")
_ASSUMED = re.compile(r"^arn:[a-z-]+:sts::\d{12}:assumed-role/([^/]+)/")
NOT_IN_A_SESSION_NAME = re.compile(r"[^A-Za-z0-9_+=,.@-]")
"""STS takes these characters in RoleSessionName and SourceIdentity (API reference, AssumeRole), 2 to 64 of them."""

GLOBAL_SERVICES = frozenset({"iam", "organizations"})
"""Services with one endpoint a partition."""

NO_ROLES_ROLE = (
    "The right to do this is in a role of its own, which is not set up: set [aws] roles_role in config.toml "
    "(`triage permissions --act --roles` prints its policy)."
)

RENEW_BEFORE = timedelta(minutes=5)
ACT_SECONDS = 900
"""The shortest session STS gives: an approved change needs seconds."""

READ = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
READ_OF = {
    "cloudtrail": Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 6}),
    "s3": Config(
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 4},
        max_pool_connections=32,
    ),
}
"""Services that are read in another way than the rest: LookupEvents refuses what comes too fast, whoever else asks in
that account and region; S3 is asked by many threads at once."""
ACT = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
"""botocore would repeat a call whose answer was lost; a change is made once and then read back."""


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Roles are ARNs in which ``{account}`` stands for the account, e.g. ``arn:aws:iam::{account}:role/TriageRead``.

    Their partition is that of the account, whatever they say.
    """

    read_role: str | None = None
    act_role: str | None = None
    external_id: str | None = None
    region: str = "us-east-1"
    roles_role: str | None = None
    partitions: Mapping[str, str] = field(default_factory=dict)
    """The partition of an account, where that is known not to be the one of ``region``."""
    barred: str | None = None
    """Why no role can be assumed, in a sentence."""

    def partition(self, account: str) -> str:
        """``aws``, ``aws-cn`` or ``aws-us-gov``."""
        return self.partitions.get(account) or partition_of(self.region)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot itself is in AWS."""

    account: str
    arn: str
    key: str

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn`` or ``aws-us-gov``."""
        return self.arn.split(":")[1]

    @property
    def user(self) -> str | None:
        """The IAM user's name; ``None`` for a role or the root user."""
        kind, _, name = self.arn.split(":", 5)[5].partition("/")
        return name.rsplit("/", 1)[-1] if kind == "user" else None

    @property
    def role(self) -> str | None:
        """The name of the role it runs as; ``None`` for a user or the root user."""
        kind, _, name = self.arn.split(":", 5)[5].partition("/")
        return name.split("/", 1)[0] if kind == "assumed-role" else None


Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]
"""Of an IAM statement: operator → condition key → values."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one approved change may do: one statement of its session policy."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict)

    def statement(self) -> dict[str, Any]:
        condition = {"Condition": self.condition} if self.condition else {}
        return {"Effect": "Allow", "Action": sorted(self.actions), "Resource": list(self.resources)} | condition


@dataclass(frozen=True, slots=True)
class Grant:
    """The client one approved change is made with, and everything it may do."""

    service: str
    allowed: tuple[Allowed, ...]
    region: str | None = None
    by_roles_role: bool = False
    """The right is in the third role: it could be turned into power over everything."""


class NoWayIn(Exception):
    """There is neither a role nor credentials for an account; the text is a sentence for people."""


def secret_value(name: str, region: str) -> tuple[str, str]:
    """The text that Secrets Manager keeps under ``name``, asked with the process's own credentials; and, where there is
    none, why, without any of it.
    """
    client = boto3.session.Session().client("secretsmanager", region_name=region, config=READ)
    try:
        return str(client.get_secret_value(SecretId=name).get("SecretString") or ""), ""
    except ClientError as error:
        return "", str(error.response.get("Error", {}).get("Code") or "refused")
    except BotoCoreError as error:
        return "", type(error).__name__


class Aws:
    """Clients for reading, shared by all threads, and for one approved change, used once."""

    def __init__(
        self, settings: AwsSettings, clock: Callable[[], datetime], session: boto3.session.Session | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._session = session or boto3.session.Session()
        self._lock = threading.Lock()
        self._readers: dict[tuple[str, str, str], tuple[Any, datetime | None]] = {}
        self._identity: Identity | None = None

    def identity(self) -> Identity:
        """Asked once. Raises ``BotoCoreError`` or ``ClientError`` if AWS does not say who we are."""
        with self._lock:
            return self._own_identity()

    def acting_arn(self, account: str) -> str:
        """The ARN of whoever makes an approved change in ``account``. Raises as :meth:`identity`."""
        if self._settings.act_role:
            return self._settings.act_role.replace("{account}", account)
        own = self.identity()
        session = _ASSUMED.match(own.arn)
        return f"arn:{own.partition}:iam::{own.account}:role/{session[1]}" if session else own.arn

    def roles_arn(self, account: str) -> str | None:
        """The ARN of the optional third role in ``account``; ``None`` where there is none."""
        return self._settings.roles_role.replace("{account}", account) if self._settings.roles_role else None

    def reader(self, service: str, account: str, region: str | None = None) -> Any:
        """A client of ``service`` that may look into ``account``.

        Raises :class:`NoWayIn` for an account we have no role in, ``BotoCoreError`` or ``ClientError`` from STS.
        """
        name = (service, account, self._home(service, account, region))
        with self._lock:
            client, good_until = self._readers.get(name, (None, None))
            if client is None or (good_until and self._clock() >= good_until):
                client, good_until = self._new_reader(*name)
                self._readers[name] = client, good_until
            return client

    def actor(self, account: str, grant: Grant, *, approver: str, case: str) -> Any:
        """A client for one approved change: what ``grant`` allows and nothing else. It never repeats a call.

        Raises as :meth:`reader`.
        """
        region = self._home(grant.service, account, grant.region)
        role = self._settings.roles_role if grant.by_roles_role else self._settings.act_role
        with self._lock:
            if not role and grant.by_roles_role:
                raise NoWayIn(NO_ROLES_ROLE)
            if not role:
                self._only_our_own(account, "act_role")
                return self._client(grant.service, region, ACT)
            session = self._assume(
                role,
                account,
                RoleSessionName=session_name(case),
                SourceIdentity=session_name(approver),
                Policy=json.dumps({"Version": "2012-10-17", "Statement": [each.statement() for each in grant.allowed]}),
                DurationSeconds=ACT_SECONDS,
            )
            return self._client(grant.service, region, ACT, session)

    def try_acting(self, account: str, *, third: bool = False) -> str | None:
        """See whether the acting role (``third``: the third one) of ``account`` can be taken; its session may do
        nothing.

        Its name; ``None`` where there is none, so that the process's own credentials act. Raises as :meth:`reader`.
        """
        role = self._settings.roles_role if third else self._settings.act_role
        if not role:
            return None
        nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        with self._lock:
            self._assume(
                role,
                account,
                RoleSessionName="triage-doctor",
                SourceIdentity="triage-doctor",
                Policy=json.dumps({"Version": "2012-10-17", "Statement": [nothing]}),
                DurationSeconds=ACT_SECONDS,
            )
        return role.rpartition("/")[2]

    def holder_of(self, account: str | None, key: str, secret: str) -> Any:
        """An IAM client with a key of somebody else's, to see whether AWS takes it. Raises :class:`NoWayIn`."""
        region = self._home("iam", account or "", None)
        keys = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        return self._session.client("iam", region_name=region, config=ACT, **keys)  # type: ignore[call-overload]

    def endpoint(self, service: str, region: str) -> str:
        """Where ``service`` is asked in ``region``: AWS's own address, or what ``AWS_ENDPOINT_URL`` says."""
        with self._lock:
            return str(self._client(service, region, READ).meta.endpoint_url)

    @property
    def region(self) -> str:
        """Where the bot is at home."""
        return self._settings.region

    @property
    def has_roles_role(self) -> bool:
        return bool(self._settings.roles_role)

    def own_roles(self) -> frozenset[str]:
        """The names of the roles the bot itself uses, in any account."""
        named = (self._settings.read_role, self._settings.act_role, self._settings.roles_role)
        taken = {template.rpartition("/")[2] for template in named if template}
        own = self.identity().role
        return frozenset(taken | {own}) if own else frozenset(taken)

    def _home(self, service: str, account: str, region: str | None) -> str:
        """The region to ask ``service`` in for ``account``: ``region``, if there is one. Raises :class:`NoWayIn`."""
        partition, own = self._settings.partition(account), partition_of(self._settings.region)
        if partition != own:
            raise NoWayIn(
                f"Account {account} is in the partition {partition}, where the bot's credentials for {own} are worth "
                "nothing: run a second bot there."
            )
        return region or (GLOBAL_REGIONS[partition] if service in GLOBAL_SERVICES else self._settings.region)

    def _new_reader(self, service: str, account: str, region: str) -> tuple[Any, datetime | None]:
        config = READ_OF.get(service, READ)
        if not self._settings.read_role:
            self._only_our_own(account, "read_role")
            return self._client(service, region, config), None
        session = self._assume(self._settings.read_role, account, RoleSessionName="triage-read")
        return self._client(service, region, config, session), session["Expiration"] - RENEW_BEFORE

    def _only_our_own(self, account: str, setting: str) -> None:
        own = self._own_identity().account
        if account != own:
            raise NoWayIn(
                f"The bot has credentials for account {own} only, not for {account}: "
                f"set [aws] {setting} in config.toml to a role it may assume there."
            )

    def _assume(self, template: str, account: str, **request: Any) -> dict[str, Any]:
        role = in_partition(template.replace("{account}", account), self._settings.partition(account))
        place = ACCOUNT_IN_ARN.match(role)
        if not place or place[1] != account:
            raise NoWayIn(f"The configured role {template} is not in account {account}, so the bot cannot go there.")
        if self._settings.barred:
            raise NoWayIn(self._settings.barred)
        if self._settings.external_id:
            request["ExternalId"] = self._settings.external_id
        sts = self._client("sts", self._settings.region, READ)
        credentials: dict[str, Any] = sts.assume_role(RoleArn=role, **request)["Credentials"]
        return credentials

    def _client(self, service: str, region: str, config: Config, session: dict[str, Any] | None = None) -> Any:
        keys = (
            {
                "aws_access_key_id": session["AccessKeyId"],
                "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"],
            }
            if session
            else {}
        )
        return self._session.client(service, region_name=region, config=config, **keys)  # type: ignore[call-overload]

    def _own_identity(self) -> Identity:
        if self._identity is None:
            answer = self._client("sts", self._settings.region, READ).get_caller_identity()
            credentials = self._session.get_credentials()
            key = credentials.access_key if credentials else ""
            self._identity = Identity(answer["Account"], answer["Arn"], key or "")
        return self._identity


def session_name(text: str) -> str:
    """``text`` as STS takes it for a RoleSessionName or SourceIdentity: other characters become ``-``."""
    name = NOT_IN_A_SESSION_NAME.sub("-", text)[:64]
    return name.ljust(2, "-")


class Fault(Enum):
    """What a failed call means for the one question that matters after a change: was it applied?"""

    DENIED = "denied"
    MISSING = "missing"
    THROTTLED = "throttled"
    BUSY = "busy"
    """AWS is still making another change to it; nothing was applied, and it may be asked again."""
    FULL = "full"
    CREDENTIALS = "credentials"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    LOST = "lost"
    """The request may have arrived; whether it was applied is not known."""


FAULTS = {
    "AccessDenied": Fault.DENIED,
    "AccessDeniedException": Fault.DENIED,
    "UnauthorizedOperation": Fault.DENIED,
    "NoSuchEntity": Fault.MISSING,
    "NoSuchEntityException": Fault.MISSING,
    "ResourceNotFoundException": Fault.MISSING,
    "PolicyNotFoundException": Fault.MISSING,
    "WAFNonexistentItemException": Fault.MISSING,
    "Throttling": Fault.THROTTLED,
    "ThrottlingException": Fault.THROTTLED,
    "RequestLimitExceeded": Fault.THROTTLED,
    "TooManyRequestsException": Fault.THROTTLED,
    "EntityTemporarilyUnmodifiable": Fault.BUSY,
    "ConcurrentModification": Fault.BUSY,
    "ConcurrentModificationException": Fault.BUSY,
    "PolicyChangesInProgressException": Fault.BUSY,
    "WAFOptimisticLockException": Fault.BUSY,
    "WAFUnavailableEntityException": Fault.BUSY,
    "LimitExceeded": Fault.FULL,
    "LimitExceededException": Fault.FULL,
    "ConstraintViolationException": Fault.FULL,
    "WAFLimitsExceededException": Fault.FULL,
    "InvalidClientTokenId": Fault.CREDENTIALS,
    "UnrecognizedClientException": Fault.CREDENTIALS,
    "ExpiredToken": Fault.CREDENTIALS,
    "ExpiredTokenException": Fault.CREDENTIALS,
    "SignatureDoesNotMatch": Fault.CREDENTIALS,
}
NEVER_SENT = (
    ConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ParamValidationError,
)


def fault(error: ClientError | BotoCoreError) -> Fault:
    """Tell what ``error`` means. In doubt it is :attr:`Fault.LOST`: the world must be looked at again."""
    if isinstance(error, ClientError):
        known = FAULTS.get(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return known or (Fault.REFUSED if 400 <= status < 500 else Fault.LOST)
    return Fault.NOT_SENT if isinstance(error, NEVER_SENT) and not isinstance(error, SSLError) else Fault.LOST


def in_words(error: ClientError | BotoCoreError) -> str:
    """What went wrong, short enough to stand in a sentence: the code and the call, or that nobody answered."""
    if isinstance(error, ClientError):
        return f"{error.response.get('Error', {}).get('Code', 'an error')} on {error.operation_name}"
    return f"AWS could not be reached: {type(error).__name__}"
