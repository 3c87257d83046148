"""A step that fails is somebody's to do, until it is done."""

from __future__ import annotations

from bot import tasks
from bot.database import Database
from bot.model import ChangeState, Containment, Task
from bot.remediation.contain import Wanted
from tests.remediation.bench import ANA, BEN, Bench
from tests.remediation.cloud import FOREIGN, key_id
from tests.remediation.door import Fate


def of_case(bench: Bench) -> tuple[Task, ...]:
    return tasks.of_case(bench.state.read(), 7)


def fail(bench: Bench) -> Task:
    bench.door.fail("UpdateAccessKey", Fate.DENIED)
    assert bench.disabled().state is ChangeState.FAILED
    (task,) = of_case(bench)
    return task


def write(bench: Bench, change: object) -> object:
    return bench.state.write(change)  # type: ignore[arg-type]


def test_a_refused_change_is_a_task_with_the_reason_and_the_commands(bench: Bench) -> None:
    task = fail(bench)
    assert (task.open, task.taken_by, task.case) == (True, None, 7)
    assert bench.seat.stolen.id in task.title
    assert task.why.startswith("AWS answered UpdateAccessKey with AccessDenied")
    assert "By hand" not in task.why
    (command,) = task.commands
    assert command.startswith("aws iam update-access-key --user-name")
    assert "--status Inactive" in command


def test_tried_again_in_vain_it_is_the_same_task(bench: Bench) -> None:
    first = fail(bench)
    write(bench, lambda db: tasks.take(db, first.id, BEN))
    bench.door.fail("UpdateAccessKey", Fate.FULL)
    bench.disabled()
    (task,) = of_case(bench)
    assert (task.id, task.taken_by) == (first.id, BEN)
    assert "LimitExceeded" in task.why


def test_done_after_all_it_is_done(bench: Bench) -> None:
    first = fail(bench)
    bench.door.reset()
    assert bench.disabled().state is ChangeState.CONFIRMED
    (task,) = of_case(bench)
    assert (task.id, task.open, task.outcome) == (first.id, False, "AWS shows it done.")
    assert task.done_by == tasks.BY_ITSELF


def test_an_undo_that_fails_is_a_task_of_its_own(bench: Bench) -> None:
    done = bench.disabled()
    bench.door.fail("UpdateAccessKey", Fate.DENIED)
    assert bench.undone(done.execution).state is ChangeState.FAILED
    (task,) = of_case(bench)
    assert "--status Active" in task.commands[0]


def test_a_change_that_no_longer_holds_is_a_task(bench: Bench) -> None:
    done = bench.disabled()
    bench.cloud.set_status(bench.seat, "Active")
    assert bench.remediations.verify(done.execution, 0).state is ChangeState.FAILED
    (task,) = of_case(bench)
    assert task.why.startswith("It no longer holds: AWS shows")


def test_it_is_taken_from_one_another_but_done_once(bench: Bench) -> None:
    number, now = fail(bench).id, bench.clock()

    def done(db: Database) -> object:
        return tasks.finish(db, number, BEN, "by hand", now)

    assert write(bench, done) is None
    refused = write(bench, done)
    assert "is done already, by Ben: by hand" in str(refused)
    assert "is done already" in str(write(bench, lambda db: tasks.take(db, number, BEN)))
    bench.disabled()
    assert [task.open for task in of_case(bench)] == [False, True]


def test_a_row_of_a_containment_that_could_not_be_planned_is_a_task_once_it_is_approved(bench: Bench) -> None:
    foreign = key_id(5, FOREIGN)
    made = bench.remediations.contain.plan(Wanted((bench.seat.stolen.id, foreign)), ANA, 7)
    assert isinstance(made, Containment)
    assert of_case(bench) == ()
    bench.remediations.contain.approve(made.id, ANA, "all of it")
    (task,) = [task for task in of_case(bench) if foreign in task.title]
    assert task.title == f"Disable access key {foreign}"
    assert "may not assume its role there" in task.why
    assert foreign in " ".join(task.commands)
