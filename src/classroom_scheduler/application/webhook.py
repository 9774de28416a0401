"""What the classroom server is told: https://www.standardwebhooks.com"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.times import format_instant, format_time


def message_of(
    attempt: TaskAttempt, now: datetime, number: int, due_at: datetime, attributes: Mapping[str, Any]
) -> Message:
    """The same id for every retry of this task of this recording, under whatever execution: the idempotency key."""
    return Message(
        id=f"{attempt.recording_id}-{attempt.task.id_suffix}",
        type=attempt.task.webhook_type,
        timestamp=now,
        data={
            "classroomId": attempt.classroom_id,
            "recordingId": attempt.recording_id,
            "executionName": attempt.execution_name,
            "dueAt": format_instant(due_at),
            "start": format_time(attempt.scheduled.start),
            "end": format_time(attempt.scheduled.end),
            "attempt": number,
            "classroom": attributes,
            "results": attempt.results,
        },
    )
