"""The one seam between the simulation and the application: what the Lambda handlers do, without Lambda."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from classroom_scheduler.domain.bookkeeping import Bookkeeping
from classroom_scheduler.domain.changes import Change, handle
from classroom_scheduler.domain.claim import Run
from classroom_scheduler.domain.errors import ClassroomNotWritable, SchedulerError
from classroom_scheduler.domain.perform import World, fail, perform
from classroom_scheduler.domain.plan import History
from classroom_scheduler.domain.ports import Classrooms, ClassroomServer, Clock, Executions
from classroom_scheduler.domain.reconcile import reconcile
from classroom_scheduler.domain.session import Task


@dataclass(frozen=True)
class App:
    """The application on the ports it is given; `broke` is told of every exception that is not raised on purpose."""

    classrooms: Classrooms
    executions: Executions
    server: ClassroomServer
    clock: Clock
    broke: Any

    def classroom_changed(self, changes: Iterable[Change]) -> list[str]:
        """Handle a batch; the sequence numbers that have to come again."""
        return handle(list(changes), self._look_at)

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
                reconcile(classroom_id, history, self.classrooms, self.executions, self.clock)
        except SchedulerError:
            raise
        except Exception:
            self.broke(f"looking at {classroom_id}")
            raise
