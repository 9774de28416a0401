"""Whether a task that its execution may do has anything left to do, and if not, why: in words, for the item."""

from datetime import datetime

from classroom_scheduler.domain.fence import Run
from classroom_scheduler.domain.schedule import format_time
from classroom_scheduler.domain.session import Session, Task, TaskRecord, TaskState


def is_settled(task: Task, record: TaskRecord) -> bool:
    """Whether a task is done with; a live ping that was skipped may be due after all by a schedule changed since."""
    return record.is_finished and not (task is Task.SEND_LIVE_PING and record.state is TaskState.SKIPPED)


def why_missed(run: Run, session: Session, now: datetime) -> str | None:
    """Why there is nothing to record, and nothing to stop either."""
    if session.has_begun:
        return None
    if run.task is Task.START_RECORDING and now >= session.scheduled.end:
        return f"its end {format_time(session.scheduled.end)} had passed before it could be started"
    if run.task is Task.STOP_RECORDING and run.found_another_at_its_start:
        return "at its start the classroom was not there, or another execution's"
    return None


def why_skipped(run: Run, session: Session, record: TaskRecord, now: datetime) -> str | None:
    """Why there is nothing to ping for."""
    if run.task is not Task.SEND_LIVE_PING:
        return None
    has_started = session.has(Task.START_RECORDING, TaskState.SUCCEEDED)
    if not has_started and run.result_of(Task.START_RECORDING) != TaskState.SUCCEEDED:
        return "the recording has not started"
    return "the class ends before it is due" if max(record.due_at, now) >= session.scheduled.end else None
