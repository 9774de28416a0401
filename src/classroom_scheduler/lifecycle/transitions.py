"""What became of a class, for whoever listens: each transition that the two images of a stream record show.

An item says things: that it is scheduled so and so, that its recording has started. What the new image says and the
old one didn't is news. The stream is the outbox: nothing is published but what an item says, and nothing that an item
says is forgotten.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from classroom_scheduler.application.stream_batch import Change
from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.execution_names import is_later
from classroom_scheduler.domain.item_codec import Item, decode
from classroom_scheduler.domain.plan import Action, after_a_deletion
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.quoting import cut
from classroom_scheduler.domain.reasons import reason_for_rejection, story_of
from classroom_scheduler.domain.schedule import SCHEDULE_ATTRIBUTES
from classroom_scheduler.domain.session import Recording, Session, Status, TaskRecord, TaskState, status_in
from classroom_scheduler.domain.tasks import START, STOP, TASKS, TaskSpec
from classroom_scheduler.domain.times import NoSuchTime, format_instant, format_time, read_instant
from classroom_scheduler.lifecycle.ports import Event

SOURCE = "classroom.scheduler"
VERSION = "1"
"""Of the detail. Fields may be added under the same version; see docs/events/README.md."""

PUBLISHED_ATTRIBUTES = frozenset(
    {
        *("classroomId", *SCHEDULE_ATTRIBUTES, "status", "reason", "executionName", "recordingId"),
        *("scheduled", "tasks", "previousRecording", "restarts", "updatedAt"),
    }
)
"""The attributes that transitions are read from. No other is even parsed, so that nothing of people's gets out."""

# A failure's cause may have 32 KB; ten events have to fit into one call of 256 KB.
_REASON_LENGTH = 2_048


class Transition(StrEnum):
    """A detail-type besides those of the tasks, which are in their rows."""

    SCHEDULED = "Classroom Scheduled"
    FAILED = "Classroom Failed"
    INVALID = "Classroom Invalid"
    CANCELLED = "Classroom Cancelled"


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something that an item says. It is the same in two images if its `transition` and what it is `about` are."""

    transition: str
    about: str
    event_id: str = field(compare=False)
    more: Mapping[str, Any] = field(compare=False, default_factory=dict)


def may_publish(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    """Whether a record can show a transition, from its raw images or items.

    Every write of the scheduler carries a new `updatedAt`; an insert and an edit that leaves it alone are people's.
    """
    return old is not None and (new is None or old.get("updatedAt") != new.get("updatedAt"))


def transitions(change: Change, policy: SchedulingPolicy) -> list[Event]:
    """The events that this change gives rise to, in the order in which things happened.

    None says a word that people wrote: the item's `reason` quotes them, so that theirs is put together anew.

    The same change gives the same events with the same ids, however often its record is delivered. An item that was
    wiped and put back in order says everything anew, with the ids that it had before.
    """
    if change.old is None or not may_publish(change.old, change.new):
        return []
    before = decode(change.classroom_id, change.old)
    if change.new is None:
        return _cancellation(change, change.old, before)
    after = decode(change.classroom_id, change.new)
    if before is not None and after is not None and is_later(before.execution_name, after.execution_name):
        return []  # an old copy was put back, and the scheduler is about to put that right
    known = set(_facts(change, change.old, before))
    news = [*_previous_stopped(before, after), *_facts(change, change.new, after)]
    reason = None if after is None else story_of(after, change.changed_at, policy)
    return [_event(change, change.new, after, fact, reason) for fact in news if fact not in known]


def _facts(change: Change, item: Item, session: Session | None) -> Iterator[_Fact]:
    if session is not None:
        yield from _facts_of_session(session)
    if status_in(item) is Status.INVALID:
        reason = {"reason": _why_invalid(change.classroom_id, item)}
        yield _Fact(Transition.INVALID, str(item.get("reason")), f"{change.name}-invalid", reason)


def _why_invalid(classroom_id: str, item: Item) -> str:
    """Which fields are wrong and what is expected, without what stands there."""
    problem = Classroom.from_item(classroom_id, item).problem
    why = "The item can't be followed, and says why." if problem is None else problem.withheld
    return reason_for_rejection(why)


def _facts_of_session(session: Session) -> Iterator[_Fact]:
    if not session.is_over:
        # Not the schedule: a class deleted and inserted again goes on with the same one, and was told as cancelled.
        yield _Fact(Transition.SCHEDULED, session.execution_name, f"{session.execution_name}-scheduled")
    for task in TASKS:
        if session.has(task, TaskState.SUCCEEDED):
            more = _of_task(task, session.tasks[task])
            yield _Fact(task.event, session.recording_id, _event_id(task, session.recording_id), more)
    if session.is_over and not all(session.has(task, TaskState.SUCCEEDED) for task in _NEEDED):
        failed = next((task for task in _NEEDED if session.has(task, TaskState.FAILED)), None)
        more = {} if failed is None else _of_task(failed, session.tasks[failed])
        yield _Fact(Transition.FAILED, session.recording_id, f"{session.recording_id}-failed", more)


_NEEDED = (START, STOP)


def _event_id(task: TaskSpec, recording_id: str) -> str:
    """The id ends as the webhook-id does: the server was told under the same one."""
    return f"{recording_id}-{task.id_suffix}"


def _previous_stopped(before: Session | None, after: Session | None) -> Iterator[_Fact]:
    """The recording before this one was confirmed as stopped: only then does the item cease to name it."""
    if before is None or after is None or before.recording_id != after.recording_id:
        return
    if before.previous is not None and after.previous is None:
        recording_id = before.previous.recording_id
        yield _Fact(STOP.event, recording_id, _event_id(STOP, recording_id), _of_previous(before.previous))


def _cancellation(change: Change, item: Item, session: Session | None) -> list[Event]:
    """What the stream handler decides on this deletion; a wiped item can only tell that its class was still to end."""
    if session is not None:
        decision = after_a_deletion(session)
        if decision.action is not Action.CANCEL:
            return []
        reason, event_id = decision.reason, f"{session.execution_name}-cancelled"
    else:
        desired = Classroom.from_item(change.classroom_id, item).desired
        if desired is None or desired.end <= change.changed_at:
            return []
        reason, event_id = "The classroom was deleted before its class was over.", f"{change.name}-cancelled"
    fact = _Fact(Transition.CANCELLED, event_id, event_id, {"reason": reason})
    return [_event(change, item, session, fact)]


def _event(change: Change, item: Item, session: Session | None, fact: _Fact, reason: str | None = None) -> Event:
    detail = {
        "version": VERSION,
        "eventId": fact.event_id,
        "occurredAt": _occurred_at(change),
        "classroomId": change.classroom_id,
        "status": status_in(item),
        "reason": reason,
        **({} if session is None else _of_session(session)),
        **fact.more,
    }
    detail["reason"] = cut(str(detail["reason"]), _REASON_LENGTH)
    published = {name: value for name, value in detail.items() if value is not None}
    return Event(str(fact.transition), change.changed_at, published)


def _of_session(session: Session) -> dict[str, Any]:
    return {
        "recordingId": session.recording_id,
        "executionName": session.execution_name,
        **session.scheduled.as_attributes(),
        "day": session.scheduled.start.date().isoformat(),
    }


def _of_previous(previous: Recording) -> dict[str, Any]:
    """The item's schedule is another recording's, and of this one it only knows when it was to start."""
    unknown = dict.fromkeys(("executionName", "end", "livePingDelay"))
    start = previous.start
    return {
        **unknown,
        "recordingId": previous.recording_id,
        "start": format_time(start),
        "day": start.date().isoformat(),
    }


def _of_task(task: TaskSpec, record: TaskRecord) -> dict[str, Any]:
    """When it was due and done; not what the classroom server answered, which is between it and the item."""
    return {
        "task": str(task),
        "dueAt": format_instant(record.due_at),
        "startedAt": format_instant(record.started_at),
        "finishedAt": record.finished_at and format_instant(record.finished_at),
        "latenessMs": record.lateness_ms,
        "attempts": record.attempts,
    }


def _occurred_at(change: Change) -> str:
    """To the microsecond where the item tells: events may arrive in any order, and this one is theirs.

    A record's own time is rounded down to the second, in which the scheduler may have written to the item before it
    was deleted.
    """
    moment = change.changed_at
    item = change.old if change.new is None else change.new
    with suppress(NoSuchTime):
        written = read_instant((item or {}).get("updatedAt"))
        if change.new is not None:
            moment = written
        elif moment <= written < moment + timedelta(seconds=1):
            moment = written + timedelta(microseconds=1)
    return format_instant(moment, "microseconds")
