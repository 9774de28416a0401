"""What people put into the scheduler's own attributes, of whatever type and size, is damage: it harms nobody."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classroom_scheduler.application.recovery import AuditResult, audit
from classroom_scheduler.application.stream_batch import Change, is_own_write, reconcile_batch
from classroom_scheduler.domain import classroom
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES, decode
from classroom_scheduler.domain.quoting import is_printable
from classroom_scheduler.domain.reasons import REASON_LENGTH
from classroom_scheduler.domain.schedule import parse_schedule
from classroom_scheduler.domain.session import Status, TaskState, status_in
from classroom_scheduler.domain.tasks import PING, START, STOP, TASKS
from classroom_scheduler.lifecycle.transitions import transitions
from tests.builders import POLICY, a_classroom, at
from tests.fakes import INDEX_KEYS, FakeClassrooms, FakeExecutions
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class
from tests.values import dynamodb_texts, dynamodb_values

OTHERS_NAMES = ["algebra-1-zzzzzzzzzz", "physics-2-hoo2gmk8w0", "algebra-1-0000000000", "algebra-1-hoo0j3k4g0"]
INSTANTS = ["2026-12-01T09:00:00.000Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59.9-23:59", "tomorrow"]


def names() -> st.SearchStrategy[str]:
    return st.sampled_from(OTHERS_NAMES)


def records() -> st.SearchStrategy[dict[str, Any]]:
    """Records of tasks, each part of which may be anything."""
    instants = st.sampled_from(INSTANTS) | dynamodb_values()
    return st.fixed_dictionaries(
        {
            "state": st.sampled_from(list(map(str, TaskState))) | dynamodb_values(),
            "dueAt": instants,
            "startedAt": instants,
            "attempts": st.sampled_from([Decimal(1), Decimal(0), Decimal(-1), Decimal("1e100")]) | dynamodb_values(),
        },
        optional={"finishedAt": instants, "result": dynamodb_values(), "error": dynamodb_values()},
    )


def damages() -> st.SearchStrategy[dict[str, Any]]:
    """Any value for any of the scheduler's attributes; DynamoDB itself keeps the keys of indexes to texts."""
    tasks = st.dictionaries(st.sampled_from(list(map(str, TASKS))), records() | dynamodb_values())
    previous = st.fixed_dictionaries(
        {"recordingId": names() | dynamodb_values(), "start": st.sampled_from(INSTANTS) | dynamodb_values()},
        optional={"error": dynamodb_values()},
    )
    scheduled = st.fixed_dictionaries(
        {"start": st.sampled_from(INSTANTS), "end": st.sampled_from(INSTANTS)},
        optional={"livePingDelay": dynamodb_values(), "recorderStart": dynamodb_values(), "classroomId": names()},
    )
    likely = {
        "executionName": names(),
        "recordingId": names(),
        "tasks": tasks,
        "previousRecording": previous,
        "scheduled": scheduled,
        "status": st.sampled_from(list(map(str, Status))),
        "updatedAt": st.sampled_from(INSTANTS),
    }
    anything = {
        name: dynamodb_texts().filter(bool) if name in INDEX_KEYS else dynamodb_values() for name in OWNED_ATTRIBUTES
    }
    drawn = {name: likely[name] | any_value if name in likely else any_value for name, any_value in anything.items()}
    return st.fixed_dictionaries({}, optional=drawn)


def a_day(moment: str) -> Day:
    """A class that is waiting, recording or over."""
    if moment == "before":
        return a_day_with_a_class()
    day = a_day_in_class()
    if moment == "after":
        day.run(PING)
        day.until("10:00").run(STOP)
    return day


def can_be_printed(item: Mapping[str, Any]) -> bool:
    reason = str(item.get("reason", ""))
    return is_printable(reason) and len(reason) <= REASON_LENGTH


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["before", "in class", "after"]), damages())
def test_damage_of_any_type_is_put_right_by_its_record_and_the_class_goes_on(
    moment: str, damage: dict[str, Any]
) -> None:
    day = a_day(moment)

    day.edit(
        **damage, teacher="Ada"
    )  # without an edit of their own, whoever forges `updatedAt` passes for the scheduler
    day.look()
    day.look()

    assert can_be_printed(day.item)
    assert day.item["status"] in set(Status)
    assert decode("algebra-1", day.item) is not None
    for change in day.stream:
        for event in transitions(change, POLICY):
            assert is_printable(event.detail["reason"])


@settings(max_examples=60, deadline=None)
@given(damages(), damages(), st.booleans(), st.booleans())
def test_a_record_with_damage_in_both_images_is_read_by_every_reader(
    old: dict[str, Any], new: dict[str, Any], is_removal: bool, people_edited: bool
) -> None:
    classrooms, executions = FakeClassrooms(), FakeExecutions()
    before = {**a_classroom(), **old}
    after = {**a_classroom(end="11:00" if people_edited else "10:00"), **new}
    if not is_removal:
        classrooms.put(after)
    change = Change("1" * 20, at("08:00"), "algebra-1", before, None if is_removal else after)
    day = Day()
    day.classrooms, day.executions = classrooms, executions

    assert isinstance(is_own_write(before, after), bool)
    assert reconcile_batch([change], day.reconcile) == []
    for event in transitions(change, POLICY):
        assert is_printable(event.detail["reason"])
    day.audit()
    day.until("12:00").sweep()


@settings(max_examples=30, deadline=None)
@given(damages())
def test_no_damage_keeps_the_audit_or_the_sweep_from_the_neighbours(damage: dict[str, Any]) -> None:
    day = a_day_with_a_class()
    day.classrooms.put({**a_classroom("aaa-1"), **damage})
    day.classrooms.put(a_classroom("physics-2"))

    found = day.until("08:30").audit()

    assert found.total() == 3
    assert AuditResult.FAILED not in found
    assert AuditResult.FAILED not in day.until("09:30").sweep()
    assert (day.classrooms.look("physics-2") or {})["status"] == "SCHEDULED"


@given(dynamodb_values())
def test_a_status_that_is_none_of_ours_is_none(value: Any) -> None:
    assert status_in({"status": value}) in {None, *Status}


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59.5Z", "9999-12-31T23:59:59.9-23:59"])
@pytest.mark.parametrize("where", ["previousRecording", "startedAt", "finishedAt", "dueAt", "updatedAt", "scheduled"])
def test_a_time_at_the_end_of_the_calendar_is_damage_like_any_other(time: str, where: str) -> None:
    day = a_day_in_class()
    record = {**day.item["tasks"]["StartRecording"]}
    damage: dict[str, Any] = {
        "previousRecording": {"recordingId": day.item["recordingId"], "start": time},
        "updatedAt": time,
        "scheduled": {"start": time, "end": time},
    }

    day.edit(**{where: damage[where]} if where in damage else {"tasks": {"StartRecording": {**record, where: time}}})
    day.look()
    day.until("10:00").run(STOP)

    assert day.item["status"] == "COMPLETED"


# --- a reader that breaks for a reason that nobody thought of ---------------------------------------------------------


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """What people wrote on the item can't be read where it has the attribute `poison`."""
    read = parse_schedule

    def breaks(written: Mapping[str, Any]) -> Any:
        if "poison" in written:
            raise MemoryError("nobody thought of this")
        return read(written)

    monkeypatch.setattr(classroom, "parse_schedule", breaks)


@pytest.mark.usefixtures("poisoned")
def test_an_item_that_can_not_be_read_is_invalid_and_its_neighbours_are_scheduled() -> None:
    day = Day()
    day.write(poison=1)
    day.classrooms.put(a_classroom("physics-2"))
    day.look()

    assert day.item["status"] == "INVALID"
    assert day.item["reason"].startswith("`item` can't be read (MemoryError); expected ")
    assert (day.classrooms.look("physics-2") or {})["status"] == "SCHEDULED"
    assert day.audit() == {AuditResult.HEALTHY: 2}


@pytest.mark.usefixtures("poisoned")
def test_a_class_whose_item_can_no_longer_be_read_is_recorded_as_it_was_scheduled() -> None:
    day = a_day_in_class()
    day.edit(poison=1)
    day.look()

    assert "The latest edit is not followed: `item` can't be read" in day.item["reason"]
    day.until("10:00").run(STOP)
    assert day.item["status"] == "COMPLETED"


def test_a_recording_is_stopped_at_its_end_even_where_its_item_can_not_be_read_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day = a_day_in_class()
    stop = day.an_attempt(STOP)
    monkeypatch.setattr(day.classrooms, "get", lambda _id: 1 / 0)

    day.until("10:00")
    outcome = day.runner.run(stop)

    assert outcome["state"] == "SUCCEEDED"
    assert day.told() == ["recording.start", "recording.stop"]


def test_a_recording_is_not_started_where_its_item_can_not_be_read_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    day = a_day_with_a_class()
    start = day.an_attempt(START)
    monkeypatch.setattr(day.classrooms, "get", lambda _id: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        day.runner.run(start)

    assert day.told() == []


def test_an_item_that_breaks_the_audit_is_counted_and_its_neighbours_are_audited() -> None:
    day = a_day_with_a_class()
    healthy = day.item
    failed: list[Any] = []

    found = audit([{}, healthy], day.reconciler, failed.append)

    assert found == {AuditResult.FAILED: 1, AuditResult.HEALTHY: 1}
    assert failed == [{}]


# --- what is not this class's -----------------------------------------------------------------------------------------


def test_a_copy_of_last_weeks_item_that_can_not_be_followed_names_no_execution_of_another_class() -> None:
    day = a_day_with_a_class()
    copy = {**day.item, "classroomId": "algebra-2", "start": "soon"}
    day.classroom_id = "algebra-2"
    day.classrooms.put(copy)
    day.look()

    assert day.item["status"] == "INVALID"
    assert day.item.keys() & OWNED_ATTRIBUTES == {"status", "reason", "updatedAt"}
    assert day.item["updatedAt"] > copy["updatedAt"]
