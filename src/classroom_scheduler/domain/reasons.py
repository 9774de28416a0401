"""Why a classroom has its status, and what happens next and when: in words, on the item, in the log."""

from datetime import datetime, timedelta

from classroom_scheduler.domain.classroom import Classroom, Status
from classroom_scheduler.domain.schedule import Schedule, format_instant, format_time
from classroom_scheduler.domain.session import Recording, Session, Task, TaskRecord, TaskState
from classroom_scheduler.domain.status import HORIZON, live_ping_due, status_of


def why_not_followed(classroom: Classroom, session: Session, now: datetime) -> str | None:
    """Why what people want now can't be followed while the session's own schedule is in force, or None."""
    if classroom.problem is not None:
        return str(classroom.problem)
    if session.is_over:
        return None
    # From the begin on it is the begin that counts: what was refused before stays refused.
    begun = session.tasks.get(Task.START_RECORDING)
    too_late = now if begun is None else begun.started_at
    if classroom.desired is not None and classroom.desired != session.scheduled and classroom.desired.end <= too_late:
        return already_past(classroom.desired)
    return None


def already_past(desired: Schedule) -> str:
    return f"`end` is {format_time(desired.end)}, which was already past; expected a time to come."


def reason_for(session: Session, now: datetime, horizon: timedelta = HORIZON, refused: str | None = None) -> str:
    """One sentence or a few: why the classroom has its status, and what happens next and when."""
    sentences = [_story(session, now, horizon)]
    if session.restarts and not session.is_over:
        sentences.append(
            f"An execution of it ended before its time and was replaced ({session.restarts} of at most 3 times)."
        )
    if session.previous is not None:
        sentences.append(_story_of_previous(session.previous))
    if refused is not None and session.is_over:
        sentences.append(f"The latest edit was not followed: {refused}")
    elif refused is not None:
        sentences.insert(0, f"The latest edit is not followed: {refused} The schedule in force stays.")
    return " ".join(sentences)


def rejection(why: object) -> dict[str, str]:
    """What an item says that can't be followed and for which nothing is in force."""
    return {"status": str(Status.INVALID), "reason": f"{why} Nothing runs until this is corrected."}


def _story(session: Session, now: datetime, horizon: timedelta) -> str:
    match status_of(session, now, horizon):
        case Status.DEFERRED:
            due = format_time(session.scheduled.start - horizon)
            start = format_time(session.scheduled.start)
            return f"The start {start} is more than {_in_words(horizon)} away; an execution is started at {due}."
        case Status.SCHEDULED:
            return _story_before_start(session)
        case Status.RECORDING:
            return _story_of_recording(session)
        case Status.COMPLETED:
            return _story_of_end(session)
        case _:
            return _story_of_failure(session)


def _story_before_start(session: Session) -> str:
    attempt = session.tasks.get(Task.START_RECORDING)
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
    stop = session.tasks.get(Task.STOP_RECORDING)
    end = format_time(session.scheduled.end)
    if stop is not None and stop.error is not None:
        return f"Recording since {since}; stopping it failed {_times(stop)} ({stop.error}) and is tried again."
    return f"Recording since {since}; {_story_of_ping(session)}; recording stops at {end}."


def _story_of_end(session: Session) -> str:
    stopped = session.tasks[Task.STOP_RECORDING].finished_at or session.scheduled.end
    return f"Recorded from {_since(session)} to {format_instant(stopped)}; {_story_of_ping(session)}."


def _story_of_failure(session: Session) -> str:
    if _start_failed(session):
        start = session.tasks[Task.START_RECORDING]
        return f"The recording could not be started ({start.error}, {_tried(start)}); nothing more is tried."
    stop = session.tasks.get(Task.STOP_RECORDING)
    if stop is None or stop.state is TaskState.SUCCEEDED:
        return "The recording was stopped, but was never seen to start; ask the classroom server whether it was made."
    if not stop.attempts:
        return (
            f"Nobody watches over the recording any more ({stop.error}); it is stopped at {format_time(stop.due_at)}. "
            "If this does not say so soon after, stop it at the classroom server."
        )
    return (
        f"The recording could not be stopped ({stop.error}, tried {_times(stop)}); "
        "nothing more is tried: stop it at the classroom server."
    )


def _story_of_ping(session: Session) -> str:
    ping = session.tasks.get(Task.SEND_LIVE_PING)
    start = session.tasks.get(Task.START_RECORDING)
    if ping is None or ping.state is TaskState.CLAIMED:
        if ping is not None and ping.error is not None:
            return f"the live ping failed {_times(ping)} ({ping.error}) and is tried again"
        due = live_ping_due(session, start.finished_at) if start and start.finished_at else None
        if due is None:
            return "no live ping was sent"
        if due >= session.scheduled.end:
            return "no live ping will be sent (the class ends before it is due)"
        return f"the live ping is due at {format_instant(due)}"
    if ping.state is TaskState.SUCCEEDED:
        return f"the live ping went out at {format_instant(ping.finished_at or ping.started_at)}"
    return f"no live ping was sent ({ping.error})"


def _story_of_previous(previous: Recording) -> str:
    if previous.error is None:
        return f"The recording before it, {previous.recording_id}, is being stopped."
    return f"The recording before it, {previous.recording_id}, could not be stopped yet ({previous.error})."


def _in_words(horizon: timedelta) -> str:
    hours = horizon // timedelta(hours=1)
    return f"{horizon.days} days" if horizon >= timedelta(days=2) else f"{hours} {'hour' if hours == 1 else 'hours'}"


def _since(session: Session) -> str:
    start = session.tasks.get(Task.START_RECORDING)
    return "an unknown time" if start is None else format_instant(start.finished_at or start.started_at)


def _start_failed(session: Session) -> bool:
    return session.has(Task.START_RECORDING, TaskState.FAILED)


def _tried(record: TaskRecord) -> str:
    return f"tried {_times(record)}" if record.attempts else "never tried"


def _times(record: TaskRecord) -> str:
    return "once" if record.attempts == 1 else f"{record.attempts} times"
