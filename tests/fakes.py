"""The outside world in memory: small stand-ins for the ports, which the contract tests hold to the real adapters."""

import json
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from classroom_scheduler.application.ports import Clock, Message
from classroom_scheduler.bookings.ports import BookingOutdated, Stamp
from classroom_scheduler.domain.errors import (
    ClassroomNotWritable,
    ConcurrentUpdate,
    ServerRefused,
    ServerUnavailable,
    ServiceUnavailable,
)
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.times import format_time
from classroom_scheduler.http_api.ports import NameTaken, Position

MAX_ITEM_BYTES = 400 * 1024
MAX_INPUT_BYTES = 262_144
ARN_PREFIX = "arn:aws:states:eu-west-1:123456789012:execution:Classroom:"
INDEX_KEYS = frozenset({"attentionShard", "attentionAt", "day", "scheduledStart"})


class RefusedByAws(Exception):
    """A request that AWS answers with a validation error: nothing of ours may ever send one."""


# --- the table --------------------------------------------------------------------------------------------------------

Watcher = Callable[[str, Item | None, Item | None], None]


class FakeClassrooms:
    """The Classrooms table: what the scheduler may do (Classrooms and ClassroomQueries), and what people do to it."""

    def __init__(self, *items: Item) -> None:
        self._items: dict[str, dict[str, Any]] = {}
        self.watchers: list[Watcher] = []
        self.unavailable = False
        self.writes = 0
        for item in items:
            self.put(item)

    # the port

    def get(self, classroom_id: str) -> Item | None:
        self._answer_or_fail()
        return self.look(classroom_id)

    def update(self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = ()) -> None:
        self._answer_or_fail()
        current = self._items.get(classroom_id)
        if current is None or not _as_expected(current, expected):
            raise ConcurrentUpdate(f"{classroom_id} is not as it was read")
        wanted = {name: value for name, value in current.items() if name not in removed}
        try:
            wanted.update(_stored(changes))
            _check(wanted)
        except (RefusedByAws, TypeError) as refusal:
            raise ClassroomNotWritable(f"{classroom_id} cannot be written: {refusal}") from refusal
        self.writes += 1
        self._replace(classroom_id, wanted)

    # the port of the HTTP API

    def create(self, item: Item) -> None:
        self._answer_or_fail()
        if item["classroomId"] in self._items:
            raise NameTaken(item["classroomId"])
        try:
            self.put(item)
        except (RefusedByAws, TypeError) as refusal:
            raise ClassroomNotWritable(f"{item['classroomId']} cannot be written: {refusal}") from refusal

    def remove(self, classroom_id: str, *, expected: Item) -> None:
        self._answer_or_fail()
        current = self._items.get(classroom_id)
        if current is None or not _as_expected(current, expected):
            raise ConcurrentUpdate(f"{classroom_id} is not as it was read")
        self.delete(classroom_id)

    def of_day(
        self, day: str, *, status: str | None, limit: int, after: Position | None
    ) -> tuple[Sequence[Item], Position | None]:
        self._answer_or_fail()
        indexed = [item for item in self._items.values() if item.get("day") == day and "scheduledStart" in item]
        indexed.sort(key=_place)
        left = [item for item in indexed if after is None or _place(item) > _place(after)]
        read, more = left[:limit], len(left) >= limit
        position = {name: read[-1][name] for name in ("classroomId", "scheduledStart")} if more else None
        return [_stored(item) for item in read if status in (None, item.get("status"))], position

    # the classroom_queries: the table's index and its parts

    def overdue(self, shard: str, now: datetime) -> Iterable[str]:
        self._answer_or_fail()
        due = [
            (item["attentionAt"], classroom_id)
            for classroom_id, item in self._items.items()
            if item.get("attentionShard") == shard and item.get("attentionAt", "~") <= format_time(now)
        ]
        yield from (classroom_id for _, classroom_id in sorted(due))

    def segment(self, number: int, of: int) -> Iterable[Item]:
        self._answer_or_fail()
        part = [item for classroom_id, item in self._items.items() if zlib.crc32(classroom_id.encode()) % of == number]
        yield from map(_stored, part)

    # what people do

    def look(self, classroom_id: str) -> dict[str, Any] | None:
        """The item as anybody can read it, whatever the scheduler's own access suffers."""
        item = self._items.get(classroom_id)
        return None if item is None else _stored(item)

    def put(self, item: Item) -> None:
        """PutItem: replaces the whole item, the scheduler's attributes included."""
        wanted = _stored(item)
        _check(wanted)
        self._replace(wanted["classroomId"], wanted)

    def update_attributes(self, classroom_id: str, changes: Item, removed: Collection[str] = ()) -> None:
        """UpdateItem: changes some attributes, and creates the item if there is none, as DynamoDB does."""
        current = self._items.get(classroom_id, {"classroomId": classroom_id})
        wanted = {name: value for name, value in current.items() if name not in removed} | _stored(changes)
        _check(wanted)
        self._replace(classroom_id, wanted)

    def delete(self, classroom_id: str) -> None:
        """DeleteItem: no error and no stream record where there is no such item."""
        self._replace(classroom_id, None)

    def _replace(self, classroom_id: str, wanted: dict[str, Any] | None) -> None:
        before = self._items.pop(classroom_id, None)
        if wanted is not None:
            self._items[classroom_id] = wanted
        # A write that changes nothing leaves no record in the stream.
        if before is wanted is None or (before is not None and wanted is not None and _same(before, wanted)):
            return
        for watcher in self.watchers:
            watcher(classroom_id, before, wanted)

    def _answer_or_fail(self) -> None:
        if self.unavailable:
            raise ServiceUnavailable("DynamoDB does not answer")


class FakeBookings:
    """People's side of the same table, as booking events write it."""

    def __init__(self, classrooms: FakeClassrooms) -> None:
        self._classrooms = classrooms
        self._stamps: dict[str, Stamp] = {}

    def get(self, classroom_id: str) -> Item | None:
        return self._classrooms.get(classroom_id)

    def latest(self, classroom_id: str) -> Stamp | None:
        self._classrooms._answer_or_fail()
        return self._stamps.get(classroom_id)

    def insert(self, item: Item, *, stamp: Stamp) -> None:
        def put() -> None:
            if self._classrooms.look(classroom_id) is not None:
                raise ConcurrentUpdate(f"{classroom_id} is there already")
            try:
                self._classrooms.put(item)
            except (RefusedByAws, TypeError) as refusal:
                raise ClassroomNotWritable(f"{classroom_id} cannot be written: {refusal}") from refusal

        classroom_id = str(item["classroomId"])
        self._write(classroom_id, stamp, put)

    def update(
        self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = (), stamp: Stamp
    ) -> None:
        def update() -> None:
            self._classrooms.update(classroom_id, changes, expected=expected, removed=removed)

        self._write(classroom_id, stamp, update)

    def delete(self, classroom_id: str, *, stamp: Stamp) -> None:
        self._write(classroom_id, stamp, lambda: self._classrooms.delete(classroom_id))

    def _write(self, classroom_id: str, stamp: Stamp, write: Callable[[], None]) -> None:
        self._classrooms._answer_or_fail()
        if stamp.is_covered_by(self._stamps.get(classroom_id)):
            raise BookingOutdated(f"{classroom_id}: a later booking was followed")
        write()
        self._stamps[classroom_id] = stamp


def _place(item: Mapping[str, Any]) -> tuple[str, str]:
    """Where an item stands in the index. DynamoDB promises no order of those that start together."""
    return item["scheduledStart"], item["classroomId"]


def _as_expected(current: Mapping[str, Any], expected: Item) -> bool:
    return all(
        current.get(name) is None if value is None else name in current and _same(current[name], value)
        for name, value in expected.items()
    )


def _stored(value: Any) -> Any:
    """A copy of the value with the types that DynamoDB gives back: every number is a Decimal."""
    if isinstance(value, str | bool | bytes | Decimal) or value is None:
        return value
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Mapping):
        return {name: _stored(element) for name, element in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(element) for element in value]
    if isinstance(value, set | frozenset):
        return {_stored(element) for element in value}
    raise TypeError(f"DynamoDB has no type for {value!r}")


def _same(one: Any, other: Any) -> bool:
    """DynamoDB's `=`: numbers by value, everything else by type and value, maps and lists in depth."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, set | frozenset) and isinstance(other, set | frozenset):
        return one == other
    return type(one) is type(other) and bool(one == other)


def _check(item: Mapping[str, Any]) -> None:
    key = item.get("classroomId")
    if not isinstance(key, str) or not 1 <= len(key.encode()) <= 2048:
        raise RefusedByAws("the key classroomId must be a string of 1 to 2048 bytes")
    for name in INDEX_KEYS & item.keys():
        if not isinstance(item[name], str) or not item[name]:
            raise RefusedByAws(f"the index key {name} must be a string that is not empty")
    if _has_no_type(item):
        raise RefusedByAws("an attribute without a name, or a value that DynamoDB has no type for")
    if item_size(item) > MAX_ITEM_BYTES:
        raise RefusedByAws("Item size has exceeded the maximum allowed size")


def _has_no_type(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "" in value or any(map(_has_no_type, value.values()))
    if isinstance(value, list):
        return any(map(_has_no_type, value))
    if isinstance(value, set):
        return not value or any(map(_has_no_type, value))
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if not isinstance(value, Decimal):
        return False
    if not value.is_finite() or (value and not -130 <= value.adjusted() <= 125):
        return True
    return len("".join(map(str, value.as_tuple().digits)).strip("0")) > 38


def item_size(item: Mapping[str, Any]) -> int:
    """The size of an item in bytes, by DynamoDB's published rules."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int | Decimal):
        return (len(Decimal(value).normalize().as_tuple().digits) + 1) // 2 + 1
    if isinstance(value, Mapping):
        return 3 + len(value) + item_size(value)
    return 3 + sum(1 + _value_size(element) for element in value)


# --- the executions ---------------------------------------------------------------------------------------------------


class FakeExecutions:
    """The executions of the machine: names are held for ever, and a stop takes effect only later."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}
        self.stopping: dict[str, str] = {}
        self.aborted: dict[str, str] = {}
        self.succeeded: set[str] = set()
        self.start_calls: list[str] = []
        self.stop_calls: list[str] = []
        self.unavailable = False
        self.stops_throttled = False
        self.unanswered = False  # DescribeExecution alone

    def arn(self, name: str) -> str:
        return ARN_PREFIX + name

    def start(self, name: str, request: Mapping[str, Any]) -> bool:
        self.start_calls.append(name)
        check_execution(name, request)
        if self.unavailable:
            raise ServiceUnavailable("StartExecution is throttled")
        # json: what Step Functions keeps is the text, not our object
        self.started.setdefault(name, json.loads(json.dumps(request)))
        return name in self.running

    def status(self, name: str) -> str | None:
        if self.unavailable or self.unanswered:
            raise ServiceUnavailable("DescribeExecution is throttled")
        if name not in self.started:
            return None
        if name in self.succeeded:
            return "SUCCEEDED"
        return "ABORTED" if name in self.aborted else "RUNNING"

    def stop(self, name: str, reason: str) -> bool:
        self.stop_calls.append(name)
        if self.unavailable or self.stops_throttled or name not in self.started:
            return False
        if name not in self.aborted:
            self.stopping.setdefault(name, reason)
        return True

    @property
    def running(self) -> list[str]:
        """The executions that still run: one that is asked to stop runs on until `settle`."""
        return [name for name in self.started if name not in self.aborted and name not in self.succeeded]

    def settle(self) -> None:
        """Let the stops that were asked for take effect."""
        self.aborted.update(self.stopping)
        self.stopping.clear()


class FakeInvocations:
    """The executions of the one-time scheduler: `statuses` is what each of them says."""

    def __init__(self) -> None:
        self.requests: dict[str, str] = {}
        self.statuses: dict[str, str] = {}
        self.unavailable = False

    def start(self, name: str, request: str) -> str:
        self._answer_or_fail()
        check_execution(name, {})
        if len(request.encode()) > MAX_INPUT_BYTES:
            raise RefusedByAws("InvalidExecutionInput: more than 256 KiB")
        same_again = self.statuses.get(name) == "RUNNING" and self.requests[name] == request
        if name in self.statuses and not same_again:
            raise NameTaken(name)
        self.requests[name], self.statuses[name] = request, "RUNNING"
        return ARN_PREFIX + name

    def status(self, name: str) -> str | None:
        self._answer_or_fail()
        return self.statuses.get(name)

    def stop(self, name: str) -> None:
        self._answer_or_fail()
        if self.statuses[name] == "RUNNING":
            self.statuses[name] = "ABORTED"

    def _answer_or_fail(self) -> None:
        if self.unavailable:
            raise ServiceUnavailable("Step Functions does not answer")


_FORBIDDEN_IN_NAMES = frozenset(' \t\r\n<>{}[]?*"#%\\^|~`$&,;:/')


def check_execution(name: str, request: Mapping[str, Any]) -> None:
    """Raise RefusedByAws for what StartExecution refuses: the name, or the size of the input."""
    if not 1 <= len(name) <= 80 or not name.isprintable() or _FORBIDDEN_IN_NAMES & set(name):
        raise RefusedByAws(f"InvalidName: {name!r}")
    if len(json.dumps(request).encode()) > MAX_INPUT_BYTES:
        raise RefusedByAws("InvalidExecutionInput: more than 256 KiB")


# --- the classroom server ---------------------------------------------------------------------------------------------


class Fault(Enum):
    """How the server fails, once."""

    UNAVAILABLE = "503 before it acted"
    TIMES_OUT = "no answer in time, although it acted"
    REFUSES = "400, and it did nothing"


@dataclass
class Recording:
    """What the server knows of one recording."""

    classroom_id: str
    starts: list[datetime] = field(default_factory=list)
    pings: list[datetime] = field(default_factory=list)
    stops: list[datetime] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return bool(self.starts) and not self.stops


class FakeServer:
    """A classroom server as it should be: drops what it has seen, and never starts what it has stopped."""

    def __init__(self, clock: Clock | None = None, answer: Any = None) -> None:
        self._clock = clock
        self.answer = {"ok": True} if answer is None else answer
        self.received: list[Message] = []
        self.recordings: dict[str, Recording] = {}
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._answers: dict[str, Any] = {}

    def will(self, message_type: str, *faults: Fault) -> None:
        """Script the next answers to messages of this type; after them it works again."""
        self.faults[message_type].extend(faults)

    def send(self, message: Message, *, timeout: float) -> Any:
        if timeout <= 0:
            raise ServerUnavailable("no time left to call")
        self.received.append(message)
        fault = self.faults[message.type].popleft() if self.faults[message.type] else None
        if fault is Fault.UNAVAILABLE:
            raise ServerUnavailable("503 Service Unavailable")
        if fault is Fault.REFUSES:
            raise ServerRefused("400 Bad Request")
        if message.id not in self._answers:
            self._act(message)
            self._answers[message.id] = self.answer
        if fault is Fault.TIMES_OUT:
            raise ServerUnavailable("no answer in time")
        return self._answers[message.id]

    @property
    def live(self) -> set[str]:
        """The recordings that run now."""
        return {recording_id for recording_id, recording in self.recordings.items() if recording.live}

    def sent(self, message_type: str) -> list[Message]:
        """The messages of one type, duplicates and failures included."""
        return [message for message in self.received if message.type == message_type]

    def _act(self, message: Message) -> None:
        recording_id = message.data["recordingId"]
        recording = self.recordings.setdefault(recording_id, Recording(message.data["classroomId"]))
        now = self._clock() if self._clock else message.timestamp
        if message.type == "recording.start" and not recording.stops:
            recording.starts.append(now)
        elif message.type == "recording.live" and recording.live:
            recording.pings.append(now)
        elif message.type == "recording.stop":
            recording.stops.append(now)
