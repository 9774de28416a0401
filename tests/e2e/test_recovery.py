"""Executions that end before their time, on a deployed stack: every class goes on as written."""

import json
from datetime import UTC, datetime

import pytest

from tests.e2e.client import ALL_THREE, FAR, NATURAL, Client, seconds_from_now, wait_until
from tests.e2e.region import Region

HORIZON = 7_200 * 3_600
"""Seconds: the template's HorizonHours."""


def taken_up(client: Client, room: str, after: str | None = None) -> str:
    """The execution that the item names, as soon as it is another one than this and has been started."""
    another = client.wait_until(room, lambda item: item.get("executionName") not in {None, after})
    name = str(another["executionName"])
    client.wait_for_execution(name, "RUNNING")
    return name


def ask_to_sweep(client: Client, **request: str) -> dict[str, int]:
    """Invoke Sweep as its schedule does, or an operator; what it found."""
    function = client.stack.outputs["SweepFunctionName"]
    answer = client.stack.aws.functions.invoke(FunctionName=function, Payload=json.dumps(request).encode())
    found: dict[str, int] = json.loads(answer["Payload"].read())
    assert "errorMessage" not in found, found
    return found


def test_a_class_whose_execution_is_aborted_by_hand_before_its_start_is_recorded_as_written(client: Client) -> None:
    room = client.write_class(20, 20 + NATURAL)
    first = taken_up(client, room)

    client.stop_execution(first)

    client.wait_until(room, lambda item: "was replaced (1 of at most 3 times)" in item["reason"])
    item = client.wait_for(room, "COMPLETED")
    assert item["recordingId"] == first
    client.wait_for_executions(room, {first: "ABORTED", item["executionName"]: "SUCCEEDED"})
    assert client.calls(room) == ALL_THREE


def test_a_class_whose_execution_is_aborted_by_hand_while_it_records_is_neither_started_nor_pinged_twice(
    client: Client,
) -> None:
    room = client.write_class(1, NATURAL)
    client.wait_for_call(room, "recording.live")
    first = client.get(room)["executionName"]

    client.stop_execution(first)

    item = client.wait_for(room, "COMPLETED")
    client.wait_for_executions(room, {first: "ABORTED", item["executionName"]: "SUCCEEDED"})
    assert [entry["type"] for entry in client.log(room)] == ALL_THREE, "nor was the server asked to"


def test_a_class_aborted_by_hand_for_ever_fails_and_says_so(client: Client) -> None:
    room = client.write_class(FAR, FAR + 10)
    names: list[str] = []
    for _ in range(4):
        names.append(taken_up(client, room, after=names[-1] if names else None))
        client.stop_execution(names[-1])

    item = client.wait_for(room, "FAILED")

    assert "its execution ended 4 times before its time" in item["reason"]
    client.wait_for_executions(room, dict.fromkeys(names, "ABORTED"))
    assert client.log(room) == []


def test_a_deferred_class_is_scheduled_when_its_time_comes_inside_the_horizon(client: Client) -> None:
    room = client.write_class(HORIZON + 20, HORIZON + 100)
    item = client.wait_for(room, "DEFERRED")
    assert "more than 300 days away" in item["reason"]
    assert client.executions(room) == {}

    wait_until(item["attentionAt"])
    wait_until(seconds_from_now(0))  # a clock may be behind by a hair
    ask_to_sweep(client)

    item = client.wait_for(room, "SCHEDULED")
    client.wait_for_executions(room, {item["executionName"]: "RUNNING"})
    client.delete(room)
    client.wait_for_execution(item["executionName"], "ABORTED")


@pytest.mark.xdist_group("own stacks")
def test_an_item_that_no_record_told_of_is_found_by_the_audit(region: Region) -> None:
    """Without the stream handler, as when its record ran out of retries."""
    client = region.client
    mapping = stream_mapping(client)
    functions = client.stack.aws.functions
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    room = client.write_class(FAR, FAR + 10)

    assert ask_to_sweep(client, audit="everything")["MARKED"] >= 1

    assert "status" not in (item := client.get(room))
    assert item["attentionAt"] > datetime.now(UTC).isoformat()
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    client.wait_for(room, "SCHEDULED")
    client.delete(room)


def stream_mapping(client: Client) -> str:
    mappings = client.stack.aws.functions.list_event_source_mappings()["EventSourceMappings"]
    (uuid,) = [mapping["UUID"] for mapping in mappings if "ClassroomChanged" in mapping["FunctionArn"]]
    return uuid


@pytest.mark.long
@pytest.mark.xdist_group("own stacks")
def test_classes_go_on_after_all_executions_were_lost_without_an_event(region: Region) -> None:
    """The emulator is ended and started again. An operator who knows of it need not wait for what is overdue."""
    client = region.client
    recording = client.write_class(2, 60)
    client.wait_for_call(recording, "recording.live")
    to_come = client.write_class(40, 60)
    deferred = client.write_class(HORIZON + 3600, HORIZON + 7200)
    before = {
        room: client.wait_for(room, status)
        for room, status in (
            (recording, "RECORDING"),
            (to_come, "SCHEDULED"),
            (deferred, "DEFERRED"),
        )
    }

    region.restart()
    for room in (recording, to_come):
        client.wait_for_execution(before[room]["executionName"], "FAILED")
    assert client.get(to_come)["executionName"] == before[to_come]["executionName"], "nobody heard of it"

    ask_to_sweep(client, sweep="everything")

    assert {room: client.get(room).get("restarts", 0) for room in before} == {recording: 1, to_come: 1, deferred: 0}
    for room in (recording, to_come):
        item = client.wait_for(room, "COMPLETED")
        assert item["recordingId"] == before[room]["recordingId"]
        assert client.calls(room) == ALL_THREE
