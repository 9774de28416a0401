"""Messages of a queue, as AWS Lambda delivers them: each by itself, so that one that fails alone comes again."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.observability import count, logger


def handle_messages(
    event: Any, handle: Callable[[SQSRecord], None], context: LambdaContext
) -> PartialItemFailureResponse:
    """Answer with the messages that have to come again; the queue's redrive policy bounds how often they do."""
    messages = list(_messages_in(event))
    if not messages:  # Powertools takes an empty batch for a batch of an unknown kind
        return {"batchItemFailures": []}
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response({"Records": messages}, handle, processor, context)


def _messages_in(event: Any) -> Iterator[dict[str, Any]]:
    """The messages of a batch; what is no message of SQS can't be asked for again, and is logged and left out."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    for record in records if isinstance(records, list) else [records]:
        if isinstance(record, dict) and all(isinstance(record.get(name), str) for name in ("messageId", "body")):
            yield record
        else:
            found = "an object without" if isinstance(record, dict) else f"{type(record).__name__}, which has no"
            logger.error("record ignored", error=f"not a message of SQS: {found} messageId and body in words")
            count("RecordsIgnored")
