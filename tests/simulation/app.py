"""The one seam between the simulation and the application: what the Lambda handlers do, without Lambda."""

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from classroom_scheduler.application.ports import ClassroomQueries, Classrooms, ClassroomServer, Clock, Executions
from classroom_scheduler.application.reconciler import Reconciler
from classroom_scheduler.application.recovery import AuditResult, audit, execution_ended, stop_ended, sweep
from classroom_scheduler.application.stream_batch import Change, reconcile_batch
from classroom_scheduler.application.task_results import TaskResults, record_failure
from classroom_scheduler.application.task_runner import TaskRunner
from classroom_scheduler.domain.classroom import History
from classroom_scheduler.domain.errors import ClassroomNotWritable, SchedulerError
from classroom_scheduler.domain.execution_names import classroom_of, is_stop_name
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.tasks import task_named


@dataclass(frozen=True)
class App:
    """The application on the ports it is given; `broke` is told of every exception that is not raised on purpose."""

    reconciler: Reconciler
    runner: TaskRunner
    broke: Any

    @classmethod
    def on(
        cls,
        classrooms: Classrooms,
        executions: Executions,
        server: ClassroomServer,
        clock: Clock,
        policy: SchedulingPolicy,
        broke: Any,
    ) -> "App":
        results = TaskResults(classrooms, clock, policy)
        return cls(Reconciler(classrooms, executions, clock, policy), TaskRunner(results, server), broke)

    def classroom_changed(self, changes: Iterable[Change]) -> list[str]:
        """Handle a batch; the sequence numbers that have to come again."""
        return reconcile_batch(list(changes), self._reconcile)

    def execution_ended(self, name: str, request: str, error: str) -> bool:
        """Handle a status event; whether it is done with."""
        classroom_id = classroom_of(name)
        assert classroom_id is not None, "all executions here are the scheduler's"
        try:
            if not is_stop_name(name):
                execution_ended(name, error, classroom_id, self.reconciler.classrooms, self._reconcile)
            elif error != "ClassroomFailed":
                stop_ended(name, json.loads(request), self.reconciler.executions)
        except SchedulerError:
            return False
        return True

    def sweep(self, queries: ClassroomQueries) -> Counter[AuditResult]:
        """Look at everything that is overdue."""
        return sweep(queries, self._reconcile, self.reconciler.clock())

    def audit(self, queries: ClassroomQueries) -> Counter[AuditResult]:
        """Compare every item with what it should say."""
        return audit(queries.segment(0, 1), self.reconciler)

    def run_task(self, function: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke a task's function with the payload that the state machine gives it."""
        if function == "TaskFailed":
            failure = payload["input"]["failures"][payload["task"]]
            error = f"{failure['Error']}: {failure.get('Cause')}"
            return record_failure(
                TaskAttempt.from_event(task_named(payload["task"]), payload), error, self.runner.results
            )
        return self.runner.run(TaskAttempt.from_event(task_named(function), payload))

    def _reconcile(self, classroom_id: str, history: History) -> None:
        try:
            with suppress(ClassroomNotWritable):
                self.reconciler.reconcile(classroom_id, history)
        except SchedulerError:
            raise
        except Exception:
            self.broke(f"reconciling {classroom_id}")
            raise
