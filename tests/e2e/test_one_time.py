"""Any Lambda, once, at a given time: never early, never twice, and not at all where the time can't be read."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.asl import render
from local.stack import STACK_NAME, Deployment
from tests.waiting import eventually

EVENTS = Path(__file__).parents[2] / "events" / "one-time"
REFUSED = {
    "time-missing.json": ("InvocationTimeUnreadable", "`invocationTime` is missing"),
    "time-without-offset.json": ("InvocationTimeUnreadable", '"2027-06-01T09:00:00"'),
    "time-in-lower-case.json": ("InvocationTimeUnreadable", '"2027-06-01t09:00:00z"'),
    "time-as-a-number.json": ("InvocationTimeUnreadable", 'the number "1811840400"'),
    "time-in-words.json": ("InvocationTimeUnreadable", '"tomorrow at nine"'),
    "day-that-is-not-there.json": ("InvocationTimeUnreadable", '"2027-02-29T09:00:00Z"'),
    "beyond-a-year.json": ("InvocationTimeTooFar", "2099-06-01T09:00:00Z; expected a time within 364 days"),
}
AT_ONCE = {"in-the-past.json", "without-payload.json"}
WAITING = {"schedule-lambda-input.json", "fraction-of-a-second.json"}


class OneTime:
    """What a person can do and see: start and stop one-time executions, and ask what became of them."""

    def __init__(self, stack: Deployment) -> None:
        self._stack = stack
        self._states = stack.aws.stepfunctions
        self.arn = stack.outputs["OneTimeLambdaSchedulerArn"]

    def start(self, execution_input: Any, machine: str = "") -> str:
        """Start an execution; its ARN."""
        started = self._states.start_execution(stateMachineArn=machine or self.arn, input=json.dumps(execution_input))
        return started["executionArn"]

    def start_file(self, name: str) -> str:
        """Start an execution with a file of events/one-time/ as its input; its ARN."""
        started = self._states.start_execution(stateMachineArn=self.arn, input=(EVENTS / name).read_text())
        return started["executionArn"]

    def stop(self, execution: str) -> None:
        self._states.stop_execution(executionArn=execution)

    def ended(self, execution: str) -> dict[str, Any]:
        """What DescribeExecution says once it has ended."""
        return eventually(
            lambda: dict(self._states.describe_execution(executionArn=execution)),
            lambda found: found["status"] != "RUNNING",
        )

    def status(self, execution: str) -> str:
        return self._states.describe_execution(executionArn=execution)["status"]

    def all_waiting(self, executions: Iterable[str]) -> None:
        """Return when each of them counts down."""
        for execution in executions:
            eventually(partial(self.entered, execution), lambda entered: entered[-1:] == ["CountDownTimer"])

    def entered(self, execution: str) -> list[str]:
        """The states that an execution entered, in order."""
        events = self._states.get_execution_history(executionArn=execution)["events"]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def function_arn(self, logical_id: str) -> str:
        """The ARN of a function of the stack."""
        hello = self._stack.outputs["HelloAtFunctionArn"]
        return f"{hello.rpartition(':')[0]}:{self._physical(logical_id)}"

    def machine_for(self, function_arn: str) -> str:
        """A machine made of the definition alone, as `make asl` renders it; its ARN."""
        role = self._states.describe_state_machine(stateMachineArn=self.arn)["roleArn"]
        made = self._states.create_state_machine(
            name="OneTimeLambdaScheduler-for-another", definition=render(function_arn), roleArn=role
        )
        return made["stateMachineArn"]

    def greetings(self, *said: str) -> list[str]:
        """What HelloAt has logged, a line an invocation, as soon as each of these is said there.

        A line is in the log a moment after its invocation.
        """
        return eventually(
            lambda: list(self._greetings()), lambda lines: all(any(each in line for line in lines) for each in said)
        )

    def _greetings(self) -> Iterator[str]:
        logs = self._stack.aws.other("logs")
        group = self._physical("FunctionLogGroup")
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            for event in page["events"]:
                if '"Called at ' in event["message"]:
                    yield json.loads(event["message"])["message"]

    def _physical(self, logical_id: str) -> str:
        resource = self._stack.aws.cloudformation.describe_stack_resource(
            StackName=STACK_NAME, LogicalResourceId=logical_id
        )
        return resource["StackResourceDetail"]["PhysicalResourceId"]


@pytest.fixture(scope="module")
def one_time(stack: Deployment) -> OneTime:
    return OneTime(stack)


def test_each_of_twenty_is_invoked_once_and_not_early_and_the_cancelled_ones_never(one_time: OneTime) -> None:
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    # From +14:00 to -12:00, as the Earth has them, and one on a quarter of an hour.
    zones = [timezone(timedelta(hours=14 - number * 26 / 19 // 0.25 * 0.25)) for number in range(20)]
    due = [(first + timedelta(seconds=number)).astimezone(zone) for number, zone in enumerate(zones)]
    started = {
        when.isoformat(): one_time.start(
            {"invocationTime": when.isoformat(), "payload": {"invocationTime": when.isoformat()}}
        )
        for when in due
    }
    cancelled = [when.isoformat() for when in due[9::4]]
    one_time.all_waiting(started[written] for written in cancelled)
    for written in cancelled:
        one_time.stop(started[written])

    ended = {written: one_time.ended(execution) for written, execution in started.items()}

    assert [written for written, each in ended.items() if each["status"] == "ABORTED"] == cancelled
    greetings = one_time.greetings(*(written for written in started if written not in cancelled))
    for written, execution in started.items():
        invocations = [line for line in greetings if written in line]
        if written in cancelled:
            assert invocations == []
            assert one_time.entered(execution)[-1] == "CountDownTimer"
            continue
        assert len(invocations) == 1
        assert ended[written]["status"] == "SUCCEEDED"
        assert one_time.entered(execution) == ["CheckInvocationTime", "CountDownTimer", "InvokeLambda"]
        assert called_at(ended[written]) >= datetime.fromisoformat(written)


def called_at(ended: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(json.loads(ended["output"])["calledAt"])


def test_a_fraction_of_a_second_is_waited_for(one_time: OneTime) -> None:
    when = datetime.now(UTC) + timedelta(seconds=2)
    when = when.replace(microsecond=max(1, when.microsecond))

    ended = one_time.ended(one_time.start({"invocationTime": when.isoformat()}))

    assert called_at(ended) >= when


@pytest.mark.parametrize("payload", [{"name": "Ada"}, {}, [], [1], [[1]], [{"a": 1}], "text", 5, 0, False, None])
def test_the_functions_answer_is_the_output_and_the_payload_reaches_it_as_it_is(
    one_time: OneTime, payload: Any
) -> None:
    ended = one_time.ended(one_time.start({"invocationTime": "2026-01-01T00:00:00Z", "payload": payload}))

    answer = json.loads(ended["output"])
    assert set(answer) == {"calledAt", "payload", "message"}
    assert answer["payload"] == payload


def test_a_payload_left_out_is_an_empty_object(one_time: OneTime) -> None:
    ended = one_time.ended(one_time.start_file("without-payload.json"))

    assert json.loads(ended["output"])["payload"] == {}


def test_a_time_in_the_past_is_invoked_at_once(one_time: OneTime) -> None:
    ended = one_time.ended(one_time.start_file("in-the-past.json"))

    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["latenessMs"] > 0


@pytest.mark.parametrize("name", sorted(WAITING))
def test_a_sample_that_lies_ahead_waits_any_number_of_times(one_time: OneTime, name: str) -> None:
    executions = [one_time.start_file(name) for _ in range(3)]

    one_time.all_waiting(executions)

    assert {one_time.status(each) for each in executions} == {"RUNNING"}
    for each in executions:
        one_time.stop(each)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_time_that_cannot_be_waited_for_fails_at_once_and_says_why(one_time: OneTime, name: str) -> None:
    error, cause = REFUSED[name]
    _is_refused(one_time, one_time.start_file(name), error, cause)


@pytest.mark.parametrize(
    ("execution_input", "said"),
    [
        ({}, "is missing"),
        ([], "is missing"),
        ("2027-06-01T09:00:00Z", "is missing"),
        (None, "is missing"),
        ({"invocationTime": None}, "is missing"),
        ({"invocationTime": ""}, 'is the string ""'),
        ({"invocationTime": True}, 'is the boolean "true"'),
        ({"invocationTime": {"at": "09:00"}}, "is the object"),
        ({"invocationTime": ["2027-06-01T09:00:00Z"]}, "is the array"),
        ({"invocationTime": "2027-06-01"}, '"2027-06-01"'),
        ({"invocationTime": "2027-06-01 09:00:00Z"}, '"2027-06-01 09:00:00Z"'),
        ({"invocationTime": "2027-06-01T09:00Z"}, '"2027-06-01T09:00Z"'),
        ({"invocationTime": "2027-06-01T24:00:00Z"}, '"2027-06-01T24:00:00Z"'),
        ({"invocationTime": "2027-06-01T09:00:60Z"}, '"2027-06-01T09:00:60Z"'),
        ({"invocationTime": "2027-06-31T09:00:00Z"}, '"2027-06-31T09:00:00Z"'),
        ({"invocationTime": "2027-06-01T09:00:00+0530"}, '"2027-06-01T09:00:00+0530"'),
        ({"invocationTime": "2027-06-01T09:00:00Z\n"}, '"2027-06-01T09:00:00Z'),
        ({"invocationTime": "$$.Execution.StartTime"}, '"$$.Execution.StartTime"'),
    ],
    ids=str,
)
def test_whatever_else_is_written_is_refused_too(one_time: OneTime, execution_input: Any, said: str) -> None:
    _is_refused(one_time, one_time.start(execution_input), "InvocationTimeUnreadable", said)


def test_the_last_day_of_a_year_is_refused_and_the_day_before_is_not(one_time: OneTime) -> None:
    far = (datetime.now(UTC) + timedelta(days=364, minutes=1)).isoformat(timespec="seconds")
    near = (datetime.now(UTC) + timedelta(days=364, minutes=-1)).isoformat(timespec="seconds")

    _is_refused(one_time, one_time.start({"invocationTime": far}), "InvocationTimeTooFar", far)
    waiting = one_time.start({"invocationTime": near})
    one_time.all_waiting([waiting])
    assert one_time.status(waiting) == "RUNNING"
    one_time.stop(waiting)


def test_a_function_that_fails_fails_the_execution_with_its_own_error_and_is_not_called_again(
    one_time: OneTime,
) -> None:
    """StartRecording can't do anything with this payload."""
    machine = one_time.machine_for(one_time.function_arn("StartRecordingFunction"))
    execution = one_time.start({"invocationTime": "2026-01-01T00:00:00Z", "payload": {"name": "Ada"}}, machine)

    ended = one_time.ended(execution)

    assert ended["status"] == "FAILED"
    assert one_time.entered(execution) == ["CheckInvocationTime", "CountDownTimer", "InvokeLambda", "InvocationFailed"]
    # On AWS the error is the exception's class; the emulator calls each of them the same.
    assert ended["error"]
    assert "classroomId" in ended["cause"]


def test_every_sample_input_is_tried_here() -> None:
    assert {path.name for path in EVENTS.iterdir()} == AT_ONCE | WAITING | set(REFUSED)


def _is_refused(one_time: OneTime, execution: str, error: str, said: str) -> None:
    ended = one_time.ended(execution)
    assert (ended["status"], ended["error"]) == ("FAILED", error)
    assert said in ended["cause"]
    assert "expected" in ended["cause"]
    assert one_time.entered(execution) == ["CheckInvocationTime", error]
