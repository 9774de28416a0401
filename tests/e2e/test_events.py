"""Events of a deployed stack: whoever listens on the bus hears of each step of a class, and may book classes there."""

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.stack import Deployment
from tests.e2e.client import NATURAL, Client, seconds_from_now
from tests.schemas import complaints, unknown_fields
from tests.waiting import eventually


class Bus:
    """The default bus, with a queue of one's own that hears of everything that the scheduler says."""

    def __init__(self, stack: Deployment) -> None:
        self._stack = stack
        name = f"heard-by-the-tests-{secrets.token_hex(3)}"
        self._queue = stack.aws.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = stack.aws.sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        pattern = json.dumps({"source": ["classroom.scheduler"]})
        stack.aws.events.put_rule(Name=name, EventPattern=pattern)
        target = attributes["Attributes"]["QueueArn"]
        stack.aws.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": target}])
        self._heard: list[dict[str, Any]] = []

    def heard(self, classroom_id: str) -> list[dict[str, Any]]:
        """What was said of this classroom so far, in the order in which it came about."""
        self._heard += [json.loads(message["Body"]) for message in self._received(self._queue)]
        of_this = [event for event in self._heard if event["detail"]["classroomId"] == classroom_id]
        return sorted(of_this, key=lambda event: str(event["detail"]["occurredAt"]))

    def wait_for(self, classroom_id: str, *detail_types: str) -> list[dict[str, Any]]:
        """The events of this classroom as soon as they are these."""
        return eventually(
            lambda: self.heard(classroom_id),
            lambda events: [event["detail-type"] for event in events] == list(detail_types),
        )

    def book(self, detail_type: str, **detail: Any) -> None:
        """Put a booking on the bus, as another system does."""
        answer = self._stack.aws.events.put_events(
            Entries=[{"Source": "classroom.booking", "DetailType": detail_type, "Detail": json.dumps(detail)}]
        )
        assert answer["FailedEntryCount"] == 0

    def wait_for_refusal(self, classroom_id: str) -> tuple[dict[str, Any], str]:
        """The booking of this classroom that was put aside, and the reason."""

        def refused() -> list[tuple[dict[str, Any], str]]:
            messages = self._received(self._stack.outputs["BookingFailuresQueueUrl"])
            every = [(json.loads(m["Body"]), m["MessageAttributes"]["reason"]["StringValue"]) for m in messages]
            return [(event, reason) for event, reason in every if event["detail"]["classroomId"] == classroom_id]

        return eventually(refused)[0]

    def _received(self, queue: str) -> Iterator[Mapping[str, Any]]:
        sqs = self._stack.aws.sqs
        while messages := sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                yield message


@pytest.fixture(scope="session")
def bus(stack: Deployment) -> Bus:
    return Bus(stack)


def test_each_step_of_a_class_is_told_and_fits_its_schema(client: Client, bus: Bus) -> None:
    room = client.write_class(3, NATURAL, teacher="Ada")
    item = client.wait_for(room, "COMPLETED")

    events = bus.wait_for(room, "Classroom Scheduled", "Recording Started", "Live Ping Sent", "Recording Stopped")

    assert [complaint for event in events for complaint in complaints("published", event)] == []
    assert [unknown_fields(event) for event in events] == [set()] * 4
    assert [event["detail"]["eventId"] for event in events[1:]] == [entry["webhookId"] for entry in client.log(room)]
    assert events[-1]["detail"]["reason"] == item["reason"]
    assert "Ada" not in json.dumps(events)


def test_what_goes_wrong_is_told_and_fits_its_schema(client: Client, bus: Bus) -> None:
    mistyped, cancelled, failing = client.new_id(), client.new_id(), client.new_id()
    client.put({"classroomId": mistyped, "start": "soon"})
    client.put({"classroomId": cancelled, "start": seconds_from_now(600), "end": seconds_from_now(900)})
    client.fault(failing, type="recording.start", times=50, status=400)
    client.put({"classroomId": failing, "start": seconds_from_now(1), "end": seconds_from_now(600)})
    client.wait_for(cancelled, "SCHEDULED")
    client.delete(cancelled)

    events = [
        *bus.wait_for(mistyped, "Classroom Invalid"),
        *bus.wait_for(cancelled, "Classroom Scheduled", "Classroom Cancelled"),
        *bus.wait_for(failing, "Classroom Scheduled", "Classroom Failed"),
    ]

    assert [complaint for event in events for complaint in complaints("published", event)] == []
    assert "`start` can't be followed; expected an RFC 3339 date-time" in events[0]["detail"]["reason"]
    assert "HTTP 400" in events[-1]["detail"]["reason"]


def test_a_class_may_be_booked_moved_and_cancelled_on_the_bus(client: Client, bus: Bus) -> None:
    room = client.new_id()

    bus.book(
        "Classroom Booked",
        classroomId=room,
        start=seconds_from_now(600),
        end=seconds_from_now(1200),
        teacher="Ada",
        bookedAt=seconds_from_now(-3),
    )
    booked = client.wait_for(room, "SCHEDULED")
    assert booked["teacher"] == "Ada"

    moved_to = seconds_from_now(900)
    bus.book("Classroom Rescheduled", classroomId=room, end=moved_to, bookedAt=seconds_from_now(-2))
    moved = client.wait_until(room, lambda item: item.get("scheduled", {}).get("end") == moved_to)
    assert moved["executionName"] != booked["executionName"]
    assert moved["teacher"] == "Ada"

    bus.book("Classroom Cancelled", classroomId=room, bookedAt=seconds_from_now(-1))
    client.wait_until(room, lambda item: item == {})
    client.wait_for_execution(moved["executionName"], "ABORTED")
    bus.wait_for(room, "Classroom Scheduled", "Classroom Scheduled", "Classroom Cancelled")


def test_a_booking_that_was_overtaken_does_not_bring_a_cancelled_class_back(client: Client, bus: Bus) -> None:
    room, marker = client.new_id(), client.new_id()
    times = {"start": seconds_from_now(600), "end": seconds_from_now(900)}
    cancelled_at, booked_at = seconds_from_now(-1), seconds_from_now(-2)
    bus.book("Classroom Booked", classroomId=room, **times, bookedAt=seconds_from_now(-3))
    client.wait_for(room, "SCHEDULED")
    bus.book("Classroom Cancelled", classroomId=room, bookedAt=cancelled_at)
    client.wait_until(room, lambda item: item == {})

    bus.book("Classroom Booked", classroomId=room, **times, bookedAt=booked_at)
    bus.book("Classroom Booked", classroomId=marker, **times)

    client.wait_for(marker, "SCHEDULED")
    assert client.get(room) == {}


def test_a_booking_that_can_not_be_followed_is_put_aside_with_the_reason(client: Client, bus: Bus) -> None:
    room = client.new_id()

    bus.book("Classroom Booked", classroomId=room, start="soon", end=seconds_from_now(60))

    event, reason = bus.wait_for_refusal(room)
    assert event["detail"]["start"] == "soon"
    assert '`start` is "soon"; expected an RFC 3339 date-time' in reason
    assert client.get(room) == {}
