"""What a key id tells offline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.history.access_key import account_of, kind_of, masked, publicly_known


@pytest.mark.parametrize(
    ("key_id", "account"),
    [
        ("ASIAY34FZKBOKMUTVV7A", "609629065308"),
        ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
        ("AKIA6RVFFB77RE7OLMKI", "999999999999"),
        ("AKIARTX3GSDSQAAAAAAA", "111122223333"),
        ("AKIARZPUZDIKAAAAAAAA", "123456789012"),
        ("ASIATFQR7NSCTM3XVF6B", "218007301253"),
        ("AIDATFQR7NSC5AU2ZV3IE", "218007301253"),
        ("AKIAIOSFODNN7EXAMPLE", None),
        ("AKIAI44QH8DHBEXAMPLE", None),
        ("akiartx3gsdsqaaaaaaa", None),
        ("AKIA…LMKI", None),
        ("", None),
    ],
)
def test_account(key_id: str, account: str | None) -> None:
    assert account_of(key_id) == account


def test_kind_and_mask() -> None:
    assert kind_of("AKIARTX3GSDSQAAAAAAA") == "long-term access key"
    assert kind_of("AROARTX3GSDSQAAAAAAAA") == "role"
    assert kind_of("XXXX") is None
    assert masked("AKIA6RVFFB77RE7OLMKI") == "AKIA…LMKI"
    assert account_of(masked("AKIA6RVFFB77RE7OLMKI")) is None


@pytest.mark.parametrize(
    ("key_id", "said"),
    [
        ("AKIAIOSFODNN7EXAMPLE", "an id of AWS's own documentation"),
        ("AKIAJFQ6E7BY57Q3OBGA", "published for training: flaws.cloud, level 6"),
        ("AKIAQYLPMN5HAAAAAAAA", "bait"),
        ("AKIARTX3GSDSQAAAAAAA", None),
        ("", None),
    ],
)
def test_what_everybody_may_know_of_a_key(key_id: str, said: str | None) -> None:
    known = publicly_known(key_id)
    assert known == said if said is None else (known or "").startswith(said)


@given(st.text(max_size=40))
def test_any_text_has_an_account_or_none(text: str) -> None:
    account = account_of(text)
    assert account is None or (len(account) == 12 and account.isdigit())
