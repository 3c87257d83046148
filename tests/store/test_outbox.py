"""A slot shows its newest message, lanes keep their order, and what was cut off is marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.store import outbox
from bot.store.outbox import Outgoing, Posted
from bot.store.state import State

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def show(state: State, slot: str, text: str, *, under: str | None = None, loud: bool = False) -> None:
    state.write(lambda db: outbox.show(db, slot, "C1", {"text": text}, NOW, under=under, loud=loud))


def claim(state: State, now: datetime = NOW) -> Outgoing | None:
    return state.write(lambda db: outbox.claim(db, now))


def take(state: State, now: datetime = NOW) -> Outgoing:
    outgoing = claim(state, now)
    assert outgoing is not None
    return outgoing


def post(state: State, outgoing: Outgoing, ts: str) -> None:
    state.write(lambda db: outbox.sent(db, outgoing, NOW, at=Posted("C1", ts)))


def test_only_the_newest_of_several_waiting_messages_is_sent(state: State) -> None:
    show(state, "card", "checking…")
    show(state, "card", "incident")
    sent = take(state)
    assert sent.payload["message"] == {"text": "incident"}
    state.write(lambda db: outbox.sent(db, sent, NOW, at=Posted("C1", "1.0")))
    assert claim(state) is None


def test_a_card_is_posted_before_what_stands_in_its_thread(state: State) -> None:
    show(state, "card", "checking…")
    show(state, "detail", "lists", under="card")
    show(state, "card", "incident")
    assert take(state).slot == "card"
    assert claim(state) is None, "its lane waits until the card is there"


def test_files_are_sent_once_what_they_stand_under_is_there(state: State) -> None:
    show(state, "card", "incident")
    state.write(lambda db: outbox.upload(db, "pictures", "C1", [{"filename": "a.png"}], NOW, under="card"))
    card = take(state)
    assert (card.slot, claim(state)) == ("card", None)
    post(state, card, "1.0")
    assert take(state).slot == "pictures"


def test_the_card_of_the_next_case_does_not_wait_for_a_thread(state: State) -> None:
    show(state, "card", "incident")
    show(state, "detail", "lists", under="card")
    show(state, "next card", "checking…")
    order = []
    for number in range(3):
        sent = take(state)
        post(state, sent, f"{number}.0")
        order.append(sent.slot)
    assert order == ["card", "next card", "detail"]


def test_a_reply_that_slack_put_off_holds_its_lane(state: State) -> None:
    show(state, "detail", "lists", under="card")
    reply = take(state)
    state.write(lambda db: outbox.postpone(db, reply, NOW + timedelta(seconds=30), "ratelimited", maybe_sent=False))
    show(state, "next card", "checking…")
    assert claim(state) is None


def test_a_change_during_sending_is_sent_after_it(state: State) -> None:
    show(state, "card", "checking…")
    first = take(state)
    show(state, "card", "incident")
    state.write(lambda db: outbox.sent(db, first, NOW, at=Posted("C1", "1.0")))
    assert take(state).payload["message"] == {"text": "incident"}
    assert outbox.posted(state.read(), "card") == Posted("C1", "1.0")


def test_a_row_cut_off_is_looked_for_before_it_is_posted_again(state: State) -> None:
    show(state, "card", "checking…")
    assert not take(state).interrupted
    assert state.write(outbox.release_all) == 1
    assert take(state).interrupted


def test_a_lost_answer_is_looked_for_and_a_refusal_is_not(state: State) -> None:
    show(state, "card", "checking…")
    later = NOW + timedelta(seconds=5)
    lost = take(state)
    state.write(lambda db: outbox.postpone(db, lost, later, "timeout", maybe_sent=True))
    assert claim(state) is None
    again = take(state, later)
    assert again.interrupted
    state.write(lambda db: outbox.postpone(db, again, later, "ratelimited", maybe_sent=False))
    assert not take(state, later).interrupted


def test_a_waiting_lane_does_not_hold_up_another(state: State) -> None:
    show(state, "card", "checking…")
    held = take(state)
    state.write(lambda db: outbox.postpone(db, held, NOW + timedelta(hours=1), "ratelimited", maybe_sent=False))
    state.write(lambda db: outbox.respond(db, "http://127.0.0.1/r", {"text": "hello"}, NOW))
    assert take(state).kind == "respond"


def test_what_slack_refuses_for_good_is_kept_with_its_reason(state: State) -> None:
    state.write(lambda db: outbox.change_view(db, "V1", {"type": "modal"}, NOW))
    refused = take(state)
    state.write(lambda db: outbox.give_up(db, refused, "view_not_found", NOW))
    assert claim(state) is None
    assert state.read().execute("SELECT state, error FROM outbox").fetchone() == ("refused", "view_not_found")


def test_what_a_slot_shows_already_is_not_sent_again(state: State) -> None:
    show(state, "card", "incident")
    first = take(state)
    state.write(lambda db: outbox.sent(db, first, NOW, at=Posted("C1", "1.0")))
    show(state, "card", "incident")
    assert claim(state) is None
    show(state, "card", "incident, disabled")
    assert take(state).payload["message"] == {"text": "incident, disabled"}


def test_what_must_be_heard_does_not_wait_behind_a_thread(state: State) -> None:
    show(state, "card", "card")
    post(state, take(state), "1.1")
    show(state, "detail", "a detail", under="card")
    show(state, "heard", "it got worse", under="card", loud=True)
    first = take(state)
    assert (first.slot, first.payload["loud"]) == ("heard", True)


def test_a_case_without_a_card_goes_before_what_a_card_says_now(state: State) -> None:
    def urgent(slot: str, text: str, urgency: int) -> None:
        state.write(lambda db: outbox.show(db, slot, "C1", {"text": text}, NOW, urgency=urgency))

    urgent("graver", "checking…", 180)
    post(state, take(state), "1.0")
    urgent("graver", "incident", 590)
    urgent("next", "checking…", 180)
    order = []
    for number in (2, 3):
        sent = take(state)
        order.append((sent.slot, sent.payload["message"]["text"]))
        post(state, sent, f"{number}.0")
    assert order == [("next", "checking…"), ("graver", "incident")]


def test_who_only_looks_whether_anything_waits_may_come_too_late(state: State) -> None:
    """The sender looks without a transaction: what it saw first may be sent before it looks again."""
    show(state, "card", "incident")
    reader, came = state.read(), list[str]()

    def meanwhile(statement: str) -> None:
        if "DISTINCT lane" not in statement and not came:
            came.append(statement)
            post(state, take(state), "1.0")

    assert outbox.waiting(reader, NOW)
    reader.conn.set_trace_callback(meanwhile)
    try:
        assert not outbox.waiting(reader, NOW)
    finally:
        reader.conn.set_trace_callback(None)
    assert came
