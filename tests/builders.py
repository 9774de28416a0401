"""Test data that reads like a class day: every time is on 1 December 2026, in UTC, unless it says more."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from classroom_scheduler.domain.policy import SchedulingPolicy

CLASS_DAY = datetime(2026, 12, 1, tzinfo=UTC)
POLICY = SchedulingPolicy(horizon=timedelta(days=300))
"""What a stack decides that was told nothing else."""

_sequence_numbers = count(100_000_000_000_000_000_001)


def at(time: str) -> datetime:
    """`09:30`, `09:30:15` or `09:30:15.25` on the class day."""
    hours, minutes, *seconds = time.split(":")
    return CLASS_DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds[0]) if seconds else 0)


def z(moment: datetime) -> str:
    """The moment as people write it: `2026-12-01T09:30:00Z`, with a fraction only if it has one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant(time: Any) -> Any:
    """A short time (`09:30`) as a full date-time; anything else stays as it is: tests are wrong on purpose."""
    if isinstance(time, datetime):
        return z(time)
    if isinstance(time, str) and len(time) <= len("09:30:15.250") and ":" in time and "T" not in time:
        return z(at(time))
    return time


def a_classroom(
    classroom_id: Any = "algebra-1", start: Any = "09:00", end: Any = "10:00", **others: Any
) -> dict[str, Any]:
    """What a person writes: `a_classroom(start="09:00", end="10:00", livePingDelay=30, teacher="Ada")`.

    An attribute given as `...` is left out: `a_classroom(end=...)` has no end.
    """
    item = {"classroomId": classroom_id, "start": instant(start), "end": instant(end), **others}
    return {name: value for name, value in item.items() if value is not ...}


def an_insert(new: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The stream record of a new item."""
    return a_record("INSERT", None, new, **more)


def a_change(old: Mapping[str, Any], new: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The stream record of a changed or replaced item."""
    return a_record("MODIFY", old, new, **more)


def a_removal(old: Mapping[str, Any], *, by_ttl: bool = False, **more: Any) -> dict[str, Any]:
    """The stream record of an item deleted by a person or by its time to live."""
    record = a_record("REMOVE", old, None, **more)
    if by_ttl:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record


def a_record(
    event: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    *,
    sequence_number: str | None = None,
    moment: datetime = CLASS_DAY,
) -> dict[str, Any]:
    """A DynamoDB stream record as Lambda receives it, with both images."""
    key = (new or old or {})["classroomId"]
    change: dict[str, Any] = {
        # DynamoDB rounds it down to the second.
        "ApproximateCreationDateTime": int(moment.timestamp()),
        "Keys": {"classroomId": dynamodb_json(key)},
        "SequenceNumber": sequence_number or str(next(_sequence_numbers)),
        "SizeBytes": 512,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        change["OldImage"] = dynamodb_image(old)
    if new is not None:
        change["NewImage"] = dynamodb_image(new)
    return {
        "eventID": change["SequenceNumber"],
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": change,
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/Classrooms/stream/2026-12-01T00:00:00.000",
    }


def a_batch(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The event that Lambda hands to the stream handler."""
    return {"Records": list(records)}


def a_booking(detail_type: str = "Classroom Booked", *, time: str = "07:30", **detail: Any) -> dict[str, Any]:
    """An event of another system: `a_booking("Classroom Cancelled", classroomId="algebra-1")`.

    A class is booked as `a_classroom` says it, unless told otherwise; an attribute given as `...` is left out.
    """
    told = {**a_classroom(), **detail} if detail_type == "Classroom Booked" else {"classroomId": "algebra-1", **detail}
    return {
        "version": "0",
        "id": str(UUID(int=next(_sequence_numbers))),
        "detail-type": detail_type,
        "source": "classroom.booking",
        "account": "123456789012",
        "time": z(at(time)),
        "region": "eu-west-1",
        "resources": [],
        "detail": {name: instant(value) for name, value in told.items() if value is not ...},
    }


def a_message(body: Any, *, received: int = 1) -> dict[str, Any]:
    """A message of SQS as Lambda hands it over: the event as EventBridge put it there, or any text."""
    number = str(UUID(int=next(_sequence_numbers)))
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": number,
        "receiptHandle": f"handle-of-{number}",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": str(received),
            "SentTimestamp": "1796110200000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1796110200001",
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(text.encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:BookingQueue",
        "awsRegion": "eu-west-1",
    }


def an_api_request(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: Mapping[str, list[str]] | None = None,
    **headers: str,
) -> dict[str, Any]:
    """What API Gateway hands to the function of a REST API: `an_api_request("PUT", "/classrooms/algebra-1", {…})`.

    A body is made JSON unless it is text. A header given as `if_match` is sent as `If-Match`.
    """
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    if body is not None:
        named = {"Content-Type": "application/json", **named}
    query = query or {}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": named or None,
        "multiValueHeaders": {name: [value] for name, value in named.items()} or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": dict(query) or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/v1{path}",
            "stage": "v1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "identity": {"sourceIp": "203.0.113.7", "userArn": "arn:aws:iam::123456789012:user/ada"},
        },
        "body": body if isinstance(body, str) or body is None else json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def a_status_event(
    name: str,
    status: str = "ABORTED",
    *,
    error: str | None = None,
    request: Mapping[str, Any] | None = None,
    moment: datetime = CLASS_DAY,
) -> dict[str, Any]:
    """The event of Step Functions that an execution ended; `request` is its input, left out where it is too large.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    arn = f"arn:aws:states:eu-west-1:123456789012:execution:Classroom:{name}"
    return {
        "version": "0",
        "id": "315c1398-40ff-a850-213b-158f73e60175",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": "123456789012",
        "time": z(moment),
        "region": "eu-west-1",
        "resources": [arn],
        "detail": {
            "executionArn": arn,
            "stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:Classroom",
            "name": name,
            "status": status,
            "startDate": int(CLASS_DAY.timestamp() * 1000),
            "stopDate": int(moment.timestamp() * 1000),
            "input": None if request is None else json.dumps(request),
            "inputDetails": {"included": request is not None},
            "output": None,
            "outputDetails": None,
            "error": error,
            "cause": None,
        },
    }


def messages(*bodies: Any) -> dict[str, Any]:
    """A batch of a queue as Lambda receives it; their ids are "0", "1", … A body that is text stays as it is."""
    return {"Records": [{**a_message(body), "messageId": str(number)} for number, body in enumerate(bodies)]}


def dynamodb_image(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB JSON."""
    return {name: dynamodb_json(value) for name, value in item.items()}


def dynamodb_json(value: Any) -> dict[str, Any]:
    """One value in DynamoDB JSON: `"a"` is `{"S": "a"}`."""
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | Decimal):
        return {"N": format(value, "f") if isinstance(value, Decimal) else str(value)}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, Mapping):
        return {"M": dynamodb_image(value)}
    if isinstance(value, list | tuple):
        return {"L": [dynamodb_json(element) for element in value]}
    if isinstance(value, set | frozenset):
        return _dynamodb_set(value)
    raise TypeError(f"DynamoDB has no type for {value!r}")


def _dynamodb_set(values: set[Any] | frozenset[Any]) -> dict[str, Any]:
    elements = [dynamodb_json(value) for value in sorted(values)]
    (kind,) = {kind for element in elements for kind in element}
    return {f"{kind}S": [element[kind] for element in elements]}
