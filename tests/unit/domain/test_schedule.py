"""Times and ids as people write them: read strictly, refused in words that name field, value and what is expected."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom_scheduler.domain.quoting import is_printable
from classroom_scheduler.domain.reasons import REASON_LENGTH
from classroom_scheduler.domain.schedule import InvalidClassroom, parse_schedule, problems_with
from classroom_scheduler.domain.times import NoSuchTime, format_time, parse_time
from tests.builders import a_classroom, at
from tests.values import dynamodb_values


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


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(9000, 12, 30)))  # noqa: DTZ001 - Hypothesis wants them naive
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
        ({"start": None}, "`start` is null; expected a string with an RFC 3339"),
        (
            {"start": "2027-02-29T09:00:00Z"},
            '`start` is "2027-02-29T09:00:00Z", and there is no day 29 in 2027-02; exp',
        ),
        ({"start": "2026-12-00T09:00:00Z"}, "there is no day 00 in 2026-12"),
        ({"start": "2026-13-01T09:00:00Z"}, "there is no month 13"),
        ({"start": "2026-00-01T09:00:00Z"}, "there is no month 00"),
        ({"start": "2026-12-01T24:00:00Z"}, "there is no hour 24"),
        ({"start": "2026-12-01T09:60:00Z"}, "there is no minute 60"),
        ({"start": "2026-12-01T09:00:61Z"}, "there is no second 61"),
        (
            {"start": "2026-12-31T23:59:60Z"},
            '`start` is "2026-12-31T23:59:60Z", and leap seconds are not supported; exp',
        ),
        ({"start": "2026-12-01T09:00:00+24:00"}, "there is no offset +24:00"),
        ({"start": "2026-12-01T09:00:00-09:60"}, "there is no offset -09:60"),
        ({"start": "0000-01-01T00:00:00Z"}, "the year 0000 is not supported, only 1970 to 9000"),
        ({"start": "1970-01-01T00:00:00+00:01"}, "the year 1969 is not supported"),
        (
            {"start": f"2026-12-01T09:00:00.{'0' * 100_000}Z"},
            "of 100021 characters, and a time has at most 64 characters",
        ),
        ({"start": f"2026-12-01T09:00:00.{'0' * 44}Z"}, "a time has at most 64 characters"),
        ({"start": "٢٠٢٦-12-01T09:00:00Z"}, "expected an RFC 3339"),
        ({"start": "0001-01-01T00:00:00+01:00"}, "0001-01-01"),
        ({"start": "9000-12-31T23:59:59.5Z"}, '"9000-12-31T23:59:59.5Z", and the year 9001 is not supported'),
        ({"start": "9999-12-31T23:59:59.5Z"}, "the year 9999 is not supported"),
        ({"start": "x" * 3_000}, "of 3000 characters"),
        ({"end": ...}, "`end` is missing"),
        ({"end": "2026-12-01T09:00:00Z"}, "`end` is 2026-12-01T09:00:00Z, not after the start"),
        ({"end": "2027-12-01T10:00:00Z"}, "365 days after the start; expected at most 60 days"),
        (
            {"livePingDelay": "60"},
            '`livePingDelay` is the text "60", not a number; expected a whole number of seconds from',
        ),
        ({"livePingDelay": Decimal("1.5")}, "`livePingDelay` is the number 1.5"),
        ({"livePingDelay": Decimal(-1)}, "`livePingDelay` is the number -1"),
        ({"livePingDelay": Decimal(86_401)}, "`livePingDelay` is the number 86401"),
        ({"livePingDelay": True}, "`livePingDelay` is the boolean True"),
        ({"livePingDelay": None}, "is null; expected a whole number of seconds from 0 to 86400 (leave it out for 60)"),
        ({"livePingDelay": Decimal("1e1000000")}, "`livePingDelay` is the number 1E+1000000"),
        ({"livePingDelay": Decimal("1" + "0" * 125)}, "`livePingDelay` is the number 1.000000000E+125"),
        ({"livePingDelay": Decimal("1e-130")}, "`livePingDelay` is the number 1E-130"),
        ({"livePingDelay": {Decimal(60)}}, "`livePingDelay` is of the type set"),
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
    with pytest.raises(InvalidClassroom) as refusal:
        parse_schedule(wrong)
    assert str(refusal.value) == " ".join(map(str, problems_with(wrong)))
    assert problems_with(a_classroom()) == []


@pytest.mark.parametrize("delay", ["1e1000000", "-1e1000000", "1e-1000000", "1e999999999", "9.99e125"])
def test_no_integer_is_made_of_a_number_before_its_size_is_known(delay: str) -> None:
    began = perf_counter()

    assert problems_with(a_classroom(livePingDelay=Decimal(delay), budget=Decimal(delay))) != []
    assert perf_counter() - began < 10, "an integer of a million digits was made"


@given(st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})\Z"))
def test_whatever_is_written_as_a_time_is_a_time_that_can_be_written_down_and_read_again_or_is_refused(
    text: str,
) -> None:
    refusals = []
    try:
        time = parse_time(text)
        assert parse_time(format_time(time)) == time == parse_time(time.isoformat())
    except NoSuchTime as refusal:
        refusals.append(str(refusal))

    assert all(map(is_printable, refusals))


@given(st.dictionaries(st.sampled_from(["start", "end", "livePingDelay", "notes"]), dynamodb_values()))
def test_whatever_stands_there_is_refused_in_printable_words_of_a_bounded_size(written: dict[str, Any]) -> None:
    said = " ".join(map(str, problems_with(a_classroom(**written))))

    assert is_printable(said)
    assert len(said) < REASON_LENGTH


def test_the_live_ping_comes_after_a_minute_unless_said_otherwise() -> None:
    assert parse_schedule(a_classroom()).live_ping_delay == 60
    assert parse_schedule(a_classroom(livePingDelay=Decimal("90.0"))).live_ping_delay == 90
    assert parse_schedule(a_classroom(livePingDelay=Decimal(0))).live_ping_delay == 0


def test_a_class_may_run_across_midnight() -> None:
    schedule = parse_schedule(a_classroom(start="22:30", end="2026-12-02T07:00:00Z"))

    assert (schedule.start, schedule.end) == (at("22:30"), at("22:30") + timedelta(hours=8.5))
