"""A case's bundle: the same bytes for the same case, nothing secret in it, and its verdict reckoned again from it."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.app import Desk
from bot.config import load
from bot.evidence.bundle import ASKED, MANIFEST, NotABundle, _packed, unpacked, written
from bot.evidence.reproducing import reproduce
from bot.model import Actor, Refusal
from tests.evidence.conftest import AT, Theft
from tests.test_cli import DONE, REFUSED, USAGE, Triage, triage
from tests.test_pipeline import deliver

__all__ = ("triage",)

ANA = Actor("local:alice", "alice")
CONFIG = """\
[slack]
channel = "C0SOC"
[store]
path = "{folder}/state.db"
[history]
path = "{history}"
[sources.siem]
secrets = ["env:UNUSED"]
[access]
triage = ["local:alice"]
"""


@pytest.fixture(scope="module")
def folder(theft: Theft, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bot with the case of the theft."""
    folder = tmp_path_factory.mktemp("bot")
    (folder / "config.toml").write_text(CONFIG.format(folder=folder, history=theft.path))
    with Desk(load(folder / "config.toml", {}), {}, lambda: AT) as desk:
        alert = {"id": "a-1", "title": "Kali", "time": "2026-11-23T10:00:00Z", "keys": [theft.lead.value]}
        deliver(desk, {**alert, "token": "IQoJb3JpZ2luX2" + "x" * 60})
    return folder


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    with Desk(load(folder / "config.toml", {}), {}, lambda: AT) as opened:
        yield opened


def exported(desk: Desk) -> bytes:
    made = desk.archive.export(1, ANA)
    assert isinstance(made, bytes), made
    return made


def changed(archive: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """A bundle of files that were ``change``d by somebody who knows how a manifest is written."""
    import hashlib

    files = dict(unpacked(archive))
    change(files)
    named = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return _packed({**files, MANIFEST: written({"format": 1, "files": named})})


def test_verdict_and_scope_come_out_of_the_bundle_again(desk: Desk, theft: Theft) -> None:
    found = reproduce(exported(desk))
    assert (found.same, found.difference, found.verdict, found.confirmed) == (True, None, "incident", 7)


def test_the_same_case_is_the_same_bytes(desk: Desk) -> None:
    assert exported(desk) == exported(desk)


def test_everything_the_case_rests_on_is_in_it(desk: Desk, theft: Theft) -> None:
    files = unpacked(exported(desk))
    assert {"case.json", "events.jsonl", "audit.jsonl", "triage.json", "scope.json", ASKED} <= files.keys()
    assert json.loads(files["case.json"])["alerts"][0]["title"] == "Kali"
    keys = {json.loads(line)["key"] for line in files["events.jsonl"].splitlines()}
    assert keys >= {key.id for key in theft.world.story.stolen}


def test_nothing_secret_is_in_it(desk: Desk) -> None:
    files = unpacked(exported(desk))
    text = b"\n".join([*files.values(), gzip.decompress(files[ASKED])]).decode(errors="replace")
    assert not re.search(r"sessionToken|secretAccessKey|responseElements|IQoJb3JpZ2luX2", text, re.IGNORECASE)


def test_whoever_may_not_triage_may_not_export(desk: Desk) -> None:
    assert isinstance(desk.archive.export(1, Actor("local:mal", "mal")), Refusal)
    with pytest.raises(LookupError):
        desk.archive.export(77, ANA)


def _score(files: dict[str, bytes]) -> None:
    triage: Any = json.loads(files["triage.json"])
    triage["assessment"]["score"] = 1
    files["triage.json"] = written(triage)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_score, "triage.assessment.score: 1 in the bundle, 100 now."),
        (lambda files: files.pop("scope.json"), "scope.json is not in the bundle."),
        (
            lambda files: files.update({"triage.json": json.dumps(json.loads(files["triage.json"])).encode()}),
            "triage.json says the same in other bytes.",
        ),
    ],
)
def test_the_first_difference_is_named(desk: Desk, change: Callable[[dict[str, bytes]], object], sentence: str) -> None:
    found = reproduce(changed(exported(desk), change))
    assert (found.same, found.difference) == (False, sentence)


def test_another_enricher_than_those_allowed_is_not_run(desk: Desk) -> None:
    def name_a_module(files: dict[str, bytes]) -> None:
        told = json.loads(gzip.decompress(files[ASKED]))
        told["enrichers"] = ["this.module"]
        files[ASKED] = gzip.compress(json.dumps(told).encode())

    with pytest.raises(NotABundle, match=r"'this\.module', which is neither shipped nor named"):
        reproduce(changed(exported(desk), name_a_module))


def test_a_bundle_whose_answers_are_missing_does_not_come_out_the_same(desk: Desk) -> None:
    def forget(files: dict[str, bytes]) -> None:
        told = json.loads(gzip.decompress(files[ASKED]))
        told["answers"] = []
        files[ASKED] = gzip.compress(json.dumps(told).encode())

    found = reproduce(changed(exported(desk), forget))
    assert not found.same
    assert "was not asked then" in str(found.difference)


def _zip(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (b"", "This is no bundle of a case"),
        (b"PK\x03\x04 and more", "This is no bundle of a case"),
        (_zip(a="b"), "This is no bundle of a case"),
        (_zip(manifest_json="[]"), "This is no bundle of a case"),
        (_zip(manifest_json='{"format": 9, "files": {}}'), "form 9, which this version does not know"),
        (_zip(manifest_json='{"format": 1, "files": {"a": "0"}}'), "not whole: a is missing"),
        (_zip(manifest_json='{"format": 1, "files": {}}', a="b"), "its manifest does not name a"),
        (_zip(manifest_json='{"format": 1, "files": {"a": "0"}}', a="b"), "a is not what its manifest says"),
        (_zip(manifest_json='{"format": 1, "files": {}}'), "does not hold what the triage was told"),
    ],
)
def test_what_is_no_whole_bundle_is_a_sentence(spoilt: bytes, sentence: str) -> None:
    with pytest.raises(NotABundle, match=re.escape(sentence)):
        reproduce(spoilt)


def test_it_is_exported_and_reproduced_on_the_command_line(
    triage: Triage, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    config = ("--config", folder / "config.toml")
    made = triage("case", "export", "1", "--json", *config)
    assert (made.code, made.err, made.document["file"]) == (DONE, "", "case-1.zip")
    again = triage("case", "reproduce", "case-1.zip", "--json", *config)
    assert (again.code, again.document["same"], again.document["verdict"]) == (DONE, True, "incident")
    told = triage("case", "reproduce", "case-1.zip")
    assert (told.code, told.out) == (DONE, "The same: incident, 7 keys in the same hands.\n")
    forged = tmp_path / "forged.zip"
    forged.write_bytes(changed((tmp_path / "case-1.zip").read_bytes(), _score))
    wrong = triage("case", "reproduce", forged)
    assert (wrong.code, wrong.out) == (REFUSED, "")
    assert wrong.err.startswith("Not the same: triage.assessment.score: 1 in the bundle, 100 now.")
    assert triage("case", "reproduce", "config.toml").code == USAGE
    assert triage("case", "export", "77", *config).code == REFUSED
    assert triage("case", "export", "1", "--out", "no/such/x", *config).code == REFUSED
