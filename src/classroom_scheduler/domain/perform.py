"""One task of a class: claim it on the item, call the classroom server, write down what came of it.

The claim is conditional on the item naming this execution, and so is the result: a stopped, duplicated or forgotten
execution can wake up at any time and does nothing.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.domain.claim import Run, Standing, open_record, standing
from classroom_scheduler.domain.classroom import Classroom, Recording, Session, Task, TaskRecord, TaskState, written
from classroom_scheduler.domain.errors import (
    ClassroomMoved,
    ClassroomNotWritable,
    ClassroomUnsettled,
    PermanentError,
    SchedulerError,
    TransientError,
)
from classroom_scheduler.domain.names import is_later
from classroom_scheduler.domain.ports import Classrooms, ClassroomServer, Clock, Message
from classroom_scheduler.domain.reconcile import TRIES, write_report
from classroom_scheduler.domain.report import HORIZON, attributes_of, live_ping_due, plain, write_instant
from classroom_scheduler.domain.schedule import write_time

# The server has this long to answer: a task with its reads and writes fits into the function's 25 s.
CALL_TIMEOUT = 10.0
# A failed live ping is tried again while this much is left to the end: a back-off of at most 5 s and one call.
LIVE_PING_ROOM = timedelta(seconds=15)
# What the recording before it may cost the next one, which starts on time all the same.
PREVIOUS_STOP_TIMEOUT = 2.0

_MESSAGES = {
    Task.START_RECORDING: ("start", "recording.start"),
    Task.SEND_LIVE_PING: ("live", "recording.live"),
    Task.STOP_RECORDING: ("stop", "recording.stop"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeping:
    """What writing on items needs from outside."""

    classrooms: Classrooms
    clock: Clock
    horizon: timedelta = HORIZON


@dataclass(frozen=True, slots=True, kw_only=True)
class World(Bookkeeping):
    """What a task needs from outside."""

    server: ClassroomServer


def perform(run: Run, world: World) -> dict[str, Any]:
    """Do the task; the answer is what the next tasks and the execution's history see of it.

    Raises PermanentError where it failed for good, which the item says then, and TransientError where trying again
    may help.
    """
    for _ in range(TRIES):
        classroom, now = _look(run, world), world.clock()
        stands = standing(run, classroom, now, world.horizon)
        if stands is Standing.FENCED:
            return _outcome(run, stands, f"Execution {run.execution_name} no longer acts for this classroom.")
        if stands is Standing.ABANDONED:
            return _stop_abandoned(run, classroom, world)
        assert classroom is not None, "an item names this execution"
        session = _session(classroom)
        known = session.tasks.get(run.task)
        if known is not None and known.is_finished:
            return _known(run, session, known, now)
        with suppress(ClassroomMoved):
            return _perform_own(run, classroom, session, world, now)
    raise ClassroomMoved(f"{run.classroom_id} was changed by somebody else {TRIES} times while a task was claimed")


def fail(run: Run, error: str, books: Bookkeeping) -> dict[str, Any]:
    """Write on the item that a task failed for good: its retries are exhausted, or its function broke."""
    classroom = _look(run, books)
    if classroom is None or classroom.session is None:
        return _outcome(run, Standing.FENCED, "The classroom is gone; nothing is written.")
    _write_previous_error(run, classroom, error, books)
    known = classroom.session.tasks.get(run.task)
    if classroom.session.execution_name == run.execution_name and (known is None or not known.is_finished):
        opened = known or open_record(run, classroom.session, books.clock())
        _settle(run, classroom, {run.task: _closed(opened, TaskState.FAILED, books.clock(), error=error)}, books)
    return _outcome(run, TaskState.FAILED, error)


def _perform_own(run: Run, classroom: Classroom, session: Session, world: World, now: datetime) -> dict[str, Any]:
    record = open_record(run, session, now)
    if run.task is Task.START_RECORDING and not session.has_begun and now >= session.scheduled.end:
        return _miss(run, classroom, record, world, now)
    if run.task is Task.SEND_LIVE_PING and max(record.due_at, now) >= session.scheduled.end:
        reason = "the class ends before it is due"
        _settle(run, classroom, {run.task: _closed(record, TaskState.SKIPPED, now, error=reason)}, world)
        return _outcome(run, TaskState.SKIPPED, reason)
    claimed = _claim(classroom, session.with_task(run.task, record), world)
    if run.task is Task.START_RECORDING and session.previous is not None:
        claimed = _stop_previous(run, claimed, session.previous, world)
    return _call(run, claimed, record, world)


def _claim(classroom: Classroom, session: Session, world: World) -> Classroom:
    """Write the claim. An item that people filled up to DynamoDB's 400 KB takes none, and the class goes on all the same.

    What was read a moment ago said that it is ours, and the webhook-id keeps the server from acting twice.
    """
    try:
        return _write(classroom, session, world)
    except ClassroomNotWritable:
        return classroom


def _call(run: Run, claimed: Classroom, record: TaskRecord, world: World) -> dict[str, Any]:
    message = _message(run, world.clock(), record.attempts, record.due_at, written(claimed.item))
    try:
        answer = world.server.send(message, timeout=_timeout(run, world.clock()))
    except PermanentError as error:
        return _give_up(run, claimed, record, str(error), world)
    except TransientError as error:
        if run.task is Task.SEND_LIVE_PING and world.clock() + LIVE_PING_ROOM > run.scheduled.end:
            return _give_up(run, claimed, record, str(error), world)
        with suppress(SchedulerError):  # the error is on the item where it can be; Step Functions retries either way
            _settle(run, claimed, {run.task: replace(record, error=str(error))}, world)
        raise
    return _succeed(run, claimed, record, answer, world)


def _succeed(run: Run, claimed: Classroom, record: TaskRecord, answer: Any, world: World) -> dict[str, Any]:
    now = world.clock()
    done = _closed(record, TaskState.SUCCEEDED, now, result=answer)
    session: Session | None = _session(claimed).with_task(run.task, done)
    # An answer that DynamoDB can't store is left out; where there is no room for anything, the deed is done all the same.
    for known in (done, replace(done, result=None)):
        with suppress(ClassroomNotWritable):
            session = _settle(run, claimed, {run.task: known}, world)
            break
    if session is None:
        reason = "The server was called, and meanwhile another execution took over."
        return _outcome(run, Standing.FENCED, reason)
    return _known(run, session, done, now)


def _give_up(run: Run, claimed: Classroom, record: TaskRecord, error: str, world: World) -> dict[str, Any]:
    """The task failed for good. A live ping that fails costs the class nothing; a start that fails ends it."""
    records = {run.task: _closed(record, TaskState.FAILED, world.clock(), error=error)}
    if run.task is Task.START_RECORDING and record.attempts == 1:
        # Refused at the first attempt: the only case in which nothing can have been started.
        records[Task.STOP_RECORDING] = replace(records[run.task], state=TaskState.SKIPPED)
    with suppress(ClassroomNotWritable):
        _settle(run, claimed, records, world)
    if run.task is Task.SEND_LIVE_PING:
        return _outcome(run, TaskState.FAILED, error)
    raise PermanentError(error)


def _miss(run: Run, classroom: Classroom, record: TaskRecord, world: World, now: datetime) -> dict[str, Any]:
    error = f"its end {write_time(run.scheduled.end)} had passed before it could be started"
    missed = _closed(record, TaskState.FAILED, now, error=error)
    skipped = replace(missed, state=TaskState.SKIPPED)
    _settle(run, classroom, {Task.START_RECORDING: missed, Task.STOP_RECORDING: skipped}, world)
    raise PermanentError(error)


def _stop_previous(run: Run, claimed: Classroom, previous: Recording, world: World) -> Classroom:
    """Try once more to stop the recording before this one; whatever comes of it, this one starts now."""
    outgoing = replace(run, task=Task.STOP_RECORDING, recording_id=previous.recording_id)
    now = world.clock()
    try:
        world.server.send(_message(outgoing, now, 1, now, {}), timeout=PREVIOUS_STOP_TIMEOUT)
        outcome = None
    except SchedulerError as error:
        outcome = replace(previous, error=str(error))
    try:
        return _write(claimed, replace(_session(claimed), previous=outcome), world)
    except SchedulerError:  # the result of this task carries the same news
        return claimed


def _stop_abandoned(run: Run, classroom: Classroom | None, world: World) -> dict[str, Any]:
    """Stop a recording that no item answers for: always safe, while a forgotten recorder never is."""
    message = _message(run, world.clock(), run.attempt + 1, run.scheduled.end, {})
    try:
        answer = world.server.send(message, timeout=CALL_TIMEOUT)
    except SchedulerError as error:
        if classroom is not None:
            _write_previous_error(run, classroom, str(error), world)
        if isinstance(error, PermanentError):
            raise PermanentError(str(error)) from error
        raise
    if classroom is not None and _is_previous(run, classroom.session):
        with suppress(SchedulerError):  # the item says "is being stopped" a little longer; the recorder has stopped
            _update_previous(run, classroom, None, world)
    return _outcome(run, TaskState.SUCCEEDED, "The recording was no longer its classroom's own; stopped.", answer)


def _write_previous_error(run: Run, classroom: Classroom, error: str, books: Bookkeeping) -> None:
    if run.task is Task.STOP_RECORDING and _is_previous(run, classroom.session):
        with suppress(SchedulerError):  # only news; stopping goes on
            _update_previous(run, classroom, error, books)


def _is_previous(run: Run, session: Session | None) -> bool:
    return session is not None and session.previous is not None and session.previous.recording_id == run.recording_id


def _update_previous(run: Run, classroom: Classroom, error: str | None, books: Bookkeeping) -> None:
    for _ in range(TRIES):
        session = classroom.session
        if session is None or not _is_previous(run, session):
            return
        assert session.previous is not None, "checked by _is_previous"
        outcome = None if error is None else replace(session.previous, error=error)
        with suppress(ClassroomMoved):
            _write(classroom, replace(session, previous=outcome), books)
            return
        looked = _look(run, books)
        if looked is None:
            return
        classroom = looked


def _settle(run: Run, classroom: Classroom, records: Mapping[Task, TaskRecord], books: Bookkeeping) -> Session | None:
    """Write what came of the task, as often as somebody else's write comes first; None where we may no longer.

    Raises ClassroomUnsettled where the item was wiped or put back meanwhile: the retry of the task, with the same
    webhook-id, finds it in order again.
    """
    latest: Classroom | None = classroom
    for _ in range(TRIES):
        session = latest.session if latest is not None else None
        if latest is None or (session is None and latest.is_rejected):
            return None
        if session is None or is_later(run.execution_name, session.execution_name):
            raise ClassroomUnsettled(f"{run.classroom_id} was put again while its task ran")
        if session.execution_name != run.execution_name:
            return None
        session = replace(session, tasks={**session.tasks, **records})
        with suppress(ClassroomMoved):
            _write(latest, session, books)
            return session
        latest = _look(run, books)
    raise ClassroomMoved(f"{run.classroom_id} was changed by somebody else {TRIES} times while a result was written")


def _write(classroom: Classroom, session: Session, books: Bookkeeping) -> Classroom:
    now = books.clock()
    return write_report(classroom, attributes_of(classroom, session, now, books.horizon), books.classrooms, now)


def _session(classroom: Classroom) -> Session:
    assert classroom.session is not None, "an item that names an execution has a session"
    return classroom.session


def _look(run: Run, books: Bookkeeping) -> Classroom | None:
    item = books.classrooms.get(run.classroom_id)
    return None if item is None else Classroom.read(run.classroom_id, item)


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
    return outcome | {"livePingWait": max(wait, 0)}


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


def _message(run: Run, now: datetime, attempt: int, due_at: datetime, peoples_attributes: Mapping[str, Any]) -> Message:
    """The same id for every retry of this task of this recording, under whatever execution: the idempotency key."""
    suffix, event_type = _MESSAGES[run.task]
    return Message(
        id=f"{run.recording_id}-{suffix}",
        type=event_type,
        timestamp=now,
        data={
            "classroomId": run.classroom_id,
            "recordingId": run.recording_id,
            "executionName": run.execution_name,
            "dueAt": write_instant(due_at),
            "start": write_time(run.scheduled.start),
            "end": write_time(run.scheduled.end),
            "attempt": attempt,
            "classroom": peoples_attributes,
            "results": run.results,
        },
    )
