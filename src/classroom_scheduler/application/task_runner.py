"""One task of a class: claim it on the item, call the classroom server, write down what came of it.

The claim is conditional on the item naming this execution, and so is the result: a stopped, duplicated or forgotten
execution can wake up at any time and does nothing.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.application.ports import ClassroomServer, Clock
from classroom_scheduler.application.retry import retry_on_conflict
from classroom_scheduler.application.task_results import TaskResults, previous_stopped, stopped_while_wiped
from classroom_scheduler.application.webhook import message_of
from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.due_work import is_done, why_missed, why_skipped
from classroom_scheduler.domain.errors import (
    ClassroomNotWritable,
    PermanentError,
    SchedulerError,
    ServiceUnavailable,
    TransientError,
)
from classroom_scheduler.domain.fence import Ownership, TaskAttempt, ownership_of
from classroom_scheduler.domain.item_codec import plain, user_attributes
from classroom_scheduler.domain.session import Recording, Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import PING, START, STOP

# The server has this long to answer: a task with its reads and writes fits into the function's 25 s.
CALL_TIMEOUT = 10.0
# A failed live ping is tried again while this much is left to the end: a back-off of at most 5 s and one call.
LIVE_PING_ROOM = timedelta(seconds=15)
# What the recording before it may cost the next one, which starts on time all the same.
PREVIOUS_STOP_TIMEOUT = 2.0

Outcome = dict[str, Any]
"""What the next tasks and the execution's history see of a task: `state`, `reason`, `result`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this execution has claimed: the classroom as the claim left it, and the task's record on it."""

    attempt: TaskAttempt
    classroom: Classroom
    record: TaskRecord

    @property
    def session(self) -> Session:
        return session_of(self.classroom)


@dataclass(frozen=True, slots=True)
class TaskRunner:
    """Runs the tasks of executions."""

    results: TaskResults
    server: ClassroomServer

    @property
    def clock(self) -> Clock:
        return self.results.clock

    def run(self, attempt: TaskAttempt) -> Outcome:
        """Do the task.

        Raises TransientError where trying again may help, and PermanentError itself, never one of its kinds, where the
        task failed for good: the state machine knows errors by their name alone.
        """
        try:
            return self._run(attempt)
        except PermanentError as error:
            raise PermanentError(str(error)) from error

    def _run(self, attempt: TaskAttempt) -> Outcome:
        began = self.clock()
        claimed = retry_on_conflict(attempt.classroom_id, lambda _number: self._claim_or_answer(attempt, began))
        if not isinstance(claimed, Claim):
            return claimed
        previous = claimed.session.previous
        if attempt.task is START and previous is not None:
            claimed = self._stop_previous(claimed, previous)
        return self._call(claimed)

    def _claim_or_answer(self, attempt: TaskAttempt, began: datetime) -> Claim | Outcome:
        classroom, now = self.results.get(attempt.classroom_id), self.clock()
        ownership = ownership_of(attempt, classroom, now, self.results.policy)
        if ownership is Ownership.FENCED:
            reason = f"Execution {attempt.execution_name} no longer acts for this classroom."
            return _outcome(attempt, ownership, reason) | {"attempt": attempt.number}
        if ownership is Ownership.ABANDONED:
            return self._stop_abandoned(attempt, classroom)
        assert classroom is not None, "an item names this execution"
        return self._claim_what_is_left(attempt, classroom, began, now)

    def _claim_what_is_left(
        self, attempt: TaskAttempt, classroom: Classroom, began: datetime, now: datetime
    ) -> Claim | Outcome:
        session = session_of(classroom)
        record = session.tasks.get(attempt.task)
        if record is not None and is_done(attempt.task, record):
            return _answer_of(attempt, session, record, now)
        if attempt.task is START and session.is_over:  # stopped unseen; this attempt is a late duplicate
            return _outcome(attempt, Ownership.FENCED, "The class is over.")
        record = open_record(attempt, session, began)
        if missed := why_missed(attempt, session, now):
            return self._miss(attempt, classroom, record, missed)
        if skipped := why_skipped(attempt, session, record, now):
            return self._skip(attempt, classroom, record, skipped)
        return Claim(attempt, self._claim(classroom, session.with_task(attempt.task, record)), record)

    def _claim(self, classroom: Classroom, session: Session) -> Classroom:
        """Write the claim; an item that people filled up to DynamoDB's 400 KB takes none, and its class goes on.

        What was read a moment ago said that it is ours, and the webhook-id keeps the server from acting twice.
        """
        try:
            return self.results.write(classroom, session)
        except ClassroomNotWritable:
            return classroom

    def _call(self, claim: Claim) -> Outcome:
        attempt, record = claim.attempt, claim.record
        class_start = attempt.scheduled.start + claim.session.lead
        told = replace(attempt, scheduled=replace(attempt.scheduled, start=class_start))
        attributes = user_attributes(claim.classroom.item)
        message = message_of(told, self.clock(), record.attempts, record.due_at, attributes)
        try:
            answer = self.server.send(message, timeout=_timeout(attempt, self.clock()))
        except PermanentError as error:
            return self._give_up(claim, str(error))
        except TransientError as error:
            if attempt.task is PING and self.clock() + LIVE_PING_ROOM > attempt.scheduled.end:
                return self._give_up(claim, str(error))
            with suppress(
                SchedulerError
            ):  # the error is on the item where it can be; Step Functions retries either way
                self.results.save(attempt, claim.classroom, {attempt.task: replace(record, error=str(error))})
            raise
        return self._succeed(claim, answer)

    def _succeed(self, claim: Claim, answer: Any) -> Outcome:
        attempt, now = claim.attempt, self.clock()
        done = _closed(claim.record, TaskState.SUCCEEDED, now, result=answer)
        session: Session | None = claim.session.with_task(attempt.task, done)
        # An answer that DynamoDB can't store is left out; where there is no room at all, the deed is done nevertheless.
        for record in (done, replace(done, result=None)):
            with suppress(ClassroomNotWritable):
                session = self.results.save(attempt, claim.classroom, {attempt.task: record})
                break
        if session is None:
            reason = "The server was called, and meanwhile another execution took over."
            return _outcome(attempt, Ownership.FENCED, reason)
        return _answer_of(attempt, session, done, now)

    def _give_up(self, claim: Claim, error: str) -> Outcome:
        """The task failed for good. A live ping that fails costs the class nothing; a start that fails ends it."""
        attempt, record = claim.attempt, claim.record
        records = {attempt.task: _closed(record, TaskState.FAILED, self.clock(), error=error)}
        if attempt.task is START and record.attempts == 1:
            # Refused at the first attempt: the only case in which nothing can have been started.
            records[STOP] = replace(records[START], state=TaskState.SKIPPED)
        with suppress(ClassroomNotWritable):
            self.results.save(attempt, claim.classroom, records)
        if not attempt.task.fatal:
            return _outcome(attempt, TaskState.FAILED, error)
        raise PermanentError(error)

    def _miss(self, attempt: TaskAttempt, classroom: Classroom, record: TaskRecord, error: str) -> Outcome:
        missed = _closed(record, TaskState.FAILED, self.clock(), error=error)
        skipped = replace(missed, state=TaskState.SKIPPED)
        self.results.save(attempt, classroom, {START: missed, STOP: skipped})
        raise PermanentError(error)

    def _skip(self, attempt: TaskAttempt, classroom: Classroom, record: TaskRecord, reason: str) -> Outcome:
        skipped = _closed(record, TaskState.SKIPPED, self.clock(), error=reason)
        self.results.save(attempt, classroom, {attempt.task: skipped})
        return _outcome(attempt, TaskState.SKIPPED, reason)

    def _stop_previous(self, claim: Claim, previous: Recording) -> Claim:
        """Try once more to stop the recording before this one; whatever comes of it, this one starts now."""
        outgoing = replace(claim.attempt, task=STOP, recording_id=previous.recording_id)
        now = self.clock()
        try:
            self.server.send(message_of(outgoing, now, 1, now, {}), timeout=PREVIOUS_STOP_TIMEOUT)
            unstopped = None
        except SchedulerError as error:
            unstopped = replace(previous, error=str(error))
        with suppress(ClassroomNotWritable, ServiceUnavailable):  # the result of this task carries the same news
            session = replace(claim.session, previous=unstopped)
            return replace(claim, classroom=self.results.write(claim.classroom, session))
        return claim

    def _stop_abandoned(self, attempt: TaskAttempt, classroom: Classroom | None) -> Outcome:
        """Stop a recording that no item answers for: always safe, while a forgotten recorder never is."""
        began = self.clock()
        told = replace(attempt, scheduled=attempt.class_schedule)
        message = message_of(told, began, attempt.number + 1, attempt.scheduled.end, {})
        try:
            answer = self.server.send(message, timeout=CALL_TIMEOUT)
        except SchedulerError as error:
            self.results.note(classroom, previous_stopped(attempt, str(error)))
            raise
        record = TaskRecord(TaskState.SUCCEEDED, attempt.scheduled.end, began, attempts=attempt.number + 1)
        stopped = _closed(record, TaskState.SUCCEEDED, self.clock(), result=answer)
        self.results.note(classroom, stopped_while_wiped(attempt, stopped))
        reason = "The recording was no longer its classroom's own; stopped."
        return _outcome(attempt, TaskState.SUCCEEDED, reason, answer)


def record_failure(attempt: TaskAttempt, error: str, results: TaskResults) -> Outcome:
    """Write on the item that a task failed for good: its retries are exhausted, or its function broke."""
    classroom = results.get(attempt.classroom_id)
    if classroom is None or classroom.session is None:
        return _outcome(attempt, Ownership.FENCED, "The classroom is gone; nothing is written.")
    if attempt.task is STOP:
        results.note(classroom, previous_stopped(attempt, error))
    session = classroom.session
    record = session.tasks.get(attempt.task)
    if session.execution_name == attempt.execution_name and (record is None or not record.is_finished):
        opened = record or open_record(attempt, session, results.clock())
        failed = _closed(opened, TaskState.FAILED, results.clock(), error=error)
        with suppress(ClassroomNotWritable):  # the log and the failed execution say it
            results.save(attempt, classroom, {attempt.task: failed})
    return _outcome(attempt, TaskState.FAILED, error)


def session_of(classroom: Classroom) -> Session:
    assert classroom.session is not None, "an item that names an execution has a session"
    return classroom.session


def open_record(attempt: TaskAttempt, session: Session, began: datetime) -> TaskRecord:
    """The claim: what the item says of this task from now until its result is known."""
    before = session.tasks.get(attempt.task)
    return TaskRecord(
        state=TaskState.CLAIMED,
        due_at=session.due_at(attempt.task, began),
        started_at=began,
        attempts=1 if before is None else before.attempts + 1,
        error=None if before is None else before.error,
    )


def _answer_of(attempt: TaskAttempt, session: Session, record: TaskRecord, now: datetime) -> Outcome:
    """What a finished task answers, however often it is asked."""
    if record.state is TaskState.FAILED and attempt.task.fatal:
        raise PermanentError(record.error or "it failed before")
    outcome = _outcome(attempt, record.state, record.error, plain(record.result))
    if attempt.task is not START:
        return outcome
    due = PING.due(session.scheduled, session.lead, record.finished_at or now)
    comes = due < session.scheduled.end
    wait = math.ceil((due - now).total_seconds()) if comes else 0
    return outcome | {"livePingWait": max(wait, 0), "lead": session.lead // timedelta(seconds=1)}


def _outcome(attempt: TaskAttempt, state: str, reason: str | None, result: Any = None) -> Outcome:
    outcome = {"state": str(state), "reason": reason, "result": result}
    return outcome | {"livePingWait": 0} if attempt.task is START else outcome


def _closed(
    record: TaskRecord, state: TaskState, now: datetime, *, result: Any = None, error: str | None = None
) -> TaskRecord:
    return replace(record, state=state, finished_at=now, result=result, error=error)


def _timeout(attempt: TaskAttempt, now: datetime) -> float:
    """Seconds for the call; a live ping never holds up the end of its class."""
    if attempt.task in (START, STOP):
        return CALL_TIMEOUT
    return min(CALL_TIMEOUT, max(1.0, (attempt.scheduled.end - now).total_seconds()))
