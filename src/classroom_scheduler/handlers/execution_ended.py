"""ExecutionEnded: an execution failed, timed out or was stopped; if it is its classroom's own, the class goes on."""

import json
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.application.recovery import execution_ended, stop_ended
from classroom_scheduler.domain.errors import FAILED_FOR_GOOD
from classroom_scheduler.domain.execution_names import classroom_of, is_stop_name
from classroom_scheduler.handlers._queue import handle_messages
from classroom_scheduler.handlers._reconcile import reconcile, reconciler
from classroom_scheduler.observability import count, logger, metrics


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Answers with the messages that have to come again; SQS redelivers those alone."""
    return handle_messages(event, _look, context)


def _look(record: SQSRecord) -> None:
    try:
        detail = json.loads(record.body)["detail"]
        name, status, error = str(detail["name"]), str(detail["status"]), detail.get("error")
    except (ValueError, TypeError, KeyError) as problem:
        logger.error("no status event of Step Functions; it goes to the dead-letter queue", reason=repr(problem))
        raise
    classroom_id = classroom_of(name)
    fields = {"classroomId": classroom_id, "executionName": name, "status": status, "error": error}
    fields["reason"] = detail.get("cause") or error or status  # why it ended
    if classroom_id is None:
        message = "an execution that the scheduler did not start has ended; nothing is done"
        logger.warning(message, decision="IGNORE", **fields)
    elif is_stop_name(name):
        _stop_again(detail, fields)
    elif execution_ended(name, error, classroom_id, reconciler().classrooms, reconcile):
        logger.warning(
            "an execution ended before its time, so its classroom was reconciled", decision="RECONCILE", **fields
        )
        count("ExecutionsEnded")
    else:
        message = "an execution that no longer acts for its classroom has ended"
        logger.info(message, decision="IGNORE", **fields)


def _stop_again(detail: dict[str, Any], fields: dict[str, Any]) -> None:
    """A recording must not be left running because the execution that was to stop it was lost."""
    again = None
    if detail.get("error") != FAILED_FOR_GOOD and detail.get("input"):
        again = stop_ended(detail["name"], json.loads(detail["input"]), reconciler().executions)
    if again is None:
        message = "a recording could not be stopped; stop it at the classroom server"
        logger.error(message, decision="GIVE_UP", **fields)
        count("RecordingsNotStopped")
    else:
        message = "the execution that stops a recording was lost, so another one does"
        logger.warning(message, decision="REPLACE", again=again, **fields)
