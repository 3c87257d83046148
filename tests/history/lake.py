"""A trail's bucket on disk, and the SQL of Athena over it: executed for real, by DuckDB.

The logs lie as CloudTrail writes them; the table is the one that ``deploy/athena/table.sql`` makes, read as its SerDe
reads: keys in small letters, whatever is declared a string and is none as JSON text. A query is Athena's dialect, its
parameters are one literal for each question mark, and the bytes it reads are those of the files in the partitions its
conditions leave.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from tests.documents import ROOT

DDL = (ROOT / "deploy" / "athena" / "table.sql").read_text(encoding="utf-8")
PARTITIONS = ("account", "region", "day")
DELIVERED_AFTER = timedelta(minutes=6)


class QueryFailed(Exception):
    """What Athena would say instead of a result."""


@dataclass(frozen=True)
class Result:
    columns: tuple[str, ...]
    rows: list[tuple[str | None, ...]]
    scanned: int


def write_trail(bucket: Path, records: Iterable[Mapping[str, Any]]) -> list[Path]:
    """The logs of ``records``, one a partition, in the partition of the day each was delivered on."""
    logs: defaultdict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        delivered = datetime.fromisoformat(record["eventTime"]) + DELIVERED_AFTER
        account = record.get("recipientAccountId") or record["userIdentity"]["accountId"]
        logs[account, record["awsRegion"], f"{delivered:%Y/%m/%d}"].append(record)
    written: list[Path] = []
    for (account, region, day), held in logs.items():
        folder = bucket / "AWSLogs" / account / "CloudTrail" / region / day
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{account}_CloudTrail_{region}_{day.replace('/', '')}T0000Z_{len(written):016d}.json.gz"
        (folder / name).write_bytes(gzip.compress(json.dumps({"Records": held}).encode()))
        written.append(folder / name)
    return written


class Lake:
    """The table over the logs in ``bucket``. Safe from several threads."""

    def __init__(self, bucket: Path) -> None:
        self._made = sqlglot.parse_one(DDL, read="athena")
        self.table = self._made.this.this
        self._db = duckdb.connect()
        self._lock = threading.Lock()
        self._fill(bucket)

    def close(self) -> None:
        self._db.close()

    def run(self, query: str, parameters: Sequence[str]) -> Result:
        """Raises ``QueryFailed``."""
        tree, text = _translated(query)
        values = _values(tree, parameters)
        scanned = sum(self._scanned(select, values) for select in tree.find_all(exp.Select) if self._reads(select))
        with self._lock:
            found = self._db.cursor().execute(text, values)
            columns = tuple(column[0] for column in found.description or ())
            rows = [tuple(None if value is None else str(value) for value in row) for row in found.fetchall()]
        return Result(columns, rows, scanned)

    def _fill(self, bucket: Path) -> None:
        columns = {column.name: column.args["kind"] for column in self._made.this.expressions}
        partitions = {each.name: each.args["kind"] for each in self._made.find_all(exp.ColumnDef)}
        kinds = {**columns, **{name: partitions[name] for name in PARTITIONS}}
        declared = ", ".join(f"{name} {kind.sql('duckdb')}" for name, kind in kinds.items())
        self._db.execute(f"CREATE SCHEMA {self.table.args['db'].name}")
        self._db.execute(f"CREATE TABLE {self.table.sql('duckdb')} ({declared})")
        self._db.execute("CREATE TABLE file (account TEXT, region TEXT, day TEXT, size BIGINT)")
        rows = bucket.parent / f"{bucket.name}.ndjson"
        with rows.open("w") as file:
            for log in sorted(bucket.rglob("*.json.gz")):
                account, _, region, *day = log.relative_to(bucket / "AWSLogs").parts[:-1]
                place = {"account": account, "region": region, "day": "/".join(day)}
                self._db.execute("INSERT INTO file VALUES (?, ?, ?, ?)", [*place.values(), log.stat().st_size])
                for record in json.loads(gzip.decompress(log.read_bytes()))["Records"]:
                    told = {name.lower(): value for name, value in record.items()}
                    row = {name: _read(told.get(name), kind) for name, kind in columns.items()}
                    file.write(json.dumps(row | place) + "\n")
        if rows.stat().st_size:
            typed = ", ".join(f"{name}: '{kind.sql('duckdb')}'" for name, kind in kinds.items())
            read = f"read_json('{rows}', format = 'newline_delimited', columns = {{{typed}}})"
            self._db.execute(f"INSERT INTO {self.table.sql('duckdb')} SELECT * FROM {read}")  # noqa: S608 - our own file

    def _reads(self, select: exp.Select) -> bool:
        source = select.args.get("from_") or select.args.get("from")
        table = source.this if source is not None else None
        if not isinstance(table, exp.Table) or not table.db:
            return False
        if (table.db, table.name) != (self.table.db, self.table.name):
            raise QueryFailed(
                f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{table.db}.{table.name}' does not exist"
            )
        return True

    def _scanned(self, select: exp.Select, values: Mapping[str, Any]) -> int:
        where = select.args.get("where")
        on_partitions = list(_conjuncts(where.this if where else None))
        bound = {mark.name: values[mark.name] for each in on_partitions for mark in each.find_all(exp.Placeholder)}
        condition = " AND ".join(each.sql("duckdb") for each in on_partitions) or "true"
        query = f"SELECT coalesce(sum(size), 0) FROM file WHERE {condition}"  # noqa: S608 - from our own query
        with self._lock:
            found = self._db.cursor().execute(query, bound).fetchone()
        return int(found[0]) if found else 0


def _conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The parts that must all hold, of which only partitions are asked."""
    if isinstance(condition, exp.Paren):
        yield from _conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    elif condition is not None:
        named = {column.name for column in condition.find_all(exp.Column)}
        if named and named <= set(PARTITIONS):
            yield condition


@lru_cache(maxsize=64)
def _translated(query: str) -> tuple[exp.Expr, str]:
    """The query with a name for each question mark, parsed, and in DuckDB's dialect."""
    text, end = "", 0
    marks = (token for token in sqlglot.tokenize(query, read="athena") if token.token_type is TokenType.PLACEHOLDER)
    for number, mark in enumerate(marks):
        text += f"{query[end : mark.start]}:p{number}"
        end = mark.end + 1
    tree = sqlglot.parse_one(text + query[end:], read="athena")
    return tree, tree.sql("duckdb")


def _values(tree: exp.Expr, parameters: Sequence[str]) -> dict[str, Any]:
    """What stands for each name: one literal of SQL each."""
    names = {mark.name for mark in tree.find_all(exp.Placeholder)}
    if len(names) != len(parameters):
        counts = f"expected {len(names)} but found {len(parameters)}"
        raise QueryFailed(f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: {counts}")
    return {f"p{number}": _literal(parameter) for number, parameter in enumerate(parameters)}


def _literal(parameter: str) -> Any:
    told = sqlglot.parse_one(parameter, read="athena")
    if not isinstance(told, exp.Literal):
        raise QueryFailed(f"SYNTAX_ERROR: {parameter} is not a literal")
    return told.to_py()


def _read(value: Any, kind: exp.DataType) -> Any:
    """``value`` as a SerDe gives it to a column of ``kind``."""
    if kind.this == exp.DataType.Type.STRUCT:
        if not isinstance(value, dict):
            return None
        told = {name.lower(): part for name, part in value.items()}
        return {part.name: _read(told.get(part.name), part.args["kind"]) for part in kind.expressions}
    return value if value is None or isinstance(value, str) else json.dumps(value)
