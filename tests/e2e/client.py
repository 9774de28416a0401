"""What a person can do and see: write classrooms, read them, ask the classroom server, look at executions."""

import itertools
import json
import secrets
import time
import urllib.request
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.ports import opener
from local.stack import Deployment
from tests.waiting import PATIENCE, eventually

Item = dict[str, Any]
"""A table item with plain Python values; numbers are Decimal."""

FAR = 600
"""Seconds: a start or an end that no test waits for."""
NATURAL = 40
"""Seconds: the end of a class that runs its course. A start that is late on a busy machine still comes before it."""
ALL_THREE = ["recording.start", "recording.live", "recording.stop"]
"""The webhooks of a class that went as it should."""


class Client:
    """A person's view of a running stack. Classrooms are told apart by their id, so tests share one stack.

    What becomes true soon is waited for: each `wait_…` returns as soon as it is, and fails with what is instead.
    """

    def __init__(self, stack: Deployment) -> None:
        self.stack = stack
        self._table = stack.aws.tables.Table(stack.table_name)
        self._mark = secrets.token_hex(3)
        self._numbers = itertools.count(1)

    # The table

    def new_id(self, name: str = "room") -> str:
        """A classroomId that no other test uses, in whatever process it runs."""
        return f"{name}-{self._mark}-{next(self._numbers)}"

    def write_class(self, start: float, end: float, **others: Any) -> str:
        """Write a class that starts and ends in so many seconds and is pinged after one; its id."""
        room = self.new_id()
        times = {"start": seconds_from_now(start), "end": seconds_from_now(end)}
        self.put({"classroomId": room, **times, "livePingDelay": 1, **others})
        return room

    def end_soon(self, classroom_id: str) -> None:
        """Let a class that records end in some seconds: written with a far end, it was in no danger of missing it."""
        self.update(classroom_id, end=seconds_from_now(2))

    def put(self, item: Mapping[str, Any]) -> None:
        """PutItem: what was there before is gone, the scheduler's attributes too."""
        self._table.put_item(Item=dict(item))

    def update(self, classroom_id: str, **changes: Any) -> None:
        """UpdateItem: set these attributes, or remove those that are None."""
        names = {f"#{name}": name for name in changes}
        values = {f":{name}": value for name, value in changes.items() if value is not None}
        sets = ", ".join(f"#{name[1:]} = {name}" for name in values)
        removes = ", ".join(f"#{name}" for name, value in changes.items() if value is None)
        expression = (f"SET {sets} " if sets else "") + (f"REMOVE {removes}" if removes else "")
        key = {"classroomId": classroom_id}
        if values:
            self._table.update_item(
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
            )
        else:
            self._table.update_item(Key=key, UpdateExpression=expression, ExpressionAttributeNames=names)

    def delete(self, classroom_id: str) -> None:
        """DeleteItem."""
        self._table.delete_item(Key={"classroomId": classroom_id})

    def get(self, classroom_id: str) -> Item:
        """The item as it is now (a consistent read); empty if there is none."""
        return self._table.get_item(Key={"classroomId": classroom_id}, ConsistentRead=True).get("Item", {})

    def wait_until(self, classroom_id: str, holds: Callable[[Item], object], *, within: float = PATIENCE) -> Item:
        """The item as soon as something holds for it."""
        return eventually(lambda: self.get(classroom_id), holds, within=within)

    def wait_for(self, classroom_id: str, *statuses: str, within: float = PATIENCE) -> Item:
        """The item as soon as it has one of these statuses."""
        return self.wait_until(classroom_id, lambda item: item.get("status") in statuses, within=within)

    # The classroom server

    def log(self, classroom_id: str | None = None) -> list[dict[str, Any]]:
        """What the classroom server received, oldest first (local.recorder says what an entry holds)."""
        return list(self._server("GET", "/log" + (f"?classroomId={classroom_id}" if classroom_id else "")))

    def calls(self, classroom_id: str) -> list[str]:
        """The types of what the server acted on, in order: without duplicates and without what it refused."""
        log = self.log(classroom_id)
        return [entry["type"] for entry in log if not entry["duplicate"] and entry["status"] == 200]

    def wait_for_call(self, classroom_id: str, type_: str, *, within: float = PATIENCE) -> dict[str, Any]:
        """The first entry of this type that the server answered with 200."""

        def answered(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [entry for entry in log if entry["type"] == type_ and entry["status"] == 200]

        return answered(eventually(lambda: self.log(classroom_id), answered, within=within))[0]

    def recordings(self, classroom_id: str) -> list[dict[str, Any]]:
        """What became of each recording of this classroom, as the server has it."""
        return list(self._server("GET", f"/recordings?classroomId={classroom_id}"))

    def wait_until_all_stopped(self, classroom_ids: Collection[str]) -> None:
        """Return as soon as no recording of these classrooms runs."""

        def running() -> list[dict[str, Any]]:
            every = self._server("GET", "/recordings")
            return [each for each in every if each["classroomId"] in classroom_ids and each["state"] == "recording"]

        eventually(running, lambda still: not still)

    def fault(self, classroom_id: str, **fault: Any) -> None:
        """Make the server misbehave to one classroom: type, times, status, delaySeconds, act, disconnect."""
        self._server("POST", "/faults", json.dumps({"classroomId": classroom_id, **fault}).encode())

    def _server(self, method: str, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(self.stack.server_url + path, body, method=method)
        with opener.open(request, timeout=30) as response:
            return json.load(response)

    # Step Functions

    def executions(self, classroom_id: str) -> dict[str, str]:
        """The status of each execution of this classroom by its name, oldest first.

        An execution is SUCCEEDED or ABORTED a moment after the item says what it did: see wait_for_executions.
        """
        pages = self.stack.aws.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self.stack.state_machine_arn
        )
        found = [entry for page in pages for entry in page["executions"]]
        found.sort(key=lambda entry: entry["startDate"])
        return {entry["name"]: entry["status"] for entry in found if entry["name"].rpartition("-")[0] == classroom_id}

    def wait_for_executions(self, classroom_id: str, expected: Mapping[str, str]) -> None:
        """Return as soon as the classroom has had these executions, each with this status, and no other."""
        eventually(lambda: self.executions(classroom_id), lambda found: found == expected)

    def execution_arn(self, name: str) -> str:
        """The ARN of an execution of the Classroom state machine."""
        return self.stack.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{name}"

    def history(self, name: str) -> list[str]:
        """The names of the states that an execution entered, in order."""
        pages = self.stack.aws.stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=self.execution_arn(name)
        )
        entered = (event.get("stateEnteredEventDetails") for page in pages for event in page["events"])
        return [details["name"] for details in entered if details]

    def wait_for_execution(self, name: str, status: str) -> None:
        """Return as soon as the execution has this status."""
        eventually(lambda: self._execution_status(name), lambda found: found == status)

    def _execution_status(self, name: str) -> str:
        states = self.stack.aws.stepfunctions
        try:
            return states.describe_execution(executionArn=self.execution_arn(name))["status"]
        except states.exceptions.ExecutionDoesNotExist:
            return "not started yet"

    def stop_execution(self, name: str) -> None:
        """Abort it by hand, as somebody in the console might."""
        self.stack.aws.stepfunctions.stop_execution(executionArn=self.execution_arn(name))


def wait_until(time_of_day: str) -> None:
    """Return when the clock has passed this time: for tests that nothing happens then."""
    time.sleep(max(0.0, (datetime.fromisoformat(time_of_day) - datetime.now(UTC)).total_seconds()))


def seconds_from_now(seconds: float) -> str:
    """A time of day for `start` or `end`: UTC, to the second, never earlier than asked for."""
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    if when.microsecond:
        when = when.replace(microsecond=0) + timedelta(seconds=1)
    return when.isoformat().replace("+00:00", "Z")
