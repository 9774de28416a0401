"""Punctuality: how late a recording starts and how soon a write has its execution, beside bare functions."""

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.bare import Bare, put_up
from benchmarks.rows import Row, Say, ratio
from local.stack import Stack, running_stack
from tests.e2e.client import Client

TITLE = "Punctuality"
ABOUT = (
    "p99 on the emulator, workers warm. StartRecording's lateness stands beside a bare Lambda that reads the clock, "
    "the webhook's beside one that makes a read and a conditional write."
)
GOAL = 100
_AT_ONCE, _BURSTS = 50, 2
_WARM = 75
_SPREAD, _SECONDS = 200, 10
_WRITES = 40
_PATIENCE = 180
"""Seconds: a worker that a busy machine starts too slowly is tried again, up to half a minute later."""
_WRITTEN_IN_A_SECOND = 20
"""Classrooms, their executions started as well: so much earlier than the first start they are written."""
_PERCENTILES = {"p50": 50, "p99": 99, "max": 100}


def measure(say: Say) -> list[Row]:
    """On one emulator, with warm workers, ours and the bare ones by turns. Milliseconds."""
    with running_stack("bench-punctuality", say=say) as stack:
        runs = _Runs(stack, Client(stack), put_up(stack))
        say("warming up")
        # A few more at a time: each call that finds no worker free starts one, which takes half a second of processor.
        # More than are measured, as those that are warm by then are sooner free for the next call.
        for number in (10, 30, 50, _WARM):
            runs.all(number, 1)
        runs.starts(5)
        say(f"{_WRITES} writes, one by one")
        ours, bare = runs.starts(_WRITES)
        rows = _rows("write to start of execution", "bare start", ours, bare)
        say(f"{_AT_ONCE} classes on one second, {_BURSTS} times")
        bursts = _together(runs.all(_AT_ONCE, 1) for _ in range(_BURSTS))
        rows += _rows_of(f"{_AT_ONCE} on one second", bursts)
        say(f"{_SPREAD} classes in {_SECONDS} seconds")
        return rows + _rows_of(f"{_SPREAD} in {_SECONDS} s", runs.all(_SPREAD, _SECONDS))


@dataclass
class _Lateness:
    """Of each start, in milliseconds: when StartRecording began and the server was told, and the same of bare ones."""

    began: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    ran: list[float] = field(default_factory=list)
    claimed: list[float] = field(default_factory=list)


class _Runs:
    """The same number of classes, bare functions and bare claims, one after the other."""

    def __init__(self, stack: Stack, client: Client, bare: Bare) -> None:
        self._stack, self._client, self._bare = stack, client, bare

    def all(self, number: int, seconds: int) -> _Lateness:
        ran = self._bare_runs(self._bare.clock_arn, number, seconds)
        claimed = self._bare_runs(self._bare.claim_arn, number, seconds)
        began, told = self._ours(number, seconds)
        return _Lateness(began, told, ran, claimed)

    def _ours(self, number: int, seconds: int) -> tuple[list[float], list[float]]:
        """From the start in the item to when its task began, as the item says, and the classroom server was told."""
        starts = {self._client.new_id("late"): start for start in _starts(number, seconds)}
        _at_once(lambda one: self._write(*one), starts.items())
        _until(max(starts.values()))
        told = [self._lateness(classroom_id, start) for classroom_id, start in starts.items()]
        items = [self._client.get(classroom_id) for classroom_id in starts]
        return [float(item["tasks"]["StartRecording"]["latenessMs"]) for item in items], told

    def _bare_runs(self, machine: str, number: int, seconds: int) -> list[float]:
        """From the start in the input to when the function was done."""
        starts = {self._client.new_id("bare"): start for start in _starts(number, seconds)}
        if machine == self._bare.claim_arn:
            _at_once(lambda one: self._client.put({"classroomId": one[0]}), starts.items())
        _at_once(lambda one: self._start_bare(machine, *one), starts.items())
        _until(max(starts.values()))
        return [self._bare_lateness(machine, name, start) for name, start in starts.items()]

    def starts(self, number: int) -> tuple[list[float], list[float]]:
        """From the write to the execution's start: ours and that of the bare function, by turns."""
        written: dict[str, float] = {}
        for table in (self._stack.table_name, self._bare.table_name) * number:
            classroom_id = self._client.new_id("ours" if table == self._stack.table_name else "only")
            item = {"classroomId": {"S": classroom_id}, "start": {"S": _in(3600)}, "end": {"S": _in(7200)}}
            written[classroom_id] = time.time()
            self._stack.aws.dynamodb.put_item(TableName=table, Item=item)
            time.sleep(0.1)
        time.sleep(1)
        started = self._started()
        delays = {name: (started[name] - at) * 1000 for name, at in written.items()}
        ours = [delay for name, delay in delays.items() if name.startswith("ours")]
        return ours, [delay for name, delay in delays.items() if name.startswith("only")]

    def _write(self, classroom_id: str, start: datetime) -> None:
        times = {"start": _text(start), "end": _text(start + timedelta(hours=1))}
        self._client.put({"classroomId": classroom_id, **times, "livePingDelay": 3000})

    def _start_bare(self, machine: str, name: str, start: datetime) -> None:
        request = json.dumps({"start": _text(start), "classroomId": name})
        self._stack.aws.stepfunctions.start_execution(stateMachineArn=machine, name=name, input=request)

    def _lateness(self, classroom_id: str, start: datetime) -> float:
        call = self._client.wait_for_call(classroom_id, "recording.start", within=_PATIENCE)
        return (datetime.fromisoformat(call["receivedAt"]) - start).total_seconds() * 1000

    def _bare_lateness(self, machine: str, name: str, start: datetime) -> float:
        arn = machine.replace(":stateMachine:", ":execution:") + f":{name}"
        deadline = time.monotonic() + _PATIENCE
        while (done := self._stack.aws.stepfunctions.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not end")
            time.sleep(0.2)
        return (float(json.loads(done["output"])["at"]) - start.timestamp()) * 1000

    def _started(self) -> dict[str, float]:
        pages = self._stack.aws.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self._stack.state_machine_arn
        )
        found = [execution for page in pages for execution in page["executions"]]
        # Ours are named <classroomId>-<token>, the bare ones as their classroom: room-1-hoduvall1f, only-2.
        return {_room(e["name"]): e["startDate"].timestamp() for e in found}


def _room(name: str) -> str:
    return "-".join(name.split("-")[:2])


def _starts(number: int, seconds: int) -> list[datetime]:
    first = (datetime.now(UTC) + timedelta(seconds=3 + number / _WRITTEN_IN_A_SECOND)).replace(microsecond=0)
    return [first + timedelta(seconds=index % seconds) for index in range(number)]


def _at_once(do: Callable[[tuple[str, datetime]], None], each: Iterable[tuple[str, datetime]]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(do, each))


def _until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()) + 2)


def _in(seconds: float) -> str:
    return _text(datetime.now(UTC) + timedelta(seconds=seconds))


def _text(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _together(runs: Iterable[_Lateness]) -> _Lateness:
    all_ = _Lateness()
    for run in runs:
        for name, values in vars(run).items():
            getattr(all_, name).extend(values)
    return all_


def _rows_of(what: str, late: _Lateness) -> list[Row]:
    rows = _rows(f"{what}: StartRecording late", "bare clock", late.began, late.ran, goal=True)
    peer = "bare claim"
    return rows + _rows(f"{what}: webhook late", peer, late.told, late.claimed)


def _rows(what: str, peer: str, ours: Sequence[float], bare: Sequence[float], *, goal: bool = False) -> list[Row]:
    return [
        _row(f"{what}: {name}", peer, _percentile(ours, p), _percentile(bare, p), judged=goal and p == 99)
        for name, p in _PERCENTILES.items()
    ]


def _row(measure: str, peer: str, ours: float, bare: float, *, judged: bool) -> Row:
    return Row(
        question=TITLE,
        measure=measure,
        value=round(ours),
        unit="ms",
        compared_with=peer,
        compared_value=round(bare),
        ratio=ratio(ours, bare),
        goal=f"at most {GOAL} ms more" if judged else "",
        met=ours - bare <= GOAL if judged else None,
        headline=measure.endswith("p99"),
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many of a hundred don't exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
