"""A session: one recording of a classroom, with the execution that may act for it and what has been done."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Any, Self

from classroom_scheduler.domain.execution_names import is_later
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.tasks import START, STOP, TaskSpec

# The parameter's maximum: a recorder that starts ten minutes early records an empty room.
MAX_START_LEAD = timedelta(minutes=10)


class Status(StrEnum):
    SCHEDULED = "SCHEDULED"
    DEFERRED = "DEFERRED"
    RECORDING = "RECORDING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    INVALID = "INVALID"


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
    tasks: Mapping[TaskSpec, TaskRecord] = field(default_factory=dict)
    previous: Recording | None = None
    # How often its execution ended before its time and was taken up again.
    restarts: int = 0
    # So long before its class the recorder is started; it stays, whatever becomes of the parameter.
    lead: timedelta = timedelta()

    def has(self, task: TaskSpec, *states: TaskState) -> bool:
        """Whether the task is recorded in one of the states, or, where none are given, in any."""
        record = self.tasks.get(task)
        return record is not None and (not states or record.state in states)

    @property
    def has_begun(self) -> bool:
        return self.has(START)

    @property
    def has_started(self) -> bool:
        return self.has(START, TaskState.SUCCEEDED)

    @property
    def start_failed(self) -> bool:
        return self.has(START, TaskState.FAILED)

    @property
    def was_recorded(self) -> bool:
        return self.has_started and self.has(STOP, TaskState.SUCCEEDED)

    @property
    def recorder_start(self) -> datetime:
        """When the recorder is started: with the class, or up to MAX_START_LEAD before it."""
        return self.scheduled.start - self.lead

    @property
    def recording_since(self) -> datetime | None:
        """When the server answered that it records, None before."""
        start = self.tasks.get(START)
        return None if start is None else start.finished_at

    def due_at(self, task: TaskSpec, now: datetime) -> datetime:
        """When a task of this session is due; one that hangs on the recording's start, as if that were now."""
        return task.due(self.scheduled, self.lead, self.recording_since or now)

    @property
    def latest_attempt(self) -> datetime | None:
        """When a task was last tried: it is no earlier than that now, whatever this machine's clock says."""
        return max((record.started_at for record in self.tasks.values()), default=None)

    @property
    def is_stopping(self) -> bool:
        return self.has(STOP, TaskState.CLAIMED)

    @property
    def is_over(self) -> bool:
        return self.start_failed or (self.has(STOP) and not self.is_stopping)

    @property
    def may_be_recording(self) -> bool:
        """Whether the recorder may run: a start was tried, and no stop has been confirmed."""
        return self.has_begun and not self.has(STOP, TaskState.SUCCEEDED, TaskState.SKIPPED)

    @property
    def left_running(self) -> Recording | None:
        """The recording that may run though its class is over: another execution, which does nothing else, stops it.

        At its end where its executions were given up; at once where a start failed that an earlier attempt may have
        made: the class's own execution stops that, but may be lost before it does.
        """
        stop = self.tasks.get(STOP)
        if stop is not None and stop.state is TaskState.FAILED and not stop.attempts:
            return replace(self.recording, until=self.scheduled.end)
        is_unconfirmed = self.start_failed and (stop is None or not stop.is_finished)
        return self.recording if is_unconfirmed else None

    @property
    def recording(self) -> Recording:
        return Recording(self.recording_id, self.scheduled.start)

    def with_task(self, task: TaskSpec, record: TaskRecord) -> Self:
        return replace(self, tasks={**self.tasks, task: record})


def newest(sessions: Iterable[Session]) -> Session | None:
    """What is known of a classroom's session from several images of its item, in whatever order they were taken.

    Names are in order of time, so the later recording wins, then the later execution; of each task the record that
    knows more. An old image that is delivered again can therefore never undo what came after it. Of two images that
    name the same execution the first one given says with what schedule.
    """
    return reduce(_merged, sessions, None)


def newest_of_each(sessions: Sequence[Session]) -> list[Session]:
    """The same, of each recording by itself."""
    ids = sorted({session.recording_id for session in sessions})
    latest = [newest(session for session in sessions if session.recording_id == recording_id) for recording_id in ids]
    return [session for session in latest if session is not None]


def _merged(current: Session | None, other: Session) -> Session:
    if current is None:
        return other
    if current.recording_id != other.recording_id:
        return other if is_later(other.recording_id, current.recording_id) else current
    latest = other if is_later(other.execution_name, current.execution_name) else current
    tasks = {task: _further(current.tasks.get(task), other.tasks.get(task)) for task in (*current.tasks, *other.tasks)}
    return replace(latest, tasks={task: record for task, record in tasks.items() if record is not None})


def _further(record: TaskRecord | None, other: TaskRecord | None) -> TaskRecord | None:
    if record is None or other is None:
        return record or other
    return other if other.progress > record.progress else record


def status_in(item: Mapping[str, Any]) -> Status | None:
    """The status that the item has, or None where people wrote something else there."""
    with suppress(ValueError, TypeError):
        return Status(item.get("status"))  # type: ignore[arg-type]  # whatever is there
    return None
