"""What the scheduler writes on an item, attribute by attribute: how it is encoded, decoded, owned and protected.

People write items with anything: every value may come back wiped, copied or damaged. Decoding gives what it can trust.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from classroom_scheduler.domain.execution_names import is_name_of
from classroom_scheduler.domain.quoting import cut
from classroom_scheduler.domain.schedule import SCHEDULE_ATTRIBUTES, parse_schedule, whole_number
from classroom_scheduler.domain.session import MAX_START_LEAD, Recording, Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import TASKS, TaskSpec
from classroom_scheduler.domain.times import format_instant, format_time, parse_time, read_instant

Item = Mapping[str, Any]
"""A table item with plain Python values: str, Decimal, dict, list, set, bool, None, bytes."""

# More than any execution makes; whatever is above was not written by the scheduler.
_MAX_ATTEMPTS = 1_000_000
_MAX_RESTARTS = 1_000
# What a server or Step Functions says of a failure; it is part of the reason.
_ERROR_LENGTH = 512


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


def has_damaged_tasks(item: Item) -> bool:
    """Whether `tasks` is not what the scheduler wrote: it is gone, or one of them can't be decoded."""
    tasks = item.get("tasks")
    return not isinstance(tasks, Mapping) or len(_decode_tasks(tasks)) < sum(task.name in tasks for task in TASKS)


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
        "error": record.error and cut(record.error, _ERROR_LENGTH),
    }
    return attribute | {name: value for name, value in optional.items() if value is not None}


def _decode_task(record: Any) -> TaskRecord | None:
    try:
        return TaskRecord(
            state=TaskState(record["state"]),
            due_at=read_instant(record["dueAt"]),
            started_at=read_instant(record["startedAt"]),
            finished_at=read_instant(record["finishedAt"]) if "finishedAt" in record else None,
            attempts=_decode_attempts(record["attempts"]),
            result=record.get("result"),
            error=_decode_error(record.get("error")),
        )
    except Exception:  # noqa: BLE001 - as in `decode`
        return None


def _encode_previous(session: Session) -> dict[str, Any] | None:
    previous = session.previous
    if previous is None:
        return None
    attribute = {"recordingId": previous.recording_id, "start": format_time(previous.start)}
    return attribute if previous.error is None else {**attribute, "error": cut(previous.error, _ERROR_LENGTH)}


def _decode_previous(classroom_id: str, previous: Any) -> Recording | None:
    try:
        if not is_name_of(classroom_id, previous["recordingId"]):
            return None
        return Recording(previous["recordingId"], parse_time(previous["start"]), _decode_error(previous.get("error")))
    except Exception:  # noqa: BLE001 - as in `decode`
        return None


def _encode_restarts(session: Session) -> int | None:
    return session.restarts or None


def _decode_restarts(restarts: Any) -> int:
    return whole_number(restarts, _MAX_RESTARTS) or 0


def _decode_attempts(attempts: Any) -> int:
    whole = whole_number(attempts, _MAX_ATTEMPTS)
    if whole is None:
        raise ValueError("no number of attempts")
    return whole


def _decode_error(error: Any) -> str | None:
    if error is not None and not isinstance(error, str):
        raise TypeError("no error in words")
    return error and cut(error, _ERROR_LENGTH)


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

    Whatever else stands there, of whatever type and size, is damage and left out. Damaged tasks are left out one by
    one: each is known again as soon as the image from before the damage is merged in.
    """
    recording_id, execution_name = item.get("recordingId"), item.get("executionName")
    if not is_name_of(classroom_id, recording_id) or not is_name_of(classroom_id, execution_name):
        return None
    scheduled: Any = item.get("scheduled")
    try:
        schedule = parse_schedule({**scheduled, "classroomId": classroom_id})
        lead = schedule.start - parse_time(scheduled.get("recorderStart", scheduled["start"]))
    except Exception:  # noqa: BLE001 - nothing else is of interest here than that the scheduler didn't write it
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
