"""`make smoke`: what AWS shows of a deployed stack is judged as seen, and all that a run makes is taken away."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import EndpointConnectionError
from standardwebhooks import Webhook

from operations import (
    api_checks,
    class_checks,
    classroom_server,
    event_checks,
    results,
    smoke,
    stand_in,
    watch_checks,
)
from operations.errors import NotBegun, Undone
from operations.results import Outcome, Result, make
from operations.stacks import find
from operations.trial import PREFIX, Trial
from operations.web import Answer
from tests.unit.operations.scripted import AWS, DENIED, Refused, ScriptedAws, a_stack, resources

EMULATOR = "http://127.0.0.1:4566"
PROBLEM = "application/problem+json"
TASKS = ("start", "ping", "stop")
MORE = (
    *((name, "AWS::Lambda::Function", name) for name in (*TASKS, "sweep")),
    ("Mapping", "AWS::Lambda::EventSourceMapping", "a44c3355-d028-4331-a320-14fb20fa527b"),
    ("Logs", "AWS::Logs::LogGroup", "/logs/all"),
    ("Late", "AWS::CloudWatch::Alarm", "late"),
)


def a_trial(endpoint: str = AWS) -> tuple[ScriptedAws, Trial]:
    """A run on a stack that nothing is wrong with, whose waits are over at once."""
    aws = ScriptedAws(endpoint)
    aws.will("DescribeStacks", a_stack())
    aws.will("ListStackResources", resources(*MORE))
    return aws, Trial(aws.account, find(aws.account, "school"), every=0.01)


def an_item(status: str, **attributes: Any) -> dict[str, Any]:
    return {"Item": TypeSerializer().serialize({"status": status, "reason": "as the item says", **attributes})["M"]}


def done(late: int = 40, attempts: int = 1) -> dict[str, Any]:
    """The tasks of a class that was recorded."""
    task = {"state": "SUCCEEDED", "latenessMs": late, "attempts": attempts}
    return dict.fromkeys(class_checks.TASKS, task)


# --- every check ------------------------------------------------------------------------------------------------------

OVER_THE_WIRE = {name for name, _ in api_checks.checks(a_trial()[1])}
NAMES = [name for name, _ in smoke.checks(a_trial()[1]) if name not in OVER_THE_WIRE]


def made(name: str, trial: Trial) -> Result:
    return make((name, dict(smoke.checks(trial))[name]))


@pytest.mark.parametrize("name", NAMES)
def test_a_check_without_its_permission_says_so_and_is_no_pass(name: str) -> None:
    aws, trial = a_trial()
    aws.otherwise = DENIED

    result = made(name, trial)

    assert result.outcome is Outcome.WARN
    assert "Not checked. No permission for" in result.seen


@pytest.mark.parametrize("name", NAMES)
def test_a_check_that_does_not_reach_aws_fails_and_says_so(name: str) -> None:
    aws, trial = a_trial()
    aws.otherwise = EndpointConnectionError(endpoint_url="https://states.example")

    result = made(name, trial)

    assert result.outcome is Outcome.FAIL
    assert "AWS could not be reached" in result.seen


@pytest.mark.parametrize("name", sorted(OVER_THE_WIRE))
def test_an_api_that_does_not_answer_fails(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_checks, "ask", lambda *_, **__: Answer(0, "", "connection refused"))

    assert made(name, a_trial()[1]).outcome is Outcome.FAIL


# --- classes ----------------------------------------------------------------------------------------------------------


def class_check(name: str, *items: Mapping[str, Any]) -> Result:
    """The result of a check while the item says this, one after the other."""
    aws, trial = a_trial()
    aws.will("PutItem", {})
    aws.will("StopExecution", {})
    aws.will("GetItem", *items)
    return made(name, trial)


def test_a_class_that_is_completed_passes_with_its_latenesses() -> None:
    result = class_check("A class", {}, an_item("SCHEDULED"), an_item("COMPLETED", tasks=done()))

    assert result.outcome is Outcome.PASS
    assert "StartRecording 40 ms, SendLivePing 40 ms, StopRecording 40 ms" in result.seen


def test_a_class_that_is_late_warns() -> None:
    assert class_check("A class", an_item("COMPLETED", tasks=done(late=6000))).outcome is Outcome.WARN


def test_a_class_that_fails_shows_its_reason() -> None:
    result = class_check("A class", an_item("FAILED", tasks={}))

    assert result.outcome is Outcome.FAIL
    assert "is FAILED, not COMPLETED: as the item says" in result.seen


def test_a_class_that_nothing_happens_to_says_how_far_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_checks, "_SEEN_WITHIN", 0)

    result = class_check("A class", an_item("SCHEDULED"))

    assert result.outcome is Outcome.FAIL
    assert "The item says SCHEDULED: as the item says" in result.seen


@pytest.mark.parametrize(
    ("endpoint", "attempts", "execution", "outcome"),
    [
        (AWS, 1, "FAILED", Outcome.PASS),
        (AWS, 2, "FAILED", Outcome.FAIL),
        (AWS, 1, "ABORTED", Outcome.FAIL),
        (EMULATOR, 1, "RUNNING", Outcome.NOT_CHECKABLE),
    ],
)
def test_a_server_that_answers_400_is_to_be_asked_once(
    endpoint: str, attempts: int, execution: str, outcome: Outcome
) -> None:
    aws, trial = a_trial(endpoint)
    tasks = {"StartRecording": {"state": "FAILED", "attempts": attempts}}
    aws.will("PutItem", {})
    aws.will("GetItem", an_item("FAILED", tasks=tasks, reason="HTTP 400", executionName="first"))
    aws.will("DescribeExecution", {"status": "RUNNING"}, {"status": execution})

    assert made("A server that answers 400", trial).outcome is outcome


@pytest.mark.parametrize(("attempts", "outcome"), [(3, Outcome.PASS), (1, Outcome.FAIL)])
def test_a_server_that_answers_503_twice_is_to_be_asked_three_times(attempts: int, outcome: Outcome) -> None:
    item = an_item("COMPLETED", tasks=done(attempts=attempts))

    assert class_check("A server that answers 503 twice", item).outcome is outcome


@pytest.mark.parametrize(("then", "outcome"), [("second", Outcome.PASS), ("first", Outcome.FAIL)])
def test_an_execution_stopped_by_hand_is_to_be_followed_by_another(then: str, outcome: Outcome) -> None:
    first = an_item("SCHEDULED", executionName="first")

    result = class_check("An execution stopped by hand", first, an_item("COMPLETED", executionName=then, tasks=done()))

    assert result.outcome is outcome


# --- bookings, logs, mappings and metrics -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "outcome"), [({"reason": {"StringValue": "`start`"}}, Outcome.PASS), ({}, Outcome.FAIL)]
)
def test_a_broken_booking_is_to_lie_in_its_queue_with_the_reason(attributes: dict[str, Any], outcome: Outcome) -> None:
    aws, trial = a_trial()
    aws.will("PutEvents", {"FailedEntryCount": 0, "Entries": []})
    others = {"Body": '{"classroomId": "others"}', "ReceiptHandle": "1"}
    own = {"Body": json.dumps({"classroomId": f"{trial.name}-booked-wrongly"}), "ReceiptHandle": "2"}
    aws.will("ReceiveMessage", {}, {"Messages": [others, own | {"MessageAttributes": attributes}]})
    aws.will("DeleteMessage", {})

    result = make(("Booking", lambda: event_checks.booked_wrongly(trial)))

    assert result.outcome is outcome
    assert [call["ReceiptHandle"] for call in aws.called("DeleteMessage")] == ["2"]


def test_a_bus_that_refuses_a_booking_fails() -> None:
    aws, trial = a_trial()
    aws.will("PutEvents", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Throttled", "ErrorMessage": "slow down"}]})

    result = make(("Booking", lambda: event_checks.booked(trial)))

    assert result.outcome is Outcome.FAIL
    assert "The bus default refuses it: Throttled slow down" in result.seen


@pytest.mark.parametrize(
    ("state", "last", "outcome"),
    [
        ("Enabled", "OK", Outcome.PASS),
        ("Enabled", "No records processed", Outcome.PASS),
        ("Enabled", "PROBLEM: Function call failed", Outcome.FAIL),
        ("Disabled", "OK", Outcome.FAIL),
    ],
)
def test_every_event_source_mapping_is_to_be_enabled_and_without_a_problem(
    state: str, last: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_checks, "_ENABLED_WITHIN", 0)
    aws, trial = a_trial()
    arn = "arn:aws:lambda:eu-west-1:1:function:changed"
    aws.will("GetEventSourceMapping", {"State": state, "LastProcessingResult": last, "FunctionArn": arn})

    result = watch_checks.mappings(trial)

    assert result.outcome is outcome
    assert (outcome is Outcome.PASS) != (f"the mapping of changed is {state} ({last})" in result.seen)


def test_a_log_group_that_nobody_writes_to_is_named() -> None:
    aws, trial = a_trial()
    aws.will("DescribeLogStreams", {"logStreams": []}, {"logStreams": [{"logStreamName": "1"}]})
    assert watch_checks.log_streams(trial).outcome is Outcome.PASS

    aws.will("DescribeLogStreams", {"logStreams": []})
    trial.began -= 8 * 60
    result = watch_checks.log_streams(trial)
    assert (result.outcome, "/logs/all" in result.seen) == (Outcome.FAIL, True)


def metrics(*values: float) -> dict[str, Any]:
    return {"MetricDataResults": [{"Id": "m0", "Values": list(values)}]}


def test_metrics_that_the_run_provokes_are_to_be_there_and_others_may_be_silent() -> None:
    aws, trial = a_trial()
    late = {"Namespace": "ClassroomScheduler", "MetricName": "StartRecordingLateness", "Dimensions": []}
    rare = {"Namespace": "ClassroomScheduler", "MetricName": "RecordingsNotStopped", "Dimensions": []}
    in_words = {"Metrics": [{"Id": "a", "MetricStat": {"Metric": rare, "Period": 60, "Stat": "Sum"}}]}
    aws.will("DescribeAlarms", {"MetricAlarms": [late, in_words]})
    aws.will("GetMetricData", metrics(), metrics(1.0))
    result = watch_checks.alarms(trial)
    assert (result.outcome, result.seen[:30]) == (Outcome.PASS, "1 of 2 metrics that 1 alarms w")

    aws.will("GetMetricData", metrics())
    trial.began -= 8 * 60
    result = watch_checks.alarms(trial)
    assert (result.outcome, "StartRecordingLateness" in result.seen) == (Outcome.FAIL, True)


@pytest.mark.parametrize("check", [watch_checks.log_streams, watch_checks.alarms])
def test_what_an_emulator_can_not_show_is_never_passed(check: Any) -> None:
    aws, trial = a_trial(EMULATOR)
    aws.will("DescribeLogStreams", {"logStreams": [{"logStreamName": "1"}]})

    assert check(trial).outcome is Outcome.NOT_CHECKABLE


# --- the HTTP API -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answer", "outcome"),
    [
        ("HTTP API, signed", Answer(200, "application/json", '{"openapi": "3.1.0"}'), Outcome.PASS),
        ("HTTP API, signed", Answer(403, "application/json", '{"message": "no"}'), Outcome.FAIL),
        ("HTTP API, unsigned", Answer(403, PROBLEM, '{"detail": "Sign it"}'), Outcome.PASS),
        ("HTTP API, unsigned", Answer(403, "application/json", '{"message": "no"}'), Outcome.FAIL),
        ("HTTP API, PATCH", Answer(405, PROBLEM, '{"detail": "no"}'), Outcome.PASS),
        ("HTTP API, PATCH", Answer(403, PROBLEM, '{"detail": "no"}'), Outcome.FAIL),
        ("HTTP API, wrong method", Answer(502, PROBLEM, '{"detail": "no"}'), Outcome.FAIL),
        ("HTTP API, %20 in an id", Answer(404, PROBLEM, '{"detail": "no classroom smoke room"}'), Outcome.PASS),
        ("HTTP API, %20 in an id", Answer(404, PROBLEM, '{"detail": "no classroom smoke%20room"}'), Outcome.FAIL),
        ("HTTP API, 600 KB", Answer(413, PROBLEM, '{"detail": "too large"}'), Outcome.PASS),
        ("HTTP API, 600 KB", Answer(500, "text/html", "oh"), Outcome.FAIL),
    ],
)
def test_an_answer_of_the_api_is_judged(
    name: str, answer: Answer, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_checks, "ask", lambda *_, **__: answer)

    assert made(name, a_trial()[1]).outcome is outcome


@pytest.mark.parametrize("name", ["HTTP API, unsigned", "HTTP API, PATCH", "HTTP API, wrong method"])
def test_api_gateways_own_answers_are_not_checkable_on_an_emulator(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_checks, "ask", lambda *_, **__: Answer(403, "application/json", "{}"))

    assert made(name, a_trial(EMULATOR)[1]).outcome is Outcome.NOT_CHECKABLE


# --- the throw-away server --------------------------------------------------------------------------------------------

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def webhook(type_: str, attempt: int, **smoke: Any) -> dict[str, Any]:
    return {"type": type_, "data": {"recordingId": "r", "attempt": attempt, "classroom": {"smoke": smoke}}}


def test_the_stand_in_takes_what_the_scheduler_signs_and_nothing_else() -> None:
    now, body = datetime.now(UTC), '{"type": "recording.start"}'
    headers = {
        "webhook-id": "r-start",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("r-start", now, body),
    }

    assert stand_in.is_signed(headers, body.encode(), SECRET)
    assert not stand_in.is_signed(headers, b"{}", SECRET)
    assert not stand_in.is_signed({}, body.encode(), SECRET)
    assert not stand_in.is_signed(headers, body.encode(), "no base64")


def test_the_stand_in_fails_as_the_class_asks_and_then_no_more() -> None:
    answers = [stand_in.answer(webhook("recording.start", n, status=503, times=2))["statusCode"] for n in (1, 2, 3)]

    assert answers == [503, 503, 200]
    assert stand_in.answer(webhook("recording.stop", 1, status=400, times=9))["statusCode"] == 200
    assert stand_in.answer({"type": "recording.start", "data": {"recordingId": "r", "attempt": 1}})["statusCode"] == 200


class Functions:
    """The task functions of a stack, as Lambda has them."""

    def __init__(self, aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch) -> None:
        self.aws = aws
        monkeypatch.setattr(classroom_server, "ask", lambda *_: Answer(401, "", ""))
        aws.will("GetFunctionConfiguration", self._configuration)
        aws.will("GetFunction", {"Configuration": {"State": "Active", "LastUpdateStatus": "Successful"}})
        aws.will("ListAliases", {"Aliases": []})
        aws.will("CreateFunctionUrlConfig", {"FunctionUrl": "https://abc.lambda-url.eu-west-1.on.aws/"})
        aws.will("ListExecutions", {"executions": []})
        aws.will("DescribeTable", {"Table": {}})
        for operation in ("CreateFunction", "DeleteFunction", "AddPermission", "DeleteFunctionUrlConfig"):
            aws.will(operation, {})
        aws.will("UpdateFunctionConfiguration", {})

    def _configuration(self, params: Mapping[str, Any]) -> dict[str, Any]:
        name = params["FunctionName"]
        variables = {"CLASSROOM_SERVER_URL": "https://killed.example", "WEBHOOK_SECRET_ARN": "arn:s", "X": "1"}
        role = "arn:aws:iam::123456789012:role/task"
        common = {"FunctionName": name, "Runtime": "python3.13", "Architectures": ["arm64"], "Role": role}
        common["LoggingConfig"] = {"LogGroup": "/logs/all"}
        return common | ({"Environment": {"Variables": variables}} if name in TASKS else {})

    def pointed_to(self) -> list[tuple[str, str]]:
        return [
            (call["FunctionName"], call["Environment"]["Variables"]["CLASSROOM_SERVER_URL"])
            for call in self.aws.called("UpdateFunctionConfiguration")
        ]


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Functions:
    return Functions(ScriptedAws(), monkeypatch)


ONE = [("A check", lambda: results.passed("seen"))]


def run(functions: Functions) -> list[str]:
    """A run; what it said."""
    functions.aws.will("DescribeStacks", a_stack())
    functions.aws.will("ListStackResources", resources(*MORE))
    said: list[str] = []
    smoke.smoke(functions.aws.account, "school", said.append)
    return said


@pytest.fixture
def one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "checks", lambda _: ONE)


@pytest.mark.usefixtures("one_check")
def test_the_tasks_are_pointed_to_the_server_and_back_to_the_stacks_parameter(functions: Functions) -> None:
    said = run(functions)

    url = "https://abc.lambda-url.eu-west-1.on.aws/"
    assert functions.pointed_to() == [(task, url) for task in TASKS] + [
        (task, "https://server.example") for task in TASKS
    ]
    kept = functions.aws.called("UpdateFunctionConfiguration")[0]["Environment"]["Variables"]
    assert (kept["X"], kept["WEBHOOK_SECRET_ARN"]) == ("1", "arn:s")
    assert functions.aws.called("DeleteFunctionUrlConfig")
    assert functions.aws.called("DeleteFunction")
    assert "call ClassroomServerUrl again" in said[-1]


def test_ctrl_c_takes_everything_away_and_says_so(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(trial: Trial) -> list[Any]:
        trial.class_id("on-time")
        raise KeyboardInterrupt

    functions.aws.will("DeleteItem", {})
    monkeypatch.setattr(smoke, "checks", interrupt)

    with pytest.raises(KeyboardInterrupt, match=r"Interrupted: .* are taken away, and the tasks of school call"):
        run(functions)

    assert [url for _, url in functions.pointed_to()][-3:] == ["https://server.example"] * 3
    assert functions.aws.called("DeleteFunction")
    assert functions.aws.called("DeleteItem")[0]["Key"]["classroomId"]["S"].endswith("-on-time")


def test_checks_that_wait_end_with_the_run() -> None:
    _, trial = a_trial()
    trial.ended.set()
    began = time.monotonic()

    result = make(("Waits", lambda: trial.wait(lambda: None, 60, "Something")))

    assert (result.outcome, result.seen) == (Outcome.FAIL, "The run was broken off.")
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("one_check")
@pytest.mark.parametrize("operation", ["CreateFunction", "CreateFunctionUrlConfig", "AddPermission", "ListAliases"])
def test_without_a_server_no_check_is_made_and_nothing_stays(functions: Functions, operation: str) -> None:
    functions.aws.will(operation, DENIED)

    with pytest.raises(NotBegun, match=f"No permission for {operation}: .* No check was made"):
        run(functions)

    assert len(functions.aws.called("DeleteFunction")) == (operation not in {"CreateFunction", "ListAliases"})
    assert functions.pointed_to() == []


@pytest.mark.usefixtures("one_check")
def test_the_server_logs_where_the_role_of_a_task_lets_it(functions: Functions) -> None:
    run(functions)

    [made] = functions.aws.called("CreateFunction")
    assert (made["Role"], made["LoggingConfig"]) == ("arn:aws:iam::123456789012:role/task", {"LogGroup": "/logs/all"})


@pytest.mark.usefixtures("one_check")
@pytest.mark.parametrize(
    ("operation", "left"), [("DeleteFunction", "The function smoke-"), ("DeleteFunctionUrlConfig", "The URL of smoke-")]
)
def test_what_can_not_be_taken_away_is_named(functions: Functions, operation: str, left: str) -> None:
    functions.aws.will(operation, DENIED)

    with pytest.raises(Undone, match=f"{left}.* is left behind. No permission for {operation}.*by hand"):
        run(functions)


@pytest.mark.usefixtures("one_check")
def test_tasks_that_run_published_versions_are_left_alone(functions: Functions) -> None:
    functions.aws.will("ListAliases", {"Aliases": [{"Name": "live"}]})

    with pytest.raises(NotBegun, match="run published versions"):
        run(functions)


@pytest.mark.usefixtures("one_check")
def test_a_stack_on_which_classes_wait_is_refused_and_leftovers_of_a_run_are_not(functions: Functions) -> None:
    own = {"executionArn": f"arn:aws:states:::execution:classes:{PREFIX}1-booked-0"}
    functions.aws.will("ListExecutions", {"executions": [own]})
    run(functions)

    functions.aws.will("ListExecutions", {"executions": [own, {"executionArn": "arn:x:algebra-1"}]})
    with pytest.raises(NotBegun, match="Classes wait or run on school, such as algebra-1"):
        run(functions)


@pytest.mark.usefixtures("one_check")
def test_a_protected_stack_is_not_disposable(functions: Functions) -> None:
    functions.aws.will("DescribeTable", {"Table": {"DeletionProtectionEnabled": True}})

    with pytest.raises(NotBegun, match="not disposable"):
        run(functions)
    assert functions.aws.called("CreateFunction") == []


def test_a_server_that_never_comes_up_is_taken_away(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom_server, "ask", lambda *_: Answer(403, "", "Forbidden"))
    monkeypatch.setattr(classroom_server, "_UP_WITHIN", 0)

    with pytest.raises(NotBegun, match="answers 403 Forbidden, not 401"):
        run(functions)
    assert functions.aws.called("DeleteFunction")


def test_a_function_that_is_gone_already_is_well(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "checks", lambda _: ONE)
    functions.aws.will("DeleteFunction", Refused("ResourceNotFoundException"))

    run(functions)
