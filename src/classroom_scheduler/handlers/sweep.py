"""Sweep: a dead man's switch. Looks at every classroom that is overdue; as an audit, at what nobody ever saw."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler.bootstrap import auditor, clock, watchlist
from classroom_scheduler.domain.repair import sweep
from classroom_scheduler.handlers._look import look_at
from classroom_scheduler.observability import count, logger, metrics

# One part of the table an hour: each is looked through once a day, and needs no memory of how far the last one came.
SEGMENTS = 24
_THREADS = 16


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """`{}` sweeps; `{"audit": "hourly"}` audits this hour's part of the table, `{"audit": "everything"}` all of it."""
    audit = event.get("audit")
    if audit not in {None, "hourly", "everything"}:
        raise ValueError(f'`audit` is {audit!r}; expected "hourly" or "everything", or no `audit` at all for a sweep')
    found = _sweep() if audit is None else _audit(range(SEGMENTS) if audit == "everything" else [clock().hour])
    logger.info("swept" if audit is None else "audited", audit=audit, found=found)
    return found


def _sweep() -> dict[str, int]:
    with ThreadPoolExecutor(_THREADS) as pool:
        found = {str(finding): number for finding, number in sweep(watchlist(), look_at, clock(), pool.map).items()}
    count("Sweeps")
    count("Repairs", found.get("LOOKED_AT", 0))
    count("RepairsFailed", found.get("FAILED", 0))
    return found


def _audit(segments: Any) -> dict[str, int]:
    items = chain.from_iterable(watchlist().segment(number, SEGMENTS) for number in segments)
    found = {str(finding): number for finding, number in auditor()(items).items()}
    count("Audits")
    count("FoundByAudit", found.get("MARKED", 0))
    count("RepairsFailed", found.get("FAILED", 0))
    return found
