"""TaskFailed: write on the item that a task failed for good, so that nobody has to ask why nothing happened."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.application.task_runner import fail
from classroom_scheduler.bootstrap import bookkeeping
from classroom_scheduler.domain.fence import Run
from classroom_scheduler.domain.session import Task
from classroom_scheduler.observability import count, logger, metrics


@logger.inject_lambda_context(correlation_id_path="classroomId")
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    task = Task(event["task"])
    run, error = Run.read(task, event), _in_words(event.get("error") or {})
    outcome = fail(run, error, bookkeeping())
    of_what = {"task": str(task), "classroomId": run.classroom_id, "executionName": run.execution_name}
    told = {**of_what, "decision": outcome["state"], "reason": outcome["reason"], "error": error}
    logger.error("task failed for good", extra=told)
    count(f"{task}FailedForGood")
    return outcome


def _in_words(failure: Mapping[str, Any]) -> str:
    """Step Functions gives the error's name and a cause, which for a Python exception is JSON around its message."""
    name, cause = str(failure.get("Error", "unknown error")), str(failure.get("Cause", ""))
    with suppress(ValueError, KeyError, TypeError):
        cause = json.loads(cause)["errorMessage"]
    return f"{name}: {cause}" if cause else name
