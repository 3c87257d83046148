"""What comes in is strict JSON, one object or a short list of them, and nothing else gets past."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.intake.payload import MAX_BYTES, Unreadable, read
from tests.intake.samples import KEY, SECRET

REFUSED = {
    "empty": (b"", "not JSON"),
    "half": (b'{"a": ', "line 1, column 7"),
    "number": (b"1", "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "empty list": (b"[]", "holds no alert"),
    "mixed list": (b'[{"a": 1}, 2]', "must be a JSON object"),
    "list of 101": (b"[" + b",".join([b"{}"] * 101) + b"]", "holds 101 alerts; send at most 100"),
    "NaN": (b'{"a": NaN}', "number that is none"),
    "infinity": (b'{"a": -Infinity}', "number that is none"),
    "1e999": (b'{"a": 1e999}', "number that is none"),
    "5,000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "too long"),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "100,000 deep": (b"[" * 100_000, "deeper than 64"),
    "65 deep": (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
    "too large": (b'"' + b"a" * MAX_BYTES, f"over {MAX_BYTES} bytes"),
    "open string of escapes": (b'"' + b'\\"' * 100_000, "not JSON"),
    "two values": (b"{} {}", "not JSON"),
    "comment": (b"{} // hello", "not JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_alert_is_refused_with_a_sentence(name: str) -> None:
    body, sentence = REFUSED[name]
    with pytest.raises(Unreadable) as refused:
        read(body)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_one_alert_or_a_list_of_them() -> None:
    assert read(b'{"a": 1}') == ({"a": 1},)
    assert read(b'\xef\xbb\xbf [{"a": 1}, {"a": 1}]') == ({"a": 1}, {"a": 1})
    assert read(b'{"a": 1, "a": 2}') == ({"a": 2},)


def test_brackets_inside_strings_are_no_nesting() -> None:
    text = '["' * 1000 + '\\"[[{{'
    assert read(json.dumps({"a": text}).encode()) == ({"a": text},)
    assert read(b'{"a":' * 64 + b"1" + b"}" * 64)


def test_half_a_surrogate_pair_is_replaced() -> None:
    (payload,) = read(b'{"a\\ud800": "\\udfff \\ud83d\\ude00"}')
    assert payload == {"a\ufffd": "\ufffd \U0001f600"}


def test_secrets_are_gone_before_anybody_sees_the_payload() -> None:
    (payload,) = read(json.dumps({"key": KEY, "note": SECRET}).encode())
    assert payload == {"key": KEY, "note": "[secret removed]"}


@given(st.binary(max_size=400) | st.text(alphabet='{}[]",:\\u0ad1eE-+. ', max_size=400).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        payloads = read(body)
    except Unreadable:
        payloads = ()
    assert all(isinstance(payload, dict) for payload in payloads)
