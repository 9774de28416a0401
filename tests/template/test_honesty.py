"""What wakes ExecutionEnded and Sweep: a rule, two schedules, and queues that only these may send to."""

import json
from itertools import chain
from typing import Any

import pytest

from classroom_scheduler.handlers import sweep
from tests.template.project import Json, deployed, of_type, template

SCHEDULES = {"EveryFewMinutes": {}, "EveryHour": {"audit": "hourly"}}


def rules() -> dict[str, Json]:
    return {name: each["Properties"] for name, each in deployed().items() if each["Type"] == "AWS::Events::Rule"}


def senders(queue: str) -> list[Any]:
    """The ARNs of whatever EventBridge may send to a queue."""
    policies = of_type("AWS::SQS::QueuePolicy").values()
    arns = [
        statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for policy in policies
        if {"Ref": queue} in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return list(chain.from_iterable(arn if isinstance(arn, list) else [arn] for arn in arns))


def test_the_rule_hears_of_every_end_of_this_machine_that_is_not_a_success() -> None:
    pattern = rules()["ExecutionEndedRule"]["EventPattern"]

    assert pattern == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": "ClassroomStateMachine"}],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    }


def test_the_rule_sends_to_the_queue_that_the_function_reads() -> None:
    [target] = rules()["ExecutionEndedRule"]["Targets"]
    queue = {"Fn::GetAtt": ["ExecutionEndedQueue", "Arn"]}

    assert target["Arn"] == queue
    assert of_type("AWS::Serverless::Function")["ExecutionEndedFunction"]["Events"]["ExecutionEnded"] == {
        "Type": "SQS",
        "Properties": {
            "Queue": queue,
            "BatchSize": 10,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 10},
        },
    }


def test_a_batch_of_status_events_is_done_within_the_functions_time() -> None:
    """Each is a read and a look: at worst four attempts of a call, several calls."""
    function = of_type("AWS::Serverless::Function")["ExecutionEndedFunction"]

    assert function["Timeout"] / function["Events"]["ExecutionEnded"]["Properties"]["BatchSize"] >= 6


@pytest.mark.parametrize("queue", ["ExecutionEndedQueue", "ExecutionEndedFailuresQueue"])
def test_only_the_rule_may_send_status_events(queue: str) -> None:
    assert senders(queue) == [{"Fn::GetAtt": ["ExecutionEndedRule", "Arn"]}]


def test_only_the_schedules_may_send_what_they_could_not_invoke() -> None:
    assert senders("SweepFailuresQueue") == [
        {"Fn::GetAtt": [f"SweepFunction{schedule}", "Arn"]} for schedule in SCHEDULES
    ]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_asks_for_what_the_function_knows(schedule: str) -> None:
    [target] = rules()[f"SweepFunction{schedule}"]["Targets"]

    assert json.loads(target["Input"]) == SCHEDULES[schedule]
    assert target["Arn"] == {"Fn::GetAtt": ["SweepFunction", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["SweepFailuresQueue", "Arn"]}}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_alone_may_invoke_the_function(schedule: str) -> None:
    permissions = [each["Properties"] for each in deployed().values() if each["Type"] == "AWS::Lambda::Permission"]
    arn = {"Fn::GetAtt": [f"SweepFunction{schedule}", "Arn"]}

    [permission] = [each for each in permissions if each.get("SourceArn") == arn]
    assert permission["FunctionName"] == {"Ref": "SweepFunction"}
    assert permission["Principal"] == "events.amazonaws.com"


def test_each_part_of_the_table_has_its_hour_of_the_day() -> None:
    assert rules()["SweepFunctionEveryHour"]["ScheduleExpression"] == "rate(1 hour)"
    assert sweep.SEGMENTS == 24


def test_every_rate_that_may_be_chosen_has_its_expression_with_the_number_that_eventbridge_insists_on() -> None:
    allowed = template()["Parameters"]["SweepMinutes"]["AllowedValues"]
    rates = template()["Mappings"]["SweepRates"]

    assert {minutes: rate["Expression"] for minutes, rate in rates.items()} == {
        str(minutes): f"rate({minutes} {'minute' if minutes == 1 else 'minutes'})" for minutes in allowed
    }


def test_a_deferred_class_is_found_before_it_starts_at_any_rate_and_horizon() -> None:
    parameters = template()["Parameters"]

    assert max(parameters["SweepMinutes"]["AllowedValues"]) < parameters["HorizonHours"]["MinValue"] * 60


def test_a_sweep_that_failed_is_not_repeated_but_told_of() -> None:
    """The next one is due in minutes, and does all that this one left."""
    config = of_type("AWS::Serverless::Function")["SweepFunction"]["EventInvokeConfig"]

    assert config["MaximumRetryAttempts"] == 0
    assert 60 <= config["MaximumEventAgeInSeconds"] <= 21_600
    assert config["DestinationConfig"]["OnFailure"] == {
        "Type": "SQS",
        "Destination": {"Fn::GetAtt": ["SweepFailuresQueue", "Arn"]},
    }
