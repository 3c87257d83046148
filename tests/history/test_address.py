"""What stands in ``sourceIPAddress``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.history.address import classify
from bot.model import AddressClass


@pytest.mark.parametrize(
    ("source", "value", "kind"),
    [
        ("3.225.16.109", "3.225.16.109", AddressClass.PUBLIC),
        ("192.0.2.1", "192.0.2.1", AddressClass.PUBLIC),
        ("198.51.100.1", "198.51.100.1", AddressClass.PUBLIC),
        ("203.0.113.5", "203.0.113.5", AddressClass.PUBLIC),
        ("2001:DB8:0:0::1", "2001:db8::1", AddressClass.PUBLIC),
        ("::ffff:203.0.113.5", "203.0.113.5", AddressClass.PUBLIC),
        ("::ffff:10.0.0.1", "10.0.0.1", AddressClass.PRIVATE),
        ("10.8.8.10", "10.8.8.10", AddressClass.PRIVATE),
        ("172.31.255.255", "172.31.255.255", AddressClass.PRIVATE),
        ("172.32.0.0", "172.32.0.0", AddressClass.PUBLIC),
        ("192.168.10.20", "192.168.10.20", AddressClass.PRIVATE),
        ("100.64.0.1", "100.64.0.1", AddressClass.PRIVATE),
        ("169.254.169.254", "169.254.169.254", AddressClass.PRIVATE),
        ("fd00::1", "fd00::1", AddressClass.PRIVATE),
        ("fe80::1", "fe80::1", AddressClass.PRIVATE),
        ("AWS Internal", "AWS Internal", AddressClass.AWS_INTERNAL),
        ("AWS Internal/#", "AWS Internal/#", AddressClass.AWS_INTERNAL),
        ("ses.amazonaws.com", "ses.amazonaws.com", AddressClass.SERVICE_HOST),
        ("ec2.amazonaws.com.cn", "ec2.amazonaws.com.cn", AddressClass.SERVICE_HOST),
        ("253.252.51.07", "253.252.51.07", AddressClass.OTHER),
        ("035.249.253.232", "035.249.253.232", AddressClass.OTHER),
        ("256.1.1.1", "256.1.1.1", AddressClass.OTHER),
        ("fe80::1%eth0", "fe80::1%eth0", AddressClass.OTHER),
        ("0.0.0.0", "0.0.0.0", AddressClass.OTHER),  # noqa: S104 - nothing is bound
        ("evil.amazonaws.com.example", "evil.amazonaws.com.example", AddressClass.OTHER),
        ("", None, AddressClass.OTHER),
        (" ", None, AddressClass.OTHER),
        (None, None, AddressClass.OTHER),
    ],
)
def test_class(source: str | None, value: str | None, kind: AddressClass) -> None:
    assert classify(source) == (value, kind)


@given(st.text(max_size=400))
def test_any_text_has_a_class_and_one_spelling(source: str) -> None:
    value, kind = classify(source)
    assert value is None or len(value) <= 255
    assert classify(value) == (value, kind)
