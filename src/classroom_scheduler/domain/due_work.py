"""Whether a task that its execution may do has anything left to do, and if not, why: in words, for the item."""

from datetime import datetime

from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.schedule import format_time
from classroom_scheduler.domain.session import Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import START, STOP, TaskSpec


def is_done(task: TaskSpec, record: TaskRecord, session: Session, now: datetime) -> bool:
    """Whether a task is done with.

    A live ping that was skipped, or that failed while there was no time to try again, may be due after all by a
    schedule changed since.
    """
    may_go_out = record.state is TaskState.SKIPPED or (record.state is TaskState.FAILED and record.finished_at is None)
    if task not in (START, STOP) and may_go_out:
        return session.scheduled.end <= now
    return record.is_finished


def why_missed(attempt: TaskAttempt, session: Session, now: datetime) -> str | None:
    """Why there is nothing to record any more."""
    if attempt.task is START:
        return _why_missed(session, now)
    if attempt.task is STOP and not session.has_begun and attempt.found_another_at_its_start:
        return "at its start the classroom was not there, or another execution's"
    return None


def why_skipped(attempt: TaskAttempt, session: Session, record: TaskRecord, now: datetime) -> str | None:
    """Why there is nothing to do within the class."""
    if attempt.task in (START, STOP):
        return None
    has_started = session.has(START, TaskState.SUCCEEDED)
    if not has_started and attempt.result_of(START) != TaskState.SUCCEEDED:
        return "the recording has not started"
    if session.has(STOP):
        return "the recording was stopped before"
    return why_too_late(attempt.task, session, record, now)


def why_too_late(task: TaskSpec, session: Session, record: TaskRecord, now: datetime) -> str | None:
    """Why the server may no longer be called, at the very moment before it is; a stop is never too late."""
    if task is START:
        return _why_missed(session, now)
    if task is STOP:
        return None
    if record.due_at >= session.scheduled.end:
        return "the class ends before it is due"
    return "the class ended before it could be sent" if now >= session.scheduled.end else None


def _why_missed(session: Session, now: datetime) -> str | None:
    if now < session.scheduled.end:
        return None
    start = session.tasks.get(START)
    missed = f"its end {format_time(session.scheduled.end)} had passed before it could be started"
    return missed if start is None or start.error is None else f"{missed}; before that: {start.error}"
