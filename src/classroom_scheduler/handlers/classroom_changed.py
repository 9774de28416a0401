"""ClassroomChanged: whatever people write to the table, each classroom it touches is brought to what it says now."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.application.stream_batch import reconcile_batch
from classroom_scheduler.handlers._reconcile import reconcile
from classroom_scheduler.handlers._stream_records import changes_in, records_in
from classroom_scheduler.observability import count, logger, metrics

# A new classroom makes two calls that wait for AWS some 20 ms each: 100 of them wait 4 x 40 ms in 32 threads, less than
# they take of a processor, so that more would gain nothing. Each client's pool has as many connections.
_THREADS = 32


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, list[dict[str, str]]]:
    """Answers with the records that have to come again; Lambda redelivers from the lowest of them."""
    changes = changes_in(records_in(event))
    with ThreadPoolExecutor(_THREADS) as pool:
        failed = reconcile_batch(changes, reconcile, pool.map)
    if failed:
        count("ChangesFailed", len(failed))
    return {"batchItemFailures": [{"itemIdentifier": sequence_number} for sequence_number in failed]}
