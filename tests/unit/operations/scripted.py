"""An account of AWS that answers as a test says. The clients are real: parameters, pages and waiters are botocore's."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from operations.account import Account

REGION = "eu-west-1"
NUMBER = "123456789012"
_MODELS = botocore.session.Session().get_component("data_loader")  # reads each service's model once
AWS = f"https://sts.{REGION}.amazonaws.com"

Answer = Mapping[str, Any] | BaseException | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Refused(Exception):
    """AWS answers with this error."""

    def __init__(self, code: str, message: str = "as the test asked for", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


DENIED = Refused("AccessDeniedException", "User ada is not authorized to perform this", 403)


class ScriptedAws:
    """What an operation answers: each of its answers once, in order, and then the last for ever."""

    def __init__(self, endpoint: str = AWS) -> None:
        core = botocore.session.Session()
        core.register_component("data_loader", _MODELS)
        session = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION, botocore_session=core)
        events: Any = session.events
        events.register("before-parameter-build", _remember)
        events.register("before-call", self._answer)
        self.account = Account(session, REGION, NUMBER, f"arn:aws:iam::{NUMBER}:user/ada", endpoint)
        self.answers: dict[str, list[Answer]] = {}
        self.otherwise: Answer | None = None
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self._lock = threading.Lock()

    def will(self, operation: str, *answers: Answer) -> None:
        """Answer an operation so."""
        self.answers[operation] = list(answers)

    def called(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of each call of an operation."""
        return [params for name, params in self.calls if name == operation]

    def _answer(self, model: Any, context: Mapping[str, Any], **_: Any) -> tuple[AWSResponse, Mapping[str, Any]]:
        params = context["asked"]
        with self._lock:
            self.calls.append((model.name, params))
            answers = self.answers.get(model.name)
            answer = self.otherwise if answers is None else answers.pop(0) if len(answers) > 1 else answers[0]
        assert answer is not None, f"nobody expected {model.name} {params}"
        if callable(answer):
            answer = answer(params)
        if isinstance(answer, Refused):
            error = {"Error": {"Code": answer.code, "Message": answer.message}}
            return AWSResponse("", answer.status, HTTPHeaders(), None), error
        if isinstance(answer, BaseException):
            raise answer
        return AWSResponse("", 200, HTTPHeaders(), None), answer


def _remember(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["asked"] = params


def a_stack(status: str = "CREATE_COMPLETE", **more: Any) -> dict[str, Any]:
    """DescribeStacks' answer for a stack of this application."""
    outputs = {
        "ClassroomsTableName": "classrooms",
        "ClassroomStateMachineArn": f"arn:aws:states:{REGION}:{NUMBER}:stateMachine:classes",
        "OneTimeLambdaSchedulerArn": f"arn:aws:states:{REGION}:{NUMBER}:stateMachine:once",
        "ApiUrl": "https://api.example/v1",
        "SweepFunctionName": "sweep",
        "BookingFailuresQueueUrl": "https://sqs.example/failures",
    }
    stack = {
        "StackName": "school",
        "StackId": f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/school/1",
        "StackStatus": status,
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        "Parameters": [{"ParameterKey": "ClassroomServerUrl", "ParameterValue": "https://server.example"}],
    }
    return {"Stacks": [stack | more]}


def resources(*more: tuple[str, str, str], status: str = "CREATE_COMPLETE", reason: str = "") -> dict[str, Any]:
    """ListStackResources' answer: the table, the machine, and others by logical id, type and physical id."""
    named = [
        ("ClassroomsTable", "AWS::DynamoDB::Table", "classrooms"),
        ("ClassroomStateMachine", "AWS::StepFunctions::StateMachine", "arn:aws:states:::stateMachine:classes"),
        *more,
    ]
    return {
        "StackResourceSummaries": [
            {
                "LogicalResourceId": logical_id,
                "ResourceType": type_,
                "PhysicalResourceId": physical_id,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for logical_id, type_, physical_id in named
        ]
    }
