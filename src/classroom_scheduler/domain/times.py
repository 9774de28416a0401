"""Times as people write them: RFC 3339, read strictly by a grammar of our own, refused in words."""

import re
from datetime import UTC, datetime, timedelta, timezone

from classroom_scheduler.domain.quoting import describe

# Far enough from the years 1 and 9999 for every sum of a time and an offset, a delay or a horizon.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
_MAX_TIME_LENGTH = 64
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(?P<fraction>\d+))?(?P<offset>[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_MICROSECONDS = 6
A_TIME = "an RFC 3339 date-time with an offset, such as 2026-12-01T09:00:00Z or 2026-12-01T14:30:00+05:30"


class NoSuchTime(ValueError):
    """What was given is no time; `found` says why not of one that looks like a time, as in "there is no hour 24"."""

    def __init__(self, given: object, why: str | None = None) -> None:
        self.found = describe(given) if why is None else f"{describe(given)}, and {why}"
        super().__init__(f"it {self.found}; expected {A_TIME}")


def parse_time(text: object) -> datetime:
    """An RFC 3339 date-time as UTC, fractions of a second rounded up. Raises NoSuchTime.

    Step Functions truncates fractions (https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html), and a
    class must never start early.
    """
    whole, fraction = _time_and_fraction(text)
    return _supported(whole + timedelta(seconds=fraction.strip("0") != ""), text)


def read_instant(text: object) -> datetime:
    """The same with its microseconds, for times at which something happened. Raises NoSuchTime."""
    whole, fraction = _time_and_fraction(text)
    return whole + timedelta(microseconds=int(fraction[:_MICROSECONDS].ljust(_MICROSECONDS, "0")))


def _time_and_fraction(text: object) -> tuple[datetime, str]:
    """A whole second in UTC and the digits after it. The grammar is ours: Python 3.14 began to take an hour 24."""
    if isinstance(text, str) and len(text) > _MAX_TIME_LENGTH:
        raise NoSuchTime(text, f"a time has at most {_MAX_TIME_LENGTH} characters")
    match = _RFC_3339.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise NoSuchTime(text)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    if why := _why_not(year, month, hour, minute, second):
        raise NoSuchTime(text, why)
    offset = _offset(match["offset"])
    if offset is None:
        raise NoSuchTime(text, f"there is no offset {match['offset']}")
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=offset)
    except ValueError:
        raise NoSuchTime(text, f"there is no day {match[3]} in {match[1]}-{match[2]}") from None
    return _supported(local.astimezone(UTC), text), match["fraction"] or ""


def _why_not(year: int, month: int, hour: int, minute: int, second: int) -> str | None:
    if not _FIRST_YEAR - 1 <= year <= _LAST_YEAR + 1:
        return _not_supported(year)
    if second == 60:
        return "leap seconds are not supported"
    if not 1 <= month <= 12:
        return f"there is no month {month:02}"
    parts = {"hour": (hour, 23), "minute": (minute, 59), "second": (second, 59)}
    return next((f"there is no {name} {value:02}" for name, (value, last) in parts.items() if value > last), None)


def _supported(time: datetime, text: object) -> datetime:
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise NoSuchTime(text, _not_supported(time.year))
    return time


def _not_supported(year: int) -> str:
    return f"the year {year:04} is not supported, only {_FIRST_YEAR} to {_LAST_YEAR}"


def _offset(text: str) -> timezone | None:
    if text in "Zz":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    sign = 1 if text[0] == "+" else -1
    return timezone(sign * timedelta(hours=hours, minutes=minutes)) if hours < 24 and minutes < 60 else None


def format_time(time: datetime) -> str:
    """The `…Z` form of a time, in whole seconds."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_instant(time: datetime, timespec: str = "milliseconds") -> str:
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
