"""Throttles of DynamoDB are counted where its answers come in, whatever botocore makes of them afterwards."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from pynamodb.exceptions import PynamoDBException

from classroom_scheduler.adapters import aws
from classroom_scheduler.adapters.classrooms import connect

TRANSACTION = "TransactionCanceledException"


class DynamoDB:
    """Answers each request with the next of `answers`, an error's body or nothing for success."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any] | None] = []
        self.counted: list[str] = []

    def __call__(self, **kwargs: Any) -> AWSResponse:
        answer = self.answers.pop(0)
        raw = SimpleNamespace(stream=lambda **_: iter([json.dumps(answer or {}).encode()]))
        return AWSResponse(kwargs["request"].url, 400 if answer else 200, HTTPHeaders(), raw)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDB]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-west-1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    dynamodb = DynamoDB()
    monkeypatch.setattr(aws, "count", dynamodb.counted.append)
    aws.session.cache_clear()
    session: Any = aws.session()
    session.register("before-send.dynamodb", dynamodb)
    yield dynamodb
    aws.session.cache_clear()


def error(code: str, **more: Any) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "as the test asked for", **more}


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]
)
def test_a_throttle_counts_though_the_next_attempt_succeeds(dynamodb: DynamoDB, code: str) -> None:
    dynamodb.answers = [error(code), error(code), None]

    connect("Classrooms").get_item("algebra-1")

    assert dynamodb.counted == ["TableThrottled"] * 2


@pytest.mark.parametrize(
    ("refused", "counted"),
    [
        (error("ConditionalCheckFailedException"), 0),
        (error("ValidationException"), 0),
        (error(TRANSACTION, CancellationReasons=[{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]), 0),
        (error(TRANSACTION, CancellationReasons=[{"Code": "None"}, {"Code": "ThrottlingError"}]), 1),
        (error(TRANSACTION, CancellationReasons=[{"Code": "ProvisionedThroughputExceeded"}]), 1),
    ],
)
def test_what_is_refused_for_another_reason_is_no_throttle(
    dynamodb: DynamoDB, refused: dict[str, Any], counted: int
) -> None:
    dynamodb.answers = [refused]

    with pytest.raises(PynamoDBException):
        connect("Classrooms").get_item("algebra-1")

    assert dynamodb.counted == ["TableThrottled"] * counted
