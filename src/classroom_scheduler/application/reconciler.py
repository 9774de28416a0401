"""Bring the world to what a classroom's item says now: intent first, then start, then stop.

Killed between any two of these calls, the same change is looked at again, finds the intent on the item and carries
out the rest; every call may be repeated.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from classroom_scheduler.application.items import difference, get, write_report
from classroom_scheduler.application.ports import Classrooms, Clock, Executions
from classroom_scheduler.application.retry import retry_on_conflict
from classroom_scheduler.domain.classroom import Classroom, History
from classroom_scheduler.domain.errors import ConcurrentUpdate, ServiceUnavailable
from classroom_scheduler.domain.execution_names import stop_name
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES
from classroom_scheduler.domain.plan import Action, Decision, plan
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.reasons import report
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Recording, Session, Status, newest
from classroom_scheduler.domain.times import format_time


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings one classroom at a time to what its item says, whatever the reason to look."""

    classrooms: Classrooms
    executions: Executions
    clock: Clock
    policy: SchedulingPolicy

    def reconcile(self, classroom_id: str, history: History) -> Decision:
        """Raises ConcurrentUpdate where other writers won every time, ServiceUnavailable, ClassroomNotWritable."""
        ended: set[str] = set()

        def attempt(number: int) -> Decision:
            current = (_untouched(history) if number == 0 else None) or get(classroom_id, self.classrooms)
            now = self.clock()
            decision = self._decide(current, replace(history, aborted=history.aborted | ended), now)
            if not self._carry_out(classroom_id, decision, now) and decision.session is not None:
                # The item names an execution that has ended before its session is over: another one goes on from there.
                ended.add(decision.session.execution_name)
                raise ConcurrentUpdate(f"{decision.session.execution_name} has ended")
            return decision

        return retry_on_conflict(classroom_id, attempt)

    def would_write(self, classroom: Classroom, now: datetime) -> bool:
        """Whether a look at this classroom would write anything now, were no record to come."""
        due = replace(classroom, item={**classroom.item, "attentionAt": format_time(now)})
        decision = plan(due, History(), now, self.policy)
        return any(difference(classroom.item, self._intent(due, decision, now)))

    def _decide(self, current: Classroom | None, history: History, now: datetime) -> Decision:
        """Decide, and write the intent on the item."""
        decision = plan(current, self._checked(current, history, now), now, self.policy)
        if current is not None and decision.action is not Action.LEAVE:
            write_report(current, self._intent(current, decision, now), self.classrooms, now)
        return decision

    def _checked(self, current: Classroom | None, history: History, now: datetime) -> History:
        """What only Step Functions knows of a session that is to be taken up again.

        What records know of a wiped item's session may be long past: the class deleted since, and inserted again. And a
        recording whose stop was started, for whatever reason, ends: the name of that execution outlives the item.
        Asks for the status of executions in these rare cases alone: DescribeExecution refills at ten a second.
        """
        named = () if current is None or current.session is None else (current.session,)
        session = newest((*named, *history.sessions))
        if current is None or session is None or session.is_over:
            return history
        if not named:
            return self._checked_where_wiped(session, history, now)
        if session.execution_name in history.deleted | history.aborted:
            with suppress(ServiceUnavailable):
                if self._is_stop_started(session):
                    return replace(history, ended=history.ended | {session.recording_id})
        return history

    def _checked_where_wiped(self, session: Session, history: History, now: datetime) -> History:
        """Raises ServiceUnavailable where nobody answers and the session should be over; else it is taken for alive."""
        try:
            is_stopped = self._is_stop_started(session)
            status = None if is_stopped else self.executions.status(session.execution_name)
        except ServiceUnavailable:
            if session.scheduled.end <= now:
                raise
            return history
        if is_stopped or status not in {None, "RUNNING", "ABORTED"}:
            return replace(history, ended=history.ended | {session.recording_id})
        if status == "ABORTED":
            return replace(history, aborted=history.aborted | {session.execution_name})
        return history

    def _is_stop_started(self, session: Session) -> bool:
        """Whether an execution was started that does nothing but stop this recording. Raises ServiceUnavailable."""
        return self.executions.status(stop_name(session.recording_id)) is not None

    def _intent(self, current: Classroom, decision: Decision, now: datetime) -> dict[str, Any]:
        """What the item says once this is decided."""
        intent: dict[str, Any] = {}
        if decision.session is not None:
            intent = report(current, decision.session, decision.reason, now, self.policy)
            intent["executionArn"] = self.executions.arn(decision.session.execution_name)
        if decision.action is Action.REJECT:
            intent |= {"status": str(Status.INVALID), "reason": decision.reason}  # with or without a session behind it
        return intent

    def _carry_out(self, classroom_id: str, decision: Decision, now: datetime) -> bool:
        """Start what has to run, then stop what may not; False where the session's own execution has ended before."""
        session, runs = decision.session, True
        if session is not None and not session.is_over and not self.policy.is_deferred(session, now):
            runs = self.executions.start(session.execution_name, _request(classroom_id, session))
        for recording in decision.abandoned:
            self.executions.start(stop_name(recording.recording_id), _stop_request(classroom_id, recording, now))
        for name in decision.retired:
            self.executions.stop(name, decision.reason)
        return runs


def _untouched(history: History) -> Classroom | None:
    """The record's image of a classroom that the scheduler has never touched; it saves the read of every new class.

    Whatever is decided on it is written under the condition that the item still is like that; if not, it is read.
    """
    new = history.left
    is_new = new is not None and not history.sessions and not new.item.keys() & OWNED_ATTRIBUTES
    return new if is_new else None


def _request(classroom_id: str, session: Session) -> dict[str, Any]:
    """Made from the item alone, so that starting it again is the same request."""
    return _input(classroom_id, session.recording_id, replace(session.scheduled, start=session.recorder_start))


def _stop_request(classroom_id: str, recording: Recording, now: datetime) -> dict[str, Any]:
    """An execution that stops the recording and does nothing else: at once, as its times have passed, or at the end.

    Its class may be still to come, where the recorder was started early.
    """
    end = recording.until or now.replace(microsecond=0)
    return _input(classroom_id, recording.recording_id, Schedule(min(recording.start, end), end, live_ping_delay=0))


def _input(classroom_id: str, recording_id: str, schedule: Schedule) -> dict[str, Any]:
    return {"classroomId": classroom_id, "recordingId": recording_id, **schedule.as_attributes()}
