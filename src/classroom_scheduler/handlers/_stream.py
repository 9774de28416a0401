"""Records of the table's stream, as AWS Lambda delivers them."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.shared.dynamodb_deserializer import TypeDeserializer

from classroom_scheduler.domain.changes import Change, is_own_write
from classroom_scheduler.domain.ports import Item


def read_change(record: Mapping[str, Any]) -> Change | None:
    """The change that a record tells of, or None for the scheduler's own writes, which need nothing.

    Those are most records of a class's life; they are told apart in the raw images, before anything is parsed.
    Raises ValueError naming what is missing where this is no record of the table's stream.
    """
    try:
        body = record["dynamodb"]
        classroom_id = body["Keys"]["classroomId"]["S"]
        sequence_number = body["SequenceNumber"]
        changed_at = datetime.fromtimestamp(int(body["ApproximateCreationDateTime"]), UTC)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a record of the Classrooms table's stream: {error} is missing") from error
    old, new = body.get("OldImage"), body.get("NewImage")
    if is_own_write(old, new):
        return None
    return Change(sequence_number, changed_at, classroom_id, _plain(old), _plain(new))


class _PlainDeserializer(TypeDeserializer):
    """Gives bytes for binary values, which Lambda delivers as base64: an image has to equal the item as it is read."""

    def _deserialize_b(self, value: str) -> bytes:  # type: ignore[override]
        return base64.b64decode(value)


def _plain(image: Mapping[str, Any] | None) -> Item | None:
    if image is None:
        return None
    deserializer = _PlainDeserializer()
    return {name: deserializer.deserialize(value) for name, value in image.items()}
