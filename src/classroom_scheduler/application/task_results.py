"""What tasks write on their classroom's item: always under the condition that nothing moved since it was read."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from classroom_scheduler.application.items import get, write_report
from classroom_scheduler.application.ports import Classrooms, Clock
from classroom_scheduler.application.retry import retry_on_conflict
from classroom_scheduler.application.task_records import Outcome, closed, opened, outcome, wait_after
from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.errors import ClassroomNotWritable, ReconcilePending, SchedulerError
from classroom_scheduler.domain.execution_names import is_later
from classroom_scheduler.domain.fence import Ownership, TaskAttempt
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.reasons import reason_for, report
from classroom_scheduler.domain.session import Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import STOP, TaskSpec, tasks_within

Note = Callable[[Classroom], Session | None]
"""What an item's session becomes by something that happened outside it, or None where that is nothing to it."""


@dataclass(frozen=True, slots=True)
class TaskResults:
    """Writes claims, results and notes on items."""

    classrooms: Classrooms
    clock: Clock
    policy: SchedulingPolicy

    def get(self, classroom_id: str) -> Classroom | None:
        """The classroom as its item is now, or None. Raises ServiceUnavailable."""
        return get(classroom_id, self.classrooms)

    def write(self, classroom: Classroom, session: Session) -> Classroom:
        """Make the item say what is known of its session. Raises what `Classrooms.update` raises."""
        now = self.clock()
        reason = reason_for(classroom, session, now, self.policy)
        return write_report(classroom, report(classroom, session, reason, now, self.policy), self.classrooms, now)

    def save(
        self, attempt: TaskAttempt, classroom: Classroom, records: Mapping[TaskSpec, TaskRecord]
    ) -> Session | None:
        """Write what came of a task, after as many of others' writes as it takes; None where we may no longer.

        Raises ReconcilePending where the item was wiped or put back meanwhile: the retry of the task, with the same
        webhook-id, finds it in order again. Raises ConcurrentUpdate where others won every time.
        """

        def save(number: int) -> Session | None:
            latest = classroom if number == 0 else self.get(attempt.classroom_id)
            session = None if latest is None else _own_session(attempt, latest)
            if latest is None or session is None:
                return None
            session = replace(session, tasks={**session.tasks, **records})
            self.write(latest, session)
            return session

        return retry_on_conflict(attempt.classroom_id, save)

    def note(self, classroom: Classroom | None, note: Note) -> None:
        """Write on the item what an execution did that it does not name.

        It is a note only, so nothing is raised where the item can't be read or written.
        """

        def write(number: int) -> None:
            latest = classroom if number == 0 or classroom is None else self.get(classroom.classroom_id)
            session = None if latest is None else note(latest)
            if latest is not None and session is not None:
                self.write(latest, session)

        if classroom is not None:
            with suppress(SchedulerError):
                retry_on_conflict(classroom.classroom_id, write)


def previous_stopped(attempt: TaskAttempt, error: str | None) -> Note:
    """What came of stopping the recording before the item's own; an `error` of None is success."""

    def note(classroom: Classroom) -> Session | None:
        session = classroom.session
        if session is None or session.previous is None or session.previous.recording_id != attempt.recording_id:
            return None
        return replace(session, previous=None if error is None else replace(session.previous, error=error))

    return note


def stopped_while_wiped(attempt: TaskAttempt, stopped: TaskRecord) -> Note:
    """The recording was stopped although its item was wiped or put back: nobody may take it for one that still runs."""

    def note(classroom: Classroom) -> Session | None:
        session = classroom.session
        asks_for_another = classroom.desired is not None and classroom.desired.start != attempt.class_schedule.start
        if session is None and not classroom.is_rejected and not asks_for_another:
            session = Session(attempt.recording_id, attempt.execution_name, attempt.class_schedule, lead=attempt.lead)
        if session is None or session.recording_id != attempt.recording_id:
            return previous_stopped(attempt, None)(classroom)
        return session.with_task(STOP, stopped)

    return note


def record_failure(attempt: TaskAttempt, error: str, results: TaskResults) -> Outcome:
    """Write on the item that a task failed for good: its retries are exhausted, or its function broke."""
    classroom = results.get(attempt.classroom_id)
    session = None if classroom is None else classroom.session
    if classroom is None or session is None:
        return outcome(Ownership.FENCED, "The classroom is gone; nothing is written.")
    if attempt.task is STOP:
        results.note(classroom, previous_stopped(attempt, error))
    now = results.clock()
    record = session.tasks.get(attempt.task)
    if session.execution_name == attempt.execution_name and (record is None or not record.is_finished):
        begun = record or replace(opened(attempt, session, now), attempts=0)
        failed = closed(begun, TaskState.FAILED, now, error=error)
        if attempt.task in tasks_within():  # it was not refused: where the class is extended, it is tried again
            failed = replace(failed, finished_at=None)
        with suppress(ClassroomNotWritable):  # the log and the failed execution say it
            results.save(attempt, classroom, {attempt.task: failed})
    return outcome(TaskState.FAILED, error) | {"wait": wait_after(attempt.task, session, now)}


def _own_session(attempt: TaskAttempt, classroom: Classroom) -> Session | None:
    """The session whose task this is, None where the item is another execution's. Raises ReconcilePending."""
    session = classroom.session
    if session is None and classroom.is_rejected_since(attempt.execution_name):
        return None
    if session is None or is_later(attempt.execution_name, session.execution_name):
        raise ReconcilePending(f"{attempt.classroom_id} was put again while its task ran")
    return session if session.execution_name == attempt.execution_name else None
