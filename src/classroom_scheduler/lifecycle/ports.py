"""What publishing events needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


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
