"""The classroom server of the simulation: it can be down for a while, and keeps what the properties ask for."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from classroom_scheduler.application.ports import Message
from classroom_scheduler.domain.errors import ServerRefused, ServerUnavailable
from tests.fakes import FakeServer, Fault
from tests.simulation.clock import VirtualClock


class SimulatedServer(FakeServer):
    """A FakeServer with outages, which tells an observer what it is about to do and what it did."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.virtual = clock
        self.down_until = clock.now
        # What the server failed to do, by recording: the excuse for what then did not happen.
        self.failed: defaultdict[str, set[str]] = defaultdict(set)
        self.refused: defaultdict[str, set[str]] = defaultdict(set)
        self.on_act: Callable[[Message], None] = lambda message: None

    def fail_until(self, moment: datetime) -> None:
        """Answer nothing but 503 until then."""
        self.down_until = moment

    def repair(self) -> None:
        """From now on everything works."""
        self.down_until = self.virtual.now
        self.faults.clear()

    def send(self, message: Message, *, timeout: float) -> Any:
        recording_id = message.data["recordingId"]
        if self.virtual.now < self.down_until:
            self.faults[message.type].appendleft(Fault.UNAVAILABLE)
        try:
            return super().send(message, timeout=timeout)
        except ServerRefused:
            self.refused[recording_id].add(message.type)
            self.failed[recording_id].add(message.type)
            raise
        except ServerUnavailable:
            self.failed[recording_id].add(message.type)
            raise

    def _act(self, message: Message) -> None:
        self.on_act(message)
        super()._act(message)
