"""The one-time scheduler's state machine: a time is read before it is waited for, and no failure ends well."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonata  # type: ignore[import-untyped]  # it has none
import pytest

from classroom_scheduler.domain.times import parse_time
from local.asl import render
from local.errors import StepFailed
from tests.template.project import ROOT, Json, complaints, of_type, state_machine, strings

MACHINE = state_machine("one_time_lambda_scheduler")
STATES: dict[str, Json] = MACHINE["States"]
UNREADABLE, NEAR = STATES["CheckInvocationTime"]["Choices"]
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"


def evaluated(expression: str, execution_input: Any) -> Any:
    """What a JSONata expression of the machine gives for an execution's input."""
    return jsonata.Jsonata(expression.removeprefix("{%").removesuffix("%}")).evaluate(
        None, {"states": {"input": execution_input}}
    )


def test_a_normal_execution_checks_waits_and_invokes() -> None:
    assert MACHINE["StartAt"] == "CheckInvocationTime"
    assert NEAR["Next"] == "CountDownTimer"
    assert STATES["CountDownTimer"] == {"Type": "Wait", "TimestampPath": "$.invocationTime", "Next": "InvokeLambda"}
    assert STATES["InvokeLambda"]["InputPath"] == "$.payload"
    assert STATES["InvokeLambda"]["End"] is True


def test_the_answer_of_the_function_alone_is_the_output() -> None:
    # Of a function's ARN the result is its answer; lambda:invoke would put it into an envelope.
    assert STATES["InvokeLambda"]["Resource"] == "${TargetFunctionArn}"
    assert not {"ResultPath", "ResultSelector", "OutputPath", "Parameters"} & set(STATES["InvokeLambda"])


def test_the_timer_is_reached_by_a_time_that_was_read_and_by_no_other() -> None:
    ways = [name for name, state in STATES.items() if "CountDownTimer" in set(strings(state))]

    assert ways == ["CheckInvocationTime"]
    assert STATES["CheckInvocationTime"]["Default"] == "InvocationTimeTooFar"
    assert UNREADABLE["Next"] == "InvocationTimeUnreadable"


def test_every_failure_ends_in_a_fail_state() -> None:
    ends = {"InvocationTimeUnreadable", "InvocationTimeTooFar", "InvocationFailed"}

    assert {name for name, state in STATES.items() if state["Type"] == "Fail"} == ends
    assert STATES["InvokeLambda"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "InvocationFailed"}]


def test_the_function_is_given_all_the_time_that_it_can_have() -> None:
    longest, set_up = 900, 10

    assert STATES["InvokeLambda"]["TimeoutSeconds"] > longest + set_up


def test_only_what_fails_on_the_way_to_the_function_is_tried_again() -> None:
    [retry] = STATES["InvokeLambda"]["Retry"]

    assert all(error.startswith("Lambda.") for error in retry["ErrorEquals"])
    # What Step Functions calls a function that raised, ran out of time or of memory.
    assert not {"Lambda.Unknown", "States.TaskFailed", "States.ALL"} & set(retry["ErrorEquals"])
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"
    assert 0 < retry["MaxDelaySeconds"] <= 60


def test_retries_last_as_long_as_their_comment_says_and_within_the_day_that_is_left_for_them() -> None:
    [retry] = STATES["InvokeLambda"]["Retry"]
    delays = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt, retry["MaxDelaySeconds"])
        for attempt in range(retry["MaxAttempts"])
    ]

    assert round(sum(delays) / 2 / 60) == 8
    assert sum(delays) + (1 + len(delays)) * STATES["InvokeLambda"]["TimeoutSeconds"] < 86_400


def test_it_conforms_to_the_states_language() -> None:
    assert complaints(MACHINE) == []


def test_it_is_told_its_function_and_may_invoke_no_other() -> None:
    machine = of_type("AWS::Serverless::StateMachine")["OneTimeLambdaScheduler"]
    target = {
        "Fn::If": ["HasOneTimeTarget", {"Ref": "OneTimeTargetFunctionArn"}, {"Fn::GetAtt": ["HelloAtFunction", "Arn"]}]
    }

    assert machine["DefinitionSubstitutions"] == {"TargetFunctionArn": target}
    assert machine["Policies"][0]["Statement"][0]["Resource"] == target


def test_the_regular_expression_means_the_same_to_every_engine() -> None:
    # Neither looks around, which some can't, nor ends in $, which to some stands before a last line break too.
    assert not re.search(r"\(\?[^:]|\$/|\\d", UNREADABLE["Condition"])


def test_every_day_of_the_calendar_can_be_read_and_no_other() -> None:
    [pattern] = re.findall(r", /(.*)/\)\[0\]", UNREADABLE["Condition"])
    for year in (1900, 1970, 2000, 2026, 2027, 2028, 2100):
        for month in range(14):
            for day in range(33):
                there = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
                written = f"{year}-{month:02}-{day:02}T09:00:00Z"
                assert bool(re.fullmatch(pattern, written)) == there, written


@pytest.mark.parametrize(
    "written",
    [
        *("2026-12-01T09:00:00Z", "2026-12-01T09:00:00+00:00", "2026-12-01T09:00:00-00:00"),
        *("2026-12-01T14:30:00+05:30", "2026-12-01T00:00:00+14:00", "2026-12-01T23:59:59-12:00"),
        *("2026-12-31T23:59:59.999999999Z", "2026-12-01T09:00:00.000Z", "2026-12-01T09:00:00.0000001Z"),
        *("2026-12-01T09:00:00.5-08:00", "2024-02-29T00:00:00Z", "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_read_as_everywhere_else_and_rounded_up_to_a_second(written: str) -> None:
    execution_input = {"invocationTime": written, "payload": [1]}

    assert evaluated(UNREADABLE["Condition"], execution_input) is False
    assert evaluated(NEAR["Condition"], execution_input) is True
    output = evaluated(NEAR["Output"], execution_input)
    assert output["payload"] == [1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", output["invocationTime"])
    assert datetime.fromisoformat(output["invocationTime"]) == parse_time(written)


@pytest.mark.parametrize("payload", [{"name": "Ada"}, [], [1], [[1]], "text", 0, False, None])
def test_a_payload_is_left_as_it_is(payload: Any) -> None:
    execution_input = {"invocationTime": "2026-12-01T09:00:00Z", "payload": payload}

    assert evaluated(NEAR["Output"], execution_input)["payload"] == payload


def test_a_payload_left_out_is_an_empty_object() -> None:
    assert evaluated(NEAR["Output"], {"invocationTime": "2026-12-01T09:00:00Z"})["payload"] == {}


@pytest.mark.parametrize(
    "written",
    [
        *("", "tomorrow", "2026-12-01", "20261201T090000Z", "2026-12-01T09:00:00", "2026-12-01T09:00Z"),
        *("2026-12-01 09:00:00Z", "2026-12-01t09:00:00Z", "2026-12-01T09:00:00z", "2026-12-01T09:00:00 Z"),
        *("2026-12-01T09:00:00+0530", "2026-12-01T09:00:00+05", "2026-12-01T09:00:00.Z", "2026-12-01T24:00:00Z"),
        *("2026-12-01T23:59:60Z", "2026-12-01T09:00:00Z\n", " 2026-12-01T09:00:00Z", "٢٠٢٦-12-01T09:00:00Z"),
        *(None, True, 1_796_115_600, ["2026-12-01T09:00:00Z"], {"at": "2026-12-01T09:00:00Z"}),
    ],
)
def test_what_a_wait_could_not_read_is_refused_in_words(written: Any) -> None:
    execution_input = {"invocationTime": written, "payload": {}}
    cause = evaluated(STATES["InvocationTimeUnreadable"]["Cause"], execution_input)

    assert evaluated(UNREADABLE["Condition"], execution_input) is True
    assert cause.startswith("`invocationTime` is ")
    assert "expected an RFC 3339 date-time" in cause
    assert "Nothing was invoked" in cause


def test_no_engine_is_asked_to_read_a_fraction() -> None:
    """Those in Java fail beyond three digits, and a Choice can't catch."""
    asked = [part for text in strings(MACHINE) for part in text.split("$toMillis(")[1:]]

    assert len(asked) == 2
    assert all(part.startswith("$replace($states.input.invocationTime, /\\.[0-9]+/, '')") for part in asked)


def test_a_year_ahead_is_too_far() -> None:
    def near(ahead: timedelta) -> Any:
        return evaluated(NEAR["Condition"], {"invocationTime": (datetime.now(UTC) + ahead).isoformat()})

    assert near(timedelta(days=364, minutes=-1)) is True
    assert near(timedelta(days=364, minutes=1)) is False


@pytest.mark.parametrize(
    ("caught", "cause"),
    [
        ({"Error": "ValueError", "Cause": '{"errorMessage": "no"}'}, '{"errorMessage": "no"}'),
        ({"Error": "States.Timeout"}, "No cause was given."),
        ({"Error": "States.Timeout", "Cause": None}, "No cause was given."),
    ],
)
def test_a_failed_execution_has_the_error_of_its_function(caught: Json, cause: str) -> None:
    assert evaluated(STATES["InvocationFailed"]["Error"], caught) == caught["Error"]
    assert evaluated(STATES["InvocationFailed"]["Cause"], caught) == cause


def test_make_asl_leaves_no_substitution() -> None:
    assert "${" not in render(ARN)
    assert ARN in render(ARN)
    assert render(ARN).replace(ARN, "${TargetFunctionArn}") == (
        (ROOT / "statemachine" / "one_time_lambda_scheduler.asl.json").read_text()
    )


@pytest.mark.parametrize(
    "wrong", ["", "my-function", "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1", f"{ARN}\n"]
)
def test_make_asl_names_what_it_needs(wrong: str) -> None:
    with pytest.raises(StepFailed, match="make asl FUNCTION_ARN=arn:aws:lambda:"):
        render(wrong)
