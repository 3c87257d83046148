"""Who the owner of a key is in Slack. An e-mail address is looked up: https://docs.slack.dev/reference/methods/users.lookupByEmail/"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.contacts import Contact
from bot.model import Case

NOBODY = "nothing says whose key it is: name them under [owners.people] in config.toml, or tag the IAM user"
UNKNOWN = frozenset({"users_not_found", "user_not_found"})
SCOPE = "missing_scope"


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody of this Slack; without a ``user``, ``why`` says why nobody was found."""

    user: str
    why: str


class Whom:
    """Asks Slack; call it where waiting is allowed. Raises what slack_sdk raises where Slack cannot be asked."""

    def __init__(self, client: WebClient, contact_of: Callable[[Case], Contact | None]) -> None:
        self._client = client
        self._contact_of = contact_of

    def owner(self, case: Case) -> Found:
        """The owner of what ``case`` is about."""
        contact = self._contact_of(case)
        if contact is None:
            return Found("", NOBODY)
        return Found(contact.user, contact.why) if contact.user else self._by_email(contact)

    def _by_email(self, contact: Contact) -> Found:
        try:
            answer = self._client.users_lookupByEmail(email=contact.email)
        except SlackApiError as error:
            code = error.response.get("error")
            if code in UNKNOWN:
                return Found("", f"nobody in this Slack has the e-mail address {contact.email} ({contact.why})")
            if code == SCOPE:
                return Found("", "the app lacks the scope users:read.email: add it as in deploy/slack-manifest.yaml")
            raise
        user = answer.get("user") or {}
        return Found(str(user.get("id") or ""), contact.why)
