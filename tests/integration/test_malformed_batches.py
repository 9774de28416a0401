"""Batches that are none of a queue: nothing in them can be asked for again, and no message beside them suffers."""

from typing import Any

import pytest

from tests.builders import a_booking, a_classroom, a_message, a_status_event
from tests.integration.day import Day

QUEUES = ["BookingReceived", "ExecutionEnded"]


@pytest.mark.parametrize("function", QUEUES)
@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": None},
        {"Records": "a booking"},
        {"Records": {"body": "x"}},
        {"Records": ["a booking"]},
        {"Records": [None]},
        {"Records": [[]]},
        {"Records": [{}]},
        {"Records": [{"messageId": "1"}]},
        {"Records": [{"messageId": 1, "body": "{}"}]},
        {"Records": [{"messageId": "1", "body": {"detail": {}}}]},
        {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"Keys": {"classroomId": {"S": "algebra-1"}}}}]},
        [],
        None,
        "Records",
    ],
    ids=str,
)
def test_what_is_no_batch_of_messages_is_logged_and_does_not_come_again(day: Day, function: str, event: Any) -> None:
    assert day.invoke(function, event, at_time="08:00") == {"batchItemFailures": []}

    (line,) = day.logged("record ignored")
    assert "not a message of SQS" in line["error"]
    assert day.counted()["RecordsIgnored"] == 1
    assert day.account.calls == []


def test_a_booking_beside_what_is_none_is_followed(day: Day) -> None:
    batch = {"Records": ["a booking", a_message(a_booking()), None]}

    assert day.invoke("BookingReceived", batch, at_time="08:00") == {"batchItemFailures": []}

    assert day.item() == a_classroom()


@pytest.mark.parametrize("body", ["", "null", "5", "[" * 100_000, '{"detail": "x"}', '{"detail": {"name": 1e999999}}'])
def test_a_status_event_that_can_not_be_read_comes_again_alone(day: Day, body: str) -> None:
    """The queue's redrive policy puts it aside for a person to look at."""
    good, bad = a_message(a_status_event("nobody-hoo2gmk8w0")), a_message(body)

    answer = day.invoke("ExecutionEnded", {"Records": [bad, good]}, at_time="08:00")

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == [bad["messageId"]]


@pytest.mark.parametrize("body", ["", "null", "5", "[" * 100_000, '{"detail": "x"}', '{"detail": {"name": 1e999999}}'])
def test_a_booking_that_can_not_be_read_is_put_aside_with_the_reason(day: Day, body: str) -> None:
    assert day.invoke("BookingReceived", {"Records": [a_message(body)]}, at_time="08:00") == {"batchItemFailures": []}

    ((kept, reason),) = day.account.refused()
    assert kept == body
    assert reason.endswith(".")
