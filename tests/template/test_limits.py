"""Limits and names that AWS insists on and the local emulator lets pass."""

import base64
import binascii
import re
import string
from typing import Any

import pytest

from classroom_scheduler.domain.session import MAX_START_LEAD
from tests.template.project import ROOT, Json, deployed, functions, of_type, template

PARAMETERS: dict[str, Json] = template()["Parameters"]
GENERATED = {
    "AWS::Serverless::Function": "FunctionName",
    "AWS::Serverless::StateMachine": "Name",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::CloudWatch::Alarm": "AlarmName",
}


@pytest.mark.parametrize(
    "url",
    [
        "https://classroom.example",
        "https://classroom.example/webhooks?tenant=7",
        "https://classroom.example:8443/a/b",
        "http://127.0.0.1:8790/webhooks",
        "http://localhost",
    ],
)
def test_a_classroom_server_may_be_there(url: str) -> None:
    assert re.fullmatch(PARAMETERS["ClassroomServerUrl"]["AllowedPattern"], url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "classroom.example",
        "http://classroom.example",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "http://localhost@classroom.example",
        "https://ada:secret@classroom.example",
        "https://",
        "https:///path",
        "https://classroom.example/a b",
        "ftp://classroom.example",
        "https://classroom.example\n",
    ],
)
def test_a_classroom_server_may_not_be_there(url: str) -> None:
    assert not re.fullmatch(PARAMETERS["ClassroomServerUrl"]["AllowedPattern"], url)


def test_nobody_to_call_has_no_default() -> None:
    assert [name for name, each in PARAMETERS.items() if "Default" not in each] == ["ClassroomServerUrl"]


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:lambda:eu-west-1:123456789012:function:my-function",
        "arn:aws:lambda:eu-west-1:123456789012:function:my_function:7",
        "arn:aws:lambda:eu-west-1:123456789012:function:my-function:$LATEST",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:my-function:live",
    ],
)
def test_a_function_may_be_scheduled_by(arn: str) -> None:
    assert re.fullmatch(PARAMETERS["OneTimeTargetFunctionArn"]["AllowedPattern"], arn)


@pytest.mark.parametrize(
    "arn",
    [
        "my-function",
        "arn:aws:lambda:eu-west-1:123456789012:function:*",
        "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1",
        "arn:aws:lambda:eu-west-1::function:my-function",
        "arn:aws:lambda:eu-west-1:123456789012:function:my-function,arn:aws:lambda:eu-west-1:123456789012:function:b",
    ],
)
def test_a_function_may_not_be_scheduled_by(arn: str) -> None:
    assert not re.fullmatch(PARAMETERS["OneTimeTargetFunctionArn"]["AllowedPattern"], arn)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_parameter_says_what_it_is_for_and_what_it_takes(name: str) -> None:
    parameter = PARAMETERS[name]

    assert parameter["Description"].endswith(".")
    assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter)
    assert "AllowedValues" in parameter or parameter["ConstraintDescription"]
    assert "Default" not in parameter or parameter["Default"] in parameter.get("AllowedValues", [parameter["Default"]])


def test_every_parameter_is_used_and_presented() -> None:
    interface = template()["Metadata"]["AWS::CloudFormation::Interface"]
    presented = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    body = (ROOT / "template.yaml").read_text()

    assert sorted(presented) == sorted(interface["ParameterLabels"]) == sorted(PARAMETERS)
    assert [name for name in PARAMETERS if f"!Ref {name}" not in body] == []


def test_the_horizon_leaves_an_execution_time_for_its_class_within_the_year_it_may_live() -> None:
    assert PARAMETERS["HorizonHours"]["MaxValue"] / 24 + 60 < 365


def test_a_recorder_starts_as_early_as_an_item_can_say_at_most_and_with_its_class_unless_told_otherwise() -> None:
    assert PARAMETERS["StartLeadSeconds"]["MaxValue"] == MAX_START_LEAD.total_seconds()
    assert PARAMETERS["StartLeadSeconds"]["Default"] == PARAMETERS["StartLeadSeconds"]["MinValue"] == 0


def test_every_function_that_starts_executions_knows_how_early_and_no_other() -> None:
    variables = {name: each["Environment"]["Variables"] for name, each in functions().items()}
    lead = {"Ref": "StartLeadSeconds"}

    assert {name for name, each in variables.items() if each.get("START_LEAD_SECONDS") == lead} == {
        name for name, each in variables.items() if "STATE_MACHINE_ARN" in each
    }


def test_the_webhook_secret_is_a_key_as_the_standard_asks_for_it() -> None:
    secret = of_type("AWS::SecretsManager::Secret")["WebhookSecret"]["GenerateSecretString"]

    assert secret["ExcludePunctuation"] is True
    # The emulator knows only this one, and punctuation is no base64.
    assert set(secret["ExcludeCharacters"]) == set(string.punctuation)
    assert 24 <= len(_decoded("A" * secret["PasswordLength"])) <= 64


@pytest.mark.parametrize("length", [43, 41])
def test_other_lengths_would_be_no_base64(length: int) -> None:
    with pytest.raises(binascii.Error):
        _decoded("A" * length)


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_functions_variables_fit_into_the_four_kilobytes_they_have(function: str) -> None:
    longest = {
        "AWS::StackName": 128,
        "ClassroomServerUrl": 2048,
        "ClassroomsTable": 255,
        "ClassroomStateMachine": 256,
        "WebhookSecret": 256,
        "OneTimeLambdaScheduler": 256,
        "CorsOrigins": 1024,
    }
    variables = functions()[function]["Environment"]["Variables"]

    assert sum(len(name) + _longest(value, longest) for name, value in variables.items()) < 4096


def test_functions_have_memory_and_time_that_lambda_offers() -> None:
    for each in functions().values():
        assert 128 <= each["MemorySize"] <= 10_240
        assert 1 <= each["Timeout"] <= 900


def test_the_stream_is_read_within_the_ranges_that_lambda_offers() -> None:
    mappings = [each["Properties"] for each in deployed().values() if each["Type"] == "AWS::Lambda::EventSourceMapping"]
    of_streams = [mapping for mapping in mappings if "ParallelizationFactor" in mapping]

    assert len(of_streams) == 2
    for mapping in of_streams:
        assert 1 <= mapping["BatchSize"] <= 10_000
        assert 1 <= mapping["ParallelizationFactor"] <= 10
        assert -1 <= mapping["MaximumRetryAttempts"] <= 10_000
        assert 60 <= mapping["MaximumRecordAgeInSeconds"] <= 604_800


def test_queues_are_read_within_the_ranges_that_lambda_offers() -> None:
    mappings = [each["Properties"] for each in deployed().values() if each["Type"] == "AWS::Lambda::EventSourceMapping"]

    for mapping in [mapping for mapping in mappings if "ParallelizationFactor" not in mapping]:
        # More than ten would ask for a batching window.
        assert 1 <= mapping["BatchSize"] <= 10
        assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 1000


@pytest.mark.parametrize("source", ["classroom.booking", "com.example.lms/v2", "timetable_1", "awsome", "x" * 256])
def test_bookings_may_come_from_there(source: str) -> None:
    assert re.fullmatch(PARAMETERS["BookingSource"]["AllowedPattern"], source)


@pytest.mark.parametrize("source", ["", "aws.states", "classroom.scheduler", "a b", "x" * 257])
def test_bookings_may_not_come_from_there(source: str) -> None:
    """Our own `Classroom Cancelled`, taken for a booking, would cancel the class that comes after it."""
    assert not re.fullmatch(PARAMETERS["BookingSource"]["AllowedPattern"], source)


def test_messages_about_failures_are_kept_as_long_as_sqs_can() -> None:
    queues = {name: each for name, each in of_type("AWS::SQS::Queue").items() if "RedrivePolicy" not in each}

    assert {each["MessageRetentionPeriod"] for each in queues.values()} == {14 * 86_400}
    assert all(name.endswith("FailuresQueue") for name in queues)


def test_two_stacks_fit_into_one_account() -> None:
    for resource_type, name in GENERATED.items():
        assert not [each for each, properties in of_type(resource_type).items() if name in properties], resource_type
    names = [each["LogGroupName"] for each in of_type("AWS::Logs::LogGroup").values() if "LogGroupName" in each]
    assert all("${AWS::StackName}" in name["Fn::Sub"] for name in names)


def test_the_table_has_the_keys_indexes_and_images_that_everything_relies_on() -> None:
    table = of_type("AWS::DynamoDB::Table")["ClassroomsTable"]
    indexes = {
        index["IndexName"]: (_keys(index), index["Projection"]["ProjectionType"])
        for index in table["GlobalSecondaryIndexes"]
    }

    assert _keys(table) == ["classroomId"]
    assert indexes == {
        "ByAttention": (["attentionShard", "attentionAt"], "KEYS_ONLY"),
        "ByDay": (["day", "scheduledStart"], "KEYS_ONLY"),
    }
    assert {each["AttributeType"] for each in table["AttributeDefinitions"]} == {"S"}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_table_is_encrypted_backed_up_and_protected_on_request() -> None:
    table = of_type("AWS::DynamoDB::Table")["ClassroomsTable"]

    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


@pytest.mark.parametrize("kept", ["ClassroomsTable", "WebhookSecret"])
def test_an_update_that_replaces_it_leaves_the_old_one(kept: str) -> None:
    resource = template()["Resources"][kept]

    assert resource["UpdateReplacePolicy"] == "Retain"
    assert "DeletionPolicy" in resource


def test_the_outputs_are_those_that_people_and_tools_rely_on() -> None:
    outputs = template()["Outputs"]

    assert set(outputs) == {
        "ClassroomsTableName",
        "ClassroomStateMachineArn",
        "ApiUrl",
        "WebhookSecretArn",
        "StreamFailuresQueueUrl",
        "ExecutionEndedFailuresQueueUrl",
        "SweepFailuresQueueUrl",
        "SweepFunctionName",
        "OneTimeLambdaSchedulerArn",
        "HelloAtFunctionArn",
        "LifecycleFailuresQueueUrl",
        "BookingQueueUrl",
        "BookingFailuresQueueUrl",
    }
    assert all(output["Description"] for output in outputs.values())


def test_every_resource_has_a_sentence_about_its_role() -> None:
    lines = (ROOT / "template.yaml").read_text().splitlines()
    for name in template()["Resources"]:
        before = lines[lines.index(f"  {name}:") - 1].strip()
        assert re.fullmatch(r"# [A-Z].*\.", before), name


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _longest(value: Any, longest: dict[str, int]) -> int:
    if isinstance(value, dict):
        [argument] = value.values()
        return longest.get(argument if isinstance(argument, str) else argument[0], 20)
    return len(str(value))


def _keys(table: Json) -> list[str]:
    return [key["AttributeName"] for key in table["KeySchema"]]
