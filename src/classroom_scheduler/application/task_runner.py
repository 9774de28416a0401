"""One task of a class: claim it on the item, call the classroom server, write down what came of it.

The claim is conditional on the item naming this execution, and so is the result: a stopped, duplicated or forgotten
execution can wake up at any time and does nothing.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.application.bookkeeping import Bookkeeping, previous_told, stop_told
from classroom_scheduler.application.left_to_do import is_settled, why_missed, why_skipped
from classroom_scheduler.application.ports import ClassroomServer
from classroom_scheduler.application.reconciler import TRIES
from classroom_scheduler.application.webhook import message_of
from classroom_scheduler.domain.classroom import Classroom, user_attributes
from classroom_scheduler.domain.errors import (
    ClassroomNotWritable,
    ConcurrentUpdate,
    PermanentError,
    SchedulerError,
    ServiceUnavailable,
    TransientError,
)
from classroom_scheduler.domain.fence import Ownership, Run, open_record, standing
from classroom_scheduler.domain.item_codec import plain
from classroom_scheduler.domain.session import Recording, Session, Task, TaskRecord, TaskState
from classroom_scheduler.domain.status import live_ping_due

# The server has this long to answer: a task with its reads and writes fits into the function's 25 s.
CALL_TIMEOUT = 10.0
# A failed live ping is tried again while this much is left to the end: a back-off of at most 5 s and one call.
LIVE_PING_ROOM = timedelta(seconds=15)
# What the recording before it may cost the next one, which starts on time all the same.
PREVIOUS_STOP_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class World(Bookkeeping):
    """What a task needs from outside."""

    server: ClassroomServer


def perform(run: Run, world: World) -> dict[str, Any]:
    """Do the task; the answer is what the next tasks and the execution's history see of it.

    Raises PermanentError where it failed for good, which the item says then, and TransientError where trying again
    may help.
    """
    began = world.clock()
    for _ in range(TRIES):
        classroom, now = world.look(run.classroom_id), world.clock()
        stands = standing(run, classroom, now, world.horizon)
        if stands is Ownership.FENCED:
            reason = f"Execution {run.execution_name} no longer acts for this classroom."
            return _outcome(run, stands, reason) | {"attempt": run.attempt}
        if stands is Ownership.ABANDONED:
            return _stop_abandoned(run, classroom, world)
        assert classroom is not None, "an item names this execution"
        session = _session(classroom)
        known = session.tasks.get(run.task)
        if known is not None and is_settled(run.task, known):
            return _known(run, session, known, now)
        if run.task is Task.START_RECORDING and session.is_over:  # stopped unseen; this attempt is a late duplicate
            return _outcome(run, Ownership.FENCED, "The class is over.")
        record = open_record(run, session, began)
        if missed := why_missed(run, session, now):
            return _miss(run, classroom, record, missed, world)
        if skipped := why_skipped(run, session, record, now):
            return _skip(run, classroom, record, skipped, world)
        with suppress(ConcurrentUpdate):
            claimed = _claim(classroom, session.with_task(run.task, record), world)
            break
    else:
        raise ConcurrentUpdate(
            f"{run.classroom_id} was changed by somebody else {TRIES} times while a task was claimed"
        )
    if run.task is Task.START_RECORDING and session.previous is not None:
        claimed = _stop_previous(run, claimed, session.previous, world)
    return _call(run, claimed, record, world)


def fail(run: Run, error: str, books: Bookkeeping) -> dict[str, Any]:
    """Write on the item that a task failed for good: its retries are exhausted, or its function broke."""
    classroom = books.look(run.classroom_id)
    if classroom is None or classroom.session is None:
        return _outcome(run, Ownership.FENCED, "The classroom is gone; nothing is written.")
    if run.task is Task.STOP_RECORDING:
        books.tell(classroom, previous_told(run, error))
    known = classroom.session.tasks.get(run.task)
    if classroom.session.execution_name == run.execution_name and (known is None or not known.is_finished):
        opened = known or open_record(run, classroom.session, books.clock())
        with suppress(ClassroomNotWritable):  # the log and the failed execution say it
            books.settle(run, classroom, {run.task: _closed(opened, TaskState.FAILED, books.clock(), error=error)})
    return _outcome(run, TaskState.FAILED, error)


def _claim(classroom: Classroom, session: Session, world: World) -> Classroom:
    """Write the claim; an item that people filled up to DynamoDB's 400 KB takes none, and its class goes on.

    What was read a moment ago said that it is ours, and the webhook-id keeps the server from acting twice.
    """
    try:
        return world.write(classroom, session)
    except ClassroomNotWritable:
        return classroom


def _call(run: Run, claimed: Classroom, record: TaskRecord, world: World) -> dict[str, Any]:
    told = replace(run, scheduled=replace(run.scheduled, start=run.scheduled.start + _session(claimed).lead))
    message = message_of(told, world.clock(), record.attempts, record.due_at, user_attributes(claimed.item))
    try:
        answer = world.server.send(message, timeout=_timeout(run, world.clock()))
    except PermanentError as error:
        return _give_up(run, claimed, record, str(error), world)
    except TransientError as error:
        if run.task is Task.SEND_LIVE_PING and world.clock() + LIVE_PING_ROOM > run.scheduled.end:
            return _give_up(run, claimed, record, str(error), world)
        with suppress(SchedulerError):  # the error is on the item where it can be; Step Functions retries either way
            world.settle(run, claimed, {run.task: replace(record, error=str(error))})
        raise
    return _succeed(run, claimed, record, answer, world)


def _succeed(run: Run, claimed: Classroom, record: TaskRecord, answer: Any, world: World) -> dict[str, Any]:
    now = world.clock()
    done = _closed(record, TaskState.SUCCEEDED, now, result=answer)
    session: Session | None = _session(claimed).with_task(run.task, done)
    # An answer that DynamoDB can't store is left out; where there is no room at all, the deed is done nevertheless.
    for known in (done, replace(done, result=None)):
        with suppress(ClassroomNotWritable):
            session = world.settle(run, claimed, {run.task: known})
            break
    if session is None:
        reason = "The server was called, and meanwhile another execution took over."
        return _outcome(run, Ownership.FENCED, reason)
    return _known(run, session, done, now)


def _give_up(run: Run, claimed: Classroom, record: TaskRecord, error: str, world: World) -> dict[str, Any]:
    """The task failed for good. A live ping that fails costs the class nothing; a start that fails ends it."""
    records = {run.task: _closed(record, TaskState.FAILED, world.clock(), error=error)}
    if run.task is Task.START_RECORDING and record.attempts == 1:
        # Refused at the first attempt: the only case in which nothing can have been started.
        records[Task.STOP_RECORDING] = replace(records[run.task], state=TaskState.SKIPPED)
    with suppress(ClassroomNotWritable):
        world.settle(run, claimed, records)
    if run.task is Task.SEND_LIVE_PING:
        return _outcome(run, TaskState.FAILED, error)
    raise PermanentError(error)


def _miss(run: Run, classroom: Classroom, record: TaskRecord, error: str, world: World) -> dict[str, Any]:
    missed = _closed(record, TaskState.FAILED, world.clock(), error=error)
    skipped = replace(missed, state=TaskState.SKIPPED)
    world.settle(run, classroom, {Task.START_RECORDING: missed, Task.STOP_RECORDING: skipped})
    raise PermanentError(error)


def _skip(run: Run, classroom: Classroom, record: TaskRecord, reason: str, world: World) -> dict[str, Any]:
    world.settle(run, classroom, {run.task: _closed(record, TaskState.SKIPPED, world.clock(), error=reason)})
    return _outcome(run, TaskState.SKIPPED, reason)


def _stop_previous(run: Run, claimed: Classroom, previous: Recording, world: World) -> Classroom:
    """Try once more to stop the recording before this one; whatever comes of it, this one starts now."""
    outgoing = replace(run, task=Task.STOP_RECORDING, recording_id=previous.recording_id)
    now = world.clock()
    try:
        world.server.send(message_of(outgoing, now, 1, now, {}), timeout=PREVIOUS_STOP_TIMEOUT)
        outcome = None
    except SchedulerError as error:
        outcome = replace(previous, error=str(error))
    try:
        return world.write(claimed, replace(_session(claimed), previous=outcome))
    except (ClassroomNotWritable, ServiceUnavailable):  # the result of this task carries the same news
        return claimed


def _stop_abandoned(run: Run, classroom: Classroom | None, world: World) -> dict[str, Any]:
    """Stop a recording that no item answers for: always safe, while a forgotten recorder never is."""
    began = world.clock()
    try:
        told = replace(run, scheduled=run.class_schedule)
        message = message_of(told, began, run.attempt + 1, run.scheduled.end, {})
        answer = world.server.send(message, timeout=CALL_TIMEOUT)
    except SchedulerError as error:
        world.tell(classroom, previous_told(run, str(error)))
        if isinstance(error, PermanentError):
            raise PermanentError(str(error)) from error
        raise
    now = world.clock()
    stopped = TaskRecord(TaskState.SUCCEEDED, run.scheduled.end, began, now, attempts=run.attempt + 1, result=answer)
    world.tell(classroom, stop_told(run, stopped))
    return _outcome(run, TaskState.SUCCEEDED, "The recording was no longer its classroom's own; stopped.", answer)


def _session(classroom: Classroom) -> Session:
    assert classroom.session is not None, "an item that names an execution has a session"
    return classroom.session


def _known(run: Run, session: Session, record: TaskRecord, now: datetime) -> dict[str, Any]:
    """What a finished task answers, however often it is asked."""
    if record.state is TaskState.FAILED and run.task is not Task.SEND_LIVE_PING:
        raise PermanentError(record.error or "it failed before")
    outcome = _outcome(run, record.state, record.error, plain(record.result))
    if run.task is not Task.START_RECORDING:
        return outcome
    due = live_ping_due(session, record.finished_at or now)
    comes = due < session.scheduled.end
    wait = math.ceil((due - now).total_seconds()) if comes else 0
    return outcome | {"livePingWait": max(wait, 0), "lead": session.lead // timedelta(seconds=1)}


def _outcome(run: Run, state: str, reason: str | None, result: Any = None) -> dict[str, Any]:
    outcome = {"state": str(state), "reason": reason, "result": result}
    return outcome | {"livePingWait": 0} if run.task is Task.START_RECORDING else outcome


def _closed(
    record: TaskRecord, state: TaskState, now: datetime, *, result: Any = None, error: str | None = None
) -> TaskRecord:
    return replace(record, state=state, finished_at=now, result=result, error=error)


def _timeout(run: Run, now: datetime) -> float:
    """Seconds for the call; a live ping never holds up the end of its class."""
    if run.task is not Task.SEND_LIVE_PING:
        return CALL_TIMEOUT
    return min(CALL_TIMEOUT, max(1.0, (run.scheduled.end - now).total_seconds()))
