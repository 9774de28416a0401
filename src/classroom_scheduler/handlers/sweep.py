"""Sweep: a dead man's switch. Looks at every classroom that is overdue; as an audit, at what nobody ever saw."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from classroom_scheduler import clock, settings
from classroom_scheduler.adapters.classroom_queries import TableClassroomQueries
from classroom_scheduler.application.recovery import EVERYTHING, audit, sweep
from classroom_scheduler.domain.item_codec import Item
from classroom_scheduler.handlers._reconcile import reconcile, reconciler
from classroom_scheduler.observability import count, logger, metrics

# One part of the table an hour: each is looked through once a day, and needs no memory of how far the last one came.
SEGMENTS = 24
_THREADS = 16
_REQUESTS: list[dict[str, Any]] = [{}, {"sweep": "everything"}, {"audit": "hourly"}, {"audit": "everything"}]


@cache
def queries() -> TableClassroomQueries:
    return TableClassroomQueries(settings.required("CLASSROOMS_TABLE"))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """`{}` sweeps what is overdue, `{"sweep": "everything"}` whatever is not over, to be asked for after an incident.

    `{"audit": "hourly"}` audits this hour's part of the table, `{"audit": "everything"}` all of it.
    """
    request = {name: event[name] for name in ("sweep", "audit") if event.get(name) is not None}
    if request not in _REQUESTS:
        raise ValueError(f"asked for {json.dumps(request)}; expected one of {json.dumps(_REQUESTS)}")
    if "audit" in request:
        found = _audit(range(SEGMENTS) if request["audit"] == "everything" else [clock.now().hour])
    else:
        found = _sweep(EVERYTHING if request else clock.now())
    logger.info("audited" if "audit" in request else "swept", request=request, found=found)
    return found


def _sweep(due_by: datetime) -> dict[str, int]:
    with ThreadPoolExecutor(_THREADS) as pool:
        found = {str(finding): number for finding, number in sweep(queries(), reconcile, due_by, pool.map).items()}
    count("Sweeps")
    if due_by != EVERYTHING:  # most of everything needs no repair
        count("Repairs", found.get("RECONCILED", 0))
    count("RepairsFailed", found.get("FAILED", 0))
    return found


def _audit(segments: Any) -> dict[str, int]:
    items = chain.from_iterable(queries().segment(number, SEGMENTS) for number in segments)
    found = {str(finding): number for finding, number in audit(items, reconciler(), _not_audited).items()}
    count("Audits")
    count("FoundByAudit", found.get("MARKED", 0))
    count("RepairsFailed", found.get("FAILED", 0))
    return found


def _not_audited(item: Item) -> None:
    logger.exception("item can't be audited, its neighbours are", classroomId=str(item.get("classroomId")))
