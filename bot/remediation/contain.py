"""Contain all: everything that is to be done about one thief, in one preview and one approval.

The order is that of every responder (DOMAIN 5.4), and of every step first all targets: containing one key of seven only
tells the thief to switch to the next. Each row is a plan and a change of its own, so one that is refused or fails hides
no other, and a crash is recovered from as from that of any single change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import audit, tasks
from bot.access import AccessRules
from bot.aws import Aws
from bot.database import Database, storable
from bot.made.kinds import KEY, ROLE, USER
from bot.made.telling import state, what
from bot.model import (
    Actor,
    ChangeState,
    Containment,
    ContainmentRow,
    Made,
    Plan,
    Refusal,
    Step,
    Waiting,
)
from bot.remediation import containments, records
from bot.remediation.base import Remediation
from bot.remediation.planning import LONGEST_ID, LONGEST_REASON, Planning
from bot.remediation.principals import PrincipalName
from bot.remediation.usage import Usage
from bot.remediation.users import user_named
from bot.remediation.wording import AwsError
from bot.store.state import State

LONG_TERM_KEY = "AKIA"
MOST_TARGETS = 100
MOST_ROWS = 400
OWN = frozenset({"reset_console_password"})
"""Takes what no other change does: a user who is denied everything can still be signed in as."""
NOT_OFFERED = "is not among the changes this installation offers ([remediation] enabled)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a thief holds: keys, long-term or of sessions, the addresses they come from, and what they made to stay."""

    keys: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    made: tuple[Made, ...] = ()


class Contain:
    """Plans and approves many changes as one. What is planned is carried out by the jobs of each change."""

    def __init__(
        self,
        state: State,
        aws: Aws,
        access: AccessRules,
        clock: Callable[[], datetime],
        planning: Planning,
        usage: Usage,
        offered: Mapping[str, Remediation],
    ) -> None:
        self._state = state
        self._aws = aws
        self._access = access
        self._clock = clock
        self._planning = planning
        self._usage = usage
        self._offered = offered

    def plan(self, wanted: Wanted, actor: Actor, case: int | None) -> Containment | Refusal:
        """Read AWS for every change and keep the preview of all of them. Changes nothing."""
        if not wanted.keys and not wanted.addresses:
            return Refusal("There is nothing to contain: name the keys, or a case whose scope has confirmed some.")
        if len(wanted.keys) + len(wanted.addresses) > MOST_TARGETS:
            return Refusal(f"More than {MOST_TARGETS} keys and addresses at once: contain them in parts.")
        if refusal := self._planning.may_plan(actor, "contain", ", ".join(wanted.keys)[:LONGEST_ID]):
            return refusal
        wishes = list(dict.fromkeys(self._wishes(wanted)))[:MOST_ROWS]
        rows = [self._row(step, name, target, actor, case) for step, name, target in wishes]
        by_hand = [_by_hand(thing) for thing in wanted.made if thing.remediation is None]
        return self._keep([*_each_once(rows), *by_hand], actor, case, None)

    def plan_undo(self, containment: str, actor: Actor) -> Containment | Refusal:
        """Keep the preview of taking back everything of ``containment`` that was made, the last of it first."""
        made = self.show(containment)
        if isinstance(made, Refusal):
            return made
        if made.undo_of:
            return Refusal("This was itself an undo: plan the containment anew instead of undoing the undo.")
        standing = {ChangeState.CONFIRMED, ChangeState.PARTIAL}
        changed = [row for row in made.rows if row.change and row.change.state in standing and not row.change.undone]
        if not changed:
            return Refusal("Nothing of it was made, or all of it has been taken back.")
        rows = [self._undo_row(row, actor) for row in reversed(changed)]
        if all(row.plan is None for row in rows) and rows[0].refusal:
            return rows[0].refusal
        return self._keep(rows, actor, made.case, made.id)

    def approve(
        self, containment: str, actor: Actor, reason: str, *, again: bool = False, break_glass: bool = False
    ) -> Containment | Refusal:
        """Say yes to every row that is not carried out yet; one transaction, in which no row stands in another's way.

        The answer says of each row how far it is. A refusal only if not one row came further.
        """
        id_, reason = storable(containment, LONGEST_ID), storable(reason.strip(), LONGEST_REASON)

        def commit(db: Database) -> Refusal | None:
            return self._approve_rows(db, id_, actor, reason, again=again, break_glass=break_glass)

        return self._state.write(commit) or self.show(id_)

    def show(self, containment: str) -> Containment | Refusal:
        """A containment as it stands now."""
        found = containments.load(self._state.read(), storable(containment, LONGEST_ID), self._access)
        return found or Refusal("There is no such containment: plan it again.")

    def _approve_rows(
        self, db: Database, id_: str, actor: Actor, reason: str, *, again: bool, break_glass: bool
    ) -> Refusal | None:
        found = containments.load(db, id_, self._access)
        if found is None:
            return Refusal("There is no such containment: plan it again.")
        refusals, further, asked = [], 0, 0
        for position, row in enumerate(found.rows):
            if row.plan is None or row.change is not None:
                continue
            answer = self._planning.approve_in(db, row.plan.id, actor, reason, again=again, break_glass=break_glass)
            refused = answer if isinstance(answer, Refusal) else None
            containments.refuse(db, id_, position, refused)
            refusals += [refused] if refused else []
            asked += isinstance(answer, Waiting) and answer.own
            further += not refused
        if further == 0:
            return refusals[0] if refusals else None
        self._leave_to_people(db, found)
        told = f"{further - asked} of {len(found.rows)} changes approved"
        told += f", others asked for {asked}" if asked else ""
        what = "approve undo of contain" if found.undo_of else "approve contain"
        audit.append(db, actor=actor, operation=what, target=id_, reason=reason, result=told, at=self._clock())
        return None

    def _leave_to_people(self, db: Database, approved: Containment) -> None:
        """What of an approved containment could not even be planned is a task for a person."""
        for row in approved.rows:
            refusal = row.refusal if row.plan is None else None
            if approved.case is not None and refusal is not None and not refusal.settled:
                step = f"{'undo of ' if approved.undo_of else ''}{row.remediation}"
                title = f"{step.replace('_', ' ').capitalize()} {row.target}"
                commands, now = refusal.commands, self._clock()
                tasks.add(db, approved.case, step, row.target, title, refusal.sentence, commands, now)

    # ------------------------------------------------------------------------------------ what is to be done

    def _wishes(self, wanted: Wanted) -> Iterator[tuple[Step, str, str]]:
        """Every change as step, remediation and target, in the order of DOMAIN 5.4."""
        long_term = [key for key in wanted.keys if key.startswith(LONG_TERM_KEY)]
        sessions = [key for key in wanted.keys if not key.startswith(LONG_TERM_KEY)]
        yield from ((Step.KEYS, "disable_access_key", key) for key in long_term)
        users, roles = self._holders(long_term, sessions)
        made = list(self._made(wanted, users))
        closed = {target for kind, _, target in made if kind == ROLE.name}
        named = [*users, *(key for key in sessions if self._usage.holder_of(key) is None)]
        yield from ((Step.ORGANISATION, "organisation_deny", user) for user in users if self._organisation_denies)
        yield from ((Step.USERS, "quarantine_user", user) for user in named)
        yield from ((Step.PASSWORDS, "reset_console_password", user) for user in users)
        yield from ((Step.SESSIONS, "revoke_sessions", role) for role in roles if role not in closed)
        yield from ((Step.ADDRESSES, "block_ip", address) for address in wanted.addresses)
        stopped = {*users, *named, *roles}
        yield from ((Step.MADE, name, target) for _, name, target in made if target not in stopped or name in OWN)

    def _made(self, wanted: Wanted, users: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """Kind, remediation and target of what was made, but for what an earlier change takes with it: a key that is
        disabled as a stolen one, or whose user is denied everything."""
        made_users = {each.target for each in wanted.made if each.kind == USER.name}
        for each in wanted.made:
            if each.remediation is None or each.target is None:
                continue
            if each.kind == KEY.name and (each.name in wanted.keys or self._owner(each.name) in {*users, *made_users}):
                continue
            yield each.kind, each.remediation, each.target

    @property
    def _organisation_denies(self) -> bool:
        """Whether that is configured here; where it is not, quarantine is what there is."""
        denying = self._offered.get("organisation_deny")
        return bool(denying and denying.permissions.act)

    def _holders(self, long_term: Sequence[str], sessions: Sequence[str]) -> tuple[list[str], list[str]]:
        """The users behind the keys, as AWS names them now, and the roles that were assumed with them."""
        owners = [owner for key in long_term if (owner := self._owner(key))]
        behind = [holder for key in sessions if (holder := self._usage.holder_of(key))]
        assumed = self._usage.roles_assumed_by([*long_term, *sessions])
        users = [*owners, *(each for each in behind if ":user/" in each)]
        roles = [*(each for each in behind if ":role/" in each), *assumed]
        return list(dict.fromkeys(users)), list(dict.fromkeys(roles))

    def _owner(self, key: str) -> str | None:
        """The owner of ``key``; ``None`` where the key's own row already says why nobody is touched."""
        if self._planning.foreign(key):
            return None
        try:
            owner = user_named(key, self._aws, "")
        except AwsError:
            return None
        return owner.id if isinstance(owner, PrincipalName) else None

    # ------------------------------------------------------------------------------------ its rows

    def _row(self, step: Step, name: str, target: str, actor: Actor, case: int | None) -> ContainmentRow:
        if name not in self._offered:
            return ContainmentRow(step, name, target, None, Refusal(f"{name} {NOT_OFFERED}."))
        answer = self._planning.plan(name, target, actor, case)
        if isinstance(answer, Plan):
            return ContainmentRow(step, name, answer.target, answer, None)
        return ContainmentRow(step, name, target, None, answer)

    def _undo_row(self, row: ContainmentRow, actor: Actor) -> ContainmentRow:
        assert row.change  # noqa: S101 - only changes that were made are taken back
        answer = self._planning.plan_undo(row.change.execution, actor)
        undo = ContainmentRow(Step.UNDO, row.remediation, row.target, None, None)
        return replace(undo, plan=answer) if isinstance(answer, Plan) else replace(undo, refusal=answer)

    def _keep(self, rows: Sequence[ContainmentRow], actor: Actor, case: int | None, undo_of: str | None) -> Containment:
        now = self._clock().replace(microsecond=0)
        plans = [row.plan for row in rows if row.plan]
        expires = min((plan.expires_at for plan in plans), default=now)
        id_ = containments.PREFIX + records.new_id()
        made = Containment(id_, case, undo_of, actor, now, expires, tuple(rows))
        self._state.write(lambda db: containments.keep(db, made))
        return made


def _by_hand(thing: Made) -> ContainmentRow:
    """What the bot has no change for: the commands are for a person, and a task once all is approved."""
    sentence = f"The bot makes no change of this kind: a person runs the command. Now: {state(thing)}."
    return ContainmentRow(Step.MADE, "remove", what(thing), None, Refusal(sentence, thing.commands))


def _each_once(rows: Sequence[ContainmentRow]) -> list[ContainmentRow]:
    """Without the plans that come to what an earlier one does already, as two IPv6 addresses of one site do."""
    kept: dict[object, ContainmentRow] = {}
    for position, row in enumerate(rows):
        done = (row.remediation, tuple(sorted(row.plan.after.items()))) if row.plan else position
        kept.setdefault(done, row)
    return list(kept.values())
