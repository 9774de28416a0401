"""The Classrooms table as the HTTP API writes it: what the scheduler must not do to an item, people may."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.operand import Path

from classroom_scheduler.adapters.classrooms import (
    BY_DAY,
    KEY,
    TableClassrooms,
    as_read,
    named,
    readable,
    storable,
    stored,
)
from classroom_scheduler.adapters.dynamodb_json import read_item
from classroom_scheduler.domain.errors import ConcurrentUpdate, ServiceUnavailable
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.http_api.ports import NameTaken, Position


class EditableTableClassrooms(TableClassrooms):
    """`http_api.ports.EditableClassrooms` on DynamoDB."""

    def __init__(self, table_name: str) -> None:
        # An edit reads and writes, a list queries and reads: three attempts each of 1 s to connect and 2 s to answer
        # are within the 28 s of the function, and those within the 29 s that API Gateway waits.
        super().__init__(table_name, answer_within=2, retries=2)

    def create(self, item: Item) -> None:
        classroom_id = item[KEY]
        attributes = storable(classroom_id, item)
        try:
            self._table.put_item(classroom_id, attributes=attributes, condition=Path([KEY]).does_not_exist())
        except PynamoDBException as error:
            refusal = named(classroom_id, error)
            raise (NameTaken(classroom_id) if isinstance(refusal, ConcurrentUpdate) else refusal) from error

    def remove(self, classroom_id: str, *, expected: Item) -> None:
        try:
            self._table.delete_item(classroom_id, condition=as_read(expected))
        except PynamoDBException as error:
            raise named(classroom_id, error) from error

    def of_day(
        self, day: str, *, status: str | None, limit: int, after: Position | None
    ) -> tuple[Sequence[Item], Position | None]:
        """One query of keys and one read of at most 100 items: an index that held them would cost half of every class.

        docs/decisions/0017-the-day-index-holds-keys-only.md
        """
        try:
            answer = self._table.query(
                day,
                index_name=BY_DAY,
                exclusive_start_key=None if after is None else stored({"day": day, **after}),
                limit=limit,
            )
            keys = [read_item(key) for key in answer["Items"]]
            items = self._read(keys)
        except PynamoDBException as error:
            raise named(day, error) from error
        position = read_item(answer.get("LastEvaluatedKey") or {})
        if len(items) < len(keys):
            position = keys[len(items) - 1]
        # Who was deleted or moved since is not listed.
        listed = [item for key, item in zip(keys, items, strict=False) if key.items() <= item.items()]
        found = [item for item in listed if status in (None, item.get("status"))]
        return found, {name: position[name] for name in (KEY, "scheduledStart")} if position else None

    def _read(self, keys: Sequence[Item]) -> Sequence[Item]:
        """The items of these keys, up to the first that DynamoDB left unread: it reads 16 MB at a time."""
        if not keys:
            return []
        asked: Any = [{KEY: key[KEY]} for key in keys]  # maps, though PynamoDB says texts
        answer = self._table.batch_get_item(asked)
        items = {item[KEY]: item for item in readable(answer["Responses"].get(self._table.table_name, []))}
        unread = answer.get("UnprocessedKeys", {}).get(self._table.table_name, {}).get("Keys", [])
        left = {read_item(key)[KEY] for key in unread}
        read = [items.get(key[KEY], {}) for key in takewhile(lambda key: key[KEY] not in left, keys)]
        if not read:
            raise ServiceUnavailable("DynamoDB: none of the day's classrooms could be read")
        return read
