"""What people do about steps that failed."""

from __future__ import annotations

from bot import audit, tasks
from bot.database import Database
from bot.model import Actor, Operation, Refusal, Task
from bot.operations.permitted import NO_REASON, Permitted


class Tasking(Permitted):
    """Tasks of cases. Whoever may triage may take one and say that it is done."""

    def tasks(self, case: int, actor: Actor) -> tuple[Task, ...] | Refusal:
        """The tasks of a case, done ones too, the oldest first."""
        return self._looked_up(actor, lambda _: tasks.of_case(self._state.read(), case))

    def take_task(self, number: int, actor: Actor) -> Task | Refusal:
        """Make a task that of ``actor``. Raises ``LookupError`` if there is none of that number."""
        return self._change_task(number, actor, "take task", "taken", "")

    def finish_task(self, number: int, actor: Actor, outcome: str) -> Task | Refusal:
        """Say that a task is done, and what came of it. Raises ``LookupError``."""
        if not outcome.strip():
            return self._refused(actor, Operation.TRIAGE) or NO_REASON
        return self._change_task(number, actor, "finish task", "done", outcome.strip())

    def _change_task(self, number: int, actor: Actor, operation: str, result: str, outcome: str) -> Task | Refusal:
        if refusal := self._refused(actor, Operation.TRIAGE):
            return refusal
        now = self._clock()

        def commit(db: Database) -> Task | Refusal:
            refusal = tasks.finish(db, number, actor, outcome, now) if outcome else tasks.take(db, number, actor)
            if refusal:
                return refusal
            task = tasks.load(db, number)
            target, told = f"case {task.case}: task {number}", f"{result}: {task.title}"
            audit.append(db, actor=actor, operation=operation, target=target, reason=outcome, result=told, at=now)
            self._pipeline.tasks_changed(db, task.case)
            return task

        return self._state.write(commit)
