"""Executions that end before their time, on a deployed stack of their own: every class goes on, and on time."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.aws import Aws
from local.emulator import emulator
from local.places import STATE
from local.ports import choose
from local.server import ClassroomServer, classroom_server
from local.stack import EMULATOR_PORT, SERVER_PORT, Stack, build_and_deploy
from tests.e2e.client import Client, seconds_from_now, wait_until

LATEST = timedelta(seconds=5)  # on an emulator with cold starts, on two shared cores
ALL = ["recording.start", "recording.live", "recording.stop"]


@dataclass
class Region:
    """An emulated AWS that keeps its state when it is ended and started again; its executions are lost then."""

    folder: Path
    server: ClassroomServer
    port: int
    logs: Path = STATE / "e2e-honesty"
    _running: ExitStack | None = None

    def start(self, number: int = 1) -> Aws:
        self.end()
        self._running = ExitStack()
        log = self.logs / f"emulator-{number}.log"
        self.emulator = self._running.enter_context(
            emulator(self.port, log=log, temporary=self.folder, state=self.folder)
        )
        return Aws(self.emulator.url)

    def end(self) -> None:
        if self._running is not None:
            self._running.close()


@pytest.fixture(scope="module")
def region() -> Iterator[Region]:
    with (
        tempfile.TemporaryDirectory(prefix="classroom-scheduler-", ignore_cleanup_errors=True) as folder,
        classroom_server(choose(SERVER_PORT, "the classroom server")) as server,
    ):
        region = Region(Path(folder), server, choose(EMULATOR_PORT, "the emulator"))
        try:
            yield region
        finally:
            region.end()


@pytest.fixture(scope="module")
def client(region: Region) -> Client:
    """A person's view of a stack whose horizon is an hour."""
    aws = region.start()
    outputs = build_and_deploy(aws, region.server, region.logs, region.folder, print, HorizonHours=1)
    return Client(Stack(aws, region.emulator, region.server, outputs, region.logs))


def taken_up(client: Client, room: str, after: str | None = None) -> str:
    """The execution that the item names, as soon as it is another one than this and has been started."""
    another = client.wait_until(room, lambda item: item.get("executionName") not in {None, after}, within=20)
    name = str(another["executionName"])
    client.wait_until(room, lambda _: name in client.executions(room), within=20)
    return name


def a_class(client: Client, start: float, end: float) -> str:
    """Write a class that starts and ends in so many seconds; its id."""
    room = client.new_id()
    times = {"start": seconds_from_now(start), "end": seconds_from_now(end)}
    client.put({"classroomId": room, **times, "livePingDelay": 1})
    return room


def ask_to_sweep(client: Client, **request: str) -> dict[str, int]:
    """Invoke Sweep as its schedule does, or an operator; what it found."""
    function = client.stack.outputs["SweepFunctionName"]
    answer = client.stack.aws.functions.invoke(FunctionName=function, Payload=json.dumps(request).encode())
    found: dict[str, int] = json.loads(answer["Payload"].read())
    assert "errorMessage" not in found, found
    return found


def was_on_time(item: dict[str, Any], *tasks: str) -> bool:
    return all(item["tasks"][task]["latenessMs"] < LATEST // timedelta(milliseconds=1) for task in tasks)


def test_a_class_whose_execution_is_aborted_by_hand_before_its_start_is_recorded_as_written(client: Client) -> None:
    room = a_class(client, 20, 35)
    first = taken_up(client, room)

    client.stop_execution(first)
    taken_up(client, room, after=first)

    assert "was replaced (1 of at most 3 times)" in client.get(room)["reason"]
    item = client.wait_for(room, "COMPLETED", within=60)
    assert item["recordingId"] == first
    client.wait_for_execution(item["executionName"], "SUCCEEDED", within=10)
    assert client.executions(room) == {first: "ABORTED", item["executionName"]: "SUCCEEDED"}
    assert client.calls(room) == ALL
    assert was_on_time(item, "StartRecording", "StopRecording")


def test_a_class_whose_execution_is_aborted_by_hand_while_it_records_is_neither_started_nor_pinged_twice(
    client: Client,
) -> None:
    room = a_class(client, 2, 30)
    client.wait_for_call(room, "recording.live", within=30)
    first = client.get(room)["executionName"]

    client.stop_execution(first)

    item = client.wait_for(room, "COMPLETED", within=60)
    client.wait_for_execution(item["executionName"], "SUCCEEDED", within=10)
    assert client.executions(room) == {first: "ABORTED", item["executionName"]: "SUCCEEDED"}
    assert [entry["type"] for entry in client.log(room)] == ALL, "nor was the server asked to"
    assert was_on_time(item, "StopRecording")


def test_a_class_aborted_by_hand_for_ever_fails_and_says_so(client: Client) -> None:
    room = a_class(client, 60, 70)
    name = None
    for _ in range(4):
        name = taken_up(client, room, after=name)
        client.stop_execution(name)

    item = client.wait_for(room, "FAILED", within=20)

    assert "its execution ended 4 times before its time" in item["reason"]
    assert set(client.executions(room).values()) == {"ABORTED"}
    assert client.log(room) == []


def test_a_deferred_class_is_scheduled_when_its_time_comes_inside_the_horizon(client: Client) -> None:
    room = a_class(client, 3600 + 6, 3700)
    item = client.wait_for(room, "DEFERRED", within=20)
    assert "more than 1 hour away" in item["reason"]
    assert client.executions(room) == {}

    wait_until(item["attentionAt"])
    time.sleep(0.01)  # a clock may be behind by a hair
    assert ask_to_sweep(client) == {"RECONCILED": 1}

    item = client.get(room)
    assert item["status"] == "SCHEDULED"
    assert client.executions(room) == {item["executionName"]: "RUNNING"}
    client.delete(room)
    client.wait_for_execution(item["executionName"], "ABORTED", within=10)


def test_an_item_that_no_record_told_of_is_found_by_the_audit(client: Client) -> None:
    """Without the stream handler, as when its record ran out of retries."""
    mapping = stream_mapping(client)
    functions = client.stack.aws.functions
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    room = a_class(client, 2000, 2100)

    assert ask_to_sweep(client, audit="everything")["MARKED"] >= 1

    assert "status" not in (item := client.get(room))
    assert item["attentionAt"] > datetime.now(UTC).isoformat()
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    client.wait_for(room, "SCHEDULED", within=30)
    client.delete(room)


def stream_mapping(client: Client) -> str:
    mappings = client.stack.aws.functions.list_event_source_mappings()["EventSourceMappings"]
    (uuid,) = [mapping["UUID"] for mapping in mappings if "ClassroomChanged" in mapping["FunctionArn"]]
    return uuid


def test_classes_go_on_on_time_after_all_executions_were_lost_without_an_event(region: Region, client: Client) -> None:
    """The emulator is ended and started again. An operator who knows of it need not wait for what is overdue."""
    recording = a_class(client, 2, 50)
    client.wait_for_call(recording, "recording.live", within=30)
    to_come = a_class(client, 30, 50)
    deferred = a_class(client, 2 * 3600, 3 * 3600)
    before = {
        room: client.wait_for(room, status, within=20)
        for room, status in (
            (recording, "RECORDING"),
            (to_come, "SCHEDULED"),
            (deferred, "DEFERRED"),
        )
    }

    region.end()
    region.start(number=2)
    for room in (recording, to_come):
        client.wait_for_execution(before[room]["executionName"], "FAILED", within=10)
    assert client.get(to_come)["executionName"] == before[to_come]["executionName"], "nobody heard of it"

    assert ask_to_sweep(client, sweep="everything") == {"RECONCILED": 3}

    assert {room: client.get(room).get("restarts", 0) for room in before} == {recording: 1, to_come: 1, deferred: 0}
    for room in (recording, to_come):
        item = client.wait_for(room, "COMPLETED", within=90)
        assert item["recordingId"] == before[room]["recordingId"]
        assert client.calls(room) == ALL
        assert was_on_time(item, "StopRecording")
    assert was_on_time(client.get(to_come), "StartRecording")
