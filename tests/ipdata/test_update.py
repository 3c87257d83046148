"""An update over real HTTP: what is new is taken, what is broken is not, and readers never see half of it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ipdata import LocalAddressData
from bot.ipdata.origin import known_asns
from bot.ipdata.sources import Source, Sources
from bot.ipdata.table import FILE
from bot.ipdata.update import NotUpdated, Outcome, Refreshed, Updated, update
from tests.ipdata import lists
from tests.publisher import Asked, Publisher, Told, publishing

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as one:
        yield one


def sources(publisher: Publisher, *redirects: str) -> Sources:
    def source(name: str, form: str, path: str, **more: object) -> Source:
        return Source(name, f"{name} list", f"{publisher.origin}/{path}", form, **more)  # type: ignore[arg-type]

    return Sources(
        (
            source("cloud", "aws", "cloud", provider="AWS"),
            source("front", "aws-cloudfront", "cloud", provider="AWS", marks="cdn"),
            source("made", "lines", "made", provider="Made-up"),
            source("exits", "lines", "tor", marks="tor"),
            source("asns", "asns", "asns", marks="asns"),
        ),
        redirects,
    )


MADE = b"11.0.0.0/24\n11.0.8.0/24\n2a00:1::/32\n"


def publish(publisher: Publisher) -> None:
    publisher.pages["/cloud"] = Told(lists.AWS, headers={"ETag": '"a1"'})
    publisher.pages["/made"] = Told(MADE, headers={"Last-Modified": "Fri, 20 Nov 2026 08:00:00 GMT"})
    publisher.pages["/tor"] = Told(lists.TOR)
    publisher.pages["/asns"] = Told(lists.ASNS)


def run(publisher: Publisher, folder: Path, **changes: object) -> Updated:
    return update(folder, lambda: AT, sources=sources(publisher), **changes)  # type: ignore[arg-type]


def of(updated: Updated, name: str) -> Refreshed:
    return next(each for each in updated.lists if each.source.id == name)


def test_the_first_update_takes_every_list(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    updated = run(publisher, tmp_path / "new" / "folder")
    assert [each.outcome for each in updated.lists] == [Outcome.UPDATED] * 5
    assert updated.complete
    known = LocalAddressData(folder=updated.folder)
    assert (known.origin("3.5.140.9").provider, known.origin("13.32.0.1").cdn) == ("AWS", True)
    assert (known.origin("11.0.8.1").provider, known.origin("2a00:1::5").provider) == ("Made-up", "Made-up")
    assert known_asns(updated.folder)(24940) is not None
    assert known_asns(updated.folder)(7922) is None


def test_a_list_is_dated_by_its_publisher_else_by_its_file_else_by_today(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    updated = run(publisher, tmp_path)
    editions = {each.source.id: each.edition for each in updated.lists if each.edition is not None}
    assert {name: edition.as_of for name, edition in editions.items()} == {
        "cloud": "2026-11-20",
        "front": "2026-11-20",
        "made": "2026-11-20",
        "exits": "2026-11-24",
        "asns": "2026-11-24",
    }
    assert (editions["made"].entries, editions["made"].bytes) == (3, len(MADE))
    assert editions["exits"].fetched_at == "2026-11-24T12:00:00Z"


def test_lists_at_one_address_are_fetched_once(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    run(publisher, tmp_path)
    assert sorted(asked.path for asked in publisher.asked) == ["/asns", "/cloud", "/made", "/tor"]


def test_only_what_has_changed_is_sent_again(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    run(publisher, tmp_path)
    publisher.asked.clear()
    publisher.pages["/cloud"] = publisher.pages["/made"] = _unchanged
    again = run(publisher, tmp_path)
    conditions = {asked.path: _conditions(asked) for asked in publisher.asked}
    assert conditions == {
        "/cloud": {"if-none-match": '"a1"'},
        "/made": {"if-modified-since": "Fri, 20 Nov 2026 08:00:00 GMT"},
        "/tor": {},
        "/asns": {},
    }
    assert (of(again, "made").outcome, of(again, "exits").outcome) == (Outcome.UNCHANGED, Outcome.UPDATED)
    assert LocalAddressData(folder=tmp_path).origin("11.0.0.1").provider == "Made-up"


def _unchanged(asked: Asked) -> Told:
    return Told(status=304) if _conditions(asked) else Told(status=500)


def _conditions(asked: Asked) -> dict[str, str]:
    return {name: value for name, value in asked.headers.items() if name.startswith("if-")}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (Told(status=500), "made list: the answer was HTTP 500"),
        (Told(status=404), "made list: the answer was HTTP 404"),
        (Told(lists.HTML), "made list: line 1 is no network"),
        (Told(b""), "made list: holds no network of the public internet"),
        (Told(MADE[:20], promised=len(MADE)), "made list: 127.0.0.1 could not be reached or broke off"),
        (Told(b"11.0.0.0/24\n" * 200), "made list: 127.0.0.1 sent more than 1,000 bytes"),
        (Told(status=302, headers={"Location": "https://elsewhere.example/list"}), "nothing was sent there"),
        (Told(b"0.0.0.0/1\n"), "made list: line 1 is a network wider than any provider's (/1)"),
        (Told(b"11.0.0.0/25\n2a00:1::/32\n"), "made list: has shrunk to 25 % of its IPv4 addresses"),
        (Told(b"11.0.0.0/22\n"), "made list: has shrunk to 0 % of its IPv6 addresses"),
        (Told(lists.ASNS), "made list: line 1 is no network"),
        (Told(b"\n".join(b"%d.0.0.0/8" % n for n in range(40, 110))), "more than a quarter of all IPv4 addresses"),
    ],
)
def test_a_broken_list_leaves_the_old_one(publisher: Publisher, tmp_path: Path, told: Told, why: str) -> None:
    publish(publisher)
    run(publisher, tmp_path, most_bytes=1_000)
    publisher.pages["/made"] = told
    updated = run(publisher, tmp_path, most_bytes=1_000)
    assert why in str(of(updated, "made").why)
    assert [each.outcome.value for each in updated.lists] == ["updated", "updated", "kept", "updated", "updated"]
    assert not updated.complete
    assert LocalAddressData(folder=tmp_path).origin("11.0.8.1").provider == "Made-up"


def test_a_list_that_was_refused_is_asked_for_whole_again(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    run(publisher, tmp_path)
    publisher.pages["/cloud"] = Told(lists.HTML, headers={"ETag": '"a2"'})
    run(publisher, tmp_path)
    publisher.asked.clear()
    run(publisher, tmp_path)
    assert [_conditions(asked) for asked in publisher.asked if asked.path == "/cloud"] == [{"if-none-match": '"a1"'}]


def test_a_list_that_is_rightly_shorter_is_taken_on_request(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    run(publisher, tmp_path)
    publisher.pages["/asns"] = Told(b"AS64500\n")
    publisher.pages["/made"] = Told(b"11.0.0.0/26\n")
    refused = run(publisher, tmp_path)
    assert "if that is right, run `triage ipdata update --accept made`" in str(of(refused, "made").why)
    taken = run(publisher, tmp_path, accepted=["made"])
    assert (of(taken, "made").outcome, of(taken, "asns").outcome) == (Outcome.UPDATED, Outcome.UPDATED)
    assert LocalAddressData(folder=tmp_path).origin("11.0.8.1").provider is None


def test_what_was_never_there_is_missing(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    del publisher.pages["/tor"]
    updated = run(publisher, tmp_path)
    assert (of(updated, "exits").outcome, of(updated, "exits").edition) == (Outcome.MISSING, None)


def test_with_nobody_there_the_shipped_lists_stay(publisher: Publisher, tmp_path: Path) -> None:
    updated = update(tmp_path, lambda: AT, mirror=publisher.origin)
    assert (of(updated, "aws").outcome, of(updated, "tor").outcome) == (Outcome.KEPT, Outcome.MISSING)
    assert LocalAddressData(folder=tmp_path).origin("52.95.110.1").provider == "AWS"


def test_a_mirror_alone_is_asked(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    with publishing() as mirror:
        host = publisher.origin.removeprefix("http://")
        mirror.pages = {f"/lists/{host}{path}": told for path, told in publisher.pages.items()}
        updated = run(publisher, tmp_path, mirror=f"{mirror.origin}/lists")
    assert updated.complete
    assert publisher.asked == []


def test_two_updates_do_not_meet(publisher: Publisher, tmp_path: Path) -> None:
    with (tmp_path / "update.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NotUpdated, match=r"Another update of .* is under way"):
            run(publisher, tmp_path)


def test_a_folder_that_is_none_is_said(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotUpdated, match=r"cannot be written: .*; see \[ipdata\] path"):
        run(publisher, tmp_path / "file")


def test_a_data_set_that_cannot_be_replaced_stays(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    (tmp_path / FILE / "in-the-way").mkdir(parents=True)
    with pytest.raises(NotUpdated, match="could not be replaced"):
        run(publisher, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "update.lock"]


def test_a_broken_data_set_is_mended(publisher: Publisher, tmp_path: Path) -> None:
    publish(publisher)
    (tmp_path / FILE).write_bytes(b"broken")
    assert run(publisher, tmp_path).complete
    assert LocalAddressData(folder=tmp_path).origin("11.0.0.1").provider == "Made-up"
