"""“Was this you?”: the question to a key's owner, and what the case's thread says of it.

It goes to somebody who may be read along by a thief. So it tells what their own key did in a few words, names no whole
key id, and asks for nothing but a press of a button.
"""

from __future__ import annotations

import re

from bot import summary
from bot.model import Case, OwnerAsked, Said
from bot.owners import IN_WORDS
from bot.slack.elements import Message, actions, button, labelled, mentioned_ids, message, paragraph
from bot.summary import Row

OWNER_YES, OWNER_NO, OWNER_UNSURE = "owner_yes", "owner_no", "owner_unsure"
ANSWERS = {OWNER_YES: Said.YES, OWNER_NO: Said.NO, OWNER_UNSURE: Said.UNSURE}
TOLD = ("Where", "Client", "Activity")
"""What of a case its owner is told."""
_KEY = re.compile(r"\b((?:AKIA|ASIA)[A-Z0-9]{12,124})\b", re.ASCII)
LINE = 300
NOT_PROOF = "evidence, not proof: whoever holds the key may read their messages, too"


def masked(text: str) -> str:
    """``text`` with the first and last four characters of each key id alone: a whole one tells the account."""
    return _KEY.sub(lambda found: f"{found[1][:4]}…{found[1][-4:]}", text)


def question(case: Case, asked: OwnerAsked) -> Message:
    """What the owner is asked."""
    subject = masked(case.subject.value) if case.subject is not None else "your access"
    told = f"Was this you? {subject} was used in AWS, and the security team wants to know whether you did it."
    rows = [Row(row.label, masked(row.value)) for row in summary.short_rows(case) if row.label in TOLD]
    value = f"owner:{asked.id}"
    return message(
        told,
        paragraph(told),
        labelled(rows, LINE),
        actions(
            f"owner:{asked.id}",
            [
                button("Yes, that was me", OWNER_YES, value),
                button("No", OWNER_NO, value),
                button("Not sure", OWNER_UNSURE, value),
            ],
        ),
        paragraph(
            f"An answer is taken until {summary.moment(asked.until)}. Nobody asks you for a password or a key here: "
            "send none. If you did not expect this question, call the security team."
        ),
    )


def answered(asked: OwnerAsked) -> Message:
    """The question once it is answered, or has ended."""
    if asked.said is None:
        told = "This question has ended without an answer. Call the security team if you know something."
    else:
        told = f"Thank you. You said: {IN_WORDS[asked.said]}. The security team was told."
    return message(told, paragraph(told))


def asking(asked: OwnerAsked) -> Message:
    """The thread hears who is asked, and why them."""
    told = f"{asked.by.name} has the key's owner asked whether it was them ({asked.why}); an answer is taken until "
    told += f"{summary.moment(asked.until)}."
    return message(told, paragraph(told), mentioned_ids([asked.person.rpartition(":")[2]]))


def outcome(asked: OwnerAsked, name: str) -> Message:
    """The thread hears what came of it."""
    if asked.said is None:
        told = "The key's owner has not answered in time. That says nothing."
    else:
        told = f"{name}, asked whether it was them, says: {IN_WORDS[asked.said]}. That is {NOT_PROOF}."
    return message(told, paragraph(told))
