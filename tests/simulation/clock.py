"""The time of the simulation."""

from datetime import datetime, timedelta

from tests.builders import CLASS_DAY

TICK = timedelta(microseconds=1)


class VirtualClock:
    """A clock that moves when it is told to, and by one microsecond whenever it is read.

    No two reads are equal, as on a real machine: execution names are minted from the time in microseconds.
    """

    def __init__(self, now: datetime = CLASS_DAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += TICK
        return self.now

    def advance_to(self, moment: datetime) -> None:
        """Move on to the moment; time never goes back."""
        self.now = max(self.now, moment)
