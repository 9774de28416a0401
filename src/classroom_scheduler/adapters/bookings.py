"""What booking events write: the item and the event's stamp in one transaction, so that neither is there alone.

The stamps have a table of their own. On an item they would be gone with it, and an event that comes late, or a second
time, would bring back a class that was cancelled.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from classroom_scheduler.adapters.classrooms import (
    KEY,
    actions_of,
    as_read,
    connect,
    keyed_by_classroom,
    named,
    storable,
    stored,
)
from classroom_scheduler.adapters.dynamodb_json import read_item
from classroom_scheduler.bookings.ports import BookingOutdated, Stamp
from classroom_scheduler.domain.errors import ClassroomNotWritable, ConcurrentUpdate, SchedulerError
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.domain.times import format_instant

# An event may wait 14 days in its queue, and 14 more in the dead-letter queue until somebody sends it again.
_REMEMBERED = timedelta(days=30)


class TableBookings:
    """`bookings.ports.Bookings` on DynamoDB."""

    def __init__(self, classrooms_table: str, bookings_table: str) -> None:
        self._classrooms, self._stamps = classrooms_table, bookings_table
        self._connection = connect(classrooms_table).connection
        self._connection.add_meta_table(keyed_by_classroom(bookings_table))

    def get(self, classroom_id: str) -> Item | None:
        return self._get(self._classrooms, classroom_id)

    def latest(self, classroom_id: str) -> Stamp | None:
        stamp = self._get(self._stamps, classroom_id)
        if stamp is None:
            return None
        booked_at = datetime.fromisoformat(stamp["bookedAt"])
        return Stamp(booked_at, stamp["eventId"], int(stamp.get("revision", 0)))

    def insert(self, item: Item, *, stamp: Stamp) -> None:
        classroom_id = str(item[KEY])
        put = {
            "TableName": self._classrooms,
            "Item": storable(classroom_id, item),
            "ConditionExpression": f"attribute_not_exists({KEY})",
        }
        self._write(classroom_id, stamp, puts=[put])

    def update(
        self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = (), stamp: Stamp
    ) -> None:
        actions = actions_of(classroom_id, changes, removed)
        update = self._connection.get_operation_kwargs(
            self._classrooms, classroom_id, actions=actions, condition=as_read(expected)
        )
        self._write(classroom_id, stamp, updates=[update])

    def delete(self, classroom_id: str, *, stamp: Stamp) -> None:
        delete = self._connection.get_operation_kwargs(self._classrooms, classroom_id)
        self._write(classroom_id, stamp, deletes=[delete])

    def _get(self, table: str, classroom_id: str) -> Item | None:
        try:
            answer = self._connection.get_item(table, classroom_id, consistent_read=True)
        except PynamoDBException as error:
            raise named(classroom_id, error) from error
        return read_item(answer["Item"]) if "Item" in answer else None

    def _write(
        self,
        classroom_id: str,
        stamp: Stamp,
        *,
        deletes: Sequence[dict[str, Any]] = (),
        puts: Sequence[dict[str, Any]] = (),
        updates: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Write the item and then, in the order in which PynamoDB puts them, the stamp."""
        try:
            self._connection.transact_write_items(
                condition_check_items=(),
                delete_items=deletes,
                put_items=puts,
                update_items=[*updates, self._stamping(classroom_id, stamp)],
            )
        except TransactWriteError as error:
            raise _cancelled(classroom_id, error) from error

    def _stamping(self, classroom_id: str, stamp: Stamp) -> dict[str, Any]:
        booked_at = format_instant(
            stamp.booked_at, "microseconds"
        )  # of one length, so that their order is that of time
        attributes = {
            "bookedAt": booked_at,
            "eventId": stamp.event_id,
            "revision": stamp.revision,
            "expiresAt": int((stamp.booked_at + _REMEMBERED).timestamp()),
        }
        actions = [Path([name]).set(value) for name, value in stored(attributes).items()]
        kwargs: dict[str, Any] = self._connection.get_operation_kwargs(
            self._stamps, classroom_id, actions=actions, condition=_not_covered(booked_at, stamp)
        )
        return kwargs


def _not_covered(booked_at: str, stamp: Stamp) -> Condition:
    """`Stamp.is_covered_by`, as DynamoDB's condition."""
    revision, time, event = Path(["revision"]), Path(["bookedAt"]), Path(["eventId"])
    values = stored({"revision": stamp.revision, "time": booked_at, "event": stamp.event_id})
    is_another = (time == values["time"]) & (event != values["event"])
    is_of_this_revision = (revision == values["revision"]) & ((time < values["time"]) | is_another)
    condition: Condition = revision.does_not_exist() | (revision < values["revision"]) | is_of_this_revision
    return condition


def _cancelled(classroom_id: str, error: TransactWriteError) -> SchedulerError:
    """The error in our terms; the last reason is the stamp's.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html, "Errors"
    """
    codes = [reason and reason.code for reason in error.cancellation_reasons]
    if codes and codes[-1] == "ConditionalCheckFailed":
        return BookingOutdated(f"{classroom_id}: a later booking was followed meanwhile")
    if "ValidationError" in codes:
        return ClassroomNotWritable(f"{classroom_id}: {error.cause_response_message}")
    if {"ConditionalCheckFailed", "TransactionConflict"} & set(codes):
        return ConcurrentUpdate(f"{classroom_id} is no longer as it was read")
    return named(classroom_id, error)
