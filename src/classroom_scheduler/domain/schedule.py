"""The times of a classroom as people write them: read strictly, refused in words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

SCHEDULE_ATTRIBUTES = ("start", "end", "livePingDelay")
"""What people write of a schedule; all other attributes are passed on to the classroom server as they are."""

DEFAULT_LIVE_PING_DELAY = 60
MAX_LIVE_PING_DELAY = 86_400
# An execution lives a year at most, of which 300 days (the horizon) may pass before the class starts.
MAX_DURATION = timedelta(days=60)
# DynamoDB keeps 400 KB an item. The rest is room for what the scheduler writes: three answers of 8 KiB and the reason.
MAX_WRITTEN_BYTES = 256 * 1024

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_RFC_3339 = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt](?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?P<offset>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_DYNAMODB_TYPES: dict[type, str] = {dict: "map", list: "list", set: "set"}
A_TIME = "an RFC 3339 date-time with an offset, such as 2026-12-01T09:00:00Z or 2026-12-01T14:30:00+05:30"


class InvalidClassroom(Exception):
    """What somebody wrote can't be followed; says which field, what stands there and what is expected."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(f"`{field}` {found}; expected {expected}.")
        self.field = field


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to record: aware UTC times in whole seconds, `live_ping_delay` in seconds after the recording started."""

    start: datetime
    end: datetime
    live_ping_delay: int = DEFAULT_LIVE_PING_DELAY

    def as_attributes(self) -> dict[str, Any]:
        """As people write it, in UTC."""
        times = {"start": format_time(self.start), "end": format_time(self.end)}
        return {**times, "livePingDelay": self.live_ping_delay}


def parse_schedule(written: Mapping[str, Any]) -> Schedule:
    """The schedule in the attributes that people wrote. Raises InvalidClassroom for the first thing wrong with it."""
    check_id(written.get("classroomId"))
    _check_size(written)
    start = _read_time(written, "start")
    end = _read_time(written, "end")
    _check_span(written, start, end)
    return Schedule(start, end, _read_delay(written))


def problems_with(written: Mapping[str, Any]) -> list[InvalidClassroom]:
    """Everything that is wrong with it, where `parse_schedule` stops at the first; empty where that raises nothing."""
    problems: list[InvalidClassroom] = []

    def checked(rule: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return rule(*arguments)
        except InvalidClassroom as problem:
            problems.append(problem)
            return None

    checked(check_id, written.get("classroomId"))
    checked(_check_size, written)
    start, end = checked(_read_time, written, "start"), checked(_read_time, written, "end")
    if start is not None and end is not None:
        checked(_check_span, written, start, end)
    checked(_read_delay, written)
    return problems


def parse_time(text: str) -> datetime:
    """An RFC 3339 date-time as UTC, fractions of a second rounded up. Raises ValueError or OverflowError.

    Step Functions truncates fractions (https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html), and a
    class must never start early.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError(text)
    whole = datetime.fromisoformat(f"{match['date']}T{match['time']}").replace(tzinfo=_offset(match["offset"]))
    has_fraction = (match["fraction"] or "").strip("0") != ""
    return whole.astimezone(UTC) + timedelta(seconds=has_fraction)


def format_time(time: datetime) -> str:
    """The `…Z` form of a time, in whole seconds."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_instant(time: datetime, timespec: str = "milliseconds") -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def size_of(value: Any) -> int:
    """Roughly the bytes that DynamoDB counts for a value, attribute names included."""
    match value:
        case str():
            return len(value.encode("utf-8", "replace"))
        case Mapping():
            return 3 + sum(size_of(name) + size_of(element) + 1 for name, element in value.items())
        case list() | tuple() | set() | frozenset():
            return 3 + sum(size_of(element) + 1 for element in value)
        case bytes() | bytearray():
            return len(value)
        case _:
            return len(str(value)) // 2 + 1


def check_id(classroom_id: object) -> None:
    """Raise InvalidClassroom where this is no id that fits the name of an execution."""
    if not isinstance(classroom_id, str) or _ID.fullmatch(classroom_id) is None:
        raise InvalidClassroom("classroomId", describe(classroom_id), "1 to 64 of A-Z a-z 0-9 _ -")


def _check_size(written: Mapping[str, Any]) -> None:
    size = size_of(written)
    if size > MAX_WRITTEN_BYTES:
        field = max(written, key=lambda name: size_of(written[name]))
        found = f"makes the item too large: {size:,} bytes of attributes, {size_of(written[field]):,} of them here"
        raise InvalidClassroom(field, found, f"at most {MAX_WRITTEN_BYTES:,} bytes in all")


def _check_span(written: Mapping[str, Any], start: datetime, end: datetime) -> None:
    if end <= start:
        raise InvalidClassroom("end", f"is {written['end']}, not after the start {written['start']}", "a later time")
    if end - start > MAX_DURATION:
        found = f"is {written['end']}, {(end - start).days} days after the start"
        raise InvalidClassroom("end", found, f"at most {MAX_DURATION.days} days of class")


def _read_time(written: Mapping[str, Any], field: str) -> datetime:
    value = written.get(field)
    if not isinstance(value, str):
        raise InvalidClassroom(field, describe(value), f"a string with {A_TIME}")
    try:
        return parse_time(value)
    except (ValueError, OverflowError) as error:
        raise InvalidClassroom(field, describe(value), A_TIME) from error


def _read_delay(written: Mapping[str, Any]) -> int:
    value = written.get("livePingDelay", DEFAULT_LIVE_PING_DELAY)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number or value != int(value) or not 0 <= value <= MAX_LIVE_PING_DELAY:
        expected = f"a whole number of seconds from 0 to {MAX_LIVE_PING_DELAY}"
        raise InvalidClassroom("livePingDelay", describe(value), expected)
    return int(value)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return timezone((1 if text[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))


def describe(value: object) -> str:
    """`is missing`, `is the number 5` or `is "31 February"`, cut where it is long."""
    match value:
        case None:
            return "is missing"
        case str() if len(value) > 64:
            return f'is "{value[:60]}…" of {len(value)} characters'
        case str():
            return f'is "{value}"'
        case bool() | int() | Decimal():
            return f"is the {'boolean' if isinstance(value, bool) else 'number'} {value}"
        case _:
            return f"is of the type {_DYNAMODB_TYPES.get(type(value), 'binary')}"
