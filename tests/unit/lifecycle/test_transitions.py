"""What others are told of a class: each transition that its item shows, and nothing else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from classroom_scheduler.application.recovery import execution_ended
from classroom_scheduler.application.stream_batch import Change
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.tasks import PING, START, STOP, TaskSpec
from classroom_scheduler.lifecycle.ports import Event
from classroom_scheduler.lifecycle.transitions import PUBLISHED_ATTRIBUTES, SOURCE, may_publish, transitions
from tests.builders import POLICY, a_classroom, at
from tests.fakes import Fault
from tests.schemas import complaints, unknown_fields
from tests.unit.day import Day, a_day_in_class, a_day_with_a_class

PERSONAL = {"teacher": "Ada Lovelace", "phone": "+44 20 7946 0000", "pupils": {"Grace"}}


def told(day: Day, since: int = 0) -> list[str]:
    """The types of the events of this day, from a position in the stream on."""
    return [event.type for event in events(day, since)]


def events(day: Day, since: int = 0) -> list[Event]:
    found = [event for change in day.stream[since:] for event in transitions(change, POLICY)]
    for event in found:
        sent = as_sent(event)
        assert complaints("published", sent) == []
        assert unknown_fields(sent) == set()
    return found


def as_sent(event: Event) -> dict[str, Any]:
    """The event as those who listen get it."""
    time = event.time.isoformat().replace("+00:00", "Z")
    detail = {"stackName": "classroom-scheduler", **event.detail}
    sent = {"source": SOURCE, "detail-type": event.type, "time": time, "detail": detail}
    return dict(json.loads(json.dumps(sent)))


def the_end_of(day: Day) -> Day:
    day.until("09:31").run(PING)
    day.until("10:00").run(STOP)
    return day


# --- a class that goes well -------------------------------------------------------------------------------------------


def test_a_class_is_told_as_scheduled_started_pinged_and_stopped() -> None:
    day = the_end_of(a_day_in_class())

    assert told(day) == ["Classroom Scheduled", "Recording Started", "Live Ping Sent", "Recording Stopped"]
    assert day.item["status"] == "COMPLETED"


def test_an_event_says_of_which_class_and_recording_why_and_when() -> None:
    day = a_day_with_a_class(livePingDelay=30)

    (event,) = events(day)

    assert event.time == at("08:00")
    assert event.detail == {
        "version": "1",
        "eventId": f"{day.item['executionName']}-scheduled",
        "occurredAt": day.item["updatedAt"],
        "classroomId": "algebra-1",
        "status": "SCHEDULED",
        "reason": day.item["reason"],
        "recordingId": day.item["recordingId"],
        "executionName": day.item["executionName"],
        "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T10:00:00Z",
        "livePingDelay": 30,
        "day": "2026-12-01",
    }


def test_an_event_of_a_task_says_when_it_was_due_and_done_but_not_what_the_server_answered() -> None:
    day = a_day_with_a_class()
    day.server.answer = {"recorder": "camera-12"}
    day.until("09:00:00.250").run(START)

    _, started = events(day)

    assert started.detail["eventId"] == f"{day.item['recordingId']}-start"
    assert {name: started.detail[name] for name in ("task", "dueAt", "latenessMs", "attempts")} == {
        "task": "StartRecording",
        "dueAt": "2026-12-01T09:00:00.000Z",
        "latenessMs": 250,
        "attempts": 1,
    }
    assert "camera-12" not in str(started.detail)


def test_an_event_of_a_task_has_the_id_of_the_webhook_that_the_server_was_sent() -> None:
    day = the_end_of(a_day_in_class())

    assert [event.detail["eventId"] for event in events(day)[1:]] == [message.id for message in day.server.received]


def test_nothing_of_peoples_is_told_to_anybody() -> None:
    day = a_day_with_a_class(**PERSONAL)
    day.until("09:00").run(START)
    day.delete()

    for value in ("Ada Lovelace", "+44 20 7946 0000", "Grace"):
        assert value not in str([event.detail for event in events(day)])


def test_what_is_not_read_is_not_missed() -> None:
    day = a_day_with_a_class(**PERSONAL)
    day.until("09:00").run(START)
    day.delete()

    def narrowed(image: Item | None) -> Item | None:
        return None if image is None else {name: image[name] for name in image if name in PUBLISHED_ATTRIBUTES}

    for change in day.stream:
        narrow = replace(change, old=narrowed(change.old), new=narrowed(change.new))
        assert transitions(narrow, POLICY) == transitions(change, POLICY)


def test_a_record_that_is_delivered_again_gives_the_same_events() -> None:
    day = the_end_of(a_day_in_class())

    assert [transitions(change, POLICY) for change in day.stream] == [
        transitions(change, POLICY) for change in day.stream
    ]


def test_each_event_of_a_day_has_an_id_of_its_own() -> None:
    day = a_day_in_class()
    day.edit(end="2026-12-01T09:45:00Z")
    day.look()
    day.edit(end="2026-12-01T10:00:00Z")
    day.look()
    the_end_of(day)

    ids = [event.detail["eventId"] for event in events(day)]

    assert len(set(ids)) == len(ids) == 6


# --- schedules --------------------------------------------------------------------------------------------------------


def test_a_class_that_is_moved_is_told_as_scheduled_again() -> None:
    day = a_day_with_a_class()
    day.edit(start="2026-12-01T09:30:00Z")
    day.look()

    first, second = events(day)

    assert (first.type, second.type) == ("Classroom Scheduled", "Classroom Scheduled")
    assert (first.detail["start"], second.detail["start"]) == ("2026-12-01T09:00:00Z", "2026-12-01T09:30:00Z")
    assert first.detail["eventId"] != second.detail["eventId"]


def test_a_class_that_is_extended_while_recording_is_told_as_scheduled_and_not_as_started_again() -> None:
    day = a_day_in_class()
    before = len(day.stream)
    day.edit(end="2026-12-01T10:30:00Z")
    day.look()

    (event,) = events(day, before)

    assert event.type == "Classroom Scheduled"
    assert (event.detail["status"], event.detail["end"]) == ("RECORDING", "2026-12-01T10:30:00Z")


def test_a_class_that_goes_on_under_another_execution_is_told_as_scheduled_even_at_the_same_times() -> None:
    """It may have been deleted, and told as cancelled, just before."""
    day = a_day_with_a_class()
    change = day.stream[-1]
    assert change.new is not None
    replaced = {**change.new, "executionName": "algebra-1-zzzzzzzzzz", "updatedAt": "2026-12-01T08:30:00.000000Z"}

    (event,) = transitions(replace(change, old=change.new, new=replaced), POLICY)
    assert (event.type, event.detail["eventId"]) == ("Classroom Scheduled", "algebra-1-zzzzzzzzzz-scheduled")


def test_a_class_beyond_the_horizon_is_told_as_scheduled_and_the_reason_says_when_it_gets_an_execution() -> None:
    day = a_day_with_a_class(start="2027-12-01T09:00:00Z", end="2027-12-01T10:00:00Z")

    (event,) = events(day)

    assert (event.type, event.detail["status"]) == ("Classroom Scheduled", "DEFERRED")
    assert "an execution is started at" in event.detail["reason"]


def test_a_deferred_class_that_comes_within_the_horizon_is_no_news() -> None:
    day = a_day_with_a_class(start="2027-12-01T09:00:00Z", end="2027-12-01T10:00:00Z")
    change = day.stream[-1]
    assert change.new is not None
    due = {**change.new, "status": "SCHEDULED", "updatedAt": "2027-02-04T09:00:00.000000Z"}

    assert transitions(replace(change, old=change.new, new=due), POLICY) == []


def test_an_edit_of_other_attributes_is_no_news() -> None:
    day = a_day_in_class()
    before = len(day.stream)
    day.edit(teacher="Grace")
    day.look()

    assert told(day, before) == []


def test_a_class_that_is_put_again_with_a_new_end_after_it_was_over_is_scheduled_anew() -> None:
    day = the_end_of(a_day_in_class())
    before = len(day.stream)
    day.until("11:00").edit(start="2026-12-01T12:00:00Z", end="2026-12-01T13:00:00Z")
    day.look()

    assert told(day, before) == ["Classroom Scheduled"]


# --- wiped, damaged and put back --------------------------------------------------------------------------------------


def test_a_wipe_is_no_news() -> None:
    day = a_day_in_class()
    before = len(day.stream)
    day.write()

    assert told(day, before) == []


def test_an_item_that_is_put_back_in_order_repeats_itself_under_the_same_ids() -> None:
    day = a_day_in_class()
    known = {event.detail["eventId"]: event.type for event in events(day)}
    before = len(day.stream)
    day.write()
    day.look()

    again = {event.detail["eventId"]: event.type for event in events(day, before)}

    assert again == known, "nothing new, and nothing under another id"


def test_a_class_that_is_over_and_put_back_in_order_is_not_told_as_scheduled() -> None:
    day = the_end_of(a_day_in_class())
    before = len(day.stream)
    day.until("11:00").write()
    day.look()

    assert "Classroom Scheduled" not in told(day, before)


def test_an_old_copy_that_people_put_back_tells_nothing() -> None:
    day = a_day_with_a_class()
    copy = dict(day.item)
    day.edit(start="2026-12-01T09:30:00Z")
    day.look()
    before = len(day.stream)
    day.classrooms.put(copy)

    assert told(day, before) == []


def test_a_copy_that_people_insert_tells_nothing_until_the_scheduler_has_looked_at_it() -> None:
    day = a_day_in_class()
    copy = dict(day.item)
    day.delete()
    before = len(day.stream)
    day.classrooms.put(copy)

    assert told(day, before) == []
    day.look()
    assert told(day) == ["Classroom Scheduled", "Recording Started", "Classroom Cancelled", "Classroom Scheduled"]


def test_what_people_write_over_the_schedulers_attributes_by_hand_tells_nothing() -> None:
    day = a_day_with_a_class()
    before = len(day.stream)
    day.edit(status="INVALID", tasks={"StopRecording": {"state": "SUCCEEDED"}}, previousRecording=None)

    assert told(day, before) == []


def test_a_write_of_the_scheduler_counts_whatever_people_have_made_of_the_time_of_the_last() -> None:
    day = Day()
    day.write(updatedAt="9999-12-31T00:00:00.000000Z")
    day.look()

    assert told(day) == ["Classroom Scheduled"]


@pytest.mark.parametrize("damage", [{"tasks": "none"}, {"scheduled": 5}, {"recordingId": ["x"]}, {"status": {"a"}}])
def test_damage_is_read_without_an_error(damage: dict[str, Any]) -> None:
    day = a_day_in_class()
    before = len(day.stream)
    day.edit(**damage, updatedAt="by hand")
    day.delete()

    assert told(day, before) == ["Classroom Cancelled"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_start_that_fails_for_good_is_told_with_the_task_and_the_reason() -> None:
    day = a_day_with_a_class()
    day.server.will("recording.start", Fault.REFUSES)
    with pytest.raises(Exception, match="400"):
        day.until("09:00").run(START)

    _, failed = events(day)

    assert failed.type == "Classroom Failed"
    assert (failed.detail["status"], failed.detail["task"]) == ("FAILED", "StartRecording")
    assert "400 Bad Request" in failed.detail["reason"]


def test_a_stop_that_fails_for_good_is_told_once() -> None:
    day = a_day_in_class()
    day.until("11:00").fail(STOP, "States.Timeout")
    day.edit(teacher="Grace")
    day.look()

    assert told(day)[2:] == ["Classroom Failed"]
    assert events(day)[-1].detail["task"] == "StopRecording"


def test_a_class_whose_executions_are_lost_is_told_as_scheduled_three_times_more_and_failed_then() -> None:
    day = a_day_in_class()
    before = len(day.stream)
    for _ in range(4):
        name = day.item["executionName"]
        day.executions.aborted[name] = "by hand"
        execution_ended(name, "aborted by hand", "algebra-1", day.classrooms, day.reconcile)

    assert told(day, before) == [*["Classroom Scheduled"] * 3, "Classroom Failed"]
    assert events(day)[-1].detail["attempts"] == 0


def test_an_unconfirmed_recording_that_is_stopped_is_told_as_stopped() -> None:
    day = a_day_with_a_class()
    name = day.item["executionName"]
    day.server.will("recording.start", *[Fault.TIMES_OUT] * 2)
    for attempt in range(2):
        with pytest.raises(Exception, match="no answer"):
            day.until("09:00").run(START, attempt=attempt)
    day.fail(START, "no answer in time", name)
    day.until("09:10").run(STOP, name)

    assert told(day) == ["Classroom Scheduled", "Classroom Failed", "Recording Stopped"]


@pytest.mark.parametrize("delay", [7200, 3600])
def test_a_ping_that_is_skipped_is_no_event(delay: int) -> None:
    day = a_day_in_class(livePingDelay=delay)
    day.run(PING)

    assert day.item["tasks"]["SendLivePing"]["state"] == "SKIPPED"
    assert told(day) == ["Classroom Scheduled", "Recording Started"]


def test_a_ping_that_fails_is_no_event() -> None:
    day = a_day_in_class()
    day.server.will("recording.live", Fault.REFUSES)
    day.run(PING)

    assert told(day) == ["Classroom Scheduled", "Recording Started"]


def test_an_attempt_that_fails_is_no_event() -> None:
    day = a_day_with_a_class()
    day.server.will("recording.start", Fault.UNAVAILABLE)
    with pytest.raises(Exception, match="503"):
        day.until("09:00").run(START)

    assert told(day) == ["Classroom Scheduled"]


def test_a_class_that_can_not_be_followed_is_told_as_invalid_with_every_wrong_field_and_what_is_expected() -> None:
    day = a_day_with_a_class(start="ask Ada Lovelace, +44 20 7946 0000", end=None)

    (event,) = events(day)

    assert event.type == "Classroom Invalid"
    assert "`start` can't be followed; expected a" in event.detail["reason"].replace("an RFC", "a RFC")
    assert "`end` can't be followed; expected a string" in event.detail["reason"]
    assert event.detail["reason"].endswith("Nothing runs until this is corrected.")
    assert "recordingId" not in event.detail
    assert "Lovelace" in day.item["reason"], "who can read the item may read the value"
    assert "Lovelace" not in str(event.detail)


def test_a_class_whose_end_is_past_is_told_as_invalid_and_to_be_corrected() -> None:
    day = Day().until("11:00")
    day.write()
    day.look()

    (event,) = events(day)

    assert event.detail["reason"] == "The item can't be followed, and says why. Nothing runs until this is corrected."


@pytest.mark.parametrize("task", [START, PING, STOP])
def test_no_event_of_a_class_that_goes_on_in_spite_of_a_typo_quotes_the_typo(task: TaskSpec) -> None:
    day = a_day_with_a_class()
    for each, time in ((START, "09:00"), (PING, "09:01"), (STOP, "10:00")):
        if each is task:
            day.edit(end="ask Ada Lovelace")
            day.look()
        day.until(time).run(each)

    assert "Lovelace" in day.item["reason"]
    assert len(told(day)) == 4
    assert "Lovelace" not in str(events(day))


@pytest.mark.parametrize("status", ["INVALID", "RECORDING"])
def test_a_reason_that_people_wrote_themselves_never_goes_out(status: str) -> None:
    day = a_day_with_a_class()
    copy = dict(day.item)
    day.write()
    day.edit(**{**copy, "status": status, "reason": "ask Ada Lovelace", "updatedAt": "2026-12-01T08:00:09.000000Z"})

    assert told(day)
    assert "Lovelace" not in str(events(day))


def test_a_class_that_is_found_invalid_for_another_reason_is_told_again() -> None:
    day = a_day_with_a_class(start="soon")
    day.edit(start="2026-12-01T09:00:00Z", end="late")
    day.look()

    assert told(day) == ["Classroom Invalid", "Classroom Invalid"]
    assert len({event.detail["eventId"] for event in events(day)}) == 2


def test_an_edit_that_is_refused_while_a_schedule_is_in_force_is_no_event() -> None:
    day = a_day_with_a_class()
    day.edit(end="10 o'clock")
    day.look()

    assert "not followed" in day.item["reason"]
    assert told(day) == ["Classroom Scheduled"]


def test_an_invalid_edit_after_the_class_is_told() -> None:
    day = the_end_of(a_day_in_class())
    day.until("11:00").edit(start="soon")
    day.look()

    assert told(day)[4:] == ["Classroom Invalid"]


def test_a_failed_class_that_is_mistyped_and_corrected_does_not_fail_again() -> None:
    day = a_day_in_class()
    day.until("11:00").fail(STOP, "States.Timeout")
    before = len(day.stream)
    for start in ("soon", "2026-12-01T09:00:00Z"):
        day.edit(start=start)
        day.look()

    assert told(day, before) == ["Classroom Invalid"]


def test_a_reason_without_end_is_cut() -> None:
    day = a_day_in_class()
    day.until("11:00").fail(STOP, "x" * 30_000)

    assert len(day.item["tasks"]["StopRecording"]["error"]) == 512
    assert len(events(day)[-1].detail["reason"]) < 1_000


def test_an_id_that_can_not_be_followed_is_told_as_it_was_written() -> None:
    day = Day()
    day.classroom_id = "algebra 1, room é"
    day.write()
    day.look()

    (event,) = events(day)

    assert event.detail["classroomId"] == "algebra 1, room é"


# --- cancelled --------------------------------------------------------------------------------------------------------


def test_a_class_that_is_deleted_before_it_starts_is_told_as_cancelled() -> None:
    day = a_day_with_a_class()
    name = day.item["executionName"]
    day.delete()

    event = events(day)[-1]

    assert event.type == "Classroom Cancelled"
    assert event.detail["eventId"] == f"{name}-cancelled"
    assert event.detail["status"] == "SCHEDULED"
    assert event.detail["reason"] == "The classroom was deleted before its class started: nothing runs."


def test_a_class_that_is_deleted_within_the_second_in_which_it_was_scheduled_was_deleted_after_that() -> None:
    """The record of a deletion has its time in whole seconds."""
    day = Day()
    day.until("08:00:00.700").write()
    day.look()
    day.delete()

    scheduled, cancelled = events(day)

    assert scheduled.detail["occurredAt"] < cancelled.detail["occurredAt"] < "2026-12-01T08:00:01"


def test_a_time_that_people_wrote_over_the_schedulers_does_not_postpone_a_deletion() -> None:
    day = a_day_with_a_class()
    day.edit(updatedAt="9999-12-31T00:00:00.000000Z")
    day.until("08:30").delete()

    assert events(day)[-1].detail["occurredAt"] == "2026-12-01T08:30:00.000000Z"


def test_a_class_that_is_deleted_while_recording_is_told_as_cancelled() -> None:
    day = a_day_in_class()
    day.delete()

    event = events(day)[-1]

    assert (event.type, event.detail["status"]) == ("Classroom Cancelled", "RECORDING")
    assert "is stopped now" in event.detail["reason"]


def test_a_class_that_is_deleted_after_it_was_over_is_no_event() -> None:
    day = the_end_of(a_day_in_class())
    before = len(day.stream)
    day.until("11:00").delete()

    assert told(day, before) == []


def test_a_class_that_never_was_valid_is_deleted_without_an_event() -> None:
    day = a_day_with_a_class(start="soon")
    before = len(day.stream)
    day.delete()

    assert told(day, before) == []


def test_a_class_that_is_deleted_just_after_it_was_wiped_is_told_as_cancelled() -> None:
    day = a_day_in_class()
    before = len(day.stream)
    day.write()
    day.delete()

    (event,) = events(day, before)

    assert event.type == "Classroom Cancelled"
    assert "status" not in event.detail
    assert "recordingId" not in event.detail


def test_a_class_that_is_wiped_and_deleted_after_its_end_is_no_event() -> None:
    day = the_end_of(a_day_in_class())
    before = len(day.stream)
    day.until("11:00").write()
    day.delete()

    assert told(day, before) == []


def test_a_class_that_is_deleted_and_written_again_is_cancelled_and_scheduled_each_time_under_another_id() -> None:
    day = a_day_with_a_class()
    for _ in range(2):
        day.delete()
        day.write()
        day.look()

    found = events(day)

    assert [event.type for event in found] == [
        "Classroom Scheduled",
        *["Classroom Cancelled", "Classroom Scheduled"] * 2,
    ]
    assert len({event.detail["eventId"] for event in found}) == 5


# --- the recording before this one ------------------------------------------------------------------------------------


def test_the_recording_before_this_one_is_told_as_stopped_once_that_is_confirmed() -> None:
    day = a_day_in_class()
    outgoing = day.item["recordingId"]
    day.edit(start="2026-12-01T11:00:00Z", end="2026-12-01T12:00:00Z")
    day.look()
    before = len(day.stream)
    assert told(day)[-1] == "Classroom Scheduled"

    day.run(STOP, f"{outgoing}-stop")

    (event,) = events(day, before)
    assert (event.type, event.detail["eventId"]) == ("Recording Stopped", f"{outgoing}-stop")
    assert (event.detail["recordingId"], event.detail["start"]) == (outgoing, "2026-12-01T09:00:00Z")
    assert event.detail["status"] == "SCHEDULED", "the classroom's, which goes on with another recording"


def test_a_recording_before_this_one_that_can_not_be_stopped_is_not_told_as_stopped() -> None:
    day = a_day_in_class()
    outgoing = day.item["recordingId"]
    day.edit(start="2026-12-01T11:00:00Z", end="2026-12-01T12:00:00Z")
    day.look()
    before = len(day.stream)
    day.server.will("recording.stop", Fault.UNAVAILABLE)
    with pytest.raises(Exception, match="503"):
        day.run(STOP, f"{outgoing}-stop")

    assert told(day, before) == []


def test_a_recording_that_nobody_could_stop_is_not_told_as_stopped_when_its_classroom_goes_on_to_a_third_one() -> None:
    day = a_day_in_class()
    day.edit(start="2026-12-01T11:00:00Z", end="2026-12-01T12:00:00Z")
    day.look()
    day.server.will("recording.stop", Fault.UNAVAILABLE)
    day.until("11:00").run(START)
    day.until("12:00").run(STOP)
    assert "previousRecording" in day.item
    before = len(day.stream)

    day.until("13:00").edit(start="2026-12-01T14:00:00Z", end="2026-12-01T15:00:00Z")
    day.look()

    assert "previousRecording" not in day.item
    assert told(day, before) == ["Classroom Scheduled"]


# --- what costs nothing -----------------------------------------------------------------------------------------------


def test_what_people_write_is_not_even_read() -> None:
    item = a_day_with_a_class().item

    assert not may_publish(None, item)
    assert not may_publish(item, {**item, "teacher": "Grace"})
    assert may_publish(item, None)
    assert may_publish({"updatedAt": {"S": "2026"}}, {"updatedAt": {"S": "2027"}})


def test_an_insert_and_a_record_without_images_tell_nothing() -> None:
    assert transitions(Change("1", at("08:00"), "algebra-1", None, a_classroom()), POLICY) == []
    assert transitions(Change("1", at("08:00"), "algebra-1", None, None), POLICY) == []
