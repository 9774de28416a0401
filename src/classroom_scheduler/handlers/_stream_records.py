"""Records of the table's stream, as AWS Lambda delivers them."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from classroom_scheduler.adapters.dynamodb_json import read_item
from classroom_scheduler.application.stream_batch import Change, is_own_write
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.observability import count, logger

_SEQUENCE_NUMBER = re.compile(r"[0-9]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """A record with its images as they came: most are the scheduler's own writes, which need no parsing."""

    sequence_number: str
    changed_at: datetime
    classroom_id: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None

    @classmethod
    def read(cls, record: Any) -> Self:
        """Raises an error of any kind where this is no record of the table's stream."""
        body = record["dynamodb"]
        classroom_id, sequence_number = body["Keys"]["classroomId"]["S"], body["SequenceNumber"]
        changed_at = datetime.fromtimestamp(int(body["ApproximateCreationDateTime"]), UTC)
        old, new = body.get("OldImage"), body.get("NewImage")
        if not all(isinstance(image, Mapping | None) for image in (old, new)):
            raise TypeError("an image is no object")
        if not isinstance(classroom_id, str) or _SEQUENCE_NUMBER.fullmatch(sequence_number) is None:
            raise ValueError("the key is no text, or the sequence number no number")
        return cls(sequence_number, changed_at, classroom_id, old, new)

    def narrowed(self, attributes: Collection[str]) -> Self:
        """The same record with images of these attributes alone."""
        return replace(self, old=_only(attributes, self.old), new=_only(attributes, self.new))

    def parse(self) -> Change:
        return Change(self.sequence_number, self.changed_at, self.classroom_id, _plain(self.old), _plain(self.new))


def records_in(event: Mapping[str, Any]) -> Iterator[Record]:
    """The records of a batch; what is no record of the table's stream is logged and left out."""
    for record in event.get("Records") or ():
        try:
            yield Record.read(record)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing can be written back, and it would stay so
            event_id = record.get("eventID") if isinstance(record, Mapping) else None
            missing = f"{error} is missing" if isinstance(error, KeyError) else repr(error)
            reason = f"not a record of the Classrooms table's stream: {missing}"
            logger.error("record ignored", error=reason, event_id=event_id)
            count("RecordsIgnored")


def changes_in(records: Iterable[Record]) -> list[Change]:
    """The changes of every classroom that people have touched; what the scheduler alone wrote to is left out."""
    records = list(records)
    touched = {record.classroom_id for record in records if not is_own_write(record.old, record.new)}
    return list(_parsed(record for record in records if record.classroom_id in touched))


def _parsed(records: Iterable[Record]) -> Iterator[Change]:
    """Each change; an image that can't be read, for a reason that nobody thought of, harms no other record."""
    for record in records:
        try:
            yield record.parse()
        except Exception:  # noqa: BLE001 - whatever it is, no delivery would make it better
            logger.exception("record can't be read", classroomId=record.classroom_id)
            count("RecordsIgnored")


def _plain(image: Mapping[str, Any] | None) -> Item | None:
    return None if image is None else read_item(image)


def _only(attributes: Collection[str], image: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if image is None else {name: value for name, value in image.items() if name in attributes}
