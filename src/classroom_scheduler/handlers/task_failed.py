"""TaskFailed: write on the item that a task failed for good, so that nobody has to ask why nothing happened."""

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler import clock, settings
from classroom_scheduler.adapters.classrooms import TableClassrooms
from classroom_scheduler.adapters.metrics import CountedClassrooms
from classroom_scheduler.application.task_results import TaskResults, record_failure
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.tasks import task_named
from classroom_scheduler.observability import count, logger, metrics


@cache
def task_results() -> TaskResults:
    return TaskResults(
        CountedClassrooms(TableClassrooms(settings.required("CLASSROOMS_TABLE"))), clock.now, settings.policy()
    )


@logger.inject_lambda_context(correlation_id_path="input.classroomId")
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    attempt = TaskAttempt.from_event(task_named(event["task"]), event)
    error = _in_words(event["input"].get("failures", {}).get(attempt.task.name) or {})
    outcome = record_failure(attempt, error, task_results())
    logger.error(
        "task failed for good",
        extra={**attempt.log_fields, "decision": outcome["state"], "reason": outcome["reason"], "error": error},
    )
    count(f"{attempt.task}FailedForGood")
    return outcome


def _in_words(failure: Mapping[str, Any]) -> str:
    """Step Functions gives the error's name and a cause, which for a Python exception is JSON around its message."""
    name, cause = str(failure.get("Error", "unknown error")), str(failure.get("Cause", ""))
    with suppress(ValueError, KeyError, TypeError):
        cause = json.loads(cause)["errorMessage"]
    return f"{name}: {cause}" if cause else name
