"""What operators see of a class day: metrics that count each change once, and log lines that say whose they are."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from classroom_scheduler.domain.errors import PermanentError, ServerUnavailable
from tests.builders import a_classroom
from tests.integration.day import Day
from tests.loopback import answer


@pytest.fixture
def scheduled(day: Day) -> Day:
    """algebra-1 is scheduled from 09:00 to 10:00."""
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="08:00")
    return day


# --- metrics ----------------------------------------------------------------------------------------------------------


def test_a_class_that_is_moved_is_scheduled_once_and_superseded_once_however_often_its_records_come(day: Day) -> None:
    written = day.put(a_classroom("algebra-1", "09:00", "10:00"))
    day.deliver(written, at_time="08:00")
    moved = day.update("algebra-1", start="2026-12-01T09:30:00Z")
    for _ in range(3):
        day.deliver(moved, at_time="08:01")
    day.deliver(written, moved)

    assert day.counted() == {"ClassroomsScheduled": 1, "ClassroomsSuperseded": 1}


def test_a_class_put_again_while_it_is_recorded_is_neither_scheduled_nor_started_again(scheduled: Day) -> None:
    scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00:00.250")
    before = scheduled.counted()

    scheduled.deliver(scheduled.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="09:10")

    assert scheduled.item()["status"] == "RECORDING"
    assert scheduled.counted() == before
    assert (before["ClassroomsRecording"], before["StartRecordingLateness"]) == (1, 250)


def test_a_class_put_again_after_it_was_recorded_is_not_counted_again(scheduled: Day) -> None:
    started = scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")
    scheduled.invoke("StopRecording", scheduled.payload(results={"StartRecording": started}), at_time="10:00")
    before = scheduled.counted()

    scheduled.deliver(scheduled.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="10:10")

    assert scheduled.item()["status"] == "COMPLETED"
    assert scheduled.counted() == before


def test_lateness_is_that_of_the_first_attempt(scheduled: Day) -> None:
    scheduled.server.will(answer(503), answer(200))
    with pytest.raises(ServerUnavailable):
        scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00:00.040")
    scheduled.invoke("StartRecording", scheduled.payload(attempt=1), at_time="09:00:07")

    assert scheduled.item()["tasks"]["StartRecording"]["latenessMs"] == 7000
    assert scheduled.counted()["StartRecordingLateness"] == 40


def test_lateness_is_in_milliseconds_and_everything_else_a_count(
    scheduled: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduled.counted()
    scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00:00.040")

    (line,) = capsys.readouterr().out.splitlines()
    (directive,) = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "StartRecordingLateness": "Milliseconds",
        "ClassroomsRecording": "Count",
        "StartRecordingSucceeded": "Count",
    }
    assert directive["Dimensions"] == [["service"]]


def test_a_class_that_fails_is_counted_once_though_two_functions_say_so(scheduled: Day) -> None:
    payload = scheduled.payload()
    scheduled.server.will(answer(404))
    with pytest.raises(PermanentError):
        scheduled.invoke("StartRecording", payload, at_time="09:00")
    scheduled.invoke("TaskFailed", scheduled.failed("StartRecording", {"Error": "PermanentError"}))

    assert scheduled.item()["status"] == "FAILED"
    assert scheduled.counted()["ClassroomsFailed"] == 1


def test_an_invalid_class_is_counted_each_time_that_it_is_written_and_not_each_time_that_it_is_looked_at(
    day: Day,
) -> None:
    typo = a_classroom("algebra-1", end="tomorrow")
    record = day.put(typo)
    day.deliver(record, at_time="08:00")
    day.deliver(record)
    day.deliver(day.update("algebra-1", teacher="Grace"))
    assert day.counted() == {"ClassroomsInvalid": 1}

    day.deliver(day.put(typo))

    assert day.counted() == {"ClassroomsInvalid": 2}


def test_tasks_that_somebody_wrote_nonsense_to_are_no_reason_to_count_anything(scheduled: Day) -> None:
    scheduled.deliver(scheduled.update("algebra-1", tasks="none"), at_time="08:10")

    assert scheduled.counted() == {"ClassroomsScheduled": 1}


def test_metrics_and_log_lines_carry_the_name_of_their_stack() -> None:
    says = "import classroom_scheduler.observability as o; print(o.logger.service, o.metrics.service)"
    done = subprocess.run(
        [sys.executable, "-c", says],
        env={"PATH": os.defpath, "PYTHONPATH": "src", "POWERTOOLS_SERVICE_NAME": "school-a"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.split() == ["school-a", "school-a"]


# --- log lines --------------------------------------------------------------------------------------------------------


def test_every_line_about_a_class_says_which_whose_execution_what_was_decided_and_why(scheduled: Day) -> None:
    """A day with everything: refused calls, a server that is down, an edit, a fence, a failure for good."""
    payload = scheduled.payload()
    scheduled.server.will(answer(503))
    with pytest.raises(ServerUnavailable):
        scheduled.invoke("StartRecording", payload, at_time="09:00")
    scheduled.account.will("StopExecution", "ThrottlingException")
    scheduled.deliver(scheduled.update("algebra-1", end="2026-12-01T11:00:00Z"))
    scheduled.invoke("SendLivePing", payload, at_time="09:01")
    scheduled.invoke("TaskFailed", scheduled.failed("StartRecording", {"Error": "PermanentError"}))
    scheduled.account.will("UpdateItem", "ValidationException")
    scheduled.deliver(scheduled.update("algebra-1", end="2026-12-01T12:00:00Z"))
    scheduled.account.will("GetItem", "InternalServerError", times=8)
    scheduled.deliver(scheduled.update("algebra-1", end="2026-12-01T13:00:00Z"))

    lines = scheduled.logged()
    messages = {line["message"] for line in lines}
    assert messages >= {"reconciled", "task failed", "task done", "task failed for good", "item can't be written to"}
    assert [line["message"] for line in lines if not line.keys() >= {"classroomId", "decision", "reason"}] == []
    # Where the item could not be read or written, nobody knows which execution it names.
    assert {line["message"] for line in lines if "executionName" not in line} == {
        "item can't be written to",
        "classroom not reconciled, it comes again",
    }
    assert {line["classroomId"] for line in lines} == {"algebra-1"}
    assert all(line["decision"] and line["reason"] for line in lines)


def test_every_line_of_a_function_names_its_stack_and_the_request(scheduled: Day) -> None:
    line: dict[str, Any] = scheduled.logged()[0]

    assert (line["service"], bool(line["function_request_id"])) == ("classroom-scheduler", True)
