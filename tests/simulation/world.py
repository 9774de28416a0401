"""Everything put together: table and stream, state machine and server, and the application between them."""

import json
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any

from classroom_scheduler.application.ports import Message
from classroom_scheduler.application.stream_batch import Change, is_own_write
from classroom_scheduler.domain.errors import SchedulerError, ServerUnavailable, ServiceUnavailable
from classroom_scheduler.domain.item_codec import OWNED_ATTRIBUTES, Item
from classroom_scheduler.domain.policy import ATTENTION_GRACE
from classroom_scheduler.domain.tasks import TASKS
from tests.builders import POLICY
from tests.fakes import ARN_PREFIX, FakeClassrooms
from tests.simulation.app import App
from tests.simulation.clock import VirtualClock
from tests.simulation.events import StatusEvent, StatusEvents
from tests.simulation.mischief import Act, Crash, Points
from tests.simulation.server import SimulatedServer
from tests.simulation.step_functions import (
    LOST,
    Definition,
    Execution,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    StepFunctions,
    TaskFailed,
)
from tests.simulation.stream import Entry, Shard, Stream

DEFINITION = Path(__file__).parents[2] / "statemachine" / "classroom.asl.json"


@cache
def definition() -> Definition:
    """The state machine as it is deployed, but for its substitutions."""
    loaded: Definition = json.loads(DEFINITION.read_text())
    return loaded


@dataclass
class Invocation:
    """One run of a Lambda function: whose it is, what it read, and the item as its latest access found it."""

    function: str
    execution: str | None = None
    looked: bool = False
    seen: Item | None = None
    read: set[str] = field(default_factory=set)


@dataclass
class World:
    """The simulated account. People act on `table`, time passes by `run_until`, `points` is where mischief strikes."""

    seed: int = 0
    shards: int = 2
    counts: Counter[str] = field(default_factory=Counter)
    # How early recorders may be started, as the stack was told.
    start_lead: timedelta = timedelta(0)
    violations: list[str] = field(default_factory=list)
    # Stops that Step Functions was seen to refuse: these executions may run on until their times have passed.
    unstopped: set[str] = field(default_factory=set)
    # Recordings of which a task failed at least once, for whatever reason.
    troubled: set[str] = field(default_factory=set)
    scheduler_writes: bool = False
    # How often executions of a recording ended by accident, and those accidents that nobody was told of.
    accidents: Counter[str] = field(default_factory=Counter)
    untold: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.clock = VirtualClock()
        self.points = Points(self.counts)
        self.table = FakeClassrooms()
        self.server = SimulatedServer(self.clock)
        self.stream = Stream(self.clock, self.shards, self._classroom_changed)
        self.table.watchers.append(self.stream.append)
        self.stream.is_settled = self._is_settled
        self.machine = StepFunctions(definition(), self.clock, self.random, self._run_task)
        self.events = StatusEvents(self._execution_ended)
        self.machine.on_failure = self.events.tell
        self.invocations: list[Invocation] = []
        self.on_look: Callable[[Invocation, str], None] = lambda invocation, classroom_id: None
        self.on_call: Callable[[Invocation, Message], None] = lambda invocation, message: None
        # The clocks of Lambda's machines may be wrong; those of DynamoDB and Step Functions are the world's.
        self.skew, self.jumped = timedelta(0), False
        ports = _Classrooms(self), _Executions(self), _Server(self)
        policy = replace(POLICY, start_lead=self.start_lead)
        self.app = App.on(*ports, lambda: self.clock() + self.skew, policy, self._broke)
        self.on_repair: Callable[[], None] = lambda: None
        self.on_unfinished: Callable[[Iterable[str]], None] = lambda classroom_ids: None
        self.stream.on_unfinished = lambda entries: self.on_unfinished(entry.classroom_id for entry in entries)
        self.events.on_dead = lambda event: self.on_unfinished([json.loads(event.request)["classroomId"]])

    def _is_settled(self, classroom_id: str) -> bool:
        """Whether no record is still to come of somebody's having wiped, damaged or copied what the scheduler wrote."""
        mine = [entry for entry in self.stream.waiting if entry.classroom_id == classroom_id]
        return not any(entry.handled_at is None and _touches_the_schedulers(entry) for entry in mine)

    # time

    def run_until(self, moment: Any, between: Callable[[], None] = lambda: None) -> None:
        """Let everything happen that is due until then; `between` comes after each thing that happened."""
        due = self.machine.next_due
        while due is not None and due <= moment:
            self.machine.run_next()
            between()
            due = self.machine.next_due
        self.clock.advance_to(moment)

    def deliver_all(self, attempts: int = 8) -> None:
        """Deliver every waiting record and event; a record that fails again and again is a violation."""
        for _ in range(attempts):
            for _ in list(self.events.waiting):
                self.events.deliver(0)
            for shard in self.stream.shards:
                while self.stream.deliver(shard, 100):
                    pass
            if not self.stream.waiting:
                return
        self.violate(f"records are failing for ever: {[entry.classroom_id for entry in self.stream.waiting]}")

    def settle(self, seconds: float) -> None:
        """No more mischief: everything is delivered at once, and time passes with whatever is due."""
        self.points.forget()
        self.skew = timedelta(0)
        self.server.repair()
        self.deliver_all()
        self.run_until(self.clock.now + timedelta(seconds=seconds), between=self.deliver_all)

    def repair(self) -> None:
        """One audit, and the sweep that looks after what it marked: from then on everything has converged."""
        self.settle(0)
        self.audit()
        self.settle((ATTENTION_GRACE + timedelta(seconds=5)).total_seconds())
        self.sweep()
        self.on_repair()
        self.settle(75)

    def settle_with_sweeps(self, duration: timedelta) -> None:
        """Let time pass with a sweep every five minutes of the first hour and every hour after that."""
        self.settle(0)
        end = self.clock.now + duration
        moments = [timedelta(minutes=5 * number) for number in range(1, 12)]
        moments += [timedelta(hours=number) for number in range(1, duration // timedelta(hours=1))]
        for moment in moments:
            self.machine.at(end - duration + moment, self.sweep)
        self.run_until(end, between=self.deliver_all)

    def sweep(self) -> None:
        """The Sweep function runs."""
        self._run_alone("Sweep", lambda: self.app.sweep(_ClassroomQueries(self)))

    def audit(self) -> None:
        """The Sweep function audits the whole table."""
        self._run_alone("Audit", lambda: self.app.audit(_ClassroomQueries(self)))

    def lose(self, name: str, *, by_hand: bool, told: bool) -> None:
        """An execution that runs is lost, or stopped by a person; an event tells of it, or gets lost as well."""
        execution = self.machine.executions[name]
        self.say(f"{'by hand stop' if by_hand else 'lose'} {name}{'' if told else ' and tell nobody'}")
        recording_id = execution.data["recordingId"]
        self.accidents[recording_id] += 1
        self.troubled.add(recording_id)
        if by_hand:
            self.machine.abort(name)
        else:
            self.machine.lose(name)
        if not told:
            self.events.lose(-1)
            self.untold.add(name)

    def drop_records(self, shard: Shard, size: int) -> list[Entry]:
        """The oldest records of a shard run out of retries. Not those whose old images alone know of a session."""
        batch = [] if shard.in_flight else shard.waiting[:size]
        dropped = list(takewhile(lambda entry: not (entry.old and entry.new and _touches_the_schedulers(entry)), batch))
        self.say(f"drop {[(entry.sequence_number[-3:], entry.classroom_id) for entry in dropped]}")
        shard.checkpoint += len(dropped)
        return dropped

    def violate(self, what: str) -> None:
        """Note that a promise was broken."""
        self.violations.append(f"{self.clock.now:%d %H:%M:%S.%f} {what}")

    def say(self, what: str) -> None:
        """Write a line into the log of this run, for whoever reads a reproducer."""
        self.log.append(f"{self.clock.now:%d %H:%M:%S.%f} {'  ' * len(self.invocations)}{what}")

    # what AWS calls

    def _classroom_changed(self, batch: list[Entry]) -> list[str] | None:
        self.counts["deliveries"] += 1
        self.say(f"deliver {[(entry.sequence_number[-3:], entry.classroom_id) for entry in batch]}")
        changes = [
            Change(
                entry.sequence_number, entry.written_at.replace(microsecond=0), entry.classroom_id, entry.old, entry.new
            )
            for entry in batch
        ]
        self.invocations.append(Invocation("ClassroomChanged"))
        try:
            failed = self.app.classroom_changed(changes)
        except Crash as crash:
            self.say(f"! crash {crash}")
            return None
        except Exception:  # noqa: BLE001 - whatever it is, it is a violation
            self._broke("the stream handler")
            return None
        finally:
            self.invocations.pop()
        if failed:
            self.say(f"failed: {failed}")
        return failed

    def _execution_ended(self, event: StatusEvent) -> bool:
        self.say(f"ended {event.name} {event.error}")
        self.counts["status events"] += 1
        return self._run_alone(
            "ExecutionEnded", lambda: self.app.execution_ended(event.name, event.request, event.error)
        )

    def _run_alone(self, function: str, run: Callable[[], object]) -> bool:
        """Run a function that answers nothing; whether it came to its end, and had no need to be run again."""
        self.counts[f"{function} runs"] += 1
        self.say(function)
        self.invocations.append(Invocation(function))
        try:
            return run() is not False
        except Crash as crash:
            self.say(f"! crash {crash}")
            return False
        except SchedulerError as error:
            self.say(f"{type(error).__name__}: {error}")
            return False
        except Exception:  # noqa: BLE001 - whatever it is, it is a violation
            self._broke(function)
            return False
        finally:
            self.invocations.pop()

    def _run_task(self, function: str, payload: dict[str, Any], execution: Execution) -> Any:
        self.counts["task invocations"] += 1
        self.say(f"{function} of {execution.name}, attempt {payload['attempt']}")
        self.invocations.append(Invocation(function, execution.name))
        result = None
        try:
            result = json.loads(json.dumps(self.app.run_task(function, payload)))
        except Crash as crash:
            self.say(f"! crash {crash}")
            raise TaskFailed("Lambda.Unknown", "the process ended") from None
        except SchedulerError as error:
            self.say(f"{type(error).__name__}: {error}")
            raise TaskFailed(type(error).__name__, str(error)) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a violation
            self._broke(function)
            raise TaskFailed(type(error).__name__, str(error)) from None
        finally:
            self.invocations.pop()
            if result is None:
                self.troubled.add(payload["input"]["recordingId"])
        self.say(f"-> {result}")
        return result

    def _broke(self, where: str) -> None:
        self.violate(f"{where} raised:\n{traceback.format_exc()}")

    def saw(self, classroom_id: str) -> None:
        """The running invocation has looked at this item."""
        invocation = self.invocations[-1]
        invocation.looked, invocation.seen = True, self.table.look(classroom_id)
        self.on_look(invocation, classroom_id)

    def stay_out_of_what_nobody_can_tell(self, classroom_id: str) -> None:
        """Who looks at an item that was just overwritten, before the record of that has come: docs/decisions/0003.

        An old record that comes again, a sweep or a status event while it was wiped or damaged; anybody at all while it
        is an old copy, which can't be told from an edit.
        """
        function = self.invocations[-1].function
        by_chance = function in {"Sweep", "ExecutionEnded"} or classroom_id in self.stream.only_again
        is_task = function == "TaskFailed" or function in map(str, TASKS)
        if is_task or (self._is_settled(classroom_id) if by_chance else not self._is_copied(classroom_id)):
            return
        raise Crash("somebody looked while its item was being overwritten")

    def _is_copied(self, classroom_id: str) -> bool:
        """Whether a copy was put of which the record is to come, and not in the batch that is being handled."""
        waiting = [entry for entry in self.stream.waiting if entry.classroom_id == classroom_id]
        return any(
            entry.handled_at is None and entry not in self.stream.in_hand and "executionName" in (entry.new or {})
            for entry in waiting
            if _touches_the_schedulers(entry)
        )

    def refuses(self, call: str, side: str) -> bool:
        return self.points.cross(call, side)


class _Classrooms:
    """The table as the application reaches it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, classroom_id: str) -> Item | None:
        if self._world.refuses("GetItem", "before"):
            raise ServiceUnavailable("DynamoDB: InternalServerError")
        self._world.stay_out_of_what_nobody_can_tell(classroom_id)
        self._world.invocations[-1].read.add(classroom_id)
        item = self._world.table.get(classroom_id)
        self._world.saw(classroom_id)
        if self._world.refuses("GetItem", "after"):
            raise ServiceUnavailable("DynamoDB: connection lost")
        return item

    def update(self, classroom_id: str, changes: Item, *, expected: Item, removed: Collection[str] = ()) -> None:
        if self._world.refuses("UpdateItem", "before"):
            raise ServiceUnavailable("DynamoDB: ProvisionedThroughputExceededException")
        if classroom_id not in self._world.invocations[-1].read:  # a record told it all that it knows
            self._world.stay_out_of_what_nobody_can_tell(classroom_id)
        self._world.scheduler_writes = True
        try:
            self._world.table.update(classroom_id, changes, expected=expected, removed=removed)
        finally:
            self._world.scheduler_writes = False
            self._world.saw(classroom_id)
        self._world.counts["item writes"] += 1
        self._world.say(f"update {classroom_id}: {_in_short(changes)}{f' without {removed}' if removed else ''}")
        if self._world.refuses("UpdateItem", "after"):
            raise ServiceUnavailable("DynamoDB: connection lost")


class _ClassroomQueries:
    """The index ByAttention, which is some milliseconds behind, and the whole table."""

    def __init__(self, world: World) -> None:
        self._world = world

    def overdue(self, shard: str, now: datetime) -> Iterator[str]:
        if self._world.refuses("Query", "before"):
            raise ServiceUnavailable("DynamoDB: InternalServerError")
        yield from self._world.table.overdue(shard, now)

    def segment(self, number: int, of: int) -> Iterator[Item]:
        if self._world.refuses("Scan", "before"):
            raise ServiceUnavailable("DynamoDB: InternalServerError")
        for item in self._world.table.segment(number, of):
            self._world.invocations[-1].read.add(item["classroomId"])
            yield item


class _Executions:
    """Step Functions as the application reaches it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def arn(self, name: str) -> str:
        return ARN_PREFIX + name

    def start(self, name: str, request: Mapping[str, Any]) -> bool:
        if self._world.refuses("StartExecution", "before"):
            raise ServiceUnavailable("Step Functions: ThrottlingException")
        try:
            self._world.machine.start(name, json.dumps(request, sort_keys=True, separators=(",", ":")))
            self._world.say(f"start {name} {dict(request)}")
        except ExecutionAlreadyExists:
            self._world.say(f"start {name}: exists")
        if self._world.refuses("StartExecution", "after"):
            raise ServiceUnavailable("Step Functions: connection lost")
        with suppress(ServiceUnavailable):
            return self.status(name) in {"RUNNING", None}
        return True

    def status(self, name: str) -> str | None:
        if self._world.refuses("DescribeExecution", "before"):
            raise ServiceUnavailable("Step Functions: ThrottlingException")
        execution = self._world.machine.executions.get(name)
        if execution is None:
            return None
        return "ABORTED" if execution.error == LOST else execution.status

    def stop(self, name: str, reason: str) -> bool:
        stopped = False
        if not self._world.refuses("StopExecution", "before"):
            try:
                self._world.machine.stop(name)
                stopped = True
                self._world.say(f"stop {name}")
            except ExecutionDoesNotExist:
                self._world.say(f"stop {name}: does not exist")
                return False
        if self._world.refuses("StopExecution", "after"):
            return False
        if not stopped:
            self._world.unstopped.add(name)
        return stopped


class _Server:
    """The classroom server as the application reaches it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, message: Message, *, timeout: float) -> Any:
        world = self._world
        world.counts["server calls"] += 1
        world.on_call(world.invocations[-1], message)
        world.say(f"send {message.type} {message.data['recordingId']}")
        if world.refuses("POST", "before"):
            world.server.failed[message.data["recordingId"]].add(message.type)
            raise ServerUnavailable("connection refused")
        answer = world.server.send(message, timeout=timeout)
        if world.refuses("POST", "after"):
            raise ServerUnavailable("connection lost")
        return answer


def _touches_the_schedulers(entry: Entry) -> bool:
    if is_own_write(entry.old, entry.new):
        return False
    before, after = (
        {k: v for k, v in (item or {}).items() if k in OWNED_ATTRIBUTES} for item in (entry.old, entry.new)
    )
    return before != after


def _in_short(changes: Item) -> str:
    """What a write says, for the log."""
    tasks = {name: record["state"] for name, record in changes.get("tasks", {}).items()}
    return ", ".join(
        str(tasks) if name == "tasks" else f"{name} {value}"
        for name, value in changes.items()
        if name in ("tasks", "status", "reason", "executionName", "recordingId", "previousRecording")
    )


__all__ = ["Act", "Invocation", "World"]
