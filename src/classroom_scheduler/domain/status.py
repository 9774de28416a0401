"""Which status a session has, from what is known of it and what time it is."""

from datetime import datetime, timedelta

from classroom_scheduler.domain.classroom import Status
from classroom_scheduler.domain.session import Session, Task, TaskState

HORIZON = timedelta(days=300)


def status_of(session: Session, now: datetime, horizon: timedelta = HORIZON) -> Status:
    if session.is_over:
        started, stopped = (
            session.has(task, TaskState.SUCCEEDED) for task in (Task.START_RECORDING, Task.STOP_RECORDING)
        )
        return Status.COMPLETED if started and stopped else Status.FAILED
    if session.has(Task.START_RECORDING, TaskState.SUCCEEDED) or session.is_stopping:
        return Status.RECORDING
    return Status.DEFERRED if is_deferred(session, now, horizon) else Status.SCHEDULED


def is_deferred(session: Session, now: datetime, horizon: timedelta) -> bool:
    """Whether the start is too far off for an execution, which lives a year at most."""
    return not session.has_begun and session.scheduled.start > now + horizon


def live_ping_due(session: Session, recording_since: datetime) -> datetime:
    """The ping's delay after the recording started, and where its recorder was started early, after the class did."""
    since = max(recording_since, session.scheduled.start) if session.lead else recording_since
    return since + timedelta(seconds=session.scheduled.live_ping_delay)
