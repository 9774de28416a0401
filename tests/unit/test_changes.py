"""A batch of stream records: which matter, in what order they are looked at, which come again."""

from collections.abc import Mapping
from typing import Any

import pytest

from classroom_scheduler.domain.changes import Change, handle, is_own_write, matters
from classroom_scheduler.domain.classroom import Session
from classroom_scheduler.domain.errors import ClassroomMoved, ServiceUnavailable
from classroom_scheduler.domain.reconcile import reconcile
from tests.builders import a_classroom
from tests.unit.day import START, Day, a_day_in_class, a_day_with_a_class

Looks = list[tuple[str, str | None]]


def a_change(number: int, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change:
    item = new or old
    assert item is not None
    return Change(str(number), item["classroomId"], old, new)


def inserts(*ids: str) -> list[Change]:
    return [a_change(number, None, a_classroom(classroom_id)) for number, classroom_id in enumerate(ids)]


def test_the_schedulers_own_writes_need_no_look() -> None:
    day = a_day_in_class()
    own = [change for change in day.changes if change.old is not None]

    assert len(own) == 3, "scheduled, claimed, started"
    assert not any(matters(change) for change in own)


def test_a_write_is_the_schedulers_own_only_if_it_moves_updated_at_forward() -> None:
    before = a_day_with_a_class().item
    older = {**before, "updatedAt": "2026-12-01T07:00:00.000000Z"}
    later = {**before, "updatedAt": "2026-12-01T09:00:00.000000Z"}

    assert is_own_write(before, later)
    assert is_own_write({"classroomId": {"S": "a"}}, {"classroomId": {"S": "a"}, "updatedAt": {"S": "2026"}})
    assert not is_own_write(before, older), "a copy put back by people"
    assert not is_own_write(before, before)
    assert not is_own_write(before, a_classroom())
    assert not is_own_write(before, {**later, "teacher": "Ada"})
    assert not is_own_write(None, later)


@pytest.mark.parametrize("attribute", ["teacher", "room", "start_time"])
def test_other_attributes_do_not_matter(attribute: str) -> None:
    item = a_day_with_a_class().item

    assert not matters(a_change(1, item, {**item, attribute: "changed"}))


def test_the_same_time_written_differently_does_not_matter() -> None:
    item = a_day_with_a_class().item

    assert not matters(a_change(1, item, {**item, "start": "2026-12-01T14:30:00+05:30"}))


def test_attributes_that_grow_too_large_matter() -> None:
    item = a_day_with_a_class().item

    assert matters(a_change(1, item, {**item, "notes": "x" * 300_000}))


def test_only_the_records_of_a_classroom_that_fails_come_again() -> None:
    def look_at(classroom_id: str, previous: Session | None) -> None:
        if classroom_id == "biology":
            raise ServiceUnavailable("StartExecution is throttled")
        looks.append((classroom_id, None))

    looks: Looks = []

    assert handle(inserts("algebra", "biology", "chemistry"), look_at) == ["1"]
    assert [classroom_id for classroom_id, _ in looks] == ["algebra", "chemistry"]


def test_nothing_later_of_a_classroom_that_fails_is_looked_at() -> None:
    """Its records come again from the failed one on: in order."""
    day = a_day_in_class()
    day.delete()
    day.write()
    other = a_day_with_a_class(start="08:30").session
    changes = [
        a_change(1, None, a_classroom()),
        a_change(2, {**day.item, **_attributes(other)}, None),
        a_change(3, None, a_classroom()),
    ]
    looks: Looks = []

    def look_at(classroom_id: str, previous: Session | None) -> None:
        looks.append((classroom_id, previous.recording_id if previous else None))
        if previous is not None:
            raise ServiceUnavailable("not now")

    assert handle(changes, look_at) == ["2"]
    assert looks == [("algebra-1", None), ("algebra-1", other.recording_id)]


def _attributes(session: Session) -> dict[str, Any]:
    return {
        "recordingId": session.recording_id,
        "executionName": session.execution_name,
        "scheduled": {"start": "2026-12-01T08:30:00Z", "end": "2026-12-01T10:00:00Z"},
        "tasks": {},
    }


def test_neighbouring_changes_of_a_classroom_cost_one_look() -> None:
    day = a_day_with_a_class()
    day.look()
    for end in ("11:00", "12:00", "13:00"):
        day.edit(end=a_classroom(end=end)["end"])

    day.look()

    assert len(day.decisions) == 2, "the insert, and all three edits together"
    assert day.item["scheduled"]["end"] == "2026-12-01T13:00:00Z"


def test_two_recordings_deleted_in_one_batch_are_both_stopped() -> None:
    day = a_day_in_class()
    first = day.session
    day.look()
    day.delete()
    removed_first = day.changes
    day.changes = []
    day.write()
    day.look()
    day.until("09:31").run(START)
    second = day.session
    day.look()
    day.delete()

    day.changes = removed_first + day.changes
    day.look()

    assert {f"{first.recording_id}-stop", f"{second.recording_id}-stop"} <= day.executions.started.keys()


# --- again, at once, and in between -----------------------------------------------------------------------------------


def test_a_record_delivered_again_changes_nothing() -> None:
    day = Day()
    day.write()
    records = list(day.changes)
    day.look()
    once = day.item

    day.changes = records
    day.look()

    assert day.item == once
    assert list(day.executions.started) == [once["executionName"]]


def test_an_old_record_delivered_again_undoes_nothing() -> None:
    day = a_day_with_a_class()
    day.look()
    day.write()
    wiped = list(day.changes)
    day.look()
    day.until("09:00").run(START)
    day.edit(end="2026-12-01T11:00:00Z")
    day.look()
    now = day.item

    day.changes = wiped
    day.look()

    assert day.item == now


def test_a_class_whose_start_was_throttled_is_started_by_the_next_delivery() -> None:
    day = Day()
    day.write()
    day.executions.unavailable = True
    records = list(day.changes)

    assert handle(records, day.look_at) == ["000000000000000000000"]
    intended = day.item["executionName"]
    day.executions.unavailable = False
    assert handle(records, day.look_at) == []

    assert list(day.executions.started) == [intended], "the same name: the intent was already written"


def test_a_stop_that_is_throttled_is_no_error() -> None:
    day = a_day_with_a_class()
    old = day.session.execution_name
    day.executions.stops_throttled = True
    day.edit(end="2026-12-01T11:00:00Z")

    day.look()

    assert day.item["scheduled"]["end"] == "2026-12-01T11:00:00Z"
    assert day.until("09:00").run(START, old)["state"] == "FENCED"


def test_of_two_writers_only_one_wins_and_the_other_follows() -> None:
    day = Day()
    day.write()
    seen = day.classrooms.look("algebra-1")
    reads = iter([seen, None])

    def stale_read(classroom_id: str) -> Any:
        return next(reads, None) or day.classrooms.look(classroom_id)

    day.look()
    winner = day.item["executionName"]
    day.classrooms.get = stale_read  # type: ignore[method-assign]  # the other writer read before the winner wrote
    decision = reconcile("algebra-1", None, day.classrooms, day.executions, day.now)

    assert decision.session is not None
    assert decision.session.execution_name == winner
    assert list(day.executions.started) == [winner]


def test_a_classroom_that_others_change_all_the_time_is_given_up_for_now() -> None:
    day = Day()
    day.write()
    seen = day.classrooms.look("algebra-1")
    day.look()
    day.classrooms.get = lambda classroom_id: seen  # type: ignore[method-assign]  # always too old

    with pytest.raises(ClassroomMoved, match="5 times"):
        reconcile("algebra-1", None, day.classrooms, day.executions, day.now)
