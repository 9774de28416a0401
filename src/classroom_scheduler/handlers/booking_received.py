"""BookingReceived: a class that another system booked, moved or cancelled on the event bus is written to the table."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler import clock, settings
from classroom_scheduler.adapters.bookings import TableBookings
from classroom_scheduler.adapters.rejected_bookings import QueueOfRejectedBookings
from classroom_scheduler.bookings.booking import BookingService, InvalidBooking, follow, parse_booking
from classroom_scheduler.bookings.ports import BookingAhead, BookingOutdated
from classroom_scheduler.domain.errors import ClassroomNotWritable
from classroom_scheduler.handlers._queue import handle_messages
from classroom_scheduler.observability import count, logger, metrics

# What reschedules a classroom that isn't there is received so often, two minutes apart (VisibilityTimeout): it may have
# overtaken its booking. Less often than the queue's maxReceiveCount, so that it ends with a reason.
_PATIENCE = 3


@cache
def booking_service() -> BookingService:
    return BookingService(
        bookings=TableBookings(settings.required("CLASSROOMS_TABLE"), settings.required("BOOKINGS_TABLE")),
        rejected=QueueOfRejectedBookings(settings.required("BOOKING_FAILURES_QUEUE_URL")),
        clock=clock.now,
    )


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Answers with the messages that have to come again; SQS redelivers those alone."""
    return handle_messages(event, _receive, context)


def _receive(record: SQSRecord) -> None:
    # Known from the moment that the message is understood; the line that says otherwise needs it most.
    fields: dict[str, Any] = {"messageId": record.message_id}
    try:
        _follow_or_refuse(record, fields)
    except Exception as error:
        failure = {**fields, "decision": type(error).__name__, "reason": str(error)}
        logger.warning("booking comes again", extra=failure)
        count("BookingsRetried")
        raise


def _follow_or_refuse(record: SQSRecord, fields: dict[str, Any]) -> None:
    service = booking_service()
    try:
        booking = parse_booking(record.body, service.clock())
        fields |= {"classroomId": booking.classroom_id, "eventId": booking.stamp.event_id}
        done = follow(booking, service.bookings)
        logger.info("booking followed", extra={**fields, "decision": str(booking.kind), "reason": done})
        count("BookingsFollowed")
    except BookingOutdated as error:
        logger.info("booking outdated", extra={**fields, "decision": "LEAVE", "reason": str(error)})
        count("BookingsOutdated")
    except (InvalidBooking, ClassroomNotWritable) as error:
        _refuse(record, str(error), fields)
    except BookingAhead as error:
        if int(record.attributes.approximate_receive_count) < _PATIENCE:
            raise
        _refuse(record, str(error), fields)


def _refuse(record: SQSRecord, reason: str, fields: dict[str, Any]) -> None:
    """No delivery would make it better: it is put where a person finds it, with the reason."""
    booking_service().rejected.keep(record.body, reason)
    logger.error("booking refused", extra={**fields, "decision": "REFUSE", "reason": reason})
    count("BookingsInvalid")
