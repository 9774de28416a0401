"""A session: one recording of a classroom, with the execution that may act for it and what has been done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from typing import Any, Self

from classroom_scheduler.application.ports import Item
from classroom_scheduler.domain.execution_names import is_later, is_name_of
from classroom_scheduler.domain.schedule import InvalidClassroom, Schedule, parse_schedule, parse_time

# The parameter's maximum: a recorder that starts ten minutes early records an empty room.
MAX_START_LEAD = timedelta(minutes=10)


class Task(StrEnum):
    """A task's state in the state machine, its Lambda's name and its key in `tasks`."""

    START_RECORDING = "StartRecording"
    SEND_LIVE_PING = "SendLivePing"
    STOP_RECORDING = "StopRecording"


class TaskState(StrEnum):
    CLAIMED = "CLAIMED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """What is known of one task of one session.

    `started_at` is when the latest attempt began and `lateness_ms` how long after `due_at` that was.
    """

    state: TaskState
    due_at: datetime
    started_at: datetime
    finished_at: datetime | None = None
    attempts: int = 1
    result: Any = None
    error: str | None = None

    @property
    def lateness_ms(self) -> int:
        return (self.started_at - self.due_at) // timedelta(milliseconds=1)

    @property
    def is_finished(self) -> bool:
        return self.state is not TaskState.CLAIMED

    @property
    def progress(self) -> tuple[int, int]:
        """Grows with every write of the task, so that of two records the one that knows more wins."""
        order = (TaskState.CLAIMED, TaskState.SKIPPED, TaskState.FAILED, TaskState.SUCCEEDED)
        return order.index(self.state), self.attempts


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that may still run although its item has moved on to another, and what stopping it has come to."""

    recording_id: str
    start: datetime
    error: str | None = None
    # Where its class goes on although nobody watches over it any more, it is stopped then, else at once.
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One recording of a classroom: the schedule in force, the execution that may act, and what has been done."""

    recording_id: str
    execution_name: str
    scheduled: Schedule
    tasks: Mapping[Task, TaskRecord] = field(default_factory=dict)
    previous: Recording | None = None
    # How often its execution ended before its time and was taken up again.
    restarts: int = 0
    # So long before its class the recorder is started; it stays, whatever becomes of the parameter.
    lead: timedelta = timedelta()

    def has(self, task: Task, *states: TaskState) -> bool:
        """Whether the task is recorded in one of the states, or, where none are given, in any."""
        record = self.tasks.get(task)
        return record is not None and (not states or record.state in states)

    @property
    def has_begun(self) -> bool:
        return self.has(Task.START_RECORDING)

    @property
    def recorder_start(self) -> datetime:
        """When the recorder is started: with the class, or up to MAX_START_LEAD before it."""
        return self.scheduled.start - self.lead

    @property
    def latest_attempt(self) -> datetime | None:
        """When a task was last tried: it is no earlier than that now, whatever this machine's clock says."""
        return max((record.started_at for record in self.tasks.values()), default=None)

    @property
    def is_stopping(self) -> bool:
        return self.has(Task.STOP_RECORDING, TaskState.CLAIMED)

    @property
    def is_over(self) -> bool:
        return self.has(Task.START_RECORDING, TaskState.FAILED) or (
            self.has(Task.STOP_RECORDING) and not self.is_stopping
        )

    @property
    def may_be_recording(self) -> bool:
        """Whether the recorder may run: a start was tried, and no stop has been confirmed."""
        return self.has_begun and not self.has(Task.STOP_RECORDING, TaskState.SUCCEEDED, TaskState.SKIPPED)

    @property
    def left_running(self) -> Recording | None:
        """The recording that may run though its class is over: another execution, which does nothing else, stops it.

        At its end where its executions were given up; at once where a start failed that an earlier attempt may have
        made: the class's own execution stops that, but may be lost before it does.
        """
        stop = self.tasks.get(Task.STOP_RECORDING)
        if stop is not None and stop.state is TaskState.FAILED and not stop.attempts:
            return replace(self.recording, until=self.scheduled.end)
        is_unconfirmed = self.has(Task.START_RECORDING, TaskState.FAILED) and (stop is None or not stop.is_finished)
        return self.recording if is_unconfirmed else None

    @property
    def recording(self) -> Recording:
        return Recording(self.recording_id, self.scheduled.start)

    def with_task(self, task: Task, record: TaskRecord) -> Self:
        return replace(self, tasks={**self.tasks, task: record})


def decode_session(classroom_id: str, item: Item) -> Session | None:
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
        tasks=_read_tasks(item.get("tasks")),
        previous=_read_previous(classroom_id, item.get("previousRecording")),
        restarts=_read_restarts(item.get("restarts")),
        lead=lead,
    )


def newest(sessions: Iterable[Session]) -> Session | None:
    """What is known of a classroom's session from several images of its item, in whatever order they were taken.

    Names are in order of time, so the later recording wins, then the later execution; of each task the record that
    knows more. An old image that is delivered again can therefore never undo what came after it. Of two images that
    name the same execution the first one given says with what schedule.
    """
    return reduce(_merged, sessions, None)


def _merged(current: Session | None, other: Session) -> Session:
    if current is None:
        return other
    if current.recording_id != other.recording_id:
        return other if is_later(other.recording_id, current.recording_id) else current
    latest = other if is_later(other.execution_name, current.execution_name) else current
    tasks = {task: _further(current.tasks.get(task), other.tasks.get(task)) for task in Task}
    return replace(latest, tasks={task: record for task, record in tasks.items() if record is not None})


def _further(record: TaskRecord | None, other: TaskRecord | None) -> TaskRecord | None:
    if record is None or other is None:
        return record or other
    return other if other.progress > record.progress else record


def _read_tasks(tasks: Any) -> dict[Task, TaskRecord]:
    if not isinstance(tasks, Mapping):
        return {}
    records = {task: _read_task(tasks.get(task)) for task in Task}
    return {task: record for task, record in records.items() if record is not None}


def _read_task(record: Any) -> TaskRecord | None:
    try:
        return TaskRecord(
            state=TaskState(record["state"]),
            due_at=_instant(record["dueAt"]),
            started_at=_instant(record["startedAt"]),
            finished_at=_instant(record["finishedAt"]) if "finishedAt" in record else None,
            attempts=int(record["attempts"]),
            result=record.get("result"),
            error=record.get("error"),
        )
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        return None


def _read_previous(classroom_id: str, previous: Any) -> Recording | None:
    try:
        if not is_name_of(classroom_id, previous["recordingId"]):
            return None
        return Recording(previous["recordingId"], parse_time(previous["start"]), previous.get("error"))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _read_restarts(restarts: Any) -> int:
    return int(restarts) if isinstance(restarts, Decimal | int) and restarts in range(1000) else 0


def _instant(text: str) -> datetime:
    """A time that the scheduler wrote, with its milliseconds. Raises ValueError where there is no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant
