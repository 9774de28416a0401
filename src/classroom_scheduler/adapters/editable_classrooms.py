"""The Classrooms table as the HTTP API writes it: what the scheduler must not do to an item, people may."""

from collections.abc import Sequence

from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.operand import Path

from classroom_scheduler.adapters.classrooms import (
    BY_DAY,
    KEY,
    TableClassrooms,
    as_read,
    named,
    plain_item,
    storable,
    stored,
)
from classroom_scheduler.domain.errors import ClassroomMoved
from classroom_scheduler.domain.ports import Item, Position
from classroom_scheduler.domain.refusals import AlreadyExists


class EditableTableClassrooms(TableClassrooms):
    """`domain.ports.EditableClassrooms` on DynamoDB."""

    def __init__(self, table_name: str) -> None:
        # An edit reads and writes: three attempts each of 1 s to connect and 2 s to answer are within the 28 s of the
        # function, and those within the 29 s that API Gateway waits.
        super().__init__(table_name, answer_within=2, retries=2)

    def create(self, item: Item) -> None:
        classroom_id = item[KEY]
        attributes = storable(classroom_id, item)
        try:
            self._table.put_item(classroom_id, attributes=attributes, condition=Path([KEY]).does_not_exist())
        except PynamoDBException as error:
            told = named(classroom_id, error)
            raise (AlreadyExists(classroom_id) if isinstance(told, ClassroomMoved) else told) from error

    def remove(self, classroom_id: str, *, expected: Item) -> None:
        try:
            self._table.delete_item(classroom_id, condition=as_read(expected))
        except PynamoDBException as error:
            raise named(classroom_id, error) from error

    def of_day(
        self, day: str, *, status: str | None, limit: int, after: Position | None
    ) -> tuple[Sequence[Item], Position | None]:
        try:
            answer = self._table.query(
                day,
                index_name=BY_DAY,
                filter_condition=None if status is None else Path(["status"]) == {"S": status},
                exclusive_start_key=None if after is None else stored({"day": day, **after}),
                limit=limit,
            )
        except PynamoDBException as error:
            raise named(day, error) from error
        last = plain_item(answer.get("LastEvaluatedKey") or {})
        position = {name: last[name] for name in (KEY, "scheduledStart")} if last else None
        return [plain_item(item) for item in answer["Items"]], position
