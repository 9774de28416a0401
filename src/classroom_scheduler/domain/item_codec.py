"""What the item says of its session: every attribute that the scheduler writes, the reason in words among them."""

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.reasons import reason_for, why_not_followed
from classroom_scheduler.domain.schedule import format_instant, format_time
from classroom_scheduler.domain.session import Recording, Session, Task, TaskRecord, TaskState
from classroom_scheduler.domain.status import HORIZON, is_deferred, status_of

ATTENTION_SHARDS = 8
# How long a step may be overdue before the sweep looks: longer than the retries of a short outage.
ATTENTION_GRACE = timedelta(minutes=5)


def encode(classroom: Classroom, session: Session, now: datetime, horizon: timedelta = HORIZON) -> dict[str, Any]:
    """Everything that the item should say of its session, but for `executionArn` and `updatedAt`."""
    attributes: dict[str, Any] = {
        **_verdict(classroom, session, now, horizon),
        "executionName": session.execution_name,
        "recordingId": session.recording_id,
        "scheduled": _schedule_attribute(session),
        "tasks": {str(task): _task_attribute(record) for task, record in session.tasks.items()},
        "day": session.scheduled.start.date().isoformat(),
        "scheduledStart": format_time(session.scheduled.start),
    }
    if session.restarts:
        attributes["restarts"] = session.restarts
    if session.previous is not None:
        attributes["previousRecording"] = _previous_attribute(session.previous)
    if not session.is_over or session.left_running is not None:
        attributes |= attention(classroom.classroom_id, _attention_at(session, now, horizon))
        if _waits_for_an_edit(classroom, session, now):
            # A task that wouldn't wait: the record of that edit may be lost, and no step may push this forward.
            known, soon = classroom.item.get("attentionAt", "~"), format_time(now + ATTENTION_GRACE)
            attributes["attentionAt"] = min(attributes["attentionAt"], soon, str(known))
    return attributes


def attention(classroom_id: str, at: datetime) -> dict[str, str]:
    """The keys under which the sweep finds the classroom from `at` on."""
    shard = zlib.crc32(classroom_id.encode()) % ATTENTION_SHARDS
    return {"attentionShard": str(shard), "attentionAt": format_time(at)}


def plain(value: Any) -> Any:
    """A stored value as JSON knows it: DynamoDB's numbers come as Decimal."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {name: plain(element) for name, element in value.items()}
        case list():
            return [plain(element) for element in value]
        case _:
            return value


def _verdict(classroom: Classroom, session: Session, now: datetime, horizon: timedelta) -> dict[str, str]:
    reason = reason_for(session, now, horizon, why_not_followed(classroom, session, now))
    return {"status": str(status_of(session, now, horizon)), "reason": reason}


def _storable(value: Any) -> Any:
    """A JSON value as DynamoDB stores it: it has no floats."""
    match value:
        case float():
            return Decimal(str(value))
        case Mapping():
            return {name: _storable(element) for name, element in value.items()}
        case list():
            return [_storable(element) for element in value]
        case _:
            return value


def _waits_for_an_edit(classroom: Classroom, session: Session, now: datetime) -> bool:
    desired = classroom.desired
    return desired is not None and desired != session.scheduled and why_not_followed(classroom, session, now) is None


def _attention_at(session: Session, now: datetime, horizon: timedelta) -> datetime:
    if is_deferred(session, now, horizon):
        return session.scheduled.start - horizon
    is_recording = session.has_begun and not session.has(Task.START_RECORDING, TaskState.FAILED)
    due = session.scheduled.end if is_recording else session.recorder_start
    latest = max((record.started_at for record in session.tasks.values()), default=due)
    return max(due, latest) + ATTENTION_GRACE


def _schedule_attribute(session: Session) -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "start": format_time(session.scheduled.start),
        "end": format_time(session.scheduled.end),
        "livePingDelay": session.scheduled.live_ping_delay,
    }
    return attribute | {"recorderStart": format_time(session.recorder_start)} if session.lead else attribute


def _task_attribute(record: TaskRecord) -> dict[str, Any]:
    attribute = {
        "state": str(record.state),
        "dueAt": format_instant(record.due_at),
        "startedAt": format_instant(record.started_at),
        "latenessMs": record.lateness_ms,
        "attempts": record.attempts,
    }
    optional = {
        "finishedAt": record.finished_at and format_instant(record.finished_at),
        "result": _storable(record.result),
        "error": record.error,
    }
    return attribute | {name: value for name, value in optional.items() if value is not None}


def _previous_attribute(previous: Recording) -> dict[str, Any]:
    attribute = {"recordingId": previous.recording_id, "start": format_time(previous.start)}
    return attribute if previous.error is None else {**attribute, "error": previous.error}
