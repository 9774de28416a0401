"""What the task functions have in common; each of them is one line of this."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from classroom_scheduler import clock, settings
from classroom_scheduler.adapters.classrooms import TableClassrooms
from classroom_scheduler.adapters.metrics import CountedClassrooms
from classroom_scheduler.adapters.server import WebhookServer
from classroom_scheduler.adapters.webhook_secrets import WebhookSecrets
from classroom_scheduler.application.task_results import TaskResults
from classroom_scheduler.application.task_runner import TaskRunner
from classroom_scheduler.domain.errors import SchedulerError
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.tasks import TaskSpec
from classroom_scheduler.observability import count, logger


@cache
def task_runner() -> TaskRunner:
    table = CountedClassrooms(TableClassrooms(settings.required("CLASSROOMS_TABLE")))
    secrets = WebhookSecrets(settings.required("WEBHOOK_SECRET_ARN"))
    return TaskRunner(
        results=TaskResults(table, clock.now, settings.policy()),
        server=WebhookServer(settings.required("CLASSROOM_SERVER_URL"), secrets),
    )


def run_task(task: TaskSpec, event: Mapping[str, Any]) -> dict[str, Any]:
    """Do the task that this payload asks for. Raises PermanentError, which the state machine does not retry."""
    attempt = TaskAttempt.from_event(task, event)
    try:
        outcome = task_runner().run(attempt)
    except SchedulerError as error:
        kind = type(error).__name__
        logger.warning("task failed", extra={**attempt.log_fields, "decision": kind, "reason": str(error)})
        count(f"{task}{kind}")
        raise
    reason = outcome["reason"] or "The classroom server has done it."
    fields = {"decision": outcome["state"], "reason": reason, "result": outcome["result"]}
    logger.info("task done", extra={**attempt.log_fields, **fields})
    count(f"{task}{outcome['state'].capitalize()}")
    return outcome
