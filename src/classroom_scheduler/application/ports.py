"""What the domain needs from outside. The adapters implement these, and so do the fakes in tests/."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from classroom_scheduler.domain.item_codec import Item

Clock = Callable[[], datetime]
"""The time now, aware and in UTC."""


class Classrooms(Protocol):
    """The Classrooms table."""

    def get(self, classroom_id: str) -> Item | None:
        """The item as it is now (a consistent read), or None. Raises ServiceUnavailable."""

    def update(self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = ()) -> None:
        """Write `changes` and remove `removed`, if the item exists and each attribute of `expected` is as read.

        A value of None in `expected` means that the attribute must be absent or NULL: both are read as None. Raises
        ConcurrentUpdate where the condition fails, ClassroomNotWritable where DynamoDB refuses the result, and
        ServiceUnavailable.
        """


class ClassroomQueries(Protocol):
    """The classrooms that somebody should look at, though no record says so."""

    def overdue(self, shard: str, now: datetime) -> Iterable[str]:
        """The ids of this shard of `ByAttention` whose `attentionAt` has come. Raises ServiceUnavailable."""

    def segment(self, number: int, of: int) -> Iterable[Item]:
        """All items of one of `of` parts of the table, counted from 0. Raises ServiceUnavailable."""


Position = Mapping[str, str]
"""Where a page of a day's timetable ended: the `classroomId` and `scheduledStart` of its last class."""


class EditableClassrooms(Classrooms, Protocol):
    """The Classrooms table as people write it."""

    def create(self, item: Item) -> None:
        """Write a new item. Raises AlreadyExists, ClassroomNotWritable and ServiceUnavailable."""

    def remove(self, classroom_id: str, *, expected: Item) -> None:
        """Delete the item if it exists and each attribute of `expected` is as read, with None as in `update`.

        Raises ConcurrentUpdate where the condition fails, ClassroomNotWritable where it can't be asked, and
        ServiceUnavailable.
        """

    def of_day(
        self, day: str, *, status: str | None, limit: int, after: Position | None
    ) -> tuple[Sequence[Item], Position | None]:
        """Of at most `limit` classes of a UTC day after a position, in order of start, those that have the status.

        The position says where to go on; None means that there are no more. Eventually consistent. Raises
        ServiceUnavailable.
        """


class Invocations(Protocol):
    """The executions of the one-time scheduler: each invokes the function given by parameter once."""

    def start(self, name: str, request: str) -> str:
        """Start an execution with this JSON and return its ARN. Raises AlreadyExists and ServiceUnavailable."""

    def status(self, name: str) -> str | None:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; None where there is none. Raises ServiceUnavailable."""

    def stop(self, name: str) -> None:
        """Abort the execution. Raises ServiceUnavailable."""


class Executions(Protocol):
    """The executions of the Classroom state machine."""

    def arn(self, name: str) -> str:
        """The ARN that the execution of this name has, started or not."""

    def start(self, name: str, request: Mapping[str, Any]) -> bool:
        """Start the execution, or do nothing where one of this name was ever started; False where that has ended.

        Where nobody can tell, it is taken for alive: what has ended is seen to again. Raises ServiceUnavailable.
        """

    def stop(self, name: str, reason: str) -> bool:
        """Abort the execution; False where that could not be done. Never raises: the fence is what keeps us safe."""

    def status(self, name: str) -> str | None:
        """What became of an execution, or None where there is no such execution. Raises ServiceUnavailable.

        RUNNING; SUCCEEDED; FAILED, where a task failed for good; ABORTED, where it was stopped or lost on the way.
        """


@dataclass(frozen=True)
class Message:
    """What the classroom server is told, in the Standard Webhooks format."""

    id: str
    type: str
    timestamp: datetime
    data: Mapping[str, Any]


class ClassroomServer(Protocol):
    """The server that starts and stops the recorder."""

    def send(self, message: Message, *, timeout: float) -> Any:
        """Deliver the message within `timeout` seconds and return the JSON answer (None if there is none).

        Raises ServerUnavailable or ServerRefused.
        """


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became of a class: EventBridge's detail-type, when it came about, and the detail (JSON)."""

    type: str
    time: datetime
    detail: Mapping[str, Any]


class EventBus(Protocol):
    """The bus on which others learn what became of a class."""

    def publish(self, events: Sequence[Event]) -> Mapping[int, str]:
        """Publish in order; for the position of each event that may not have gone out the reason. Never raises."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one booking event from another, and which of two came later."""

    booked_at: datetime
    event_id: str

    def is_covered_by(self, latest: "Stamp | None") -> bool:
        """Whether this event was followed already, or a later one was. Of two at the same time the last one wins."""
        if latest is None:
            return False
        return latest == self or latest.booked_at > self.booked_at


class Bookings(Protocol):
    """People's side of the Classrooms table as booking events write it, and which event was the latest for each item.

    A write and its stamp are written together or not at all. Writes raise BookingOutdated where the stamp is covered by
    the latest one, ConcurrentUpdate where another write came first, ClassroomNotWritable and ServiceUnavailable.
    """

    def get(self, classroom_id: str) -> Item | None:
        """The item as it is now (a consistent read), or None. Raises ServiceUnavailable."""

    def latest(self, classroom_id: str) -> Stamp | None:
        """The latest event that was followed, also after the item was deleted. Raises ServiceUnavailable."""

    def insert(self, item: Item, *, stamp: Stamp) -> None:
        """Write a new item. Raises ConcurrentUpdate where there is one."""

    def update(
        self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = (), stamp: Stamp
    ) -> None:
        """As `Classrooms.update`."""

    def delete(self, classroom_id: str, *, stamp: Stamp) -> None:
        """Delete the item, be it there or not: an event that this one overtook must not bring it back."""


class RejectedBookings(Protocol):
    """Where bookings are kept that can't be followed, for a person to look at."""

    def keep(self, message: str, reason: str) -> None:
        """Keep the message as it came. Raises ServiceUnavailable."""
