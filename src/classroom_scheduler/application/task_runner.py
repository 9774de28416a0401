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
from classroom_scheduler.application.task_records import Outcome, answer_of, closed, opened, outcome, session_of
from classroom_scheduler.application.task_results import TaskResults, previous_stopped, stopped_while_wiped
from classroom_scheduler.application.webhook import message_of
from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.errors import (
    ClassroomNotWritable,
    PermanentError,
    SchedulerError,
    ServiceUnavailable,
    TransientError,
)
from classroom_scheduler.domain.fence import (
    Ownership,
    TaskAttempt,
    is_done,
    ownership_of,
    why_missed,
    why_skipped,
    why_too_late,
)
from classroom_scheduler.domain.item_codec import user_attributes
from classroom_scheduler.domain.session import Recording, Session, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import START, STOP, tasks_within

# The server has this long to answer: a task with its reads and writes fits into the function's 25 s.
CALL_TIMEOUT = 10.0
# A task within the class that failed is tried again while this much is left to the end: the longest back-off of its
# state and the start of one more function. With less, the next attempt could hold up the stop.
ROOM_TO_TRY_AGAIN = timedelta(seconds=6)
# What the recording before it may cost the next one, which starts on time all the same.
PREVIOUS_STOP_TIMEOUT = 2.0


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
        except TransientError as error:
            left = attempt.scheduled.end - self.clock()
            if attempt.task in tasks_within() and left <= ROOM_TO_TRY_AGAIN:
                # What follows within the class has no time left either, and nothing may come before it is due.
                return outcome(TaskState.FAILED, str(error)) | {"wait": max(math.ceil(left.total_seconds()), 0)}
            raise
        except Exception:
            if attempt.task is not STOP:
                raise
            # Its item can't be read, for a reason that nobody thought of; the execution knows which recording to stop.
            return self._stop_abandoned(attempt, None)

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
            return outcome(ownership, reason) | {"attempt": attempt.number}
        if ownership is Ownership.ABANDONED:
            return self._stop_abandoned(attempt, classroom)
        assert classroom is not None, "an item names this execution"
        return self._claim_what_is_left(attempt, classroom, began, now)

    def _claim_what_is_left(
        self, attempt: TaskAttempt, classroom: Classroom, began: datetime, now: datetime
    ) -> Claim | Outcome:
        session = session_of(classroom)
        record = session.tasks.get(attempt.task)
        if record is not None and is_done(attempt.task, record, session, now):
            return answer_of(attempt, session, record, now)
        if attempt.task is START and session.is_over:  # stopped unseen; this attempt is a late duplicate
            return outcome(Ownership.FENCED, "The class is over.")
        record = opened(attempt, session, began)
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
        """Call the server, unless the claim or the recording before this one took so long that the class has ended."""
        attempt, record, session, now = claim.attempt, claim.record, claim.session, self.clock()
        if late := why_too_late(attempt.task, session, record, now):
            end_it = self._miss if attempt.task is START else self._skip
            return end_it(attempt, claim.classroom, record, late)
        sent = replace(attempt, scheduled=replace(attempt.scheduled, start=attempt.scheduled.start + session.lead))
        message = message_of(sent, now, record.attempts, record.due_at, user_attributes(claim.classroom.item))
        try:
            answer = self.server.send(message, timeout=_timeout(attempt, session, now))
        except PermanentError as error:
            return self._give_up(claim, str(error))
        except TransientError as error:
            self._note_failure(claim, str(error))
            raise
        return self._succeed(claim, answer)

    def _note_failure(self, claim: Claim, error: str) -> None:
        """Write the error on the item where it can be; Step Functions retries either way."""
        failed = replace(claim.record, error=error)
        is_within = claim.attempt.task in tasks_within()
        if is_within and claim.session.scheduled.end <= self.clock() + ROOM_TO_TRY_AGAIN:
            # Without `finished_at`: where the class is extended, there is time again.
            failed = replace(failed, state=TaskState.FAILED)
        with suppress(SchedulerError):
            self.results.save(claim.attempt, claim.classroom, {claim.attempt.task: failed})

    def _succeed(self, claim: Claim, answer: Any) -> Outcome:
        attempt, now = claim.attempt, self.clock()
        done = closed(claim.record, TaskState.SUCCEEDED, now, result=answer)
        session: Session | None = claim.session.with_task(attempt.task, done)
        # An answer that DynamoDB can't store is left out; where there is no room at all, the deed is done nevertheless.
        for record in (done, replace(done, result=None)):
            with suppress(ClassroomNotWritable):
                session = self.results.save(attempt, claim.classroom, {attempt.task: record})
                break
        if session is None:
            reason = "The server was called, and meanwhile another execution took over."
            return outcome(Ownership.FENCED, reason)
        return answer_of(attempt, session, done, now)

    def _give_up(self, claim: Claim, error: str) -> Outcome:
        """The task failed for good. A live ping that fails costs the class nothing; a start that fails ends it."""
        attempt, record, now = claim.attempt, claim.record, self.clock()
        failed = closed(record, TaskState.FAILED, now, error=error)
        records = {attempt.task: failed}
        if attempt.task is START and record.attempts == 1:
            # Refused at the first attempt: the only case in which nothing can have been started.
            records[STOP] = replace(failed, state=TaskState.SKIPPED)
        with suppress(ClassroomNotWritable):
            self.results.save(attempt, claim.classroom, records)
        return answer_of(attempt, claim.session, failed, now)

    def _miss(self, attempt: TaskAttempt, classroom: Classroom, record: TaskRecord, error: str) -> Outcome:
        """Nothing is recorded any more. Whoever hears of this stops what an earlier attempt may have started."""
        tried = record.attempts - 1  # this attempt did not reach the server
        missed = replace(closed(record, TaskState.FAILED, self.clock(), error=error), attempts=tried)
        records = {START: missed}
        if attempt.task is STOP or not tried:
            records[STOP] = replace(missed, state=TaskState.SKIPPED)
        self.results.save(attempt, classroom, records)
        raise PermanentError(error)

    def _skip(self, attempt: TaskAttempt, classroom: Classroom, record: TaskRecord, reason: str) -> Outcome:
        """This attempt is none; one that failed before stays failed, with its own error."""
        tried, now = replace(record, attempts=record.attempts - 1), self.clock()
        skipped = closed(tried, TaskState.SKIPPED, now, error=reason)
        ended = skipped if record.error is None else replace(tried, state=TaskState.FAILED)
        self.results.save(attempt, classroom, {attempt.task: ended})
        return answer_of(attempt, session_of(classroom), ended, now)

    def _stop_previous(self, claim: Claim, previous: Recording) -> Claim:
        """Try once more to stop the recording before this one; whatever comes of it, this one starts now."""
        outgoing = replace(claim.attempt, task=STOP, recording_id=previous.recording_id)
        now = self.clock()
        left = (claim.session.scheduled.end - now).total_seconds()
        if left <= 0:
            return claim
        try:
            self.server.send(message_of(outgoing, now, 1, now, {}), timeout=min(PREVIOUS_STOP_TIMEOUT, left / 2))
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
        sent = replace(attempt, scheduled=attempt.class_schedule)
        message = message_of(sent, began, attempt.number + 1, attempt.scheduled.end, {})
        try:
            answer = self.server.send(message, timeout=CALL_TIMEOUT)
        except SchedulerError as error:
            self.results.note(classroom, previous_stopped(attempt, str(error)))
            raise
        record = TaskRecord(TaskState.SUCCEEDED, attempt.scheduled.end, began, attempts=attempt.number + 1)
        stopped = closed(record, TaskState.SUCCEEDED, self.clock(), result=answer)
        self.results.note(classroom, stopped_while_wiped(attempt, stopped))
        reason = "The recording was no longer its classroom's own; stopped."
        return outcome(TaskState.SUCCEEDED, reason, answer)


def _timeout(attempt: TaskAttempt, session: Session, now: datetime) -> float:
    """Seconds for the call: nothing is started or pinged past the end, and nothing holds that up."""
    left = CALL_TIMEOUT if attempt.task is STOP else (session.scheduled.end - now).total_seconds()
    return min(CALL_TIMEOUT, left)
