"""What a change does: where a classroom has to end up, from what its item says now and what it said before.

Pure: no clock, no AWS. The answer is the same however often and in whatever order the changes are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.execution_names import is_later, next_name
from classroom_scheduler.domain.policy import DEFAULT_POLICY, SchedulingPolicy
from classroom_scheduler.domain.reasons import already_past, reason_for, rejection, why_not_followed
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Recording, Session, Task, TaskRecord, TaskState, newest

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
class History:
    """What stream records tell of a classroom that its item can't: the only place where wiped attributes still are.

    `sessions` are those that the item named before each change; `told_at` is when the scheduler last wrote on those
    images. Of their executions, those of an item that was `deleted` may have found it gone and given up, and those
    `aborted` have ended; of their recordings, `ended` ones have been stopped, and `left_running` is one of an item that
    was deleted after its class was over. `left` is the item as the latest change left it, None where that deleted it;
    `name` is what the latest record names a session that it starts; `copied` is one that an insert brought from an item
    deleted before.
    """

    sessions: tuple[Session, ...] = ()
    left: Classroom | None = None
    name: str | None = None
    copied: Session | None = None
    deleted: frozenset[str] = frozenset()
    aborted: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    left_running: Recording | None = None
    told_at: str = ""

    def is_outdated_by(self, current: Classroom) -> bool:
        """Whether the item has changed since, so that another record is on its way; never without a record at all."""
        return self.name is not None and (self.left is None or not self.left.asks_the_same_as(current))

    def brought_by_an_insert(self, session: Session) -> bool:
        return self.copied is not None and self.copied.execution_name == session.execution_name


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


def plan(
    current: Classroom | None, history: History, now: datetime, policy: SchedulingPolicy = DEFAULT_POLICY
) -> Decision:
    """Where this classroom has to end up: `current` is its item as it is now, `history` what the item can't tell."""
    named_now = () if current is None or current.session is None else (current.session,)
    sessions = (*named_now, *history.sessions)
    known = newest(sessions)
    if known is not None and known.recording_id in history.ended:
        known = None  # nor may an older one come back in its place
    if current is not None and current.never_had_a_session and history.told_at <= current.updated_at:
        known = None  # it was decided since that nothing is in force, whatever an old record knows
    if current is None:
        decision = _removed(known)
    elif known is None and history.is_outdated_by(current):
        decision = Decision(Action.LEAVE, "The classroom was changed again since; the record of that change decides.")
    elif history.name is None and current.hides_its_session and not current.needs_attention(now):
        # It may have been wiped or damaged a moment ago, and only the record of that knows what was there.
        decision = Decision(Action.LEAVE, "The item does not tell its session; the record of its change decides.")
    elif known is not None and history.brought_by_an_insert(known):
        # Whatever ran for the item that was deleted is cancelled, and its execution can't be started again.
        decision = _reject_or_renew(current, known, history, now, policy)
    else:
        decision = _decide(current, known, history, now, policy)
    return _leave_nobody_behind(decision, sessions, history.left_running)


def _decide(
    current: Classroom, known: Session | None, history: History, now: datetime, policy: SchedulingPolicy
) -> Decision:
    if known is None:
        return _reject_or_renew(current, None, history, now, policy)
    if known.is_over:
        return _after_the_end(current, known, history, now, policy)
    now = max(now, known.latest_attempt or now)  # clocks of two machines disagree by milliseconds
    refused = why_not_followed(current, known, now)
    desired = known.scheduled if refused is not None or current.desired is None else current.desired
    if _was_told_otherwise(known, now) and desired.end > now:
        return _renew(current, desired, known, history, now, policy)
    if desired == known.scheduled:
        if known.execution_name in history.deleted:
            return _replace(current, known, desired, now, policy)
        return _keep(current, known, history, now, policy, refused)
    if not known.has_begun:
        return _replace(current, known, desired, now, policy)
    return _while_recording(current, known, desired, history, now, policy)


def _removed(known: Session | None) -> Decision:
    if known is None:
        return Decision(Action.LEAVE, "Nothing was scheduled for this classroom.")
    if known.is_over:
        return Decision(Action.LEAVE, "The classroom was deleted after its class was over.")
    if not known.may_be_recording:
        return Decision(Action.CANCEL, "The classroom was deleted before its class started: nothing runs.")
    reason = f"The classroom was deleted while recording: recording {known.recording_id} is stopped now."
    return Decision(Action.CANCEL, reason)


def _reject_or_renew(
    current: Classroom, after: Session | None, history: History, now: datetime, policy: SchedulingPolicy
) -> Decision:
    if current.desired is None:
        return _reject(current.problem)
    if current.desired.end <= now:
        return _reject(already_past(current.desired))
    return _renew(current, current.desired, after, history, now, policy)


def _reject(why: object, known: Session | None = None) -> Decision:
    return Decision(Action.REJECT, rejection(why)["reason"], known)


def _after_the_end(
    current: Classroom, known: Session, history: History, now: datetime, policy: SchedulingPolicy
) -> Decision:
    if current.desired is None and not current.tells_its_problem:
        return _reject(current.problem, known)
    if current.desired is None or current.desired == known.scheduled or current.desired.end <= now:
        return Decision(
            Action.KEEP, reason_for(known, now, policy.horizon, why_not_followed(current, known, now)), known
        )
    return _renew(current, current.desired, known, history, now, policy)


def _while_recording(
    current: Classroom, known: Session, desired: Schedule, history: History, now: datetime, policy: SchedulingPolicy
) -> Decision:
    if known.is_stopping and desired.end <= now:
        return _keep(current, known, history, now, policy)
    # A stop that was tried may have been heard: that recording can't be relied upon to go on.
    recorder_start = desired.start - policy.lead(current.classroom_id, desired.start, now, known)
    if known.is_stopping or known.recorder_start != recorder_start > now:
        return _renew(current, desired, known, history, now, policy)
    return _replace(current, known, desired, now, policy)


def _was_told_otherwise(known: Session, now: datetime) -> bool:
    """The server was told to stop for another end, or to start for another start, than those in force now.

    Its item was wiped or damaged when the schedule was changed, and this came to light only afterwards.
    """
    start, stop = known.tasks.get(Task.START_RECORDING), known.tasks.get(Task.STOP_RECORDING)
    started_for_another_start = start is not None and start.due_at != known.recorder_start > now
    stopped_for_another_end = known.is_stopping and stop is not None and stop.due_at != known.scheduled.end
    return started_for_another_start or stopped_for_another_end


def _replace(
    current: Classroom, known: Session, desired: Schedule, now: datetime, policy: SchedulingPolicy
) -> Decision:
    name = next_name(current.classroom_id, now, after=known.execution_name)
    lead = policy.lead(current.classroom_id, desired.start, now, known)
    session = replace(known, execution_name=name, scheduled=desired, lead=lead)
    return Decision(Action.REPLACE, reason_for(session, now, policy.horizon), session)


def _keep(
    current: Classroom,
    known: Session,
    history: History,
    now: datetime,
    policy: SchedulingPolicy,
    refused: str | None = None,
) -> Decision:
    if known.execution_name in history.aborted:
        return _restart(current, known, now, policy)
    return Decision(Action.KEEP, reason_for(known, now, policy.horizon, refused), known)


def _restart(current: Classroom, known: Session, now: datetime, policy: SchedulingPolicy) -> Decision:
    """The service lost the execution, or somebody stopped it by hand: it goes on where it was, but not for ever."""
    if known.restarts < MAX_RESTARTS:
        again = replace(known, restarts=known.restarts + 1)
        return _replace(current, again, known.scheduled, now, policy)
    error = f"its execution ended {known.restarts + 1} times before its time"
    task = Task.STOP_RECORDING if known.has_begun else Task.START_RECORDING
    due = known.scheduled.end if known.has_begun else known.recorder_start
    failed = TaskRecord(TaskState.FAILED, due, now, now, attempts=0, error=error)
    session = known.with_task(task, failed)
    if not known.has_begun:
        session = session.with_task(Task.STOP_RECORDING, replace(failed, state=TaskState.SKIPPED))
    return Decision(Action.GIVE_UP, reason_for(session, now, policy.horizon), session)


def _renew(
    current: Classroom,
    desired: Schedule,
    after: Session | None,
    history: History,
    now: datetime,
    policy: SchedulingPolicy,
) -> Decision:
    """Named by the record that asks for it, so that the same record, delivered again, names it again."""
    name = history.name or next_name(current.classroom_id, now)
    if after is not None and not is_later(name, after.execution_name):
        name = next_name(current.classroom_id, now, after=after.execution_name)
    still_recording = after.recording if after is not None and after.may_be_recording else None
    lead = policy.lead(current.classroom_id, desired.start, now)
    session = Session(recording_id=name, execution_name=name, scheduled=desired, previous=still_recording, lead=lead)
    return Decision(Action.RENEW, reason_for(session, now, policy.horizon), session)


def _leave_nobody_behind(decision: Decision, sessions: Sequence[Session], left_running: Recording | None) -> Decision:
    """Retire every execution and abandon every recording that is known of and that the decision does not go on with."""
    latest = [newest(group) for group in _by_recording(sessions)]
    open_ones = [session for session in latest if session is not None and not session.is_over]
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


def _by_recording(sessions: Sequence[Session]) -> list[list[Session]]:
    ids = sorted({session.recording_id for session in sessions})
    return [[session for session in sessions if session.recording_id == recording_id] for recording_id in ids]
