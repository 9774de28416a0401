"""Reading classrooms from the table and writing on their items what is known of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from classroom_scheduler.application.ports import Classrooms
from classroom_scheduler.domain.classroom import Classroom, next_update
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES, Item, write_conditions


def get(classroom_id: str, classrooms: Classrooms) -> Classroom | None:
    """The classroom as its item is now, or None. Raises ServiceUnavailable."""
    item = classrooms.get(classroom_id)
    return None if item is None else Classroom.from_item(classroom_id, item)


def write_report(classroom: Classroom, report: Mapping[str, Any], classrooms: Classrooms, now: datetime) -> Classroom:
    """Make the item say `report`, if it is still as it was read, and return the classroom as written.

    A report that the item makes already costs no write. Raises ConcurrentUpdate and what `Classrooms.update` raises.
    """
    item = classroom.item
    changes, removed = difference(item, report)
    if not changes and not removed:
        return classroom
    changes["updatedAt"] = next_update(item, now)
    classrooms.update(classroom.classroom_id, changes, expected=write_conditions(item), removed=removed)
    kept = {name: value for name, value in item.items() if name not in removed}
    return Classroom.from_item(classroom.classroom_id, {**kept, **changes})


def difference(item: Item, report: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The attributes to write and those to remove, so that the item says `report`."""
    changes = {name: value for name, value in report.items() if item.get(name) != value}
    # Tasks don't know the ARN of the execution that the item names; where it names none, an ARN is another class's.
    kept = {*report, "updatedAt", *({"executionArn"} if "executionName" in report else ())}
    removed = [name for name in item if name in OWNED_ATTRIBUTES - kept]
    return changes, removed
