"""May this execution act for its classroom now, and is anything left to do? What every task asks before it calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from classroom_scheduler.domain.classroom import Classroom, History
from classroom_scheduler.domain.errors import PermanentError, ReconcilePending
from classroom_scheduler.domain.execution_names import classroom_of, is_later, is_name_of, is_stop_name
from classroom_scheduler.domain.plan import Action, plan
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.quoting import describe
from classroom_scheduler.domain.schedule import DEFAULT_LIVE_PING_DELAY, MAX_LIVE_PING_DELAY, Schedule, whole_number
from classroom_scheduler.domain.session import MAX_START_LEAD, Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import START, STOP, TaskSpec
from classroom_scheduler.domain.times import format_time, parse_time

# More than the retries of any state make.
_MAX_ATTEMPTS = 1_000_000


@dataclass(frozen=True, slots=True)
class TaskAttempt:
    """One attempt at a task: whose execution it is and what it was started with. `number` counts from 0.

    `scheduled` starts with the recorder, which may be before its class.
    """

    task: TaskSpec
    classroom_id: str
    recording_id: str
    execution_name: str
    scheduled: Schedule
    number: int = 0
    results: Mapping[str, Any] = field(default_factory=dict)

    @property
    def log_fields(self) -> dict[str, Any]:
        """Whose attempt it is, for a log line."""
        names = {"task": self.task.name, "classroomId": self.classroom_id, "executionName": self.execution_name}
        return {**names, "attempt": self.number}

    def result_of(self, task: TaskSpec) -> str | None:
        """The state in which an earlier task of this execution ended."""
        return self._answer_of(task).get("state")

    @property
    def lead(self) -> timedelta:
        """How long before its class this execution started the recorder, as StartRecording answered."""
        most = MAX_START_LEAD // timedelta(seconds=1)
        return timedelta(seconds=whole_number(self._answer_of(START).get("lead"), most) or 0)

    @property
    def found_another_at_its_start(self) -> bool:
        """Whether StartRecording was fenced before anything reached the server; a later attempt can't tell."""
        answer = self._answer_of(START)
        return (answer.get("state"), answer.get("attempt")) == (Ownership.FENCED, 0)

    @property
    def class_schedule(self) -> Schedule:
        return replace(self.scheduled, start=self.scheduled.start + self.lead)

    def _answer_of(self, task: TaskSpec) -> Mapping[str, Any]:
        answer = self.results.get(str(task))
        return answer if isinstance(answer, Mapping) else {}

    @classmethod
    def from_event(cls, task: TaskSpec, event: Mapping[str, Any]) -> Self:
        """The attempt that a task state's payload describes. Raises PermanentError naming what is wrong with it.

        `input` is the execution's input with the `results` so far.
        """
        try:
            given = event.get("input") or {}
            _check_names(given, event)
            return cls(
                task=task,
                classroom_id=_text(given, "classroomId"),
                recording_id=_text(given, "recordingId"),
                execution_name=_text(event, "executionName"),
                scheduled=Schedule(
                    start=parse_time(_text(given, "start")),
                    end=parse_time(_text(given, "end")),
                    live_ping_delay=_whole(given, "livePingDelay", DEFAULT_LIVE_PING_DELAY, MAX_LIVE_PING_DELAY),
                ),
                number=_whole(event, "attempt", 0, _MAX_ATTEMPTS),
                results=given.get("results") or {},
            )
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            raise PermanentError(f"The event is not a {task} payload: {error}") from error


class Ownership(StrEnum):
    OWN = "OWN"
    """The item names this execution: it acts."""
    ABANDONED = "ABANDONED"
    """Nobody answers for this recording any more: only stopping it is allowed, and must be done."""
    FENCED = "FENCED"
    """Another execution acts for this classroom, or none: do nothing."""


def ownership_of(
    attempt: TaskAttempt, classroom: Classroom | None, now: datetime, policy: SchedulingPolicy
) -> Ownership:
    """What this execution is to the classroom. Raises ReconcilePending where the stream handler has to say first."""
    if classroom is None or is_stop_name(attempt.execution_name):
        return _outside(attempt)
    session = classroom.session
    if session is None and classroom.is_rejected_since(attempt.execution_name):
        return _outside(attempt)
    if session is None and classroom.names_later_than(attempt.execution_name):
        return Ownership.FENCED  # whatever else is damaged on the item, another execution answers for it
    if session is not None and _was_stopped_by_another(attempt, session):
        return Ownership.FENCED  # whoever stopped it, another stop would tell nobody anything
    if session is None or _hides_what_was_done(attempt, classroom, session):
        return _while_damaged(attempt)
    if session.execution_name == attempt.execution_name:
        return _while_named(attempt, classroom, now, policy)
    return Ownership.FENCED if session.recording_id == attempt.recording_id else _outside(attempt)


def _hides_what_was_done(attempt: TaskAttempt, classroom: Classroom, session: Session) -> bool:
    return classroom.has_damaged_tasks or is_later(attempt.execution_name, session.execution_name)


def _while_damaged(attempt: TaskAttempt) -> Ownership:
    """Wiped, damaged, or put back from an old copy. To stop is right in any case; all else waits for the handler."""
    if attempt.task is STOP and attempt.number >= attempt.task.patience:
        return Ownership.ABANDONED
    raise ReconcilePending(f"{attempt.classroom_id} was put again, and its attributes are not put back yet")


def _while_named(attempt: TaskAttempt, classroom: Classroom, now: datetime, policy: SchedulingPolicy) -> Ownership:
    if _is_edited(classroom, now, policy) and attempt.number < attempt.task.patience:
        raise ReconcilePending(f"{attempt.classroom_id} was edited, and the edit is not carried out yet")
    return Ownership.OWN


def _is_edited(classroom: Classroom, now: datetime, policy: SchedulingPolicy) -> bool:
    return plan(classroom, History(), now, policy).action not in {Action.KEEP, Action.REJECT}


def _was_stopped_by_another(attempt: TaskAttempt, session: Session) -> bool:
    is_stop_of_this = attempt.task is STOP and attempt.recording_id == session.recording_id
    by_another = attempt.execution_name != session.execution_name
    return is_stop_of_this and by_another and session.has(STOP, TaskState.SUCCEEDED)


def _outside(attempt: TaskAttempt) -> Ownership:
    if attempt.task is not STOP:
        return Ownership.FENCED
    nothing_started = attempt.execution_name == attempt.recording_id and attempt.found_another_at_its_start
    return Ownership.FENCED if nothing_started else Ownership.ABANDONED


def is_done(task: TaskSpec, record: TaskRecord, session: Session, now: datetime) -> bool:
    """Whether a task is done with.

    A live ping that was skipped, or that failed while there was no time to try again, may be due after all by a
    schedule changed since.
    """
    may_go_out = record.state is TaskState.SKIPPED or (record.state is TaskState.FAILED and record.finished_at is None)
    if task not in (START, STOP) and may_go_out:
        return session.scheduled.end <= now
    return record.is_finished


def why_missed(attempt: TaskAttempt, session: Session, now: datetime) -> str | None:
    """Why there is nothing to record any more."""
    if attempt.task is START:
        return _why_missed(session, now)
    if attempt.task is STOP and not session.has_begun and attempt.found_another_at_its_start:
        return "at its start the classroom was not there, or another execution's"
    return None


def why_skipped(attempt: TaskAttempt, session: Session, record: TaskRecord, now: datetime) -> str | None:
    """Why there is nothing to do within the class."""
    if attempt.task in (START, STOP):
        return None
    has_started = session.has(START, TaskState.SUCCEEDED)
    if not has_started and attempt.result_of(START) != TaskState.SUCCEEDED:
        return "the recording has not started"
    if session.has(STOP):
        return "the recording was stopped before"
    return why_too_late(attempt.task, session, record, now)


def why_too_late(task: TaskSpec, session: Session, record: TaskRecord, now: datetime) -> str | None:
    """Why the server may no longer be called, at the very moment before it is; a stop is never too late."""
    if task is START:
        return _why_missed(session, now)
    if task is STOP:
        return None
    if record.due_at >= session.scheduled.end:
        return "the class ends before it is due"
    return "the class ended before it could be sent" if now >= session.scheduled.end else None


def _why_missed(session: Session, now: datetime) -> str | None:
    if now < session.scheduled.end:
        return None
    start = session.tasks.get(START)
    missed = f"its end {format_time(session.scheduled.end)} had passed before it could be started"
    return missed if start is None or start.error is None else f"{missed}; before that: {start.error}"


def _check_names(given: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Raise ValueError where the event names another classroom's recording: whoever starts an execution may stop it."""
    classroom_id, recording_id = _text(given, "classroomId"), _text(given, "recordingId")
    if not is_name_of(classroom_id, recording_id):
        raise ValueError(f"`recordingId` {describe(recording_id)}; expected a recording of {classroom_id[:64]!r}")
    execution_name = _text(event, "executionName")
    if classroom_of(execution_name) not in (None, classroom_id):  # one started by hand may have any name
        raise ValueError(f"`executionName` {describe(execution_name)}; expected an execution of {classroom_id[:64]!r}")


def _whole(event: Mapping[str, Any], field: str, default: int, most: int) -> int:
    number = whole_number(event.get(field, default), most)
    if number is None:
        raise ValueError(f"`{field}` {describe(event[field])}; expected a whole number from 0 to {most}")
    return number


def _text(event: Mapping[str, Any], field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{field}` is {value!r}; expected a string that is not empty")
    return value
