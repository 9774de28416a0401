"""What all functions have in common that look at a classroom: the reason goes to the log, the decision is counted."""

from classroom_scheduler.bootstrap import reconciler
from classroom_scheduler.domain.errors import ClassroomNotWritable
from classroom_scheduler.domain.plan import Action, Decision, History
from classroom_scheduler.observability import count, logger


def look_at(classroom_id: str, history: History) -> None:
    """Bring one classroom to what its item says. Raises what `reconcile` raises, but not ClassroomNotWritable."""
    try:
        decision = reconciler()(classroom_id, history)
    except ClassroomNotWritable as error:  # its item has no room for even a reason; its neighbours go on
        logger.error("item can't be written to", extra=log_fields(classroom_id, "NotWritable", str(error)))
        count("ClassroomsNotWritable")
    except Exception as error:
        told = log_fields(classroom_id, type(error).__name__, str(error))
        logger.exception("classroom not reconciled, it is looked at again", extra=told)
        raise
    else:
        execution = None if decision.session is None else decision.session.execution_name
        logger.info("looked at", extra=log_fields(classroom_id, str(decision.action), decision.reason, execution))
        _count(decision)


def log_fields(classroom_id: str, decision: str, reason: str, execution: str | None = None) -> dict[str, str | None]:
    return {"classroomId": classroom_id, "executionName": execution, "decision": decision, "reason": reason}


def _count(decision: Decision) -> None:
    """Each of these is decided once: looked at again, the item names the session, and it is kept as it is."""
    if decision.action is Action.RENEW:
        count("ClassroomsScheduled")
    if decision.action is Action.REPLACE or (decision.action is Action.RENEW and decision.retired):
        count("ClassroomsSuperseded")
    if decision.action is Action.CANCEL:
        count("ClassroomsCancelled")
