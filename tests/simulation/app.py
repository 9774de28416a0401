"""The one seam between the simulation and the application: what the Lambda handlers do, without Lambda."""

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from classroom_scheduler.application.bookkeeping import Bookkeeping
from classroom_scheduler.application.ports import ClassroomQueries, Classrooms, ClassroomServer, Clock, Executions
from classroom_scheduler.application.reconciler import reconcile
from classroom_scheduler.application.recovery import AuditResult, audit, execution_ended, stop_ended, sweep
from classroom_scheduler.application.stream_batch import Change, handle
from classroom_scheduler.application.task_runner import World, fail, perform
from classroom_scheduler.domain.errors import ClassroomNotWritable, SchedulerError
from classroom_scheduler.domain.execution_names import classroom_of, is_stop_name
from classroom_scheduler.domain.fence import Run
from classroom_scheduler.domain.plan import History
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.session import Task


@dataclass(frozen=True)
class App:
    """The application on the ports it is given; `broke` is told of every exception that is not raised on purpose."""

    classrooms: Classrooms
    executions: Executions
    server: ClassroomServer
    clock: Clock
    policy: SchedulingPolicy
    broke: Any

    def classroom_changed(self, changes: Iterable[Change]) -> list[str]:
        """Handle a batch; the sequence numbers that have to come again."""
        return handle(list(changes), self._look_at)

    def execution_ended(self, name: str, request: str, error: str) -> bool:
        """Handle a status event; whether it is done with."""
        classroom_id = classroom_of(name)
        assert classroom_id is not None, "all executions here are the scheduler's"
        try:
            if not is_stop_name(name):
                execution_ended(name, error, classroom_id, self.classrooms, self._look_at)
            elif error != "ClassroomFailed":
                stop_ended(name, json.loads(request), self.executions)
        except SchedulerError:
            return False
        return True

    def sweep(self, classroom_queries: ClassroomQueries) -> Counter[AuditResult]:
        """Look at everything that is overdue."""
        return sweep(classroom_queries, self._look_at, self.clock())

    def audit(self, classroom_queries: ClassroomQueries) -> Counter[AuditResult]:
        """Compare every item with what it should say."""
        return audit(classroom_queries.segment(0, 1), self.classrooms, self.executions, self.clock, self.policy)

    def perform(self, function: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Invoke a task's function with the payload that the state machine gives it."""
        if function == "TaskFailed":
            error = f"{payload['error']['Error']}: {payload['error'].get('Cause')}"
            books = Bookkeeping(classrooms=self.classrooms, clock=self.clock)
            return fail(Run.read(Task(payload["task"]), payload), error, books)
        world = World(classrooms=self.classrooms, clock=self.clock, server=self.server)
        return perform(Run.read(Task(function), payload), world)

    def _look_at(self, classroom_id: str, history: History) -> None:
        try:
            with suppress(ClassroomNotWritable):
                reconcile(classroom_id, history, self.classrooms, self.executions, self.clock, self.policy)
        except SchedulerError:
            raise
        except Exception:
            self.broke(f"looking at {classroom_id}")
            raise
