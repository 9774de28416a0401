"""Every file in events/ does what its name says, in the function that its folder and name say."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer

from tests.aws import MACHINE_ARN
from tests.integration.day import Day
from tests.schemas import complaints
from tests.template.project import functions

EVENTS = Path(__file__).parents[2] / "events"
FOR_STATE_MACHINES = {"executions", "one-time"}
"""Folders with inputs of executions: tests/e2e/test_one_time.py and test_executions_by_hand.py start them."""
FILES = sorted(
    str(path.relative_to(EVENTS)) for path in EVENTS.glob("*/*.json") if path.parent.name not in FOR_STATE_MACHINES
)

EXECUTION = "algebra-1-hoo2gmk8w0"
DELETED_BEFORE_IT_STARTED = "stream/classroom-deleted.json"
DELETED_WHILE_RECORDING = "stream/classroom-deleted-while-recording.json"
ITS_OWN_ENDED = {
    "eventbridge/execution-aborted.json",
    "eventbridge/execution-timed-out.json",
    "eventbridge/execution-aborted-while-recording.json",
}

Check = Callable[[Day, Any], None]


@dataclass(frozen=True)
class Situation:
    """When an event comes, which stream record's old image is the item then, and what has to come of it."""

    at_time: str
    item_of: str
    check: Check


SITUATIONS: dict[str, Situation] = {}


def situation(path: str, at_time: str, item_of: str = DELETED_BEFORE_IT_STARTED) -> Callable[[Check], Check]:
    """Register what comes of a file. `item_of` is for tasks: before an insert there is no item."""

    def register(check: Check) -> Check:
        SITUATIONS[path] = Situation(at_time, item_of, check)
        return check

    return register


def function_of(path: str) -> str:
    """The function that a file is for, by its folder and name."""
    folder, _, name = path.partition("/")
    by_folder = {
        "stream": "ClassroomChanged",  # and ClassroomLifecycle: what that one makes of it is stated in PUBLISHED
        "eventbridge": "ExecutionEnded" if name.startswith("execution-") else "BookingReceived",
        "schedule": "Sweep",
        "api": "ClassroomApi",
        "hello": "HelloAt",
    }
    if folder in by_folder:
        return by_folder[folder]
    if name.endswith("-failed.json"):
        return "TaskFailed"
    prefixes = {"start-recording": "StartRecording", "send-live-ping": "SendLivePing", "stop-": "StopRecording"}
    return next(function for prefix, function in prefixes.items() if name.startswith(prefix))


def content(path: str) -> Any:
    return json.loads((EVENTS / path).read_text())


def image(path: str, name: str) -> dict[str, Any] | None:
    """The item before (OldImage) or after (NewImage) the change that a stream event tells of."""
    stored = content(path)["Records"][0]["dynamodb"].get(name)
    if stored is None:
        return None
    return {attribute: TypeDeserializer().deserialize(value) for attribute, value in stored.items()}


def bring_about(day: Day, path: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    """Make the account what it is when the event comes: the item, and its execution if it names one."""
    if before is not None and "executionName" in before:
        scheduled = {
            name: int(value) if name == "livePingDelay" else value for name, value in before["scheduled"].items()
        }
        request = {"classroomId": before["classroomId"], "recordingId": before["recordingId"], **scheduled}
        boto3.client("stepfunctions").start_execution(
            stateMachineArn=MACHINE_ARN,
            name=before["executionName"],
            input=json.dumps(request, sort_keys=True, separators=(",", ":")),
        )
    if after is not None:
        day.account.put(after)
    day.account.calls.clear()
    day.account.requests.clear()


@pytest.mark.parametrize("path", FILES)
def test_a_sample_event_does_what_its_name_says(day: Day, path: str) -> None:
    assert path in SITUATIONS, "say what has to come of it, below"
    expected = SITUATIONS[path]
    if path.startswith("stream/"):
        bring_about(day, path, image(path, "OldImage"), image(path, "NewImage"))
    else:
        item = image(expected.item_of, "OldImage")
        bring_about(day, path, item, item)
    if path in ITS_OWN_ENDED:
        day.account.abort(EXECUTION)

    expected.check(day, day.invoke(function_of(path), content(path), at_time=expected.at_time))


def test_every_situation_has_its_file() -> None:
    assert sorted(SITUATIONS) == FILES


def test_env_json_sets_just_the_variables_of_each_function_in_the_template() -> None:
    """`sam local invoke --env-vars` drops what the template does not name, without a word."""
    variables = {name: sorted(function["Environment"]["Variables"]) for name, function in functions().items()}

    assert {name: sorted(values) for name, values in content("env.json").items()} == variables


def nothing_comes_again(answer: Any) -> bool:
    return bool(answer == {"batchItemFailures": []})


BEFORE_IT_WAS_BOOKED = "stream/classroom-inserted.json"
PUBLISHED = {
    "stream/written-by-the-scheduler.json": "Classroom Scheduled",
    "stream/recording-started.json": "Recording Started",
    "stream/classroom-deleted.json": "Classroom Cancelled",
    "stream/classroom-deleted-while-recording.json": "Classroom Cancelled",
    "stream/classroom-expired.json": "Classroom Cancelled",
}
"""What is told of a record of the stream. Of those that are not here, which people wrote, nothing is."""


@pytest.mark.parametrize("path", [path for path in FILES if path.startswith("stream/")])
def test_what_a_sample_of_the_stream_newly_says_goes_out(day: Day, path: str) -> None:
    assert nothing_comes_again(day.invoke("ClassroomLifecycle", content(path)))

    published = day.account.published()
    assert [event["detail-type"] for event in published] == [
        told for sample, told in PUBLISHED.items() if sample == path
    ]
    assert [complaint for event in published for complaint in complaints("published", event)] == []


# --- the stream -------------------------------------------------------------------------------------------------------


@situation("stream/classroom-inserted.json", "08:00")
def it_is_scheduled(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.item()["status"] == "SCHEDULED"
    assert day.account.executions() == {day.item()["executionName"]: "RUNNING"}


@situation("stream/written-by-the-scheduler.json", "08:00:01")
def its_own_writes_are_recognised(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.calls == []


@situation("stream/recording-started.json", "09:00:01")
def its_own_results_are_recognised(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.calls == []


@situation("stream/classroom-edited-elsewhere.json", "08:05")
def an_edit_of_other_attributes_changes_nothing(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.calls == []
    assert day.item()["teacher"] == "Grace"


@situation("stream/classroom-rescheduled.json", "08:10")
def it_has_a_new_execution(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.item()["scheduled"]["start"] == "2026-12-01T09:30:00Z"
    assert day.account.executions() == {EXECUTION: "ABORTED", day.item()["executionName"]: "RUNNING"}


@situation("stream/classroom-mistyped.json", "08:10")
def its_schedule_stays_in_force(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.item()["status"] == "SCHEDULED"
    assert day.item()["scheduled"]["end"] == "2026-12-01T10:00:00Z"
    assert '"10 o\'clock"' in day.item()["reason"]
    assert day.account.executions() == {EXECUTION: "RUNNING"}


@situation("stream/classroom-put-again.json", "08:15")
def what_was_wiped_is_put_back(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["status"], day.item()["executionName"]) == ("SCHEDULED", EXECUTION)
    assert day.account.executions() == {EXECUTION: "RUNNING"}


@situation("stream/classroom-put-again-while-recording.json", "09:20")
def the_recording_goes_on(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["status"], day.item()["executionName"]) == ("RECORDING", EXECUTION)
    assert day.item()["tasks"]["StartRecording"]["state"] == "SUCCEEDED"
    assert day.account.executions() == {EXECUTION: "RUNNING"}


@situation("stream/classroom-deleted.json", "08:20")
@situation("stream/classroom-expired.json", "08:20")
def its_execution_is_stopped(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.executions() == {EXECUTION: "ABORTED"}
    assert day.account.item("algebra-1") is None


@situation("stream/classroom-deleted-while-recording.json", "09:20")
def its_recorder_is_stopped_at_once(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.executions() == {EXECUTION: "ABORTED", f"{EXECUTION}-stop": "RUNNING"}
    assert json.loads(day.account.input_of(f"{EXECUTION}-stop"))["end"] == "2026-12-01T09:20:00Z"


@situation("stream/classroom-extended-while-recording.json", "09:50")
def the_recording_goes_on_under_a_new_execution(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    item = day.item()
    assert (item["status"], item["recordingId"]) == ("RECORDING", EXECUTION)
    assert item["scheduled"]["end"] == "2026-12-01T10:15:00Z"
    assert day.account.executions() == {EXECUTION: "ABORTED", item["executionName"]: "RUNNING"}


@situation("stream/classroom-invalid.json", "08:00")
def it_is_marked_invalid(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.item("algebra-2")["status"] == "INVALID"
    assert '`start` is "2026-12-01T09:00:00"; expected an RFC 3339 date-time' in day.item("algebra-2")["reason"]
    assert day.account.executions() == {}


@situation("stream/classroom-beyond-the-horizon.json", "08:00")
def it_is_deferred(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.item("algebra-3")["status"] == "DEFERRED"
    assert day.account.executions() == {}


# --- the tasks --------------------------------------------------------------------------------------------------------


@situation("tasks/start-recording.json", "09:00:00.180")
@situation("tasks/start-recording-retried.json", "09:00:02")
def the_recorder_is_started(day: Day, answer: Any) -> None:
    assert (answer["state"], answer["wait"]) == ("SUCCEEDED", 60)
    assert day.called() == [("recording.start", f"{EXECUTION}-start")]
    assert day.item()["status"] == "RECORDING"


@situation("tasks/send-live-ping.json", "09:01:00.250", DELETED_WHILE_RECORDING)
def the_ping_is_sent(day: Day, answer: Any) -> None:
    assert answer["state"] == "SUCCEEDED"
    assert day.called() == [("recording.live", f"{EXECUTION}-live")]
    assert day.item()["tasks"]["SendLivePing"]["state"] == "SUCCEEDED"


@situation("tasks/stop-recording.json", "10:00:00.100", DELETED_WHILE_RECORDING)
def the_recorder_is_stopped(day: Day, answer: Any) -> None:
    assert answer["state"] == "SUCCEEDED"
    assert day.called() == [("recording.stop", f"{EXECUTION}-stop")]
    (received,) = day.server.received
    assert json.loads(received.body)["data"]["results"]["StartRecording"]["result"] == {"recorder": "camera-12"}
    assert day.item()["status"] == "COMPLETED"


@situation("tasks/stop-abandoned-recording.json", "09:20:00.400", item_of="stream/classroom-inserted.json")
def a_recorder_that_no_item_answers_for_is_stopped(day: Day, answer: Any) -> None:
    assert answer["state"] == "SUCCEEDED"
    assert day.called() == [("recording.stop", f"{EXECUTION}-stop")]
    assert day.account.item("algebra-1") is None


@situation("tasks/start-recording-failed.json", "09:10")
def the_class_has_failed(day: Day, answer: Any) -> None:
    assert answer["state"] == "FAILED"
    assert day.item()["status"] == "FAILED"
    assert "HTTP 503 the recorder is being restarted" in day.item()["reason"]


@situation("tasks/send-live-ping-failed.json", "09:02", DELETED_WHILE_RECORDING)
def the_class_goes_on_without_its_ping(day: Day, answer: Any) -> None:
    assert day.item()["status"] == "RECORDING"
    assert day.item()["tasks"]["SendLivePing"]["state"] == "FAILED"
    assert "States.Timeout" in day.item()["reason"]


@situation("tasks/stop-recording-failed.json", "11:00", DELETED_WHILE_RECORDING)
def somebody_has_to_stop_the_recorder(day: Day, answer: Any) -> None:
    assert day.item()["status"] == "FAILED"
    assert "stop it at the classroom server" in day.item()["reason"]


# --- what the one-time scheduler invokes ------------------------------------------------------------------------------


@situation("hello/hello-at.json", "09:00")
def it_says_how_late_it_was_called(day: Day, answer: Any) -> None:
    assert answer["payload"] == content("hello/hello-at.json")
    assert isinstance(answer["latenessMs"], int)
    assert day.account.calls == []


@situation("hello/hello-without-a-time.json", "09:00")
@situation("hello/hello-nothing.json", "09:00")
def it_says_when_it_was_called(day: Day, answer: Any) -> None:
    assert set(answer) == {"calledAt", "payload", "message"}


# --- bookings ---------------------------------------------------------------------------------------------------------


@situation("eventbridge/classroom-booked.json", "08:00", item_of=BEFORE_IT_WAS_BOOKED)
def it_is_written(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["start"], day.item()["teacher"]) == ("2026-12-01T09:00:00Z", "Ada")
    assert fits_its_schema("eventbridge/classroom-booked.json")


@situation("eventbridge/classroom-booked-again.json", "09:20", item_of=DELETED_WHILE_RECORDING)
def it_becomes_as_booked_and_keeps_its_session(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["end"], day.item()["teacher"]) == ("2026-12-01T10:15:00Z", "Grace")
    assert day.item()["tasks"]["StartRecording"]["state"] == "SUCCEEDED"
    assert fits_its_schema("eventbridge/classroom-booked-again.json")


@situation("eventbridge/classroom-rescheduled.json", "08:00")
def it_is_moved(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["start"], day.item()["end"]) == ("2026-12-01T09:30:00Z", "2026-12-01T10:30:00Z")
    assert (day.item()["teacher"], day.item()["status"]) == ("Ada", "SCHEDULED")
    assert fits_its_schema("eventbridge/classroom-rescheduled.json")


@situation("eventbridge/classroom-cancelled.json", "08:00")
def it_is_deleted(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.item("algebra-1") is None
    assert fits_its_schema("eventbridge/classroom-cancelled.json")


@situation("eventbridge/classroom-rescheduled-before-it-was-booked.json", "08:00", item_of=BEFORE_IT_WAS_BOOKED)
def it_waits_for_its_booking(day: Day, answer: Any) -> None:
    assert answer == {"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661970000005"}]}
    assert day.account.refused() == []


@situation("eventbridge/unknown-classroom-rescheduled.json", "08:00", item_of=BEFORE_IT_WAS_BOOKED)
def it_is_waited_for_no_longer(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert "There is no classroom algebra-1 to reschedule" in the_refusal(day)


@situation("eventbridge/classroom-booked-wrongly.json", "08:00", item_of=BEFORE_IT_WAS_BOOKED)
def it_is_refused_with_the_field_the_value_and_the_fix(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert '`start` is "9 o\'clock"; expected an RFC 3339 date-time' in the_refusal(day)
    assert not fits_its_schema("eventbridge/classroom-booked-wrongly.json")


@situation("eventbridge/schedulers-attributes-booked.json", "08:00", item_of=BEFORE_IT_WAS_BOOKED)
def nobody_books_what_the_scheduler_writes(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert "`detail` has `day`, `status`, which the scheduler alone writes" in the_refusal(day)
    assert not fits_its_schema("eventbridge/schedulers-attributes-booked.json")


@situation("eventbridge/no-event.json", "08:00", item_of=BEFORE_IT_WAS_BOOKED)
def it_is_put_aside(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert "not JSON" in the_refusal(day)


def the_refusal(day: Day) -> str:
    ((_, reason),) = day.account.refused()
    return reason


def fits_its_schema(path: str) -> bool:
    return complaints("received", json.loads(content(path)["Records"][0]["body"])) == []


# --- the HTTP API -----------------------------------------------------------------------------------------------------


def problem(answer: Any) -> tuple[int, list[str]]:
    """The status of a problem, and the fields that it names."""
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    return answer["statusCode"], [error["field"] for error in json.loads(answer["body"]).get("errors", ())]


@situation("api/classroom-created.json", "08:00")
def it_is_in_the_table(day: Day, answer: Any) -> None:
    assert answer["statusCode"] == 201
    assert day.item("geometry-1") == json.loads(answer["body"])


@situation("api/classroom-created-with-mistakes.json", "08:00")
def every_mistake_is_named(day: Day, answer: Any) -> None:
    assert problem(answer) == (400, ["classroomId", "start", "end", "livePingDelay"])
    assert day.account.calls == []


@situation("api/classroom-created-twice.json", "08:00")
def the_first_one_stays(day: Day, answer: Any) -> None:
    assert problem(answer) == (409, [])
    assert day.item()["teacher"] == "Ada"


@situation("api/classroom-read.json", "08:00")
def it_is_answered_as_it_is(day: Day, answer: Any) -> None:
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["executionName"] == day.item()["executionName"]


@situation("api/classroom-rescheduled.json", "08:00")
def its_times_are_replaced_and_its_execution_is_not(day: Day, answer: Any) -> None:
    assert answer["statusCode"] == 200
    assert (day.item()["start"], day.item()["executionName"]) == ("2026-12-01T09:30:00Z", EXECUTION)


@situation("api/classroom-changed-by-somebody-else.json", "08:00")
def their_edit_stays(day: Day, answer: Any) -> None:
    assert problem(answer) == (412, [])
    assert day.item()["start"] == "2026-12-01T09:00:00Z"


@situation("api/classroom-deleted.json", "08:00")
def it_is_gone(day: Day, answer: Any) -> None:
    assert answer["statusCode"] == 204
    assert day.account.item("algebra-1") is None


@situation("api/classroom-unknown.json", "08:00")
@situation("api/invocation-unknown-cancelled.json", "08:00")
def it_is_not_found(day: Day, answer: Any) -> None:
    assert problem(answer) == (404, [])


@situation("api/day-listed.json", "08:00")
def it_is_on_the_list(day: Day, answer: Any) -> None:
    assert [item["classroomId"] for item in json.loads(answer["body"])["classrooms"]] == ["algebra-1"]


@situation("api/day-listed-with-a-made-up-token.json", "08:00")
def the_token_is_refused(day: Day, answer: Any) -> None:
    assert problem(answer) == (400, ["next"])


@situation("api/invocation-scheduled.json", "08:00")
def it_waits_for_its_time(day: Day, answer: Any) -> None:
    assert answer["statusCode"] == 202
    assert json.loads(day.account.input_of("remind-ada"))["invocationTime"] == "2026-12-01T08:55:00Z"


@situation("api/invocation-too-late.json", "08:00")
def it_is_not_started(day: Day, answer: Any) -> None:
    assert problem(answer) == (400, ["invocationTime"])
    assert day.account.executions() == {EXECUTION: "RUNNING"}


# --- executions that ended --------------------------------------------------------------------------------------------


@situation("eventbridge/execution-aborted.json", "08:30:01")
@situation("eventbridge/execution-timed-out.json", "08:30:01")
def the_class_is_taken_up_again(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["status"], day.item()["restarts"]) == ("SCHEDULED", 1)
    assert day.account.executions() == {EXECUTION: "ABORTED", day.item()["executionName"]: "RUNNING"}


@situation("eventbridge/execution-aborted-while-recording.json", "09:15:01", DELETED_WHILE_RECORDING)
def the_recording_goes_on_under_another_execution(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert (day.item()["status"], day.item()["recordingId"]) == ("RECORDING", EXECUTION)
    assert day.account.running() == {day.item()["executionName"]}
    assert day.called() == []


@situation("eventbridge/execution-that-was-replaced-aborted.json", "08:00:02")
def nothing_is_done(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.calls == ["GetItem"]


@situation("eventbridge/execution-that-stops-aborted.json", "09:20:02", DELETED_WHILE_RECORDING)
def the_stop_is_tried_once_more(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.account.running() == {EXECUTION, f"{EXECUTION}-halt"}


@situation("eventbridge/execution-that-stops-failed.json", "09:20:03", DELETED_WHILE_RECORDING)
def somebody_is_told_to_stop_it(day: Day, answer: Any) -> None:
    assert nothing_comes_again(answer)
    assert day.counted() == {"RecordingsNotStopped": 1}
    assert day.account.running() == {EXECUTION}


# --- the schedules ----------------------------------------------------------------------------------------------------


@situation("schedule/sweep.json", "09:06")
@situation("schedule/sweep-everything.json", "08:30")
def it_is_looked_at_and_its_execution_runs(day: Day, answer: Any) -> None:
    assert answer == {"RECONCILED": 1}
    assert "UpdateItem" not in day.account.calls
    assert day.account.running() == {EXECUTION}


@situation("schedule/audit-hourly.json", "08:30")
def a_part_of_the_table_is_healthy(day: Day, answer: Any) -> None:
    assert answer in ({}, {"HEALTHY": 1})
    assert day.account.calls == ["Scan"]


@situation("schedule/audit-everything.json", "08:30")
def the_table_is_healthy(day: Day, answer: Any) -> None:
    assert answer == {"HEALTHY": 1}
    assert set(day.account.calls) == {"Scan"}
