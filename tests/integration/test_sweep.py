"""Sweep: what its schedules and an operator ask of it, and what it asks of AWS."""

from collections import Counter
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from classroom_scheduler.domain.policy import ATTENTION_SHARDS, attention
from tests.aws import REGION, TABLE
from tests.builders import a_classroom, at, dynamodb_image
from tests.integration.day import Day
from tests.integration.test_execution_ended import forget

SCHEDULES = [{}, {"sweep": "everything"}, {"audit": "hourly"}, {"audit": "everything"}]


def scheduled(day: Day, *rooms: str, **attributes: Any) -> list[str]:
    """08:00: classes from 09:00 to 10:00 are scheduled; the names of their executions."""
    rooms = rooms or ("algebra-1",)
    day.deliver(*[day.put(a_classroom(room, **attributes)) for room in rooms], at_time="08:00")
    names = [str(day.item(room)["executionName"]) for room in rooms]
    forget(day)
    return names


def sweep(day: Day, time: str, **event: Any) -> Any:
    return day.invoke("Sweep", event, at_time=time)


# --- what is overdue --------------------------------------------------------------------------------------------------


def test_a_sweep_of_a_healthy_table_is_one_query_a_shard(day: Day) -> None:
    scheduled(day, *[f"room-{number}" for number in range(20)])

    assert sweep(day, "09:04") == {}

    assert day.account.calls == ["Query"] * ATTENTION_SHARDS
    assert day.counted() == {"Sweeps": 1, "Repairs": 0, "RepairsFailed": 0}
    asked = [tuple(query["ExpressionAttributeValues"].values()) for query in day.account.sent("Query")]
    assert {value["S"] for values in asked for value in values} >= set("01234567")


def test_a_class_that_was_forgotten_is_taken_up_again(day: Day) -> None:
    (name,) = scheduled(day)
    day.account.abort(name)

    assert sweep(day, "09:05") == {"RECONCILED": 1}

    assert day.item()["restarts"] == 1
    assert day.account.running() == {day.item()["executionName"]}
    assert day.counted() == {"Sweeps": 1, "Repairs": 1, "RepairsFailed": 0, "ClassroomsSuperseded": 1}


def test_the_log_says_what_a_sweep_found_decided_and_why(day: Day) -> None:
    (name,) = scheduled(day)
    day.account.abort(name)

    sweep(day, "09:05")

    (decided,) = day.logged("reconciled")
    assert (decided["classroomId"], decided["decision"]) == ("algebra-1", "REPLACE")
    assert (decided["executionName"], decided["reason"]) == (day.item()["executionName"], day.item()["reason"])
    (swept,) = day.logged("swept")
    assert swept["found"] == {"RECONCILED": 1}


def test_a_class_that_is_late_but_alive_costs_a_sweep_no_write_and_no_execution(day: Day) -> None:
    (name,) = scheduled(day)

    assert sweep(day, "09:06") == {"RECONCILED": 1}

    assert "UpdateItem" not in day.account.calls
    assert day.account.running() == {name}


def test_more_is_overdue_than_a_sweep_has_threads(day: Day) -> None:
    rooms = [f"room-{number}" for number in range(40)]
    for name in scheduled(day, *rooms):
        day.account.abort(name)

    assert sweep(day, "09:05") == {"RECONCILED": 40}

    assert {day.item(room)["restarts"] for room in rooms} == {1}
    assert day.account.running() == {day.item(room)["executionName"] for room in rooms}


def test_a_deferred_class_starts_when_it_comes_inside_the_horizon(day: Day) -> None:
    day.deliver(
        day.put(a_classroom("algebra-1", "2027-11-01T09:00:00Z", "2027-11-01T10:00:00Z")),
        at_time="08:00",
    )
    assert (day.item()["status"], day.item()["attentionAt"]) == ("DEFERRED", "2027-01-05T09:00:00Z")
    forget(day)

    day.now = at("09:00").replace(year=2027, month=1, day=5)

    assert day.invoke("Sweep", {}) == {"RECONCILED": 1}
    assert day.item()["status"] == "SCHEDULED"
    assert day.account.running() == {day.item()["executionName"]}


# --- everything that is not over --------------------------------------------------------------------------------------


def test_a_sweep_of_everything_takes_up_what_ended_unheard_and_nothing_else(day: Day) -> None:
    names = scheduled(day, "lost-1", "healthy-1")
    day.account.abort(names[0])

    assert sweep(day, "08:30", sweep="everything") == {"RECONCILED": 2}

    assert (day.item("lost-1")["restarts"], day.item("healthy-1").get("restarts")) == (1, None)
    assert day.account.running() == {day.item("lost-1")["executionName"], names[1]}
    assert day.counted()["Repairs"] == 0, "an alarm would count what is healthy"


# --- the audit --------------------------------------------------------------------------------------------------------


def test_an_item_that_no_record_told_of_is_marked_and_a_sweep_five_minutes_later_schedules_it(day: Day) -> None:
    day.account.put(a_classroom("algebra-1", photo=b"jpeg"))

    assert sweep(day, "08:00", audit="everything") == {"MARKED": 1}
    assert (day.item()["attentionAt"], day.account.executions()) == ("2026-12-01T08:05:00Z", {})
    assert sweep(day, "08:04") == {}
    assert sweep(day, "08:05") == {"RECONCILED": 1}

    assert day.item()["status"] == "SCHEDULED"
    assert day.account.running() == {day.item()["executionName"]}
    assert day.counted()["FoundByAudit"] == 1
    assert sweep(day, "08:06", audit="everything") == {"HEALTHY": 1}


def test_an_edit_that_no_record_told_of_is_carried_out(day: Day) -> None:
    (name,) = scheduled(day)
    day.update("algebra-1", start="2026-12-01T09:30:00Z")

    assert sweep(day, "08:10", audit="everything") == {"MARKED": 1}
    assert sweep(day, "08:15") == {"RECONCILED": 1}

    assert day.item()["scheduled"]["start"] == "2026-12-01T09:30:00Z"
    assert day.account.executions() == {name: "ABORTED", day.item()["executionName"]: "RUNNING"}
    assert day.counted()["FoundByAudit"] == 1


def test_the_audits_of_a_day_see_every_item_once(day: Day) -> None:
    rooms = {f"room-{number}" for number in range(60)}
    for room in rooms:
        day.account.put(a_classroom(room))
    found: Counter[str] = Counter()

    for hour in range(24):
        found.update(sweep(day, f"{hour:02}:30", audit="hourly"))

    # The classes are over from 10:00 on; what was marked says so only when a sweep has looked.
    assert found == {"MARKED": 60}
    assert all("attentionAt" in day.item(room) for room in rooms)
    segments = [(asked["Segment"], asked["TotalSegments"]) for asked in day.account.sent("Scan")]
    assert segments == [(hour, 24) for hour in range(24)]


def test_a_healthy_table_of_5_000_classrooms_costs_a_sweep_8_queries_and_an_audit_no_write(day: Day) -> None:
    """Counted at AWS's door: a sweep reads no item, whatever the table holds."""
    fill(day, 5_000)

    assert sweep(day, "08:30") == {}
    assert day.account.calls == ["Query"] * ATTENTION_SHARDS
    day.account.calls.clear()
    found = sweep(day, "08:30", audit="hourly")

    assert 5_000 / 24 / 2 < found["HEALTHY"] < 5_000 / 24 * 2
    assert set(found) == {"HEALTHY"}
    assert set(day.account.calls) == {"Scan"}


def fill(day: Day, number: int) -> None:
    """Copies of one scheduled classroom under other ids, put into the table past its API: seconds, not minutes."""
    scheduled(day, "room-x")
    item = dynamodb_image(day.item("room-x"))
    machine, _, template = item["executionArn"]["S"].rpartition(":")
    table = dynamodb_backends["123456789012"][REGION].get_table(TABLE)
    for n in range(number):
        room = f"room-{n}"
        name = template.replace("room-x", room)
        own = {"classroomId": room, "executionName": name, "recordingId": name, "executionArn": f"{machine}:{name}"}
        own |= attention(room, at("09:05"))
        table.put_item(item | {attribute: {"S": value} for attribute, value in own.items()})
    assert day.item("room-7")["attentionAt"] > "2026-12-01T08:30:00Z"
    day.account.calls.clear()


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event",
    [
        {"audit": "daily"},
        {"audit": ""},
        {"audit": True},
        {"audit": ["hourly"]},
        {"audit": {}},
        {"sweep": "all"},
        {"sweep": "everything", "audit": "everything"},
    ],
    ids=str,
)
def test_a_wrong_request_is_refused_and_says_what_is_right(day: Day, event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"asked for .*; expected one of .*\"audit\": \"hourly\"") as refused:
        day.invoke("Sweep", event)

    for name in event:
        assert name in str(refused.value)
    assert day.account.calls == []


def test_an_event_of_a_schedule_without_input_is_a_sweep(day: Day) -> None:
    event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "time": "2026-12-01T08:00:00Z"}

    assert day.invoke("Sweep", event) == {}

    assert day.account.calls == ["Query"] * ATTENTION_SHARDS


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem", "StartExecution"])
def test_a_sweep_goes_on_with_others_where_a_call_for_one_classroom_fails(day: Day, operation: str) -> None:
    rooms = [f"room-{number}" for number in range(5)]
    for name in scheduled(day, *rooms):
        day.account.abort(name)
    day.account.will(operation, "ThrottlingException", of="room-2")

    assert sweep(day, "09:05") == {"RECONCILED": 4, "FAILED": 1}
    assert day.counted()["RepairsFailed"] == 1
    assert day.logged("not reconciled")[0]["classroomId"] == "room-2"
    sweep(day, "09:06")

    assert {day.item(room)["restarts"] for room in rooms} == {1}
    assert day.account.running() == {day.item(room)["executionName"] for room in rooms}


def test_a_class_whose_execution_nobody_can_tell_of_is_found_again_by_the_next_sweep(day: Day) -> None:
    (name,) = scheduled(day)
    day.account.abort(name)
    day.account.will("DescribeExecution", "ThrottlingException")

    assert sweep(day, "09:05") == {"RECONCILED": 1}
    assert day.account.running() == set()
    sweep(day, "09:10")

    assert day.account.running() == {day.item()["executionName"]}


@pytest.mark.parametrize(("operation", "event"), [("Query", {}), ("Scan", {"audit": "hourly"})])
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "time-out"])
def test_a_sweep_that_cannot_read_the_table_fails_so_that_lambda_hands_it_to_its_queue(
    day: Day, operation: str, event: dict[str, Any], code: str
) -> None:
    day.account.will(operation, code, acted=code == "time-out")

    with pytest.raises(Exception, match="DynamoDB"):
        day.invoke("Sweep", event)


def test_an_audit_goes_on_with_others_where_one_mark_fails(day: Day) -> None:
    for number in range(5):
        day.account.put(a_classroom(f"room-{number}"))
    day.account.will("UpdateItem", "ThrottlingException", of="room-2")

    assert sweep(day, "08:00", audit="everything") == {"MARKED": 4, "FAILED": 1}
    assert day.counted()["RepairsFailed"] == 1
    assert sweep(day, "08:01", audit="everything") == {"MARKED": 5}


def test_an_item_that_cannot_be_written_to_is_logged_at_every_sweep(day: Day) -> None:
    scheduled(day)
    day.update("algebra-1", end="2026-12-01T11:00:00Z")
    day.account.will("UpdateItem", "ValidationException")

    sweep(day, "09:05")

    assert day.logged("can't be written to")[0]["classroomId"] == "algebra-1"
    assert day.counted()["ClassroomsNotWritable"] == 1


@pytest.mark.parametrize("event", SCHEDULES, ids=str)
def test_an_empty_table_is_fine(day: Day, event: dict[str, Any]) -> None:
    assert day.invoke("Sweep", event) == {}
