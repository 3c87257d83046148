"""Stop an account's e-mail in one region, by SES's own switch.

All of it stops, the owner's mail too, SMTP included, until it is taken back. The thief flips the same switch: in the
record of it, the bot's call is the one under its acting role and the case's session name.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from bot.aws import Allowed, Aws, Grant
from bot.by_hand import typed
from bot.model import Kind, Refusal
from bot.remediation.base import Draft, Permissions, State, taken_back

TARGET = re.compile(r"(\d{12})/([a-z]{2}(?:-[a-z]+)+-\d)", re.ASCII)

EVERYBODY = "It stops all mail of this account in this region, your own too: someone of the business should know."
ELSEWHERE = "It does not stop mail in other regions: SES has a switch in each."
AGAIN = "Mail is sent again, also by whoever else may send it."


class PauseSes:
    """``PutAccountSendingAttributes``; undone by restoring the recorded state."""

    name = "pause_ses"
    title = "Pause e-mail"
    takes = frozenset({Kind.ACCOUNT})
    target_form = "111122223333/eu-west-1: account and region"
    permissions = Permissions(read=frozenset({"ses:GetAccount"}), act=frozenset({"ses:PutAccountSendingAttributes"}))

    def plan(self, target: str, aws: Aws) -> Draft | Refusal:
        found = TARGET.fullmatch(target)
        if found is None:
            return Refusal(f"Name account and region, as {self.target_form}.")
        account, region = found.groups()
        described = aws.reader("sesv2", account, region).get_account()
        if not described["SendingEnabled"]:
            return Refusal(f"SES sends nothing in {region} of account {account}: it is paused already.", settled=True)
        before = {"region": region, "sending": "enabled"}
        title, after = f"Pause all e-mail of account {account} in {region}", before | {"sending": "paused"}
        return Draft(target, account, title, before, after, (_sent(described), EVERYBODY, ELSEWHERE))

    def plan_undo(self, target: str, account: str, before: State, after: State, aws: Aws) -> Draft | Refusal:
        title = f"Send e-mail of account {account} in {before['region']} again"
        undo = Draft(target, account, title, after, before, (AGAIN,))
        return taken_back(undo, self.observe(target, account, before, aws))

    def observe(self, target: str, account: str, before: State, aws: Aws) -> State:
        described = aws.reader("sesv2", account, before["region"]).get_account()
        return {**before, "sending": "enabled" if described["SendingEnabled"] else "paused"}

    def meanwhile(self, target: str, account: str, before: State, since: datetime, aws: Aws) -> tuple[str, ...]:
        return ()

    def grant(self, target: str, account: str, state: State, partition: str) -> Grant:
        # The switch is the account's own: it has no resource to name (Service Authorization Reference, SES v2).
        there = {"StringEquals": {"aws:RequestedRegion": state["region"]}}
        return Grant("sesv2", (Allowed(("ses:PutAccountSendingAttributes",), ("*",), there),), state["region"])

    def execute(self, target: str, after: State, client: Any) -> None:
        client.put_account_sending_attributes(SendingEnabled=after["sending"] == "enabled")

    def undo(self, target: str, before: State, client: Any) -> None:
        client.put_account_sending_attributes(SendingEnabled=before["sending"] == "enabled")

    def lookups(self, target: str) -> tuple[str, ...]:
        return (typed("sesv2", "get-account", "--region", target.partition("/")[2] or "REGION"),)

    def commands(self, target: str, state: State) -> tuple[str, ...]:
        flag = "--sending-enabled" if state["sending"] == "enabled" else "--no-sending-enabled"
        return (typed("sesv2", "put-account-sending-attributes", flag, "--region", state["region"]),)


def _sent(described: Any) -> str:
    sent = described.get("SendQuota", {}).get("SentLast24Hours")
    if sent is None:
        return "How much is sent there is not known."
    return f"{sent:,.0f} messages were sent there in the last 24 hours."
