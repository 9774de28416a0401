"""What the domain needs from outside. The adapters implement these, and so do the fakes in tests/."""

from collections.abc import Callable, Collection, Iterable, Mapping
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
