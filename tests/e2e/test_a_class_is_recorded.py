"""A classroom written to the table of a deployed stack is recorded as written, and nothing else happens."""

from datetime import datetime
from decimal import Decimal

import pytest

from tests.e2e.client import ALL_THREE, FAR, NATURAL, Client, seconds_from_now, wait_until

THE_SIX = ["RecordingWait", "StartRecording", "SendLivePingWait", "SendLivePing", "StoppingWait", "StopRecording"]


def test_an_inserted_class_is_started_pinged_and_stopped_in_order_and_never_early(client: Client) -> None:
    room = client.write_class(3, NATURAL, livePingDelay=2, teacher="Ada")

    item = client.wait_for(room, "COMPLETED")

    log = client.log(room)
    assert [entry["type"] for entry in log] == ALL_THREE
    assert [entry["status"] for entry in log] == [200, 200, 200], "signed so that the server let them in"
    for entry in log:
        assert datetime.fromisoformat(entry["receivedAt"]) >= datetime.fromisoformat(entry["body"]["data"]["dueAt"])
    stop = log[-1]["body"]["data"]
    assert stop["classroom"]["teacher"] == "Ada"
    assert stop["results"]["StartRecording"]["result"]["state"] == "recording", (
        "what the start answered reached the stop"
    )
    assert {task: record["state"] for task, record in item["tasks"].items()} == dict.fromkeys(
        ["StartRecording", "SendLivePing", "StopRecording"], "SUCCEEDED"
    )
    client.wait_for_executions(room, {item["executionName"]: "SUCCEEDED"})
    assert client.history(item["executionName"]) == THE_SIX


def test_a_class_deleted_before_its_start_is_aborted_without_a_call(client: Client) -> None:
    room = client.write_class(15, FAR)
    item = client.wait_for(room, "SCHEDULED")

    client.delete(room)

    client.wait_for_execution(item["executionName"], "ABORTED")
    wait_until(item["start"])
    wait_until(seconds_from_now(1))
    assert client.get(room) == {}
    assert client.log(room) == []


def test_a_server_that_fails_twice_is_told_a_third_time_and_acts_once(client: Client) -> None:
    room = client.new_id()
    client.fault(room, type="recording.start", times=2, status=503)
    client.put({"classroomId": room, "start": seconds_from_now(1), "end": seconds_from_now(FAR), "livePingDelay": 1})

    client.wait_for_call(room, "recording.live")
    client.end_soon(room)

    item = client.wait_for(room, "COMPLETED")

    starts = [entry for entry in client.log(room) if entry["type"] == "recording.start"]
    assert [entry["status"] for entry in starts] == [503, 503, 200]
    assert len({entry["webhookId"] for entry in starts}) == 1
    assert item["tasks"]["StartRecording"]["attempts"] == Decimal(3)
    assert client.calls(room) == ALL_THREE


def test_a_server_that_acts_and_answers_too_late_acts_once(client: Client) -> None:
    room = client.new_id()
    client.fault(room, type="recording.start", times=1, status=500, act=True)
    client.put({"classroomId": room, "start": seconds_from_now(1), "end": seconds_from_now(FAR), "livePingDelay": 1})

    client.wait_for_call(room, "recording.live")
    client.end_soon(room)

    client.wait_for(room, "COMPLETED")

    (recording,) = client.recordings(room)
    assert recording["state"] == "stopped"
    assert client.calls(room) == ["recording.live", "recording.stop"], "the repeated start was a duplicate"


def test_a_start_that_is_refused_fails_the_class(client: Client) -> None:
    room = client.new_id()
    client.fault(room, type="recording.start", times=50, status=400)
    client.put({"classroomId": room, "start": seconds_from_now(1), "end": seconds_from_now(FAR)})

    item = client.wait_for(room, "FAILED")

    # On AWS its execution is FAILED by now; the emulator knows no names of errors, so that it tries all of them again.
    assert "HTTP 400" in item["reason"]
    assert client.calls(room) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"end": None}, "`end` is missing"),
        ({"start": Decimal(5)}, "`start` is the number 5"),
        ({"start": "2026-02-31T09:00:00Z"}, "2026-02-31T09:00:00Z"),
        ({"livePingDelay": "soon"}, '`livePingDelay` is the text "soon", not a number'),
        ({"notes": "x" * 300_000}, "`notes` makes the item too large"),
    ],
    ids=["no end", "a number for a time", "31 February", "no number", "300 KB"],
)
def test_a_class_written_wrongly_says_so_and_runs_nothing(client: Client, wrong: dict[str, object], said: str) -> None:
    room = client.new_id()
    item = {"classroomId": room, "start": seconds_from_now(60), "end": seconds_from_now(90), **wrong}
    client.put({name: value for name, value in item.items() if value is not None})

    rejected = client.wait_for(room, "INVALID")

    assert said in rejected["reason"]
    assert "executionName" not in rejected


def test_an_id_that_fits_no_execution_name_says_so(client: Client) -> None:
    room = client.new_id("a room with spaces ")
    client.put({"classroomId": room, "start": seconds_from_now(60), "end": seconds_from_now(90)})

    assert "expected 1 to 64 of A-Z a-z 0-9 _ -" in client.wait_for(room, "INVALID")["reason"]
