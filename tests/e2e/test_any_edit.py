"""Classes edited at any moment of their lives, on a deployed stack: each ends up where its item says.

A class that must be edited in time is far from its start or end until then, however slow the machine is.
"""

import random
import time
from datetime import datetime
from typing import Any

from tests.e2e.client import ALL_THREE, FAR, NATURAL, Client, Item, seconds_from_now


def a_running_class(client: Client, end: float = FAR) -> str:
    room = client.write_class(1, end)
    client.wait_for(room, "RECORDING")
    return room


def comes_after(call: dict[str, Any], due: str) -> bool:
    """Whether the server was not told before `due`."""
    return datetime.fromisoformat(call["receivedAt"]) >= datetime.fromisoformat(due)


def test_a_class_moved_earlier_starts_at_the_new_time(client: Client) -> None:
    room = client.write_class(FAR, FAR + 10)
    first = client.wait_for(room, "SCHEDULED")["executionName"]

    start = seconds_from_now(4)
    client.update(room, start=start, end=seconds_from_now(NATURAL))

    assert comes_after(client.wait_for_call(room, "recording.start"), start)
    item = client.wait_for(room, "COMPLETED")
    client.wait_for_executions(room, {first: "ABORTED", item["executionName"]: "SUCCEEDED"})
    assert client.calls(room) == ALL_THREE


def test_a_class_moved_later_starts_at_the_new_time_only(client: Client) -> None:
    room = client.write_class(20, FAR)
    client.wait_for(room, "SCHEDULED")

    start = seconds_from_now(21)
    client.update(room, start=start)

    assert comes_after(client.wait_for_call(room, "recording.start"), start)
    client.wait_for_call(room, "recording.live")
    client.end_soon(room)
    client.wait_for(room, "COMPLETED")
    assert client.calls(room) == ALL_THREE


def test_a_running_class_that_is_shortened_and_then_extended_stops_at_its_last_end(client: Client) -> None:
    room = a_running_class(client)
    recording = client.get(room)["recordingId"]
    client.wait_for_call(room, "recording.live")

    sooner = seconds_from_now(12)
    client.update(room, end=sooner)
    client.wait_until(room, lambda item: item["scheduled"]["end"] == sooner)
    end = seconds_from_now(14)
    client.update(room, end=end)

    assert comes_after(client.wait_for_call(room, "recording.stop"), end)
    assert client.wait_for(room, "COMPLETED")["recordingId"] == recording
    assert client.calls(room) == ALL_THREE


def test_a_running_class_that_is_deleted_is_stopped_long_before_its_end(client: Client) -> None:
    room = a_running_class(client)
    execution = client.get(room)["executionName"]

    client.delete(room)

    client.wait_for_call(room, "recording.stop")
    client.wait_for_execution(execution, "ABORTED")
    assert client.get(room) == {}


def test_the_same_item_put_again_while_it_records_interrupts_nothing(client: Client) -> None:
    room = a_running_class(client, NATURAL)
    before = client.get(room)

    client.put({name: before[name] for name in ("classroomId", "start", "end", "livePingDelay")})

    item = client.wait_for(room, "COMPLETED")
    assert item["executionName"] == before["executionName"]
    client.wait_for_executions(room, {before["executionName"]: "SUCCEEDED"})
    assert client.calls(room) == ALL_THREE


def test_a_class_deleted_and_inserted_at_once_is_recorded_as_inserted(client: Client) -> None:
    room = client.write_class(FAR, FAR + 10)
    client.wait_for(room, "SCHEDULED")

    start = seconds_from_now(4)
    client.delete(room)
    client.put({"classroomId": room, "start": start, "end": seconds_from_now(FAR), "livePingDelay": 1})

    assert comes_after(client.wait_for_call(room, "recording.start"), start)
    client.wait_for_call(room, "recording.live")
    client.end_soon(room)
    client.wait_for(room, "COMPLETED")
    assert client.calls(room) == ALL_THREE


def test_an_invalid_edit_while_it_records_costs_nothing_and_says_so(client: Client) -> None:
    room = a_running_class(client, NATURAL)

    client.update(room, end="half past ten")

    item = client.wait_until(room, lambda item: "half past ten" in item["reason"])
    assert item["status"] == "RECORDING"
    item = client.wait_for(room, "COMPLETED")
    assert "half past ten" in item["reason"]
    assert client.calls(room) == ALL_THREE


def test_a_running_class_moved_into_the_future_stops_now_and_runs_again_then(client: Client) -> None:
    room = a_running_class(client)
    first = client.get(room)["recordingId"]

    client.update(room, start=seconds_from_now(5), end=seconds_from_now(FAR))
    client.wait_until(room, lambda item: item.get("recordingId") != first and item["status"] == "RECORDING")
    client.end_soon(room)

    item = client.wait_for(room, "COMPLETED")
    assert item["recordingId"] != first
    assert [recording["state"] for recording in client.recordings(room)] == ["stopped", "stopped"]
    assert [type_ for type_ in client.calls(room) if type_ != "recording.live"] == [
        "recording.start",
        "recording.stop",
        "recording.start",
        "recording.stop",
    ]


def test_twenty_classes_edited_over_and_over_while_they_run_all_converge(client: Client) -> None:
    chance = random.Random(20261201)
    rooms = [client.write_class(chance.uniform(2, 15), FAR) for _ in range(20)]
    for _ in range(60):
        edit_something(client, chance.choice(rooms), chance)
        time.sleep(chance.uniform(0, 0.4))

    left = [room for room in rooms if client.get(room)]
    for room in left:
        client.wait_until(room, records_what_is_written)
        client.update(room, end=seconds_from_now(3))
    for room in left:
        client.wait_for(room, "COMPLETED")

    client.wait_until_all_stopped(rooms)
    for room in rooms:
        recordings = [recording for recording in client.recordings(room) if recording["startedAt"]]
        assert len({recording["recordingId"] for recording in recordings}) == len(recordings)
    for room in left:
        last = client.get(room)["recordingId"]
        assert client.recordings(room)[-1]["recordingId"] == last
        assert sum(entry["webhookId"] == f"{last}-start" and not entry["duplicate"] for entry in client.log(room)) == 1


def records_what_is_written(item: Item) -> bool:
    """Whether it is recording, and not only until the latest edit of its start is followed."""
    return item.get("status") == "RECORDING" and item["scheduled"]["start"] == item["start"]


def edit_something(client: Client, room: str, chance: random.Random) -> None:
    """Edit a class that may be running. It may be gone afterwards."""
    item = client.get(room)
    if not item:
        return
    match chance.randrange(6):
        case 0:
            client.update(room, end=seconds_from_now(chance.uniform(FAR, 2 * FAR)))
        case 1:
            client.update(room, start=seconds_from_now(chance.uniform(-2, 10)), end=seconds_from_now(FAR))
        case 2:
            client.put({name: item[name] for name in ("classroomId", "start", "end", "livePingDelay")})
        case 3:
            client.update(room, teacher=f"teacher {chance.random()}")
        case 4:
            client.update(room, livePingDelay=chance.randrange(4))
        case _:
            client.delete(room)
            if chance.random() < 0.5:
                return
            start, end = seconds_from_now(1), seconds_from_now(FAR)
            client.put({"classroomId": room, "start": start, "end": end, "livePingDelay": 1})
