"""What receiving bookings needs from outside."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from classroom_scheduler.domain.errors import SchedulerError, TransientError
from classroom_scheduler.domain.item_codec import Item


class BookingOutdated(SchedulerError):
    """This booking event was followed before, or a later one of the same classroom was: there is nothing to do."""


class BookingAhead(TransientError):
    """The classroom that is to be changed is not there yet: its booking may have been overtaken on the way."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one booking event from another, and which of two came later: the revision, and then the time."""

    booked_at: datetime
    event_id: str
    revision: int = 0

    def is_covered_by(self, latest: "Stamp | None") -> bool:
        """Whether this event was followed already, or a later one was. Of two equally late ones the last one wins."""
        if latest is None:
            return False
        return latest == self or (latest.revision, latest.booked_at) > (self.revision, self.booked_at)


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
