"""The emulator evaluates roles, so that a class day that passes here has all the permissions that it needs on AWS."""

import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from local.stack import Deployment

SCAN = """
import os, boto3

def handler(event, context):
    return boto3.client("dynamodb").scan(TableName=os.environ["TABLE"])["Count"]
"""


@pytest.fixture
def stranger(stack: Deployment) -> Iterator[str]:
    """A function that scans the table, under a role of the stack that may not."""
    functions = stack.aws.functions
    every = functions.get_paginator("list_functions").paginate()
    (role,) = {each["Role"] for page in every for each in page["Functions"] if "TaskFailed" in each["FunctionName"]}
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("stranger.py", SCAN)
    functions.create_function(
        FunctionName="stranger",
        Runtime="python3.13",
        Handler="stranger.handler",
        Role=role,
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"TABLE": stack.table_name}},
        Timeout=30,
    )
    yield "stranger"
    functions.delete_function(FunctionName="stranger")


def test_a_function_without_permission_is_denied(stack: Deployment, stranger: str) -> None:
    answer = stack.aws.functions.invoke(FunctionName=stranger)

    error = json.loads(answer["Payload"].read())
    assert "AccessDenied" in error["errorMessage"]
    assert "dynamodb:Scan" in error["errorMessage"]


def test_a_function_with_permission_is_not(stack: Deployment) -> None:
    answer = stack.aws.functions.invoke(FunctionName=stack.outputs["SweepFunctionName"], Payload=b'{"audit": "hourly"}')

    assert "errorMessage" not in json.loads(answer["Payload"].read())
