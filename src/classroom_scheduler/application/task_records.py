"""What a task leaves on the item and answers to the execution: its record, from the claim to the end."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.errors import PermanentError
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.session import Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import START, TaskSpec, task_after
from classroom_scheduler.exact_json import plain

Outcome = dict[str, Any]
"""What the next tasks and the execution's history see of a task: `state`, `reason`, `result`, `wait`."""


def session_of(classroom: Classroom) -> Session:
    assert classroom.session is not None, "an item that names an execution has a session"
    return classroom.session


def opened(attempt: TaskAttempt, session: Session, began: datetime) -> TaskRecord:
    """The claim: what the item says of this task from now until its result is known."""
    before = session.tasks.get(attempt.task)
    return TaskRecord(
        state=TaskState.CLAIMED,
        due_at=session.due_at(attempt.task, began),
        started_at=began,
        attempts=1 if before is None else before.attempts + 1,
        error=None if before is None or before.state is TaskState.SKIPPED else before.error,
    )


def closed(
    record: TaskRecord, state: TaskState, now: datetime, *, result: Any = None, error: str | None = None
) -> TaskRecord:
    return replace(record, state=state, finished_at=now, result=result, error=error)


def outcome(state: str, reason: str | None, result: Any = None) -> Outcome:
    return {"state": str(state), "reason": reason, "result": plain(result), "wait": 0}


def answer_of(attempt: TaskAttempt, session: Session, record: TaskRecord, now: datetime) -> Outcome:
    """What a finished task answers, however often it is asked. Raises PermanentError where a fatal one has failed."""
    if record.state is TaskState.FAILED and attempt.task.fatal:
        raise PermanentError(record.error or "it failed before")
    answer = outcome(record.state, record.error, record.result) | {"wait": wait_after(attempt.task, session, now)}
    return answer | {"lead": session.lead // timedelta(seconds=1)} if attempt.task is START else answer


def wait_after(task: TaskSpec, session: Session, now: datetime) -> int:
    """Whole seconds until the next task is due; 0 where that has passed, or would be no earlier than the end."""
    following = task_after(task)
    due = now if following is None else session.due_at(following, now)
    return max(math.ceil((due - now).total_seconds()), 0) if due < session.scheduled.end else 0
