"""The index `ByAttention` and the table's segments: everything that is read of many classrooms at once."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pynamodb.connection.base import MetaTable
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.operand import Path

from classroom_scheduler.adapters import aws
from classroom_scheduler.adapters.classrooms import plain_item
from classroom_scheduler.domain.errors import ServiceUnavailable
from classroom_scheduler.domain.ports import Item
from classroom_scheduler.domain.schedule import write_time

_INDEX = "ByAttention"


class TableWatchlist:
    """`domain.ports.Watchlist` on DynamoDB."""

    def __init__(self, table_name: str) -> None:
        # A page is up to 1 MB, and a sweep that fails is made up for by the next one in some minutes.
        self._table = aws.table(
            MetaTable(
                {
                    "TableName": table_name,
                    "KeySchema": [{"AttributeName": "classroomId", "KeyType": "HASH"}],
                    "AttributeDefinitions": [
                        {"AttributeName": name, "AttributeType": "S"}
                        for name in ("classroomId", "attentionShard", "attentionAt")
                    ],
                    "GlobalSecondaryIndexes": [
                        {
                            "IndexName": _INDEX,
                            "KeySchema": [
                                {"AttributeName": "attentionShard", "KeyType": "HASH"},
                                {"AttributeName": "attentionAt", "KeyType": "RANGE"},
                            ],
                        }
                    ],
                }
            ),
            connect_timeout_seconds=1,
            read_timeout_seconds=10,
            max_retry_attempts=3,
        )

    def overdue(self, shard: str, now: datetime) -> Iterable[str]:
        due = Path(["attentionAt"]) <= {"S": write_time(now)}
        for item in self._pages(self._table.query, hash_key=shard, range_key_condition=due, index_name=_INDEX):
            yield item["classroomId"]["S"]

    def segment(self, number: int, of: int) -> Iterable[Item]:
        return map(plain_item, self._pages(self._table.scan, segment=number, total_segments=of))

    def _pages(self, read: Any, **request: Any) -> Iterator[Any]:
        start = None
        while True:
            try:
                page = read(exclusive_start_key=start, **request)
            except PynamoDBException as error:
                code = getattr(error, "cause_response_code", None)
                raise ServiceUnavailable(f"DynamoDB: {code or error}") from error
            yield from page["Items"]
            start = page.get("LastEvaluatedKey")
            if not start:
                return
