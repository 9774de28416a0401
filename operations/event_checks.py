"""Bookings on the bus: one that is followed, and one that can't be."""

import json
from typing import Any

from operations.results import NotSeen, Result, passed
from operations.trial import Item, Trial, from_now

_WITHIN = 120


def booked(trial: Trial) -> Result:
    """A class that is booked on the bus is scheduled."""
    room = trial.class_id("booked")
    _book(trial, classroomId=room, start=from_now(3600), end=from_now(7200))
    item = trial.wait_for_status(room, "SCHEDULED", within=_WITHIN)
    return passed(f"SCHEDULED from the bus {_bus(trial)}: {item['reason']}")


def booked_wrongly(trial: Trial) -> Result:
    """A booking that can't be followed lies in its queue with the reason."""
    room = trial.class_id("booked-wrongly")
    _book(trial, classroomId=room, start="soon", end=from_now(7200))
    reason = trial.wait(lambda: _put_aside(trial, room), _WITHIN, "The booking in BookingFailuresQueue")
    return passed(f"It is in the queue: {reason}")


def _book(trial: Trial, **detail: Any) -> None:
    source = trial.stack.parameters.get("BookingSource", "classroom.booking")
    entry = {"Source": source, "DetailType": "Classroom Booked", "Detail": json.dumps(detail)}
    answer = trial.account.client("events").put_events(Entries=[entry | {"EventBusName": _bus(trial)}])
    if answer["FailedEntryCount"]:
        refused = answer["Entries"][0]
        raise NotSeen(f"The bus {_bus(trial)} refuses it: {refused.get('ErrorCode')} {refused.get('ErrorMessage')}")


def _bus(trial: Trial) -> str:
    return trial.stack.parameters.get("EventBusName", "default")


def _put_aside(trial: Trial, room: str) -> str | None:
    """The reason on this run's own message, which is taken out. Others are visible again after a few seconds."""
    sqs, queue = trial.account.client("sqs"), trial.stack.outputs["BookingFailuresQueueUrl"]
    messages: list[Item] = sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=5, VisibilityTimeout=5
    ).get("Messages", [])
    for message in messages:
        if json.dumps(room) in message["Body"]:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            reason = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue")
            if reason is None:
                raise NotSeen("The booking is in the queue without a reason: it failed every time.")
            return str(reason)
    return None
