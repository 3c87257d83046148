"""A small form of `make bench-soak`, and a kill under load: what was answered with 202 is there."""

from __future__ import annotations

from tests.bench.load import bot, killed, soak


def test_nothing_is_lost_and_nothing_grows_without_bound() -> None:
    rows = {what: ratio for what, _, _, ratio in soak(4.0)}
    assert rows["alerts lost, of 80"] == 0
    assert rows["memory, idle"] < 1
    assert rows["write-ahead log at its longest"] < 1


def test_what_was_answered_with_202_is_there_after_a_kill() -> None:
    with bot() as site:
        sent = killed(site, 200, 4.0, 100)
        assert {one.status for one in sent} <= {0, 202, 503}
        assert sum(one.status == 202 for one in sent) > 20
        assert site.lost(sent) == 0
