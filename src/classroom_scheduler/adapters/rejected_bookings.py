"""The dead-letter queue of bookings, for those that can't be followed."""

from botocore.exceptions import BotoCoreError, ClientError

from classroom_scheduler.adapters import aws
from classroom_scheduler.domain.errors import ServiceUnavailable

# A message and its attributes share 256 KB, and the reason is there to be read.
_REASON_LENGTH = 1_024


class QueueOfRejectedBookings:
    """`bookings.ports.RejectedBookings` on SQS: the message as it came, with the attribute `reason`."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._client = aws.client("sqs")

    def keep(self, message: str, reason: str) -> None:
        text = _legal(reason)[:_REASON_LENGTH]
        try:
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=message,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": text}},
            )
        except (ClientError, BotoCoreError) as error:
            raise ServiceUnavailable(f"the booking can't be put aside: {error}") from error


def _legal(text: str) -> str:
    """A reason quotes what somebody sent, and SQS takes no control characters and no half ones."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
