"""What an item says of its class: its status, why it has it, what happens next and when, and when the sweep looks."""

from datetime import datetime, timedelta
from typing import Any

from classroom_scheduler.domain.classroom import Classroom
from classroom_scheduler.domain.item_codec import encode
from classroom_scheduler.domain.policy import ATTENTION_GRACE, SchedulingPolicy, attention, attention_at, status_of
from classroom_scheduler.domain.quoting import cut
from classroom_scheduler.domain.schedule import Schedule
from classroom_scheduler.domain.session import Recording, Session, Status, TaskRecord, TaskState
from classroom_scheduler.domain.tasks import START, STOP, TaskSpec, tasks_within
from classroom_scheduler.domain.times import format_instant, format_time

# Enough for everything that can be wrong with an item, each value quoted and cut.
REASON_LENGTH = 2_048


def report(
    classroom: Classroom, session: Session, reason: str, now: datetime, policy: SchedulingPolicy
) -> dict[str, Any]:
    """All attributes that the item carries for its session, but `executionArn` and `updatedAt`."""
    attributes = {
        "status": str(status_of(session, now, policy)),
        "reason": cut(reason, REASON_LENGTH),
        **encode(session),
    }
    if session.is_over and session.left_running is None:
        return attributes
    attributes |= attention(classroom.classroom_id, attention_at(session, now, policy))
    if _waits_for_an_edit(classroom, session, now):
        # A task that wouldn't wait: the record of that edit may be lost, and no step may push this forward.
        noted, soon = classroom.known_attention, format_time(now + ATTENTION_GRACE)
        attributes["attentionAt"] = min(attributes["attentionAt"], soon, noted)
    return attributes


def _waits_for_an_edit(classroom: Classroom, session: Session, now: datetime) -> bool:
    desired = classroom.desired
    return desired is not None and desired != session.scheduled and why_not_followed(classroom, session, now) is None


def why_not_followed(classroom: Classroom, session: Session, now: datetime) -> str | None:
    """Why what people want now can't be followed while the session's own schedule is in force, or None."""
    if classroom.problem is not None:
        return str(classroom.problem)
    if session.is_over:
        return None
    # From the begin on it is the begin that counts: what was refused before stays refused.
    begun = session.tasks.get(START)
    too_late = now if begun is None else begun.started_at
    if classroom.desired is not None and classroom.desired != session.scheduled and classroom.desired.end <= too_late:
        return already_past(classroom.desired)
    return None


def already_past(desired: Schedule) -> str:
    return f"`end` is {format_time(desired.end)}, which was already past; expected a time to come."


def reason_for(classroom: Classroom, session: Session, now: datetime, policy: SchedulingPolicy) -> str:
    """Why the classroom has its status, and what happens next and when: one sentence or a few."""
    story, refused = story_of(session, now, policy), why_not_followed(classroom, session, now)
    if refused is None:
        return story
    if session.is_over:
        return f"{story} The latest edit was not followed: {refused}"
    return f"The latest edit is not followed: {refused} The schedule in force stays. {story}"


def story_of(session: Session, now: datetime, policy: SchedulingPolicy) -> str:
    """The reason without any value that people wrote."""
    sentences = [_story(session, now, policy)]
    if session.restarts and not session.is_over:
        sentences.append(
            f"An execution of it ended before its time and was replaced ({session.restarts} of at most 3 times)."
        )
    if session.previous is not None:
        sentences.append(_story_of_previous(session.previous))
    return " ".join(sentences)


def reason_for_rejection(why: object) -> str:
    """Why nothing is in force for an item that can't be followed."""
    return f"{why} Nothing runs until this is corrected."


def _story(session: Session, now: datetime, policy: SchedulingPolicy) -> str:
    match status_of(session, now, policy):
        case Status.DEFERRED:
            due = format_time(session.scheduled.start - policy.horizon)
            start = format_time(session.scheduled.start)
            return f"The start {start} is more than {_in_words(policy.horizon)} away; an execution is started at {due}."
        case Status.SCHEDULED:
            return _story_before_start(session)
        case Status.RECORDING:
            return _story_of_recording(session)
        case Status.COMPLETED:
            return _story_of_end(session)
        case _:
            return _story_of_failure(session)


def _story_before_start(session: Session) -> str:
    attempt = session.tasks.get(START)
    if attempt is not None and attempt.error is not None:
        return f"Starting the recording failed {_times(attempt)} ({attempt.error}); it is tried again until the end."
    start, end = format_time(session.scheduled.start), format_time(session.scheduled.end)
    delay = session.scheduled.live_ping_delay
    if session.lead:
        early = f"{format_time(session.recorder_start)}, {session.lead // timedelta(seconds=1)} s before the class at"
        return (
            f"Recording starts at {early} {start}, so that not all recorders of that time start at once; "
            f"the live ping follows {delay} s into the class, and recording stops at {end}."
        )
    return f"Recording starts at {start}, the live ping follows {delay} s later, and recording stops at {end}."


def _story_of_recording(session: Session) -> str:
    since = _since(session)
    stop = session.tasks.get(STOP)
    end = format_time(session.scheduled.end)
    if stop is not None and stop.error is not None:
        return f"Recording since {since}; stopping it failed {_times(stop)} ({stop.error}) and is tried again."
    return f"Recording since {since}; {_stories_within(session)}; recording stops at {end}."


def _story_of_end(session: Session) -> str:
    stopped = session.tasks[STOP].finished_at or session.scheduled.end
    return f"Recorded from {_since(session)} to {format_instant(stopped)}; {_stories_within(session)}."


def _story_of_failure(session: Session) -> str:
    if session.start_failed:
        start = session.tasks[START]
        return (
            f"The recording could not be started ({start.error}, {_tried(start)}); "
            "nothing more is tried: write another `start` or `end` to record again."
        )
    stop = session.tasks.get(STOP)
    if stop is None or stop.state is TaskState.SUCCEEDED:
        return "The recording was stopped, but was never seen to start; ask the classroom server whether it was made."
    if not stop.attempts:
        return (
            f"Nobody watches over the recording any more ({stop.error}); it is stopped at {format_time(stop.due_at)}. "
            "If this does not say so soon after, stop it at the classroom server."
        )
    return (
        f"The recording could not be stopped ({stop.error}, {_tried(stop)}); "
        "nothing more is tried: stop it at the classroom server."
    )


def _stories_within(session: Session) -> str:
    return "; ".join(_story_within(task, session) for task in tasks_within())


def _story_within(task: TaskSpec, session: Session) -> str:
    record = session.tasks.get(task)
    if record is None or record.state is TaskState.CLAIMED:
        return _story_of_what_is_due(task, record, session)
    if record.state is TaskState.SUCCEEDED:
        return f"the {task.noun} went out at {format_instant(record.finished_at or record.started_at)}"
    return f"no {task.noun} was sent ({record.error})"


def _story_of_what_is_due(task: TaskSpec, record: TaskRecord | None, session: Session) -> str:
    """Nobody wrote down yet how it went; once the class is over, nobody will."""
    if record is not None and record.error is not None:
        failed = f"the {task.noun} failed {_times(record)} ({record.error})"
        return failed if session.is_over else f"{failed} and is tried again"
    if session.recording_since is None:
        return f"no {task.noun} was sent"
    due = session.due_at(task, session.recording_since)
    if due >= session.scheduled.end:
        return f"no {task.noun} {'was' if session.is_over else 'will be'} sent (the class ends before it is due)"
    if session.is_over:
        return f"whether the {task.noun} went out is not known"
    return f"the {task.noun} is due at {format_instant(due)}"


def _story_of_previous(previous: Recording) -> str:
    if previous.error is None:
        return f"The recording before it, {previous.recording_id}, is being stopped."
    return f"The recording before it, {previous.recording_id}, could not be stopped yet ({previous.error})."


def _in_words(horizon: timedelta) -> str:
    hours = horizon // timedelta(hours=1)
    return f"{horizon.days} days" if horizon >= timedelta(days=2) else f"{hours} {'hour' if hours == 1 else 'hours'}"


def _since(session: Session) -> str:
    start = session.tasks.get(START)
    return "an unknown time" if start is None else format_instant(start.finished_at or start.started_at)


def _tried(record: TaskRecord) -> str:
    return f"tried {_times(record)}" if record.attempts else "never tried"


def _times(record: TaskRecord) -> str:
    return "once" if record.attempts == 1 else f"{record.attempts} times"
