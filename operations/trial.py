"""A smoke run on one stack: the classes that it writes, what it waits for, and how it tidies up."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from operations.account import Account
from operations.results import NotSeen
from operations.stacks import Stack

Item = dict[str, Any]
T = TypeVar("T")
PREFIX = "smoke-"
WITHIN = 8 * 60
"""Seconds that a run may take."""


@dataclass
class Trial:
    """What the checks of a run share. Threads use it side by side."""

    account: Account
    stack: Stack
    name: str = field(default_factory=lambda: PREFIX + secrets.token_hex(3))
    ended: threading.Event = field(default_factory=threading.Event)
    """Set where the run is broken off."""
    began: float = field(default_factory=time.monotonic)
    every: float = 1.0
    """Seconds between two looks at what is waited for."""
    _written: set[str] = field(default_factory=set)

    @property
    def left(self) -> float:
        """Seconds until the run has to be over."""
        return max(0.0, self.began + WITHIN - time.monotonic())

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.stack.outputs["ClassroomsTableName"]

    @property
    def machine(self) -> str:
        """The ARN of the Classroom state machine."""
        return self.stack.outputs["ClassroomStateMachineArn"]

    def class_id(self, name: str) -> str:
        """The id of a class of this run, which is deleted at its end."""
        self._written.add(f"{self.name}-{name}")
        return f"{self.name}-{name}"

    def write(self, name: str, start: float, end: float, **attributes: Any) -> str:
        """Write a class that starts and ends in so many seconds, and is pinged 3 seconds after its start; its id."""
        room = self.class_id(name)
        times = {"start": from_now(start), "end": from_now(end), "livePingDelay": 3}
        item = TypeSerializer().serialize({"classroomId": room, **times, **attributes})["M"]
        self.account.client("dynamodb").put_item(TableName=self.table, Item=item)
        return room

    def item(self, room: str) -> Item:
        """The item of a class as it is now; empty if there is none."""
        key = {"classroomId": {"S": room}}
        answer = self.account.client("dynamodb").get_item(TableName=self.table, Key=key, ConsistentRead=True)
        read: Item = TypeDeserializer().deserialize({"M": answer.get("Item", {})})
        return read

    def delete(self, room: str) -> None:
        """Delete a class."""
        self.account.client("dynamodb").delete_item(TableName=self.table, Key={"classroomId": {"S": room}})

    def tidy_up(self) -> None:
        """Delete all classes of this run: what still waits or runs of them is stopped."""
        for room in sorted(self._written):
            self.delete(room)

    def wait_for_status(self, room: str, *statuses: str, within: float) -> Item:
        """The item as soon as it has one of these statuses, or is over. Raises NotSeen."""
        over = {*statuses, "COMPLETED", "FAILED", "INVALID"}
        item = self.wait(lambda: _if(self.item(room), lambda item: item.get("status") in over), within, room)
        if item["status"] not in statuses:
            raise NotSeen(f"{room} is {item['status']}, not {' or '.join(statuses)}: {item.get('reason')}")
        return item

    def execution(self, name: str) -> str:
        """The ARN of an execution of the Classroom state machine."""
        return f"{self.machine.replace(':stateMachine:', ':execution:')}:{name}"

    def wait_for_end(self, execution: str, within: float) -> Item:
        """What Step Functions says of an execution that has ended. Raises NotSeen."""
        states = self.account.client("stepfunctions")

        def ended() -> Item | None:
            return _if(states.describe_execution(executionArn=execution), lambda each: each["status"] != "RUNNING")

        return self.wait(ended, within, f"The end of the execution {execution.rpartition(':')[2]}")

    def wait(self, look: Callable[[], T | None], within: float, what: str) -> T:
        """What `look` finds as soon as it finds something. Raises NotSeen after `within` seconds, or with the run."""
        deadline = time.monotonic() + min(within, self.left)
        while (found := look()) is None:
            if self.ended.wait(self.every):
                raise NotSeen("The run was broken off.")
            if time.monotonic() > deadline:
                raise NotSeen(f"{what}: nothing to be seen within {within:.0f} s. {self._state_of(what)}")
        return found

    def _state_of(self, what: str) -> str:
        if what not in self._written:
            return ""
        item = self.item(what)
        return (
            f"The item says {item.get('status', 'nothing')}: {item.get('reason', 'no reason')}" if item else "No item."
        )


def from_now(seconds: float) -> str:
    """A time in so many seconds, as people write it: UTC, rounded up to the second."""
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    if when.microsecond:
        when = when.replace(microsecond=0) + timedelta(seconds=1)
    return when.isoformat().replace("+00:00", "Z")


def _if(item: Item, holds: Callable[[Item], bool]) -> Item | None:
    return item if holds(item) else None
