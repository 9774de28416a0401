"""ClassroomLifecycle: what an item newly says of its class goes out on the event bus."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler import settings
from classroom_scheduler.adapters.events import EventBridgeBus
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.handlers._stream_records import Record, records_in
from classroom_scheduler.lifecycle.ports import Event
from classroom_scheduler.lifecycle.transitions import PUBLISHED_ATTRIBUTES, SOURCE, may_publish, transitions
from classroom_scheduler.observability import count, logger, metrics


@cache
def event_bus() -> EventBridgeBus:
    return EventBridgeBus(settings.required("EVENT_BUS_NAME"), SOURCE, settings.required("STACK_NAME"))


@cache
def policy() -> SchedulingPolicy:
    """Events name how far ahead a class has an execution."""
    return settings.policy()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Answers with the records whose events did not go out; Lambda redelivers from the lowest of them."""
    outbox: list[tuple[str, Event]] = []
    for record in records_in(event):
        if may_publish(record.old, record.new):
            try:
                outbox += [(record.sequence_number, news) for news in _news(record)]
            except Exception:  # noqa: BLE001 - whatever it is, it would stay so, and its neighbours' events go out
                logger.exception("record can't be read, its events are lost", classroomId=record.classroom_id)
                count("EventsNotPublished")
    failed = dict.fromkeys(_publish(outbox))  # in order, each once
    return {"batchItemFailures": [{"itemIdentifier": sequence_number} for sequence_number in failed]}


def _news(record: Record) -> list[Event]:
    # Not parsed, nothing of people's can get out, and a record costs a tenth of the time.
    return transitions(record.narrowed(PUBLISHED_ATTRIBUTES).parse(), policy())


def _publish(outbox: list[tuple[str, Event]]) -> list[str]:
    """Publish all, and say which records have to come again."""
    if not outbox:
        return []
    reasons = event_bus().publish([event for _, event in outbox])
    for position, (_, event) in enumerate(outbox):
        if position in reasons:
            logger.error(
                "event not published, its record comes again", extra=log_fields(event, error=reasons[position])
            )
        else:
            logger.info("event published", extra=log_fields(event))
    count("EventsPublished", len(outbox) - len(reasons))
    if reasons:
        count("EventsNotPublished", len(reasons))
    return [outbox[position][0] for position in sorted(reasons)]


def log_fields(event: Event, **news: Any) -> dict[str, Any]:
    fields = ("classroomId", "executionName", "eventId", "reason")
    return {"decision": event.type, **{field: event.detail.get(field) for field in fields}, **news}
