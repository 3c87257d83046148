"""What is left for people to do, in the thread of a case: why, which commands, who does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import summary
from bot.model import Task
from bot.slack.buttons import TASK_DONE, TASK_TAKE
from bot.slack.elements import Block, Message, actions, bullets, button, commands, message, paragraph

MOST = 10
"""Open tasks that are shown in full; the terminal has them all."""
LINE = 800


def tasks_message(tasks: Sequence[Task]) -> Message:
    """The open tasks with their commands and buttons, then a line for each that is done."""
    left = [task for task in tasks if task.open]
    told = f"{len(left)} left for people to do" if left else "Nothing is left for people to do"
    return message(told, *_blocks(told, left, [task for task in tasks if not task.open]))


def _blocks(told: str, left: Sequence[Task], done: Sequence[Task]) -> Iterator[Block | None]:
    yield paragraph(told)
    for task in left[:MOST]:
        yield paragraph(summary.task_line(task), LINE)
        yield commands(task.commands)
        value = f"task:{task.id}"
        take = [] if task.taken_by else [button("I do it", f"{TASK_TAKE}:{task.id}", value)]
        yield actions(f"task:{task.id}", [*take, button("Done", f"{TASK_DONE}:{task.id}", value)])
    if len(left) > MOST:
        yield paragraph(f"{len(left) - MOST} more: run `triage case task list {left[0].case}`")
    yield bullets([summary.task_line(task) for task in done[-MOST:]], LINE)
