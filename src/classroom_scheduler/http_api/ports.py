"""What the HTTP API needs from outside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from classroom_scheduler.application.ports import Classrooms
from classroom_scheduler.domain.errors import PermanentError
from classroom_scheduler.domain.item_codec import Item


class NameTaken(PermanentError):
    """An item of this id, or an execution of this name, is there already."""


Position = Mapping[str, str]
"""Where a page of a day's timetable ended: the `classroomId` and `scheduledStart` of its last class."""


class EditableClassrooms(Classrooms, Protocol):
    """The Classrooms table as people write it."""

    def create(self, item: Item) -> None:
        """Write a new item. Raises NameTaken, ClassroomNotWritable and ServiceUnavailable."""

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
        """Start an execution with this JSON and return its ARN. Raises NameTaken and ServiceUnavailable."""

    def status(self, name: str) -> str | None:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED; None where there is none. Raises ServiceUnavailable."""

    def stop(self, name: str) -> None:
        """Abort the execution. Raises ServiceUnavailable."""
