"""The Classroom state machine on a virtual clock: an interpreter for the little of the States Language that it uses.

Starting is idempotent by name while an execution runs, and names are held for ever; stopping takes effect later; a task
can wake after its execution was stopped; an aborted execution can be redriven. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from classroom_scheduler.domain.errors import REPLACED
from tests.fakes import check_execution
from tests.simulation.clock import VirtualClock

LOST = "States.ServiceRestart"
TRANSITION = timedelta(milliseconds=20)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

Definition = dict[str, Any]
Agenda = list[tuple[datetime, int, Callable[[], None]]]


class ExecutionAlreadyExists(Exception):
    """The name was used: by a closed execution, or by a running one with another input."""


class ExecutionDoesNotExist(Exception):
    """There never was an execution of this name."""


class TaskFailed(Exception):
    """A task ended with an error, under the name that Step Functions gives it."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


@dataclass
class Execution:
    """One execution; `turn` grows with every step, so that what was put on the agenda before can tell it is stale."""

    name: str
    input: str
    data: Any
    started_at: datetime
    state: str
    status: str = "RUNNING"
    error: str = ""
    cause: str = ""
    turn: int = 0
    retries: dict[int, int] = field(default_factory=dict)
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.status == "RUNNING"


class StepFunctions:
    """The executions of one state machine, and the agenda of everything that happens at a time."""

    def __init__(
        self,
        definition: Definition,
        clock: VirtualClock,
        random: Random,
        invoke: Callable[[str, dict[str, Any], Execution], Any],
    ) -> None:
        self._definition = definition
        self._clock = clock
        self._random = random
        self._invoke = invoke
        self._agenda: Agenda = []
        self._order = count()
        self.executions: dict[str, Execution] = {}
        self.on_failure: Callable[[Execution], None] = lambda execution: None

    # what the API offers

    def start(self, name: str, request: str) -> None:
        """StartExecution. Raises ExecutionAlreadyExists, and RefusedByAws for what AWS would not accept."""
        check_execution(name, json.loads(request))
        known = self.executions.get(name)
        if known is not None:
            if known.running and known.input == request:
                return
            raise ExecutionAlreadyExists(name)
        execution = Execution(name, request, json.loads(request), self._clock(), self._definition["StartAt"])
        self.executions[name] = execution
        self._enter(execution, execution.state)

    def stop(self, name: str) -> None:
        """StopExecution: takes effect up to five seconds later; stopping what is closed already changes nothing."""
        execution = self.executions.get(name)
        if execution is None:
            raise ExecutionDoesNotExist(name)
        delay = self._random.choice((0.0, 0.0, 0.1, 1.0, 5.0))
        self.at(self._clock.now + timedelta(seconds=delay), lambda: self._abort(execution, REPLACED))

    def abort(self, name: str) -> None:
        """A person stops an execution, and it has stopped."""
        self._abort(self.executions[name])

    def lose(self, name: str) -> None:
        """The service fails a running execution of its own accord, wherever it is."""
        execution = self.executions[name]
        if execution.running:
            self._fail(execution, LOST, "")

    def redrive(self, name: str) -> None:
        """RedriveExecution: an aborted execution goes on where it was, with its old input; retries start at 0."""
        execution = self.executions[name]
        if execution.status == "ABORTED":
            execution.status, execution.error = "RUNNING", ""
            self._enter(execution, execution.state)

    def wake(self, name: str, index: int) -> None:
        """An invocation of this execution arrives a second time, whatever became of it; nobody hears the answer."""
        execution = self.executions[name]
        if execution.invoked:
            function, payload = execution.invoked[index % len(execution.invoked)]
            with suppress(TaskFailed):
                self._invoke(function, _copy(payload), execution)

    # time

    def at(self, moment: datetime, act: Callable[[], None]) -> None:
        """Put something on the agenda."""
        heappush(self._agenda, (moment, next(self._order), act))

    @property
    def next_due(self) -> datetime | None:
        return self._agenda[0][0] if self._agenda else None

    def run_next(self) -> None:
        """Do the next thing on the agenda, at its time."""
        moment, _, act = heappop(self._agenda)
        self._clock.advance_to(moment)
        act()

    # the interpreter

    def _enter(self, execution: Execution, name: str) -> None:
        execution.state = name
        execution.retries = {}
        execution.turn += 1
        execution.visited.append(name)
        state = self._definition["States"][name]
        match state["Type"]:
            case "Wait":
                self._wait(execution, state)
            case "Task":
                self._later(execution, TRANSITION, lambda: self._attempt(execution, state))
            case "Pass":
                self._go_on(execution, state)
            case "Succeed":
                execution.status = "SUCCEEDED"
            case "Fail":
                self._fail(execution, state["Error"], self._cause(execution, state))
            case other:
                raise NotImplementedError(other)

    def _later(self, execution: Execution, delay: timedelta, act: Callable[[], None]) -> None:
        self._when(execution, self._clock.now + delay, act)

    def _when(self, execution: Execution, moment: datetime, act: Callable[[], None]) -> None:
        turn = execution.turn

        def act_if_still_there() -> None:
            if execution.running and execution.turn == turn:
                act()

        self.at(moment, act_if_still_there)

    def _wait(self, execution: Execution, state: dict[str, Any]) -> None:
        moment = self._wait_until(execution, state)
        if moment is None:
            self._fail(execution, "States.Runtime", f"{state} cannot wait, given {execution.data}")
        else:
            # A moment in the past passes at once.
            self._when(execution, max(moment, self._clock.now), lambda: self._go_on(execution, state))

    def _wait_until(self, execution: Execution, state: dict[str, Any]) -> datetime | None:
        if "TimestampPath" in state:
            text = self._value(execution, state["TimestampPath"])
            if not isinstance(text, str) or _TIMESTAMP.fullmatch(text) is None:
                return None
            return datetime.fromisoformat(text).replace(microsecond=0)
        seconds = self._value(execution, state["SecondsPath"])
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= 99_999_999:
            return None
        return self._clock.now + timedelta(seconds=seconds)

    def _attempt(self, execution: Execution, state: dict[str, Any]) -> None:
        # A second attempt for the same turn can never be: it would be a new turn.
        execution.turn += 1
        turn = execution.turn
        began = self._clock.now
        try:
            function, payload = self._request(execution, state)
            execution.invoked.append((function, payload))
            result = self._invoke(function, _copy(payload), execution)
            if self._clock.now - began > timedelta(seconds=state["TimeoutSeconds"]):
                raise TaskFailed("States.Timeout")
        except TaskFailed as failure:
            if execution.running and execution.turn == turn:
                self._retry_or_catch(execution, state, failure)
            return
        if execution.running and execution.turn == turn:
            if "ResultSelector" in state:
                result = self._resolve(execution, state["ResultSelector"], result)
            execution.data = _placed(execution.data, state.get("ResultPath", "$"), _copy(result))
            self._go_on(execution, state)

    def _request(self, execution: Execution, state: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The function that a task names, as `StartRecording`, and the payload."""
        parameters = self._resolve(execution, state["Parameters"], execution.data)
        resource = state["Resource"]
        if resource == "arn:aws:states:::lambda:invoke":
            resource, parameters = parameters["FunctionName"], parameters["Payload"]
        return resource.removeprefix("${").removesuffix("FunctionArn}"), parameters

    def _retry_or_catch(self, execution: Execution, state: dict[str, Any], failure: TaskFailed) -> None:
        for index, retrier in enumerate(state.get("Retry", ())):
            if _matches(retrier, failure):
                attempt = execution.retries.get(index, 0)
                if attempt < retrier.get("MaxAttempts", 3):
                    execution.retries[index] = attempt + 1
                    delay = self._delay(retrier, attempt)
                    self._later(execution, TRANSITION + delay, lambda: self._attempt(execution, state))
                    return
                break
        for catcher in state.get("Catch", ()):
            if _matches(catcher, failure):
                error = {"Error": failure.error, **({"Cause": failure.cause} if failure.cause else {})}
                execution.data = _placed(execution.data, catcher.get("ResultPath", "$"), error)
                self._enter(execution, catcher["Next"])
                return
        self._fail(execution, failure.error, failure.cause)

    def _delay(self, retrier: dict[str, Any], attempt: int) -> timedelta:
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** min(attempt, 40)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        return timedelta(seconds=self._random.uniform(0, delay) if retrier.get("JitterStrategy") == "FULL" else delay)

    def _go_on(self, execution: Execution, state: dict[str, Any]) -> None:
        if state.get("End"):
            execution.turn += 1
            execution.status = "SUCCEEDED"
        else:
            self._enter(execution, state["Next"])

    def _fail(self, execution: Execution, error: str, cause: str) -> None:
        execution.turn += 1
        execution.status, execution.error, execution.cause = "FAILED", error, cause
        self.on_failure(execution)

    def _abort(self, execution: Execution, error: str = "") -> None:
        if execution.running:
            execution.turn += 1
            execution.status, execution.error = "ABORTED", error
            self.on_failure(execution)

    def _cause(self, execution: Execution, state: dict[str, Any]) -> str:
        return str(self._value(execution, state["CausePath"])) if "CausePath" in state else state.get("Cause", "")

    # paths

    def _resolve(self, execution: Execution, template: Any, data: Any) -> Any:
        """A payload template: `"name.$"` takes its value from a path, everything else stands for itself."""
        if isinstance(template, dict):
            return {
                name.removesuffix(".$"): self._value(execution, value, data)
                if name.endswith(".$")
                else self._resolve(execution, value, data)
                for name, value in template.items()
            }
        return template

    def _value(self, execution: Execution, path: str, data: Any = None) -> Any:
        if path.startswith("States.JsonToString("):
            return json.dumps(self._value(execution, path[len("States.JsonToString(") : -1], data))
        if path.startswith("$$"):
            return _follow(self._context(execution), path[1:])
        return _follow(execution.data if data is None else data, path)

    def _context(self, execution: Execution) -> dict[str, Any]:
        return {
            "Execution": {"Name": execution.name, "Input": json.loads(execution.input)},
            "State": {"Name": execution.state, "RetryCount": sum(execution.retries.values())},
        }


def _matches(rule: dict[str, Any], failure: TaskFailed) -> bool:
    names = rule["ErrorEquals"]
    if failure.error in names:
        return True
    if failure.error in ("States.Runtime", "States.DataLimitExceeded"):
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and failure.error != "States.Timeout")


def _follow(data: Any, path: str) -> Any:
    for name in path.split(".")[1:]:
        if not isinstance(data, dict) or name not in data:
            raise TaskFailed("States.Runtime", f"{path} is not in {data}")
        data = data[name]
    return data


def _placed(data: Any, path: str, value: Any) -> Any:
    """The data with the value at the path; ResultPath makes the objects that are not there."""
    names = path.split(".")[1:]
    if not names:
        return value
    result = dict(data)
    place = result
    for name in names[:-1]:
        place[name] = dict(place.get(name, {}))
        place = place[name]
    place[names[-1]] = value
    return result


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
