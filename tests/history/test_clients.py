"""A client by all the names people have for it, the same whichever store is asked."""

from __future__ import annotations

import random
from collections.abc import Iterator

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.history.athena.topics import condition
from bot.history.clients import is_meant
from bot.history.selecting import selection_of
from bot.history.sqlite import SqliteHistory
from bot.history.user_agent import family_of
from bot.model import CannotSearch, Kind, Observable
from tests.history.made import ALWAYS, IN_TERMINAL, KALI, key, loaded, record

LAMBDA = "Boto3/1.34.51 md/Botocore#1.34.51 exec-env/AWS_Lambda_python3.12"
BRACKETED = "[aws-cli/1.22.340 Python/3.9]"


@pytest.mark.parametrize(
    ("asked", "user_agent", "meant"),
    [
        (KALI, KALI, True),
        (f" {KALI.upper()}\n", KALI, True),
        (KALI[:-1], KALI, False),
        ("aws-cli/1.22.34", KALI, True),
        ("AWS-CLI/1.22.34", KALI, True),
        ("aws-cli/1.22.34 Python/3.9.11", KALI, True),
        ("aws-cli/1.22.3", KALI, False),
        ("aws-cli/1.22.34", BRACKETED, False),
        ("aws-cli/1.22.340", BRACKETED, True),
        (BRACKETED, BRACKETED, True),
        (BRACKETED[1:-1], BRACKETED, True),
        ("aws-cli", KALI, True),
        ("aws", KALI, False),
        ("python", KALI, False),
        ("Python/3.9.11", KALI, False),
        ("boto3", LAMBDA, True),
        ("Boto3", LAMBDA, True),
        ("boto3/1.34.51", LAMBDA, True),
        ("boto3 aws_lambda", LAMBDA, True),
        ("boto3|-|-|aws_lambda", LAMBDA, True),
        ("boto3 linux", LAMBDA, False),
        ("aws-cli/1|linux|kali|-", KALI, True),
        ("aws-cli/1 linux kali", KALI, True),
        ("aws-cli/1 kali linux", KALI, False),
        ("aws-cli/1 linux", KALI, False),
        ("aws-cli/2 linux", IN_TERMINAL, True),
        ("%", KALI, False),
        ("aws_cli", KALI, False),
        ("aws-cli/1.22.34%", KALI, False),
        ("none", "", True),
        ("none", "-", True),
        ("", KALI, False),
        ("\u212aali", "kali/1", False),
        ("terraform", "APN/1.0 HashiCorp/1.0 Terraform/1.5.7", True),
        ("aws-cli/1", KALI, True),
        ("aws-cli/1|linux", KALI, True),
        ("aws-cli/1|lin", KALI, False),
        ("browser macos", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", True),
        ("browser", "Mozilla/5.0 (X; Y)", True),
        ("offensive:pacu", "Pacu/1.0 linux", True),
    ],
)
def test_a_client_is_meant_by_each_of_its_names(asked: str, user_agent: str, meant: bool) -> None:
    assert is_meant(asked, user_agent, family_of(user_agent)) is meant


def odd_agents() -> list[str]:
    """Real ones, and some of whoever chooses their own to be found where they are not, or not where they are."""
    chance = random.Random(5)
    pieces = (
        "a",
        "A",
        "/",
        " ",
        "[",
        "]",
        "%",
        "_",
        "'",
        '"',
        "\\",
        "|",
        "-",
        "*",
        "?",
        "k",
        "\u212a",
        "ß",
        "é",
        "0",
        "~",
    )
    odd = ["".join(chance.choices(pieces, k=chance.randrange(1, 7))) for _ in range(250)]
    wrapped = [f"[{each}]" for each in odd[:40]]
    return sorted({KALI, IN_TERMINAL, LAMBDA, BRACKETED, *odd, *wrapped, *(f"{each}/1 x" for each in odd[40:80])})


AGENTS = odd_agents()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteHistory]:
    made = (record(number, userAgent=agent) for number, agent in enumerate(AGENTS))
    history = loaded(tmp_path_factory.mktemp("clients"), *made)
    yield history
    history.close()


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    db = duckdb.connect()
    db.execute("CREATE TABLE log (useragent VARCHAR)")
    db.executemany("INSERT INTO log VALUES (?)", [[each] for each in AGENTS])
    yield db
    db.close()


@st.composite
def asked(draw: st.DrawFn) -> str:
    """Part of what somebody called themselves, with something put at its end."""
    agent = draw(st.sampled_from(AGENTS))
    end = draw(st.integers(1, len(agent)))
    begins = agent[:end]
    changed = draw(st.sampled_from([begins, begins.upper(), begins.lower(), begins.swapcase()]))
    return changed + draw(st.sampled_from(["", "", "%", "_", "'", " ", "/", "]"]))


@given(asked())
@settings(max_examples=150, deadline=None)
def test_the_store_finds_those_that_are_meant_and_no_others(history: SqliteHistory, asked: str) -> None:
    found = {use.user_agent for use in history.uses(Observable(Kind.USER_AGENT, asked), ALWAYS)}
    held = {use.user_agent for use in history.uses(key(), ALWAYS)}
    assert found == {each for each in held if is_meant(asked, each, family_of(each))}


@given(asked())
@settings(max_examples=150, deadline=None)
def test_athena_reads_all_those_that_are_meant(lake: duckdb.DuckDBPyConnection, asked: str) -> None:
    try:
        clause = condition(Kind.USER_AGENT, [asked])
    except CannotSearch:
        return
    asking = f"SELECT useragent FROM log WHERE {clause.sql}"  # noqa: S608 - our own words
    query = sqlglot.transpile(asking, read="athena", write="duckdb")[0]
    found = {row[0] for row in lake.execute(query, list(clause.values)).fetchall()}
    assert found >= {each for each in AGENTS if is_meant(asked, each, family_of(each))}


def test_the_dictionary_is_looked_up_and_not_read_through(history: SqliteHistory) -> None:
    chosen = selection_of(history.rows, Observable(Kind.USER_AGENT, "aws-cli/1.22.34"))
    query = f"EXPLAIN QUERY PLAN SELECT m.id FROM manner m WHERE {chosen.where}"  # noqa: S608 - our own words
    plan = [row[-1] for row in history.rows(query, chosen.values)]
    assert not [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step], plan
