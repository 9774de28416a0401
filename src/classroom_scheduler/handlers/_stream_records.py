"""Records of the table's stream, as AWS Lambda delivers them."""

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer

from classroom_scheduler.application.stream_batch import Change, is_own_write
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.observability import count, logger


@dataclass(frozen=True, slots=True)
class Record:
    """A record with its images as they came: most are the scheduler's own writes, which need no parsing."""

    sequence_number: str
    changed_at: datetime
    classroom_id: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """Raises ValueError naming what is missing where this is no record of the table's stream."""
        try:
            body = record["dynamodb"]
            classroom_id = body["Keys"]["classroomId"]["S"]
            sequence_number = body["SequenceNumber"]
            changed_at = datetime.fromtimestamp(int(body["ApproximateCreationDateTime"]), UTC)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a record of the Classrooms table's stream: {error} is missing") from error
        return cls(sequence_number, changed_at, classroom_id, body.get("OldImage"), body.get("NewImage"))

    def narrowed(self, attributes: Collection[str]) -> Self:
        """The same record with images of these attributes alone."""
        return replace(self, old=_only(attributes, self.old), new=_only(attributes, self.new))

    def parse(self) -> Change:
        return Change(self.sequence_number, self.changed_at, self.classroom_id, _plain(self.old), _plain(self.new))


def records_in(event: Mapping[str, Any]) -> Iterator[Record]:
    """The records of a batch; what is no record of the table's stream is logged and left out."""
    for record in event.get("Records", []):
        try:
            yield Record.read(record)
        except ValueError as error:  # nothing can be written back, and no delivery would make it better
            logger.error("record ignored", error=str(error), event_id=record.get("eventID"))
            count("RecordsIgnored")


def changes_in(records: Iterable[Record]) -> list[Change]:
    """The changes of every classroom that people have touched; what the scheduler alone wrote to is left out."""
    records = list(records)
    touched = {record.classroom_id for record in records if not is_own_write(record.old, record.new)}
    return [record.parse() for record in records if record.classroom_id in touched]


class _PlainDeserializer(TypeDeserializer):
    """Gives bytes for binary values, which Lambda delivers as base64: an image has to equal the item as it is read."""

    def _deserialize_b(self, value: str) -> bytes:  # type: ignore[override]  # boto3 gives its Binary
        return base64.b64decode(value)


def _plain(image: Mapping[str, Any] | None) -> Item | None:
    if image is None:
        return None
    deserializer = _PlainDeserializer()
    return {name: deserializer.deserialize(value) for name, value in image.items()}


def _only(attributes: Collection[str], image: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if image is None else {name: value for name, value in image.items() if name in attributes}
