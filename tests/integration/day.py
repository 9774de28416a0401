"""A class day with everything real but AWS (moto) and the time: people write, Lambda functions are invoked."""

import base64
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.handlers import (
    booking_received,
    classroom_api,
    classroom_changed,
    classroom_lifecycle,
    execution_ended,
    hello_at,
    send_live_ping,
    start_recording,
    stop_recording,
    sweep,
    task_failed,
)
from tests.aws import Account
from tests.builders import CLASS_DAY, a_batch, a_change, a_removal, an_insert, at, messages
from tests.loopback import LoopbackServer

HANDLERS = {
    "BookingReceived": booking_received.handler,
    "ClassroomApi": classroom_api.handler,
    "ClassroomChanged": classroom_changed.handler,
    "ClassroomLifecycle": classroom_lifecycle.handler,
    "ExecutionEnded": execution_ended.handler,
    "HelloAt": hello_at.handler,
    "StartRecording": start_recording.handler,
    "SendLivePing": send_live_ping.handler,
    "StopRecording": stop_recording.handler,
    "Sweep": sweep.handler,
    "TaskFailed": task_failed.handler,
}


class Context(LambdaContext):
    """What AWS Lambda tells a function of itself."""

    _function_name = "classroom-scheduler"
    _memory_limit_in_mb = 512
    _invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:classroom-scheduler"
    _aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"


@dataclass
class Day:
    """People's table and the scheduler's functions on one class day; `now` is what every clock shows."""

    account: Account
    server: LoopbackServer
    capsys: pytest.CaptureFixture[str]
    log: io.StringIO = field(default_factory=io.StringIO)
    now: datetime = CLASS_DAY
    _printed: str = ""

    # people

    def put(self, item: Item) -> dict[str, Any]:
        """Write an item as people do; the record that the stream will deliver of it."""
        old = self.account.item(str(item["classroomId"]))
        self.account.put(item)
        return an_insert(item) if old is None else a_change(old, item)

    def update(self, classroom_id: str, **changes: Any) -> dict[str, Any]:
        """Change some attributes and leave the scheduler's alone."""
        return self.put({**self.item(classroom_id), **changes})

    def delete(self, classroom_id: str) -> dict[str, Any]:
        old = self.item(classroom_id)
        self.account.delete(classroom_id)
        return a_removal(old)

    def item(self, classroom_id: str = "algebra-1") -> dict[str, Any]:
        """The item, which has to be there."""
        item = self.account.item(classroom_id)
        assert item is not None, f"{classroom_id} is gone"
        return item

    # AWS Lambda

    def invoke(self, function: str, event: Any, at_time: str = "") -> Any:
        """Invoke a function as Lambda does, by way of JSON, at a time of the day."""
        if at_time:
            self.now = at(at_time)
        answer = HANDLERS[function](json.loads(json.dumps(event, default=_base64)), Context())
        return json.loads(json.dumps(answer, allow_nan=False))

    def deliver(self, *records: Any, at_time: str = "") -> list[str]:
        """Deliver a batch of the stream; the sequence numbers that have to come again."""
        answer = self.invoke("ClassroomChanged", a_batch(records), at_time)
        assert answer.keys() == {"batchItemFailures"}
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def hear(self, *events: Any, at_time: str = "") -> list[str]:
        """Deliver status events by way of the queue; the ids of the messages that have to come again."""
        answer = self.invoke("ExecutionEnded", messages(*events), at_time)
        assert answer.keys() == {"batchItemFailures"}
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def payload(self, classroom_id: str = "algebra-1", *, attempt: int = 0, **more: Any) -> dict[str, Any]:
        """What the state machine hands to a task of the execution that the item names."""
        name = self.item(classroom_id)["executionName"]
        given = {**json.loads(self.account.input_of(name)), **more}
        return {"input": given, "executionName": name, "attempt": attempt}

    def failed(self, task: str, error: dict[str, Any]) -> dict[str, Any]:
        """What the state machine hands to TaskFailed when a task's retries are used up."""
        return {**self.payload(failures={task: error}), "task": task}

    # what came of it

    def logged(self, message: str = "") -> list[dict[str, Any]]:
        """The log lines whose message contains this."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if message in line["message"]]

    def counted(self) -> Counter[str]:
        """The sum of every metric that was emitted in CloudWatch's embedded metric format."""
        self._printed += self.capsys.readouterr().out
        sums: Counter[str] = Counter()
        for line in self._printed.splitlines():
            emitted = json.loads(line)
            (directive,) = emitted["_aws"]["CloudWatchMetrics"]
            assert directive["Namespace"] == "ClassroomScheduler"
            for metric in directive["Metrics"]:
                sums[metric["Name"]] += sum(emitted[metric["Name"]])
        return sums

    def called(self) -> list[tuple[str, str]]:
        """What the classroom server received: the type and the webhook-id of every message."""
        return [
            (json.loads(received.body)["type"], received.headers["webhook-id"]) for received in self.server.received
        ]


def _base64(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()
