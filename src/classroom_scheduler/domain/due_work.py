"""Whether a task that its execution may do has anything left to do, and if not, why: in words, for the item."""

from datetime import datetime

from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.schedule import format_time
from classroom_scheduler.domain.session import Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import START, STOP, TaskSpec


def is_done(task: TaskSpec, record: TaskRecord) -> bool:
    """Whether a task is done with; one within the class that was skipped may be due by a schedule changed since."""
    may_be_due_again = task not in (START, STOP) and record.state is TaskState.SKIPPED
    return record.is_finished and not may_be_due_again


def why_missed(attempt: TaskAttempt, session: Session, now: datetime) -> str | None:
    """Why there is nothing to record, and nothing to stop either."""
    if session.has_begun:
        return None
    if attempt.task is START and now >= session.scheduled.end:
        return f"its end {format_time(session.scheduled.end)} had passed before it could be started"
    if attempt.task is STOP and attempt.found_another_at_its_start:
        return "at its start the classroom was not there, or another execution's"
    return None


def why_skipped(attempt: TaskAttempt, session: Session, record: TaskRecord, now: datetime) -> str | None:
    """Why there is nothing to do within the class."""
    if attempt.task in (START, STOP):
        return None
    has_started = session.has(START, TaskState.SUCCEEDED)
    if not has_started and attempt.result_of(START) != TaskState.SUCCEEDED:
        return "the recording has not started"
    return "the class ends before it is due" if max(record.due_at, now) >= session.scheduled.end else None
