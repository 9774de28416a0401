"""What a change does: where a classroom has to end up, from what its item says now and what it said before.

Pure: no clock, no AWS. The answer is the same however often and in whatever order the changes are looked at.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from classroom_scheduler.domain.classroom import Classroom, Recording, Session, newest
from classroom_scheduler.domain.names import next_name
from classroom_scheduler.domain.report import HORIZON, already_past, reason_for, refusal, rejection
from classroom_scheduler.domain.schedule import Schedule


class Action(StrEnum):
    LEAVE = "LEAVE"
    """Nothing is there and nothing was."""
    REJECT = "REJECT"
    """What is written can't be followed and nothing is in force: say so on the item."""
    KEEP = "KEEP"
    """The session in force stays: put back what was wiped, and see that its execution runs."""
    REPLACE = "REPLACE"
    """The session goes on under a new execution with the schedule wanted."""
    RENEW = "RENEW"
    """A new session: a new recording under a new execution."""
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


def plan(current: Classroom | None, previous: Session | None, now: datetime, horizon: timedelta = HORIZON) -> Decision:
    """Where this classroom has to end up.

    `current` is the item as it is now, `previous` the session that it named before the change, which is the only place
    where wiped attributes still are.
    """
    if current is None:
        return _removed(previous)
    known = newest(current.session, previous)
    decision = _decide(current, known, now, horizon)
    return _leave_nobody_behind(decision, current.session, previous)


def _decide(current: Classroom, known: Session | None, now: datetime, horizon: timedelta) -> Decision:
    if known is None:
        return _first(current, now, horizon)
    if known.is_over:
        return _after_the_end(current, known, now, horizon)
    refused = refusal(current, known, now)
    wanted = current.wanted
    if refused is not None or wanted is None or wanted == known.scheduled:
        return Decision(Action.KEEP, reason_for(known, now, horizon, refused), known)
    if not known.has_begun:
        return _replace(current, known, wanted, now, horizon)
    return _while_recording(current, known, wanted, now, horizon)


def _removed(previous: Session | None) -> Decision:
    if previous is None:
        return Decision(Action.LEAVE, "Nothing was scheduled for this classroom.")
    if previous.is_over:
        return Decision(Action.LEAVE, "The classroom was deleted after its class was over.")
    if not previous.may_be_recording:
        reason = "The classroom was deleted before its class started: nothing runs."
        return Decision(Action.CANCEL, reason, retired=(previous.execution_name,), abandoned=_unstopped(previous))
    reason = f"The classroom was deleted while recording: recording {previous.recording_id} is stopped now."
    return Decision(
        Action.CANCEL,
        reason,
        retired=(previous.execution_name,),
        abandoned=(previous.recording, *_unstopped(previous)),
    )


def _first(current: Classroom, now: datetime, horizon: timedelta) -> Decision:
    if current.wanted is None:
        return _reject(current.problem)
    if current.wanted.end <= now:
        return _reject(already_past(current.wanted))
    return _renew(current, current.wanted, now, horizon)


def _reject(why: object, known: Session | None = None) -> Decision:
    return Decision(Action.REJECT, rejection(why)["reason"], known)


def _after_the_end(current: Classroom, known: Session, now: datetime, horizon: timedelta) -> Decision:
    if current.wanted is None and not current.tells_its_problem:
        return _reject(current.problem, known)
    if current.wanted is None or current.wanted == known.scheduled or current.wanted.end <= now:
        return Decision(Action.KEEP, reason_for(known, now, horizon, refusal(current, known, now)), known)
    return _renew(current, current.wanted, now, horizon, after=known)


def _while_recording(
    current: Classroom, known: Session, wanted: Schedule, now: datetime, horizon: timedelta
) -> Decision:
    if known.is_stopping and wanted.end <= now:
        return Decision(Action.KEEP, reason_for(known, now, horizon), known)
    # A stop that was tried may have been heard: that recording can't be relied upon to go on.
    if known.is_stopping or wanted.start > now:
        return _renew(current, wanted, now, horizon, after=known)
    return _replace(current, known, wanted, now, horizon)


def _replace(current: Classroom, known: Session, wanted: Schedule, now: datetime, horizon: timedelta) -> Decision:
    name = next_name(current.classroom_id, now, after=known.execution_name)
    session = replace(known, execution_name=name, scheduled=wanted)
    return Decision(Action.REPLACE, reason_for(session, now, horizon), session, retired=(known.execution_name,))


def _renew(
    current: Classroom, wanted: Schedule, now: datetime, horizon: timedelta, after: Session | None = None
) -> Decision:
    name = next_name(current.classroom_id, now, after=after.execution_name if after else None)
    still_recording = after.recording if after is not None and after.may_be_recording else None
    session = Session(recording_id=name, execution_name=name, scheduled=wanted, previous=still_recording)
    retired = (after.execution_name,) if after is not None and not after.is_over else ()
    return Decision(Action.RENEW, reason_for(session, now, horizon), session, retired=retired)


def _leave_nobody_behind(decision: Decision, *known: Session | None) -> Decision:
    """Retire every execution and abandon every recording that is known and that the decision does not go on with."""
    session = decision.session
    others = [other for other in known if other is not None and not other.is_over]
    retired = {other.execution_name for other in others} | set(decision.retired)
    abandoned = {other.recording for other in others if other.may_be_recording}
    if session is not None:
        retired.discard(session.execution_name)
        abandoned = {recording for recording in abandoned if recording.recording_id != session.recording_id}
        abandoned |= set(_unstopped(session))
    unique = {recording.recording_id: recording for recording in sorted(abandoned, key=_by_id)}
    return replace(decision, retired=tuple(sorted(retired)), abandoned=tuple(unique.values()))


def _unstopped(session: Session) -> tuple[Recording, ...]:
    return () if session.previous is None else (session.previous,)


def _by_id(recording: Recording) -> str:
    return recording.recording_id
