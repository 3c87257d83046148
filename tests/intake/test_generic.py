"""A generic alert: named fields where there are any, and every observable in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import intake
from bot.intake import shipped
from bot.intake.source import Source
from bot.model import Alert, Call, Kind, Observable
from bot.settled import source_of_kind
from tests.intake.samples import ACCOUNT, ALICE, KALI, KEY, RECEIVED, SECRET

SIEM = Source("siem")
AT = datetime(2026, 11, 20, 14, 3, 11, tzinfo=UTC)
PAYLOAD = {
    "title": "Observed Hacking Tool User agent – Kali Linux",
    "severity": "High",
    "time": "2026-11-20T14:03:11Z",
    "id": "rule-7/2026",
    "access_key": KEY,
    "principal": ALICE,
    "source_ip": "203.0.113.7",
    "user_agent": KALI,
    "event": "iam:ListUsers",
}
CALL = Call(AT, KEY, ALICE, "203.0.113.7", KALI, "iam:ListUsers")


def alert(payload: dict[str, Any], source: Source = SIEM) -> Alert:
    (parsed,) = intake.parse(source, json.dumps(payload).encode(), RECEIVED)
    return parsed


def test_the_fields_of_the_contract() -> None:
    assert alert(PAYLOAD) == Alert(
        id="siem:rule-7/2026",
        source="siem",
        title="Observed Hacking Tool User agent – Kali Linux",
        severity="high",
        at=AT,
        observables=(
            Observable(Kind.ACCESS_KEY, KEY),
            Observable(Kind.PRINCIPAL, f"{ACCOUNT}:user/alice"),
            Observable(Kind.IP, "203.0.113.7"),
            Observable(Kind.USER_AGENT, KALI),
            Observable(Kind.EVENT, "iam:ListUsers"),
        ),
        calls=(CALL,),
    )


def test_a_mapping_says_where_a_source_keeps_what() -> None:
    source = Source(
        "edr", fields={"access_key": "evidence[0].key", "title": "what", "time": "at", "source_ip": "none.such"}
    )
    payload = {"what": "Odd", "at": 1795183391000, "evidence": [{"key": KEY}], "access_key": "ignored"}
    parsed = alert(payload, source)
    assert (parsed.title, parsed.at, parsed.calls) == ("Odd", AT, (Call(AT, KEY),))
    assert parsed.notes == ("The mapping of source_ip finds nothing in this alert.",)


def test_a_mapping_that_does_not_fit_is_noted_and_costs_nothing_else() -> None:
    parsed = alert(PAYLOAD, Source("siem", fields={"title": "abs(title)"}))
    assert "The mapping of title does not fit this alert." in parsed.notes
    assert parsed.calls == (CALL,)


def test_free_text_is_searched_and_tells_of_no_call() -> None:
    parsed = alert({"text": f"{KEY} was used from 203.0.113.7", "time": "2026-11-20T14:03:11Z"})
    assert [one.value for one in parsed.observables] == [KEY, "203.0.113.7"]
    assert parsed.calls == ()
    assert parsed.title == "Alert from siem"


@pytest.mark.parametrize(
    ("time", "at", "note"),
    [
        ("2026-11-20T15:03:11.9+01:00", AT, None),
        ("2026-11-20T14:03:11", AT, None),
        (1795183391, AT, None),
        ("1795183391", AT, None),
        (1795183391123.5, AT, None),
        ("2026-11-20T14:09:00Z", datetime(2026, 11, 20, 14, 9, tzinfo=UTC), None),
        (None, RECEIVED, "The alert gives no time"),
        ("", RECEIVED, "The alert gives no time"),
        ("yesterday", RECEIVED, "could not be read"),
        ("9999-12-31T23:59:59-23:59", RECEIVED, "could not be read"),
        (1e300, RECEIVED, "could not be read"),
        (-5, RECEIVED, "could not be read"),
        (True, RECEIVED, "could not be read"),
        (["x"], RECEIVED, "could not be read"),
        ("2026-11-20T15:00:00Z", RECEIVED, "2026-11-20T15:00:00Z, is in the future"),
        ("1970-01-01T00:00:00Z", RECEIVED, "1970-01-01T00:00:00Z, is before AWS was"),
    ],
)
def test_odd_times_are_replaced_and_said_so(time: Any, at: datetime, note: str | None) -> None:
    parsed = alert({**PAYLOAD, "time": time})
    assert parsed.at == at
    assert len(parsed.notes) == (1 if note else 0)
    assert (note or "") in "".join(parsed.notes)


def test_an_id_is_stable_and_never_shared_between_sources() -> None:
    without = {key: value for key, value in PAYLOAD.items() if key != "id"}
    assert alert(without).id == alert(dict(reversed(without.items()))).id
    assert alert(without).id != alert({**without, "title": "other"}).id
    assert alert(PAYLOAD).id != alert(PAYLOAD, Source("other")).id
    assert alert({**PAYLOAD, "id": 7}).id == "siem:7"
    assert len(alert({**PAYLOAD, "id": "<!channel>" * 1000}).id) < 40


def test_hostile_words_become_one_plain_line() -> None:
    parsed = alert({**PAYLOAD, "title": "a\x1b[31m\u202eb\n\nc" + "x" * 1000, "severity": {"a": 1}})
    assert parsed.title.startswith("a [31m b cxxx")
    assert len(parsed.title) == 300
    assert parsed.severity is None


def test_secrets_are_counted() -> None:
    parsed = alert({**PAYLOAD, "note": f"{KEY}:{SECRET}"})
    assert parsed.secrets_removed == 1
    assert SECRET not in repr(parsed)


def test_a_sample_is_marked() -> None:
    assert alert({**PAYLOAD, "sample": True}).sample
    assert not alert({**PAYLOAD, "sample": "false"}).sample


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from([*PAYLOAD, "detail", "userIdentity", "eventSource", "account", "type", "service", "resource"])


@pytest.mark.parametrize("kind", ["auto", "generic", *intake.FORMS, *shipped.names()])
@settings(max_examples=30)
@given(payload=st.dictionaries(names, odd, max_size=8))
def test_any_object_becomes_an_alert(kind: Any, payload: dict[str, Any]) -> None:
    parsed = intake.normalise(source_of_kind("s", kind), payload, RECEIVED)
    assert parsed.title
    assert parsed.at.tzinfo is UTC
