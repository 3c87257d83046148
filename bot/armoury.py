"""Arming an environment: is the acting role able, and do two people say that it may act.

Until an environment is armed, every change in it is a rehearsal (:mod:`bot.remediation.arming`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from bot.access import AccessRules, decide
from bot.aws import Aws
from bot.model import Actor, Operation, Refusal
from bot.remediation import arming, readiness
from bot.remediation.arming import Armed
from bot.remediation.base import Remediation
from bot.remediation.readiness import Checked
from bot.store.state import State


class Armoury:
    """The environments of one installation, each with its accounts; empty means the bot's own account.

    ``organisation`` is the account whose policies may be changed for any of them; empty: none.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        access: AccessRules,
        aws: Aws,
        remediations: Sequence[Remediation],
        environments: Mapping[str, Sequence[str]],
        organisation: str = "",
    ) -> None:
        self._state = state
        self._clock = clock
        self._access = access
        self._aws = aws
        self._remediations = remediations
        self._environments = environments
        self._beside = (organisation,) if organisation else ()

    def states(self) -> tuple[Armed, ...]:
        """How far each environment has come."""
        db = self._state.read()
        return tuple(arming.state_of(db, name) for name in self._environments)

    def check(self) -> Mapping[str, tuple[Checked, ...]]:
        """What AWS says the acting role may do, by environment; kept, because only what passed may be armed."""
        found = {name: self._checked(accounts) for name, accounts in self._environments.items()}
        now = self._clock()
        for name, checked in found.items():
            problems = [problem for each in checked for problem in each.problems]
            self._state.write(lambda db, name=name, problems=problems: arming.keep_check(db, name, problems, now))  # type: ignore[misc]
        return found

    def arm(self, environment: str, actor: Actor, reason: str) -> Armed | Refusal:
        """Say that changes in ``environment`` may be made; the second person's word makes it so."""
        return self._decide(environment, actor) or self._state.write(
            lambda db: arming.arm(db, environment, actor, self._access.person(actor), reason.strip(), self._clock())
        )

    def disarm(self, environment: str, actor: Actor, reason: str) -> Armed | Refusal:
        """Have changes in ``environment`` rehearsed again."""
        return self._decide(environment, actor) or self._state.write(
            lambda db: arming.disarm(db, environment, actor, reason.strip(), self._clock())
        )

    def _decide(self, environment: str, actor: Actor) -> Refusal | None:
        if environment not in self._environments:
            return Refusal(f"There is no environment {environment}; there are: {', '.join(self._environments)}.")
        decision = decide(actor, Operation.APPROVE, self._access)
        return None if decision.allowed else Refusal(decision.sentence)

    def _checked(self, accounts: Sequence[str]) -> tuple[Checked, ...]:
        try:
            named = dict.fromkeys((*(accounts or (self._aws.identity().account,)), *self._beside))
            return tuple(
                readiness.check(
                    account,
                    self._aws.acting_arn(account),
                    self._remediations,
                    self._aws,
                    third=self._aws.roles_arn(account),
                )
                for account in named
            )
        except (ClientError, BotoCoreError) as error:
            problem = f"AWS does not say who the bot is ({type(error).__name__}): give it credentials."
            return (Checked("", (), (problem,)),)
