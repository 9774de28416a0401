"""An AWS account in this process (moto) with what the stack makes in it, which can be told to fail."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import botocore.handlers
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from classroom_scheduler.adapters import aws
from classroom_scheduler.adapters.dynamodb_json import read_item
from tests.builders import dynamodb_image

REGION = "eu-west-1"
TABLE = "Classrooms"
BOOKINGS_TABLE = "Bookings"
BUS = "default"
STACK = "classroom-scheduler"
MACHINE_ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:Classroom"
SECRET = "Zm9ydHktZm91ciBhbHBoYW51bWVyaWNzIGFyZSA0NCBj"

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_INDEX_KEYS = {"ByAttention": ("attentionShard", "attentionAt"), "ByDay": ("day", "scheduledStart")}


@dataclass
class Failure:
    """One way in which a call fails: `acted` says whether AWS had done what was asked before the answer got lost."""

    code: str
    acted: bool = False
    times: int = 1
    of: str = ""
    body: Mapping[str, Any] | None = None
    """What AWS answers, where that tells of the failure: with 200, unless it names an error."""

    def answer(self) -> tuple[Any, dict[str, Any]]:
        """What botocore takes for AWS's answer after its own retries."""
        if self.body is not None:
            status_code = 400 if "Error" in self.body else 200
            return SimpleNamespace(status_code=status_code), {**self.body, "ResponseMetadata": {}}
        body = {"Error": {"Code": self.code, "Message": f"{self.code}, as the test asked for"}, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=400), body


@dataclass
class Account:
    """What people and tests see of the account. The clients of the scheduler are counted and fail as told."""

    calls: list[str] = field(default_factory=list)
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    _failures: dict[str, list[Failure]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # the stream handler's calls come from many threads
        self._table = boto3.resource("dynamodb").Table(TABLE)
        self._machine = boto3.client("stepfunctions")
        self._secrets = boto3.client("secretsmanager")
        self._events = boto3.client("events")
        self._queues = boto3.client("sqs")
        self._published = self._queues.create_queue(QueueName="Published")["QueueUrl"]
        self.failed_bookings = self._queues.create_queue(QueueName="BookingFailures")["QueueUrl"]
        self.table_client = boto3.client("dynamodb")
        self.secret_arn = ""

    def reset(self) -> None:
        """Everything as it was on the first day, at a fraction of the price of a new account with new clients."""
        self.table_client.delete_table(TableName=TABLE)
        self.table_client.delete_table(TableName=BOOKINGS_TABLE)
        # Read empty: PurgeQueue is for once a minute.
        self.published()
        self.refused()
        self._machine.delete_state_machine(stateMachineArn=MACHINE_ARN)
        self.calls.clear()
        self.requests.clear()
        self._failures.clear()
        self.build()

    def build(self) -> None:
        """Make the tables, the machine (whose executions run until they are stopped), the secret and a rule."""
        self.table_client.create_table(
            TableName=BOOKINGS_TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "classroomId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "classroomId", "AttributeType": "S"}],
        )
        self.table_client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "classroomId", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("classroomId", *(key for keys in _INDEX_KEYS.values() for key in keys))
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": keys[0], "KeyType": "HASH"},
                        {"AttributeName": keys[1], "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for index, keys in _INDEX_KEYS.items()
            ],
        )
        self._machine.create_state_machine(
            name=MACHINE_ARN.rpartition(":")[2],
            definition=json.dumps({"StartAt": "Class", "States": {"Class": {"Type": "Pass", "End": True}}}),
            roleArn="arn:aws:iam::123456789012:role/classroom",
        )
        if not self.secret_arn:
            self.secret_arn = self._secrets.create_secret(Name="WebhookSecret", SecretString=SECRET)["ARN"]
            self._events.put_rule(Name="Published", EventPattern=json.dumps({"source": ["classroom.scheduler"]}))
            attributes = self._queues.get_queue_attributes(QueueUrl=self._published, AttributeNames=["QueueArn"])
            arn = attributes["Attributes"]["QueueArn"]
            self._events.put_targets(Rule="Published", Targets=[{"Id": "Published", "Arn": arn}])

    # what people do

    def put(self, item: Any) -> None:
        self.table_client.put_item(TableName=TABLE, Item=dynamodb_image(item))

    def item(self, classroom_id: str) -> dict[str, Any] | None:
        """The item as it is now, or None."""
        key = {"classroomId": {"S": classroom_id}}
        answer = self.table_client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        return read_item(answer["Item"]) if "Item" in answer else None

    def delete(self, classroom_id: str) -> None:
        self._table.delete_item(Key={"classroomId": classroom_id})

    # what the machine did

    def executions(self) -> dict[str, str]:
        """The status of every execution that was ever started, by its name."""
        return {execution["name"]: execution["status"] for execution in self._executions()}

    def running(self) -> set[str]:
        return {name for name, status in self.executions().items() if status == "RUNNING"}

    def input_of(self, name: str) -> str:
        """The text that an execution was started with."""
        return str(self._machine.describe_execution(executionArn=self.arn_of(name))["input"])

    def abort(self, name: str) -> None:
        """Somebody stops an execution by hand."""
        self._machine.stop_execution(executionArn=self.arn_of(name))

    def arn_of(self, name: str) -> str:
        """The ARN of an execution that was started."""
        return next(str(execution["executionArn"]) for execution in self._executions() if execution["name"] == name)

    def _executions(self) -> Iterator[Any]:
        for page in self._machine.get_paginator("list_executions").paginate(stateMachineArn=MACHINE_ARN):
            yield from page["executions"]

    # what came out of the bus and into queues

    def published(self) -> list[dict[str, Any]]:
        """The events that went out since the last time this was asked, as those who listen get them."""
        return [json.loads(message["Body"]) for message in self._messages(self._published)]

    def refused(self) -> list[tuple[str, str]]:
        """The bookings that were put aside since the last time this was asked: what they said, and why."""
        return [
            (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
            for message in self._messages(self.failed_bookings)
        ]

    def _messages(self, queue: str) -> Iterator[Any]:
        while messages := self._queues.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                self._queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                yield message

    # what the scheduler asked of AWS

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """What each of the scheduler's calls of an operation said."""
        bodies = [request["body"] for call, request in zip(self.calls, self.requests, strict=True) if call == operation]
        return [json.loads(body) for body in bodies]

    # what goes wrong

    def will(self, operation: str, code: str, *, acted: bool = False, times: int = 1, of: str = "") -> None:
        """Let the scheduler's next calls of an operation (`UpdateItem`) fail: with an error of AWS, or by time-out.

        `of` restricts it to calls that mention this text, such as a classroom's id.
        """
        self._failures.setdefault(operation, []).append(Failure(code, acted, times, of))

    def will_answer(self, operation: str, body: Mapping[str, Any], *, times: int = 1) -> None:
        """Let AWS answer the next calls of an operation with this, and do nothing."""
        self._failures.setdefault(operation, []).append(Failure("", times=times, body=body))

    def will_cancel(self, reasons: list[str]) -> None:
        """Let the next transaction be cancelled with these codes, one for each of its items."""
        error = {"Code": "TransactionCanceledException", "Message": f"Transaction cancelled {reasons}"}
        codes = [{"Code": code, "Message": "as the test asked for"} for code in reasons]
        self.will_answer("TransactWriteItems", {"Error": error, "CancellationReasons": codes})

    def before_call(
        self, model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: Any
    ) -> tuple[Any, dict[str, Any]] | None:
        """Botocore's hook before it sends anything: its answer, if any, stands for that of AWS."""
        with self._lock:
            self.calls.append(model.name)
            self.requests.append(params)
            failure = next((each for each in self._failures.get(model.name, ()) if each.of in str(params)), None)
            if failure is None:
                return None
            failure.times -= 1
            if failure.times == 0:
                self._failures[model.name].remove(failure)
        if not failure.acted:
            return failure.answer()
        context["answer gets lost"] = True
        return None

    def after_call(self, context: Mapping[str, Any], **_: Any) -> None:
        """Botocore's hook after AWS has answered."""
        if context.get("answer gets lost"):
            raise ReadTimeoutError(endpoint_url=f"https://{REGION}.example")


@contextmanager
def an_account() -> Iterator[Account]:
    """A fresh account with everything in it, for this process alone."""
    with patch.dict("os.environ", _ENVIRONMENT), mock_aws():
        account = Account()
        account.build()
        # The scheduler's clients come of sessions made from now on, and go through the account's hooks.
        boto3.DEFAULT_SESSION = None
        aws.session.cache_clear()
        with _hooked("before-call", account.before_call), _hooked("after-call", account.after_call):
            yield account


@contextmanager
def _hooked(event: str, hook: Callable[..., Any]) -> Iterator[None]:
    handler = (event, hook)
    botocore.handlers.BUILTIN_HANDLERS.append(handler)
    try:
        yield
    finally:
        botocore.handlers.BUILTIN_HANDLERS.remove(handler)
