"""The `triage` command as its users meet it: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import cli
from bot.database import open_reader
from tests.arms import armed_file
from tests.history import made
from tests.remediation.bench import SETTINGS
from tests.remediation.cloud import BOT, SEATS, Cloud, Seat, running, seat
from tests.remediation.door import Door, opened
from tests.site import record

AT = "2026-11-20T15:00:00Z"
PLACE = seat(SEATS - 1)
KEY = PLACE.stolen.id
HOSTILE = "\x1b]0;owned\x07\x1b[2J<!channel> \u202e*x*\r\nforged: line"
DONE, REFUSED, USAGE, INCOMPLETE = 0, 1, 2, 3


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


Triage = Callable[..., Ended]


@pytest.fixture
def triage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Triage:
    """Run a command in an empty folder, with nothing of this machine's own settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("TRIAGE_", "SLACK_"))]:
        monkeypatch.delenv(name)

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["triage", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


def covering(number: int) -> dict[str, Any]:
    """Somebody else's call, so that the history reaches over the whole window."""
    day = datetime(2026, 11, 20 - number, 14, 59, tzinfo=UTC)
    return record(seat(3), 500 + number, day, ip="198.51.100.9", agent="aws-cli/2.31.0")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    records = [
        *(covering(number) for number in range(16)),
        record(
            PLACE, 1, datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC), ip="159.89.100.10", agent=made.KALI, refused=True
        ),
        record(PLACE, 2, datetime(2026, 11, 20, 14, 3, 12, tzinfo=UTC), ip="159.89.100.10", agent=HOSTILE),
    ]
    return made.loaded(folder, *records).path


# ------------------------------------------------------------------------------------------------ reading


def test_ingest_and_history_tell_the_same_and_set_broken_files_aside(triage: Triage, tmp_path: Path) -> None:
    made.write(tmp_path / "good.json", [made.record(1), made.record(1), "no record"])
    (tmp_path / "bad.json").write_text("{")
    ingested = triage("ingest", tmp_path / "bad.json", tmp_path / "good.json", "--history", "h.db", "--json")
    assert ingested.code == DONE
    assert ingested.err == ""
    report = ingested.document
    assert list(report) == [
        *["events", "duplicates", "files", "accounts", "keys", "principals", "searched", "set_aside", "seconds"]
    ]
    assert (report["events"], report["duplicates"], report["accounts"]) == (1, 1, [made.ACCOUNT])
    assert {Path(each["file"]).name for each in report["set_aside"]} == {"good.json", "bad.json"}
    assert all(list(each) == ["file", "line", "reason", "count"] for each in report["set_aside"])
    held = triage("history", "--history", "h.db", "--json").document
    assert held == {name: value for name, value in report.items() if name != "seconds"}


def test_ingesting_again_changes_nothing(triage: Triage, tmp_path: Path) -> None:
    made.write(tmp_path / "good.json", [made.record(1)])
    triage("ingest", "good.json", "--history", "h.db")
    before = triage("history", "--history", "h.db", "--json").document
    assert triage("ingest", "good.json", "--history", "h.db").code == DONE
    after = triage("history", "--history", "h.db", "--json").document
    assert after["events"] == before["events"] == 1


WAYS: Mapping[str, str] = {
    "key": KEY,
    "user": PLACE.user,
    "role": "no-such-role",
    "ip": "159.89.100.10",
    "agent": made.KALI,
    "event": "iam:ListUsers",
}


@pytest.mark.parametrize("command", WAYS)
def test_every_question_prints_one_document_or_a_text(triage: Triage, history: Path, command: str) -> None:
    answer = triage(command, WAYS[command], "--history", history, "--at", AT, "--json")
    assert (answer.code, answer.err) == (DONE, "")
    assert answer.document["at"] == AT
    shown = triage(command, WAYS[command], "--history", history, "--at", AT)
    assert (shown.code, shown.err) == (DONE, "")
    assert answer.document["assessment"]["verdict"] in shown.out


def test_a_value_without_events_is_an_answer(triage: Triage, history: Path) -> None:
    answer = triage("key", made.KEY, "--history", history, "--at", AT, "--json")
    assert answer.code == DONE
    assert answer.document["activity"]["events"] == 0
    assert answer.document["principal"] is None
    assert answer.document["activity"]["first_seen"] is None
    assert answer.document["assessment"]["verdict"] == "inconclusive"
    assert "What was it used for?" in [gap["question"] for gap in answer.document["assessment"]["gaps"]]


@pytest.mark.parametrize(
    ("at", "code"), [(AT, DONE), ("latest", DONE), ("2027-03-01T00:00:00Z", INCOMPLETE), ("2026-11-10", INCOMPLETE)]
)
def test_a_window_the_history_does_not_cover_is_exit_code_3(triage: Triage, history: Path, at: str, code: int) -> None:
    assert triage("key", KEY, "--history", history, "--at", at, "--json").code == code


def test_days_come_from_the_command_else_from_the_configuration(triage: Triage, history: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[triage]\ndays = 7\n")
    asked = ("key", KEY, "--history", history, "--at", AT, "--json")
    assert triage(*asked).document["window"]["since"] == "2026-11-13T15:00:00Z"
    assert triage(*asked, "--days", "2").document["window"]["since"] == "2026-11-18T15:00:00Z"


def test_the_history_comes_from_the_option_the_environment_or_the_configuration(
    triage: Triage, history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(f"[history]\npath = {json.dumps(str(history))}\n")
    assert triage("key", KEY, "--at", AT).code == DONE
    monkeypatch.setenv("TRIAGE_HISTORY", str(tmp_path / "none.db"))
    assert triage("key", KEY, "--at", AT).code == REFUSED
    assert triage("key", KEY, "--at", AT, "--history", history).code == DONE


def test_the_card_calls_an_account_by_its_name_and_says_what_config_knows(
    triage: Triage, history: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(f"""\
[environments.payments]
accounts = ["111122223333"]
automation = ["{PLACE.user}"]
protected = ["111122223333:user/*"]
[environments.payments.account_names]
"111122223333" = "payments-prod"
""")
    shown = " ".join(triage("key", KEY, "--history", history, "--at", AT).out.split())
    assert "account payments-prod (111122223333)" in shown
    assert "a service account or CI, as is known here; protected: a change to it takes particular care" in shown


def test_a_hostile_client_does_not_drive_the_terminal(triage: Triage, history: Path) -> None:
    for command in (("key", KEY), ("agent", HOSTILE), ("ip", "159.89.100.10")):
        shown = triage(*command, "--history", history, "--at", AT)
        assert ("owned" in shown.out) or command[1] != HOSTILE
        assert not set(shown.out) & set("\x1b\x07\r\u202e")
        assert "\nforged: line" not in shown.out
    raw = triage("key", KEY, "--history", history, "--at", AT, "--json")
    assert raw.out.isascii()
    assert HOSTILE in [
        agent for family in data_of(raw.document, "user_agents")["families"] for agent in family["agents"]
    ]


def data_of(document: Mapping[str, Any], enricher: str) -> dict[str, Any]:
    """The data of the only, or first, answer of ``enricher``."""
    (found, *_) = [each["data"] for each in document["enrichments"] if each["enricher"] == enricher]
    assert isinstance(found, dict)
    return found


# --------------------------------------------------------------------------------------------------- alerts


def write_alert(folder: Path, alert: Any) -> Path:
    file = folder / "alert.json"
    file.write_text(json.dumps(alert))
    return file


def generic(**more: Any) -> dict[str, Any]:
    return {"title": "Kali", "severity": "high", "time": AT, "id": "a-1", "access_key": KEY, **more}


def test_an_alert_goes_through_the_whole_line(triage: Triage, history: Path, tmp_path: Path) -> None:
    alert = generic(source_ip="159.89.100.10", user_agent=made.KALI, event="iam:ListUsers")
    answer = triage("alert", write_alert(tmp_path, alert), "--history", history, "--json")
    assert (answer.code, answer.err) == (DONE, "")
    assert list(answer.document) == ["alert", "triages", "assessment", "gaps"]
    told = answer.document["alert"]
    assert list(told) == ["source", "title", "severity", "time", "observables", "sample"]
    assert (told["title"], told["time"], told["sample"]) == ("Kali", AT, False)
    triages = answer.document["triages"]
    assert [each["observable"] for each in triages] == [
        {"kind": "access_key", "value": KEY},
        {"kind": "principal", "value": f"111122223333:user/{PLACE.user}"},  # whom the alert does not name
        {"kind": "ip", "value": "159.89.100.10"},
    ]
    assert [each["activity"]["events"] for each in triages] == [3, 3, 3]
    assert answer.document["assessment"] in [each["assessment"] for each in triages]
    assert answer.document["assessment"]["score"] == max(each["assessment"]["score"] for each in triages)
    assert "ua.offensive" in [reason["signal"] for reason in answer.document["assessment"]["reasons"]]
    shown = triage("alert", write_alert(tmp_path, alert), "--history", history).out
    assert [line for line in shown.splitlines() if line.endswith("/100")][2].startswith("159.89.100.10: ")


def test_an_alert_of_a_key_nobody_knows_clears_nobody(triage: Triage, history: Path, tmp_path: Path) -> None:
    alert = generic(access_key="AKIARTX3GSDSZZZZZZZZ")
    answer = triage("alert", write_alert(tmp_path, alert), "--history", history, "--json")
    assert answer.document["assessment"]["verdict"] == "inconclusive"


def test_why_shows_the_score_term_by_term(triage: Triage, history: Path) -> None:
    asked = ("key", KEY, "--history", history, "--at", AT)
    shown = triage(*asked, "--why").out
    part = shown.split("How the score came about\n")[1].split("\n\n")[0]
    score = triage(*asked, "--json").document["assessment"]["score"]
    assert "- tool: ua.offensive 35" in part
    assert f"- {score}: " in part
    assert "How the score came about" not in triage(*asked).out


def test_a_table_of_weights_of_ones_own_is_used(triage: Triage, history: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[triage]\nweights = "weights.toml"\n')
    asked = ("key", KEY, "--history", history, "--at", AT, "--json")
    (tmp_path / "weights.toml").write_text('[signals."ua.offensive"]\npoints = 44\n')
    reasons = triage(*asked).document["assessment"]["reasons"]
    assert [reason["points"] for reason in reasons if reason["signal"] == "ua.offensive"] == [44]
    assert "no mistakes" in triage("check").out
    (tmp_path / "weights.toml").write_text('[caps]\ntool = "much"\nintel = 90\n')
    checked = triage("check")
    assert checked.code == USAGE
    assert (
        "config.toml:2: error: [triage] weights names a table that cannot be used: weights.toml: "
        "caps.tool must be a whole number from 0 to 100, not 'much'."
    ) in checked.out
    refused = triage(*asked)
    assert (refused.code, refused.out) == (USAGE, "")
    assert "caps.tool must be a whole number" in refused.err


def test_a_sample_finding_says_so_and_looks_nothing_up(triage: Triage, history: Path) -> None:
    file = Path(__file__).parent / "data" / "alerts" / "guardduty_eventbridge.json"
    finding = json.loads(file.read_text())
    finding["detail"]["service"]["additionalInfo"] = {"sample": True}
    answer = triage("alert", write_alert(Path.cwd(), finding), "--history", history, "--json")
    assert answer.code == DONE
    assert answer.document["alert"]["sample"] is True
    assert answer.document["triages"] == []
    assert "sample finding" in str(answer.document["gaps"])


def test_an_alert_without_key_or_principal_says_so(triage: Triage, history: Path, tmp_path: Path) -> None:
    answer = triage("alert", write_alert(tmp_path, {"title": "odd", "time": AT}), "--history", history, "--json")
    assert answer.document["triages"] == []
    assert "names none" in str(answer.document["gaps"])
    assert "names none" in triage("alert", "alert.json", "--history", history).out


def test_a_call_that_could_not_be_counted_says_why(triage: Triage, history: Path) -> None:
    answer = triage("prevalence", "iam:ListUsers", "--history", history, "--at", "2020-01-01")
    assert answer.code == INCOMPLETE
    assert "Not known: The history holds nothing of this time." in answer.out


def test_what_was_set_aside_does_not_make_a_search_incomplete(triage: Triage, tmp_path: Path) -> None:
    times = ["2026-11-20T14:50:00Z", *(f"2026-11-{day:02}T00:00:00Z" for day in range(1, 21))]
    records = [made.record(number, eventTime=time) for number, time in enumerate(times)]
    history = made.loaded(tmp_path, *records, made.record(99, eventTime="soon")).path
    for words in (["hunt", "all"], ["prevalence", "iam:ListUsers", "--days", "14"], ["scope", "key", made.KEY]):
        end = "--until" if words[0] == "hunt" else "--at"
        answer = triage(*words, "--history", history, end, AT, "--json")
        assert answer.code == DONE
        assert "1 record or file could not be read and was set aside." in answer.document["searched"]["missing"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", "The list holds no alert."),
        ('[{"id": 1}, {"id": 2}]', "holds 2 alerts"),
        ("{", "not JSON"),
        ('"text"', "must be a JSON object"),
        ('{"a": ' * 70 + "1" + "}" * 70, "nested deeper"),
        (" " * 300_000, "over 262144 bytes"),
    ],
)
def test_an_unreadable_alert_is_refused_with_a_sentence(
    triage: Triage, history: Path, tmp_path: Path, content: str, sentence: str
) -> None:
    (tmp_path / "alert.json").write_text(content)
    answer = triage("alert", "alert.json", "--history", history, "--json")
    assert (answer.code, answer.out) == (REFUSED, "")
    assert sentence in answer.err


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("ingest", "nowhere", "--history", "h.db"), USAGE, "There is no nowhere."),
        (("ingest", "junk", "--history", "junk"), REFUSED, "the history junk could not be written"),
        (("history", "--history", "none.db"), REFUSED, "load one with `triage ingest`"),
        (("history", "--history", "junk"), REFUSED, "the history junk could not be read"),
        (("key", KEY), REFUSED, "There is no history history.db"),
        (("key", KEY, "--history", "junk"), REFUSED, "the history junk could not be read"),
        (("key",), USAGE, "VALUE"),
        (("ip", "999.1.1.1", "--history", "HISTORY"), REFUSED, "is not an IP address"),
        (("key", " ", "--history", "HISTORY"), REFUSED, "Name the key you ask about."),
        (("key", KEY, "--history", "HISTORY", "--at", "soon"), USAGE, "'soon' is not a time"),
        (("key", KEY, "--history", "HISTORY", "--at", "0001-01-01"), USAGE, "outside the years"),
        (("key", KEY, "--history", "HISTORY", "--days", "0"), USAGE, "--days"),
        (("key", KEY, "--history", "HISTORY", "--config", "none.toml"), USAGE, "none.toml: error: cannot be read"),
        (("key", KEY, "--history", "HISTORY", "--config", "broken.toml"), USAGE, "broken.toml:1: error: is not TOML"),
        (("key", KEY, "--history", "HISTORY", "--config", "odd.toml"), USAGE, "odd.toml:2: error: [triage] dayz"),
        (("key", KEY, "--history", "HISTORY", "--config", "enricher.toml"), USAGE, "names 'nope'"),
        (("alert", "nowhere", "--history", "HISTORY"), USAGE, "nowhere cannot be read"),
        (("plan", "disable_access_key", KEY, "--config", "broken.toml"), USAGE, "is not TOML"),
        (("plan", "disable_access_key", KEY, "--config", "secret.toml"), USAGE, "NO_SUCH_SECRET is not set"),
        (("plan", "disable_access_key", KEY, "--config", "folder.toml"), REFUSED, "the state file . cannot be opened"),
        (("plan", "disable_access_key", KEY), REFUSED, "You may not approve changes"),
        (("plan", "no_such_thing", KEY), REFUSED, "There is no remediation called no_such_thing"),
        (("approve", "no-such-plan", "--reason", "x"), REFUSED, "There is no such plan"),
        (("approve", "no-such-plan"), USAGE, "--reason"),
        (("undo", "no-such-change", "--reason", "x"), REFUSED, "You may not undo changes"),
        (("serve", "--config", "broken.toml"), USAGE, "is not TOML"),
        (("serve",), USAGE, "[slack] bot_token cannot be read"),
        (("demo", "--once", "--at", "soon"), USAGE, "'soon' is not a time"),
        (("doctor", "--act", "--detections"), USAGE, "One of --act, --detections and --slack at a time"),
        (("frobnicate",), USAGE, "No such command"),
    ],
)
def test_bad_input_ends_in_a_sentence_on_stderr(
    triage: Triage, history: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    (tmp_path / "junk").write_text("this is no database, and no record of CloudTrail either" * 20)
    (tmp_path / "broken.toml").write_text("[triage\n")
    (tmp_path / "odd.toml").write_text("[triage]\ndayz = 3\n")
    (tmp_path / "enricher.toml").write_text('[enrichers]\nenabled = ["nope"]\n')
    (tmp_path / "secret.toml").write_text('[aws]\nexternal_id = "env:NO_SUCH_SECRET"\n')
    (tmp_path / "folder.toml").write_text('[store]\npath = "."\n')
    ended = triage(*(str(history) if one == "HISTORY" else one for one in arguments))
    assert (ended.code, ended.out) == (code, "")
    assert sentence in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


def test_check_names_every_mistake_at_once(triage: Triage, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[triage]\ndayz = 3\n[slack]\nmode = "pigeon"\n')
    checked = triage("check")
    assert checked.code == USAGE
    assert [line.split(" ")[0] for line in checked.out.splitlines()] == ["config.toml:2:", "config.toml:4:"]


def test_check_passes_the_example(triage: Triage) -> None:
    checked = triage("check", "--config", Path(__file__).parent.parent / "config.example.toml")
    assert checked.code == DONE
    assert "no mistakes" in checked.out
    assert "warning: [slack] bot_token" in checked.out


def test_the_installed_command_and_the_module_are_the_same() -> None:
    installed = [str(Path(sys.executable).with_name("triage"))], [sys.executable, "-m", "bot"]
    said = [subprocess.run([*way, "--help"], capture_output=True, text=True, check=True).stdout for way in installed]
    for text in said:
        assert "Says what a stolen AWS access key has done" in text
        assert {"serve", "ingest", "history", "key", "alert", "check", "demo", "plan", "approve", "undo"} <= set(
            text.split()
        )


# ---------------------------------------------------------------------------------------------- containment


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with running(tmp_path_factory.mktemp("aws")) as cloud, opened(cloud.endpoint) as through:
        yield through


@pytest.fixture
def desk(triage: Triage, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Triage:
    """The command of an operator named in [access], with the bot's own way into the local AWS."""
    (tmp_path / "config.toml").write_text(f"""\
[aws]
read_role = "{SETTINGS.read_role}"
act_role = "{SETTINGS.act_role}"
external_id = "env:EXTERNAL_ID"
[access]
approve = ["local:alice"]
undo = ["local:alice"]
""")
    armed_file(tmp_path / "state.db")
    for name, value in {
        "LOGNAME": "alice",
        "EXTERNAL_ID": str(SETTINGS.external_id),
        "AWS_ENDPOINT_URL": door.url,
        "AWS_ACCESS_KEY_ID": BOT.id,
        "AWS_SECRET_ACCESS_KEY": BOT.secret,
    }.items():
        monkeypatch.setenv(name, value)
    return triage


def works(door: Door, place: Seat) -> bool:
    return Cloud(door.upstream).works(place.stolen)


def test_a_change_is_planned_approved_and_taken_back(desk: Triage, door: Door, tmp_path: Path) -> None:
    planned = desk("plan", "disable_access_key", KEY, "--json")
    assert (planned.code, planned.err) == (DONE, "")
    plan = planned.document
    assert (plan["target"], plan["account"], plan["requested_by"]) == (KEY, "111122223333", "local:alice")
    assert works(door, PLACE)
    done = desk("approve", plan["plan"], "--reason", "stolen", "--json")
    assert (done.code, done.err) == (DONE, "")
    assert (done.document["state"], done.document["approved_by"]) == ("confirmed", "local:alice")
    assert not works(door, PLACE)
    again = desk("approve", plan["plan"], "--reason", "stolen")
    assert (again.code, again.out) == (REFUSED, "")
    assert "already approved by alice" in again.err
    undone = desk("undo", done.document["execution"], "--reason", "false alarm", "--json")
    assert undone.code == DONE
    assert undone.document["undo_of"] == done.document["execution"]
    assert works(door, PLACE)
    assert desk("undo", done.document["execution"], "--reason", "again").code == REFUSED
    with_reasons = open_reader(tmp_path / "state.db").execute("SELECT reason FROM executions ORDER BY seq").fetchall()
    assert [reason for (reason,) in with_reasons] == ["stolen", "false alarm"]


def test_who_planned_a_change_that_two_must_approve_only_asks_them(
    desk: Triage, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    people = {f"local:{name}": f"slack:T0MADE:U0{name.upper()}" for name in ("alice", "bob", "carol")}
    named = config.read_text().replace('approve = ["local:alice"]', f"approve = {json.dumps(list(people))}")
    named = named.replace('undo = ["local:alice"]', f"undo = {json.dumps(list(people))}")
    mapped = "".join(f'"{local}" = "{person}"\n' for local, person in people.items())
    config.write_text(f"{named}[access.people]\n{mapped}[remediation.approvers]\ndisable_access_key = 2\n")
    plan = desk("plan", "disable_access_key", KEY, "--json").document["plan"]
    own = desk("approve", plan, "--reason", "stolen")
    assert (own.code, own.err) == (REFUSED, "")
    said = " ".join(own.out.split())
    assert "asked for by alice; waiting for 2 others before" in said
    assert "You planned this, so you cannot approve it: 2 others named under [access] approve" in said
    assert "break the glass" in said
    told = desk("approve", plan, "--reason", "stolen", "--json")
    assert (told.code, told.document["approved_by"], told.document["missing"]) == (REFUSED, [], 2)
    monkeypatch.setenv("LOGNAME", "bob")
    first = desk("approve", plan, "--reason", "seen", "--json")
    assert (first.code, first.document["approved_by"], first.document["missing"]) == (DONE, ["local:bob"], 1)
    assert works(door, PLACE)
    monkeypatch.setenv("LOGNAME", "carol")
    done = desk("approve", plan, "--reason", "seen, too", "--json")
    assert (done.code, done.document["state"]) == (DONE, "confirmed")
    assert not works(door, PLACE)
    undone = desk("undo", done.document["execution"], "--reason", "rotated", "--json")
    assert (undone.code, undone.document["missing"]) == (REFUSED, 2), "an undo of it asks for others, too"
    for name, code in (("alice", DONE), ("bob", DONE)):
        monkeypatch.setenv("LOGNAME", name)
        assert desk("approve", undone.document["plan"], "--reason", "rotated").code == code
    assert works(door, PLACE)


def test_a_fire_drill_disables_the_canary_proves_it_and_gives_it_back(
    desk: Triage, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "config.toml").open("a") as config:
        config.write(f'[remediation.drill]\ncanaries = {{ {KEY} = "env:CANARY_SECRET" }}\n')
    monkeypatch.setenv("CANARY_SECRET", PLACE.stolen.secret)
    drilled = desk("drill", "--json")
    assert (drilled.code, drilled.err) == (DONE, "")
    (canary,) = drilled.document["drilled"]
    assert (canary["key"], canary["account"], canary["problem"]) == (KEY, "111122223333", None)
    assert (canary["refused_after"], canary["works_after_undo"]) == (True, True)
    assert canary["seconds_to_containment"] > 0
    assert drilled.document["accounts_without_canary"] == []
    assert door.changes_of(KEY)[-2:] == ["Inactive", "Active"]
    other = desk("drill", PLACE.other.id)
    assert (other.code, "is no canary of [remediation.drill]: not touched." in other.out) == (REFUSED, True)
    assert works(door, PLACE)


def test_a_fire_drill_says_in_which_accounts_it_proves_nothing(
    desk: Triage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "config.toml").open("a") as config:
        config.write(f'[remediation.drill]\ncanaries = {{ {KEY} = "env:CANARY_SECRET" }}\n')
        config.write('[environments.all]\naccounts = ["111122223333", "444455556666"]\n')
    monkeypatch.setenv("CANARY_SECRET", PLACE.stolen.secret)
    assert desk("drill", "--json").document["accounts_without_canary"] == ["444455556666"]
    told = "No canary in 444455556666: no drill proves that the bot can disable a key there."
    assert desk("drill").out.splitlines()[-1] == told


def test_somebody_else_at_the_same_machine_is_refused(
    desk: Triage, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = desk("plan", "disable_access_key", seat(1).stolen.id, "--json").document
    monkeypatch.setenv("LOGNAME", "mallory")
    refused = desk("approve", plan["plan"], "--reason", "mine")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert "local:mallory" in refused.err
    assert works(door, seat(1))


@pytest.mark.parametrize("target", ["AKIAIOSFODNN7EXAMPLE", "nonsense", "ASIARTX3GSDSQAAAAAAA", made.KEY + "2"])
def test_a_target_that_is_no_key_here_is_refused(desk: Triage, door: Door, target: str) -> None:
    refused = desk("plan", "disable_access_key", target, "--json")
    assert (refused.code, refused.out) == (REFUSED, "")
    assert refused.err.strip()
    assert "Traceback" not in refused.err


def test_an_aws_that_cannot_be_reached_is_a_sentence(desk: Triage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    refused = desk("plan", "disable_access_key", seat(2).stolen.id)
    assert (refused.code, refused.out) == (REFUSED, "")
    assert "Nothing was changed" in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize("command", [("check", "--config"), ("history", "--history"), ("ingest",), ("plan", "x")])
def test_what_was_typed_cannot_drive_the_terminal(triage: Triage, command: tuple[str, ...]) -> None:
    ran = triage(*command, "\x1b[31m\x1b]0;pwn\x07\u202e\u009b31m\r.x")
    assert ran.code != DONE
    assert not set("\x1b\x07\u202e\u009b\r") & set(ran.out + ran.err)


def test_until_two_people_have_armed_it_everything_is_a_rehearsal(desk: Triage, door: Door, tmp_path: Path) -> None:
    people = '[access.people]\n"local:alice" = "slack:T0MADE:U0ALICE"\n"local:bob" = "slack:T0MADE:U0BOB"\n'
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('["local:alice"]', '["local:alice", "local:bob"]') + people)
    assert desk("arm", "--off", "--reason", "to try it").out == (
        "default: not armed; two people must arm it. Changes are rehearsed.\n"
    )
    plan = desk("plan", "disable_access_key", KEY, "--json").document
    assert plan["title"].startswith("Rehearse: Disable access key")
    done = desk("approve", plan["plan"], "--reason", "a drill", "--json")
    assert (done.code, done.document["state"]) == (REFUSED, "rehearsed")
    assert works(door, PLACE)
    first = desk("arm", "--reason", "drilled")
    assert first.code == DONE
    assert first.out.startswith("default: armed by alice so far; one more person must arm it, too.")
    assert "somebody else must" in desk("arm", "--reason", "again").err
    assert desk("arm", "--json").document == {
        "environments": [{"environment": "default", "armed": False, "by": ["alice"]}]
    }
    assert "There is no environment nowhere" in desk("arm", "nowhere", "--reason", "x").err


def test_an_alert_that_names_nothing_says_why_nothing_was_asked(triage: Triage, history: Path, tmp_path: Path) -> None:
    answer = triage("alert", write_alert(tmp_path, {"title": "odd", "time": AT}), "--history", history, "--json")
    reasons = {each["why"] for each in answer.document["gaps"]}
    assert reasons == {"the alert names none", "not asked: the alert names no key, principal or address"}


def test_an_empty_time_is_insufficient_history_and_not_a_guess(triage: Triage, history: Path) -> None:
    for words in (["event", "ses:GetSendQuota"], ["role", "nobody"], ["agent", "aws-cli/1.22.34"], ["key", KEY]):
        answer = triage(*words, "--history", history, "--at", "2020-01-01")
        assert answer.code == INCOMPLETE
        assert "insufficient history" in answer.out
        assert "Could be" not in answer.out


def test_what_a_scope_starts_from_is_all_its_help_names(triage: Triage) -> None:
    assert "principal" not in triage("scope", "--help").out.replace("principals", "")


def test_a_history_names_the_accounts_it_never_saw(triage: Triage, history: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[environments.shop]\naccounts = ["999988887777"]\n')
    told = "Account 999988887777 has no events in this time."
    assert told in triage("history", "--history", history, "--json").document["searched"]["missing"]
    assert told in triage("history", "--history", history).out
    assert told in triage("key", KEY, "--history", history, "--at", AT).out
