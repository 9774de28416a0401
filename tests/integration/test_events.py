"""ClassroomLifecycle and BookingReceived: events out of the stream, events into the table, and each call that fails."""

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import a_batch, a_booking, a_change, a_classroom, a_message, a_removal, an_insert
from tests.integration.day import Day
from tests.schemas import complaints, unknown_fields

THROTTLED = {"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"}


def publish(day: Day, *records: Any) -> list[str]:
    """Deliver records to ClassroomLifecycle; the sequence numbers that have to come again."""
    answer = day.invoke("ClassroomLifecycle", a_batch(records))
    assert answer.keys() == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def receive(day: Day, *messages: Any, at_time: str = "08:00") -> list[str]:
    """Deliver messages to BookingReceived; the ids of those that have to come again."""
    answer = day.invoke("BookingReceived", {"Records": list(messages)}, at_time)
    assert answer.keys() == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def scheduled(day: Day, classroom_id: str = "algebra-1") -> dict[str, Any]:
    """The record of the scheduler's own write of a schedule."""
    written = a_classroom(classroom_id, teacher="Ada")
    day.deliver(day.put(written), at_time="08:00")
    day.account.calls.clear()
    day.account.requests.clear()
    return a_change(written, day.item(classroom_id), moment=day.now)


# --- events out -------------------------------------------------------------------------------------------------------


def test_what_an_item_newly_says_goes_out(day: Day) -> None:
    assert publish(day, scheduled(day)) == []

    (event,) = day.account.published()
    assert (event["source"], event["detail-type"]) == ("classroom.scheduler", "Classroom Scheduled")
    assert event["detail"]["reason"] == day.item()["reason"]
    assert complaints("published", event) == []
    assert unknown_fields(event) == set()
    assert day.counted()["EventsPublished"] == 1
    assert day.logged("event published")[0]["classroomId"] == "algebra-1"


def test_a_whole_class_goes_out_in_order(day: Day) -> None:
    images: list[dict[str, Any]] = [a_classroom("algebra-1")]
    day.deliver(day.put(images[0]), at_time="08:00")
    images.append(day.item())
    for task, time in (("StartRecording", "09:00"), ("SendLivePing", "09:01"), ("StopRecording", "10:00")):
        day.invoke(task, day.payload(results={"StartRecording": {"state": "SUCCEEDED"}}), at_time=time)
        images.append(day.item())

    assert publish(day, *[a_change(old, new) for old, new in itertools.pairwise(images)]) == []

    events = day.account.published()
    assert [event["detail-type"] for event in events] == [
        "Classroom Scheduled",
        "Recording Started",
        "Live Ping Sent",
        "Recording Stopped",
    ]
    assert [complaint for event in events for complaint in complaints("published", event)] == []
    assert [event["detail"]["eventId"] for event in events[1:]] == [webhook_id for _, webhook_id in day.called()]


def test_records_that_tell_nothing_cost_no_call_of_aws(day: Day) -> None:
    day.deliver(day.put(a_classroom()), at_time="08:00")
    item = day.item()
    day.account.calls.clear()

    assert publish(day, an_insert(a_classroom()), a_change(item, {**item, "teacher": "Grace"})) == []

    assert day.account.calls == []


def test_a_record_of_something_else_is_left_out_and_its_neighbours_go_out(day: Day) -> None:
    stray = {"eventID": "7", "eventName": "INSERT", "dynamodb": {"Keys": {"id": {"S": "x"}}}}

    assert publish(day, stray, scheduled(day)) == []

    assert len(day.account.published()) == 1
    assert day.logged("record ignored")[0]["event_id"] == "7"
    assert day.counted()["RecordsIgnored"] == 1


def test_a_deletion_by_ttl_is_told_as_cancelled(day: Day) -> None:
    day.deliver(day.put(a_classroom()), at_time="08:00")

    assert publish(day, a_removal(day.item(), by_ttl=True, moment=day.now)) == []

    assert [event["detail-type"] for event in day.account.published()] == ["Classroom Cancelled"]


def test_an_event_that_does_not_go_out_has_its_record_come_again(day: Day) -> None:
    first, second = scheduled(day, "algebra-1"), scheduled(day, "algebra-2")
    answer = {"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, THROTTLED]}
    day.account.will_answer("PutEvents", answer)
    day.account.will_answer("PutEvents", {"FailedEntryCount": 1, "Entries": [THROTTLED]}, times=2)

    assert publish(day, first, second) == [second["dynamodb"]["SequenceNumber"]]

    (line,) = day.logged("event not published")
    assert (line["classroomId"], line["decision"]) == ("algebra-2", "Classroom Scheduled")
    assert line["error"] == "ThrottlingException: Rate exceeded"
    assert day.counted()["EventsNotPublished"] == 1
    assert publish(day, second) == []
    assert [event["detail"]["classroomId"] for event in day.account.published()] == ["algebra-2"]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalException", "AccessDeniedException"])
def test_a_bus_that_is_out_of_order_has_all_records_come_again(day: Day, code: str) -> None:
    records = [scheduled(day, f"algebra-{number}") for number in range(3)]
    day.account.will("PutEvents", code)

    assert publish(day, *records) == [record["dynamodb"]["SequenceNumber"] for record in records]

    assert day.counted()["EventsNotPublished"] == 3


def test_an_answer_that_gets_lost_is_published_twice_under_one_id(day: Day) -> None:
    record = scheduled(day)
    day.account.will("PutEvents", "time-out", acted=True)

    assert publish(day, record) != []
    assert publish(day, record) == []

    first, second = day.account.published()
    assert first["detail"] == second["detail"]


def test_a_record_that_breaks_us_does_not_come_again_and_its_neighbours_go_out(day: Day) -> None:
    broken = scheduled(day, "algebra-2")
    broken["dynamodb"]["NewImage"]["status"] = {"no such type": "x"}

    assert publish(day, broken, scheduled(day, "algebra-1")) == []

    assert [event["detail"]["classroomId"] for event in day.account.published()] == ["algebra-1"]
    assert day.logged("record can't be read")[0]["classroomId"] == "algebra-2"
    assert day.counted()["EventsNotPublished"] == 1


# --- events in --------------------------------------------------------------------------------------------------------


def test_a_class_that_is_booked_moved_and_cancelled_is_written_moved_and_deleted(day: Day) -> None:
    assert receive(day, a_message(a_booking(teacher="Ada", weight=0.25))) == []
    assert day.item() == a_classroom(teacher="Ada", weight=Decimal("0.25"))

    assert receive(day, a_message(a_booking("Classroom Rescheduled", time="07:40", end="11:00"))) == []
    assert day.item()["end"] == "2026-12-01T11:00:00Z"

    assert receive(day, a_message(a_booking("Classroom Cancelled", time="07:50"))) == []
    assert day.account.item("algebra-1") is None
    assert day.counted() == {"BookingsFollowed": 3}
    assert [(line["classroomId"], line["decision"], line["reason"]) for line in day.logged("booking followed")] == [
        ("algebra-1", "Classroom Booked", "The classroom was booked."),
        ("algebra-1", "Classroom Rescheduled", "The classroom was rescheduled: end written."),
        ("algebra-1", "Classroom Cancelled", "The classroom was cancelled."),
    ]


def test_a_class_that_is_booked_while_it_records_goes_on_recording(day: Day) -> None:
    day.deliver(day.put(a_classroom()), at_time="08:00")
    day.invoke("StartRecording", day.payload(), at_time="09:00")

    receive(day, a_message(a_booking(end="11:00", time="09:10")), at_time="09:11")

    assert (day.item()["status"], day.item()["end"]) == ("RECORDING", "2026-12-01T11:00:00Z")


def test_a_message_that_is_delivered_twice_does_nothing_the_second_time(day: Day) -> None:
    message = a_message(a_booking())

    assert receive(day, message, message) == []
    day.account.delete("algebra-1")
    assert receive(day, message) == []

    assert day.account.item("algebra-1") is None
    assert day.counted() == {"BookingsFollowed": 1, "BookingsOutdated": 2}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("not json", "The body is not JSON"),
        ("[]", "no event of EventBridge"),
        ('{"detail-type": "Classroom Booked", "detail": {"livePingDelay": NaN}}', "NaN, which is no number of JSON"),
        (json.dumps(a_booking(start="soon")), '`start` is "soon"'),
        (json.dumps(a_booking(status="COMPLETED")), "`status`, which the scheduler alone writes"),
        (json.dumps(a_booking(notes="\ud800")), "`notes` contains half of a surrogate pair"),
        (json.dumps(a_booking(large=10**126)), "`large` is a number of the size 1E+126"),
    ],
    ids=["no json", "a list", "NaN", "no time", "the scheduler's", "half a character", "a large number"],
)
def test_a_booking_that_can_not_be_followed_is_put_aside_with_the_reason(day: Day, body: str, said: str) -> None:
    good = a_message(a_booking(classroomId="algebra-2"))
    message = a_message("{}") | {"body": body}

    assert receive(day, message, good) == [], "no delivery would make it better"

    ((kept, reason),) = day.account.refused()
    assert kept == body
    assert said in reason
    assert day.logged("booking refused")[0]["reason"] == reason
    assert day.counted() == {"BookingsInvalid": 1, "BookingsFollowed": 1}
    assert day.account.item("algebra-1") is None
    assert day.item("algebra-2") == a_classroom("algebra-2")


def test_a_move_of_a_class_that_is_not_there_waits_twice_and_is_put_aside_then(day: Day) -> None:
    move = a_booking("Classroom Rescheduled", end="11:00")
    for received in (1, 2):
        message = a_message(move, received=received)
        assert receive(day, message) == [message["messageId"]]
    assert day.account.refused() == []

    assert receive(day, a_message(move, received=3)) == []

    ((_, reason),) = day.account.refused()
    assert reason == "There is no classroom algebra-1 to reschedule; expected one that was booked."
    assert day.counted() == {"BookingsRetried": 2, "BookingsInvalid": 1}


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError"])
def test_a_table_that_is_out_of_order_has_the_message_come_again_alone(day: Day, operation: str, code: str) -> None:
    failing = a_message(a_booking(classroomId="algebra-1"))
    day.account.will(operation, code, of="algebra-1")

    assert receive(day, failing, a_message(a_booking(classroomId="algebra-2"))) == [failing["messageId"]]

    assert day.account.item("algebra-1") is None
    assert day.item("algebra-2") == a_classroom("algebra-2")
    assert day.counted() == {"BookingsRetried": 1, "BookingsFollowed": 1}
    (line,) = day.logged("comes again")
    assert (line["classroomId"], line["decision"]) == ("algebra-1", "ServiceUnavailable")
    assert receive(day, failing) == []
    assert day.item("algebra-1") == a_classroom("algebra-1")


def test_a_batch_of_which_each_one_fails_comes_again_one_by_one(day: Day) -> None:
    messages = [a_message(a_booking(classroomId=f"algebra-{number}")) for number in range(3)]
    day.account.will("TransactWriteItems", "ThrottlingException", times=3)

    assert receive(day, *messages) == [message["messageId"] for message in messages]


def test_an_answer_that_gets_lost_does_not_write_twice(day: Day) -> None:
    message = a_message(a_booking())
    day.account.will("TransactWriteItems", "time-out", acted=True)

    assert receive(day, message) == [message["messageId"]]
    day.put(a_classroom(teacher="Grace"))
    assert receive(day, message) == []

    assert day.item() == a_classroom(teacher="Grace")


def test_a_queue_that_takes_no_refused_booking_has_the_message_come_again(day: Day) -> None:
    message = a_message("not json")
    day.account.will("SendMessage", "ThrottlingException")

    assert receive(day, message) == [message["messageId"]]
    assert day.counted() == {"BookingsRetried": 1}
    assert receive(day, message) == []
    assert len(day.account.refused()) == 1
