"""May this execution act for its classroom now? The fence that every task passes before it calls the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.errors import PermanentError, ReconcilePending
from classroom_scheduler.domain.execution_names import is_later, is_stop_name
from classroom_scheduler.domain.plan import Action, History, plan
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.schedule import DEFAULT_LIVE_PING_DELAY, Schedule, parse_time
from classroom_scheduler.domain.session import Session, Task, TaskRecord, TaskState
from classroom_scheduler.domain.status import HORIZON, live_ping_due

# So often a task waits for an edit to be carried out: with the machine's back-off some 30 s; a ping, which is retried
# five times in all, some 5 s; a stop, which would cut a class short for good, some 3 minutes. A record that takes
# longer is lost or stuck, and a class in force is worth more than an edit that nobody carries out.
PATIENCE = {Task.START_RECORDING: 6, Task.SEND_LIVE_PING: 4, Task.STOP_RECORDING: 12}


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a task: whose execution it is and what it was started with. `attempt` counts from 0.

    `scheduled` starts with the recorder, which may be before its class.
    """

    task: Task
    classroom_id: str
    recording_id: str
    execution_name: str
    scheduled: Schedule
    attempt: int = 0
    results: Mapping[str, Any] = field(default_factory=dict)

    def result_of(self, task: Task) -> str | None:
        """The state in which an earlier task of this execution ended."""
        return self._answer_of(task).get("state")

    @property
    def lead(self) -> timedelta:
        """How long before its class this execution started the recorder, as StartRecording answered."""
        return timedelta(seconds=self._answer_of(Task.START_RECORDING).get("lead", 0))

    @property
    def found_another_at_its_start(self) -> bool:
        """Whether StartRecording was fenced before anything reached the server; a later attempt can't tell."""
        answer = self._answer_of(Task.START_RECORDING)
        return (answer.get("state"), answer.get("attempt")) == (Ownership.FENCED, 0)

    @property
    def class_schedule(self) -> Schedule:
        return replace(self.scheduled, start=self.scheduled.start + self.lead)

    def _answer_of(self, task: Task) -> Mapping[str, Any]:
        answer = self.results.get(str(task))
        return answer if isinstance(answer, Mapping) else {}

    @classmethod
    def read(cls, task: Task, event: Mapping[str, Any]) -> Self:
        """The run that a task state's payload describes. Raises PermanentError naming what is wrong with it."""
        try:
            return cls(
                task=task,
                classroom_id=_text(event, "classroomId"),
                recording_id=_text(event, "recordingId"),
                execution_name=_text(event, "executionName"),
                scheduled=Schedule(
                    start=parse_time(_text(event, "start")),
                    end=parse_time(_text(event, "end")),
                    live_ping_delay=int(event.get("livePingDelay", DEFAULT_LIVE_PING_DELAY)),
                ),
                attempt=int(event.get("attempt", 0)),
                results=event.get("results") or {},
            )
        except (ValueError, TypeError, OverflowError) as error:
            raise PermanentError(f"The event is not a {task} payload: {error}") from error


class Ownership(StrEnum):
    OWN = "OWN"
    """The item names this execution: it acts."""
    ABANDONED = "ABANDONED"
    """Nobody answers for this recording any more: only stopping it is allowed, and must be done."""
    FENCED = "FENCED"
    """Another execution acts for this classroom, or none: do nothing."""


def standing(run: Run, classroom: Classroom | None, now: datetime, horizon: timedelta = HORIZON) -> Ownership:
    """What this execution is to the classroom. Raises ReconcilePending where the stream handler has to say first."""
    if classroom is None or is_stop_name(run.execution_name):
        return _outside(run)
    session = classroom.session
    if session is None and classroom.is_rejected_since(run.execution_name):
        return _outside(run)
    if session is not None and session.recording_id == run.recording_id and _is_stopped(run, session):
        return Ownership.FENCED  # whoever stopped it, another stop would tell nobody anything
    if session is None and classroom.names_later_than(run.execution_name):
        return Ownership.FENCED  # whatever else is damaged on the item, another execution answers for it
    if session is None or classroom.has_damaged_tasks or is_later(run.execution_name, session.execution_name):
        # Wiped, damaged, or put back from an old copy. To stop is right in any case; all else waits for the handler.
        if run.task is Task.STOP_RECORDING and run.attempt >= PATIENCE[run.task]:
            return Ownership.ABANDONED
        raise ReconcilePending(f"{run.classroom_id} was put again, and its attributes are not put back yet")
    if session.execution_name == run.execution_name:
        if _is_edited(classroom, now, horizon) and run.attempt < PATIENCE[run.task]:
            raise ReconcilePending(f"{run.classroom_id} was edited, and the edit is not carried out yet")
        return Ownership.OWN
    return Ownership.FENCED if session.recording_id == run.recording_id else _outside(run)


def open_record(run: Run, session: Session, began: datetime) -> TaskRecord:
    """The claim: what the item says of this task from now until its result is known."""
    known = session.tasks.get(run.task)
    return TaskRecord(
        state=TaskState.CLAIMED,
        due_at=due_at(run.task, session, began),
        started_at=began,
        attempts=1 if known is None else known.attempts + 1,
        error=None if known is None else known.error,
    )


def due_at(task: Task, session: Session, now: datetime) -> datetime:
    """When a task of this session is due; the ping hangs on the moment at which the recording really started."""
    if task is Task.START_RECORDING:
        return session.recorder_start
    if task is Task.STOP_RECORDING:
        return session.scheduled.end
    start = session.tasks.get(Task.START_RECORDING)
    return live_ping_due(session, start.finished_at if start and start.finished_at else now)


def _text(event: Mapping[str, Any], field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{field}` is {value!r}; expected a string that is not empty")
    return value


def _is_stopped(run: Run, session: Session) -> bool:
    others = run.execution_name != session.execution_name
    return run.task is Task.STOP_RECORDING and others and session.has(Task.STOP_RECORDING, TaskState.SUCCEEDED)


def _is_edited(classroom: Classroom, now: datetime, horizon: timedelta) -> bool:
    return plan(classroom, History(), now, SchedulingPolicy(horizon)).action not in {Action.KEEP, Action.REJECT}


def _outside(run: Run) -> Ownership:
    if run.task is not Task.STOP_RECORDING:
        return Ownership.FENCED
    nothing_started = run.execution_name == run.recording_id and run.found_another_at_its_start
    return Ownership.FENCED if nothing_started else Ownership.ABANDONED
