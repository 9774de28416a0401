"""Cost: what AWS would bill for one class, counted in real runs on the emulator."""

import json
import math
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.bills import PEERS, dollars, write_units
from benchmarks.rows import Row, Say, ratio
from local.aws import Aws
from local.ports import opener
from local.stack import Stack, running_stack
from tests.e2e.client import Client, seconds_from_now

TITLE = "Cost of a class"
ABOUT = (
    "Four classes on the emulator: calls counted by its CloudTrail, transitions by execution histories, write units by "
    "stream images, indexes included. Each stream record counts as two invocations, the most there can be. Lambda's "
    "duration is left out for all. Prices are for a million classes."
)
TRANSITIONS, WRITES = 6, 7
_CALLS = ("GetItem", "UpdateItem", "StartExecution", "StopExecution", "DescribeExecution", "PutEvents")
_READERS = 2
"""Functions that read the table's stream: ClassroomChanged and ClassroomLifecycle."""


@dataclass(frozen=True)
class Counts:
    """What one class took: calls by name, and what follows from executions and stream records."""

    calls: Counter[str]
    transitions: int
    tasks: int
    records: int
    units: Counter[str]

    def bill(self) -> dict[str, float]:
        """In the units of prices.json. A read of an item up to 4 KB takes one.

        Each record is alone in its batch, and read by two functions.
        """
        return {
            "state transition": self.transitions,
            "write unit": self.units.total(),
            "read unit": self.calls["GetItem"],
            "Lambda request": self.tasks + _READERS * self.records,
            "custom event": self.calls["PutEvents"],
        }


def measure(say: Say) -> list[Row]:
    """Four classes, one after the other."""
    with running_stack("bench-cost", say=say) as stack:
        client = Client(stack)
        trail = _Trail(stack)
        counted = {}
        for story, run in STORIES.items():
            since = time.time()
            classroom_id = run(client)
            time.sleep(1)  # the last records of the stream reach their function
            counted[story] = _count(stack, client, classroom_id, trail.since(since))
            say(f"{story}: {_in_words(counted[story])}")
    return [*_counts(counted["normal"]), *_prices(counted)]


def _normal(client: Client) -> str:
    return _class(client, 3, 10)


def _rescheduled(client: Client) -> str:
    return _class(client, 30, 37, then=lambda i: client.update(i, start=seconds_from_now(2), end=seconds_from_now(7)))


def _extended(client: Client) -> str:
    return _class(client, 2, 9, after=5.0, then=lambda i: client.update(i, end=seconds_from_now(6)))


def _cancelled(client: Client) -> str:
    classroom_id = _written(client, 30, 33)
    time.sleep(2)
    client.delete(classroom_id)
    return classroom_id


STORIES: dict[str, Callable[[Client], str]] = {
    "normal": _normal,
    "rescheduled once": _rescheduled,
    "extended in the middle": _extended,
    "cancelled": _cancelled,
}


def _written(client: Client, start: float, end: float) -> str:
    classroom_id = client.new_id("cost")
    times = {"start": seconds_from_now(start), "end": seconds_from_now(end)}
    client.put({"classroomId": classroom_id, **times, "livePingDelay": 1, "teacher": "Ada"})
    return classroom_id


def _class(
    client: Client, start: float, end: float, *, after: float = 2.0, then: Callable[[str], None] | None = None
) -> str:
    classroom_id = _written(client, start, end)
    if then is not None:
        time.sleep(after)
        then(classroom_id)
    deadline = time.monotonic() + 60
    while client.get(classroom_id).get("status") not in {"COMPLETED", "FAILED"}:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{classroom_id} did not end: {client.get(classroom_id)}")
        time.sleep(0.5)  # seldom: the trail tells the last 50 calls of each kind
    return classroom_id


class _Trail:
    """The emulator's CloudTrail: every call that a function makes, the data events included."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.aws.other("cloudtrail")
        self._client.lookup_events()  # it has to be there before it can be told to record
        body = json.dumps({"cloudtrail._recording_enabled": "true"}).encode()
        url = f"{stack.emulator.url}/_ministack/config"
        with opener.open(urllib.request.Request(url, body, {"content-type": "application/json"}), timeout=10) as done:
            if not json.load(done)["applied"]:
                raise RuntimeError("the emulator does not record calls any more")

    def since(self, moment: float) -> Counter[str]:
        """The calls of functions, which have sessions of their roles, since then."""
        calls: Counter[str] = Counter()
        for name in _CALLS:
            attributes = [{"AttributeKey": "EventName", "AttributeValue": name}]
            for event in self._client.lookup_events(LookupAttributes=attributes)["Events"]:
                if event["AccessKeyId"].startswith("ASIA") and event["EventTime"].timestamp() >= math.floor(moment):
                    calls[name] += 1
        return calls


def _count(stack: Stack, client: Client, classroom_id: str, calls: Counter[str]) -> Counts:
    histories = [client.history(name) for name in client.executions(classroom_id)]
    entered = [state for history in histories for state in history]
    records = [r for r in _records(stack.aws, stack.table_name) if r["Keys"]["classroomId"]["S"] == classroom_id]
    units: Counter[str] = Counter()
    for record in records:
        units += write_units(record.get("OldImage"), record.get("NewImage"))
    tasks = sum(not state.endswith("Wait") for state in entered)
    return Counts(calls, len(entered), tasks, len(records), units)


def _records(aws: Aws, table: str) -> Iterator[dict[str, Any]]:
    streams = aws.other("dynamodbstreams")
    arn = streams.list_streams(TableName=table)["Streams"][0]["StreamArn"]
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        start = {"ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(StreamArn=arn, **start)["ShardIterator"]
        yield from (record["dynamodb"] for record in streams.get_records(ShardIterator=iterator)["Records"])


def _in_words(counts: Counts) -> str:
    calls = ", ".join(f"{count} {name}" for name, count in counts.calls.items())
    units = ", ".join(f"{count} {name}" for name, count in counts.units.items())
    return f"{counts.transitions} transitions, {counts.tasks} tasks, {counts.records} records; {calls}; units: {units}"


def _counts(normal: Counts) -> Iterator[Row]:
    writes = normal.calls["UpdateItem"]
    yield _figure(
        "state transitions", normal.transitions, f"exactly {TRANSITIONS}", met=normal.transitions == TRANSITIONS
    )
    yield _figure("item writes by the scheduler", writes, f"at most {WRITES}", met=writes <= WRITES)
    yield _figure("item reads, consistent", normal.calls["GetItem"])
    yield _figure("write units, the user's included: table", normal.units["table"])
    yield _figure("write units: index ByDay", normal.units["ByDay"])
    yield _figure("write units: index ByAttention", normal.units["ByAttention"])
    yield _figure("Lambda invocations by the state machine", normal.tasks)
    yield _figure("Lambda invocations by the stream, at most", _READERS * normal.records)


def _figure(measure: str, value: float, goal: str = "", *, met: bool | None = None) -> Row:
    return Row(TITLE, measure, value, "", goal=goal, met=met, headline=bool(goal))


def _prices(counted: dict[str, Counts]) -> Iterator[Row]:
    normal = dollars(counted["normal"].bill())
    for story in list(counted)[1:]:
        yield _price(story, dollars(counted[story].bill()), "normal", normal)
    for peer, (bill, lacks) in PEERS.items():
        yield _price("normal", normal, f"{peer} ({lacks})", dollars(bill))


def _price(story: str, million: float, peer: str, theirs: float) -> Row:
    return Row(TITLE, story, round(million), "$", peer, round(theirs), ratio(million, theirs))
