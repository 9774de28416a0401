"""What the three task functions have in common; each of them is one line of this."""

from collections.abc import Mapping
from typing import Any

from classroom_scheduler.bootstrap import task_world
from classroom_scheduler.domain.claim import Run
from classroom_scheduler.domain.errors import SchedulerError
from classroom_scheduler.domain.perform import perform
from classroom_scheduler.domain.session import Task
from classroom_scheduler.observability import count, logger


def run_task(task: Task, event: Mapping[str, Any]) -> dict[str, Any]:
    """Do the task that this payload asks for. Raises PermanentError, which the state machine does not retry."""
    run = Run.read(task, event)
    try:
        outcome = perform(run, task_world())
    except SchedulerError as error:
        logger.warning("task failed", task=str(task), error=str(error), kind=type(error).__name__, attempt=run.attempt)
        count(f"{task}{type(error).__name__}")
        raise
    logger.info("task done", task=str(task), execution=run.execution_name, **outcome)
    count(f"{task}{outcome['state'].capitalize()}")
    return outcome
