"""Answers of others, kept for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.kept import Kept

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_an_answer_is_kept_by_its_question(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "new", DAY)
    kept.keep("2001:db8::1", {"name": "ünï"}, NOW)
    kept.keep("../../etc", {"name": "other"}, NOW)
    assert kept.answer("2001:db8::1", NOW) == {"name": "ünï"}
    assert kept.answer("../../etc", NOW) == {"name": "other"}
    assert kept.answer("2001:db8::2", NOW) is None
    assert len(list((tmp_path / "new").iterdir())) == 2


@pytest.mark.parametrize(("later", "there"), [(timedelta(0), True), (DAY, True), (DAY * 1.1, False), (-DAY, False)])
def test_it_has_an_age(tmp_path: Path, later: timedelta, there: bool) -> None:
    kept = Kept(tmp_path, DAY)
    kept.keep("a", {"x": 1}, NOW)
    assert (kept.answer("a", NOW + later) is not None) is there


def test_a_newer_answer_takes_the_place_of_an_older(tmp_path: Path) -> None:
    kept = Kept(tmp_path, DAY)
    kept.keep("a", {"x": 1}, NOW)
    kept.keep("a", {"x": 2}, NOW + DAY)
    assert kept.answer("a", NOW + DAY * 2) == {"x": 2}


def test_what_is_too_old_is_removed(tmp_path: Path) -> None:
    kept = Kept(tmp_path, DAY)
    kept.keep("a", {"x": 1}, NOW)
    kept.keep("b", {"x": 2}, NOW + DAY * 2)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = Kept(tmp_path / "file", DAY)
    kept.keep("a", {"x": 1}, NOW)
    assert kept.answer("a", NOW) is None
