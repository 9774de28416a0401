"""The classes of a day, a page at a time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.schedule import describe, size_of
from classroom_scheduler.domain.status import Status
from classroom_scheduler.http_api.api_errors import FieldError, InvalidRequest
from classroom_scheduler.http_api.ports import EditableClassrooms, Position

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
# One class in ten with that status still fills a page; where there are fewer, the page is shorter and has a `next`.
_MAX_QUERIES = 10
# Lambda answers 6 MB. As JSON a byte takes up to six (a control character), and one class more may be 400 KB.
_MAX_PAGE_BYTES = 500_000
_PARAMETERS = ("day", "status", "limit", "next")


@dataclass(frozen=True, slots=True)
class Query:
    """Which classes to list: those of a UTC day, perhaps of one status, at most `limit` a page."""

    day: str
    status: str | None = None
    limit: int = DEFAULT_LIMIT
    next: str | None = None

    @classmethod
    def read(cls, parameters: Mapping[str, Sequence[str]]) -> Self:
        """The query in these parameters. Raises InvalidRequest with everything that is wrong with them."""
        field_errors = [
            FieldError(
                name, f"`{name[:64]}` is no parameter of this list; expected {', '.join(_PARAMETERS)}.", values[0]
            )
            for name, values in parameters.items()
            if name not in _PARAMETERS
        ]
        field_errors += [
            FieldError(name, f"`{name}` stands {len(values)} times; expected once.")
            for name, values in parameters.items()
            if name in _PARAMETERS and len(values) > 1
        ]
        once = {name: values[0] for name, values in parameters.items()}
        day, status, limit = once.get("day"), once.get("status"), once.get("limit", str(DEFAULT_LIMIT))
        if day is None or not _is_day(day):
            field_errors.append(_wrong("day", day, "a UTC date such as 2026-12-01"))
        if status is not None and status not in set(Status):
            field_errors.append(_wrong("status", status, f"one of {', '.join(Status)}"))
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
            field_errors.append(_wrong("limit", limit, f"a whole number from 1 to {MAX_LIMIT}"))
        if field_errors or day is None:
            raise InvalidRequest(*field_errors)
        return cls(day, status, int(limit), once.get("next"))


def page(
    query: Query, after: Position | None, classrooms: EditableClassrooms
) -> tuple[Sequence[Item], Position | None]:
    """The classes after a position, in order of start, and the position after them; None if there are no more."""
    found: list[Item] = []
    size = 0
    for _ in range(_MAX_QUERIES):
        limit = query.limit - len(found) if query.status is None else MAX_LIMIT
        items, after = classrooms.of_day(query.day, status=query.status, limit=limit, after=after)
        for number, item in enumerate(items, start=1):
            found.append(item)
            size += size_of(item)
            if len(found) == query.limit or size > _MAX_PAGE_BYTES:
                return found, after if number == len(items) else position_of(item)
        if after is None:
            break
    return found, after


def position_of(item: Item) -> Position:
    """Where in its day a class stands."""
    return {"classroomId": item["classroomId"], "scheduledStart": item["scheduledStart"]}


def _is_day(text: str) -> bool:
    try:
        return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _wrong(field: str, value: str | None, expected: str) -> FieldError:
    return FieldError(field, f"`{field}` {describe(value)}; expected {expected}.", ... if value is None else value)
