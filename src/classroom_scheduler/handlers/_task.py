"""What the three task functions have in common; each of them is one line of this."""

from collections.abc import Mapping
from typing import Any

from classroom_scheduler.application.task_runner import perform
from classroom_scheduler.bootstrap import task_world
from classroom_scheduler.domain.errors import SchedulerError
from classroom_scheduler.domain.fence import Run
from classroom_scheduler.domain.session import Task
from classroom_scheduler.observability import count, logger


def run_task(task: Task, event: Mapping[str, Any]) -> dict[str, Any]:
    """Do the task that this payload asks for. Raises PermanentError, which the state machine does not retry."""
    run = Run.read(task, event)
    try:
        outcome = perform(run, task_world())
    except SchedulerError as error:
        kind = type(error).__name__
        logger.warning("task failed", extra=log_fields(run, decision=kind, reason=str(error)))
        count(f"{task}{kind}")
        raise
    reason = outcome["reason"] or "The classroom server has done it."
    logger.info("task done", extra=log_fields(run, decision=outcome["state"], reason=reason, result=outcome["result"]))
    count(f"{task}{outcome['state'].capitalize()}")
    return outcome


def log_fields(run: Run, **news: Any) -> dict[str, Any]:
    of_what = {"task": str(run.task), "classroomId": run.classroom_id, "executionName": run.execution_name}
    return {**of_what, "attempt": run.attempt, **news}
