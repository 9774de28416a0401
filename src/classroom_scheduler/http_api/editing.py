"""What people do to classrooms by way of the HTTP API: it writes items and nothing else, the stream does the rest.

Everything is decided on what was just read and written under the condition that it still is so: of two people who
edit at the same moment, the second one's edit is decided on anew.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from classroom_scheduler.application.ports import Classrooms
from classroom_scheduler.application.retry import retry_on_conflict
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES, Item, user_attributes
from classroom_scheduler.domain.quoting import describe
from classroom_scheduler.domain.reasons import already_past
from classroom_scheduler.domain.schedule import parse_schedule, problems_with
from classroom_scheduler.exact_json import FieldError, problems_in, to_json
from classroom_scheduler.http_api.api_errors import AlreadyExists, InvalidRequest, NotFound, NotReplaceable
from classroom_scheduler.http_api.etags import IfMatch
from classroom_scheduler.http_api.ports import EditableClassrooms, NameTaken

# A condition names every attribute that was read, and DynamoDB takes 4 KB of expression and 300 operators:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_ATTRIBUTES = 64
_KEY = "classroomId"
_MAX_KEY_BYTES = 2048


def create(body: Mapping[str, Any], classrooms: EditableClassrooms, new_id: str, now: datetime) -> Item:
    """Write a new classroom and return it. Raises InvalidRequest and AlreadyExists."""
    item = {_KEY: new_id, **_stated(body)}
    _check(item)
    schedule = parse_schedule(item)
    if schedule.end <= now:
        raise InvalidRequest(FieldError("end", already_past(schedule), item["end"]))
    try:
        classrooms.create(item)
    except NameTaken:
        message = f"There is a classroom {item[_KEY]} already; take another classroomId, or PUT to change that one."
        raise AlreadyExists(message) from None
    return item


def read(classroom_id: str, classrooms: Classrooms) -> Item:
    """The classroom with all that people and the scheduler wrote. Raises NotFound.

    Whatever its id: an item that can't be scheduled may have any, and has to be found to be corrected.
    """
    is_possible = 0 < len(classroom_id.encode("utf-8", "replace")) <= _MAX_KEY_BYTES and classroom_id.isprintable()
    item = classrooms.get(classroom_id) if is_possible else None
    if item is None:
        raise _not_found(classroom_id)
    return item


def replace(classroom_id: str, body: Mapping[str, Any], if_match: IfMatch, classrooms: Classrooms) -> Item:
    """Replace what people wrote, leave alone what the scheduler wrote, and return both.

    Raises InvalidRequest, NotFound, HasChanged, NotReplaceable, and ConcurrentUpdate if others keep changing it.
    """
    desired = {_KEY: classroom_id, **_stated(body)}
    if desired[_KEY] != classroom_id:
        message = (
            f"`{_KEY}` {describe(desired[_KEY])}, but that of the address is {classroom_id}; leave it out: ids stay."
        )
        raise InvalidRequest(FieldError(_KEY, message, desired[_KEY]))
    _check(desired)

    def edit(_number: int) -> Item:
        item = read(classroom_id, classrooms)
        if_match.check(item)
        current = user_attributes(item)
        # What comes back as it was answered stays as it is: JSON would turn a set into a list.
        changes = {
            name: value
            for name, value in desired.items()
            if name not in current or to_json(current[name]) != to_json(value)
        }
        removed = current.keys() - desired.keys()
        if changes or removed:
            classrooms.update(classroom_id, changes, expected=_as_read(current), removed=removed)
        return {name: value for name, value in item.items() if name not in removed} | changes

    return retry_on_conflict(classroom_id, edit)


def delete(classroom_id: str, if_match: IfMatch, classrooms: EditableClassrooms) -> None:
    """Delete the classroom, and so cancel the class. Raises NotFound, HasChanged, NotReplaceable, ConcurrentUpdate."""

    def remove(_number: int) -> None:
        item = read(classroom_id, classrooms)
        if_match.check(item)
        classrooms.remove(classroom_id, expected={} if if_match.asks_nothing else _as_read(user_attributes(item)))

    retry_on_conflict(classroom_id, remove)


def _stated(body: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a body that are people's. Raises InvalidRequest naming what is the scheduler's.

    A body with `updatedAt` is an answer of ours that comes back: in it they are no mistake, and are passed over.
    """
    if "updatedAt" in body:
        return user_attributes(body)
    return dict(body)


def _check(item: Mapping[str, Any]) -> None:
    """Raise InvalidRequest with everything that is wrong with what people want to write."""
    if len(item) > MAX_ATTRIBUTES:
        message = f"The body has {len(item)} attributes; expected at most {MAX_ATTRIBUTES}, with objects for the rest."
        raise InvalidRequest(FieldError("body", message))
    field_errors = [
        FieldError(name, f"`{name}` is written by the scheduler; leave it out.", item[name])
        for name in sorted(OWNED_ATTRIBUTES & item.keys())
    ]
    field_errors += problems_in(item)
    unfit = {wrong.field for wrong in field_errors}
    fit = {name: value for name, value in item.items() if name not in unfit}
    field_errors += [
        FieldError(problem.field, str(problem), item.get(problem.field, ...))
        for problem in problems_with(fit)
        if problem.field not in unfit
    ]
    if field_errors:
        raise InvalidRequest(*field_errors)


def _as_read(current: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(current) > MAX_ATTRIBUTES:
        raise NotReplaceable(
            f"The item has {len(current)} attributes of people's, and DynamoDB can't check more than {MAX_ATTRIBUTES} "
            "of them before it writes; change it in the table itself."
        )
    return current


def _not_found(classroom_id: str) -> NotFound:
    shown = classroom_id if len(classroom_id) <= 64 and classroom_id.isprintable() else "of that id"
    return NotFound(f"There is no classroom {shown}.")
