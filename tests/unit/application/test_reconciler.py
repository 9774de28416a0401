"""The table of what a change does, cell by cell: before the class starts, while it records, after it is over."""

from decimal import Decimal

import pytest

from classroom_scheduler.domain.plan import Action
from classroom_scheduler.domain.tasks import PING, START, STOP
from tests.builders import a_classroom
from tests.fakes import Fault
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class


def a_day_after_class() -> Day:
    day = a_day_in_class()
    day.run(PING)
    day.until("10:00").run(STOP)
    return day.until("10:30")


def stopped_by(day: Day) -> str:
    """The execution that was started only to stop a recording."""
    return next(name for name in day.executions.started if name.endswith("-stop"))


# --- inserted ---------------------------------------------------------------------------------------------------------


def test_an_inserted_class_is_scheduled_under_an_execution_of_its_name() -> None:
    day = a_day_with_a_class()

    assert day.item["status"] == "SCHEDULED"
    assert day.item["executionName"].startswith("algebra-1-")
    assert day.executions.started[day.item["executionName"]] == {
        "classroomId": "algebra-1",
        "recordingId": day.item["recordingId"],
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "livePingDelay": 60,
    }
    assert day.item["reason"] == (
        "Recording starts at 2026-12-01T09:00:00Z, the live ping follows 60 s later, "
        "and recording stops at 2026-12-01T10:00:00Z."
    )


def test_an_inserted_class_can_be_found_by_its_day_and_by_when_it_needs_attention() -> None:
    item = a_day_with_a_class().item

    assert (item["day"], item["scheduledStart"]) == ("2026-12-01", "2026-12-01T09:00:00Z")
    assert item["attentionAt"] == "2026-12-01T09:05:00Z"
    assert item["attentionShard"] in "01234567"


def test_a_class_whose_end_is_past_is_invalid_and_nothing_runs() -> None:
    day = Day()
    day.write(start="06:00", end="07:00")

    day.look()

    assert day.item["status"] == "INVALID"
    assert "`end` is 2026-12-01T07:00:00Z, which was already past" in day.item["reason"]
    assert day.executions.started == {}


def test_a_class_that_should_have_started_starts_at_once_and_says_how_late() -> None:
    day = a_day_with_a_class(start="07:45")

    day.run(START)

    assert day.item["status"] == "RECORDING"
    assert day.item["tasks"]["StartRecording"]["latenessMs"] == Decimal(15 * 60 * 1000)


def test_a_class_beyond_the_horizon_is_deferred_and_nothing_runs() -> None:
    day = Day()
    day.write(start="2028-12-01T09:00:00Z", end="2028-12-01T10:00:00Z")

    day.look()

    assert day.item["status"] == "DEFERRED"
    assert "more than 300 days away" in day.item["reason"]
    assert day.item["attentionAt"] == "2028-02-05T09:00:00Z"
    assert day.executions.started == {}


def test_a_deferred_class_is_scheduled_when_somebody_looks_inside_the_horizon() -> None:
    day = Day()
    day.write(start="2027-12-01T09:00:00Z", end="2027-12-01T10:00:00Z")
    day.look()
    day.time = day.time.replace(year=2027, month=6)

    day.reconcile("algebra-1")

    assert day.item["status"] == "SCHEDULED"
    assert list(day.executions.started) == [day.item["executionName"]]


def test_a_copy_of_another_classrooms_item_is_scheduled_on_its_own() -> None:
    """People duplicate items in the console, scheduler's attributes and all."""
    day = Day()
    day.classrooms.put({**a_day_with_a_class().item, "classroomId": "algebra-1b"})

    day.look()

    (name,) = day.executions.started
    assert name.startswith("algebra-1b-")


# --- changed before it starts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [{"start": "2026-12-01T09:15:00Z"}, {"end": "2026-12-01T11:00:00Z"}, {"livePingDelay": 5}],
    ids=["start", "end", "livePingDelay"],
)
def test_a_class_edited_before_it_starts_gets_a_new_execution_and_keeps_its_recording_id(
    edit: dict[str, object],
) -> None:
    day = a_day_with_a_class()
    before = day.session

    day.edit(**edit)
    day.look()

    assert day.session.recording_id == before.recording_id
    assert day.session.execution_name > before.execution_name
    assert day.executions.stop_calls == [before.execution_name]
    assert day.executions.started[day.session.execution_name].items() >= edit.items()


def test_a_class_moved_beyond_the_horizon_is_deferred_and_its_execution_stopped() -> None:
    day = a_day_with_a_class()
    before = day.session.execution_name

    day.write(start="2028-12-01T09:00:00Z", end="2028-12-01T10:00:00Z")
    day.look()

    assert day.item["status"] == "DEFERRED"
    assert day.executions.stop_calls == [before]
    assert list(day.executions.started) == [before]


def test_the_old_execution_of_a_moved_class_wakes_up_and_does_nothing() -> None:
    day = a_day_with_a_class()
    old = day.session.execution_name
    day.edit(start="2026-12-01T09:15:00Z")
    day.look()

    assert day.until("09:00").run(START, old)["state"] == "FENCED"
    assert day.told() == []


def test_other_attributes_change_nothing() -> None:
    day = a_day_with_a_class()
    day.look()
    before = day.item

    day.edit(teacher="Ada")

    assert day.look() == []
    assert {**day.item, "teacher": ...} == {**before, "teacher": ...}


def test_the_same_item_put_again_gets_back_what_was_wiped() -> None:
    day = a_day_with_a_class()
    before = {**day.item, "updatedAt": ...}

    day.write()
    day.look()

    assert {**day.item, "updatedAt": ...} == before
    assert list(day.executions.started) == [day.item["executionName"]]
    assert day.executions.stop_calls == []


def test_a_class_deleted_before_it_starts_is_stopped_without_a_call() -> None:
    day = a_day_with_a_class()
    name = day.session.execution_name

    day.delete()
    day.look()

    assert day.executions.stop_calls == [name]
    assert "deleted before its class started" in day.executions.stopping[name]
    assert day.until("09:00").run(START, name)["state"] == "FENCED"
    assert day.until("10:00").run(STOP, name, StartRecording={"state": "FENCED", "attempt": 0})["state"] == "FENCED"
    assert day.told() == []


def test_a_class_deleted_and_inserted_at_once_is_updated() -> None:
    day = a_day_with_a_class()
    before = day.session

    day.delete()
    day.write(start="09:30")
    day.look()

    assert day.session.recording_id == before.recording_id
    assert day.executions.stop_calls == [before.execution_name]
    assert day.item["scheduledStart"] == "2026-12-01T09:30:00Z"


@pytest.mark.parametrize("in_class", [False, True], ids=["before it starts", "while recording"])
def test_a_typo_never_costs_a_recording(in_class: bool) -> None:
    day = a_day_in_class() if in_class else a_day_with_a_class()
    before = day.session

    day.edit(end="31 February")
    day.look()

    assert day.session == before
    assert day.item["status"] == ("RECORDING" if in_class else "SCHEDULED")
    assert 'not followed: `end` is "31 February"; expected an RFC 3339 date-time' in day.item["reason"]
    assert "recording stops at 2026-12-01T10:00:00Z" in day.item["reason"]


def test_a_typo_is_still_told_after_the_recording_has_started() -> None:
    day = a_day_with_a_class()
    day.edit(end="31 February")
    day.look()

    day.until("09:00").run(START)

    assert "31 February" in day.item["reason"]
    assert day.item["status"] == "RECORDING"


def test_a_class_moved_into_the_past_before_it_starts_stays_where_it_is() -> None:
    day = a_day_with_a_class()
    before = day.session

    day.write(start="2026-11-01T09:00:00Z", end="2026-11-01T10:00:00Z")
    day.look()

    assert day.session == before
    assert "which was already past" in day.item["reason"]


def test_a_corrected_typo_leaves_no_trace() -> None:
    day = a_day_with_a_class()
    reason = day.item["reason"]
    day.edit(end="31 February")
    day.look()

    day.edit(end="2026-12-01T10:00:00Z")
    day.look()

    assert day.item["reason"] == reason
    assert list(day.executions.started) == [day.item["executionName"]]


def test_an_item_that_was_never_valid_is_scheduled_once_it_is() -> None:
    day = Day()
    day.write(end=...)
    day.look()
    assert "`end` is missing" in day.item["reason"]

    day.edit(end="2026-12-01T10:00:00Z")
    day.look()

    assert day.item["status"] == "SCHEDULED"


# --- changed while recording ------------------------------------------------------------------------------------------


def test_a_class_extended_while_recording_goes_on_under_a_new_execution() -> None:
    day = a_day_in_class()
    before = day.session

    day.edit(end="2026-12-01T11:00:00Z")
    day.look()

    assert day.session.recording_id == before.recording_id
    assert day.executions.stop_calls == [before.execution_name]
    assert day.run(START)["state"] == "SUCCEEDED"
    assert day.told() == ["recording.start"], "the execution that goes on starts nothing again"
    assert day.until("10:00").run(STOP, before.execution_name)["state"] == "FENCED"
    day.until("11:00").run(STOP)
    assert day.item["status"] == "COMPLETED"
    assert day.told() == ["recording.start", "recording.stop"]


def test_a_ping_that_was_skipped_is_sent_after_all_where_the_class_is_extended() -> None:
    day = a_day_with_a_class(end="09:00:30")
    day.until("09:00").run(START)
    assert day.run(PING)["state"] == "SKIPPED"

    day.edit(end="2026-12-01T10:00:00Z")
    day.look()

    assert day.until("09:01").run(PING)["state"] == "SUCCEEDED"
    assert "the live ping went out" in day.item["reason"]


def test_a_handler_whose_clock_is_behind_interrupts_nothing() -> None:
    """By its own clock the class that was started a moment ago has yet to start."""
    day = a_day_with_a_class()
    day.until("09:00").run(START)
    recording = day.session.recording_id

    day.until("08:59:59.995").edit(end="2026-12-01T11:00:00Z")
    day.look()

    assert day.session.recording_id == recording


def test_a_class_shortened_into_the_past_while_recording_stops_at_once() -> None:
    day = a_day_in_class()

    day.edit(end="2026-12-01T09:20:00Z")
    day.look()
    ping, stop = day.run(PING), day.run(STOP)

    assert (ping["state"], stop["state"]) == ("SKIPPED", "SUCCEEDED")
    assert day.item["status"] == "COMPLETED"


def test_a_ping_that_went_out_is_not_sent_again_after_an_extension() -> None:
    day = a_day_in_class()
    day.run(PING)

    day.edit(end="2026-12-01T11:00:00Z")
    day.look()
    day.run(PING)

    assert day.told().count("recording.live") == 1


def test_a_class_moved_into_the_future_while_recording_stops_now_and_runs_again_then() -> None:
    day = a_day_in_class()
    first = day.session

    day.write(start="14:00", end="15:00")
    day.look()

    assert day.session.recording_id != first.recording_id
    assert day.item["status"] == "SCHEDULED"
    assert f"{first.recording_id}, is being stopped" in day.item["reason"]
    day.run(STOP, stopped_by(day))
    assert day.server.live == set()
    assert "previousRecording" not in day.item
    assert "being stopped" not in day.item["reason"]
    day.until("14:00").run(START)
    assert day.server.live == {day.session.recording_id}


def test_the_next_recording_starts_on_time_though_the_server_will_not_stop_the_one_before() -> None:
    day = a_day_in_class()
    first = day.session.recording_id
    day.server.will("recording.stop", Fault.UNAVAILABLE, Fault.UNAVAILABLE)

    day.write(start="09:31", end="10:00")
    day.look()
    with pytest.raises(Exception, match="503"):
        day.run(STOP, stopped_by(day))
    assert "could not be stopped yet (503" in day.item["reason"]
    day.until("09:31").run(START)

    assert day.item["status"] == "RECORDING"
    assert f"{first}, could not be stopped yet" in day.item["reason"]
    day.run(STOP, stopped_by(day))
    assert day.server.live == {day.session.recording_id}
    assert first not in day.item["reason"]


def test_the_recording_before_is_stopped_before_the_next_one_starts() -> None:
    """Even where the execution that stops it comes late."""
    day = a_day_in_class()
    day.write(start="09:31", end="10:00")
    day.look()

    day.until("09:31").run(START)

    assert day.told() == ["recording.start", "recording.stop", "recording.start"]
    assert len(day.server.live) == 1


def test_the_same_item_put_again_while_recording_interrupts_nothing() -> None:
    day = a_day_in_class()
    before = {**day.item, "updatedAt": ...}

    day.write()
    day.look()

    assert {**day.item, "updatedAt": ...} == before
    assert len(day.executions.started) == 1
    assert day.executions.stop_calls == []


def test_the_server_gets_the_newest_attributes_at_its_next_call() -> None:
    day = a_day_in_class()

    day.edit(teacher="Grace")
    day.run(PING)

    assert day.server.sent("recording.live")[0].data["classroom"]["teacher"] == "Grace"


def test_a_class_deleted_while_recording_is_stopped_at_once() -> None:
    day = a_day_in_class()
    execution = day.session.execution_name

    day.delete()
    day.look()

    assert day.executions.stop_calls == [execution]
    request = day.executions.started[stopped_by(day)]
    assert request["start"] <= request["end"] <= "2026-12-01T09:30:01Z", "its waits pass at once"
    assert day.run(START, stopped_by(day))["state"] == "FENCED"
    assert day.run(PING, stopped_by(day))["state"] == "FENCED"
    assert day.run(STOP, stopped_by(day))["state"] == "SUCCEEDED"
    assert day.server.live == set()


def test_a_class_extended_while_it_is_being_stopped_is_a_new_session() -> None:
    """The stop may have been heard, so that the recording can't be relied upon to go on."""
    day = a_day_in_class()
    first = day.session.recording_id
    day.server.will("recording.stop", Fault.TIMES_OUT)
    with pytest.raises(Exception, match="no answer"):
        day.until("10:00").run(STOP)

    day.edit(end="2026-12-01T11:00:00Z")
    day.look()
    day.run(START)

    assert day.session.recording_id != first
    assert day.server.live == {day.session.recording_id}


# --- changed after it is over -----------------------------------------------------------------------------------------


def test_a_class_completed_needs_no_attention_any_more() -> None:
    item = a_day_after_class().item

    assert item["status"] == "COMPLETED"
    assert "attentionAt" not in item
    assert item["reason"].startswith("Recorded from 2026-12-01T09:00:00")


def test_a_completed_class_moved_into_the_future_is_a_new_session() -> None:
    day = a_day_after_class()
    first = day.session.recording_id

    day.write(start="14:00", end="15:00")
    day.look()

    assert day.item["status"] == "SCHEDULED"
    assert day.session.recording_id != first
    assert day.item["tasks"] == {}


def test_a_completed_class_moved_in_the_past_runs_nothing() -> None:
    day = a_day_after_class()

    day.write(start="08:30", end="09:30")
    day.look()

    assert day.item["status"] == "COMPLETED"
    assert len(day.executions.started) == 1


def test_a_completed_class_put_again_runs_nothing_and_gets_its_attributes_back() -> None:
    day = a_day_after_class()
    before = {**day.item, "updatedAt": ...}

    day.write()
    day.look()

    assert {**day.item, "updatedAt": ...} == before
    assert len(day.executions.started) == 1


def test_a_completed_class_edited_wrongly_is_invalid() -> None:
    day = a_day_after_class()

    day.edit(start="tomorrow")
    day.look()

    assert day.item["status"] == "INVALID"
    assert '`start` is "tomorrow"' in day.item["reason"]


def test_a_class_that_ran_in_spite_of_a_typo_is_completed_and_stays_so() -> None:
    day = a_day_in_class()
    day.edit(end="half past ten")
    typo = list(day.changes)
    day.look()
    day.until("10:00").run(STOP)
    completed = day.item

    assert completed["status"] == "COMPLETED"
    assert 'was not followed: `end` is "half past ten"' in completed["reason"]
    day.changes = typo
    day.look()
    assert day.item == completed, "whenever the edit's record comes again"


def test_a_completed_class_deleted_needs_nothing() -> None:
    day = a_day_after_class()
    day.look()

    day.delete()

    assert day.look() == [Action.LEAVE]
    assert day.executions.stop_calls == []


def test_a_failed_class_deleted_and_inserted_again_runs_again() -> None:
    day = a_day_with_a_class()
    day.server.will("recording.start", Fault.REFUSES)
    with pytest.raises(Exception, match="400"):
        day.until("09:00").run(START)
    first = day.session.recording_id
    day.look()

    day.delete()
    day.write()
    day.look()

    assert day.item["status"] == "SCHEDULED"
    assert day.session.recording_id != first


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        {"tasks": "gone"},
        {"tasks": {"StartRecording": {"state": "MAYBE"}}},
        {"scheduled": 5},
        {"executionName": "nothing"},
        {"executionName": 7},
        {"recordingId": "somebody-else"},
        {"status": "HAPPY", "reason": "because"},
    ],
    ids=str,
)
def test_what_somebody_edits_of_the_schedulers_attributes_is_put_back(damage: dict[str, object]) -> None:
    day = a_day_in_class()
    before = {**day.item, "updatedAt": ...}

    day.edit(**damage)
    day.look()

    assert {**day.item, "updatedAt": ...} == before


def test_an_old_copy_of_the_item_put_back_undoes_nothing() -> None:
    """Read, change, put: meanwhile the class has started, and the copy still says SCHEDULED."""
    day = a_day_with_a_class()
    copy = {**day.item, "teacher": "Ada"}
    day.until("09:00").run(START)
    recording = {**day.item, "updatedAt": ..., "teacher": "Ada"}
    day.look()

    day.classrooms.put(copy)
    day.look()

    assert {**day.item, "updatedAt": ...} == recording


def test_an_old_copy_with_a_new_end_reschedules_the_recording_that_runs() -> None:
    day = a_day_with_a_class()
    copy = {**day.item, "end": a_classroom(end="11:00")["end"]}
    day.until("09:00").run(START)
    day.look()

    day.classrooms.put(copy)
    day.look()

    assert day.item["status"] == "RECORDING"
    assert day.session.has(START)
    assert day.item["scheduled"]["end"] == "2026-12-01T11:00:00Z"


def test_a_handler_whose_clock_is_seconds_behind_takes_no_running_class_for_one_to_come() -> None:
    day = a_day_with_a_class()
    day.until("08:59:58").run(START)  # the execution's clock says 09:00
    recording = day.session.recording_id

    day.edit(end="2026-12-01T11:00:00Z")
    day.look()

    assert day.session.recording_id == recording
    assert day.item["status"] == "RECORDING"
