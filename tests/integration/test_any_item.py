"""Whatever an item holds, it harms no other and costs no recording: numbers of every size, readers that break."""

import json
from decimal import Decimal
from typing import Any

import pytest

from classroom_scheduler.adapters import classrooms, dynamodb_json
from classroom_scheduler.handlers import _stream_records
from tests.builders import a_batch, a_change, a_classroom, a_status_event, an_api_request
from tests.integration.day import Day
from tests.loopback import answer

FIFTY_ZEROS = Decimal("1" + "0" * 50)  # as DynamoDB gives 1E+50 back
NUMBERS: dict[str, Any] = {
    "1E+50": FIFTY_ZEROS,
    "the largest": Decimal("9.9999999999999999999999999999999999999E+125"),
    "the smallest": Decimal("1E-130"),
    "38 digits": Decimal("3.1415926535897932384626433832795028842"),
    "in a set": {FIFTY_ZEROS, Decimal("0.1")},
    "deep inside": [{"rooms": {"seats": [FIFTY_ZEROS, {Decimal("1E-130")}]}}],
}
every_number = pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)


def api(day: Day, method: str, path: str) -> dict[str, Any]:
    answered: dict[str, Any] = day.invoke("ClassroomApi", an_api_request(method, path))
    return answered


@every_number
def test_a_class_is_recorded_as_usual_and_a_number_of_any_size_is_passed_on_with_every_digit(
    day: Day, number: Any
) -> None:
    assert day.deliver(day.put(a_classroom(budget=number)), at_time="08:00") == []
    for task, time in (("StartRecording", "09:00"), ("SendLivePing", "09:01"), ("StopRecording", "10:00")):
        day.invoke(task, day.payload(results={"StartRecording": {"state": "SUCCEEDED"}}), at_time=time)

    assert day.item()["status"] == "COMPLETED"
    assert day.item()["budget"] == number
    for received in day.server.received:
        sent = json.loads(received.body, parse_float=Decimal, parse_int=Decimal)["data"]["classroom"]["budget"]
        assert _without_sets(number) == sent


@every_number
def test_a_number_of_any_size_that_is_written_while_the_class_records_does_not_keep_it_from_being_stopped(
    day: Day, number: Any
) -> None:
    day.deliver(day.put(a_classroom()), at_time="08:00")
    day.invoke("StartRecording", day.payload(), at_time="09:00")

    assert day.deliver(day.update("algebra-1", budget=number, end="2026-12-01T09:30:00Z"), at_time="09:10") == []
    day.invoke("StopRecording", day.payload(results={}), at_time="09:30")

    assert day.item()["status"] == "COMPLETED"


@every_number
def test_a_number_of_any_size_is_read_by_the_audit_the_api_and_whoever_tells_of_it(day: Day, number: Any) -> None:
    day.deliver(day.put(a_classroom(budget=number)), day.put(a_classroom("physics-2")), at_time="08:00")

    assert day.invoke("Sweep", {"audit": "everything"}) == {"HEALTHY": 2}
    assert day.hear(a_status_event(day.item()["executionName"])) == []
    record = a_change(a_classroom(budget=number), day.item(), moment=day.now)
    assert day.invoke("ClassroomLifecycle", a_batch([record])) == {"batchItemFailures": []}
    assert len(day.account.published()) == 1
    shown = json.loads(api(day, "GET", "/classrooms/algebra-1")["body"], parse_float=Decimal, parse_int=Decimal)
    assert shown["budget"] == _without_sets(number)
    assert api(day, "DELETE", "/classrooms/algebra-1")["statusCode"] == 204


def test_the_decimals_of_an_answer_of_the_server_are_kept_on_the_item_with_every_digit(day: Day) -> None:
    day.server.will(answer(200, b'{"level": 0.1, "pi": 3.1415926535897932384626433832795028842, "large": 1e125}'))
    day.deliver(day.put(a_classroom()), at_time="08:00")

    told = day.invoke("StartRecording", day.payload(), at_time="09:00")

    pi = Decimal("3.1415926535897932384626433832795028842")
    kept = day.item()["tasks"]["StartRecording"]["result"]
    assert kept == {"level": Decimal("0.1"), "pi": pi, "large": Decimal("1e125")}
    assert told["result"]["level"] == 0.1


# --- a reader that breaks for a reason that nobody thought of ---------------------------------------------------------


@pytest.fixture
def poisoned(day: Day, monkeypatch: pytest.MonkeyPatch) -> Day:
    """algebra-1 and physics-2 wait for 09:00; then the one with the attribute `poison` can't be read by anybody."""
    day.deliver(day.put(a_classroom(poison=True)), day.put(a_classroom("physics-2")), at_time="08:00")

    def breaks(item: Any) -> Any:
        if "poison" in item:
            raise MemoryError("nobody thought of this")
        return dynamodb_json.read_item(item)

    monkeypatch.setattr(classrooms, "read_item", breaks)
    monkeypatch.setattr(_stream_records, "read_item", breaks)
    return day


def broken(day: Day, message: str) -> list[str]:
    """The classrooms of which a line of the log says so, with the exception."""
    return [line["classroomId"] for line in day.logged(message) if "MemoryError" in line["exception"]]


def test_a_record_that_can_not_be_read_is_logged_does_not_come_again_and_its_neighbours_are_followed(
    poisoned: Day,
) -> None:
    records = [poisoned.update(room, end="2026-12-01T11:00:00Z") for room in ("algebra-1", "physics-2")]

    assert poisoned.deliver(*records, at_time="08:10") == []

    assert poisoned.item("physics-2")["scheduled"]["end"] == "2026-12-01T11:00:00Z"
    assert broken(poisoned, "record can't be read") == ["algebra-1"]
    assert poisoned.counted()["RecordsIgnored"] == 1


def test_an_item_that_can_not_be_read_is_logged_by_the_audit_and_the_sweep_and_its_neighbours_are_seen_to(
    poisoned: Day,
) -> None:
    assert poisoned.invoke("Sweep", {"audit": "everything"}, at_time="09:10") == {"HEALTHY": 1}
    assert poisoned.invoke("Sweep", {}, at_time="09:20") == {"RECONCILED": 1, "FAILED": 1}

    assert broken(poisoned, "item can't be read") == ["algebra-1"]
    assert broken(poisoned, "classroom can't be reconciled") == ["algebra-1"]
    assert poisoned.counted()["RepairsFailed"] >= 2


def test_an_item_that_can_not_be_read_is_left_out_of_its_day(poisoned: Day) -> None:
    listed = poisoned.invoke("ClassroomApi", an_api_request("GET", "/classrooms", query={"day": ["2026-12-01"]}))

    assert [item["classroomId"] for item in json.loads(listed["body"])["classrooms"]] == ["physics-2"]


def test_the_end_of_the_execution_of_an_item_that_can_not_be_read_harms_no_other_message(poisoned: Day) -> None:
    names = [poisoned.item(room)["executionName"] for room in ("algebra-1", "physics-2")]

    assert poisoned.hear(*map(a_status_event, names), at_time="08:30") == ["0"]

    assert poisoned.item("physics-2")["restarts"] == 1


def test_a_record_that_can_not_be_read_costs_its_events_alone(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    day.deliver(day.put(a_classroom()), day.put(a_classroom("physics-2")), at_time="08:00")
    records = [a_change(a_classroom(room), day.item(room), moment=day.now) for room in ("algebra-1", "physics-2")]

    def breaks(item: Any) -> Any:
        return dynamodb_json.read_item(item) if item["classroomId"]["S"] == "physics-2" else 1 / 0

    monkeypatch.setattr(_stream_records, "read_item", breaks)

    assert day.invoke("ClassroomLifecycle", a_batch(records)) == {"batchItemFailures": []}

    assert [event["detail"]["classroomId"] for event in day.account.published()] == ["physics-2"]
    assert day.counted()["EventsNotPublished"] == 1


def test_a_recorder_is_stopped_at_its_end_though_its_item_can_not_be_read(poisoned: Day) -> None:
    name = poisoned.account.item("algebra-1")["executionName"]  # type: ignore[index]
    payload = {"input": json.loads(poisoned.account.input_of(name)), "executionName": name, "attempt": 0}

    stopped = poisoned.invoke("StopRecording", payload, at_time="10:00")

    assert stopped["state"] == "SUCCEEDED"
    assert [kind for kind, _ in poisoned.called()] == ["recording.stop"]


@pytest.mark.parametrize("records", [None, "x", ["x", None, 5], [{"dynamodb": 7}], [{"dynamodb": {"Keys": []}}]])
def test_a_batch_that_is_none_is_ignored(day: Day, records: Any) -> None:
    for function in ("ClassroomChanged", "ClassroomLifecycle"):
        assert day.invoke(function, {"Records": records}) == {"batchItemFailures": []}


def test_no_line_of_the_log_has_anything_unprintable_and_none_is_without_end(day: Day) -> None:
    day.deliver(day.put(a_classroom(start="\u009b31m" + "x" * 100_000)), at_time="08:00")

    assert day.item()["status"] == "INVALID"
    assert all(line.isprintable() and len(line) < 4_000 for line in day.log.getvalue().splitlines())


def _without_sets(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, dict):
        return {name: _without_sets(element) for name, element in value.items()}
    if isinstance(value, list | set):
        return [_without_sets(element) for element in (sorted(value) if isinstance(value, set) else value)]
    return value
