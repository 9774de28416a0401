"""The Classrooms table, through PynamoDB's connection.

Not through a PynamoDB model: the item is an interface, and anything at all can be in it. A model refuses to read an
item whose `start` is a number; we have to read it, to say so.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import reduce
from itertools import chain
from operator import and_
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from pynamodb.connection import TableConnection
from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from classroom_scheduler.adapters import aws
from classroom_scheduler.adapters.dynamodb_json import read_item
from classroom_scheduler.domain.errors import ClassroomNotWritable, ConcurrentUpdate, SchedulerError, ServiceUnavailable
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.exact_json import why_not_kept, write_number
from classroom_scheduler.observability import count, logger

KEY = "classroomId"
BY_DAY, BY_ATTENTION = "ByDay", "ByAttention"
INDEXES = {BY_DAY: ("day", "scheduledStart"), BY_ATTENTION: ("attentionShard", "attentionAt")}


def connect(table_name: str, *, answer_within: float = 3, retries: int = 3) -> TableConnection:
    """A connection that knows this table's key. 1 s to connect and 3 s to answer, four attempts: 16 s at the most."""
    return aws.table(
        keyed_by_classroom(table_name),
        connect_timeout_seconds=1,
        read_timeout_seconds=answer_within,
        max_retry_attempts=retries,
        max_pool_connections=32,
    )


def keyed_by_classroom(table_name: str) -> MetaTable:
    """What PynamoDB has to know of a table; known here, so that no cold start asks DescribeTable for it."""
    return MetaTable(
        {
            "TableName": table_name,
            "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in (KEY, *chain(*INDEXES.values()))
            ],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": hash_key, "KeyType": "HASH"},
                        {"AttributeName": range_key, "KeyType": "RANGE"},
                    ],
                }
                for index, (hash_key, range_key) in INDEXES.items()
            ],
        }
    )


class TableClassrooms:
    """`application.ports.Classrooms` on DynamoDB."""

    def __init__(self, table_name: str, *, answer_within: float = 3, retries: int = 3) -> None:
        self._table = connect(table_name, answer_within=answer_within, retries=retries)

    def get(self, classroom_id: str) -> Item | None:
        try:
            answer = self._table.get_item(classroom_id, consistent_read=True)
        except PynamoDBException as error:
            raise named(classroom_id, error) from error
        return read_item(answer["Item"]) if "Item" in answer else None

    def update(self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = ()) -> None:
        actions = actions_of(classroom_id, changes, removed)
        try:
            self._table.update_item(classroom_id, actions=actions, condition=as_read(expected))
        except PynamoDBException as error:
            raise named(classroom_id, error) from error


def actions_of(classroom_id: str, changes: Item, removed: Collection[str]) -> list[Action]:
    """What an update does. Raises ClassroomNotWritable."""
    actions: list[Action] = [Path([name]).set(value) for name, value in storable(classroom_id, changes).items()]
    return actions + [Path([name]).remove() for name in removed]


def as_read(expected: Item) -> Condition:
    """The condition that the item exists and each of these attributes is as it was read."""
    clauses: list[Condition] = [Path([KEY]).exists()]
    for name, value in stored(expected).items():
        path = Path([name])
        # People may write NULL for what is missing: both are read as None, and both are as they were read.
        clauses.append(path.does_not_exist() | (path == value) if expected[name] is None else path == value)
    return reduce(and_, clauses)


def readable(items: Iterable[Mapping[str, Any]]) -> Iterator[Item]:
    """Each of many items; one that can't be read, for a reason that nobody thought of, harms none of the others."""
    for item in items:
        try:
            read = read_item(item)
        except Exception:  # noqa: BLE001 - whatever it is, its neighbours go on
            logger.exception("item can't be read", classroomId=item[KEY]["S"])
            count("RepairsFailed")
        else:
            yield read


class _ExactSerializer(TypeSerializer):
    """Takes a number in any spelling: boto3's own refuses 1E+50 as DynamoDB writes it out."""

    def _serialize_n(self, value: int | Decimal) -> str:
        number = Decimal(value)
        if why := why_not_kept(number):
            raise ValueError(f"a number {why}")
        return write_number(number)


def stored(item: Item) -> dict[str, Any]:
    """The item in DynamoDB JSON. Raises TypeError, ValueError or ArithmeticError where DynamoDB has no type for it."""
    serializer = _ExactSerializer()
    return {name: serializer.serialize(value) for name, value in item.items()}


def storable(classroom_id: str, item: Item) -> dict[str, Any]:
    """The item in DynamoDB JSON. Raises ClassroomNotWritable where DynamoDB has no type for it."""
    try:
        in_dynamodb_json = stored(item)
        # JSON may hold half a character, which is no UTF-8, and which DynamoDB answers in many ways.
        json.dumps(in_dynamodb_json, ensure_ascii=False, default=str).encode()
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ClassroomNotWritable(f"{classroom_id}: {error}") from error
    return in_dynamodb_json


def named(classroom_id: str, error: PynamoDBException) -> SchedulerError:
    """The error in our terms. DynamoDB's names: API_UpdateItem, "Errors"."""
    code = getattr(error, "cause_response_code", None)
    if code == "ConditionalCheckFailedException":
        return ConcurrentUpdate(f"{classroom_id} is no longer as it was read")
    if code == "ValidationException":
        return ClassroomNotWritable(f"{classroom_id}: {getattr(error, 'cause_response_message', None) or error}")
    return unavailable(error)


def unavailable(error: PynamoDBException) -> ServiceUnavailable:
    return ServiceUnavailable(f"DynamoDB: {getattr(error, 'cause_response_code', None) or error}")
