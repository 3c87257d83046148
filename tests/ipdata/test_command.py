"""`triage ipdata` as a person at a terminal meets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot import cli
from bot.ipdata.sources import shipped_sources
from tests.ipdata import lists
from tests.publisher import Publisher, Told, publishing

Triage = Callable[..., Result]
BODIES = {
    "aws": lists.AWS,
    "aws-cloudfront": lists.AWS,
    "google": lists.GOOGLE,
    "oracle": lists.ORACLE,
    "cloudflare": lists.CLOUDFLARE,
    "fastly": lists.FASTLY,
    "github": lists.GITHUB,
    "asns": lists.ASNS,
    "lines": lists.TOR,
}


@pytest.fixture
def mirror() -> Iterator[Publisher]:
    """Every list, much shorter than what ships."""
    with publishing() as one:
        for source in shipped_sources().lists:
            host_and_path = source.url.removeprefix("https://")
            one.pages[f"/ip/{host_and_path}"] = Told(BODIES[source.form])
        yield one


@pytest.fixture
def triage(tmp_path: Path, mirror: Publisher) -> Triage:
    config = tmp_path / "config.toml"
    config.write_text(f'[ipdata]\npath = "{tmp_path}/ip"\nmirror = "{mirror.origin}/ip"\n')

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli.app, ["ipdata", *arguments, "--config", str(config)])

    return run


def test_an_update_tells_how_each_list_fared(triage: Triage) -> None:
    ended = triage("update")
    assert ended.exit_code == 1
    rows = {line[:30].strip(): line.split() for line in ended.stdout.splitlines()}
    assert rows["Tor exits"][2:5] == ["updated", rows["Tor exits"][3], "(of"]
    assert "kept" in rows["X4BNet datacenter"]
    assert "X4BNet datacenter: has shrunk to 0 % of its IPv4 addresses" in ended.stderr


def test_what_is_accepted_is_taken_and_then_all_is_well(triage: Triage) -> None:
    accepted = [f"--accept={source.id}" for source in shipped_sources().lists]
    ended = triage("update", *accepted, "--json")
    document = json.loads(ended.stdout)
    assert (ended.exit_code, document["complete"], ended.stderr) == (0, True, "")
    assert {each["outcome"] for each in document["lists"]} == {"updated"}
    assert {each["id"] for each in document["lists"]} == {source.id for source in shipped_sources().lists}


def test_what_there_is_is_shown_with_date_size_and_age(triage: Triage) -> None:
    before = json.loads(triage("show", "--json").stdout)
    assert {each["id"] for each in before["missing"]} == {"aws_cloudfront", "ovh", "fastly", "tor"}
    triage("update")
    ended = triage("show", "--json")
    document = json.loads(ended.stdout)
    held = {each["id"]: each for each in document["lists"]}
    assert (ended.exit_code, document["missing"]) == (0, [])
    assert (held["tor"]["entries"], held["tor"]["bytes"], held["tor"]["age_days"]) == (2, len(lists.TOR), 0)
    assert (held["aws"]["as_of"], held["aws"]["url"]) == ("2026-08-22", None)
    assert [each["name"].split()[0] for each in document["others"]] == ["iporigin"]
    text = triage("show").stdout
    assert "as shipped" in text
    assert "2 entries, 0 kB" in text
    called = [line.partition("  ")[0] for line in text.splitlines()]
    assert len(set(called)) == len(called)
    assert {"Microsoft published ranges (microsoft_4)", "Oracle published ranges"} < set(called)


def test_a_list_that_is_none_is_named(triage: Triage) -> None:
    ended = triage("update", "--accept", "azure")
    assert (ended.exit_code, "There is no list 'azure'; there are: aws" in ended.stderr) == (2, True)


def test_an_update_that_cannot_write_says_so(tmp_path: Path) -> None:
    (tmp_path / "ip").touch()
    config = tmp_path / "config.toml"
    config.write_text(f'[ipdata]\npath = "{tmp_path}/ip"\n')
    ended = CliRunner().invoke(cli.app, ["ipdata", "update", "--config", str(config)])
    assert (ended.exit_code, "see [ipdata] path" in ended.stderr) == (1, True)
