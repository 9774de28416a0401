"""The index `ByAttention` and the table's segments: everything that is read of many classrooms at once."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.operand import Path

from classroom_scheduler.adapters.classrooms import BY_ATTENTION, KEY, connect, readable, unavailable
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.times import format_time


class TableClassroomQueries:
    """`application.ports.ClassroomQueries` on DynamoDB."""

    def __init__(self, table_name: str) -> None:
        # A page is up to 1 MB, and a sweep that fails is made up for by the next one in some minutes.
        self._table = connect(table_name, answer_within=10)

    def overdue(self, shard: str, now: datetime) -> Iterable[str]:
        due = Path(["attentionAt"]) <= {"S": format_time(now)}
        for item in self._pages(self._table.query, hash_key=shard, range_key_condition=due, index_name=BY_ATTENTION):
            yield item[KEY]["S"]

    def segment(self, number: int, of: int) -> Iterable[Item]:
        return readable(self._pages(self._table.scan, segment=number, total_segments=of))

    def _pages(self, read: Any, **request: Any) -> Iterator[Any]:
        start = None
        while True:
            try:
                page = read(exclusive_start_key=start, **request)
            except PynamoDBException as error:
                raise unavailable(error) from error
            yield from page["Items"]
            start = page.get("LastEvaluatedKey")
            if not start:
                return
