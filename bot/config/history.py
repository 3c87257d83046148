"""``[history]``: where CloudTrail's records are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.config.fields import Account, Table, matching

QueueUrl = Annotated[
    str,
    AfterValidator(
        matching(
            r"|https?://[^\s/]+/\d{12}/[\w-]{1,80}(\.fifo)?",
            'must be the URL of a queue such as "https://sqs.eu-west-1.amazonaws.com/111122223333/triage-logs"',
        )
    ),
]
Identifier = Annotated[
    str, AfterValidator(matching(r"[a-z_][a-z0-9_]{0,127}", "must be a name of small letters, digits and _"))
]
Workgroup = Annotated[
    str, AfterValidator(matching(r"[A-Za-z0-9._-]{1,128}", "must be the name of a workgroup: letters, digits and ._-"))
]
Region = Annotated[
    str, AfterValidator(matching(r"[a-z]{2}(-[a-z]+)+-\d", 'must be the name of a region such as "eu-west-1"'))
]
OptionalRegion = Annotated[
    str, AfterValidator(matching(r"|[a-z]{2}(-[a-z]+)+-\d", 'must be the name of a region such as "eu-west-1"'))
]
Place = Annotated[
    str, AfterValidator(matching(r"|s3://[a-z0-9][a-z0-9.-]+(/\S*)?", 'must be a place such as "s3://bucket/prefix/"'))
]


class Follow(Table):
    queue_url: QueueUrl = ""


class Athena(Table):
    database: Identifier = "triage"
    table: Identifier = "cloudtrail_logs"
    workgroup: Workgroup = "triage"
    region: OptionalRegion = ""
    output: Place = ""
    accounts: tuple[Account, ...] = ()
    regions: tuple[Region, ...] = ()
    seconds: Annotated[float, Field(ge=10, le=110)] = 90.0
    most_queries: Annotated[int, Field(ge=2, le=50)] = 6
    widest_days: Annotated[int, Field(ge=31, le=400)] = 35
    usd_per_tb: Annotated[float, Field(ge=0, le=1000)] = 5.0
    limit_required: bool = True


class Lookup(Table):
    accounts: tuple[Account, ...] = ()
    regions: tuple[Region, ...] = ()
    pages: Annotated[int, Field(ge=1, le=1000)] = 40
    seconds: Annotated[float, Field(ge=5, le=110)] = 60.0


class History(Table):
    kind: Literal["sqlite", "athena", "lookup"] = "sqlite"
    path: Path = Path("history.db")
    days: Annotated[int, Field(ge=15, le=3650)] = 150
    beyond: Literal["", "athena", "lookup"] = ""
    follow: Follow = Follow()
    athena: Athena = Athena()
    lookup: Lookup = Lookup()

    @model_validator(mode="after")
    def _can_be_asked(self) -> History:
        if self.beyond and self.kind != "sqlite":
            raise ValueError(
                f'beyond = "{self.beyond}" is for kind = "sqlite": what the file does not cover is asked there'
            )
        if "lookup" in {self.kind, self.beyond} and not self.lookup.accounts:
            raise ValueError("asks LookupEvents of no account: name them in [history.lookup] accounts")
        return self

    @property
    def remote(self) -> Literal["", "athena", "lookup"]:
        """The history that is asked over the network, if any."""
        return self.beyond if self.kind == "sqlite" else self.kind
