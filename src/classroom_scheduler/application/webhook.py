"""What the classroom server is told: https://www.standardwebhooks.com"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.fence import Run
from classroom_scheduler.domain.schedule import format_instant, format_time
from classroom_scheduler.domain.session import Task

_MESSAGES = {
    Task.START_RECORDING: ("start", "recording.start"),
    Task.SEND_LIVE_PING: ("live", "recording.live"),
    Task.STOP_RECORDING: ("stop", "recording.stop"),
}


def message_of(
    run: Run, now: datetime, attempt: int, due_at: datetime, peoples_attributes: Mapping[str, Any]
) -> Message:
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
            "dueAt": format_instant(due_at),
            "start": format_time(run.scheduled.start),
            "end": format_time(run.scheduled.end),
            "attempt": attempt,
            "classroom": peoples_attributes,
            "results": run.results,
        },
    )
