"""SendLivePing: some time after the recording has started, tell the classroom server that the class is live."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.domain.tasks import PING
from classroom_scheduler.handlers._task import run_task
from classroom_scheduler.observability import logger, metrics


@logger.inject_lambda_context(correlation_id_path="input.classroomId")
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return run_task(PING, event)
