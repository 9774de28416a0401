"""The tasks of a class, one row each. All other code asks the row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from classroom_scheduler.domain.schedule import Schedule

Due = Callable[[Schedule, timedelta, datetime], datetime]
"""When a task is due: from the schedule in force, the recorder's lead, and the moment the recording started."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task.

    `name` is its state, its Lambda function and its key in `tasks`. `id_suffix` ends its webhook-id and its event's id.
    `patience` is the number of attempts for which it waits for an edit that is not carried out yet. A `fatal` task that
    fails for good fails the class. `noun` is its name in a reason.
    """

    name: str
    webhook_type: str
    id_suffix: str
    event: str
    noun: str
    due: Due
    patience: int
    fatal: bool

    def __str__(self) -> str:
        return self.name


def _when_the_recorder_starts(schedule: Schedule, lead: timedelta, _started: datetime) -> datetime:
    return schedule.start - lead


def _once_it_has_recorded_for_the_delay(schedule: Schedule, lead: timedelta, started: datetime) -> datetime:
    """Where the recorder starts early, the delay counts from the start of the class."""
    since = max(started, schedule.start) if lead else started
    return since + timedelta(seconds=schedule.live_ping_delay)


def _at_the_end(schedule: Schedule, _lead: timedelta, _started: datetime) -> datetime:
    return schedule.end


# With the state machine's back-off a start waits some 30 s, a ping some 5 s, and a stop, which would cut a class short
# for good, some 3 minutes. An edit that takes longer is lost or stuck, and a class in force is worth more.
START = TaskSpec(
    name="StartRecording",
    webhook_type="recording.start",
    id_suffix="start",
    event="Recording Started",
    noun="recording",
    due=_when_the_recorder_starts,
    patience=6,
    fatal=True,
)
PING = TaskSpec(
    name="SendLivePing",
    webhook_type="recording.live",
    id_suffix="live",
    event="Live Ping Sent",
    noun="live ping",
    due=_once_it_has_recorded_for_the_delay,
    patience=4,
    fatal=False,
)
STOP = TaskSpec(
    name="StopRecording",
    webhook_type="recording.stop",
    id_suffix="stop",
    event="Recording Stopped",
    noun="stop",
    due=_at_the_end,
    patience=12,
    fatal=True,
)

TASKS = [START, PING, STOP]
"""In the order in which a class runs them. Those between START and STOP happen while it records, or not at all."""


def task_named(name: object) -> TaskSpec:
    """The task of this name. Raises ValueError where there is none."""
    for task in TASKS:
        if task.name == name:
            return task
    raise ValueError(f"there is no task {name!r}")


def task_after(task: TaskSpec) -> TaskSpec | None:
    """The task that a class runs next, or None after the last one."""
    return next(iter(TASKS[TASKS.index(task) + 1 :]), None)


def tasks_within() -> list[TaskSpec]:
    """The tasks that happen while a class records. A class that loses one of them is recorded all the same."""
    return [task for task in TASKS if task not in (START, STOP)]
