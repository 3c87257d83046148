"""A strict local Slack: the real bot talks to it, and a person watches and acts on its page.

::

    with LocalSlack() as slack:                        # port 0: any free one; port=8765 for the demo
        app = App(client=WebClient(token=slack.bot_token, base_url=slack.api_url), ...)
        SocketModeHandler(app, slack.app_token).connect()
        slack.wait_until(lambda: slack.connections)
        slack.type_command(ANALYST, SOC, "/triage help")
        card = slack.wait_until(lambda: slack.messages(SOC))[-1]
        slack.click(ANALYST, SOC, card["ts"], "approve")

Everything is in memory and bound to 127.0.0.1. It refuses what Slack refuses, in Slack's words: wrong tokens, missing
scopes, blocks and texts over the limits, foreign messages, used or late triggers and response URLs.

What a ``LocalSlack`` has:

- ``api_url`` (ends in ``/api/``), ``url`` (the page), ``port``, ``bot_token`` (``xoxb-``), ``app_token`` (``xapp-``),
  ``signing_secret``; ``request_url``: set it (also later) to have interactions POSTed there, signed, instead of sent
  over Socket Mode; ``connections``: how many Socket Mode connections are open.
- people act: ``type_command``, ``click``, ``say``, ``mention``, ``message_shortcut``, ``open_home``, ``click_view``,
  ``submit_view``, ``close_view``. Each returns ``Delivered(milliseconds, response, error)``; ``.acked`` is False where
  the app did not acknowledge within ``ack_seconds`` (Slack's 3), and the person then sees a notice.
- tests look: ``messages(channel)``, ``thread(channel, ts)``, ``ephemeral(user)``, ``notices(user)``,
  ``open_views(user)``, ``home(user)``, ``conversations(user)``, ``calls(method=None)``, ``asked_to_show()``;
  ``wait_until(condition)`` waits for a change, not a time. All give copies.
- faults: ``fail_next("chat.postMessage", RATE_LIMITED, SERVER_ERROR, LOST_ANSWER, Fault(...))``,
  ``disconnect(reason)`` closes the Socket Mode connections as Slack does, ``cut_off()`` as a broken network does;
  ``deliver_again()`` repeats the newest event; ``archive(channel)``, ``remove_bot(channel)``, ``invite_bot(channel)``.
- the demo tells its story: ``narrate(text)`` adds a line to the strip beside the channel; ``offer(label, act)`` puts a
  button there that calls ``act()`` on a thread and narrates the sentence it returns; ``withdraw(label)``.
- ``shortcuts``: callback id → label of the message shortcuts the page offers (``LocalSlack(shortcuts={...})``).
- ``clock``: a function giving Unix seconds, for tests of what expires (``LocalSlack(clock=...)``).

People: ``ANALYST``, ``SECOND_ANALYST``, ``THIRD_ANALYST``, ``GUEST``, ``STRANGER`` (of another team), ``FORMER``
(deleted), ``KEY_OWNER`` (in no channel), ``BOT_USER``; channels: ``SOC`` ("#soc"), ``OTHER_CHANNEL`` (the bot is no
member); user group ``SOC_GROUP``.
"""

from bot.demo.slack.delivery import Delivered
from bot.demo.slack.faults import LOST_ANSWER, RATE_LIMITED, SERVER_ERROR, Fault
from bot.demo.slack.gestures import NotPossible
from bot.demo.slack.server import LocalSlack
from bot.demo.slack.workspace import (
    ANALYST,
    APP_ID,
    BOT_ID,
    BOT_USER,
    FORMER,
    GUEST,
    KEY_OWNER,
    OTHER_CHANNEL,
    SECOND_ANALYST,
    SOC,
    SOC_GROUP,
    STRANGER,
    TEAM_ID,
    THIRD_ANALYST,
)

__all__ = [
    "ANALYST",
    "APP_ID",
    "BOT_ID",
    "BOT_USER",
    "FORMER",
    "GUEST",
    "KEY_OWNER",
    "LOST_ANSWER",
    "OTHER_CHANNEL",
    "RATE_LIMITED",
    "SECOND_ANALYST",
    "SERVER_ERROR",
    "SOC",
    "SOC_GROUP",
    "STRANGER",
    "TEAM_ID",
    "THIRD_ANALYST",
    "Delivered",
    "Fault",
    "LocalSlack",
    "NotPossible",
]
