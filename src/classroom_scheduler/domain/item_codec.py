"""What the scheduler writes on an item, attribute by attribute: how it is encoded, decoded, owned and protected.

People write items with anything: every value may come back wiped, copied or damaged. Decoding gives what it can trust.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from classroom_scheduler.domain.execution_names import is_name_of
from classroom_scheduler.domain.schedule import (
    SCHEDULE_ATTRIBUTES,
    InvalidClassroom,
    format_instant,
    format_time,
    parse_schedule,
    parse_time,
)
from classroom_scheduler.domain.session import MAX_START_LEAD, Recording, Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import TASKS, TaskSpec

Item = Mapping[str, Any]
"""A table item with plain Python values: str, Decimal, dict, list, set, bool, None, bytes."""


def _encode_schedule(session: Session) -> dict[str, Any]:
    attribute = session.scheduled.as_attributes()
    return attribute | {"recorderStart": format_time(session.recorder_start)} if session.lead else attribute


def _encode_tasks(session: Session) -> dict[str, Any]:
    return {str(task): _encode_task(record) for task, record in session.tasks.items()}


def _decode_tasks(tasks: Any) -> dict[TaskSpec, TaskRecord]:
    if not isinstance(tasks, Mapping):
        return {}
    records = {task: _decode_task(tasks.get(task.name)) for task in TASKS}
    return {task: record for task, record in records.items() if record is not None}


def _encode_task(record: TaskRecord) -> dict[str, Any]:
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


def _decode_task(record: Any) -> TaskRecord | None:
    try:
        return TaskRecord(
            state=TaskState(record["state"]),
            due_at=_parse_instant(record["dueAt"]),
            started_at=_parse_instant(record["startedAt"]),
            finished_at=_parse_instant(record["finishedAt"]) if "finishedAt" in record else None,
            attempts=int(record["attempts"]),
            result=record.get("result"),
            error=record.get("error"),
        )
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _encode_previous(session: Session) -> dict[str, Any] | None:
    previous = session.previous
    if previous is None:
        return None
    attribute = {"recordingId": previous.recording_id, "start": format_time(previous.start)}
    return attribute if previous.error is None else {**attribute, "error": previous.error}


def _decode_previous(classroom_id: str, previous: Any) -> Recording | None:
    try:
        if not is_name_of(classroom_id, previous["recordingId"]):
            return None
        return Recording(previous["recordingId"], parse_time(previous["start"]), previous.get("error"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _encode_restarts(session: Session) -> int | None:
    return session.restarts or None


def _decode_restarts(restarts: Any) -> int:
    return int(restarts) if isinstance(restarts, Decimal | int) and restarts in range(1000) else 0


def _parse_instant(text: str) -> datetime:
    """A time that the scheduler wrote, with its milliseconds. Raises ValueError where there is no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant


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


@dataclass(frozen=True, slots=True)
class _Attribute:
    """One attribute that the scheduler writes. `encode` gives None where the item does not carry it.

    A write is refused where a `condition` attribute is no longer as it was read: every decision rests on these.
    """

    name: str
    encode: Callable[[Session], Any] = lambda _session: None
    condition: bool = False


_ATTRIBUTES = (
    _Attribute("status", condition=True),
    _Attribute("reason"),
    _Attribute("executionName", lambda session: session.execution_name, condition=True),
    _Attribute("executionArn"),
    _Attribute("recordingId", lambda session: session.recording_id, condition=True),
    _Attribute("scheduled", _encode_schedule, condition=True),
    _Attribute("tasks", _encode_tasks, condition=True),
    _Attribute("previousRecording", _encode_previous, condition=True),
    _Attribute("restarts", _encode_restarts),
    _Attribute("day", lambda session: session.scheduled.start.date().isoformat()),
    _Attribute("scheduledStart", lambda session: format_time(session.scheduled.start)),
    _Attribute("attentionShard"),
    _Attribute("attentionAt"),
    _Attribute("updatedAt"),
)

OWNED_ATTRIBUTES = frozenset(attribute.name for attribute in _ATTRIBUTES)
_CONDITIONS = (*SCHEDULE_ATTRIBUTES, *(attribute.name for attribute in _ATTRIBUTES if attribute.condition))


def user_attributes(item: Item) -> dict[str, Any]:
    """The attributes that people write: all but the scheduler's own."""
    return {name: value for name, value in item.items() if name not in OWNED_ATTRIBUTES}


def write_conditions(item: Item) -> dict[str, Any]:
    """The condition of every write that follows from a decision on this item."""
    return {name: item.get(name) for name in _CONDITIONS}


def encode(session: Session) -> dict[str, Any]:
    """The attributes that follow from the session alone."""
    encoded = ((attribute.name, attribute.encode(session)) for attribute in _ATTRIBUTES)
    return {name: value for name, value in encoded if value is not None}


def decode(classroom_id: str, item: Item) -> Session | None:
    """The session that the item names, or None where people wiped or damaged what the scheduler wrote.

    Damaged tasks are left out one by one: each is known again as soon as the image from before the damage is merged in.
    """
    recording_id, execution_name = item.get("recordingId"), item.get("executionName")
    if not is_name_of(classroom_id, recording_id) or not is_name_of(classroom_id, execution_name):
        return None
    scheduled = item.get("scheduled")
    if not isinstance(scheduled, Mapping):
        return None
    try:
        schedule = parse_schedule({"classroomId": classroom_id, **scheduled})
        lead = schedule.start - parse_time(scheduled.get("recorderStart", scheduled["start"]))
    except (InvalidClassroom, ValueError, TypeError, OverflowError):
        return None
    if not timedelta() <= lead <= MAX_START_LEAD:
        return None
    return Session(
        recording_id=str(recording_id),
        execution_name=str(execution_name),
        scheduled=schedule,
        tasks=_decode_tasks(item.get("tasks")),
        previous=_decode_previous(classroom_id, item.get("previousRecording")),
        restarts=_decode_restarts(item.get("restarts")),
        lead=lead,
    )


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
