"""ExecutionEnded: what the status events of Step Functions, handed over by a queue, bring about in AWS."""

import json
from typing import Any

import pytest

from tests.builders import a_classroom, a_status_event
from tests.integration.day import Day


@pytest.fixture
def scheduled(day: Day) -> str:
    """08:00: algebra-1 is scheduled from 09:00 to 10:00; the name of its execution."""
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    name = str(day.item()["executionName"])
    forget(day)
    return name


def forget(day: Day) -> None:
    """Nothing has been asked of AWS, logged or counted yet."""
    day.account.calls.clear()
    day.account.requests.clear()
    day.log.truncate(0)
    day.log.seek(0)
    day._printed = ""
    day.capsys.readouterr()


def a_lost_stop(day: Day, **more: Any) -> tuple[str, dict[str, Any]]:
    """09:20: a class was deleted while it recorded, and what was to stop the recording was aborted."""
    day.deliver(day.put(a_classroom("algebra-1")), at_time="08:00")
    name = str(day.item()["executionName"])
    day.invoke("StartRecording", day.payload(), at_time="09:00")
    day.deliver(day.delete("algebra-1"), at_time="09:20")
    day.account.abort(f"{name}-stop")
    times = {"start": "2026-12-01T09:00:00Z", "end": "2026-12-01T09:20:00Z", "livePingDelay": 0}
    request = {"classroomId": "algebra-1", "recordingId": name, **times}
    forget(day)
    return name, a_status_event(f"{name}-stop", **{"request": request, **more})


# --- the classroom's own execution ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_a_class_whose_execution_ended_before_its_time_goes_on_under_another(
    day: Day, scheduled: str, status: str
) -> None:
    day.account.abort(scheduled)

    assert day.hear(a_status_event(scheduled, status, error="States.Runtime"), at_time="08:30") == []

    item = day.item()
    assert (item["status"], item["restarts"], item["recordingId"]) == ("SCHEDULED", 1, scheduled)
    assert day.account.executions() == {scheduled: "ABORTED", item["executionName"]: "RUNNING"}


def test_the_log_says_whose_execution_ended_what_was_decided_and_why(day: Day, scheduled: str) -> None:
    day.account.abort(scheduled)

    day.hear(a_status_event(scheduled, error="ByHand"), at_time="08:30")

    (ended,) = day.logged("an execution ended before its time")
    assert ended["level"] == "WARNING"
    assert (ended["classroomId"], ended["executionName"]) == ("algebra-1", scheduled)
    assert (ended["status"], ended["error"]) == ("ABORTED", "ByHand")
    (decided,) = [line for line in day.logged() if line["message"] == "reconciled"]
    assert (decided["classroomId"], decided["decision"]) == ("algebra-1", "REPLACE")
    assert (decided["executionName"], decided["reason"]) == (day.item()["executionName"], day.item()["reason"])
    assert day.counted() == {"ExecutionsEnded": 1, "ClassroomsSuperseded": 1}


def test_a_fourth_end_gives_the_class_up(day: Day, scheduled: str) -> None:
    for _ in range(4):
        name = day.item()["executionName"]
        day.account.abort(name)
        assert day.hear(a_status_event(name), at_time="08:30") == []

    assert day.item()["status"] == "FAILED"
    assert "its execution ended 4 times before its time" in day.item()["reason"]
    assert day.account.running() == set()
    assert day.counted()["ClassroomsFailed"] == 1


def test_an_event_that_is_delivered_twice_costs_one_restart(day: Day, scheduled: str) -> None:
    day.account.abort(scheduled)
    event = a_status_event(scheduled)

    assert day.hear(event, event, at_time="08:30") == []

    assert day.item()["restarts"] == 1
    assert len(day.account.running()) == 1


# --- other executions -------------------------------------------------------------------------------------------------


def test_the_end_of_an_execution_that_was_replaced_costs_one_read(day: Day, scheduled: str) -> None:
    day.deliver(day.update("algebra-1", start="2026-12-01T09:30:00Z"), at_time="08:10")
    before = day.item()
    forget(day)

    assert day.hear(a_status_event(scheduled, error="ClassroomChanged"), at_time="08:10:05") == []

    assert day.account.calls == ["GetItem"]
    assert day.item() == before
    assert day.logged("no longer acts")[0]["executionName"] == scheduled
    assert day.counted() == {}


@pytest.mark.parametrize("name", ["by-hand", "x", "a b", "algebra-1", "", "algebra-1-0gq0000001-test"])
def test_an_execution_that_somebody_started_by_hand_is_none_of_our_business(day: Day, name: str) -> None:
    assert day.hear(a_status_event(name)) == []

    assert day.account.calls == []
    (line,) = day.logged("did not start")
    assert (line["level"], line["executionName"]) == ("WARNING", name)


# --- executions that stop a recording ---------------------------------------------------------------------------------


def test_a_stop_that_was_lost_is_tried_once_more(day: Day) -> None:
    name, event = a_lost_stop(day)

    assert day.hear(event, at_time="09:20:05") == []

    assert day.account.running() == {f"{name}-halt"}
    assert day.account.input_of(f"{name}-halt") == day.account.input_of(f"{name}-stop")
    assert day.logged("so another one does")[0]["again"] == f"{name}-halt"


def test_what_tries_it_once_more_stops_the_recording(day: Day) -> None:
    name, event = a_lost_stop(day)
    day.hear(event, at_time="09:20:05")
    so_far = {**json.loads(event["detail"]["input"]), "results": {"StartRecording": {"state": "FENCED"}}}

    day.invoke("StopRecording", {"input": so_far, "executionName": f"{name}-halt"}, at_time="09:20:06")

    assert day.called() == [("recording.start", f"{name}-start"), ("recording.stop", f"{name}-stop")]


def test_a_lost_stop_that_is_heard_of_twice_is_tried_once_more(day: Day) -> None:
    name, event = a_lost_stop(day)

    assert day.hear(event, event, at_time="09:20:05") == []
    assert day.hear(event, at_time="09:21") == []

    assert day.account.running() == {f"{name}-halt"}


@pytest.mark.parametrize(
    "why",
    [{"error": "ClassroomFailed", "status": "FAILED"}, {"request": None}],
    ids=["the server refused for good", "nobody knows what it was to stop"],
)
def test_a_recording_that_could_not_be_stopped_is_an_error_and_counted(day: Day, why: dict[str, Any]) -> None:
    name, event = a_lost_stop(day, **why)

    assert day.hear(event, at_time="09:20:05") == []

    assert day.account.running() == set()
    (line,) = day.logged("could not be stopped; stop it at the classroom server")
    assert (line["level"], line["executionName"]) == ("ERROR", f"{name}-stop")
    assert day.counted() == {"RecordingsNotStopped": 1}


def test_a_second_stop_that_is_lost_too_is_an_error_and_counted(day: Day) -> None:
    name, event = a_lost_stop(day)
    day.hear(event, at_time="09:20:05")
    day.account.abort(f"{name}-halt")
    event["detail"]["name"] = f"{name}-halt"

    assert day.hear(event, at_time="09:20:10") == []

    assert day.account.running() == set()
    assert day.counted() == {"RecordingsNotStopped": 1}


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "7",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"detail": null}',
        '{"detail": []}',
        '{"detail": "text"}',
        '{"detail": {}}',
        '{"detail": {"name": "algebra-1-hoo2gmk8w0"}}',
        '{"detail": {"status": "ABORTED"}}',
    ],
)
def test_a_message_that_nobody_can_read_comes_again_alone_and_ends_in_the_dead_letter_queue(
    day: Day, scheduled: str, body: str
) -> None:
    day.account.abort(scheduled)

    assert day.hear(a_status_event("by-hand"), body, a_status_event(scheduled), at_time="08:30") == ["1"]

    assert day.item()["restarts"] == 1
    assert day.logged("goes to the dead-letter queue")[0]["level"] == "ERROR"


def test_a_lost_stop_whose_input_nobody_can_read_ends_in_the_dead_letter_queue(day: Day) -> None:
    event = a_status_event("algebra-1-hoo2gmk8w0-stop", request={})
    event["detail"]["input"] = "not JSON"

    assert day.hear(event) == ["0"]

    assert day.account.calls == []


@pytest.mark.parametrize(
    ("operation", "acted"),
    [
        ("GetItem", False),
        ("UpdateItem", False),
        ("UpdateItem", True),
        ("StartExecution", False),
        ("StartExecution", True),
    ],
)
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "AccessDeniedException"])
def test_a_message_whose_call_of_aws_fails_comes_again_and_is_done_then(
    day: Day, scheduled: str, operation: str, acted: bool, code: str
) -> None:
    day.account.abort(scheduled)
    day.account.will(operation, code, acted=acted)
    event = a_status_event(scheduled)

    assert day.hear(event, at_time="08:30") == ["0"]
    assert day.hear(event, at_time="08:36") == []

    assert day.item()["restarts"] == 1
    assert day.account.running() == {day.item()["executionName"]}


def test_a_class_is_taken_up_though_step_functions_can_not_be_asked_what_the_event_tells(
    day: Day, scheduled: str
) -> None:
    day.account.abort(scheduled)
    day.account.will("DescribeExecution", "ThrottlingException")

    assert day.hear(a_status_event(scheduled), at_time="08:30") == []

    assert day.item()["restarts"] == 1
    assert day.account.running() == {day.item()["executionName"]}


def test_a_lost_stop_that_cannot_be_started_again_comes_again(day: Day) -> None:
    name, event = a_lost_stop(day)
    day.account.will("StartExecution", "ThrottlingException")

    assert day.hear(event, at_time="09:20:05") == ["0"]
    assert day.hear(event, at_time="09:20:35") == []

    assert day.account.running() == {f"{name}-halt"}


def test_the_neighbours_of_a_message_that_fails_are_done(day: Day) -> None:
    rooms = [f"room-{number}" for number in range(5)]
    day.deliver(*[day.put(a_classroom(room)) for room in rooms], at_time="08:00")
    names = [day.item(room)["executionName"] for room in rooms]
    for name in names:
        day.account.abort(name)
    day.account.will("GetItem", "InternalServerError", of="room-3")

    assert day.hear(*map(a_status_event, names), at_time="08:30") == ["3"]

    restarts = [day.item(room).get("restarts", 0) for room in rooms]
    assert restarts == [1, 1, 1, 0, 1]


def test_a_whole_batch_that_fails_comes_again_as_a_whole(day: Day, scheduled: str) -> None:
    """Lambda would take an exception for that as well, but count it as an error of the function."""
    assert day.hear("junk", "more junk") == ["0", "1"]
