"""Least privilege: a role, SAM's additions included, may use only what its function or state machine names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.project import (
    deployed,
    deployed_of_type,
    functions,
    listed,
    names,
    of_type,
    state_machine,
    statements,
    strings,
)

LOG_DELIVERY = {
    f"logs:{action}"
    for action in (
        *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
        *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
    )
}
"""What Step Functions needs to log: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html"""
WRITE_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_STREAM = {f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}
READ_QUEUE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
"""What Lambda does in the name of a function that reads a stream or a queue."""
USE_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}
ON_TABLES = {"GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"}
ACTIONS = (
    LOG_DELIVERY
    | WRITE_LOGS
    | READ_STREAM
    | READ_QUEUE
    | USE_KEYS
    | {f"dynamodb:{action}" for action in ON_TABLES}
    | {"states:StartExecution", "states:StopExecution", "states:DescribeExecution"}
    | {"events:PutEvents", "lambda:InvokeFunction", "secretsmanager:GetSecretValue", "sqs:SendMessage"}
)
ROLES = sorted(deployed_of_type("AWS::IAM::Role"))
KEYS = {"KmsKeyArn", "FormerKmsKeyArn"}
MACHINES = {"ClassroomStateMachine": "classroom", "OneTimeLambdaScheduler": "one_time_lambda_scheduler"}


def test_no_role_may_do_anything_but_this() -> None:
    assert {action for role in ROLES for action, _ in grants(role)} == ACTIONS
    assert {statement["Effect"] for role in ROLES for statement in statements(role)} == {"Allow"}


def test_only_log_delivery_knows_no_resource_and_only_executions_a_pattern() -> None:
    for role in ROLES:
        for action, resource in grants(role):
            executions = action in {"states:StopExecution", "states:DescribeExecution"}
            assert (resource == "*") == (action in LOG_DELIVERY)
            assert executions == any(re.search(r":execution:\$\{\w+\.Name\}:\*$", text) for text in strings(resource))
            assert executions or resource == "*" or not any("*" in text for text in strings(resource))


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_may_use_only_what_its_properties_name_and_the_keys(function: str) -> None:
    properties = functions()[function]
    assert properties["Role"] == {"Fn::GetAtt": [f"{function}Role", "Arn"]}
    named = names([properties[each] for each in ("Environment", "LoggingConfig")])
    named |= names([properties.get(each) for each in ("Events", "EventInvokeConfig")])

    assert {name for _, resource in grants(f"{function}Role") for name in names(resource)} <= named | KEYS


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_logs_reads_its_stream_or_queue_and_keeps_what_fails_with_its_own_role(function: str) -> None:
    properties = functions()[function]
    events = [event["Properties"] for event in properties.get("Events", {}).values()]
    failures = [each.get("DestinationConfig") for each in [*events, properties.get("EventInvokeConfig", {})]]

    expected = {(action, "FunctionLogGroup") for action in WRITE_LOGS}
    expected |= {(action, name) for each in events for name in names(each.get("Stream")) for action in READ_STREAM}
    expected |= {(action, name) for each in events for name in names(each.get("Queue")) for action in READ_QUEUE}
    expected |= {("sqs:SendMessage", name) for name in names(failures)}
    may = {(action, name) for action, resource in grants(f"{function}Role") for name in names(resource)}
    kinds = WRITE_LOGS | READ_STREAM | READ_QUEUE

    assert expected <= may
    assert {each for each in may if each[0] in kinds} == {each for each in expected if each[0] in kinds}


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_that_is_told_a_secret_or_a_state_machine_may_use_it(function: str) -> None:
    used = {(action, name) for action, resource in grants(f"{function}Role") for name in names(resource)}
    for variable, value in functions()[function]["Environment"]["Variables"].items():
        if variable.endswith("_SECRET_ARN"):
            assert ("secretsmanager:GetSecretValue", value["Fn::GetAtt"][0]) in used
        if variable.endswith("STATE_MACHINE_ARN"):
            actions = {action for action, name in used if {"Ref": name} == value}
            assert actions == {"states:StartExecution", "states:StopExecution", "states:DescribeExecution"}


def test_who_may_do_more_with_items_than_read_and_mark_them() -> None:
    more = {
        (role.removesuffix("FunctionRole"), action.partition(":")[2], table)
        for role in ROLES
        for action, resource in grants(role)
        for table in names(resource) & set(of_type("AWS::DynamoDB::Table"))
        if action not in {"dynamodb:GetItem", "dynamodb:UpdateItem"} | READ_STREAM
    }

    assert more == {
        *(("BookingReceived", action, "ClassroomsTable") for action in ("PutItem", "DeleteItem")),
        *(("ClassroomApi", action, "ClassroomsTable") for action in ("PutItem", "DeleteItem", "BatchGetItem", "Query")),
        *(("Sweep", action, "ClassroomsTable") for action in ("Query", "Scan")),
    }


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_a_state_machine_may_invoke_the_functions_of_its_definition_and_no_other(machine: str) -> None:
    substitutions = of_type("AWS::Serverless::StateMachine")[machine]["DefinitionSubstitutions"]
    used = {name for text in strings(state_machine(MACHINES[machine])) for name in re.findall(r"\$\{(\w+)\}", text)}
    invoked = [resource for action, resource in grants(f"{machine}Role") if action == "lambda:InvokeFunction"]

    assert used == set(substitutions)
    assert sorted(map(str, invoked)) == sorted(map(str, substitutions.values()))
    assert {action for action, _ in grants(f"{machine}Role")} == {"lambda:InvokeFunction"} | LOG_DELIVERY | WRITE_LOGS
    written = [resource for action, resource in grants(f"{machine}Role") if action in WRITE_LOGS]
    assert written == [{"Fn::GetAtt": ["StateMachineLogGroup", "Arn"]}] * 2


@pytest.mark.parametrize("role", ROLES)
def test_a_role_serves_its_service_alone_with_no_policy_of_aws_but_one_that_knows_no_resources(role: str) -> None:
    properties = deployed()[role]["Properties"]
    [statement] = properties["AssumeRolePolicyDocument"]["Statement"]
    of_aws = {
        re.sub(r".*/", "", text) for text in strings(properties["ManagedPolicyArns"]) if "iam::aws:policy" in text
    }

    if role == "ApiGatewayCloudWatchRole":
        service, expected = "apigateway", {"AmazonAPIGatewayPushToCloudWatchLogs"}
    else:
        service, expected = (
            "lambda" if role.removesuffix("Role") in functions() else "states",
            {"AWSXrayWriteOnlyAccess"},
        )
        [managed] = properties["ManagedPolicyArns"]
        assert managed["Fn::If"][0] == "IsTraced"
    assert listed(statement["Principal"]["Service"]) == [f"{service}.amazonaws.com"]
    assert of_aws == expected


def test_nobody_else_is_let_to_anything() -> None:
    """No users, and no policies beside the roles."""
    kinds = {each["Type"] for each in deployed().values() if each["Type"].startswith("AWS::IAM::")}
    owners = {*functions(), *MACHINES}

    assert kinds == {"AWS::IAM::Role"}
    assert set(ROLES) == {f"{owner}Role" for owner in owners} | {"ApiGatewayCloudWatchRole"}


def grants(role: str) -> Iterator[tuple[str, Any]]:
    """Each action that a role may take, with the resource on which it may."""
    for statement in statements(role):
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, resource
