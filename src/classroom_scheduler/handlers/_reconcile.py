"""The reconciler of a function, and what it logs and counts."""

from functools import cache

from classroom_scheduler import clock, settings
from classroom_scheduler.adapters.classrooms import TableClassrooms
from classroom_scheduler.adapters.executions import StateMachineExecutions
from classroom_scheduler.adapters.metrics import CountedClassrooms
from classroom_scheduler.application.reconciler import Reconciler
from classroom_scheduler.domain.classroom import History
from classroom_scheduler.domain.errors import ClassroomNotWritable, PermanentError, SchedulerError
from classroom_scheduler.domain.plan import Action, Decision
from classroom_scheduler.observability import count, logger


@cache
def reconciler() -> Reconciler:
    return Reconciler(
        classrooms=CountedClassrooms(TableClassrooms(settings.required("CLASSROOMS_TABLE"))),
        executions=StateMachineExecutions(settings.required("STATE_MACHINE_ARN")),
        clock=clock.now,
        policy=settings.policy(),
    )


def reconcile(classroom_id: str, history: History) -> None:
    """Bring one classroom to what its item says. Raises what the reconciler raises, but not ClassroomNotWritable.

    Raises PermanentError for a mistake of the scheduler's own, which would be the same the next time.
    """
    try:
        decision = reconciler().reconcile(classroom_id, history)
    except ClassroomNotWritable as error:  # its item has no room for even a reason; its neighbours go on
        logger.error("item can't be written to", extra=log_fields(classroom_id, "NotWritable", str(error)))
        count("ClassroomsNotWritable")
    except (SchedulerError, OSError) as error:
        fields = log_fields(classroom_id, type(error).__name__, str(error))
        logger.exception("classroom not reconciled, it comes again", extra=fields)
        raise
    except Exception as error:
        fields = log_fields(classroom_id, type(error).__name__, str(error))
        logger.exception("classroom can't be reconciled", extra=fields)
        count("RepairsFailed")
        raise PermanentError(f"{classroom_id}: {error!r}") from error
    else:
        execution = None if decision.session is None else decision.session.execution_name
        logger.info("reconciled", extra=log_fields(classroom_id, str(decision.action), decision.reason, execution))
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
