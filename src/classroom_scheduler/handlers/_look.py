"""What all functions have in common that look at a classroom: the reason goes to the log, the decision is counted."""

from classroom_scheduler.bootstrap import reconciler
from classroom_scheduler.domain.errors import ClassroomNotWritable
from classroom_scheduler.domain.plan import History
from classroom_scheduler.observability import count, logger


def look_at(classroom_id: str, history: History) -> None:
    """Bring one classroom to what its item says. Raises what `reconcile` raises, but not ClassroomNotWritable."""
    try:
        decision = reconciler()(classroom_id, history)
    except ClassroomNotWritable as error:  # its item has no room for even a reason; its neighbours go on
        logger.error("item can't be written to", classroomId=classroom_id, reason=str(error))
        count("ClassroomsNotWritable")
    except Exception:
        logger.exception("classroom not reconciled, it is looked at again", classroomId=classroom_id)
        raise
    else:
        execution = None if decision.session is None else decision.session.execution_name
        told = {"classroomId": classroom_id, "executionName": execution, "decision": str(decision.action)}
        logger.info("looked at", extra={**told, "reason": decision.reason})
        count(f"Decided{_camel(decision.action)}")


def _camel(name: str) -> str:
    return "".join(map(str.capitalize, name.split("_")))
