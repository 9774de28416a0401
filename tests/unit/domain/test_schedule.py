"""Times and ids as people write them: read strictly, refused in words that name field, value and what is expected."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom_scheduler.domain.schedule import InvalidClassroom, format_time, parse_schedule, parse_time, problems_with
from tests.builders import a_classroom, at


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"),
        ("2026-12-01T09:00:00z", "2026-12-01T09:00:00Z"),
        ("2026-12-01t14:30:00+05:30", "2026-12-01T09:00:00Z"),
        ("2026-11-30T23:00:00-10:00", "2026-12-01T09:00:00Z"),
        ("2026-12-01T08:59:59.000001Z", "2026-12-01T09:00:00Z"),
        ("2026-12-01T08:59:59.999999999Z", "2026-12-01T09:00:00Z"),
        ("2026-12-01T09:00:00.000Z", "2026-12-01T09:00:00Z"),
        ("2028-02-29T09:00:00Z", "2028-02-29T09:00:00Z"),
    ],
)
def test_a_time_is_read_in_utc_and_rounded_up(text: str, utc: str) -> None:
    assert format_time(parse_time(text)) == utc


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 - Hypothesis wants them naive
def test_no_class_starts_early_whatever_its_fraction(time: datetime) -> None:
    read = parse_time(time.isoformat())

    assert timedelta(0) <= read - time < timedelta(seconds=1)
    assert parse_time(format_time(read)) == read


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"start": ...}, "`start` is missing; expected a string with an RFC 3339 date-time"),
        ({"start": Decimal(5)}, "`start` is the number 5; expected a string"),
        ({"start": True}, "`start` is the boolean True; expected a string"),
        ({"start": ["09:00"]}, "`start` is of the type list"),
        ({"start": b"09:00"}, "`start` is of the type binary"),
        ({"start": ""}, '`start` is ""; expected'),
        ({"start": "2026-12-01T09:00:00"}, "with an offset, such as 2026-12-01T09:00:00Z"),
        ({"start": "2026-12-01"}, '`start` is "2026-12-01"; expected'),
        ({"start": "2026-02-31T09:00:00Z"}, '`start` is "2026-02-31T09:00:00Z"; expected'),
        ({"start": "2026-12-01T24:00:00Z"}, "24:00:00"),
        ({"start": "2026-12-01T09:00:00+24:00"}, "+24:00"),
        ({"start": "٢٠٢٦-12-01T09:00:00Z"}, "expected an RFC 3339"),
        ({"start": "0001-01-01T00:00:00+01:00"}, "0001-01-01"),
        ({"start": "9999-12-31T23:59:59.5Z", "end": "9999-12-31T23:59:59Z"}, "9999-12-31T23:59:59.5Z"),
        ({"start": "x" * 300_000}, "makes the item too large"),
        ({"start": "x" * 3_000}, "of 3000 characters"),
        ({"end": ...}, "`end` is missing"),
        ({"end": "2026-12-01T09:00:00Z"}, "`end` is 2026-12-01T09:00:00Z, not after the start"),
        ({"end": "2027-12-01T10:00:00Z"}, "365 days after the start; expected at most 60 days"),
        ({"livePingDelay": "60"}, '`livePingDelay` is "60"; expected a whole number of seconds from 0 to 86400'),
        ({"livePingDelay": Decimal("1.5")}, "`livePingDelay` is the number 1.5"),
        ({"livePingDelay": Decimal(-1)}, "`livePingDelay` is the number -1"),
        ({"livePingDelay": Decimal(86_401)}, "`livePingDelay` is the number 86401"),
        ({"livePingDelay": True}, "`livePingDelay` is the boolean True"),
        ({"livePingDelay": None}, "`livePingDelay` is missing"),
        ({"classroom_id": "a" * 200}, "of 200 characters; expected 1 to 64 of A-Z a-z 0-9 _ -"),
        ({"classroom_id": "room 1"}, '`classroomId` is "room 1"'),
        ({"classroom_id": "saal-ü"}, "`classroomId`"),
        ({"classroom_id": ""}, "`classroomId`"),
        ({"notes": "x" * 300_000}, "`notes` makes the item too large"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_is_wrong_is_named_with_its_value_and_what_is_expected(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidClassroom) as refusal:
        parse_schedule(a_classroom(**wrong))

    assert said in str(refusal.value)
    assert str(problems_with(a_classroom(**wrong))[0]) == str(refusal.value)
    assert len(str(refusal.value)) < 400, "a reason that people can read"


def test_everything_that_is_wrong_can_be_said_at_once() -> None:
    wrong = a_classroom("room 1", "tomorrow", "2026-12-01T09:00:00", livePingDelay=True)

    assert [problem.field for problem in problems_with(wrong)] == ["classroomId", "start", "end", "livePingDelay"]
    assert problems_with(a_classroom()) == []


def test_the_live_ping_comes_after_a_minute_unless_said_otherwise() -> None:
    assert parse_schedule(a_classroom()).live_ping_delay == 60
    assert parse_schedule(a_classroom(livePingDelay=Decimal("90.0"))).live_ping_delay == 90
    assert parse_schedule(a_classroom(livePingDelay=Decimal(0))).live_ping_delay == 0


def test_a_class_may_run_across_midnight() -> None:
    schedule = parse_schedule(a_classroom(start="22:30", end="2026-12-02T07:00:00Z"))

    assert (schedule.start, schedule.end) == (at("22:30"), at("22:30") + timedelta(hours=8.5))
