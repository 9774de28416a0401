"""StopRecording: at the end of a class, tell the classroom server to stop the recorder."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.domain.tasks import STOP
from classroom_scheduler.handlers._task import run_task
from classroom_scheduler.observability import logger, metrics


@logger.inject_lambda_context(correlation_id_path="input.classroomId")
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return run_task(STOP, event)
