"""Each function, its handler, its log group and its state have one name, and AWS is told all they need."""

import json
import os
import subprocess
import sys

import pytest

from classroom_scheduler.bookings.booking import Kind
from classroom_scheduler.handlers import booking_received
from tests.template.project import (
    PACKAGE,
    ROOT,
    TASKS,
    Json,
    deployed,
    functions,
    handler_module,
    of_type,
    state_machine,
    template,
)

FUNCTIONS = sorted(functions())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_named_as_its_handler(function: str) -> None:
    assert functions()[function]["Handler"] == f"classroom_scheduler.handlers.{handler_module(function)}.handler"


def test_every_handler_module_has_a_function() -> None:
    modules = {path.stem for path in (PACKAGE / "handlers").glob("*.py")}

    assert {module for module in modules if not module.startswith("_")} == {
        handler_module(function) for function in FUNCTIONS
    }


@pytest.mark.parametrize("task", TASKS)
def test_a_task_is_named_as_its_function(task: str) -> None:
    substitutions = of_type("AWS::Serverless::StateMachine")["ClassroomStateMachine"]["DefinitionSubstitutions"]

    assert state_machine()["States"][task]["Resource"] == f"${{{task}FunctionArn}}"
    assert substitutions[f"{task}FunctionArn"] == {"Fn::GetAtt": [f"{task}Function", "Arn"]}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_imports_with_the_variables_of_its_function_alone(function: str) -> None:
    module, _, name = functions()[function]["Handler"].rpartition(".")
    numbers = {"HORIZON_HOURS": "7200"}
    variables = {key: numbers.get(key, "DEBUG") for key in functions()[function]["Environment"]["Variables"]}
    importing = f"import importlib; assert callable(importlib.import_module({module!r}).{name})"

    done = subprocess.run(
        [sys.executable, "-c", importing],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT / "src"), "AWS_REGION": "us-east-1", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_to_its_own_group_which_forgets(function: str) -> None:
    group = f"{function}LogGroup"

    assert functions()[function]["LoggingConfig"]["LogGroup"] == {"Ref": group}
    assert of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_every_log_group_belongs_to_something_that_logs_and_forgets() -> None:
    kinds = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine", "AWS::Serverless::Api")
    owners = {name for kind in kinds for name in of_type(kind)}
    groups = of_type("AWS::Logs::LogGroup")

    assert set(groups) == {f"{owner}LogGroup" for owner in owners}
    assert all("RetentionInDays" in group for group in groups.values())


@pytest.mark.parametrize("machine", sorted(of_type("AWS::Serverless::StateMachine")))
def test_a_state_machine_logs_its_failures_without_what_passed_through_it(machine: str) -> None:
    logging = of_type("AWS::Serverless::StateMachine")[machine]["Logging"]
    [destination] = logging["Destinations"]
    group = of_type("AWS::Logs::LogGroup")[f"{machine}LogGroup"]

    assert logging["Level"] == "ERROR"
    assert logging["IncludeExecutionData"] is False
    assert destination == {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [f"{machine}LogGroup", "Arn"]}}}
    # Elsewhere each stack would make the account's log resource policy longer, until it is full.
    assert group["LogGroupName"]["Fn::Sub"].startswith("/aws/vendedlogs/states/")


def test_every_function_and_state_machine_is_traced_if_the_parameter_says_so() -> None:
    machines = of_type("AWS::Serverless::StateMachine").values()

    assert all(each["Tracing"] == {"Ref": "Tracing"} for each in functions().values())
    assert all(each["Tracing"] == {"Enabled": {"Fn::If": ["IsTraced", True, False]}} for each in machines)
    assert template()["Parameters"]["Tracing"]["Default"] == "Active"
    assert template()["Conditions"]["IsTraced"] == {"Fn::Equals": [{"Ref": "Tracing"}, "Active"]}


def test_every_function_is_built_by_the_makefile() -> None:
    resources = template()["Resources"]

    assert all(resources[function]["Metadata"]["BuildMethod"] == "makefile" for function in FUNCTIONS)
    assert all(each["CodeUri"] == "src/" for each in functions().values())
    assert (ROOT / "src" / "Makefile").is_file()


def test_whatever_reads_a_stream_hands_failures_to_a_queue_and_gives_up_in_time() -> None:
    queues = of_type("AWS::SQS::Queue")

    for mapping in _stream_mappings().values():
        destination, attribute = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"]
        assert (destination in queues, attribute) == (True, "Arn")
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
        # A day is how long the stream keeps a record.
        assert 60 <= mapping["MaximumRecordAgeInSeconds"] < 86_400


def test_no_two_readers_of_a_stream_share_a_queue_for_their_failures() -> None:
    queues = [str(mapping["DestinationConfig"]["OnFailure"]["Destination"]) for mapping in _stream_mappings().values()]

    assert len(set(queues)) == len(queues)


def test_the_stream_has_no_more_readers_than_a_shard_serves() -> None:
    assert len(_stream_mappings()) <= 2


def test_a_booking_that_waits_for_another_is_refused_with_a_reason_before_sqs_puts_it_aside_without_one() -> None:
    assert of_type("AWS::SQS::Queue")["BookingQueue"]["RedrivePolicy"]["maxReceiveCount"] > booking_received._PATIENCE


def test_the_rule_lets_in_just_the_bookings_that_are_understood() -> None:
    rule = of_type("AWS::Events::Rule")["BookingRule"]

    assert rule["EventPattern"] == {"source": [{"Ref": "BookingSource"}], "detail-type": [str(kind) for kind in Kind]}
    assert (
        rule["EventBusName"] == functions()["ClassroomLifecycleFunction"]["Environment"]["Variables"]["EVENT_BUS_NAME"]
    )


def test_a_bulk_import_is_retried_for_as_long_as_step_functions_throttles_it() -> None:
    mapping = _stream_mappings()["ClassroomChangedFunctionClassroomsStream"]
    burst, per_second = 800, 150  # StartExecution outside the three largest Regions

    assert mapping["MaximumRecordAgeInSeconds"] > 2 * (100_000 - burst) / per_second


def test_records_are_handled_at_once_and_none_is_passed_over() -> None:
    for mapping in _stream_mappings().values():
        assert mapping.get("MaximumBatchingWindowInSeconds", 0) == 0
        assert "FilterCriteria" not in mapping
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["ClassroomsTable", "StreamArn"]}


def test_whatever_reads_a_queue_keeps_its_messages_until_they_are_done_and_gives_up_in_time() -> None:
    queues = of_type("AWS::SQS::Queue")

    for mapping in _queue_mappings().values():
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
        [function] = [each for name, each in functions().items() if mapping["FunctionName"] == {"Ref": name}]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
        assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] in queues


def test_whatever_a_rule_sends_to_may_be_sent_to_by_that_rule_alone() -> None:
    policies = [
        statement
        for policy in of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]

    assert policies
    for statement in policies:
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"]["ArnEquals"]["aws:SourceArn"]


def test_every_rule_keeps_what_it_could_not_deliver() -> None:
    rules = _deployed("AWS::Events::Rule")
    targets = [target for rule in rules.values() for target in rule["Targets"]]

    assert targets
    for target in targets:
        assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] in of_type("AWS::SQS::Queue")
        assert 0 < target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 86_400


def test_nothing_is_invoked_asynchronously_without_a_dead_letter_queue() -> None:
    asynchronous = {"EventBridgeRule", "CloudWatchEvent", "Schedule", "ScheduleV2", "SNS", "S3", "CloudWatchLogs"}
    events = [event for each in functions().values() for event in each.get("Events", {}).values()]

    assert all("DeadLetterConfig" in event["Properties"] for event in events if event["Type"] in asynchronous)


def test_functions_have_the_time_that_their_batches_and_the_state_machine_reckon_with() -> None:
    timeouts = {name: each["Timeout"] for name, each in functions().items()}

    assert timeouts == {
        "ClassroomChangedFunction": 60,
        "StartRecordingFunction": 25,
        "SendLivePingFunction": 25,
        "StopRecordingFunction": 25,
        "TaskFailedFunction": 15,
        "ExecutionEndedFunction": 60,
        "SweepFunction": 900,
        "HelloAtFunction": 5,
        "ClassroomLifecycleFunction": 60,
        "BookingReceivedFunction": 20,
        # API Gateway waits 29.
        "ClassroomApiFunction": 28,
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sam_local_has_a_value_for_each_variable_that_only_a_deployment_knows(function: str) -> None:
    given = json.loads((ROOT / "events" / "env.json").read_text())
    variables = functions()[function]["Environment"]["Variables"]
    defaults = [{"Ref": name} for name, each in template()["Parameters"].items() if "Default" in each]
    unknown = {name for name, value in variables.items() if isinstance(value, dict) and value not in defaults}
    values = {**given.get("Parameters", {}), **given.get(function, {})}

    assert unknown <= set(values)
    assert set(given.get(function, {})) <= set(variables)


def _stream_mappings() -> dict[str, Json]:
    mappings = _deployed("AWS::Lambda::EventSourceMapping")
    return {name: each for name, each in mappings.items() if "StreamArn" in each["EventSourceArn"]["Fn::GetAtt"]}


def _queue_mappings() -> dict[str, Json]:
    mappings = _deployed("AWS::Lambda::EventSourceMapping")
    return {name: each for name, each in mappings.items() if name not in _stream_mappings()}


def _deployed(resource_type: str) -> dict[str, Json]:
    return {name: each["Properties"] for name, each in deployed().items() if each["Type"] == resource_type}
