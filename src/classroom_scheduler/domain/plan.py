"""What a change does: where a classroom has to end up, from what its item says now and what it said before.

Pure: no clock, no AWS. The answer is the same however often and in whatever order the changes are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from classroom_scheduler.domain.classroom import Classroom, History
from classroom_scheduler.domain.execution_names import is_later, next_name
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.reasons import already_past, reason_for, reason_for_rejection, why_not_followed
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Recording, Session, TaskRecord, TaskState, newest, newest_of_each
from classroom_scheduler.domain.tasks import START, STOP

# Who stops an execution by hand while its item stands is overruled so often; then something is wrong for good.
MAX_RESTARTS = 3


class Action(StrEnum):
    LEAVE = "LEAVE"
    """Nothing to do: nothing was scheduled, or another record decides."""
    REJECT = "REJECT"
    """What is written can't be followed and nothing is in force: say so on the item."""
    KEEP = "KEEP"
    """The session in force stays: put back what was wiped, and see that its execution runs."""
    REPLACE = "REPLACE"
    """The session goes on under a new execution with the schedule desired."""
    RENEW = "RENEW"
    """A new session: a new recording under a new execution."""
    GIVE_UP = "GIVE_UP"
    """Its executions ended too often before their time: the class has failed, and a recording is stopped at its end."""
    CANCEL = "CANCEL"
    """The item is gone: nothing may run for it any more."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and what may no longer act: `session` is what the item shall name afterwards.

    `retired` executions are stopped; `abandoned` recordings may run although no item answers for them any longer, and
    are stopped at once, each by an execution of its own.
    """

    action: Action
    reason: str
    session: Session | None = None
    retired: tuple[str, ...] = ()
    abandoned: tuple[Recording, ...] = ()


def plan(current: Classroom | None, history: History, now: datetime, policy: SchedulingPolicy) -> Decision:
    """Where this classroom has to end up: `current` is its item as it is now, `history` what the item can't tell."""
    named_now = () if current is None or current.session is None else (current.session,)
    sessions = (*named_now, *history.sessions)
    session, ended = newest(sessions), None
    if session is not None and session.recording_id in history.ended:
        ended, session = session, None  # nor may an older one come back in its place
    if current is None:
        decision = after_a_deletion(session)
    else:
        if current.never_had_a_session and history.written_at <= current.updated_at:
            session = None  # it was decided since that nothing is in force, whatever an old record knows
        if session is not None and not session.is_over:
            now = max(now, session.latest_attempt or now)  # clocks of two machines disagree by milliseconds
        decision = Planner(current, session, ended, history, now, policy).decide()
    return _leave_nobody_behind(decision, sessions, history.left_running)


def after_a_deletion(session: Session | None) -> Decision:
    """What a deletion does to the session that was in force."""
    if session is None:
        return Decision(Action.LEAVE, "Nothing was scheduled for this classroom.")
    if session.is_over:
        return Decision(Action.LEAVE, "The classroom was deleted after its class was over.")
    if not session.may_be_recording:
        return Decision(Action.CANCEL, "The classroom was deleted before its class started: nothing runs.")
    reason = f"The classroom was deleted while recording: recording {session.recording_id} is stopped now."
    return Decision(Action.CANCEL, reason)


@dataclass(frozen=True, slots=True)
class Planner:
    """Decides for a classroom whose item is there.

    `session` is the one in force by all that is known, or None; `ended` is one that Step Functions knows to be stopped.
    """

    current: Classroom
    session: Session | None
    ended: Session | None
    history: History
    now: datetime
    policy: SchedulingPolicy

    def decide(self) -> Decision:
        is_outdated = self.history.is_outdated_by(self.current)
        if self.session is None and self.current.session is None and is_outdated:
            return Decision(Action.LEAVE, "The classroom was changed again since; the record of that change decides.")
        if self._may_hide_its_session():
            return Decision(Action.LEAVE, "The item does not tell its session; the record of its change decides.")
        if self.ended is not None:
            # Named after it, also where the record that comes again is the one that named it; it need not be stopped.
            return self._reject_or_renew(after=replace(self.ended, tasks={}))
        if self.session is None:
            return self._reject_or_renew()
        return self._decide_on(self.session)

    def _decide_on(self, session: Session) -> Decision:
        if session.execution_name in self.history.deleted and not self._is_asked_for():
            return self._brought_back_in_vain()
        if self.history.brought_by_an_insert(session):
            # Whatever ran for the item that was deleted is cancelled, and its execution can't be started again.
            return self._reject_or_renew(after=session)
        return self._after_the_end(session) if session.is_over else self._while_in_force(session)

    def _may_hide_its_session(self) -> bool:
        """Whether it may have been wiped or damaged a moment ago, so that only that record knows what was there."""
        is_a_chance_look = self.history.name is None and not self.current.needs_attention(self.now)
        return is_a_chance_look and self.current.hides_its_session

    def _asked(self) -> Schedule | None:
        """What people ask for, or asked for before a mistake."""
        return self.current.desired or self.history.asked_before(self.current)

    def _is_asked_for(self) -> bool:
        desired = self._asked()
        return desired is not None and desired.end > self.now

    def _brought_back_in_vain(self) -> Decision:
        """Deleted, and brought back without a schedule to follow: no typo rule reaches across a deletion."""
        if self.history.is_outdated_by(self.current):
            reason = "The classroom was deleted and brought back; the record of that change decides."
            return Decision(Action.LEAVE, reason)
        return self._reject_or_renew()

    def _reject_or_renew(self, after: Session | None = None) -> Decision:
        desired = self._asked()
        if desired is not None and desired.end > self.now:
            return self._renew(desired, after)
        return self._reject(self.current.problem or (desired and already_past(desired)))

    def _after_the_end(self, session: Session) -> Decision:
        desired = self._asked()
        if desired is not None and desired != session.scheduled and desired.end > self.now:
            return self._renew(desired, session)
        if self.current.desired is None and not self.current.tells_its_problem:
            return self._reject(self.current.problem, session)
        return self._keep(session)

    def _while_in_force(self, session: Session) -> Decision:
        desired = self._followed(session)
        if self._was_told_otherwise(session) and desired.end > self.now:
            return self._renew(desired, session)
        if desired == session.scheduled:
            return self._go_on(session)
        if not session.has_begun:
            return self._replace(session, desired)
        return self._while_recording(session, desired)

    def _followed(self, session: Session) -> Schedule:
        """The schedule to go on with: what is asked for, or was before a mistake, unless that can't be followed."""
        asked = self.history.asked_before(self.current)
        asking = self.current if asked is None else replace(self.current, desired=asked, problem=None)
        can_follow = why_not_followed(asking, session, self.now) is None
        return asking.desired if can_follow and asking.desired is not None else session.scheduled

    def _was_told_otherwise(self, session: Session) -> bool:
        """The server was told to stop for another end, or to start for another start, than those in force now.

        Its item was wiped or damaged when the schedule was changed, and this came to light only afterwards.
        """
        start, stop = session.tasks.get(START), session.tasks.get(STOP)
        started_for_another_start = start is not None and start.due_at != session.recorder_start > self.now
        stopped_for_another_end = session.is_stopping and stop is not None and stop.due_at != session.scheduled.end
        return started_for_another_start or stopped_for_another_end

    def _go_on(self, session: Session) -> Decision:
        if session.execution_name in self.history.deleted:
            return self._replace(session, session.scheduled)
        return self._keep_running(session)

    def _keep_running(self, session: Session) -> Decision:
        return self._restart(session) if session.execution_name in self.history.aborted else self._keep(session)

    def _while_recording(self, session: Session, desired: Schedule) -> Decision:
        if session.is_stopping and desired.end <= self.now:
            return self._keep_running(session)
        # A stop that was tried may have been heard: that recording can't be relied upon to go on.
        if session.is_stopping or session.recorder_start != desired.start - self._lead(desired, session) > self.now:
            return self._renew(desired, session)
        return self._replace(session, desired)

    def _reject(self, why: object, session: Session | None = None) -> Decision:
        return Decision(Action.REJECT, reason_for_rejection(why), session)

    def _keep(self, session: Session) -> Decision:
        return self._decided(Action.KEEP, session)

    def _replace(self, session: Session, desired: Schedule) -> Decision:
        name = next_name(self.current.classroom_id, self.now, after=session.execution_name)
        lead = self._lead(desired, session)
        return self._decided(Action.REPLACE, replace(session, execution_name=name, scheduled=desired, lead=lead))

    def _renew(self, desired: Schedule, after: Session | None) -> Decision:
        """Named by the record that asks for it, so that the same record, delivered again, names it again."""
        name = self.history.name or next_name(self.current.classroom_id, self.now)
        if after is not None and not is_later(name, after.execution_name):
            name = next_name(self.current.classroom_id, self.now, after=after.execution_name)
        still_recording = after.recording if after is not None and after.may_be_recording else None
        renewed = Session(name, name, desired, previous=still_recording, lead=self._lead(desired))
        return self._decided(Action.RENEW, renewed)

    def _restart(self, session: Session) -> Decision:
        """The service lost the execution, or somebody stopped it by hand: it goes on where it was, but not for ever."""
        if session.restarts < MAX_RESTARTS:
            return self._replace(replace(session, restarts=session.restarts + 1), session.scheduled)
        error = f"its execution ended {session.restarts + 1} times before its time"
        task = STOP if session.has_begun else START
        due = session.due_at(task, self.now)
        failed = TaskRecord(TaskState.FAILED, due, self.now, self.now, attempts=0, error=error)
        given_up = session.with_task(task, failed)
        if not session.has_begun:
            given_up = given_up.with_task(STOP, replace(failed, state=TaskState.SKIPPED))
        return self._decided(Action.GIVE_UP, given_up)

    def _lead(self, desired: Schedule, session: Session | None = None) -> timedelta:
        return self.policy.lead(self.current.classroom_id, desired.start, self.now, session)

    def _decided(self, action: Action, session: Session) -> Decision:
        return Decision(action, reason_for(self.current, session, self.now, self.policy), session)


def _leave_nobody_behind(decision: Decision, sessions: Sequence[Session], left_running: Recording | None) -> Decision:
    """Retire every execution and abandon every recording that is known of and that the decision does not go on with."""
    open_ones = [session for session in newest_of_each(sessions) if not session.is_over]
    ids = {session.recording_id for session in open_ones}
    retired = {session.execution_name for session in sessions if session.recording_id in ids}
    abandoned = {session.recording_id: session.recording for session in open_ones if session.may_be_recording}
    unstopped = [session.previous for session in open_ones]
    if decision.session is not None:
        retired.discard(decision.session.execution_name)
        abandoned.pop(decision.session.recording_id, None)
        # Told at every look: what stops it may not have been started when it was given up, and its name starts it once.
        unstopped = [decision.session.previous, decision.session.left_running]
    abandoned |= {recording.recording_id: recording for recording in (*unstopped, left_running) if recording}
    return replace(decision, retired=tuple(sorted(retired)), abandoned=tuple(abandoned.values()))
