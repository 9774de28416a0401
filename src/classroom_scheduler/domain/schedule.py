"""The schedule of a classroom as people write it: read strictly, refused in words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from classroom_scheduler.domain.quoting import LONGEST_QUOTE, cut, describe, quoted
from classroom_scheduler.domain.times import A_TIME, NoSuchTime, format_time, parse_time

SCHEDULE_ATTRIBUTES = ("start", "end", "livePingDelay")
"""What people write of a schedule; all other attributes are passed on to the classroom server as they are."""

DEFAULT_LIVE_PING_DELAY = 60
MAX_LIVE_PING_DELAY = 86_400
# An execution lives a year at most, of which 300 days (the horizon) may pass before the class starts.
MAX_DURATION = timedelta(days=60)
# DynamoDB keeps 400 KB an item. The rest is room for what the scheduler writes: three answers of 8 KiB and the reason.
MAX_WRITTEN_BYTES = 256 * 1024
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WrongField:
    """One thing that is wrong with what somebody wrote: which field, what stands there and what is expected."""

    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"`{self.field}` {self.found}; expected {self.expected}."

    @property
    def withheld(self) -> str:
        """The same for those who may not see what people wrote."""
        return f"`{self.field}` can't be followed; expected {self.expected}."


class InvalidClassroom(Exception):
    """What somebody wrote can't be followed; says of each wrong field what stands there and what is expected."""

    def __init__(self, *field_errors: WrongField) -> None:
        super().__init__(" ".join(map(str, field_errors)))
        self.field_errors = field_errors

    @property
    def withheld(self) -> str:
        return " ".join(wrong.withheld for wrong in self.field_errors)


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
    """The schedule in the attributes that people wrote. Raises InvalidClassroom naming all that is wrong with them."""
    schedule, problems = _read(written)
    if problems or schedule is None:
        raise InvalidClassroom(*problems)
    return schedule


def problems_with(written: Mapping[str, Any]) -> list[WrongField]:
    """Everything that is wrong with it; empty where `parse_schedule` raises nothing."""
    return _read(written)[1]


def _read(written: Mapping[str, Any]) -> tuple[Schedule | None, list[WrongField]]:
    problems: list[WrongField] = []

    def checked(rule: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return rule(*arguments)
        except InvalidClassroom as problem:
            problems.extend(problem.field_errors)
            return None

    checked(check_id, written.get("classroomId", ...))
    checked(_check_size, written)
    start, end = checked(_read_time, written, "start"), checked(_read_time, written, "end")
    if start is not None and end is not None:
        checked(_check_span, written, start, end)
    delay = checked(_read_delay, written)
    return (None if problems else Schedule(start, end, delay)), problems


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
        raise _wrong("classroomId", describe(classroom_id), "1 to 64 of A-Z a-z 0-9 _ -")


def _check_size(written: Mapping[str, Any]) -> None:
    size = size_of(written)
    if size > MAX_WRITTEN_BYTES:
        field = max(written, key=lambda name: size_of(written[name]))
        found = f"makes the item too large: {size:,} bytes of attributes, {size_of(written[field]):,} of them here"
        raise _wrong(cut(field, LONGEST_QUOTE), found, f"at most {MAX_WRITTEN_BYTES:,} bytes in all")


def _check_span(written: Mapping[str, Any], start: datetime, end: datetime) -> None:
    if end <= start:
        raise _wrong("end", f"is {written['end']}, not after the start {written['start']}", "a later time")
    if end - start > MAX_DURATION:
        found = f"is {written['end']}, {(end - start).days} days after the start"
        raise _wrong("end", found, f"at most {MAX_DURATION.days} days of class")


def _read_time(written: Mapping[str, Any], field: str) -> datetime:
    value = written.get(field, ...)
    if not isinstance(value, str):
        raise _wrong(field, describe(value), f"a string with {A_TIME}")
    try:
        return parse_time(value)
    except NoSuchTime as error:
        raise _wrong(field, error.found, A_TIME) from error


def _read_delay(written: Mapping[str, Any]) -> int:
    value = written.get("livePingDelay", DEFAULT_LIVE_PING_DELAY)
    delay = whole_number(value, MAX_LIVE_PING_DELAY)
    if delay is None:
        found = f"is the text {quoted(value)}, not a number" if isinstance(value, str) else describe(value)
        expected = f"a whole number of seconds from 0 to {MAX_LIVE_PING_DELAY}"
        default = f" (leave it out for {DEFAULT_LIVE_PING_DELAY})" if value is None else ""
        raise _wrong("livePingDelay", found, expected + default)
    return delay


def whole_number(value: object, most: int) -> int | None:
    """A number from 0 to `most` as an integer, or None; its size comes first, as 1E+1000000 has a million digits."""
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return None
    if not Decimal(value).is_finite() or not 0 <= value <= most:
        return None
    return int(value) if value == int(value) else None


def _wrong(field: str, found: str, expected: str) -> InvalidClassroom:
    return InvalidClassroom(WrongField(field, found, expected))
