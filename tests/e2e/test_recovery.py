"""Executions that end before their time, on a deployed stack: every class goes on as written."""

import json

from tests.e2e.client import ALL_THREE, FAR, NATURAL, Client, seconds_from_now, wait_until

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
