"""A batch of stream records: which matter, in what order they are looked at, which come again."""

from collections.abc import Mapping
from typing import Any

import pytest

from classroom_scheduler.application.stream_batch import Change, is_own_write, matters, reconcile_batch
from classroom_scheduler.domain.classroom import Classroom, History
from classroom_scheduler.domain.errors import ConcurrentUpdate, ReconcilePending, ServerUnavailable, ServiceUnavailable
from classroom_scheduler.domain.plan import Action
from classroom_scheduler.domain.tasks import START, STOP
from tests.builders import a_classroom, at
from tests.fakes import Fault
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class

# Of a later second than any other: it names no session that is there already.
A_RECORD = History(left=Classroom.from_item("algebra-1", a_classroom()), name="algebra-1-zzzzzzzzzz")


def a_change(number: int, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change:
    item = new or old
    assert item is not None
    return Change(str(number), at("08:00"), item["classroomId"], old, new)


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
    def look_at(classroom_id: str, history: History) -> None:
        if classroom_id == "biology":
            raise ServiceUnavailable("StartExecution is throttled")
        looks.append(classroom_id)

    looks: list[str] = []

    assert reconcile_batch(inserts("algebra", "biology", "chemistry"), look_at) == ["1"]
    assert looks == ["algebra", "chemistry"]


def test_all_changes_of_a_classroom_in_a_batch_cost_one_look() -> None:
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

    assert reconcile_batch(records, day.reconcile) == [records[0].sequence_number]
    intended = day.item["executionName"]
    day.executions.unavailable = False
    assert reconcile_batch(records, day.reconcile) == []

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
    decision = day.reconciler.reconcile("algebra-1", A_RECORD)

    assert decision.session is not None
    assert decision.session.execution_name == winner
    assert list(day.executions.started) == [winner]


@pytest.mark.parametrize("clock", ["07:59:58", "08:00"], ids=["behind", "the same"])
def test_a_write_by_a_clock_that_is_behind_is_known_for_the_schedulers_own(clock: str) -> None:
    day = a_day_with_a_class()
    day.until("08:00").edit(end="2026-12-01T11:00:00Z")
    day.changes.clear()

    day.until(clock).reconcile("algebra-1")

    (own,) = day.changes
    assert is_own_write(own.old, own.new)
    assert not matters(own)


@pytest.mark.parametrize("nonsense", ["a while ago", "9999-12-31T23:59:59.999999Z", "", 5])
def test_whatever_somebody_wrote_there_an_item_is_written_to(nonsense: object) -> None:
    day = a_day_with_a_class()
    day.edit(updatedAt=nonsense, end="2026-12-01T11:00:00Z")

    day.look()

    assert day.item["scheduled"]["end"] == "2026-12-01T11:00:00Z"


def test_a_class_put_anew_after_its_end_is_no_continuation_though_its_records_are_late() -> None:
    """The records so far know of a class that waits; only Step Functions can say that it has come to its end."""
    day = a_day_with_a_class()
    late, day.changes = day.stream[:2], []
    day.until("09:00").run(START)
    day.until("10:00").run(STOP)
    day.executions.succeeded.add(day.session.execution_name)
    before = day.session
    day.changes.clear()
    day.write(start="2026-12-01T11:00:00Z", end="2026-12-01T12:00:00Z")
    day.executions.unanswered = True

    failed = reconcile_batch(late, day.until("10:30").reconcile)
    assert failed == [late[0].sequence_number]
    assert "recordingId" not in day.item
    day.executions.unanswered = False
    assert reconcile_batch([*late, *day.changes], day.reconcile) == []

    assert day.session.recording_id != before.recording_id
    assert day.item["status"] == "SCHEDULED"


def test_a_classroom_that_others_change_all_the_time_is_given_up_for_now() -> None:
    day = Day()
    day.write()
    seen = day.classrooms.look("algebra-1")
    day.look()
    day.classrooms.get = lambda classroom_id: seen  # type: ignore[method-assign]  # always too old

    with pytest.raises(ConcurrentUpdate, match="5 times"):
        day.reconciler.reconcile("algebra-1", A_RECORD)


def test_an_execution_whose_successor_was_only_intended_is_stopped_with_the_next_edit() -> None:
    """e1 runs; an edit's intent, e2, is written and the handler dies; the class is edited again."""
    day = a_day_with_a_class()
    day.look()
    first = day.session.execution_name
    day.edit(livePingDelay=5)
    edit = list(day.changes)
    day.executions.unavailable = True
    assert reconcile_batch(edit, day.reconcile) != []
    day.executions.unavailable = False
    day.edit(livePingDelay=6)
    day.changes = [*edit, *day.changes]

    day.look()

    assert first in day.executions.stop_calls


def test_an_insert_that_comes_again_to_a_wiped_item_starts_no_second_recording() -> None:
    day = Day()
    day.write()
    insert = list(day.changes)
    day.look()
    day.until("09:00").run(START)
    recording = day.session.recording_id
    day.look()
    day.until("09:30").write()
    wipe, day.changes = day.changes, insert

    day.look()
    day.changes = wipe
    day.look()

    assert day.item["status"] == "RECORDING"
    assert day.session.recording_id == recording
    assert day.executions.running == [recording]


def test_an_insert_that_comes_again_to_an_item_wiped_and_changed_is_left_to_that_change() -> None:
    day = Day()
    day.write()
    insert = list(day.changes)
    day.look()
    day.until("09:00").run(START)
    recording = day.session.recording_id
    day.look()
    day.until("09:30").write(end="11:00")
    wipe, day.changes = day.changes, insert

    assert day.look() == [Action.LEAVE]
    day.changes = wipe
    day.look()

    assert day.session.recording_id == recording
    assert day.item["scheduled"]["end"] == "2026-12-01T11:00:00Z"


def test_a_deleted_item_inserted_again_from_a_copy_runs_again() -> None:
    """With everything that the scheduler wrote on it: that execution was aborted, and its name can't be used again."""
    day = a_day_with_a_class()
    day.look()
    copy = day.item
    day.delete()
    day.look()
    day.executions.settle()

    day.classrooms.put(copy)
    day.look()

    assert day.item["executionName"] in day.executions.running
    assert day.item["status"] == "SCHEDULED"


def test_a_class_deleted_and_inserted_at_once_gets_an_execution_that_has_not_seen_it_gone() -> None:
    """The old one may have woken up in between, found nothing and given up."""
    day = a_day_with_a_class()
    day.look()
    first = day.session
    day.delete()
    assert day.until("09:00").run(START, first.execution_name)["state"] == "FENCED"
    day.write()
    records = list(day.changes)

    day.look()

    assert day.session.execution_name != first.execution_name
    assert day.session.recording_id == first.recording_id
    assert day.run(START)["state"] == "SUCCEEDED"
    now = day.item
    day.changes = records
    day.look()
    assert day.item == now, "and only once"


def test_an_old_record_brings_nothing_back_to_an_item_that_was_rejected_since() -> None:
    day = a_day_with_a_class()
    day.look()
    day.write()
    wiped = list(day.changes)
    day.look()
    day.delete()
    day.look()
    day.write(start="06:00", end="07:00")
    day.look()
    rejected = day.item
    assert rejected["status"] == "INVALID"

    day.changes = wiped
    day.look()

    assert day.item == rejected


def test_a_copy_from_when_the_item_was_rejected_interrupts_no_class_since() -> None:
    """Read while it was invalid, corrected, recorded; then that copy is put back: no more than a typo."""
    day = Day()
    day.write(start="06:00", end="07:00")
    day.look()
    copy = day.item
    day.write()
    day.look()
    day.until("09:00").run(START)
    day.look()
    execution = day.session.execution_name

    day.until("09:30").classrooms.put(copy)
    with pytest.raises(ReconcilePending):
        day.until("10:00").run(STOP, execution)
    day.look()

    assert day.item["status"] == "RECORDING"
    assert day.session.execution_name == execution
    assert day.executions.stop_calls == []


def test_a_class_whose_execution_was_stopped_long_ago_gets_another() -> None:
    """An old record names the session as it did before; its execution was stopped when the class was deleted."""
    day = Day()
    day.write()
    insert = list(day.changes)
    day.look()
    day.delete()
    day.look()
    day.executions.settle()
    day.write()

    day.changes = insert
    day.look()

    assert day.session.execution_name in day.executions.running


def test_a_stop_that_was_under_way_is_taken_up_again_though_the_class_was_moved_meanwhile() -> None:
    day = a_day_in_class()
    day.server.will("recording.stop", Fault.UNAVAILABLE)
    with pytest.raises(ServerUnavailable):
        day.until("10:00").run(STOP)
    day.executions.stop(day.session.execution_name, "by hand")
    day.executions.settle()

    day.edit(start="2026-12-01T09:50:00Z", end="2026-12-01T09:55:00Z")
    day.look()

    assert day.session.execution_name in day.executions.running
    assert day.run(STOP)["state"] == "SUCCEEDED"
