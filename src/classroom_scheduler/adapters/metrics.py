"""What a write newly says of a class, as metrics.

Counted where it is written: writes are conditional on what was read, so that every status counts once, however often a
record is delivered or a task tried.
"""

from collections.abc import Collection, Mapping
from typing import Any

from classroom_scheduler.application.ports import Classrooms
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.session import Status, TaskState
from classroom_scheduler.observability import count, measure

_OF_A_CLASS = frozenset({Status.RECORDING, Status.COMPLETED, Status.FAILED})


class CountedClassrooms:
    """A table whose writes count as metrics."""

    def __init__(self, table: Classrooms) -> None:
        self._table = table

    def get(self, classroom_id: str) -> Item | None:
        return self._table.get(classroom_id)

    def update(self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = ()) -> None:
        self._table.update(classroom_id, changes, expected=expected, removed=removed)
        count_transition(changes, expected)


def count_transition(changes: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Count the status that an item has newly got, and how late the first attempt of each task began.

    `before` is what the write was conditional on. Where that has no status the item was wiped, and what is put back is
    no news; what is wrong with an item is, each time that somebody writes it.
    """
    status = changes.get("status")
    is_put_back = before.get("status") is None
    if status == Status.INVALID or (status in _OF_A_CLASS and not is_put_back):
        count(f"Classrooms{status.capitalize()}")
    if not is_put_back:
        _measure_first_attempts(changes.get("tasks") or {}, before.get("tasks"))


def _measure_first_attempts(tasks: Mapping[str, Any], before: Any) -> None:
    earlier = before if isinstance(before, Mapping) else {}  # people may have written anything there
    for task, record in tasks.items():
        if task not in earlier and record["state"] == TaskState.CLAIMED and record["attempts"] == 1:
            measure(f"{task}Lateness", record["latenessMs"])
