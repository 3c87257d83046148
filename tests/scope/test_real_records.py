"""Scopes over real records of attacks that others made and published, with what is known of them (docs/credits.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.history.everyone import Everyone
from bot.history.load import load_paths
from bot.history.raw_records import RawRecords
from bot.history.sqlite import SqliteHistory
from bot.ipdata import LocalAddressData
from bot.made.looking import NobodyAsked
from bot.made.sweeping import sweep
from bot.model import Kind, Observable, Scope, Span, Standing, Sweep
from bot.scope.ground import Known
from bot.scope.reading import scope
from tests.documents import ROOT

DATA = ROOT / "tests" / "data" / "cloudtrail"
OPERATOR = "AKIATFQR7NSC8Q4X20BJ"
"""With which Stratus Red Team's catalogue was run, in an account where ``benjamin`` works, too."""


@dataclass(frozen=True)
class Records:
    history: SqliteHistory
    span: Span

    def scope(self, key: str) -> Scope:
        known = Known(origin=LocalAddressData().origin)
        leads = [Observable(Kind.ACCESS_KEY, key)]
        return scope(Everyone(self.history), leads, self.span.until, since=self.span.since, known=known)

    def sweep(self, found: Scope) -> Sweep:
        return sweep(found, RawRecords(self.history), NobodyAsked(self.span.until))


def loaded(folder: Path, name: str) -> Records:
    history = SqliteHistory(folder / "history.db")
    load_paths(history, [DATA / name])
    held = history.span()
    assert held is not None
    return Records(history, held)


@pytest.fixture(scope="module")
def stratus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    records = loaded(tmp_path_factory.mktemp("stratus"), "invictus_stratus_2023")
    yield records
    records.history.close()


@pytest.fixture(scope="module")
def operators(stratus: Records) -> Scope:
    return stratus.scope(OPERATOR)


def test_every_key_that_the_operator_gave_out_is_found_and_the_colleague_is_not(
    stratus: Records, operators: Scope
) -> None:
    calls = Everyone(stratus.history).calls(OPERATOR, stratus.span)
    given_out = {event.minted for event in calls if event.minted}
    assert len(given_out) > 5
    assert given_out <= {each.key for each in operators.confirmed}
    assert all("lineage" in each.classes for each in operators.confirmed if each.key != OPERATOR)
    assert not [each for each in (*operators.confirmed, *operators.suspects) if "benjamin" in (each.principal or "")]
    assert any("insufficient history" in gap.why for gap in operators.gaps)


def test_what_the_operator_made_is_named_from_the_records_and_never_said_to_be_gone(
    stratus: Records, operators: Scope
) -> None:
    swept = stratus.sweep(operators)
    kinds = Counter(each.kind for each in swept.things)
    assert {"access key", "user", "role", "inline policy", "attached policy", "session"} <= set(kinds)
    roles = [each for each in swept.things if each.kind == "role"]
    assert all(each.name.startswith("123837392027:role/") for each in roles)
    assert any("stratus-red-team" in each.name for each in roles)
    assert {each.remediation for each in roles} == {"disable_created"}
    ended = [each for each in swept.things if each.standing is Standing.GONE]
    assert {each.kind for each in ended} <= {"session"}
    assert all(each.name for each in swept.things)


def test_a_stolen_instance_role_names_no_user_of_the_account(tmp_path: Path) -> None:
    records = loaded(tmp_path, "otrf_s3_exfil_2020")
    stolen = "ASIA5FLZVX4OPVKKVBMX"
    found = records.scope(stolen)
    assert [each.key for each in found.confirmed] == [stolen]
    assert "role/MordorNginxStack-BankingWAFRole" in str(found.confirmed[0].principal)
    assert records.sweep(found).things == ()
    records.history.close()
