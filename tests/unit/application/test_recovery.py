"""Classrooms that are looked at though no record says so: executions that ended, steps overdue, items nobody saw."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.application.recovery import EVERYTHING, AuditResult, sweep
from classroom_scheduler.domain.classroom import History
from classroom_scheduler.domain.errors import (
    REPLACED,
    ConcurrentUpdate,
    PermanentError,
    ServerUnavailable,
    ServiceUnavailable,
)
from classroom_scheduler.domain.plan import MAX_RESTARTS, Action
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.tasks import PING, START, STOP
from tests.builders import a_classroom
from tests.fakes import Fault
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class

AN_HOUR = timedelta(hours=1)


def a_day_abandoned_in_class() -> Day:
    """09:30: the class records, and its execution was aborted once more than it is taken up again."""
    day = a_day_in_class()
    for _ in range(MAX_RESTARTS + 1):
        day.hear_of_the_end(day.abort())
    return day


def the_next_start_fails(day: Day) -> None:
    works = day.executions.start

    def start(name: str, request: Mapping[str, Any]) -> bool:
        day.executions.start = works  # type: ignore[method-assign]  # once
        raise ServiceUnavailable("StartExecution is throttled")

    day.executions.start = start  # type: ignore[method-assign]  # the fake knows outages only


def without(day: Day, *names: str) -> None:
    """Somebody removes attributes from the item, and the record of it is lost."""
    day.classrooms.update_attributes(day.classroom_id, {}, removed=names)
    day.changes.clear()


def a_day_whose_record_was_lost(**attributes: object) -> Day:
    """08:00: a class was written, and no function ever heard of it."""
    day = Day()
    day.write(**attributes)
    day.changes.clear()
    return day


# --- an execution ended before its time -------------------------------------------------------------------------------


def test_a_class_whose_execution_was_aborted_by_hand_is_taken_up_again() -> None:
    day = a_day_with_a_class()
    before = day.session

    assert day.hear_of_the_end(day.abort())

    assert day.session.execution_name > before.execution_name
    assert day.session.recording_id == before.recording_id
    assert day.item["status"] == "SCHEDULED"
    assert day.item["restarts"] == Decimal(1)
    assert day.item["reason"].endswith(
        "An execution of it ended before its time and was replaced (1 of at most 3 times)."
    )
    assert day.executions.running == [day.session.execution_name]


def test_a_class_whose_execution_ended_is_taken_up_though_step_functions_can_not_be_asked() -> None:
    day = a_day_with_a_class()
    name = day.session.execution_name  # whose status nobody answers: it would be taken for alive

    assert day.hear_of_the_end(name)

    assert day.item["restarts"] == Decimal(1)
    assert day.executions.stop_calls == [name]


def test_it_is_started_once_by_the_execution_that_took_it_up() -> None:
    day = a_day_with_a_class()
    old = day.abort()
    day.hear_of_the_end(old)

    assert day.until("09:00").run(START)["state"] == "SUCCEEDED"
    assert day.run(START, old)["state"] == "FENCED", "one that was redriven does nothing"
    day.until("09:01").run(PING)
    day.until("10:00").run(STOP)

    assert day.told() == ["recording.start", "recording.live", "recording.stop"]
    assert day.item["status"] == "COMPLETED"


def test_it_is_taken_up_again_and_again_but_at_most_three_times() -> None:
    day = a_day_with_a_class()

    for times in range(1, MAX_RESTARTS + 1):
        day.hear_of_the_end(day.abort())
        assert (day.item["restarts"], day.item["status"]) == (Decimal(times), "SCHEDULED")
    day.hear_of_the_end(day.abort())

    assert day.decisions[-1].action is Action.GIVE_UP
    assert day.item["status"] == "FAILED"
    assert day.item["reason"] == (
        "The recording could not be started (its execution ended 4 times before its time, never tried); "
        "nothing more is tried: write another `start` or `end` to record again."
    )
    assert day.executions.running == []
    assert "attentionAt" not in day.item
    assert day.told() == []


def test_a_class_that_was_given_up_before_its_start_stays_so_whoever_looks() -> None:
    day = a_day_with_a_class()
    for _ in range(MAX_RESTARTS + 1):
        day.hear_of_the_end(day.abort())
    before = day.item

    day.look()
    day.reconcile("algebra-1")
    day.audit()

    assert day.item == before
    assert day.executions.running == []


def test_a_class_that_was_given_up_runs_when_it_is_moved() -> None:
    day = a_day_with_a_class()
    for _ in range(MAX_RESTARTS + 1):
        day.hear_of_the_end(day.abort())

    day.edit(start="2026-12-01T09:30:00Z")
    day.look()

    assert day.item["status"] == "SCHEDULED"
    assert "restarts" not in day.item, "a new session may be taken up three times again"
    assert day.executions.running == [day.session.execution_name]


def test_an_execution_that_ended_while_its_class_records_is_replaced_without_a_second_start_or_ping() -> None:
    day = a_day_in_class()
    day.run(PING)

    day.hear_of_the_end(day.abort())
    day.run(START)
    day.run(PING)
    day.until("10:00").run(STOP)

    assert day.told() == ["recording.start", "recording.live", "recording.stop"]
    assert day.item["status"] == "COMPLETED"


def test_a_class_given_up_while_it_records_says_who_stops_the_recording_and_when() -> None:
    day = a_day_abandoned_in_class()

    assert day.item["status"] == "FAILED"
    assert day.item["reason"] == (
        "Nobody watches over the recording any more (its execution ended 4 times before its time); "
        "it is stopped at 2026-12-01T10:00:00Z. If this does not say so soon after, stop it at the classroom server."
    )
    (stop,) = day.executions.running
    assert stop == f"{day.session.recording_id}-stop"
    assert day.executions.started[stop]["end"] == "2026-12-01T10:00:00Z"


def test_its_recording_is_stopped_at_its_end_and_it_says_so() -> None:
    day = a_day_abandoned_in_class()
    (stop,) = day.executions.running

    assert day.run(START, stop)["state"] == "FENCED"
    day.until("10:00").run(STOP, stop, StartRecording={"state": "FENCED"})

    assert day.told() == ["recording.start", "recording.stop"]
    assert day.item["status"] == "COMPLETED"
    assert day.item["reason"].startswith("Recorded from 2026-12-01T09:00:00")
    assert "to 2026-12-01T10:00:00" in day.item["reason"]


@pytest.mark.parametrize("error", [REPLACED, None], ids=["stopped by the scheduler", "lost"])
def test_the_end_of_an_execution_that_was_replaced_changes_nothing(error: str | None) -> None:
    day = a_day_with_a_class()
    old = day.session.execution_name
    day.edit(start="2026-12-01T09:15:00Z")
    day.look()
    before = day.item

    assert day.hear_of_the_end(day.abort(old), error) == (error is None)

    assert day.item == before
    assert day.executions.running == [before["executionName"]]


def test_the_end_of_an_execution_whose_class_was_deleted_changes_nothing() -> None:
    day = a_day_with_a_class()
    name = day.session.execution_name
    day.delete()
    day.look()

    assert not day.hear_of_the_end(day.abort(name), REPLACED)

    assert day.classrooms.look("algebra-1") is None
    assert day.executions.running == []


def test_the_end_of_an_execution_is_heard_of_twice_and_costs_one_restart() -> None:
    day = a_day_with_a_class()
    name = day.abort()

    day.hear_of_the_end(name)
    day.hear_of_the_end(name)

    assert day.item["restarts"] == Decimal(1)
    assert day.executions.running == [day.session.execution_name]


def test_a_class_that_is_completed_is_left_alone() -> None:
    day = a_day_in_class()
    day.until("10:00").run(STOP)
    before = day.item

    day.hear_of_the_end(day.abort())

    assert day.item == before
    assert day.executions.start_calls == [before["executionName"]]


def test_a_class_whose_task_failed_for_good_is_left_alone() -> None:
    day = a_day_with_a_class()
    day.until("09:00").fail(START, "HTTP 400")
    before = day.item

    day.hear_of_the_end(day.abort())

    assert day.item == before
    assert before["status"] == "FAILED"


def test_a_class_that_was_wiped_when_its_execution_ended_is_restored_by_its_record() -> None:
    day = a_day_in_class()
    day.look()
    name = day.session.execution_name
    day.abort()
    day.write()  # nothing on the item tells whose execution ended

    day.hear_of_the_end(name)
    assert day.decisions[-1].action is Action.LEAVE
    day.look()

    assert (day.item["status"], day.item["restarts"]) == ("RECORDING", Decimal(1))
    assert day.executions.running == [day.item["executionName"]]


def test_an_execution_that_ended_while_nobody_could_start_another_is_heard_of_again() -> None:
    day = a_day_with_a_class()
    name = day.abort()
    the_next_start_fails(day)

    with pytest.raises(ServiceUnavailable):
        day.hear_of_the_end(name)
    assert day.session.execution_name != name, "the intent is written"
    day.hear_of_the_end(name)

    assert day.executions.running == [day.session.execution_name]
    assert day.item["restarts"] == Decimal(1)


@pytest.mark.parametrize("heard", ["by an event", "by a sweep", "by a mistyped edit"])
def test_a_recording_whose_stop_could_not_be_started_when_its_class_was_given_up_is_stopped(heard: str) -> None:
    day = a_day_in_class()
    for _ in range(MAX_RESTARTS):
        day.hear_of_the_end(day.abort())
    name = day.abort()
    the_next_start_fails(day)

    with pytest.raises(ServiceUnavailable):
        day.hear_of_the_end(name)
    assert (day.item["status"], day.executions.running) == ("FAILED", [])
    if heard == "by an event":
        day.hear_of_the_end(name)
    elif heard == "by a mistyped edit":
        day.edit(end="half past ten")
        day.look()
    else:
        assert day.until("10:05").sweep() == {AuditResult.RECONCILED: 1}
    (stop,) = day.executions.running
    day.until("10:06").run(STOP, stop, StartRecording={"state": "FENCED"})

    assert day.told() == ["recording.start", "recording.stop"]
    assert day.item["status"] == "COMPLETED"
    assert "attentionAt" not in day.item


@pytest.mark.parametrize("heard", ["by an event", "by a sweep", "by a mistyped edit", "by its deletion"])
def test_a_recording_that_a_failed_start_may_have_made_is_stopped_though_its_execution_is_lost(heard: str) -> None:
    day = a_day_with_a_class().until("09:00")
    day.server.will("recording.start", Fault.TIMES_OUT, Fault.REFUSES)  # it acted the first time, and said nothing
    with pytest.raises(ServerUnavailable):
        day.run(START)
    with pytest.raises(PermanentError):
        day.run(START, attempt=1)
    name = day.abort()
    assert day.item["status"] == "FAILED"
    day.look()

    if heard == "by an event":
        assert day.hear_of_the_end(name)
    elif heard == "by a sweep":
        assert day.until("09:05:30").sweep() == {AuditResult.RECONCILED: 1}
    else:
        day.delete() if heard == "by its deletion" else day.edit(end="half past ten")
        day.look()
    (stop,) = [name for name in day.executions.running if name.endswith("-stop")]
    day.run(STOP, stop, StartRecording={"state": "FENCED"})

    assert day.told() == ["recording.start", "recording.start", "recording.stop"]
    assert not any(recording.live for recording in day.server.recordings.values())
    assert day.sweep(EVERYTHING) == {}, "nothing is left to do"


def test_a_recording_that_could_not_be_stopped_in_the_end_is_found_by_every_sweep() -> None:
    """Somebody has to stop it at the classroom server, and shall not forget it."""
    day = a_day_abandoned_in_class()
    (stop,) = day.executions.running
    day.server.will("recording.stop", Fault.REFUSES)
    with pytest.raises(PermanentError):
        day.until("10:00").run(STOP, stop, StartRecording={"state": "FENCED"})
    day.abort(stop)

    for time in ("10:05", "10:10", "10:15"):
        assert day.until(time).sweep() == {AuditResult.RECONCILED: 1}

    assert day.item["status"] == "FAILED"
    assert day.told() == ["recording.start", "recording.stop"]
    assert day.executions.running == []


# --- an execution that was to stop a recording ended before its time --------------------------------------------------


def deleted_in_class() -> tuple[Day, str]:
    day = a_day_in_class()
    day.delete()
    day.look()
    day.executions.settle()
    (stop,) = day.executions.running
    return day, stop


def moved_in_class() -> tuple[Day, str]:
    """The class goes on later, under another recording; the first one is being stopped."""
    day = a_day_in_class()
    day.edit(start="2026-12-01T09:45:00Z")
    day.look()
    day.executions.settle()
    (stop,) = [name for name in day.executions.running if name != day.session.execution_name]
    return day, stop


def given_up_in_class() -> tuple[Day, str]:
    day = a_day_abandoned_in_class()
    (stop,) = day.executions.running
    return day, stop


@pytest.mark.parametrize("abandoned", [deleted_in_class, moved_in_class, given_up_in_class])
def test_a_stop_that_was_lost_is_tried_once_more_and_does_nothing_else(
    abandoned: Callable[[], tuple[Day, str]],
) -> None:
    day, stop = abandoned()
    recording_id = day.executions.started[stop]["recordingId"]

    again = day.until("09:31").hear_of_the_end_of_a_stop(day.abort(stop))

    assert again is not None
    assert day.executions.started[again] == day.executions.started[stop]
    assert day.run(START, again)["state"] == "FENCED"
    assert day.run(STOP, again, StartRecording={"state": "FENCED"})["state"] == "SUCCEEDED"
    assert not day.server.recordings[recording_id].live
    assert day.told() == ["recording.start", "recording.stop"]


def test_a_stop_that_is_heard_of_twice_is_tried_once_more() -> None:
    day, stop = deleted_in_class()
    day.abort(stop)

    first = day.until("09:31").hear_of_the_end_of_a_stop(stop)
    second = day.until("09:32").hear_of_the_end_of_a_stop(stop)

    assert first == second
    assert day.executions.running == [first]


def test_a_second_stop_that_is_lost_too_is_given_up() -> None:
    """Somebody wants it so; a recorder can be stopped at the classroom server."""
    day, stop = moved_in_class()
    again = day.hear_of_the_end_of_a_stop(day.abort(stop))
    assert again is not None

    assert day.hear_of_the_end_of_a_stop(day.abort(again)) is None

    assert day.executions.running == [day.session.execution_name]


# --- the sweep --------------------------------------------------------------------------------------------------------


def test_a_sweep_of_a_healthy_table_looks_at_nothing() -> None:
    day = a_day_with_a_class()

    assert day.until("09:04").sweep() == {}

    assert len(day.decisions) == 1


def test_a_class_that_has_not_started_five_minutes_after_it_should_have_is_looked_at() -> None:
    day = a_day_with_a_class()
    day.abort()  # and nobody heard of it

    assert day.until("09:04:59").sweep() == {}
    assert day.until("09:05").sweep() == {AuditResult.RECONCILED: 1}

    assert day.item["restarts"] == Decimal(1)
    day.run(START)
    assert day.item["tasks"]["StartRecording"]["latenessMs"] >= 5 * 60 * 1000


def test_a_class_that_has_not_stopped_five_minutes_after_its_end_is_looked_at() -> None:
    day = a_day_in_class()
    day.abort()

    assert day.until("10:05").sweep() == {AuditResult.RECONCILED: 1}
    day.run(STOP)

    assert day.told() == ["recording.start", "recording.stop"]
    assert day.item["status"] == "COMPLETED"


def test_a_class_that_is_late_for_another_reason_than_its_execution_is_looked_at_and_left_alone() -> None:
    day = a_day_with_a_class()
    before = day.item

    assert day.until("09:06").sweep() == {AuditResult.RECONCILED: 1}

    assert day.item == before
    assert day.executions.running == [before["executionName"]]


def test_a_class_that_is_over_is_never_swept_again() -> None:
    day = a_day_in_class()
    day.until("10:00").run(STOP)

    assert day.until("23:00").sweep() == {}


def test_two_sweeps_at_once_take_a_class_up_once() -> None:
    day = a_day_with_a_class()
    day.abort()
    day.until("09:05")

    def look_while_another_sweep_does(classroom_id: str, history: History) -> None:
        found = list(day.classrooms.overdue(day.item["attentionShard"], day.now()))
        day.reconcile(classroom_id, history)
        assert found == [classroom_id], "the other one has found it too"
        day.reconcile(classroom_id, history)

    assert sweep(day.classrooms, look_while_another_sweep_does, day.now()) == {AuditResult.RECONCILED: 1}

    assert day.item["restarts"] == Decimal(1)
    assert day.executions.running == [day.item["executionName"]]


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("throttled"), ConcurrentUpdate("five times"), KeyError("a mistake")]
)
def test_a_sweep_goes_on_with_others_where_one_classroom_fails(error: Exception) -> None:
    """A dead man's switch that one bad classroom can stop is none."""
    day = Day()
    for number in range(5):
        day.classrooms.put(a_classroom(f"room-{number}"))
    day.look()
    day.until("09:05")

    def look_at(classroom_id: str, history: History) -> None:
        if classroom_id == "room-2":
            raise error
        day.reconcile(classroom_id, history)

    assert sweep(day.classrooms, look_at, day.now()) == {AuditResult.RECONCILED: 4, AuditResult.FAILED: 1}


def test_a_sweep_that_cannot_ask_what_is_overdue_says_so() -> None:
    day = a_day_with_a_class()
    day.classrooms.unavailable = True

    with pytest.raises(ServiceUnavailable):
        day.sweep()


def test_a_class_deleted_a_moment_ago_is_still_in_the_index_and_is_left_alone() -> None:
    day = a_day_with_a_class()
    day.delete()

    day.reconcile("algebra-1")

    assert day.decisions[-1].action is Action.LEAVE
    assert day.classrooms.look("algebra-1") is None


# --- deferred classes -------------------------------------------------------------------------------------------------


def a_deferred_class() -> Day:
    """08:00: the class of 12:00 is beyond the horizon of one hour."""
    day = Day(SchedulingPolicy(horizon=AN_HOUR))
    day.write(start="12:00", end="13:00")
    day.look()
    return day


def test_a_class_beyond_a_horizon_of_an_hour_says_so_in_hours() -> None:
    day = a_deferred_class()

    assert day.item["status"] == "DEFERRED"
    assert day.item["reason"] == (
        "The start 2026-12-01T12:00:00Z is more than 1 hour away; an execution is started at 2026-12-01T11:00:00Z."
    )
    assert day.item["attentionAt"] == "2026-12-01T11:00:00Z"
    assert day.executions.started == {}


def test_a_deferred_class_is_scheduled_by_the_first_sweep_inside_the_horizon() -> None:
    day = a_deferred_class()

    assert day.until("10:59:59").sweep() == {}
    assert day.until("11:00").sweep() == {AuditResult.RECONCILED: 1}

    assert day.item["status"] == "SCHEDULED"
    assert day.item["attentionAt"] == "2026-12-01T12:05:00Z"
    assert "restarts" not in day.item
    assert day.executions.running == [day.item["executionName"]]
    assert day.until("11:05").sweep() == {}
    day.until("12:00").run(START)
    assert day.item["status"] == "RECORDING"


def test_a_deferred_class_moved_inside_the_horizon_is_scheduled_at_once() -> None:
    day = a_deferred_class()

    day.edit(start="2026-12-01T08:30:00Z", end="2026-12-01T09:00:00Z")
    day.look()

    assert day.item["status"] == "SCHEDULED"
    assert day.executions.running == [day.item["executionName"]]


def test_a_deferred_class_moved_further_away_stays_deferred_until_then() -> None:
    day = a_deferred_class()

    day.edit(start="2026-12-01T20:00:00Z", end="2026-12-01T21:00:00Z")
    day.look()

    assert (day.item["status"], day.item["attentionAt"]) == ("DEFERRED", "2026-12-01T19:00:00Z")
    assert day.until("11:05").sweep() == {}
    assert day.until("19:02").sweep() == {AuditResult.RECONCILED: 1}
    assert day.item["status"] == "SCHEDULED"


def test_a_scheduled_class_moved_beyond_the_horizon_is_deferred_and_comes_back() -> None:
    day = Day(SchedulingPolicy(horizon=AN_HOUR))
    day.write(start="08:30", end="09:30")
    day.look()
    first = day.session.execution_name

    day.edit(start="2026-12-01T12:00:00Z", end="2026-12-01T13:00:00Z")
    day.look()
    day.executions.settle()
    assert (day.item["status"], day.executions.running) == ("DEFERRED", [])
    day.until("11:00").sweep()

    assert day.item["status"] == "SCHEDULED"
    assert day.executions.running == [day.item["executionName"]] != [first]


def test_a_deferred_class_that_is_deleted_is_gone() -> None:
    day = a_deferred_class()

    day.delete()
    day.look()

    assert day.until("11:05").sweep() == {}
    assert day.executions.started == {}


def test_a_deferred_class_put_again_stays_deferred() -> None:
    day = a_deferred_class()
    before = {**day.item, "updatedAt": ...}

    day.write(start="12:00", end="13:00")
    day.look()

    assert {**day.item, "updatedAt": ...} == before


def test_a_deferred_class_is_healthy_to_an_audit() -> None:
    assert a_deferred_class().audit() == {AuditResult.HEALTHY: 1}


# --- the audit --------------------------------------------------------------------------------------------------------


def test_an_audit_of_a_healthy_table_writes_nothing() -> None:
    day = a_day_in_class()
    day.classrooms.put(a_classroom("to-come", start="11:00", end="12:00"))
    day.classrooms.put(a_classroom("wrong", end=...))
    day.classrooms.put(a_classroom("deferred", start="2028-01-01T09:00:00Z", end="2028-01-01T10:00:00Z"))
    day.look()
    before = (day.classrooms.writes, len(day.decisions), len(day.executions.start_calls))

    assert day.audit() == {AuditResult.HEALTHY: 4}

    assert (day.classrooms.writes, len(day.decisions), len(day.executions.start_calls)) == before


@pytest.mark.parametrize("time", ["09:30", "10:00", "10:30"])
def test_a_class_in_or_after_its_time_is_healthy_to_an_audit(time: str) -> None:
    day = a_day_in_class()
    day.until("09:31").run(PING)
    if time >= "10:00":
        day.until("10:00").run(STOP)

    assert day.until(time).audit() == {AuditResult.HEALTHY: 1}


def test_an_item_that_no_record_told_of_is_marked_and_scheduled_by_a_sweep_five_minutes_later() -> None:
    day = a_day_whose_record_was_lost(teacher="Ada")

    assert day.audit() == {AuditResult.MARKED: 1}
    assert day.item["attentionAt"] == "2026-12-01T08:05:00Z"
    assert "status" not in day.item
    assert day.until("08:04:59").sweep() == {}
    assert day.until("08:05").sweep() == {AuditResult.RECONCILED: 1}

    assert (day.item["status"], day.item["teacher"]) == ("SCHEDULED", "Ada")
    assert day.executions.running == [day.item["executionName"]]
    assert day.audit() == {AuditResult.HEALTHY: 1}


def test_the_record_that_comes_after_the_mark_schedules_it_as_ever() -> None:
    day = Day()
    day.write()
    day.audit()

    day.look()

    assert day.item["status"] == "SCHEDULED"
    assert day.item["attentionAt"] == "2026-12-01T09:05:00Z"
    assert day.until("08:06").sweep() == {}
    assert len(day.executions.started) == 1


def test_a_mark_is_a_write_that_the_stream_handler_knows_for_its_own() -> None:
    day = a_day_whose_record_was_lost()

    day.audit()

    assert day.look() == []


def test_an_item_written_wrongly_that_no_record_told_of_says_so_in_the_end() -> None:
    day = a_day_whose_record_was_lost(end=...)

    day.audit()
    day.until("08:05").sweep()

    assert day.item["status"] == "INVALID"
    assert "`end` is missing" in day.item["reason"]
    assert "attentionAt" not in day.item


def test_an_edit_whose_record_was_lost_is_carried_out() -> None:
    day = a_day_with_a_class()
    before = day.session.execution_name
    day.edit(start="2026-12-01T09:30:00Z")
    day.changes.clear()

    assert day.audit() == {AuditResult.MARKED: 1}
    assert day.until("08:05").sweep() == {AuditResult.RECONCILED: 1}

    assert day.item["scheduled"]["start"] == "2026-12-01T09:30:00Z"
    assert day.executions.stop_calls == [before]
    assert day.audit() == {AuditResult.HEALTHY: 1}


def test_a_mistake_whose_record_was_lost_is_told() -> None:
    day = a_day_with_a_class()
    day.edit(end="half past ten")
    day.changes.clear()

    assert day.audit() == {AuditResult.MARKED: 1}
    assert day.until("08:05").sweep() == {AuditResult.RECONCILED: 1}

    assert '"half past ten"' in day.item["reason"]
    assert day.item["status"] == "SCHEDULED"


def test_an_invalid_item_that_says_so_is_left() -> None:
    day = Day()
    day.write(end=...)
    day.look()
    before = day.item

    assert day.audit() == {AuditResult.HEALTHY: 1}

    assert day.item == before


@pytest.mark.parametrize("lost", [("attentionShard",), ("attentionAt",), ("attentionShard", "attentionAt")])
def test_an_item_without_its_attention_keys_gets_them_back(lost: tuple[str, ...]) -> None:
    day = a_day_with_a_class()
    before = {**day.item, "updatedAt": ...}
    without(day, *lost)

    assert day.audit() == {AuditResult.MARKED: 1}
    assert day.until("08:05").sweep() == {AuditResult.RECONCILED: 1}

    assert {**day.item, "updatedAt": ...} == before


def test_a_class_wiped_a_moment_ago_is_not_taken_for_a_new_one() -> None:
    day = a_day_in_class()
    day.look()
    before = day.session
    day.write()  # its record is on the way

    assert day.audit() == {AuditResult.MARKED: 1}
    assert day.sweep() == {}
    day.look()

    assert day.session.recording_id == before.recording_id
    assert (day.item["status"], day.item["executionName"]) == ("RECORDING", before.execution_name)
    assert day.executions.running == [before.execution_name]
    assert day.until("09:40").sweep() == {}


def test_tasks_damaged_a_moment_ago_are_put_back_by_their_record() -> None:
    day = a_day_in_class()
    day.look()
    before = day.session.tasks
    day.edit(tasks="junk")

    assert day.audit() == {AuditResult.MARKED: 1}
    day.look()

    assert day.session.tasks == before


def test_what_was_marked_already_is_not_marked_again() -> None:
    day = a_day_whose_record_was_lost()
    day.audit()
    before = day.item

    assert day.until("08:02").audit() == {AuditResult.MARKED: 1}

    assert day.item == before


def test_a_copy_of_another_classrooms_item_that_no_record_told_of_is_found() -> None:
    """Duplicated in the console, the scheduler's attributes and all: its attention keys are the other one's."""
    day = a_day_with_a_class(start="2027-03-01T09:00:00Z", end="2027-03-01T10:00:00Z")
    copy = a_classroom("algebra-2", start="09:00", end="10:00")
    day.classrooms.put({**day.item, **copy})
    day.changes.clear()

    assert day.audit() == {AuditResult.HEALTHY: 1, AuditResult.MARKED: 1}
    day.until("08:05").sweep()

    copied = day.classrooms.look("algebra-2") or {}
    assert copied["scheduled"]["start"] == "2026-12-01T09:00:00Z"
    assert copied["executionName"] in day.executions.running


@pytest.mark.parametrize(
    "junk", [{"attentionShard": "99"}, {"attentionAt": "soon"}, {"attentionShard": "3", "attentionAt": "3"}]
)
def test_a_new_item_with_attention_keys_of_its_own_invention_is_found(junk: dict[str, str]) -> None:
    day = a_day_whose_record_was_lost(**{"attentionShard": "3", "attentionAt": "2026-12-01T08:05:00Z", **junk})

    day.audit()
    day.until("08:05").sweep()

    assert day.item["status"] == "SCHEDULED"


def test_an_audit_goes_on_with_others_where_one_classroom_fails() -> None:
    day = Day()
    for number in range(5):
        day.classrooms.put(a_classroom(f"room-{number}"))
    day.changes.clear()
    update = day.classrooms.update

    def fails_for_one(classroom_id: str, *args: object, **kwargs: object) -> None:
        if classroom_id == "room-2":
            raise ServiceUnavailable("throttled")
        update(classroom_id, *args, **kwargs)  # type: ignore[arg-type]  # passed on as they came

    day.classrooms.update = fails_for_one  # type: ignore[method-assign]  # its neighbour works

    assert day.audit() == {AuditResult.MARKED: 4, AuditResult.FAILED: 1}


def test_an_item_that_has_no_room_for_a_mark_is_counted_as_failed() -> None:
    day = a_day_whose_record_was_lost(notes="x" * (400 * 1024 - 80))

    assert day.audit() == {AuditResult.FAILED: 1}


def test_an_item_deleted_since_it_was_read_is_not_brought_back() -> None:
    day = a_day_whose_record_was_lost()
    items = list(day.classrooms.segment(0, of=1))
    day.delete()
    day.classrooms.segment = lambda number, of: items if number == 0 else []  # type: ignore[method-assign]  # read before

    assert day.audit() == {AuditResult.MARKED: 1}

    assert day.classrooms.look("algebra-1") is None


# --- after an incident ------------------------------------------------------------------------------------------------


def test_executions_that_ended_unheard_are_taken_up_at_once_by_a_sweep_of_everything() -> None:
    """Otherwise a class is missed five minutes after it should have started; and after an incident, all are."""
    day = a_day_with_a_class()
    day.classrooms.put(a_classroom("healthy-1"))
    day.look()
    day.abort()

    assert day.sweep() == {}
    assert day.sweep(EVERYTHING) == {AuditResult.RECONCILED: 2}

    healthy = day.classrooms.look("healthy-1") or {}
    assert "restarts" not in healthy
    assert sorted(day.executions.running) == sorted([day.session.execution_name, healthy["executionName"]])
    day.until("09:00").run(START)
    assert day.item["tasks"]["StartRecording"]["latenessMs"] == Decimal(0)


def test_a_sweep_of_everything_leaves_alone_what_is_healthy_deferred_or_over() -> None:
    day = a_day_in_class()
    day.classrooms.put(a_classroom("to-come", start="11:00", end="12:00"))
    day.classrooms.put(a_classroom("deferred", start="2028-01-01T09:00:00Z", end="2028-01-01T10:00:00Z"))
    day.classrooms.put(a_classroom("wrong", end=...))
    day.look()
    before = (day.classrooms.writes, dict(day.executions.started))

    assert day.sweep(EVERYTHING) == {AuditResult.RECONCILED: 3}

    assert (day.classrooms.writes, dict(day.executions.started)) == before
    assert day.executions.stop_calls == []


def test_a_class_wiped_a_moment_ago_is_not_taken_for_a_new_one_by_a_sweep_of_everything() -> None:
    day = a_day_in_class()
    day.look()
    before = day.session.execution_name
    day.write()

    day.sweep(EVERYTHING)
    day.look()

    assert day.item["executionName"] == before
    assert day.executions.running == [before]


def test_tasks_damaged_a_moment_ago_are_left_to_their_record_by_a_sweep_of_everything() -> None:
    """They tell that the class has been started: without them it would be started again."""
    day = a_day_in_class()
    day.look()
    before = day.session
    day.edit(tasks="junk")

    day.sweep(EVERYTHING)

    assert day.decisions[-1].action is Action.LEAVE
    day.look()
    assert day.session == before


def test_a_task_that_would_not_wait_for_an_edit_has_the_sweep_look_after_it() -> None:
    """The record of the edit is lost, and so would be the mark of an audit with each step of the class."""
    day = a_day_with_a_class()
    day.edit(end="2026-12-01T10:30:00Z")
    day.changes.clear()

    day.until("09:00").run(START, attempt=START.patience)

    assert day.item["attentionAt"] == "2026-12-01T09:05:00Z"
    day.until("09:01").run(PING, attempt=PING.patience)
    assert day.item["attentionAt"] == "2026-12-01T09:05:00Z", "not pushed forward"
    day.until("09:06")
    day.reconcile("algebra-1")
    assert day.item["scheduled"]["end"] == "2026-12-01T10:30:00Z"
    assert day.item["attentionAt"] == "2026-12-01T10:35:00Z"


def test_a_status_that_somebody_wrote_on_a_wiped_item_is_no_rejection_though_the_audit_wrote_after_it() -> None:
    day = a_day_in_class()
    before = day.session
    day.changes.clear()
    day.write()
    day.edit(status="INVALID")

    assert day.audit() == {AuditResult.MARKED: 1}
    day.look()

    assert day.session.recording_id == before.recording_id
    assert day.item["status"] == "RECORDING"
