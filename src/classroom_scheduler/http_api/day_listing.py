"""The classes of a day, a page at a time.

The `next` of a list says where its page ended, so that the following page starts there. Everything in it stood in the
answer that gave it, so it is not sealed: whoever makes one up sees nothing that another query would not show.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.quoting import describe
from classroom_scheduler.domain.schedule import size_of
from classroom_scheduler.domain.session import Status
from classroom_scheduler.exact_json import FieldError, to_json
from classroom_scheduler.http_api.api_errors import InvalidRequest
from classroom_scheduler.http_api.ports import EditableClassrooms, Position

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
# DynamoDB's limits of a key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MAX_KEY_BYTES = {"scheduledStart": 1024, "classroomId": 2048}
# Lambda answers 6 MB. As JSON a byte takes up to six (a control character), and one class more may be 400 KB.
_MAX_PAGE_BYTES = 500_000
_PARAMETERS = ("day", "status", "limit", "next")


@dataclass(frozen=True, slots=True)
class Query:
    """Which classes to list: those of a UTC day, perhaps of one status, at most `limit` of them, `after` a position."""

    day: str
    status: str | None = None
    limit: int = DEFAULT_LIMIT
    after: Position | None = None

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
        token = once.get("next")
        after = None if token is None or day is None else _position_in(token, day)
        if day is None or not _is_day(day):
            field_errors.append(_wrong("day", day, "a UTC date such as 2026-12-01"))
        if status is not None and status not in set(Status):
            field_errors.append(_wrong("status", status, f"one of {', '.join(Status)}"))
        if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
            field_errors.append(_wrong("limit", limit, f"a whole number from 1 to {MAX_LIMIT}"))
        if token is not None and day is not None and after is None:
            field_errors.append(_wrong("next", token, "the one that an answer gave for this day"))
        if field_errors or day is None:
            raise InvalidRequest(*field_errors)
        return cls(day, status, int(limit), after)


def page(query: Query, classrooms: EditableClassrooms) -> tuple[Sequence[Item], Position | None]:
    """The classes of the query in order of start, and the position after them; None if there are no more.

    However rare the status is, at most 100 items are read: the page may be short, and the position leads on.
    """
    limit = query.limit if query.status is None else MAX_LIMIT
    items, after = classrooms.of_day(query.day, status=query.status, limit=limit, after=query.after)
    size = 0
    for number, item in enumerate(items, start=1):
        size += size_of(item)
        if number == query.limit or size > _MAX_PAGE_BYTES:
            return items[:number], after if number == len(items) else position_of(item)
    return items, after


def token_of(position: Position, query: Query) -> str:
    """The `next` that leads on from this position of the query's day."""
    content = to_json([query.day, *(position[name] for name in _MAX_KEY_BYTES)])
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def position_of(item: Item) -> Position:
    """Where in its day a class stands."""
    return {"classroomId": item["classroomId"], "scheduledStart": item["scheduledStart"]}


def _position_in(token: str, day: str) -> Position | None:
    """The position in a token of this day, or None where it has none."""
    try:
        raw = token.encode("ascii")
        content = json.loads(base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True))
        token_day, *keys = content
        position = dict(zip(_MAX_KEY_BYTES, keys, strict=True))
        is_key = all(0 < len(position[name].encode()) <= most for name, most in _MAX_KEY_BYTES.items())
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return position if is_key and token_day == day else None


def _is_day(text: str) -> bool:
    try:
        return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _wrong(field: str, value: str | None, expected: str) -> FieldError:
    found = ... if value is None else value
    return FieldError(field, f"`{field}` {describe(found)}; expected {expected}.", found)
