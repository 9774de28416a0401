"""Bring the world to what a classroom's item says now: intent first, then start, then stop.

Killed between any two of these calls, the same change is looked at again, finds the intent on the item and carries
out the rest; every call may be repeated.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.application.ports import Classrooms, Clock, Executions, Item
from classroom_scheduler.domain.classroom import OWNED_ATTRIBUTES, Classroom, Status, next_update
from classroom_scheduler.domain.errors import ConcurrentUpdate, ServiceUnavailable
from classroom_scheduler.domain.execution_names import stop_name
from classroom_scheduler.domain.item_codec import encode
from classroom_scheduler.domain.plan import Action, Decision, History, plan
from classroom_scheduler.domain.policy import DEFAULT_POLICY, SchedulingPolicy
from classroom_scheduler.domain.schedule import Schedule, format_time
from classroom_scheduler.domain.session import Recording, newest
from classroom_scheduler.domain.status import is_deferred

# Each failed try means that somebody else's write won; five in a row means that something is wrong.
TRIES = 5

# What every decision rests on, and so the condition of every write that follows from one.
_DECIDED_ON = (
    "start",
    "end",
    "livePingDelay",
    "status",
    "executionName",
    "recordingId",
    "scheduled",
    "tasks",
    "previousRecording",
)


def reconcile(
    classroom_id: str,
    history: History,
    classrooms: Classrooms,
    executions: Executions,
    clock: Clock,
    policy: SchedulingPolicy = DEFAULT_POLICY,
) -> Decision:
    """Look at one classroom and bring the world to it.

    Raises ConcurrentUpdate where other writers won every time, ServiceUnavailable, ClassroomNotWritable.
    """
    for attempt in range(TRIES):
        image = _new_one(history) if attempt == 0 else None
        current = image or read(classroom_id, classrooms)
        now = clock()
        seen = _checked(current, history, executions, now)
        decision = plan(current, seen, now, policy)
        try:
            if current is not None and decision.action is not Action.LEAVE:
                write_report(current, intent(current, decision, executions, now, policy.horizon), classrooms, now)
        except ConcurrentUpdate:
            continue
        if _carry_out(classroom_id, decision, executions, now, policy.horizon):
            return decision
        assert decision.session is not None, "only a session has an execution"
        # The item names an execution that has ended before its session is over: another one goes on from there.
        history = replace(history, aborted=history.aborted | {decision.session.execution_name})
    raise ConcurrentUpdate(f"{classroom_id} was changed by others {TRIES} times while it was being decided on")


def _new_one(history: History) -> Classroom | None:
    """The record's image of a classroom that the scheduler has never touched; it saves the read of every new class.

    Whatever is decided on it is written under the condition that the item still is like that; if not, it is read.
    """
    new = history.left
    untouched = new is not None and not history.sessions and not new.item.keys() & OWNED_ATTRIBUTES
    return new if untouched else None


def read(classroom_id: str, classrooms: Classrooms) -> Classroom | None:
    """The classroom as its item is now, or None. Raises ServiceUnavailable."""
    item = classrooms.get(classroom_id)
    return None if item is None else Classroom.from_item(classroom_id, item)


def write_report(classroom: Classroom, report: Mapping[str, Any], classrooms: Classrooms, now: datetime) -> Classroom:
    """Make the item say `report`, if it is still as it was read, and return the classroom as written.

    A report that the item makes already costs no write. Raises ConcurrentUpdate and what `Classrooms.update` raises.
    """
    item = classroom.item
    changes, removed = difference(item, report)
    if not changes and not removed:
        return classroom
    changes["updatedAt"] = next_update(item, now)
    classrooms.update(classroom.classroom_id, changes, expected=basis(item), removed=removed)
    kept = {name: value for name, value in item.items() if name not in removed}
    return Classroom.from_item(classroom.classroom_id, {**kept, **changes})


def difference(item: Item, report: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The attributes to write and those to remove, so that the item says `report`."""
    changes = {name: value for name, value in report.items() if item.get(name) != value}
    removed = [name for name in item if name in OWNED_ATTRIBUTES - {*report, "executionArn", "updatedAt"}]
    return changes, removed


def basis(item: Item) -> dict[str, Any]:
    """The condition of every write that follows from what was read."""
    return {name: item.get(name) for name in _DECIDED_ON}


def _checked(current: Classroom | None, history: History, executions: Executions, now: datetime) -> History:
    """What only records know of a wiped item's session may be long past: the class deleted since, and inserted again.

    Asks for the status of executions in this rare case alone: DescribeExecution refills at ten a second. Raises
    ServiceUnavailable where nobody answers and the session should be over; else it is taken for alive.
    """
    known = newest(history.sessions)
    if current is None or current.session is not None or known is None or known.is_over:
        return history
    try:
        was_given_up = known.has_begun and executions.status(stop_name(known.recording_id)) is not None
        status = None if was_given_up else executions.status(known.execution_name)
    except ServiceUnavailable:
        if known.scheduled.end <= now:
            raise
        return history
    if was_given_up or status not in {None, "RUNNING", "ABORTED"}:
        return replace(history, ended=history.ended | {known.recording_id})
    if status == "ABORTED":
        return replace(history, aborted=history.aborted | {known.execution_name})
    return history


def intent(
    current: Classroom, decision: Decision, executions: Executions, now: datetime, horizon: timedelta
) -> dict[str, Any]:
    """What the item shall say once this is decided."""
    report: dict[str, Any] = {}
    if decision.session is not None:
        report = encode(current, decision.session, now, horizon)
        report["executionArn"] = executions.arn(decision.session.execution_name)
    if decision.action is Action.REJECT:
        report |= {"status": str(Status.INVALID), "reason": decision.reason}  # with or without a session behind it
    return report


def _carry_out(
    classroom_id: str, decision: Decision, executions: Executions, now: datetime, horizon: timedelta
) -> bool:
    """Start what has to run, then stop what may not; False where the session's own execution has ended before it."""
    session, runs = decision.session, True
    if session is not None and not session.is_over and not is_deferred(session, now, horizon):
        own = request(classroom_id, session.recording_id, replace(session.scheduled, start=session.recorder_start))
        runs = executions.start(session.execution_name, own)
    for recording in decision.abandoned:
        executions.start(stop_name(recording.recording_id), _stop_request(classroom_id, recording, now))
    for name in decision.retired:
        executions.stop(name, decision.reason)
    return runs


def request(classroom_id: str, recording_id: str, schedule: Schedule) -> dict[str, Any]:
    """The input of an execution, made from the item alone so that starting it again is the same request."""
    return {
        "classroomId": classroom_id,
        "recordingId": recording_id,
        "start": format_time(schedule.start),
        "end": format_time(schedule.end),
        "livePingDelay": schedule.live_ping_delay,
    }


def _stop_request(classroom_id: str, recording: Recording, now: datetime) -> dict[str, Any]:
    """An execution that stops the recording and does nothing else: at once, as its times have passed, or at the end.

    Its class may be still to come, where the recorder was started early.
    """
    end = recording.until or now.replace(microsecond=0)
    schedule = Schedule(min(recording.start, end), end, live_ping_delay=0)
    return request(classroom_id, recording.recording_id, schedule)
