"""Whom a person asks where the bot does nothing: who made the key, and the account's security contact."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot.history.access_key import account_of
from bot.made.makings import Makings
from bot.model import ContactRecord, Refusal, Unread

KEY = re.compile(r"AKIA[A-Z0-9]{16}")
_ACCOUNT = re.compile(r"(?:^|:)(\d{12})(?=[:/])")

Contact = Callable[[str], ContactRecord | Unread | None]
"""The security contact of an account."""


class WhomToAsk:
    """Asks AWS for the contact and the history for the maker; never inside a transaction, and never raises."""

    def __init__(self, makings: Makings, contact: Contact = lambda account: None) -> None:
        self._makings = makings
        self._contact = contact

    def sentences(self, target: str, account: str | None = None) -> str:
        """Who can be asked about ``target``, to stand after a sentence; empty if nobody is known."""
        account = account or account_in(target)
        contact = self._contact(account) if account else None
        found = [*self._maker(target), *([_told(str(account), contact)] if contact is not None else [])]
        return "".join(f" {each}" for each in found)

    def after(self, refusal: Refusal, target: str) -> Refusal:
        """``refusal`` with whom to ask, unless there was nothing to do."""
        if refusal.settled:
            return refusal
        return replace(refusal, sentence=f"{refusal.sentence}{self.sentences(target)}")

    def _maker(self, target: str) -> list[str]:
        made = self._makings.key(target) if KEY.fullmatch(target) else None
        return [f"{target} was made by {made.sentence}"] if made else []


def account_in(target: str) -> str | None:
    """The account a target names: in a key's id, a principal's id, an ARN, or ahead of a region."""
    if KEY.fullmatch(target):
        return account_of(target)
    found = _ACCOUNT.search(target)
    return found[1] if found else None


def _told(account: str, contact: ContactRecord | Unread) -> str:
    if isinstance(contact, Unread):
        return f"The security contact of account {account} could not be read: {contact.why.rstrip('.')}."
    known = ", ".join(part for part in (contact.name, contact.title, contact.email, contact.phone) if part)
    return f"Security contact of account {account}: {known or 'none is entered there'}."
