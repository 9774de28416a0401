"""Execution names: legal in Step Functions, never reused, in order of time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from classroom_scheduler.domain.execution_names import is_later, is_name_of, name_of_record, next_name, stop_name
from tests.builders import at
from tests.fakes import check_execution

ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
times = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2084, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants them naive


@given(ids, times)
def test_aws_takes_every_name_and_every_name_of_a_stop(classroom_id: str, now: datetime) -> None:
    name = next_name(classroom_id, now)

    check_execution(name, {})
    check_execution(stop_name(name), {})
    assert is_name_of(classroom_id, name)
    assert not is_name_of(classroom_id, stop_name(name))


@given(ids, times, times)
def test_a_name_given_later_sorts_later_even_if_the_clocks_disagree(
    classroom_id: str, first: datetime, second: datetime
) -> None:
    before = next_name(classroom_id, first)
    after = next_name(classroom_id, second, after=before)

    assert is_later(after, before)
    assert not is_later(before, after)


def test_two_names_two_microseconds_apart_differ() -> None:
    assert next_name("algebra-1", at("09:00")) != next_name("algebra-1", at("09:00") + timedelta(microseconds=2))


def test_two_who_replace_the_same_execution_by_clocks_that_are_behind_name_it_differently() -> None:
    name = next_name("algebra-1", at("09:00"))
    first = next_name("algebra-1", at("08:59:58"), after=name)
    second = next_name("algebra-1", at("08:59:58.000004"), after=name)

    assert is_later(second, first)
    assert is_later(first, name)


def test_a_name_of_another_classroom_is_none_of_ours() -> None:
    name = next_name("algebra-1", at("09:00"))

    assert not is_name_of("algebra", name)
    assert not is_name_of("algebra-12", name)
    assert not is_name_of("algebra-1", None)


@given(ids, times, st.integers(10**20, 10**21), times)
def test_a_record_names_its_session_the_same_again_and_like_no_other(
    classroom_id: str, changed_at: datetime, number: int, now: datetime
) -> None:
    changed_at = changed_at.replace(microsecond=0)
    name = name_of_record(classroom_id, changed_at, str(number))

    assert name == name_of_record(classroom_id, changed_at, str(number))
    assert name != name_of_record(classroom_id, changed_at, str(number + 1))
    assert name != next_name(classroom_id, now)
    assert name != next_name(classroom_id, changed_at, after=name)
    assert is_name_of(classroom_id, name)
