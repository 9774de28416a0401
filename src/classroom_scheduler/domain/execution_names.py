"""Names of executions and recordings: never reused, in order of time, and legal in Step Functions.

AWS holds an execution name for 90 days after it closes and allows it 80 characters:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
A name is `<classroomId>-<token>`: 64 + 1 + 10 characters, which leaves room for `-stop` or `-halt`.
"""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 10  # of base 36: microseconds until the year 2085
_NAME = re.compile(r"(?P<classroom_id>[A-Za-z0-9_-]{1,64})-(?P<token>[0-9a-z]{10})", re.ASCII)
# The execution that stops a recording which is no longer its item's, and the one that tries again if that is lost.
_STOPS = ("-stop", "-halt")


def next_name(classroom_id: str, now: datetime, after: str | None = None) -> str:
    """The name for the execution that replaces `after`.

    Later names sort after earlier ones even where the clocks of two machines disagree, so that a task can tell
    an item that has moved on from one that was put back to an older state. Where the clock is behind, the name is up to
    a millisecond after the other, by what the clock says: two who replace the same execution don't take the same name.
    """
    token = _microseconds(now) // 2 * 2
    if after is not None:
        token = max(token, int(_token(after), 36) // 2 * 2 + 2 + token % 1000)
    return f"{classroom_id}-{_base36(token)}"


def name_of_record(classroom_id: str, changed_at: datetime, sequence_number: str) -> str:
    """The name that a stream record gives to the session that it starts, however often it is delivered.

    `changed_at` is in whole seconds. These tokens are odd and all others even, so that no two names are ever equal but
    for two records of one classroom, in one second, whose sequence numbers end alike.
    """
    return f"{classroom_id}-{_base36(_microseconds(changed_at) + int(sequence_number) % 500_000 * 2 + 1)}"


def is_name_of(classroom_id: str, name: object) -> bool:
    """Whether this is a name that `next_name` could have given to an execution of this classroom."""
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    return match is not None and match["classroom_id"] == classroom_id


def is_later(name: str, other: str) -> bool:
    """Whether `name` was given after `other`; both are names of one classroom."""
    return _token(name) > _token(other)


def named_at(name: str) -> datetime:
    """When the name was given: to the microsecond, or for a record's name up to a second later."""
    return _EPOCH + timedelta(microseconds=int(_token(name), 36))


def stop_name(recording_id: str) -> str:
    """The execution that stops a recording which is no longer its item's: one a recording, however often asked."""
    return recording_id + _STOPS[0]


def stop_again_name(name: str) -> str | None:
    """The name for the execution that repeats what this one was to do, or None where that was the last try."""
    first, second = _STOPS
    return name.removesuffix(first) + second if name.endswith(first) else None


def classroom_of(name: str) -> str | None:
    """The classroom whose execution has this name, or None where no name of ours looks like that."""
    match = _NAME.fullmatch(name[:-5] if is_stop_name(name) else name)
    return None if match is None else match["classroom_id"]


def is_stop_name(name: str) -> bool:
    """Whether this is the name of an execution that does nothing but stop a recording."""
    return name.endswith(_STOPS)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _token(name: str) -> str:
    return name[-_TOKEN_LENGTH:]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(_TOKEN_LENGTH, "0")
