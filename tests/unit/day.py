"""A class day by hand: write items, let the scheduler look, let its executions' tasks run at the times you say."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from classroom_scheduler.application.reconciler import Reconciler
from classroom_scheduler.application.recovery import AuditResult, audit, execution_ended, stop_ended, sweep
from classroom_scheduler.application.stream_batch import Change, reconcile_batch
from classroom_scheduler.application.task_results import TaskResults, record_failure
from classroom_scheduler.application.task_runner import TaskRunner
from classroom_scheduler.domain.classroom import History
from classroom_scheduler.domain.fence import TaskAttempt
from classroom_scheduler.domain.item_codec import decode
from classroom_scheduler.domain.plan import Action, Decision
from classroom_scheduler.domain.policy import SchedulingPolicy
from classroom_scheduler.domain.session import Session
from classroom_scheduler.domain.tasks import START, TaskSpec
from tests.builders import POLICY, a_classroom, at
from tests.fakes import FakeClassrooms, FakeExecutions, FakeServer

UNKNOWN = History()


class Day:
    """One classroom, algebra-1, from 09:00 to 10:00 unless written otherwise; it is 08:00."""

    classroom_id = "algebra-1"

    def __init__(self, policy: SchedulingPolicy = POLICY) -> None:
        self.time = at("08:00")
        self.policy = policy
        self.classrooms = FakeClassrooms()
        self.executions = FakeExecutions()
        self.server = FakeServer(self.now)
        self.changes: list[Change] = []
        self.stream: list[Change] = []
        self._numbers = (str(number) for number in count(10**20))
        self.decisions: list[Decision] = []
        self.classrooms.watchers.append(self._note)

    # what people do

    def write(self, **attributes: Any) -> None:
        """Put the whole item, as most people do: what the scheduler wrote is wiped."""
        self.classrooms.put(a_classroom(self.classroom_id, **attributes))

    def edit(self, **attributes: Any) -> None:
        self.classrooms.update_attributes(self.classroom_id, attributes)

    def delete(self) -> None:
        self.classrooms.delete(self.classroom_id)

    # what the scheduler does

    def until(self, time: str) -> "Day":
        self.time = at(time)
        return self

    def look(self) -> list[Action]:
        """Deliver the stream's records so far; what was decided on them."""
        changes, self.changes = self.changes, []
        known = len(self.decisions)
        assert reconcile_batch(changes, self.reconcile) == []
        return [decision.action for decision in self.decisions[known:]]

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(self.classrooms, self.executions, self.now, self.policy)

    def reconcile(self, classroom_id: str, history: History = UNKNOWN) -> None:
        self.decisions.append(self.reconciler.reconcile(classroom_id, history))

    def sweep(self, due_by: datetime | None = None) -> Counter[AuditResult]:
        return sweep(self.classrooms, self.reconcile, due_by or self.now())

    def audit(self) -> Counter[AuditResult]:
        """Look through the whole table, in two parts."""
        items = [item for number in range(2) for item in self.classrooms.segment(number, of=2)]
        return audit(items, self.reconciler)

    def abort(self, execution: str | None = None) -> str:
        """Somebody stops an execution (the item's own unless named) by hand, or the service loses it; its name."""
        name = execution or str(self.item["executionName"])
        self.executions.aborted[name] = "by hand"
        return name

    def hear_of_the_end(self, name: str, error: str | None = None) -> bool:
        """The status event of an execution that ended; whether its classroom was looked at."""
        return execution_ended(name, error, self.classroom_id, self.classrooms, self.reconcile)

    def hear_of_the_end_of_a_stop(self, name: str) -> str | None:
        """The same of an execution that was to stop a recording; the name of the one that tries again."""
        return stop_ended(name, self.executions.started[name], self.executions)

    @property
    def results(self) -> TaskResults:
        return TaskResults(self.classrooms, self.now, self.policy)

    @property
    def runner(self) -> TaskRunner:
        return TaskRunner(self.results, self.server)

    def run(self, task: TaskSpec, execution: str | None = None, *, attempt: int = 0, **results: Any) -> dict[str, Any]:
        """Let an execution (the item's own unless named) run one of its tasks now."""
        return self.runner.run(self.an_attempt(task, execution, attempt=attempt, **results))

    def fail(self, task: TaskSpec, error: str, execution: str | None = None) -> dict[str, Any]:
        return record_failure(self.an_attempt(task, execution), error, self.results)

    def an_attempt(
        self, task: TaskSpec, execution: str | None = None, *, attempt: int = 0, **results: Any
    ) -> TaskAttempt:
        name = execution or self.item["executionName"]
        given = {**self.executions.started[name], "results": results}
        return TaskAttempt.from_event(task, {"input": given, "executionName": name, "attempt": attempt})

    # what can be seen

    @property
    def item(self) -> Mapping[str, Any]:
        item = self.classrooms.look(self.classroom_id)
        assert item is not None
        return item

    @property
    def session(self) -> Session:
        session = decode(self.classroom_id, self.item)
        assert session is not None
        return session

    def told(self) -> list[str]:
        """What the classroom server was told, duplicates included."""
        return [message.type for message in self.server.received]

    def now(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time

    def _note(self, classroom_id: str, old: Any, new: Any) -> None:
        change = Change(next(self._numbers), self.time.replace(microsecond=0), classroom_id, old, new)
        self.changes.append(change)  # those that the scheduler has still to look at
        self.stream.append(change)


def a_day_with_a_class(**attributes: Any) -> Day:
    """08:00: the class is written and scheduled."""
    day = Day()
    day.write(**attributes)
    day.look()
    return day


def a_day_in_class(**attributes: Any) -> Day:
    """09:30: the class has been recording since 09:00."""
    day = a_day_with_a_class(**attributes)
    day.until("09:00").run(START)
    return day.until("09:30")
