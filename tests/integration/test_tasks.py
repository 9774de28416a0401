"""StartRecording, SendLivePing, StopRecording and TaskFailed: what the server is told and what the item says of it."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from classroom_scheduler.domain.errors import PermanentError, ReconcilePending, ServerUnavailable, ServiceUnavailable
from classroom_scheduler.handlers._task import task_runner
from tests.aws import SECRET
from tests.builders import a_classroom
from tests.integration.day import Day
from tests.loopback import answer, hang_up

TASKS = ("StartRecording", "SendLivePing", "StopRecording")


@pytest.fixture
def scheduled(day: Day) -> Day:
    """algebra-1 is scheduled from 09:00 to 10:00, with its ping a minute after the start."""
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00", teacher="Ada")), at_time="08:00")
    day.account.calls.clear()
    day.account.requests.clear()
    return day


@pytest.fixture
def recording(scheduled: Day) -> Day:
    """algebra-1 has been recording since 09:00:00.250."""
    scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00:00.250")
    scheduled.account.calls.clear()
    scheduled.account.requests.clear()
    scheduled.server.received.clear()
    return scheduled


def error_name(error: pytest.ExceptionInfo[BaseException]) -> str:
    """The name under which Step Functions hears of an exception: that of its class."""
    return error.type.__name__


# --- a class that goes well -------------------------------------------------------------------------------------------


def test_a_class_is_started_pinged_and_stopped_and_its_item_tells_when(scheduled: Day) -> None:
    name = scheduled.item()["executionName"]
    results: dict[str, Any] = {}
    for task, time in zip(TASKS, ("09:00:00.250", "09:01:00.500", "10:00:00.125"), strict=True):
        scheduled.server.will(answer(200, json.dumps({"did": task}).encode()))
        results[task] = scheduled.invoke(task, scheduled.payload(results=results), at_time=time)

    item = scheduled.item()
    assert item["status"] == "COMPLETED"
    assert {task: item["tasks"][task]["state"] for task in TASKS} == dict.fromkeys(TASKS, "SUCCEEDED")
    assert {task: item["tasks"][task]["result"] for task in TASKS} == {task: {"did": task} for task in TASKS}
    assert [item["tasks"][task]["latenessMs"] for task in TASKS] == [250, 250, 125]
    assert [item["tasks"][task]["attempts"] for task in TASKS] == [1, 1, 1]
    assert scheduled.called() == [
        ("recording.start", f"{name}-start"),
        ("recording.live", f"{name}-live"),
        ("recording.stop", f"{name}-stop"),
    ]
    assert scheduled.counted() == {
        "ClassroomsScheduled": 1,
        "ClassroomsRecording": 1,
        "ClassroomsCompleted": 1,
        "StartRecordingSucceeded": 1,
        "StartRecordingLateness": 250,
        "SendLivePingSucceeded": 1,
        "SendLivePingLateness": 250,
        "StopRecordingSucceeded": 1,
        "StopRecordingLateness": 125,
    }


def test_a_class_costs_at_most_seven_writes(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "10:00")), at_time="08:00")
    for task, time in zip(TASKS, ("09:00", "09:01", "10:00"), strict=True):
        day.invoke(task, day.payload(results={}), at_time=time)

    assert day.account.calls.count("UpdateItem") <= 7


def test_the_server_is_told_everything_of_the_class_and_of_the_tasks_before(scheduled: Day) -> None:
    name = scheduled.item()["executionName"]
    scheduled.server.will(answer(200, b'{"recorder": "R1"}'))
    started = scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00:00.250")
    scheduled.invoke("StopRecording", scheduled.payload(results={"StartRecording": started}), at_time="10:00:00.125")

    start, stop = (json.loads(received.body) for received in scheduled.server.received)
    assert start == {
        "type": "recording.start",
        "timestamp": "2026-12-01T09:00:00.250Z",
        "data": {
            "classroomId": "algebra-1",
            "recordingId": name,
            "executionName": name,
            "dueAt": "2026-12-01T09:00:00.000Z",
            "start": "2026-12-01T09:00:00Z",
            "end": "2026-12-01T10:00:00Z",
            "attempt": 1,
            "classroom": a_classroom("algebra-1", "09:00", "10:00", teacher="Ada"),
            "results": {},
        },
    }
    assert (stop["data"]["dueAt"], stop["data"]["results"]) == ("2026-12-01T10:00:00.000Z", {"StartRecording": started})
    assert started["result"] == {"recorder": "R1"}


def test_every_call_is_signed_with_the_secret_of_secrets_manager(scheduled: Day) -> None:
    scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    (received,) = scheduled.server.received
    signed = Webhook(SECRET).sign(received.headers["webhook-id"], scheduled.now, received.body.decode())
    assert received.headers["webhook-signature"] == signed


def test_the_server_gets_the_newest_of_what_people_wrote(recording: Day) -> None:
    recording.update("algebra-1", teacher="Grace")

    recording.invoke("StopRecording", recording.payload(results={}), at_time="10:00")

    assert json.loads(recording.server.received[0].body)["data"]["classroom"]["teacher"] == "Grace"


def test_start_recording_says_how_long_to_wait_for_the_ping(scheduled: Day) -> None:
    assert scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00:00.250")["wait"] == 60


def test_a_class_is_recording_between_its_start_and_its_end(recording: Day) -> None:
    item = recording.item()

    assert item["status"] == "RECORDING"
    assert "2026-12-01T10:00:00Z" in item["reason"]


def test_the_log_lines_of_a_task_bear_its_class(scheduled: Day) -> None:
    scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    (line,) = scheduled.logged("task done")
    assert line["classroomId"] == "algebra-1"
    assert (line["task"], line["decision"]) == ("StartRecording", "SUCCEEDED")
    assert line["executionName"] == scheduled.item()["executionName"]
    assert line["function_name"] == "classroom-scheduler"


def test_a_task_costs_a_read_two_writes_and_one_call_of_the_server(scheduled: Day) -> None:
    scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    assert [call for call in scheduled.account.calls if call != "GetSecretValue"] == [
        "GetItem",
        "UpdateItem",
        "UpdateItem",
    ]
    assert len(scheduled.server.received) == 1


def test_a_task_that_is_done_answers_the_same_again_and_calls_nobody(scheduled: Day) -> None:
    """Lambda may run an event twice, and a new execution goes through the tasks of the old one."""
    scheduled.server.will(answer(200, b'{"recorder": "R1"}'))
    first = scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    again = scheduled.invoke("StartRecording", scheduled.payload(attempt=1), at_time="09:00:10")

    assert again == {**first, "wait": 50}
    assert len(scheduled.server.received) == 1


def test_a_ping_that_is_due_after_the_end_is_skipped(day: Day) -> None:
    day.deliver(day.put(a_classroom("algebra-1", "09:00", "09:01", livePingDelay=60)), at_time="08:00")
    started = day.invoke("StartRecording", day.payload(), at_time="09:00:00.250")
    assert started["wait"] == 0
    day.server.received.clear()

    outcome = day.invoke("SendLivePing", day.payload(results={"StartRecording": started}), at_time="09:00:00.500")

    assert outcome["state"] == "SKIPPED"
    assert day.item()["tasks"]["SendLivePing"]["state"] == "SKIPPED"
    assert day.server.received == []
    assert day.counted()["SendLivePingSkipped"] == 1


# --- the fence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_an_execution_that_is_no_longer_the_items_own_does_nothing(scheduled: Day, task: str) -> None:
    old = scheduled.payload(results={})
    scheduled.deliver(scheduled.update("algebra-1", start="2026-12-01T09:30:00Z"), at_time="08:10")
    before = scheduled.item()

    outcome = scheduled.invoke(task, old, at_time="09:00")

    assert outcome["state"] == "FENCED"
    assert scheduled.item() == before
    assert scheduled.server.received == []
    assert scheduled.counted()[f"{task}Fenced"] == 1


@pytest.mark.parametrize("task", ["StartRecording", "SendLivePing"])
def test_a_class_that_is_gone_is_neither_started_nor_pinged(scheduled: Day, task: str) -> None:
    payload = scheduled.payload(results={})
    scheduled.delete("algebra-1")

    assert scheduled.invoke(task, payload, at_time="09:00")["state"] == "FENCED"

    assert scheduled.server.received == []
    assert scheduled.account.item("algebra-1") is None


def test_a_recorder_whose_class_is_gone_is_stopped(recording: Day) -> None:
    name, payload = recording.item()["executionName"], recording.payload()
    recording.deliver(recording.delete("algebra-1"), at_time="09:20")

    stopping = {**payload, "executionName": f"{name}-stop"}
    assert recording.invoke("StopRecording", stopping, at_time="09:20:01")["state"] == "SUCCEEDED"

    assert recording.called() == [("recording.stop", f"{name}-stop")]
    assert recording.account.item("algebra-1") is None


def test_a_task_waits_while_the_stream_has_not_caught_up_with_an_edit(scheduled: Day) -> None:
    payload = scheduled.payload()
    edit = scheduled.update("algebra-1", start="2026-12-01T09:30:00Z")

    with pytest.raises(ReconcilePending):
        scheduled.invoke("StartRecording", payload, at_time="09:00")
    scheduled.deliver(edit, at_time="09:00:01")

    assert scheduled.invoke("StartRecording", {**payload, "attempt": 1}, at_time="09:00:02")["state"] == "FENCED"
    assert scheduled.server.received == []


# --- the server fails -------------------------------------------------------------------------------------------------

TRANSIENT = [pytest.param(answer(status), id=str(status)) for status in (408, 425, 429, 500, 503)]
TRANSIENT += [pytest.param(hang_up, id="a broken connection")]


@pytest.mark.parametrize("failing", TRANSIENT)
def test_a_start_that_fails_for_now_is_tried_again_under_the_same_id(scheduled: Day, failing: Any) -> None:
    scheduled.server.will(failing)

    with pytest.raises(ServerUnavailable) as error:
        scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    assert error_name(error) == "ServerUnavailable"
    waiting = scheduled.item()
    assert waiting["tasks"]["StartRecording"]["state"] == "CLAIMED"
    assert waiting["tasks"]["StartRecording"]["error"] in waiting["reason"]

    outcome = scheduled.invoke("StartRecording", scheduled.payload(attempt=1), at_time="09:00:02")

    assert outcome["state"] == "SUCCEEDED"
    assert scheduled.item()["status"] == "RECORDING"
    assert scheduled.item()["tasks"]["StartRecording"]["attempts"] == 2
    assert len({webhook_id for _, webhook_id in scheduled.called()}) == 1
    assert json.loads(scheduled.server.received[1].body)["data"]["attempt"] == 2
    counted = scheduled.counted()
    assert (counted["StartRecordingServerUnavailable"], counted["StartRecordingSucceeded"]) == (1, 1)
    (line,) = scheduled.logged("task failed")
    assert (line["classroomId"], line["decision"], line["attempt"]) == ("algebra-1", "ServerUnavailable", 0)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 410, 422])
def test_a_start_that_is_refused_fails_for_good(scheduled: Day, status: int) -> None:
    scheduled.server.will(answer(status, b"no such room", location="http://127.0.0.1:1/"))

    with pytest.raises(PermanentError, match=f"HTTP {status}") as error:
        scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    assert error_name(error) == "PermanentError"  # the name that the state machine never retries
    item = scheduled.item()
    assert item["status"] == "FAILED"
    assert item["tasks"]["StartRecording"]["state"] == "FAILED"
    assert f"HTTP {status} no such room" in item["reason"]
    assert scheduled.counted()["StartRecordingPermanentError"] == 1


def test_a_start_that_was_refused_stays_refused(scheduled: Day) -> None:
    """The local emulator retries even the permanent error."""
    scheduled.server.will(answer(404))
    for attempt in range(3):
        with pytest.raises(PermanentError):
            scheduled.invoke("StartRecording", scheduled.payload(attempt=attempt), at_time="09:00")

    assert len(scheduled.server.received) == 1


def test_a_ping_that_is_refused_costs_the_class_nothing(recording: Day) -> None:
    recording.server.will(answer(404, b"what ping"))

    outcome = recording.invoke("SendLivePing", recording.payload(results={}), at_time="09:01")

    assert outcome["state"] == "FAILED"
    assert recording.item()["tasks"]["SendLivePing"]["state"] == "FAILED"
    assert recording.item()["status"] == "RECORDING"
    assert recording.invoke("StopRecording", recording.payload(results={}), at_time="10:00")["state"] == "SUCCEEDED"
    assert recording.item()["status"] == "COMPLETED"


def test_a_stop_that_fails_for_now_is_tried_until_it_succeeds(recording: Day) -> None:
    recording.server.will(*[answer(503)] * 5)
    for attempt in range(5):
        with pytest.raises(ServerUnavailable):
            recording.invoke("StopRecording", recording.payload(results={}, attempt=attempt), at_time="10:00")
    assert recording.item()["status"] == "RECORDING"

    recording.invoke("StopRecording", recording.payload(results={}, attempt=5), at_time="10:01")

    item = recording.item()
    assert item["status"] == "COMPLETED"
    assert item["tasks"]["StopRecording"]["attempts"] == 6
    assert item["tasks"]["StopRecording"]["latenessMs"] == 60_000
    assert len({webhook_id for _, webhook_id in recording.called()}) == 1


def test_a_stop_that_is_refused_fails_for_good_and_says_what_to_do(recording: Day) -> None:
    recording.server.will(answer(410))

    with pytest.raises(PermanentError):
        recording.invoke("StopRecording", recording.payload(results={}), at_time="10:00")

    assert recording.item()["status"] == "FAILED"
    assert "stop it at the classroom server" in recording.item()["reason"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"started", id="text"),
        pytest.param(b"x" * 20_000, id="20 KB"),
        pytest.param(b'{"": {"": ""}}', id="empty names"),
        pytest.param(b'{"level": 1e400}', id="infinity"),
        pytest.param(b'{"name": "\\ud800"}', id="half a character"),
        pytest.param(b'{"id": 123456789012345678901234567890123456789012345}', id="a number of 45 digits"),
        pytest.param(b"[" * 4000 + b"]" * 4000, id="4000 levels"),
        pytest.param(b"[" * 30 + b"]" * 30, id="30 levels"),
        pytest.param(b'{"n": 0.1, "m": -0.0, "k": 1e-7}', id="fractions"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_whatever_the_server_answers_the_class_goes_on(scheduled: Day, body: bytes) -> None:
    scheduled.server.will(answer(200, body))

    outcome = scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    assert outcome["state"] == "SUCCEEDED"
    assert len(json.dumps(outcome, ensure_ascii=False).encode()) < 30_000
    assert scheduled.item()["status"] == "RECORDING"
    assert scheduled.invoke("StartRecording", scheduled.payload(attempt=1))["state"] == "SUCCEEDED"
    assert len(scheduled.server.received) == 1


# --- AWS fails --------------------------------------------------------------------------------------------------------

FAILURES = [
    pytest.param(operation, code, acted, id=f"{operation} {code}{' after it acted' if acted else ''}")
    for operation, code, acted in [
        ("GetItem", "ProvisionedThroughputExceededException", False),
        ("GetItem", "InternalServerError", False),
        ("GetItem", "time-out", True),
        ("UpdateItem", "ThrottlingException", False),
        ("UpdateItem", "AccessDeniedException", False),
        ("UpdateItem", "time-out", True),
    ]
]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("operation", "code", "acted"), FAILURES)
def test_a_task_that_dynamodb_fails_before_the_call_is_tried_again(
    request: pytest.FixtureRequest, task: str, operation: str, code: str, acted: bool
) -> None:
    day: Day = request.getfixturevalue("scheduled" if task == "StartRecording" else "recording")
    time = {"StartRecording": "09:00", "SendLivePing": "09:01", "StopRecording": "10:00"}[task]
    day.account.will(operation, code, acted=acted)

    with pytest.raises(ServiceUnavailable) as error:
        day.invoke(task, day.payload(results={}), at_time=time)
    assert error_name(error) == "ServiceUnavailable"
    assert day.server.received == []  # nothing without a claim

    assert day.invoke(task, day.payload(results={}, attempt=1))["state"] == "SUCCEEDED"
    assert day.item()["tasks"][task]["state"] == "SUCCEEDED"
    assert len(day.server.received) == 1


@pytest.mark.parametrize("acted", [False, True], ids=["nothing was written", "the answer got lost"])
def test_a_result_that_could_not_be_written_is_asked_for_again_under_the_same_id(scheduled: Day, acted: bool) -> None:
    """The second write fails, after the server has acted: it drops the duplicate by its webhook-id."""
    scheduled.account.will("UpdateItem", "time-out" if acted else "ThrottlingException", acted=acted, of="finishedAt")

    with pytest.raises(ServiceUnavailable):
        scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")
    outcome = scheduled.invoke("StartRecording", scheduled.payload(attempt=1), at_time="09:00:02")

    assert outcome["state"] == "SUCCEEDED"
    assert scheduled.item()["status"] == "RECORDING"
    assert len(scheduled.server.received) == (1 if acted else 2)
    assert len({webhook_id for _, webhook_id in scheduled.called()}) == 1


def test_a_claim_that_somebody_elses_write_forestalled_is_made_again_at_once(scheduled: Day) -> None:
    scheduled.account.will("UpdateItem", "ConditionalCheckFailedException")

    assert scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")["state"] == "SUCCEEDED"

    assert scheduled.item()["tasks"]["StartRecording"]["attempts"] == 1


def test_a_result_that_somebody_elses_write_forestalled_is_written_after_it(scheduled: Day) -> None:
    scheduled.account.will("UpdateItem", "ConditionalCheckFailedException", of="finishedAt", times=2)

    assert scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")["state"] == "SUCCEEDED"

    assert scheduled.item()["status"] == "RECORDING"
    assert len(scheduled.server.received) == 1


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "ThrottlingException"])
def test_a_secret_that_cannot_be_read_is_a_reason_to_try_again(scheduled: Day, code: str) -> None:
    task_runner.cache_clear()  # a new Lambda environment, that has not read it yet
    scheduled.account.will("GetSecretValue", code)

    with pytest.raises(ServiceUnavailable, match="the webhook secret can't be read") as error:
        scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")
    assert error_name(error) == "ServiceUnavailable"
    assert scheduled.server.received == []

    assert scheduled.invoke("StartRecording", scheduled.payload(attempt=1), at_time="09:00:01")["state"] == "SUCCEEDED"


# --- bad events -------------------------------------------------------------------------------------------------------

BAD_EVENTS = {
    "nothing": {"input": None},
    "an input that is none": {"input": "algebra-1"},
    "no execution": {"executionName": None},
    "an empty id": {"input": {"classroomId": ""}},
    "a number for the start": {"input": {"start": 900}},
    "no offset": {"input": {"end": "2026-12-01T10:00:00"}},
    "a delay in words": {"input": {"livePingDelay": "soon"}},
}


@pytest.mark.parametrize("change", BAD_EVENTS.values(), ids=BAD_EVENTS.keys())
@pytest.mark.parametrize("task", TASKS)
def test_an_event_that_is_no_payload_of_the_machine_is_refused_for_good(
    scheduled: Day, task: str, change: dict[str, Any]
) -> None:
    event = {**scheduled.payload(), **change}
    if isinstance(change.get("input"), dict):
        event["input"] = {**scheduled.payload()["input"], **change["input"]}

    with pytest.raises(PermanentError, match=f"The event is not a {task} payload"):
        scheduled.invoke(task, event, at_time="09:00")

    assert scheduled.server.received == []
    assert scheduled.account.calls == []


@pytest.mark.parametrize("variable", ["CLASSROOMS_TABLE", "CLASSROOM_SERVER_URL", "WEBHOOK_SECRET_ARN"])
def test_a_function_without_one_of_its_settings_says_which(
    scheduled: Day, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    payload = scheduled.payload()
    task_runner.cache_clear()
    monkeypatch.delenv(variable)

    with pytest.raises(RuntimeError, match=f"{variable} is not set"):
        scheduled.invoke("StartRecording", payload, at_time="09:00")


# --- a task failed for good -------------------------------------------------------------------------------------------


TIMED_OUT = {"Error": "ServerUnavailable", "Cause": json.dumps({"errorMessage": "HTTP 503", "errorType": "x"})}


def test_a_start_whose_retries_are_exhausted_is_written_on_the_item(scheduled: Day) -> None:
    scheduled.server.will(answer(503))
    with pytest.raises(ServerUnavailable):
        scheduled.invoke("StartRecording", scheduled.payload(), at_time="09:00")

    outcome = scheduled.invoke("TaskFailed", scheduled.failed("StartRecording", TIMED_OUT), at_time="09:10")

    assert outcome["state"] == "FAILED"
    item = scheduled.item()
    assert item["status"] == "FAILED"
    assert item["tasks"]["StartRecording"]["error"] == "ServerUnavailable: HTTP 503"
    assert "HTTP 503" in item["reason"]
    assert scheduled.counted()["StartRecordingFailedForGood"] == 1
    (line,) = scheduled.logged("task failed for good")
    assert (line["level"], line["correlation_id"], line["task"]) == ("ERROR", "algebra-1", "StartRecording")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param({"Error": "States.Timeout"}, "States.Timeout", id="a time-out has no cause"),
        pytest.param({"Error": "Lambda.Unknown", "Cause": "The cause"}, "Lambda.Unknown: The cause", id="no JSON"),
        pytest.param({"Error": "X", "Cause": '{"a": 1}'}, 'X: {"a": 1}', id="other JSON"),
        pytest.param({"Error": "X", "Cause": "[]"}, "X: []", id="a list"),
        pytest.param({}, "unknown error", id="nothing"),
        pytest.param(None, "unknown error", id="null"),
    ],
)
def test_whatever_step_functions_says_of_the_failure_is_put_into_words(recording: Day, error: Any, words: str) -> None:
    recording.invoke("TaskFailed", recording.failed("StopRecording", error), at_time="11:00")

    assert recording.item()["tasks"]["StopRecording"]["error"] == words
    assert recording.item()["status"] == "FAILED"


def test_a_ping_whose_retries_are_exhausted_does_not_fail_the_class(recording: Day) -> None:
    recording.invoke("TaskFailed", recording.failed("SendLivePing", TIMED_OUT), at_time="09:02")

    assert recording.item()["status"] == "RECORDING"
    assert recording.item()["tasks"]["SendLivePing"]["state"] == "FAILED"


def test_a_task_that_succeeded_after_all_is_not_marked_failed(recording: Day) -> None:
    """Its Lambda timed out after it had written its result."""
    recording.invoke("TaskFailed", recording.failed("StartRecording", TIMED_OUT), at_time="09:10")

    assert recording.item()["tasks"]["StartRecording"]["state"] == "SUCCEEDED"
    assert recording.item()["status"] == "RECORDING"


def test_the_failure_of_an_execution_that_was_replaced_is_not_the_classes(scheduled: Day) -> None:
    event = scheduled.failed("StartRecording", TIMED_OUT)
    scheduled.deliver(scheduled.update("algebra-1", start="2026-12-01T09:30:00Z"), at_time="08:10")
    before = scheduled.item()

    scheduled.invoke("TaskFailed", event, at_time="09:10")

    assert scheduled.item() == before


def test_the_failure_of_a_class_that_is_gone_is_only_logged(scheduled: Day) -> None:
    event = scheduled.failed("StartRecording", TIMED_OUT)
    scheduled.delete("algebra-1")

    scheduled.invoke("TaskFailed", event, at_time="09:10")

    assert scheduled.account.item("algebra-1") is None
    assert scheduled.logged("task failed for good")


@pytest.mark.parametrize(("operation", "code", "acted"), FAILURES)
def test_a_failure_that_cannot_be_written_is_tried_again(
    recording: Day, operation: str, code: str, acted: bool
) -> None:
    event = recording.failed("StopRecording", TIMED_OUT)
    recording.account.will(operation, code, acted=acted)

    with pytest.raises(ServiceUnavailable):
        recording.invoke("TaskFailed", event, at_time="11:00")
    recording.invoke("TaskFailed", event, at_time="11:00:02")

    assert recording.item()["status"] == "FAILED"
