"""Puts the bare functions beside the deployed stack, on the same emulator."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.environment import python_runtime
from local.stack import STACK_NAME, Stack

_CODE = Path(__file__).with_name("bare_functions.py")
_NAME = "Bare"


@dataclass(frozen=True)
class Bare:
    """Machines of a wait and a function each, and a table whose stream starts executions of the Classroom machine."""

    clock_arn: str
    claim_arn: str
    table_name: str


def put_up(stack: Stack) -> Bare:
    """Make both, with the roles of the functions that they stand beside."""
    clock = _function(stack, "bare-clock", "tell_the_time", "StartRecordingFunction", {})
    claim = _function(stack, "bare-claim", "claim", "StartRecordingFunction", {"TABLE": stack.table_name})
    variables = {"STATE_MACHINE_ARN": stack.state_machine_arn}
    starter = _function(stack, "bare-starter", "start", "ClassroomChangedFunction", variables)
    table = stack.aws.dynamodb.create_table(
        TableName=_NAME,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "classroomId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "classroomId", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    stack.aws.other("lambda").create_event_source_mapping(
        EventSourceArn=table["LatestStreamArn"], FunctionName=starter, StartingPosition="TRIM_HORIZON", BatchSize=100
    )
    return Bare(_machine(stack, "bare-clock", clock), _machine(stack, "bare-claim", claim), _NAME)


def _machine(stack: Stack, name: str, function: str) -> str:
    states = {
        "Wait": {"Type": "Wait", "TimestampPath": "$.start", "Next": "Run"},
        "Run": {"Type": "Task", "Resource": function, "TimeoutSeconds": 40, "End": True},
    }
    deployed = stack.aws.stepfunctions.describe_state_machine(stateMachineArn=stack.state_machine_arn)
    made = stack.aws.stepfunctions.create_state_machine(
        name=name, definition=json.dumps({"StartAt": "Wait", "States": states}), roleArn=deployed["roleArn"]
    )
    return str(made["stateMachineArn"])


def _function(stack: Stack, name: str, handler: str, like: str, variables: Mapping[str, str]) -> str:
    functions = stack.aws.other("lambda")
    resource = stack.aws.cloudformation.describe_stack_resource(StackName=STACK_NAME, LogicalResourceId=like)
    deployed = functions.get_function_configuration(FunctionName=resource["StackResourceDetail"]["PhysicalResourceId"])
    made = functions.create_function(
        FunctionName=name,
        Runtime=python_runtime(),
        Role=deployed["Role"],
        Handler=f"{_CODE.stem}.{handler}",
        Code={"ZipFile": _zipped()},
        Environment={"Variables": dict(variables)},
        Timeout=25,
        MemorySize=512,
    )
    return str(made["FunctionArn"])


def _zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(_CODE, _CODE.name)
    return packed.getvalue()
