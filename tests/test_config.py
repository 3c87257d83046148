"""config.toml: every mistake is named at once, with its line and its remedy, and no value ever is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot import config
from bot.config.secret_ref import MissingSecret, SecretRef
from tests.fakes import NOW

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
CANARY = "xoxb-111122223333-canary"
SLACK = {"SLACK_BOT_TOKEN": "xoxb-made-up", "SLACK_APP_TOKEN": "xapp-made-up"}
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/triage-logs"


def problems(tmp_path: Path, text: str, environ: Mapping[str, str] = SLACK, **options: bool) -> list[str]:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    serving = options.get("serving", False)
    found = config.check(file, environ, enrichers=("denied_calls", "usual_ips"), serving=serving, at=NOW)
    return [str(problem).removeprefix(str(file)) for problem in found]


TEST = '[environments.e.tests.t]\nkeys = ["AKIARTX3GSDSQAAAAAAA"]\nnetworks = ["203.0.113.64/28"]\n'
"""An approved test but for its time."""

OK = '[slack]\nchannel = "C1"\n[enrichers]\nenabled = ["usual_ips"]\n'

BROKEN = [
    ('[slack]\nmod = "http"', ":2: error: [slack] mod is not a setting; did you mean 'mode'?"),
    ("[slcak]\n", ":1: error: [slcak] is not a setting; did you mean 'slack'?"),
    (
        "[store]\nzzz = 1",
        ":2: error: [store] zzz is not a setting; the settings here: evidence, path",
    ),
    ('[slack]\nmode = "tcp"', ":2: error: [slack] mode must be 'socket' or 'http'"),
    ('[server]\n\nport = "80"', ":3: error: [server] port must be a whole number"),
    ("[server]\nport = 0", ":2: error: [server] port must be at least 1"),
    ("[server]\nport = 65536", ":2: error: [server] port must be at most 65535"),
    (
        "[server]\nport = 1\nhealth_port = 1",
        ":1: error: [server] port and health_port must differ; health has its own port so that it can stay private",
    ),
    ("[store]\npath = 1", ":2: error: [store] path must be a string in quotes"),
    ("slack = 1", ":1: error: [slack] must be a table"),
    ("[slack]\nchannel = 1", ":2: error: [slack] channel must be a string in quotes"),
    ("[triage]\ndays = 1.5", ":2: error: [triage] days must be a whole number"),
    (
        "[triage]\ndays = 2\nrecent_hours = 48",
        ":1: error: [triage] recent_hours must be shorter than days, or nothing is left to compare with",
    ),
    ("[history]\ndays = 14", ":2: error: [history] days must be at least 15"),
    (
        "[triage]\ndays = 40\n[history]\ndays = 40",
        ":4: error: [history] days must be more than [triage] days, which is 40, or a triage finds its window cut off",
    ),
    ('[enrichers]\nenabled = "all"', ':2: error: [enrichers] enabled must be a list, as in ["…"]'),
    (
        '[enrichers]\nenabled = [\n  "usual_ips",\n  "denied_cals",\n]',
        ":2: error: [enrichers] enabled names 'denied_cals'; did you mean 'denied_calls'?",
    ),
    (
        f'[slack]\nbot_token = "{CANARY}"',
        (
            ':2: error: [slack] bot_token must say where the secret stands, as "env:NAME", "file:/path" or '
            '"aws:NAME"; '
            "a secret itself never does"
        ),
    ),
    (
        '[exposure]\ngithub_url = "http://github.example.com/api/v3"',
        (
            ":2: error: [exposure] github_url must be an https address such as "
            '"https://github.example.com/api/v3": a token goes there'
        ),
    ),
    (
        '[exposure]\norganisations = ["parcel hub"]',
        ":2: error: [exposure] organisations entry 1 must be an organisation's name",
    ),
    (
        '[exposure]\nwords = ["parcelhub\\" org:other"]',
        ':2: error: [exposure] words entry 1 must be a word such as "parcelhub.example"',
    ),
    ("[sources.siem]\n", ":1: error: [sources.siem] secrets is missing; add it"),
    ("[sources.siem]\nsecrets = []", ":2: error: [sources.siem] secrets must have at least 1 entry"),
    (
        '[sources.siem]\nsecrets = ["env:A", "env:B", "env:C"]',
        ":2: error: [sources.siem] secrets must have at most 2 entries",
    ),
    ('[sources.aws]\nauth = "sqs"', ":1: error: [sources.aws] queue_url is missing; add it"),
    ('[sources.aws]\nauth = "sns"', ":1: error: [sources.aws] topics is missing; add it"),
    (
        '[sources.aws]\nauth = "sns"\ntopics = ["arn:aws:sqs:eu-west-1:111122223333:alerts"]',
        (
            ":3: error: [sources.aws] topics entry 1 must be the ARN of a topic such as "
            '"arn:aws:sns:eu-west-1:111122223333:alerts"'
        ),
    ),
    (
        f'[sources.aws]\nauth = "sqs"\nqueue_url = "{QUEUE_URL}"\nsecrets = ["env:SLACK_BOT_TOKEN"]',
        ':4: error: [sources.aws] secrets is not used where auth = "sqs"; remove it',
    ),
    (
        '[sources.aws]\nkind = "splnk"\nsecrets = ["env:SLACK_BOT_TOKEN"]',
        (
            ":2: error: [sources.aws] kind must be one of: auto, generic, guardduty, health, securityhub, ocsf, "
            "cloudtrail, alertmanager, datadog, elastic, grafana, panther, sentinel, splunk, sumologic"
        ),
    ),
    (
        '[sources.aws]\neach = "a[0]"\nsecrets = ["env:SLACK_BOT_TOKEN"]',
        ':2: error: [sources.aws] each must name a list, such as "alerts" or "data.hits"',
    ),
    (
        '[sources."Si em"]\nsecrets = ["env:SLACK_BOT_TOKEN"]',
        ":1: error: [sources] Si em is not a name; use lower-case letters, digits, - and _",
    ),
    (
        '[sources.siem]\nsecrets = ["env:SLACK_BOT_TOKEN"]\nfields = { title = "a[" }',
        ":3: error: [sources.siem.fields] title is not a JMESPath expression; see https://jmespath.org/tutorial.html",
    ),
    (
        '[sources.siem]\nsecrets = ["env:SLACK_BOT_TOKEN"]\nenvironment = "paiments"\n[environments.payments]',
        ":3: error: [sources.siem] environment names 'paiments'; did you mean 'payments'?",
    ),
    (
        "[environments.e]\naccounts = [111122223333]",
        ":2: error: [environments.e] accounts entry 1 must be a string in quotes",
    ),
    (
        '[environments.e]\naccounts = ["1111"]',
        ":2: error: [environments.e] accounts entry 1 must be an account id of 12 digits, as a string",
    ),
    (
        '[environments.e]\nown_networks = ["203.0.113.0/24", "203.0.113.7/24"]',
        (
            ':2: error: [environments.e] own_networks entry 2 must be a network such as "203.0.113.0/24", '
            "its host bits zero"
        ),
    ),
    (
        '[environments.e]\nusual_providers = ["Hetzner", " "]',
        ':2: error: [environments.e] usual_providers entry 2 must be a provider such as "Hetzner" or "AS24940"',
    ),
    (
        '[environments.e]\nusual_countries = ["Germany"]',
        ':2: error: [environments.e] usual_countries entry 1 must be an ISO 3166 country code such as "DE"',
    ),
    (
        '[environments.e]\nown_networks = ["0.0.0.0/0"]',
        (
            ":2: error: [environments.e] own_networks entry 1 is too wide: half the internet would be in it; "
            "/8 is the limit"
        ),
    ),
    (
        '[environments.e]\npartition = "aws-iso"',
        ":2: error: [environments.e] partition must be '', 'aws', 'aws-us-gov' or 'aws-cn'",
    ),
    (
        '[environments.e]\nautomation = ["*"]',
        (
            ":2: error: [environments.e] automation entry 1 would be everybody; "
            'name a principal such as "svc-*" or "111122223333:role/deploy"'
        ),
    ),
    (
        '[environments.e.account_names]\n"1111" = "prod"',
        ":2: error: [environments.e.account_names] 1111 must be an account id of 12 digits, as a string",
    ),
    (
        '[environments.e.account_names]\n"111122223333" = " "',
        ":2: error: [environments.e.account_names] 111122223333 is empty; say what people call the account",
    ),
    (
        '[environments.a]\naccounts = ["111122223333"]\n[environments.b]\naccounts = ["111122223333"]',
        (
            ":4: error: [environments.b] accounts names 111122223333, which is in [environments.a] already; "
            "an account has one"
        ),
    ),
    (
        f"{TEST}since = 2026-03-02\nuntil = 2026-03-13T18:00:00Z",
        ":4: error: [environments.e.tests.t] since must say its time zone, as in 2026-11-20T08:00:00Z",
    ),
    (
        f"{TEST}since = 'soon'\nuntil = 2026-03-13T18:00:00Z",
        ":4: error: [environments.e.tests.t] since must be a time such as 2026-11-20T08:00:00Z",
    ),
    (
        f"{TEST}since = 2026-03-13T18:00:00Z\nuntil = 2026-03-02T08:00:00+02:00",
        ":1: error: [environments.e.tests] t ends before it begins; until must be later than since",
    ),
    (
        f"{TEST.replace('keys', '#')}since = 2026-03-02T08:00:00Z\nuntil = 2026-03-13T18:00:00Z",
        (
            ":1: error: [environments.e.tests] t names neither keys nor principals; "
            "a test is approved for those it uses, never for all"
        ),
    ),
    (
        f"{TEST.replace('203.0.113.64/28', '203.0.0.0/8')}since = 2026-03-02T08:00:00Z\nuntil = 2026-03-13T18:00:00Z",
        (
            ":3: error: [environments.e.tests.t] networks entry 1 is too wide: half the internet would be in it; "
            "/16 is the limit"
        ),
    ),
    (
        f"{TEST.replace('203.0.113.64/28', '2001::/16')}since = 2026-03-02T08:00:00Z\nuntil = 2026-03-13T18:00:00Z",
        (
            ":3: error: [environments.e.tests.t] networks entry 1 is too wide: half the internet would be in it; "
            "/32 is the limit"
        ),
    ),
    (
        f"{TEST.replace('AKIARTX3GSDSQAAAAAAA', 'akia')}since = 2026-03-02T08:00:00Z\nuntil = 2026-03-13T18:00:00Z",
        ':2: error: [environments.e.tests.t] keys entry 1 must be an access key id such as "AKIA…"',
    ),
    (
        '[access]\ntriage = ["alice"]',
        (
            ':2: error: [access] triage entry 1 must be "slack:<team>:<user>", "slack:<team>:<user group>" or '
            '"local:<os user>"'
        ),
    ),
    (
        '[access.people]\n"local:alice" = "bob"',
        ':2: error: [access.people] local:alice must be a Slack person such as "slack:T0123ABCD:U0123ABCD"',
    ),
    (
        '[access.people]\nalice = "slack:T1:U1"',
        ':2: error: [access.people] alice must be called "local:<os user>"',
    ),
    (
        '[aws]\nread_role = "triage-read"',
        ':2: error: [aws] read_role must be a role such as "arn:aws:iam::{account}:role/triage-read"',
    ),
    (
        '[aws]\nlog_buckets = ["s3://trail"]',
        ":2: error: [aws] log_buckets entry 1 must be the name of a bucket, without s3://",
    ),
    ('[aws]\nlog_account = "12"', ":2: error: [aws] log_account must be an account id of 12 digits, as a string"),
    (
        '[history.follow]\nqueue_url = "arn:aws:sqs:eu-west-1:111122223333:logs"',
        f':2: error: [history.follow] queue_url must be the URL of a queue such as "{QUEUE_URL}"',
    ),
    (
        '[ipdata]\nmmdb = [\n "/nowhere/city.mmdb"]',
        ":2: error: [ipdata] mmdb names /nowhere/city.mmdb, which is not there; correct or remove it",
    ),
    ("[ipdata]\nupdate_hours = 721", ":2: error: [ipdata] update_hours must be at most 720"),
    (
        '[ipdata]\nmirror = "lists.example.com"',
        ':2: error: [ipdata] mirror must be an address such as "https://lists.example.com/ip"',
    ),
    (
        '[threat_lists]\notx_url = "http://otx.example.com"',
        (
            ':2: error: [threat_lists] otx_url must be an https address such as "https://lists.example.com": '
            "a key goes there"
        ),
    ),
    ("[remediation]\nexpiry_minutes = true", ":2: error: [remediation] expiry_minutes must be a whole number"),
    (
        "[remediation.approvers]\ndisable_access_key = 6",
        ":2: error: [remediation.approvers] disable_access_key must be at most 5",
    ),
    ("[slack]\nchannel = C1", ":2: error: is not TOML (Invalid value); text stands in quotes, a list in [ ]"),
]


@pytest.mark.parametrize(("text", "sentence"), BROKEN, ids=[text for text, _ in BROKEN])
def test_every_mistake_has_its_line_and_its_remedy(tmp_path: Path, text: str, sentence: str) -> None:
    found = problems(tmp_path, text)
    assert [one for one in found if one.startswith(sentence)]
    assert not any(CANARY in one for one in found)


ACCOUNTS = 'accounts = ["111122223333"]'
DOUBTFUL = [
    (
        f"[environments.e]\n{ACCOUNTS}\n{TEST}since = 2026-11-02T08:00:00Z\nuntil = 2026-11-13T18:00:00Z",
        ":7: warning: [environments.e.tests.t] until was 2026-11-13T18:00:00Z: the test is over; take its table out",
    ),
    (
        f"[environments.e]\n{ACCOUNTS}\n{TEST}since = 2026-11-02T08:00:00Z\nuntil = 2027-11-02T08:00:00Z",
        ":7: warning: [environments.e.tests.t] until makes the test 365 days long; approve it month by month",
    ),
    (
        f'[environments.e]\n{ACCOUNTS}\nown_networks = ["203.0.113.0/24", "203.0.113.64/28"]',
        (
            ":3: warning: [environments.e] own_networks names 203.0.113.64/28, which 203.0.113.0/24 holds already; "
            "leave one out"
        ),
    ),
    (
        (
            f'[environments.a]\n{ACCOUNTS}\nown_networks = ["203.0.113.0/24"]\n'
            '[environments.b]\naccounts = ["444455556666"]\nown_networks = ["203.0.113.64/28"]'
        ),
        (
            ":6: warning: [environments.b] own_networks overlap: 203.0.113.64/28 and 203.0.113.0/24 of "
            "[environments.a]; whose are the addresses of 203.0.113.64/28?"
        ),
    ),
    (
        "[environments.e]\nusual_countries = []",
        (
            ":1: warning: [environments.e] accounts is empty, and no source names this environment: "
            "no alert will find it"
        ),
    ),
    (
        f'[environments.e]\n{ACCOUNTS}\n[environments.e.account_names]\n"444455556666" = "prod"',
        ":4: warning: [environments.e.account_names] 444455556666 is not one of [environments.e] accounts",
    ),
    (
        f'[environments.e]\n{ACCOUNTS}\npartition = "aws-cn"',
        (
            ':3: warning: [environments.e] partition is "aws-cn", but [aws] region us-east-1 is in aws: '
            "AWS is not asked about its accounts; run a second bot there"
        ),
    ),
]


@pytest.mark.parametrize(("text", "sentence"), DOUBTFUL, ids=[sentence for _, sentence in DOUBTFUL])
def test_what_is_doubtful_is_a_warning(tmp_path: Path, text: str, sentence: str) -> None:
    assert [one for one in problems(tmp_path, text) if "environments" in one] == [sentence]


PEOPLE = [f"slack:T0123ABCD:U0{number}" for number in range(5)]
TWO_ASKED = "[remediation.approvers]\ndisable_access_key = 2\nblock_ip = 1\n"
TERMINALS = f'[access.people]\n"local:ben" = "{PEOPLE[1]}"\n'


def named(right: str, *people: str) -> str:
    return f"[access]\n{right} = {json.dumps(people)}\n"


@pytest.mark.parametrize(
    ("text", "key", "names"),
    [
        (
            named("approve", *PEOPLE[:2]) + TWO_ASKED,
            ":4: warning: [remediation.approvers] disable",
            "approve names 2 people",
        ),
        (
            named("approve", *PEOPLE[:2]) + '[environments.default]\nprotected = ["break-glass-*"]',
            ":4: warning: [environments.default] protected",
            "approve names 2 people",
        ),
        (
            named("undo", "local:ana", "local:ben", PEOPLE[1]) + TWO_ASKED + TERMINALS,
            ":4: warning: [remediation.approvers] disable",
            "undo names one person",
        ),
        (
            named("undo", "local:ana") + TWO_ASKED,
            ":4: warning: [remediation.approvers] disable",
            "undo names no person",
        ),
    ],
)
def test_fewer_people_than_must_approve_are_a_warning(tmp_path: Path, text: str, key: str, names: str) -> None:
    (found,) = (one for one in problems(tmp_path, text) if "other than who planned" in one)
    assert found.startswith(key)
    assert f"asks for 2 people other than who planned, and [access] {names}: " in found
    assert found.endswith("could be carried out only by breaking the glass; name at least 3")


@pytest.mark.parametrize(
    "text",
    [
        named("approve", *PEOPLE[:3]) + TWO_ASKED,
        named("approve", PEOPLE[0], "slack:T0123ABCD:S0SOC") + TWO_ASKED,
        named("approve", PEOPLE[0]),
        TWO_ASKED,
    ],
)
def test_enough_people_or_a_group_of_them_is_no_warning(tmp_path: Path, text: str) -> None:
    assert not [one for one in problems(tmp_path, text) if "other than who planned" in one]


@pytest.mark.parametrize(
    "text",
    [
        # Private ranges are everybody's, an office may be shared, and a test may still be going on.
        (
            f'[environments.a]\n{ACCOUNTS}\nown_networks = ["10.0.0.0/8", "203.0.113.0/24"]\n'
            '[environments.b]\naccounts = ["444455556666"]\nown_networks = ["10.1.0.0/16", "203.0.113.0/24"]'
        ),
        f"[environments.e]\n{ACCOUNTS}\n{TEST}since = 2026-11-12T08:00:00Z\nuntil = 2026-11-20T18:00:00Z",
        '[environments.e]\n[sources.s]\nsecrets = ["env:SLACK_BOT_TOKEN"]\nenvironment = "e"',
        f'[aws]\nregion = "cn-north-1"\n[environments.e]\n{ACCOUNTS}\npartition = "aws-cn"',
    ],
)
def test_what_is_meant_is_no_warning(tmp_path: Path, text: str) -> None:
    assert [one for one in problems(tmp_path, text) if "environments" in one] == []


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = '[slack]\nmode = "x"\n[server]\nport = "80"\n[triage]\ndayz = 1\n'
    assert [one.split(": ")[0] for one in problems(tmp_path, text)] == [":2", ":4", ":6"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[history]\nkind = "splunk"', "[history] kind must be 'sqlite', 'athena' or 'lookup'"),
        ('[history]\nkind = "athena"\nbeyond = "athena"', 'beyond = "athena" is for kind = "sqlite"'),
        ('[history]\nbeyond = "lookup"', "asks LookupEvents of no account: name them in [history.lookup] accounts"),
        (
            '[history.athena]\ntable = "logs; DROP"',
            "[history.athena] table must be a name of small letters, digits and _",
        ),
        ('[history.athena]\nworkgroup = ""', "[history.athena] workgroup must be the name of a workgroup"),
        (
            '[history.athena]\noutput = "results"',
            '[history.athena] output must be a place such as "s3://bucket/prefix/"',
        ),
        ('[history.athena]\nregions = ["frankfurt"]', "[history.athena] regions entry 1 must be the name of a region"),
        ("[history.athena]\nseconds = 600.0", "[history.athena] seconds must be at most 110"),
        ("[history.lookup]\naccounts = [1]", "[history.lookup] accounts entry 1 must be a string in quotes"),
    ],
)
def test_a_history_that_cannot_be_asked_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    (problem,) = problems(tmp_path, f"{text}\n")
    assert sentence in problem


def test_the_example_passes_and_says_the_defaults() -> None:
    found = config.check(EXAMPLE, {})
    assert [problem for problem in found if problem.severity == "error"] == []
    assert config.load(EXAMPLE, {}) == config.load(None, {})


def test_a_missing_secret_is_a_warning_for_check_and_an_error_for_serve(tmp_path: Path) -> None:
    sentence = "[slack] app_token cannot be read: SLACK_APP_TOKEN is not set; "
    sentence += "set SLACK_APP_TOKEN, or SLACK_APP_TOKEN_FILE to a file that holds it"
    environ = {"SLACK_BOT_TOKEN": CANARY}
    assert problems(tmp_path, OK, environ) == [f":1: warning: {sentence}"]
    assert problems(tmp_path, OK, environ, serving=True) == [f":1: error: {sentence}"]
    assert problems(tmp_path, OK) == []


def test_http_mode_needs_the_signing_secret_instead_of_the_app_token(tmp_path: Path) -> None:
    found = problems(tmp_path, OK.replace("[enrichers]", 'mode = "http"\n[enrichers]'), {"SLACK_BOT_TOKEN": "x"})
    assert ["signing_secret" in one for one in found] == [True]


def test_a_secret_file_that_everyone_can_read_is_a_problem(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("xapp-made-up\n")
    environ = {"SLACK_BOT_TOKEN": "x", "SLACK_APP_TOKEN_FILE": str(secret)}
    secret.chmod(0o644)
    assert problems(tmp_path, OK, environ) == [
        (
            f":1: error: [slack] app_token is in {secret}, which every user of this machine can read; "
            f"run: chmod 600 {secret}"
        )
    ]
    secret.chmod(0o600)
    assert problems(tmp_path, OK, environ) == []


def test_secrets_come_from_the_environment_or_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" s3cret \n")
    assert SecretRef.parse("env:A").read({"A": "direct", "A_FILE": str(file)}) == "direct"
    assert SecretRef.parse("env:A").read({"A_FILE": str(file)}) == "s3cret"
    assert SecretRef.parse(f"file:{file}").read({}) == "s3cret"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty; write the secret into it"),
        (b"\xff", "is not UTF-8 text; write the secret into it as one line"),
        (b"x" * 70_000, "is over 65536 bytes; a secret is one line"),
    ],
)
def test_an_odd_secret_file_is_named_with_its_remedy(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(MissingSecret, match=why):
        SecretRef.parse(f"file:{file}").read({})


@pytest.mark.parametrize("place", ["/nowhere/at/all", "/", "a\0b"])
def test_a_secret_file_that_cannot_be_read_is_missing(place: str) -> None:
    with pytest.raises(MissingSecret):
        SecretRef.parse(f"file:{place}").read({})


@pytest.mark.parametrize("text", ["", CANARY, "env:", "env:A B", "file:", "file: ", "http://x"])
def test_a_reference_that_is_none_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="must say where the secret stands") as refused:
        SecretRef.parse(text)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read (No such file or directory); create it, or name another with --config or TRIAGE_CONFIG"),
        (b"\xff", "is not UTF-8 text; save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "config.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(config.ConfigError) as refused:
        config.load(file, {})
    assert len(refused.value.problems) == 1
    assert sentence in str(refused.value)


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.find(None, {}) is None
    (tmp_path / "config.toml").touch()
    assert config.find(None, {}) == Path("config.toml")
    assert config.find(None, {"TRIAGE_CONFIG": "other.toml"}) == Path("other.toml")
    assert config.find(Path("given.toml"), {"TRIAGE_CONFIG": "other.toml"}) == Path("given.toml")


def test_the_environment_overrides_history_and_slack(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[history]\npath = "a.db"\n')
    settings = config.load(file, {"TRIAGE_HISTORY": "b.db", "SLACK_API_URL": "http://127.0.0.1:9/api/"})
    assert settings.history.path == Path("b.db")
    assert settings.slack.api_url == "http://127.0.0.1:9/api/"


def test_an_alert_belongs_to_its_sources_environment_else_to_its_accounts(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[slack]\nchannel = "C1"\n[environments.a]\naccounts = ["111122223333"]\nchannel = "C2"\n'
        '[environments.b]\n[sources.s]\nsecrets = ["env:S"]\nenvironment = "b"\n'
    )
    settings = config.load(file, {})
    assert settings.environment_of("111122223333").channel == "C2"
    assert settings.environment_of("444455556666").name == "default"
    assert settings.environment_of("111122223333", "s") == settings.environment("b")
    assert settings.environment("b").channel == "C1"
    with pytest.raises(KeyError):
        settings.environment("nobody")


def test_only_the_mapped_fields_of_a_source_are_a_mapping(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[sources.s]\nsecrets = ["env:S"]\n[sources.s.fields]\ntitle = "what"\nid = ""\n')
    assert config.load(file, {}).sources["s"].fields.mapped() == {"title": "what"}


def test_the_line_of_a_key_is_found_past_values_of_several_lines() -> None:
    text = 'a = """\n[x]\nb = 1\n"""\n[ "t" . u ]  # c\nlist = [\n 1, # ]\n]\nc.d = 2\n'
    lines = config.toml_lines.locate(text)
    assert lines == {("a",): 1, ("t", "u"): 5, ("t", "u", "list"): 6, ("t", "u", "c", "d"): 9}
