"""What a person means by what they typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.history.load import load_paths
from bot.history.sqlite import SqliteHistory
from bot.model import Kind, Observable, Refusal
from bot.operations import observable_of
from tests.history import made

ROLE = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::111122223333:assumed-role/alice/s",
    "accountId": "111122223333",
    "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "alice", "accountId": "111122223333"}},
}
USER = {"type": "IAMUser", "userName": "alice", "accountId": "111122223333"}
OTHER = {"type": "IAMUser", "userName": "bob", "accountId": "111122223333"}


@pytest.fixture
def history(tmp_path: Path) -> SqliteHistory:
    records = [made.record(n, userIdentity=identity) for n, identity in enumerate((ROLE, USER, OTHER))]
    kept = SqliteHistory(tmp_path / "history.db")
    load_paths(kept, [made.write(tmp_path / "records.json", records)])
    return kept


@pytest.mark.parametrize(
    ("word", "value", "meant"),
    [
        ("user", "alice", "111122223333:user/alice"),
        ("role", "alice", "111122223333:role/alice"),
        ("user", "arn:aws:iam::111122223333:user/bob", "111122223333:user/bob"),
        ("user", "nobody", "nobody"),
        ("role", "arn:aws:iam::111122223333:role/path/unseen", "111122223333:role/unseen"),
        ("role", "arn:aws:sts::111122223333:assumed-role/unseen/session", "111122223333:role/unseen"),
    ],
)
def test_a_user_and_a_role_of_one_name_are_told_apart(
    history: SqliteHistory, word: str, value: str, meant: str
) -> None:
    assert observable_of(Kind.PRINCIPAL, value, history, word) == Observable(Kind.PRINCIPAL, meant)


@pytest.mark.parametrize(
    ("kind", "value", "word", "sentence"),
    [
        (Kind.PRINCIPAL, "bob", "role", "bob is 111122223333:user/bob: ask `triage user bob`."),
        (Kind.PRINCIPAL, "alice", "", "could be any of"),
        (Kind.PRINCIPAL, "arn:aws:s3:::x", "role", "arn:aws:s3:::x names no role: name a user, a role"),
        (Kind.PRINCIPAL, "arn:aws:iam::111122223333:user/unseen", "role", ": ask `triage user arn:aws:iam"),
        (Kind.ACCESS_KEY, "hello", "key", "hello is not an access key id"),
        (Kind.IP, "999.1.1.1", "ip", "999.1.1.1 is not an IP address."),
        (Kind.EVENT, "  ", "event", "Name the event you ask about."),
    ],
)
def test_what_cannot_be_meant_is_refused(
    history: SqliteHistory, kind: Kind, value: str, word: str, sentence: str
) -> None:
    refused = observable_of(kind, value, history, word)
    assert isinstance(refused, Refusal)
    assert sentence in refused.sentence


def test_a_key_is_not_refused_for_its_alphabet(history: SqliteHistory) -> None:
    assert observable_of(Kind.ACCESS_KEY, " AKIA1890EXAMPLE0189Z ", history) == Observable(
        Kind.ACCESS_KEY, "AKIA1890EXAMPLE0189Z"
    )
